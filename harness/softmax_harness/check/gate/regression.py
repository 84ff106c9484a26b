"""A check against a baseline: what is worse, what is better, what cannot be compared here."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from softmax_harness.check.contract import PARTS, Checked, Finding
from softmax_harness.check.contract.finding import OF_CALLS
from softmax_harness.check.contract.suite import recipes
from softmax_harness.check.contract.summaries import RecipeSummary, name_of
from softmax_harness.check.gate.baseline import Baseline, Entry
from softmax_harness.check.gate.tolerance import Tolerance, is_less
from softmax_harness.ground.formats import format_named
from softmax_harness.inputs.families import Recipe
from softmax_harness.operations import Problem, operation_named
from softmax_harness.operations.standards import standards_of

_SHOWN = 3
_METRICS = ("max_ulp", "mean_ulp")


Suite = Callable[[Problem, int], Iterable[Recipe]]


def whole_suite(problem: Problem, seed: int) -> Iterator[Recipe]:
    """The recipes of a check of rows of any length."""
    return recipes(problem, math.inf, seed)


@dataclass(frozen=True)
class Compared:
    """Results held against a baseline.

    Attributes
    ----------
    results : list of Checked
        Each with its regressions among its findings.
    notes : list of str
        What is better, new, or could not be compared.
    """

    results: list[Checked]
    notes: list[str]


@dataclass(frozen=True)
class Held:
    """How results are held against a baseline.

    Attributes
    ----------
    seed : int
        Of the check.
    parts : tuple of str
        That the check asked for.
    tolerance : Tolerance
        What may be worse.
    is_borne : callable
        Whether a kind of finding of a result is waived today.
    suite : callable
        ``suite(problem, seed)`` gives the recipes that are asked for.
    """

    seed: int = 0
    parts: tuple[str, ...] = PARTS
    tolerance: Tolerance = Tolerance()
    is_borne: Callable[[Checked, str], bool] = lambda result, kind: False
    suite: Suite = whole_suite


class _Worse(NamedTuple):
    """Something that is worse, in words, and an input that shows it.

    Attributes
    ----------
    text, witness : str
    cell : str
        The cell that has a larger error, where it is that.
    before, now : float
        The errors there.
    """

    text: str
    witness: str = ""
    cell: str = ""
    before: float = 0.0
    now: float = 0.0


def compared(results: list[Checked], baseline: Baseline, held: Held) -> Compared:
    """The results with a finding of the kind ``regression`` where they are worse than accepted."""
    notes: list[str] = []
    return Compared([_Comparison(each, baseline, held, notes).made() for each in results], notes)


def left_out(results: list[Checked], baseline: Baseline) -> list[str]:
    """A note on what the baseline has and a check of everything did not look at."""
    left = sorted(baseline.entries.keys() - {each.key for each in results})
    if not left:
        return []
    names = ", ".join(f"{key.label} {key.dtype}" for key in left[:_SHOWN])
    more = f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
    return [f"in the baseline and not checked, since the settings do not name it: {names}{more}"]


class _Comparison:
    """One result against its entry."""

    def __init__(self, result: Checked, baseline: Baseline, held: Held, notes: list[str]) -> None:
        self._result, self._baseline, self._held = result, baseline, held
        self._name, self._notes = f"{result.implementation} {result.dtype}", notes

    def made(self) -> Checked:
        """The result, with its regression if it has one."""
        result, entry = self._result, self._baseline.nearest(self._result.key)
        if result.verdict == "unavailable":
            return result
        if entry is None:
            if result.verdict != "unsupported":
                self._note("not in the baseline yet; --update-baseline adds it")
            return result
        if result.verdict == "unsupported":
            why = f"it was supported, with {len(entry.cells)} cells ({result.reported[0]})"
            return _with(result, [_Worse(why)], "")
        pairs = [(entry.cells[new.name], new) for new in result.cells if new.name in entry.cells]
        worse = [*self._less_asked(entry), *self._new_faults(entry), *self._missing(entry)]
        if self._held.seed == self._baseline.seed:  # of other inputs other things may become
            worse += [each for old, new in pairs for each in self._new_outcomes(old, new)]
        larger, tally = self._errors(entry, pairs)
        if added := len(result.cells) - len(pairs):
            self._note(f"{added} cells are not in the baseline; --update-baseline adds them")
        return _with(result, [*worse, *larger], tally if larger else "")

    def _note(self, text: str) -> None:
        self._notes.append(f"{self._name}: {text}")

    def _is_borne(self, kind: str) -> bool:
        return self._held.is_borne(self._result, kind)

    def _less_asked(self, entry: Entry) -> Iterator[_Worse]:
        """What is no longer asked of it, by its declaration or by an option."""
        result, known = self._result, standards_of(operation_named(self._result.operation))
        places = [known.index(each) for each in (entry.standard, result.standard) if each in known]
        if places != sorted(places, reverse=True):
            yield _Worse(f"it was held to {entry.standard}, and is to {result.standard}")
        if self._has_other_output(entry):
            yield _Worse(f"its results were {entry.output_dtype}, and are {result.output_dtype}")

    def _has_other_output(self, entry: Entry) -> bool:
        there, here = entry.output_dtype, self._result.output_dtype
        return bool(there and here) and there != here

    def _new_faults(self, entry: Entry) -> Iterator[_Worse]:
        for finding in (*self._result.findings, *self._result.expected):
            if finding.kind not in entry.findings and not self._is_borne(finding.kind):
                yield _Worse(f"a new finding, {finding.kind}", finding.witness)

    def _missing(self, entry: Entry) -> Iterator[_Worse]:
        """Cells that were asked for and not made: nothing is known of them any more."""
        result = self._result
        if "accuracy" not in self._held.parts or not result.is_whole:
            return
        if any(each.kind in OF_CALLS and self._is_borne(each.kind) for each in result.findings):
            return  # which is why
        gone = entry.cells.keys() - {cell.name for cell in result.cells}
        if result.slow:
            if gone:
                self._note(f"{len(gone)} cells of the baseline were not judged: {result.slow}")
            return
        problem = Problem.of(operation_named(result.operation), format_named(result.dtype))
        asked, there = (
            {name_of(each) for each in self._held.suite(problem, seed)}
            for seed in (self._held.seed, self._baseline.seed)
        )
        if old := gone - asked - there:
            self._note(f"{len(old)} cells of the baseline are no longer asked for")
        if missing := sorted(gone & asked):
            told = f"{len(missing)} of its {len(entry.cells)} cells were not judged"
            yield _Worse(f"{told}, such as {missing[0]}")

    def _new_outcomes(self, old: RecipeSummary, new: RecipeSummary) -> Iterator[_Worse]:
        for outcome in new.outcomes:
            if outcome not in old.outcomes and not self._is_borne(outcome):
                text = f"a new outcome in {new.name}, {outcome}"
                yield _Worse(text, new.witness)

    def _errors(
        self, entry: Entry, pairs: list[tuple[RecipeSummary, RecipeSummary]]
    ) -> tuple[list[_Worse], str]:
        """The errors that are larger, the largest change first, and how many cells changed."""
        if why := self._why_not_compared(entry):
            if pairs:
                self._note(f"errors in ulp of {len(pairs)} cells were not compared: {why}")
            return [], ""
        pairs = [(old, new) for old, new in pairs if not self._is_explained(old, new)]
        changes = sorted(_larger(pairs), key=lambda each: each.before - each.now)
        allows = self._held.tolerance.allows
        worse = [each for each in changes if not allows(each.before, each.now)]
        raised = {each.cell for each in changes}
        better = sum(_is_better(old, new) for old, new in pairs if new.name not in raised)
        if within := raised - {each.cell for each in worse}:
            text = next(each.text for each in changes if each.cell in within)
            self._note(f"worse in {_cells(len(within))} within the tolerance, most: {text}")
        if better:
            self._note(f"better in {_cells(better)}; --update-baseline accepts them")
        count = len({each.cell for each in worse})
        return worse, f"worse in {_cells(count)}, better in {better}"

    def _why_not_compared(self, entry: Entry) -> str:
        if self._held.seed != self._baseline.seed:
            return (
                f"seed {self._baseline.seed} in the baseline, {self._held.seed} now, and only "
                "errors of equal seeds can be compared"
            )
        if self._has_other_output(entry):
            return "they are of another output format"
        if not entry.differences:
            return ""
        return (
            f"{', '.join(entry.differences)}; --update-baseline here adds an entry for machines "
            "such as this, and leaves the others"
        )

    def _is_explained(self, old: RecipeSummary, new: RecipeSummary) -> bool:
        """Whether a new outcome of the cell is waived, with whatever error it has."""
        return any(each not in old.outcomes and self._is_borne(each) for each in new.outcomes)


def _cells(number: int) -> str:
    return f"{number} cell{'' if number == 1 else 's'}"


def _larger(pairs: list[tuple[RecipeSummary, RecipeSummary]]) -> Iterator[_Worse]:
    for old, new in pairs:
        for metric in _METRICS:
            before, now = getattr(old, metric), getattr(new, metric)
            if is_less(before, now):
                text = f"{metric} in {new.name} was {before:.6g}, is {now:.6g}"
                yield _Worse(text, new.witness, new.name, before, now)


def _is_better(old: RecipeSummary, new: RecipeSummary) -> bool:
    return any(is_less(getattr(new, metric), getattr(old, metric)) for metric in _METRICS)


def _with(result: Checked, worse: list[_Worse], tally: str) -> Checked:
    if not worse:
        return result
    texts = [each.text for each in worse[:_SHOWN]]
    more = f" and {len(worse) - _SHOWN} more" if len(worse) > _SHOWN else ""
    told = f" ({tally})" if tally else ""
    witness = next((each.witness for each in worse if each.witness), "")
    finding = Finding(
        "regression",
        f"worse than the baseline{told}: {'; '.join(texts)}{more}",
        witness=witness,
        replay=result.key.explaining(witness) if witness else result.key.checking(),
    )
    return replace(result, verdict="fail", findings=(*result.findings, finding))
