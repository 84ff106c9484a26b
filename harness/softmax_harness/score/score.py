"""Outputs that were computed elsewhere, judged against the exact softmax of their inputs."""

from __future__ import annotations

import math
import sys
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.environment import usable_cores
from softmax_harness.ground.errors import BadData
from softmax_harness.ground.floating_point import check_floating_point_environment
from softmax_harness.ground.formats import FORMATS, Format, format_of
from softmax_harness.ground.memory import keep_freed_memory, rows_per_block
from softmax_harness.ground.npy import let_go, read_npy
from softmax_harness.ground.workers import processes
from softmax_harness.judgement.aggregate import Extreme, Tally, kept_for_percentile, tally
from softmax_harness.judgement.maxima import (
    candidate_rows,
    check_candidates,
    maxima_by_row,
    renewed,
)
from softmax_harness.judgement.measure import classified, question
from softmax_harness.judgement.outcomes import GOOD_OUTCOMES, OUTCOMES
from softmax_harness.operations import OPERATIONS, Policy, Problem
from softmax_harness.operations.screen.constants import constants
from softmax_harness.truth import check_screen
from softmax_harness.truth.digits import exact_digits

_LARGEST_EXACT_INTEGER = 2**53
# Fewer elements than this are judged before other processes have begun.
_WORTH_PROCESSES = 1 << 19
# Three times what a run judges at once: with one y for each x the calls weigh more, measured.
_BLOCK_ELEMENTS = 3 << 16
# Elements of each row that are read at once where a row's elements do not lie side by side.
_GATHERED = 8


@dataclass(frozen=True)
class Pair:
    """Inputs and the outputs computed from them, both of one shape.

    Attributes
    ----------
    x, y : ndarray
        The same shape, at least one axis; not loaded into memory.
    axis : int
        The axis of the softmax, counted from 0.
    format : Format
        Of y: the format that is judged.
    paths : tuple of Path
        The files of x and y, from which another process opens them.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    axis: int
    format: Format
    paths: tuple[Path, Path]

    @property
    def n(self) -> int:
        """Length of a row."""
        return int(self.x.shape[self.axis])

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.x.size // self.n if self.x.size else 0

    def blocks(self) -> Iterator[tuple[int, slice]]:
        """First row and rows of each block."""
        step = rows_per_block(self.n, _BLOCK_ELEMENTS)
        for start in range(0, self.rows, step):
            yield start, slice(start, min(start + step, self.rows))

    def block(self, rows: slice | NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Some rows of inputs and outputs, shape (rows, n), read from the files now."""
        return self._rows_of(self.x, rows), self._rows_of(self.y, rows)

    def _rows_of(self, array: NDArray[Any], rows: slice | NDArray[np.int64]) -> NDArray[Any]:
        moved = np.moveaxis(array, self.axis, -1)
        if moved.flags.c_contiguous:
            return np.asarray(moved.reshape(-1, self.n)[rows])
        chosen = np.arange(*rows.indices(self.rows)) if isinstance(rows, slice) else rows
        places = np.unravel_index(chosen, moved.shape[:-1])
        gathered = np.empty((chosen.size, self.n), array.dtype)
        for start in range(0, self.n, _GATHERED):
            part = slice(start, start + _GATHERED)
            gathered[:, part] = moved[..., part][places]
            let_go(array)  # each element of a row may bring megabytes around it into memory
        return gathered

    def let_go(self) -> None:
        """Let go of what was read, so that memory does not grow with the files."""
        for array in (self.x, self.y):
            let_go(array)

    def place(self, row: int, index: int) -> list[int]:
        """Where element `index` of row `row` stands in x and y."""
        others = np.delete(self.x.shape, self.axis)
        lead = [int(each) for each in np.unravel_index(row, tuple(others))] if len(others) else []
        return [*lead[: self.axis], index, *lead[self.axis :]]


@dataclass(frozen=True)
class Score:
    """The judgement of a pair.

    Attributes
    ----------
    pair : Pair
    policy : Policy
    tally : Tally
    firsts : dict of str to Extreme
        The first element of each outcome that is a fault; `value` is what was computed.
    """

    pair: Pair
    policy: Policy
    tally: Tally
    firsts: dict[str, Extreme]


