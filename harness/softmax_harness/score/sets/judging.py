"""Judges a set: every output that came back, each recipe as a cell, each format with a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from softmax_implementations import Implementation

from softmax_harness.check.contract import Checked, Finding
from softmax_harness.check.contract.accuracy import JudgedBlock, JudgedBlocks
from softmax_harness.check.contract.checked import parted
from softmax_harness.check.contract.collected import Collected
from softmax_harness.check.contract.elements import Judgement, asked_of, judge
from softmax_harness.check.contract.finding import first_of_each_kind, key_of
from softmax_harness.check.contract.promises import Limit, limits_of
from softmax_harness.check.contract.shrink import Place
from softmax_harness.ground.formats import format_named
from softmax_harness.inputs.written import is_short, literal_text
from softmax_harness.judgement.aggregate import (
    RowTallies,
    Tally,
    kept_for_percentile,
    row_tallies,
    tally,
)
from softmax_harness.judgement.maxima import confirmed_maxima
from softmax_harness.judgement.metrics import metrics_of
from softmax_harness.operations import Inputs, Policy
from softmax_harness.run.measuring import Counts
from softmax_harness.run.sweep import Cell, Progress
from softmax_harness.score.seeing_nothing import Rows, by_the_first
from softmax_harness.score.sets.items import InputSet, Item
from softmax_harness.score.sets.outputs import Returned
from softmax_harness.score.sets.reading import blocks_of, changed, outputs_of
from softmax_harness.subjects.declaration import Said, described, problem_of, without
from softmax_harness.subjects.request import Fault
from softmax_harness.subjects.subject import Subject

MISSING = "missing"
_SHOWN = 3
_SUMMARY = "outputs that were computed elsewhere"


@dataclass(frozen=True)
class Asked:
    """What is asked of a set.

    Attributes
    ----------
    name : str
        Under which the outputs stand in every table and report.
    policy : Policy
    said : Said
        Their format and standard, where these are not the default ones.
    limits : tuple of Limit
    without : tuple of str
        Capabilities that they need not show.
    """

    name: str
    policy: Policy = Policy()
    said: Said = Said()
    limits: tuple[Limit, ...] = ()
    without: tuple[str, ...] = ()


@dataclass
class JudgedSet:
    """What was found.

    Attributes
    ----------
    declaration : Implementation
        What the outputs are taken for.
    results : list of Checked
        One verdict for each format.
    cells : dict of str to Cell
        By the name of the item, of each that was judged.
    counts : Counts
    faults : dict of str to list of Fault
        What is wrong with files, by the name of the item.
    missing : list of str
        The names of outputs that did not come back.
    others : list of str
        Files that nobody asked for.
    """

    declaration: Implementation
    results: list[Checked] = field(default_factory=list)
    cells: dict[str, Cell] = field(default_factory=dict)
    counts: Counts = Counts()
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def judged_set(there: InputSet, back: Returned, asked: Asked, progress: Progress) -> JudgedSet:
    """Judge all that came back; what is missing, or cannot be read, is a finding.

    Raises
    ------
    HarnessError
        If the operation has no such standard, or results of it no metric that is limited.
    """
    operation = there.operation
    plain = described(asked.name, None, _SUMMARY, operation)
    declaration = without(asked.said.about(plain, is_plain=True), asked.without)
    found = JudgedSet(declaration, others=back.others)
    done = 0
    for dtype in there.dtypes:
        items = there.of(dtype)
        subject = _subject(found.declaration, items, back, asked)
        group = _Group(subject, limits_of(subject, asked.limits), there, back, found)
        for item in items:
            group.judge(item)
            done += 1
            progress("judging", done, len(there.items))
        found.results.append(group.verdict(len(items)))
    return found


def _subject(
    declaration: Implementation, items: list[Item], back: Returned, asked: Asked
) -> Subject:
    """What is judged in one format, held to what it gives for a row that sees nothing."""
    first = items[0]
    format = format_named(first.dtype)
    problem = problem_of(declaration, first.about, format, asked.policy)
    problem = by_the_first(problem, _answered(items, back, asked))
    return Subject.here(declaration, problem)


def _answered(items: list[Item], back: Returned, asked: Asked) -> Iterator[Rows]:
    """The rows of all items whose outputs can be read."""
    for item in items:
        here = item.name in back.paths
        y = outputs_of(item, back, asked.said.output_dtype) if here else None
        if not isinstance(y, np.ndarray):
            continue
        for start in item.recipe.starts:
            inputs = item.recipe.inputs(item.about, start)
            yield Rows(inputs, partial(_part, y, start, inputs))


def _part(y: NDArray[Any], start: int, inputs: Inputs) -> NDArray[Any]:
    return y[start : start + len(inputs.x)]


class _Group:
    """The items of one format."""

    def __init__(
        self,
        subject: Subject,
        limits: list[Limit],
        there: InputSet,
        back: Returned,
        found: JudgedSet,
    ) -> None:
        self._subject, self._there, self._back, self._found = subject, there, back, found
        self._collected = Collected(subject, limits)
        self._faults: list[Fault] = []
        self._missing: list[str] = []
        self._elements = 0

    def judge(self, item: Item) -> None:
        """Judge an item, or say why it cannot be judged."""
        if item.name not in self._back.paths and item.name not in self._back.refused:
            self._missing.append(item.name)
            self._found.missing.append(item.name)
            return
        if (fault := changed(self._there.folder, item)) is not None:
            self._note(item, fault)
        y = outputs_of(item, self._back, self._found.declaration.output_dtype)
        if isinstance(y, Fault):
            self._note(item, y)
            return
        blocks = blocks_of(item)
        if isinstance(blocks, Fault):
            self._note(item, blocks)
            return
        self._judge(item, y, blocks)

    def _note(self, item: Item, fault: Fault) -> None:
        self._faults.append(fault)
        self._found.faults.setdefault(item.name, []).append(fault)

    def _judge(self, item: Item, y: NDArray[Any], blocks: list[Inputs]) -> None:
        recipe, problem = item.recipe, self._subject.problem
        keep, whole = kept_for_percentile(y.size), None
        rows: RowTallies | None = None
        for start, inputs in zip(recipe.starts, blocks, strict=True):
            asked = asked_of(self._subject, *inputs)
            judged = judge(asked, _part(y, start, inputs), not self._subject.promises("subnormals"))
            self._collected.see(JudgedBlocks.of(JudgedBlock(recipe, start, judged)))
            part, by_row = _tallied(judged, keep)
            whole = part if whole is None else whole.add(part, keep)
            rows = by_row if rows is None else rows.add(by_row)
            self._count(asked.exact_results.confirmed, recipe.n)
        assert whole is not None
        name = self._subject.name
        exact, confirmed = confirmed_maxima(
            problem,
            recipe,
            {name: whole},
            outputs=lambda _, start, inputs: _floats(y, start, inputs),
        )
        self._found.counts = self._found.counts.add(Counts(confirmed=confirmed))
        own = rows if recipe.family.grid is not None else None
        self._found.cells[item.name] = Cell(problem, name, recipe, exact[name], own, ())
        self._elements += whole.elements

    def _count(self, confirmed: NDArray[np.bool_], n: int) -> None:
        escalated = int(confirmed.sum()) * n
        own = Counts(confirmed.size * n - escalated, escalated)
        self._found.counts = self._found.counts.add(own)

    def verdict(self, items: int) -> Checked:
        """The verdict on all that was judged in this format."""
        subject, collected = self._subject, self._collected
        is_part = bool(self._faults or self._missing)  # of the rest nothing is known
        findings = [Finding(each.kind, each.message) for each in self._faults]
        if self._missing:
            findings.insert(0, Finding(MISSING, missing_text(self._missing, items)))
        findings += collected.findings(as_recorded)
        news, _ = parted(
            first_of_each_kind(findings), subject.declaration, subject.problem.output_format
        )
        return Checked.of(
            key_of(subject),
            "fail" if news else "pass",
            findings=news,
            reported=tuple(f"{kind}: {text}" for kind, text in collected.reported),
            elements=self._elements,
            cells=collected.cells,
            standard=subject.standard,
            reached=collected.reached if self._elements and not is_part else "",
            would_miss=collected.would_miss,
            cause=collected.cause,
            output_dtype=subject.problem.output_format.name,
        )


def missing_text(names: list[str], items: int) -> str:
    """Which outputs are missing: the first few by name, and their number."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{len(names)} of {items} outputs did not come back: {', '.join(names[:_SHOWN])}{more}"


def _tallied(judged: Judgement, keep: int) -> tuple[Tally, RowTallies]:
    """The tally of a block, and those of its rows; of no implementation there is a theorem."""
    batch, codes = judged.batch, judged.codes
    no_bound = np.full((len(batch.y), 1), np.nan)
    metrics = metrics_of(judged.asked.operation)
    return tally(batch, codes, no_bound, keep, metrics=metrics), row_tallies(batch, codes, no_bound)


def _floats(y: NDArray[Any], start: int, inputs: Inputs) -> NDArray[np.float64]:
    return _part(y, start, inputs).astype(np.float64)


def as_recorded(
    subject: Subject, kind: str, block: JudgedBlock, row: int, index: int
) -> Place | None:
    """The fault as it came back, by mpmath: of what cannot be called there is no smaller row."""
    asked = block.found.asked
    asked.confirm(np.array([row]))
    found = block.found.renewed()
    own = Inputs(asked.stored, asked.operands).row(row)
    text = literal_text(subject.problem, own, index) if is_short(own) else block.text(row, index)
    return Place(text, *found.excess(row, index), found.told(row, index))
