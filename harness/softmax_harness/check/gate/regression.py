"""A check against a baseline: what is worse, what is better, what cannot be compared here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from softmax_harness.check.contract import Checked, Finding
from softmax_harness.check.contract.summaries import RecipeSummary
from softmax_harness.check.gate.baseline import Baseline, Entry, taken_here

# Errors are stored to nine digits, and come from the screen to better than that.
_SAME = 1e-6
_SHOWN = 3


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


def compared(results: list[Checked], baseline: Baseline, seed: int) -> Compared:
    """The results with a finding of the kind ``regression`` where they are worse than accepted."""
    notes: list[str] = []
    held = [_held(result, baseline, seed, notes) for result in results]
    return Compared(held, notes)


def _held(result: Checked, baseline: Baseline, seed: int, notes: list[str]) -> Checked:
    if result.verdict not in ("pass", "fail"):
        return result
    name = f"{result.implementation} {result.dtype}"
    entry = baseline.entries.get(result.key)
    if entry is None:
        notes.append(f"{name}: not in the baseline yet; --update-baseline adds it")
        return result
    worse = [*_new_faults(result, entry)]
    difference = _difference(entry) or (
        f"seed {baseline.seed} in the baseline, {seed} now" if seed != baseline.seed else ""
    )
    pairs = [(entry.cells[cell.name], cell) for cell in result.cells if cell.name in entry.cells]
    if seed == baseline.seed:  # of other inputs other things may become
        worse += [text for old, new in pairs for text in _new_outcomes(old, new)]
    if difference:
        notes.append(f"{name}: errors in ulp of {len(pairs)} cells were not compared: {difference}")
    else:
        worse += [text for old, new in pairs for text in _worse_errors(old, new)]
        better = sum(_is_less(new.max_ulp, old.max_ulp) for old, new in pairs)
        if better:
            notes.append(f"{name}: better in {better} cells; --update-baseline accepts them")
    if missing := len(result.cells) - len(pairs):
        told = f"{missing} cells are not in the baseline; --update-baseline adds them"
        notes.append(f"{name}: {told}")
    return _with(result, worse)


def _with(result: Checked, worse: list[tuple[str, str]]) -> Checked:
    if not worse:
        return result
    texts = [text for text, _ in worse[:_SHOWN]]
    more = f" and {len(worse) - _SHOWN} more" if len(worse) > _SHOWN else ""
    witness = next((witness for _, witness in worse if witness), "")
    replay = result.key.explaining(witness) if witness else result.key.checking()
    finding = Finding(
        "regression",
        f"worse than the baseline: {'; '.join(texts)}{more}",
        witness=witness,
        replay=replay,
    )
    return replace(result, verdict="fail", findings=(*result.findings, finding))


def _new_faults(result: Checked, entry: Entry) -> Iterator[tuple[str, str]]:
    for finding in (*result.findings, *result.expected):
        if finding.kind not in entry.findings:
            yield f"a new finding, {finding.kind}", finding.witness


def _new_outcomes(old: RecipeSummary, new: RecipeSummary) -> Iterator[tuple[str, str]]:
    for outcome in new.outcomes:
        if outcome not in old.outcomes:
            yield f"a new outcome in {new.name}, {outcome}", new.witness


def _worse_errors(old: RecipeSummary, new: RecipeSummary) -> Iterator[tuple[str, str]]:
    for metric in ("max_ulp", "mean_ulp"):
        before, now = getattr(old, metric), getattr(new, metric)
        if _is_less(before, now):
            yield f"{metric} in {new.name} was {before:.6g}, is {now:.6g}", new.witness


def _is_less(one: float, other: float) -> bool:
    return other - one > _SAME * max(abs(one), abs(other), _SAME)


def _difference(entry: Entry) -> str:
    """How the machine of the baseline differs from this one in what decides the bits."""
    here = taken_here()
    return ", ".join(
        f"{key} was {there} in the baseline, is {here.get(key, 'none')} here"
        for key, there in entry.taken_on.items()
        if here.get(key) != there
    )
