"""softmax-harness check: the contract suite, and a verdict that CI obeys."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
from softmax_implementations.registry import CAPABILITIES

from softmax_harness.check.contract import PARTS, Contract
from softmax_harness.check.contract.promises import parsed_limit
from softmax_harness.check.documents.as_json import json_document
from softmax_harness.check.documents.junit import junit_document
from softmax_harness.check.documents.markdown import markdown_document
from softmax_harness.check.documents.terminal import text_document
from softmax_harness.check.gate.baseline import Baseline
from softmax_harness.check.gate.stored import read as read_baseline
from softmax_harness.check.gate.stored import to_update, update
from softmax_harness.check.plan import Options, carried_out, limits_of_process, plan_of
from softmax_harness.cli import options
from softmax_harness.cli.completing import of_dtypes
from softmax_harness.cli.documents import DocumentFiles, document_files
from softmax_harness.cli.github import tell_github
from softmax_harness.cli.progress import shown_progress
from softmax_harness.ground.documents.github import check_summary
from softmax_harness.ground.errors import BadBaseline
from softmax_harness.ground.formats import DEFAULT_DTYPES
from softmax_harness.operations import OPERATIONS, Policy
from softmax_harness.subjects.declaration import Said
from softmax_harness.subjects.isolation import Limits

_LIMITS = Limits()


@click.command("check")
@options.implementations
@click.option(
    "--dtype",
    "dtypes",
    multiple=True,
    callback=options.dtype_names,
    shell_complete=of_dtypes,
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
    contract = Contract(
        parts=parts or PARTS,
        seed=seed,
        policy=policy,
        limits=tuple(parsed_limit(text, "--limit") for text in limits),
        without=without,
        process=limits_of_process(time_limit, memory_limit, total_time),
        fail_fast=fail_fast,
        said=replace(said, policy=policy.stated),
    )
    _check_update(update_baseline, fail_fast, seed)
    plan = plan_of(Options(implementations, dtypes, operation, contract, baseline, strict))
    _check_files(files, plan.baseline, update_baseline)
    if update_baseline and plan.baseline is not None:
        to_update(plan.baseline, seed)  # or it is refused before any work is done for it
    accepted = _accepted(plan.baseline, update_baseline)
    with shown_progress() as progress:
        done = carried_out(plan, accepted, progress)
    gated = done.gated
    if update_baseline and plan.baseline is not None:
        update(plan.baseline, seed, lambda old: old.accepting(done.results, contract.parts))
        gated.notes.append(f"wrote the baseline {plan.baseline}")
    files.write(
        json=lambda: json_document(gated, plan.contract),
        junit=lambda: junit_document(gated),
        markdown=lambda: markdown_document(gated),
    )
    click.echo(text_document(gated))
    tell_github(gated, "check")
    for line in done.not_judged:
        click.echo(f"softmax-harness: {line}", err=True)
    context.exit(0 if done.passed else 1)


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


def _accepted(path: Path | None, is_taken_anew: bool) -> Baseline | None:
    if is_taken_anew and path is None:
        raise BadBaseline(
            "--update-baseline: expected --baseline FILE or a baseline in the settings"
        )
    return None if path is None or is_taken_anew else read_baseline(path)
