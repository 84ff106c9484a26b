"""softmax-harness check: the contract suite, and a verdict that CI obeys."""

from __future__ import annotations

import json
from pathlib import Path

import click
from softmax_implementations.registry import CAPABILITIES

from softmax_harness.catalogue import catalogue
from softmax_harness.cli import options
from softmax_harness.cli.progress import shown_progress
from softmax_harness.contract import PARTS, Checked, Contract, Finding, checked
from softmax_harness.contract.document import check_document
from softmax_harness.contract.promises import parsed
from softmax_harness.errors import BadImplementation
from softmax_harness.files import check_file, replacing_file
from softmax_harness.formats import format_named
from softmax_harness.isolation import Limits
from softmax_harness.named import check_name
from softmax_harness.operations import Policy

_LIMITS = Limits()


@click.command("check")
@click.argument("implementations", nargs=-1, metavar="[IMPL]...")
@options.dtypes
@options.seed
@options.policy
@click.option(
    "--limit", "limits", multiple=True, metavar="METRIC=NUMBER", help="Such as max_ulp=2."
)
@click.option(
    "--only",
    "parts",
    multiple=True,
    type=click.Choice(PARTS),
    help="Only this part of the suite.",
)
@click.option(
    "--without",
    multiple=True,
    type=click.Choice(CAPABILITIES),
    help="Report this only, even if it is declared.",
)
@click.option(
    "--time-limit",
    type=click.FloatRange(0, min_open=True),
    default=_LIMITS.seconds,
    show_default=True,
    help="Seconds for calls on some hundred thousand elements.",
)
@click.option(
    "--memory-limit",
    type=click.IntRange(64),
    default=_LIMITS.memory >> 20,
    show_default=True,
    help="MiB that an implementation may use.",
)
@click.option(
    "--json", "json_path", type=click.Path(path_type=Path), metavar="FILE", help="Write it as JSON."
)
@click.pass_context
def command(
    context: click.Context,
    implementations: tuple[str, ...],
    dtypes: tuple[str, ...],
    seed: int,
    policy: Policy,
    limits: tuple[str, ...],
    parts: tuple[str, ...],
    without: tuple[str, ...],
    time_limit: float,
    memory_limit: int,
    json_path: Path | None,
) -> None:
    """Say of each implementation whether it keeps the contract of a softmax, and is accurate.

    IMPL is a registered name, package.module:function, path/to/file.py:function, or an entry
    point of the group softmax_harness.implementations; all registered ones without any. Each runs
    in a process of its own. Exit code 1 if any of them fails.

    Example: softmax-harness check kernel.py:softmax --dtype float32 --limit max_ulp=4
    """
    contract = Contract(
        tuple(format_named(name).name for name in dtypes),
        parts or PARTS,
        seed,
        policy,
        parsed(limits),
        without,
        Limits(time_limit, memory_limit << 20),
    )
    for name in dtypes:
        _ = format_named(name).dtype  # says here what to install for a dtype that NumPy lacks
    for name in implementations:
        check_name(name)
    if json_path is not None:
        check_file(json_path)
    results = _all_checked(implementations or tuple(catalogue()), contract)
    if json_path is not None:
        document = check_document(results, contract)
        replacing_file(json_path, json.dumps(document, indent=1, allow_nan=False) + "\n")
    _refuse_no_verdict(implementations, results)
    context.exit(1 if any(each.verdict == "fail" for each in results) else 0)


def _all_checked(names: tuple[str, ...], contract: Contract) -> list[Checked]:
    results: list[Checked] = []
    with shown_progress() as progress:
        for place, name in enumerate(names):
            progress(f"checking {name}", place, len(names))
            some = checked(name, contract)
            results += some
            click.echo("\n".join(line for each in some for line in _lines(each)))
    return results


def _refuse_no_verdict(named: tuple[str, ...], results: list[Checked]) -> None:
    """A name that was given and got no verdict is a request that could not be met."""
    for name in named:
        own = [each for each in results if each.implementation == name]
        if not any(each.verdict in ("pass", "fail") for each in own):
            raise BadImplementation(
                f"{name} was not checked: {own[0].verdict} in {', '.join(r.dtype for r in own)} "
                f"({own[0].reported[0]})"
            )


def _lines(result: Checked) -> list[str]:
    size = f"{result.elements} elements" if result.elements else ""
    lines = [f"{result.verdict:12} {result.implementation} {result.dtype}  {size}".rstrip()]
    for finding in result.findings:
        lines += [f"  {line}" for line in _finding_lines(finding)]
    if result.expected:
        kinds = ", ".join(finding.kind for finding in result.expected)
        lines.append(f"  known of it: {kinds}")
    return lines + [f"  not promised: {text}" for text in result.reported]


def _finding_lines(finding: Finding) -> list[str]:
    lines = [f"{finding.kind}: {finding.message}"]
    if finding.value is not None and finding.limit is not None:
        lines.append(f"  {finding.metric} {finding.value:.6g}, limit {finding.limit:.6g}")
    if finding.witness:
        lines.append(f"  witness {finding.witness}")
    return [*lines, f"  {finding.replay}"]
