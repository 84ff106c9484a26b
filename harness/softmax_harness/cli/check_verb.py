"""softmax-harness check: the contract suite, and a verdict that CI obeys."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import click
from softmax_implementations.registry import CAPABILITIES

from softmax_harness.check.contract import PARTS, Checked, Contract, checked
from softmax_harness.check.contract.promises import parsed_limit
from softmax_harness.check.contract.truths import keep_truths
from softmax_harness.check.documents.as_json import json_document
from softmax_harness.check.documents.junit import junit_document
from softmax_harness.check.documents.markdown import markdown_document
from softmax_harness.check.documents.terminal import text_document
from softmax_harness.check.gate.baseline import Baseline
from softmax_harness.check.gate.gated import Gated, held_against
from softmax_harness.check.gate.regression import left_out
from softmax_harness.check.gate.settings import Settings, found_settings
from softmax_harness.check.gate.spoken_of import check_names, nothing_of_the_project
from softmax_harness.check.gate.stored import read as read_baseline
from softmax_harness.check.gate.stored import to_update, update
from softmax_harness.cli import options
from softmax_harness.cli.documents import DocumentFiles, document_files
from softmax_harness.cli.github import tell_github
from softmax_harness.cli.progress import shown_progress
from softmax_harness.ground.documents.github import check_summary
from softmax_harness.ground.errors import BadBaseline
from softmax_harness.ground.formats import DEFAULT_DTYPES, format_named
from softmax_harness.operations import DEFAULT_OPERATION, OPERATIONS, Policy
from softmax_harness.subjects.catalogue import catalogue
from softmax_harness.subjects.declaration import Said
from softmax_harness.subjects.isolation import Limits

_LIMITS = Limits()
_TIMES_IN_ALL = 30.0  # the time limit, for all calls
_TRUTHS_KEPT = 1 << 22  # elements, in some 200 MB: the suite in one dtype has three million


@click.command("check")
@click.argument("implementations", nargs=-1, metavar="[IMPL]...")
@click.option(
    "--dtype",
    "dtypes",
    callback=options.names,
    default="",
    help=f"Formats, separated by commas.  [default: {','.join(DEFAULT_DTYPES)}]",
)
@click.option(
    "--operation",
    type=click.Choice(list(OPERATIONS)),
    help="The operation to check.  [default: softmax, or those of the project's settings]",
)
@options.said
@options.seed_of_day
@options.policy
@click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar="METRIC=NUMBER",
    help="Fail where the metric is larger, such as max_ulp=2.",
)
@click.option(
    "--only",
    "parts",
    multiple=True,
    type=click.Choice(PARTS),
    help="Run only this part of the suite.",
)
@click.option(
    "--without",
    multiple=True,
    type=click.Choice(CAPABILITIES),
    help="Do not fail on this capability, even if it is declared; only report it.",
)
@click.option(
    "--fail-fast",
    is_flag=True,
    help="Stop checking an implementation in a dtype at its first finding. Expected and waived "
    "findings do not stop it.",
)
@click.option(
    "--time-limit",
    type=click.FloatRange(0, min_open=True),
    default=_LIMITS.seconds,
    show_default=True,
    help="Time limit for a few hundred thousand elements, in seconds. What is too slow for the "
    "whole suite is judged on what takes about twice this time in each dtype.",
)
@click.option(
    "--total-time",
    type=click.FloatRange(0, min_open=True),
    help="Time limit for all calls of an implementation in a dtype, in seconds.  [default: 30 "
    "times --time-limit]",
)
@click.option(
    "--memory-limit",
    type=click.IntRange(64),
    default=_LIMITS.memory >> 20,
    show_default=True,
    help="Memory that an implementation may use, in MiB.",
)
@click.option(
    "--baseline",
    type=options.PATH,
    metavar="FILE",
    help="Fail where a result is worse than in this file.",
)
@click.option(
    "--strict/--no-strict",
    default=None,
    help="Whether what an implementation declares as known about itself is a finding, too, unless "
    "a waiver bears it.  [default: it is, but for what is built in]",
)
@click.option("--update-baseline", is_flag=True, help="Accept these results as the new baseline.")
@document_files("json", "junit", "markdown")
@click.pass_context
def command(
    context: click.Context,
    implementations: tuple[str, ...],
    dtypes: tuple[str, ...],
    operation: str | None,
    said: Said,
    seed: int,
    policy: Policy,
    limits: tuple[str, ...],
    parts: tuple[str, ...],
    without: tuple[str, ...],
    fail_fast: bool,
    time_limit: float,
    total_time: float | None,
    memory_limit: int,
    baseline: Path | None,
    strict: bool | None,
    update_baseline: bool,
    files: DocumentFiles,
) -> None:
    """Check whether each implementation keeps the contract of its operation and is accurate.

    IMPL is a registered name, package.module:function, path/to/file.py:function,
    path/to/lib.so:symbol with --signature, or an entry point of the group
    softmax_harness.implementations. Without IMPL, the command checks what
    [tool.softmax-harness] in pyproject.toml names, or else all registered implementations. Each
    runs in its own process. The exit code is 1 if any of them fails.

    Example: softmax-harness check kernel.py:softmax --dtype float32 --limit max_ulp=4

    Example: softmax-harness check build/libsoftmax.so:softmax --signature 'f32 rows,n'
    """
    project = found_settings(Path.cwd())
    project = replace(project, strict=project.strict if strict is None else strict)
    contract = Contract(
        parts=parts or PARTS,
        seed=seed,
        policy=policy,
        limits=tuple(parsed_limit(text, "--limit") for text in limits),
        without=without,
        process=Limits(time_limit, memory_limit << 20, total_time or _TIMES_IN_ALL * time_limit),
        fail_fast=fail_fast,
        said=said,
    )
    _check_update(update_baseline, fail_fast, seed)
    operations = (operation,) if operation else project.named_operations
    if implementations and not operation:
        operations = (DEFAULT_OPERATION,)
    asked = [_Asked.of(each, project, contract, implementations, dtypes) for each in operations]
    baseline = baseline or project.baseline
    _check_files(files, baseline, update_baseline)
    if update_baseline and baseline is not None:
        to_update(baseline, seed)  # or it is refused before any work is done for it
    accepted = _accepted(baseline, update_baseline)

    gated, results, not_judged = Gated([], []), list[Checked](), list[str]()
    for each in asked:
        own = _all_checked(each.names or tuple(catalogue(each.operation)), each)
        found = held_against(own, accepted, each.settings, seed, contract.parts)
        gated.results.extend(found.results)
        gated.notes.extend(found.notes)
        if not each.names:
            gated.notes.insert(0, nothing_of_the_project(each.operation))
        not_judged += _not_judged(each.names, own)
        results += own
    if seed:
        gated.notes.append(f"seed {seed}: with --seed {seed} the inputs are the same again")
    if accepted is not None and not (implementations or dtypes or operation):
        gated.notes.extend(left_out(results, accepted))
    if update_baseline and baseline is not None:
        update(baseline, seed, lambda old: old.accepting(results, contract.parts))
        gated.notes.append(f"wrote the baseline {baseline}")
    files.write(
        json=lambda: json_document(gated, asked[0].contract),
        junit=lambda: junit_document(gated),
        markdown=lambda: markdown_document(gated),
    )
    click.echo(text_document(gated))
    tell_github(gated, "check")
    for line in not_judged:
        click.echo(f"softmax-harness: {line}", err=True)
    context.exit(1 if gated.failed or not_judged else 0)


@dataclass(frozen=True)
class _Asked:
    """What is asked of an operation.

    Attributes
    ----------
    operation : str
    settings : Settings
    contract : Contract
    names : tuple of str
        What is checked; empty for all that is registered.
    """

    operation: str
    settings: Settings
    contract: Contract
    names: tuple[str, ...]

    @classmethod
    def of(
        cls,
        operation: str,
        project: Settings,
        contract: Contract,
        implementations: tuple[str, ...],
        dtypes: tuple[str, ...],
    ) -> _Asked:
        """What is given, and what the settings of a project say besides."""
        settings = replace(project.of(operation), strict=project.strict)
        today = date.today()
        contract = replace(
            contract,
            operation=operation,
            dtypes=_dtypes(dtypes or settings.dtypes or contract.dtypes),
            limits=(*settings.limits, *contract.limits),
            borne=tuple(each.kind for each in settings.waivers if each.holds_on(today)),
            names_dtypes=bool(dtypes or settings.dtypes),
        )
        names = check_names(implementations, settings, operation)
        asked = cls(operation, settings, contract, names)
        contract.said.check_concerns(names)
        for name in names:
            asked.contract_of(name).said.convention(name, operation)
        return asked

    def contract_of(self, name: str) -> Contract:
        """The contract with what the settings say of an implementation."""
        of_settings = self.settings.said.get(name, Said())
        said = self.contract.said.of(name).over(of_settings)
        return replace(self.contract, said=said)


def _check_update(is_update: bool, fail_fast: bool, seed: int) -> None:
    """Refuse a new baseline of a check that cannot be compared with."""
    if is_update and fail_fast:
        raise BadBaseline(
            "--fail-fast cuts checks short, but --update-baseline needs whole ones: leave one out"
        )
    if is_update and seed == options.seed_of_today():
        raise BadBaseline(
            "--seed today changes each day, but a baseline compares errors of equal seeds only: "
            "take it with another seed"
        )


def _check_files(files: DocumentFiles, baseline: Path | None, is_written: bool) -> None:
    """Refuse what cannot be written, before anything is checked."""
    if baseline is None:
        files.check()
    elif is_written:
        files.check(baseline=baseline)
    else:
        files.check((baseline,))
    check_summary()


def _dtypes(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        _ = format_named(name).dtype  # says here what to install for a dtype that NumPy lacks
    return names


def _accepted(path: Path | None, is_taken_anew: bool) -> Baseline | None:
    if is_taken_anew and path is None:
        raise BadBaseline(
            "--update-baseline: expected --baseline FILE or a baseline in the settings"
        )
    return None if path is None or is_taken_anew else read_baseline(path)


def _all_checked(names: tuple[str, ...], asked: _Asked) -> list[Checked]:
    """The verdicts on each, of which the command and the settings say something."""
    results: list[Checked] = []
    if len(names) > 1:
        keep_truths(_TRUTHS_KEPT)
    with shown_progress() as progress:
        for place, name in enumerate(names):
            progress(f"checking {name}", place, len(names))
            results += checked(name, asked.contract_of(name))
    return results


def _not_judged(named: tuple[str, ...], results: list[Checked]) -> list[str]:
    """A line for each name that was given and got no verdict: what is not judged is not green."""
    lines = []
    for name in named:
        own = [each for each in results if each.implementation == name]
        if not any(each.verdict in ("pass", "fail") for each in own):
            lines.append(
                f"{name} was not checked: {own[0].verdict} in {', '.join(r.dtype for r in own)} "
                f"({own[0].reported[0]})"
            )
    return lines
