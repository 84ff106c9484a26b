"""A pair judged against the exact results of its inputs: of files on all cores."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.environment import usable_cores
from softmax_harness.ground.errors import BadData
from softmax_harness.ground.floating_point import check_floating_point_environment
from softmax_harness.ground.memory import keep_freed_memory
from softmax_harness.ground.workers import processes
from softmax_harness.judgement.aggregate import Extreme, Tally, kept_for_percentile, tally
from softmax_harness.judgement.flushing import with_flushed
from softmax_harness.judgement.long_row import SlicedRow, judged_row
from softmax_harness.judgement.maxima import (
    candidate_rows,
    check_candidates,
    exact_maxima,
    renewed,
)
from softmax_harness.judgement.measure import classified
from softmax_harness.judgement.metrics import metrics_of
from softmax_harness.judgement.outcomes import OUTCOMES
from softmax_harness.judgement.question import Question, question
from softmax_harness.operations import Policy
from softmax_harness.operations.screen.constants import constants
from softmax_harness.operations.standards import check_standard, default_standard
from softmax_harness.score.pair import Files, Pair
from softmax_harness.score.reading import open_pair
from softmax_harness.score.seeing_nothing import as_answered
from softmax_harness.truth import check_screen

# Fewer elements than this are judged before other processes have begun.
_WORTH_PROCESSES = 1 << 19


@dataclass(frozen=True)
class Score:
    """The judgement of a pair.

    Attributes
    ----------
    pair : Pair
    policy : Policy
    standard : str
        Of accuracy, by which elements are accurate.
    tally : Tally
    firsts : dict of str to Extreme
        The first element of each outcome that is a fault; `value` is what was computed.
    row : SlicedRow or None
        The only row there is, if it was judged slice by slice.
    at_most : float or None
        The error in ulp that it was held to in place of the standard.
    """

    pair: Pair
    policy: Policy
    standard: str
    tally: Tally
    firsts: dict[str, Extreme]
    row: SlicedRow | None = None
    at_most: float | None = None


@dataclass(frozen=True)
class Terms:
    """What the results of a pair are held to; the rest as in `Score`.

    Attributes
    ----------
    metrics : tuple of str
        What is measured; all that the operation has where there are none.
    flushes : bool
        Whether subnormal numbers may count as 0.
    """

    policy: Policy
    standard: str
    at_most: float | None = None
    metrics: tuple[str, ...] = ()
    flushes: bool = False


def terms_of(
    pair: Pair,
    policy: Policy,
    standard: str | None = None,
    at_most: float | None = None,
    metrics: tuple[str, ...] = (),
) -> Terms:
    """The terms for a pair, by default the standard of its format.

    Where a mask hides everything, it may give NaN or 0, the same throughout, unless `policy` says
    more.
    """
    if not pair.rows:
        raise BadData(f"the arrays are empty, of shape {pair.y.shape}: there is nothing to judge")
    policy = as_answered(pair, policy)
    problem = pair.problem(policy)
    held_to = standard or default_standard(problem.operation, problem.output_format)
    check_standard(held_to, problem.operation)
    return Terms(policy, held_to, at_most, metrics)


def _unseen(elements: int) -> None:
    """Whoever shows no progress."""


def score(
    pair: Pair,
    policy: Policy,
    progress: Callable[[int], None] = _unseen,
    standard: str | None = None,
    jobs: int | None = None,
) -> Score:
    """Judge every result of a pair; `progress` is called with the number so far.

    Every maximum is confirmed by mpmath. What it is held to, `terms_of` says.

    Parameters
    ----------
    jobs : int or None
        How many processes judge it; None for as many as are worth it.
    """
    return confirmed(screened_score(pair, terms_of(pair, policy, standard), progress, jobs))


def confirmed(scored: Score) -> Score:
    """A score by `screened_score` with maxima by mpmath."""
    terms = Terms(scored.policy, scored.standard, scored.at_most)
    arbiter = _Arbiter(_Judge(scored.pair, terms, scored.row))
    return replace(scored, tally=arbiter.confirmed(scored.tally))


def screened_score(
    pair: Pair,
    terms: Terms,
    progress: Callable[[int], None] = _unseen,
    jobs: int | None = 1,
) -> Score:
    """As `score`, but the maxima are the screen's, which no report may state.

    Blocks are added up in their order, so that the result does not depend on how many processes
    judge them.
    """
    total: Tally | None = None
    firsts: dict[str, Extreme] = {}
    keep, here = kept_for_percentile(pair.y.size), _Judge(pair, terms)
    for start, found, own in _judged_blocks(here, jobs):
        for name, extreme in own.items():
            firsts.setdefault(name, replace(extreme, row=start + extreme.row))
        total = found if total is None else total.add(found, keep)
        progress(total.elements)
    assert total is not None
    return Score(pair, terms.policy, terms.standard, total, firsts, here.row, terms.at_most)


_Block = tuple[int, Tally, dict[str, Extreme]]


class _Judge:
    """Judges the blocks of a pair, each knowing the maxima of those that it judged before.

    Attributes
    ----------
    pair : Pair
    terms : Terms
    problem : Problem
    row : SlicedRow or None
        The only row there is, once it was judged slice by slice.
    """

    def __init__(self, pair: Pair, terms: Terms, row: SlicedRow | None = None) -> None:
        self.pair, self.terms = pair, terms
        self.problem = pair.problem(terms.policy)
        self.row = row
        known, names = metrics_of(pair.operation), terms.metrics
        self._metrics = [each for each in known if not names or each.name in names]
        self._keep = kept_for_percentile(pair.y.size)
        self._so_far: dict[str, float] = {}

    def judge(self, start: int, rows: slice) -> _Block:
        """The block's first row, its tally and its first faults."""
        check_floating_point_environment()
        if SlicedRow.takes(self.problem, self.pair.inputs(rows).x):
            return self._judge_row(start, rows)
        y = self.outputs(rows)
        asked = self.question(rows)
        batch, codes = classified(asked, y)
        codes = with_flushed(asked, batch, codes) if self.terms.flushes else codes
        no_bound = np.full((len(y), 1), np.nan)
        found = tally(batch, codes, no_bound, self._keep, self._so_far, self._metrics)
        for name, value in found.so_far.items():
            self._so_far[name] = max(value, self._so_far.get(name, value))
        firsts = _first_faults(found, codes, batch.y)
        self.pair.let_go()
        return start, found, firsts

    def _judge_row(self, start: int, rows: slice) -> _Block:
        row = self.sliced(rows)
        found, firsts = judged_row(row, self._keep)
        names = {each.name for each in self._metrics}
        found = replace(
            found,
            candidates={name: each for name, each in found.candidates.items() if name in names},
            sums={name: each for name, each in found.sums.items() if name in names},
        )
        if self.pair.rows == 1:
            self.row = row
        return start, found, firsts

    def sliced(self, rows: slice) -> SlicedRow:
        """One row, to be judged slice by slice."""
        x, y = self.pair.inputs(rows).x, self.pair.outputs(rows)
        terms = self.terms
        return SlicedRow(self.problem, terms.standard, x, y, self.pair.let_go, terms.at_most)

    def question(self, rows: slice | NDArray[np.int64], tier: str = "screened") -> Question:
        """Some rows of inputs with their truth."""
        x, operands = self.pair.inputs(rows)
        asked = question(self.problem, x, operands, tier)
        return asked.held_to(self.terms.standard, self.terms.at_most)

    def outputs(self, rows: slice | NDArray[np.int64]) -> NDArray[np.float64]:
        """Some rows of outputs, shape (rows, m)."""
        return self.pair.outputs(rows).astype(np.float64, copy=False)