def read_pair(x_path: Path, y_path: Path, axis: int) -> Pair:
    """Inputs and outputs from two .npy files.

    Raises
    ------
    BadData
        If either is missing or holds no floats, if the shapes differ, if there is no such axis,
        if every input is NaN, or if an integer input is not exact in float64.
    """
    pair = _opened(x_path, y_path, axis)
    _check_inputs(x_path, pair.x)
    return pair


def _opened(x_path: Path, y_path: Path, axis: int) -> Pair:
    x, y = read_npy(x_path), read_npy(y_path)
    for path, array in ((x_path, x), (y_path, y)):
        try:
            format_of(array)
        except BadData as error:
            raise BadData(f"{path}: {error}") from None
    if y.dtype.name not in FORMATS:
        raise BadData(
            f"{y_path}: outputs of {y.dtype}: expected one of {', '.join(FORMATS)}, the format "
            "that is to be judged"
        )
    if x.shape != y.shape:
        raise BadData(
            f"{x_path} has shape {x.shape} and {y_path} has {y.shape}: expected the same shape"
        )
    # Plain arrays, which NumPy cuts several times as fast as its memmap.
    x, y = np.atleast_1d(x.view(np.ndarray)), np.atleast_1d(y.view(np.ndarray))
    if not -x.ndim <= axis < x.ndim:
        raise BadData(
            f"--axis {axis}: the arrays have {x.ndim} axes; expected {-x.ndim} to {x.ndim - 1}"
        )
    return Pair(x, y, axis % x.ndim, FORMATS[y.dtype.name], (x_path, y_path))


def _check_inputs(path: Path, x: NDArray[Any]) -> None:
    if x.dtype.kind in "iu" and x.size:
        flat = x.ravel(order="K")  # as it lies in the file, and so not a copy
        for start in range(0, x.size, _BLOCK_ELEMENTS):
            part = flat[start : start + _BLOCK_ELEMENTS]
            if max(-int(part.min()), int(part.max())) > _LARGEST_EXACT_INTEGER:
                raise BadData(
                    f"{path}: holds integers beyond 2**53, which float64 cannot hold exactly; "
                    "expected inputs as they were given to the softmax, in its own format"
                )
            let_go(x)
    elif x.size and all(np.isnan(part).all() for part in x):
        raise BadData(f"{path}: every value is NaN; expected logits, at least one of them a number")


def score(
    pair: Pair, policy: Policy, progress: Callable[[int], None] = lambda elements: None
) -> Score:
    """Judge every element of a pair, on all cores; `progress` is called with the number so far.

    Blocks are added up in their order, so that the result does not depend on how many processes
    judge them.
    """
    if not pair.rows:
        raise BadData(f"the arrays are empty, of shape {pair.x.shape}: there is nothing to judge")
    total: Tally | None = None
    firsts: dict[str, Extreme] = {}
    keep = kept_for_percentile(pair.x.size)
    for start, found, own in _judged_blocks(pair, policy):
        for name, extreme in own.items():
            firsts.setdefault(name, replace(extreme, row=start + extreme.row))
        total = found if total is None else total.add(found, keep)
        progress(total.elements)
    assert total is not None
    return Score(pair, policy, _confirmed(pair, policy, total), firsts)


_Block = tuple[int, Tally, dict[str, Extreme]]


def _problem(pair: Pair, policy: Policy) -> Problem:
    """What the outputs of a pair are taken for; its rows lie along the last axis of a block."""
    return Problem(OPERATIONS["softmax"], format_of(pair.x), pair.format, policy=policy)


class _Judge:
    """Judges the blocks of a pair, each knowing the maxima of those that it judged before."""

    def __init__(self, pair: Pair, policy: Policy) -> None:
        self._pair, self._policy = pair, policy
        self._keep = kept_for_percentile(pair.x.size)
        self._so_far: dict[str, float] = {}

    def arbitrate(self, start: int, rows: slice) -> _Block:
        """The block's first row, its tally and its first faults."""
        check_floating_point_environment()
        x, y = self._pair.block(rows)
        asked = question(_problem(self._pair, self._policy), x)
        batch, codes = classified(asked, y.astype(np.float64, copy=False))
        no_bound = np.full((len(x), 1), np.nan)
        found = tally(batch, codes, no_bound, self._keep, self._so_far)
        for name, value in found.so_far.items():
            self._so_far[name] = max(value, self._so_far.get(name, value))
        firsts = _first_faults(found, codes, batch.y)
        self._pair.let_go()
        return start, found, firsts


