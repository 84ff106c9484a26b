"""score of a folder: outputs that came back for a set, with one verdict on all of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from softmax_harness.check.contract.promises import parsed_limit
from softmax_harness.check.documents.junit import junit_document
from softmax_harness.check.documents.markdown import markdown_document
from softmax_harness.check.gate.gated import Gated
from softmax_harness.check.gate.stored import read as read_baseline
from softmax_harness.check.gate.stored import to_update, update
from softmax_harness.cli.documents import DocumentFiles
from softmax_harness.cli.github import tell_github
from softmax_harness.cli.progress import shown_progress
from softmax_harness.cli.written_run import write_run
from softmax_harness.ground.documents.as_json import json_text
from softmax_harness.ground.documents.github import check_summary
from softmax_harness.ground.errors import BadBaseline, BadData
from softmax_harness.ground.files import check_writable
from softmax_harness.ground.floating_point import check_floating_point_environment
from softmax_harness.ground.text import printable
from softmax_harness.operations import Policy
from softmax_harness.run.results import FILES
from softmax_harness.score.sets.as_run import as_run
from softmax_harness.score.sets.documents import set_document, set_lines
from softmax_harness.score.sets.gating import PARTS, TAKEN_ON, Accepted, gated
from softmax_harness.score.sets.items import InputSet, read_set
from softmax_harness.score.sets.judging import Asked, JudgedSet, judged_set
from softmax_harness.score.sets.outputs import returned
from softmax_harness.subjects.declaration import Said


@dataclass(frozen=True)
class SetOptions:
    """What a command says about the outputs of a set.

    Attributes
    ----------
    name : str or None
        Under which they stand everywhere; None for that of their folder.
    said : Said
    policy : Policy
    limits : tuple of str
    out, baseline : Path or None
        The folder of the report; the accepted results.
    updates : bool
        Whether these results are the new baseline.
    without : tuple of str
        Capabilities that the outputs need not show.
    """

    name: str | None
    said: Said
    policy: Policy
    limits: tuple[str, ...]
    out: Path | None
    baseline: Path | None
    updates: bool
    without: tuple[str, ...] = ()

    def asked(self, outputs: Path) -> Asked:
        """What is asked of the outputs in a folder."""
        limits = tuple(parsed_limit(text, "--limit") for text in self.limits)
        name = printable(self.name or outputs.resolve().name)
        return Asked(name, self.policy, self.said, limits, self.without)


def score_set(folder: Path, outputs: Path, given: SetOptions, files: DocumentFiles) -> int:
    """Judge what has come back, write what was asked for, tell the verdict; the exit code."""
    there, asked = read_set(folder), given.asked(outputs)
    if outputs.is_dir() and outputs.samefile(folder):
        raise BadData(f"{outputs} holds the inputs: expected the outputs in another folder")
    back = returned(outputs, {each.name for each in there.items})
    _check_files([*there.files, *back.files], there.seed, given, files)
    with shown_progress() as progress:
        judged = judged_set(there, back, asked, progress)
    check_floating_point_environment()
    accepted = None
    if given.baseline is not None and not given.updates:
        accepted = Accepted(given.baseline, read_baseline(given.baseline))
    verdicts = gated(there, judged, outputs, accepted)
    if given.updates and given.baseline is not None:
        _update(given.baseline, there, judged)
        verdicts.notes.append(f"wrote the baseline {given.baseline}")
    files.write(
        json=lambda: json_text(set_document(there, judged, verdicts)),
        junit=lambda: junit_document(verdicts),
        markdown=lambda: markdown_document(verdicts, "score"),
    )
    if given.out is not None and judged.cells:
        write_run(as_run(there, outputs, judged, asked), given.out)
    elif given.out is not None:
        click.echo(f"note: {given.out} was not written, since nothing could be judged", err=True)
    return _tell(there, judged, verdicts)


def _check_files(read: list[Path], seed: int, given: SetOptions, files: DocumentFiles) -> None:
    """Refuse what cannot be written, or would replace what is read, before anything is judged."""
    if given.updates and given.baseline is None:
        raise BadBaseline("--update-baseline: expected --baseline FILE")
    if given.baseline is None:
        files.check(read)
    elif given.updates:
        files.check(read, baseline=given.baseline)
        to_update(given.baseline, seed)
    else:
        files.check((*read, given.baseline))
        read_baseline(given.baseline)
    if given.out is not None:
        check_writable(given.out, writes=FILES)
    check_summary()


def _update(path: Path, there: InputSet, judged: JudgedSet) -> None:
    """Take up these results, if nothing is missing: what is not there would never be asked for."""
    left = [*judged.missing, *(name for name, own in judged.faults.items() if own)]
    if left:
        raise BadBaseline(
            f"--update-baseline: {len(left)} of {len(there.items)} outputs could not be judged, "
            f"such as {left[0]}: expected all of them"
        )
    update(path, there.seed, lambda old: old.accepting(judged.results, PARTS, TAKEN_ON))


def _tell(there: InputSet, judged: JudgedSet, verdicts: Gated) -> int:
    for faults in judged.faults.values():
        for fault in faults:
            click.echo(f"softmax-harness: {fault.message}", err=True)
    click.echo("\n".join(set_lines(there, judged, verdicts)))
    tell_github(verdicts, "score")
    return 1 if verdicts.failed else 0
