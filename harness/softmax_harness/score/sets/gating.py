"""The last word on a set: its verdicts held against a baseline, with commands that show faults."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from softmax_harness.check.contract import Checked, Finding
from softmax_harness.check.contract.finding import Key
from softmax_harness.check.gate.baseline import Baseline
from softmax_harness.check.gate.gated import Gated, held_against
from softmax_harness.check.gate.settings import Settings
from softmax_harness.explain.command import explaining
from softmax_harness.ground.errors import BadBaseline
from softmax_harness.inputs.families import Recipe
from softmax_harness.operations import Problem
from softmax_harness.score.sets.items import InputSet
from softmax_harness.score.sets.judging import JudgedSet

PARTS = ("accuracy",)
# What decides the bits is a device that this process does not know.
TAKEN_ON: dict[str, str] = {}


@dataclass(frozen=True)
class Accepted:
    """A baseline and its file."""

    path: Path
    baseline: Baseline


def gated(there: InputSet, judged: JudgedSet, outputs: Path, accepted: Accepted | None) -> Gated:
    """The verdicts with regressions from a baseline.

    Raises
    ------
    BadBaseline
        If the baseline is of other inputs, so that nothing can be compared.
    """
    if accepted is not None:
        _check_same(there, judged, accepted)
    seed = there.seed

    def suite(problem: Problem, seed: int) -> Iterator[Recipe]:
        return (each.recipe for each in there.of(problem.input_format.name))

    baseline = accepted.baseline if accepted else None
    found = held_against(judged.results, baseline, Settings(), seed, PARTS, suite)
    again = shlex.join(["softmax-harness", "score", str(there.folder), str(outputs)])
    notes = [*found.notes, *_formats_left(judged, baseline)]
    return Gated([_with_commands(each, again) for each in found.results], notes)


def _check_same(there: InputSet, judged: JudgedSet, accepted: Accepted) -> None:
    for result in judged.results:
        _check_known(result.key, accepted)
        entry = accepted.baseline.nearest(result.key)
        names = {each.name for each in result.cells}
        if entry is not None and names and not names & entry.cells.keys():
            raise BadBaseline(
                f"{accepted.path}: its results of {result.implementation} in {result.dtype} are "
                f"of other inputs than {there.folder} holds: name another file"
            )


def _check_known(key: Key, accepted: Accepted) -> None:
    """Refuse outputs of a name that the baseline does not have in any format.

    The name may be that of a folder, such as one for each commit: with none in common nothing would
    ever be compared.
    """
    others = [each for each in accepted.baseline.entries if each.operation == key.operation]
    known = sorted({each.implementation for each in others})
    if key.implementation not in known:
        there = ", ".join(known) or f"none of {key.operation}"
        raise BadBaseline(
            f"{accepted.path} has no results of {key.implementation}, only of {there}: say by "
            "--name which they are, or add them with --update-baseline"
        )


def _formats_left(judged: JudgedSet, baseline: Baseline | None) -> list[str]:
    """A note on formats of which the baseline has results of this name, and the set none."""
    keys = {each.key for each in judged.results}
    names = {(each.operation, each.implementation) for each in keys}
    there = [] if baseline is None else sorted(baseline.entries.keys() - keys)
    left = [each.dtype for each in there if (each.operation, each.implementation) in names]
    return [f"in the baseline and not among these inputs: {', '.join(left)}"] * bool(left)


def _with_commands(result: Checked, again: str) -> Checked:
    """The result, whose findings tell what to run: nobody can call what was computed elsewhere."""

    def told(finding: Finding) -> Finding:
        shown = explaining(finding.witness, None, result.operation) if finding.witness else again
        return replace(finding, replay=shown)

    return replace(result, findings=tuple(map(told, result.findings)))