def _judged_blocks(pair: Pair, policy: Policy) -> Iterator[_Block]:
    """Each block's first row, its tally and its first faults, in order; few are in memory."""
    jobs = usable_cores() if pair.x.size >= _WORTH_PROCESSES else 1
    constants()  # which forked processes inherit
    if jobs == 1:
        keep_freed_memory()
        here = _Judge(pair, policy)
        yield from (here.arbitrate(start, rows) for start, rows in pair.blocks())
        return
    # Forked where that is safe, since forked processes start at once.
    start_method = "fork" if sys.platform == "linux" else "spawn"
    with processes(jobs, start_method, _begin, (*pair.paths, pair.axis, policy)) as executor:
        ahead: deque[Future[_Block]] = deque()
        for start, rows in pair.blocks():
            ahead.append(executor.submit(_confirm_block, start, rows))
            if len(ahead) > 4 * jobs:
                import mpmath  # noqa: F401 - the end needs it, and it loads while the workers work

                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


_own: list[_Judge] = []  # the judge of a worker process


def _begin(x_path: Path, y_path: Path, axis: int, policy: Policy) -> None:
    _own[:] = [_Judge(_opened(x_path, y_path, axis), policy)]


def _confirm_block(start: int, rows: slice) -> _Block:
    return _own[0].arbitrate(start, rows)


def _confirmed(pair: Pair, policy: Policy, total: Tally) -> Tally:
    """The tally with maxima by mpmath, on the rows that are candidates for one."""
    rows = candidate_rows(total)
    if not rows:
        return total
    x, y = pair.block(np.array(rows, dtype=np.int64))
    asked = question(_problem(pair, policy), x, tier="mpmath")
    check_screen(asked.problem, asked.x, asked.operands, asked.truth, f"rows {rows} of the file")
    exact = maxima_by_row(asked.batch_of(y.astype(np.float64)), rows)
    check_candidates(total, exact, "the file")
    return renewed(total, exact)


def _first_faults(
    found: Tally, codes: NDArray[np.int8], y: NDArray[np.float64]
) -> dict[str, Extreme]:
    firsts = {}
    for code in np.flatnonzero(found.outcomes).tolist():
        if OUTCOMES[code] not in GOOD_OUTCOMES:
            row, index = np.argwhere(codes == code)[0].tolist()
            firsts[OUTCOMES[code]] = Extreme(float(y[row, index]), row, index)
    return firsts


def score_document(scored: Score) -> dict[str, Any]:
    """The score as JSON: non-finite and exact values are strings, inputs and outputs hex floats.

    The outcomes stand together under ``outcomes`` and each at the top too, named as the columns
    of results.csv are.
    """
    total, pair = scored.tally, scored.pair
    outcomes = dict(zip(OUTCOMES, total.outcomes.tolist(), strict=True))
    right = outcomes["correctly_rounded"] + outcomes["inherent_underflow"]
    worst = total.extremes.get("max_ulp")
    measured = total.measured or math.nan
    return {
        "schema": 1,
        "dtype": pair.format.name,
        "shape": list(pair.x.shape),
        "axis": pair.axis,
        "rows": total.rows,
        "elements": total.elements,
        "not_correctly_rounded": total.elements - right,
        **outcomes,
        "outcomes": outcomes,
        "mean_ulp": _number(total.sum_absolute / measured),
        "bias_ulp": _number(total.sum_signed / measured),
        "p99_ulp": _number(total.p99_ulp),
        **{name: _number(extreme.value) for name, extreme in total.extremes.items()},
        "max_ulp": _number(worst.value if worst else math.nan),
        "sum_defect": _number(getattr(total.extremes.get("sum_defect"), "value", math.nan)),
        **{name: int(value) for name, value in total.sums.items()},
        "worst": _element(scored, worst) | {"ulp": _number(worst.value)} if worst else None,
        "firsts": {name: _element(scored, extreme) for name, extreme in scored.firsts.items()},
    }


def _element(scored: Score, extreme: Extreme) -> dict[str, Any]:
    """Where an element stands, what went in, what came out, and what is right."""
    pair = scored.pair
    place = pair.place(extreme.row, extreme.index)
    inputs, outputs = pair.block(np.array([extreme.row]))
    logits = inputs[0].astype(np.float64)
    x, y = float(logits[extreme.index]), float(outputs[0, extreme.index])
    exact = exact_digits(_problem(pair, scored.policy), logits, extreme.index) or "any"
    return {"index": place, "x": x.hex(), "y": y.hex(), "exact": exact}


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)