def _judged_blocks(here: _Judge, jobs: int | None) -> Iterator[_Block]:
    """Each block's first row, its tally and its first faults, in order; few are in memory."""
    pair = here.pair
    if jobs is None:
        is_much = pair.call.x.size * pair.operation.cost >= _WORTH_PROCESSES
        jobs = usable_cores() if is_much and pair.rows > 1 else 1
    constants()  # which forked processes inherit
    if jobs == 1 or pair.files is None:
        keep_freed_memory()
        yield from (here.judge(start, rows) for start, rows in pair.blocks())
        return
    # Forked where that is safe, since forked processes start at once.
    start_method = "fork" if sys.platform == "linux" else "spawn"
    given = (pair.files, here.terms)
    with processes(jobs, start_method, _begin, given) as executor:
        ahead: deque[Future[_Block]] = deque()
        for start, rows in pair.blocks():
            ahead.append(executor.submit(_judge_block, start, rows))
            if len(ahead) > 4 * jobs:
                import mpmath  # noqa: F401 - the end needs it, and it loads while the workers work

                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


_own: list[_Judge] = []  # the judge of a worker process


def _begin(files: Files, terms: Terms) -> None:
    _own[:] = [_Judge(open_pair(files), terms)]


def _judge_block(start: int, rows: slice) -> _Block:
    return _own[0].judge(start, rows)


class _Arbiter:
    """Confirms the maxima of a pair."""

    def __init__(self, judge: _Judge) -> None:
        self._judge = judge

    def confirmed(self, total: Tally) -> Tally:
        """The tally with maxima by the arbiter, on the rows that are candidates for one."""
        rows, pair = candidate_rows(total), self._judge.pair
        if not rows:
            return total
        is_sliced = SlicedRow.takes(self._judge.problem, pair.inputs(_places(rows[:1])).x)
        exact = self._of_slices(total, rows) if is_sliced else self._of_rows(rows)
        check_candidates(total, exact, "the outputs")
        return renewed(total, exact)

    def _of_rows(self, rows: list[int]) -> dict[str, list[Extreme]]:
        asked = self._judge.question(_places(rows), "mpmath")
        where = f"rows {rows} of the inputs"
        check_screen(asked.problem, asked.x, asked.operands, asked.truth, where)
        return exact_maxima(asked, self._judge.outputs(_places(rows)), rows)

    def _of_slices(self, total: Tally, rows: list[int]) -> dict[str, list[Extreme]]:
        """One row after another, and of these the elements that are candidates."""
        exact: dict[str, list[Extreme]] = {}
        for row in rows:
            sliced = self._judge.row or self._judge.sliced(slice(row, row + 1))
            found = {
                name: [each for each in near if each.row == row]
                for name, near in total.candidates.items()
            }
            for name, own in sliced.confirmed(found).items():
                exact.setdefault(name, []).extend(own)
        return exact


def _places(rows: list[int]) -> slice | NDArray[np.int64]:
    """As a slice, if they are one row, which is then not copied."""
    return slice(rows[0], rows[0] + 1) if len(rows) == 1 else np.array(rows, dtype=np.int64)


def _first_faults(
    found: Tally, codes: NDArray[np.int8], y: NDArray[np.float64]
) -> dict[str, Extreme]:
    firsts: dict[str, Extreme] = {}
    for code in np.flatnonzero(found.outcomes).tolist():
        if not OUTCOMES[code].is_good:
            row, index = np.argwhere(codes == code)[0].tolist()
            firsts[OUTCOMES[code]] = Extreme(float(y[row, index]), row, index)
    return firsts
