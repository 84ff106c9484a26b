"""softmax-harness bench: two revisions timed side by side, and a verdict that CI obeys."""

from __future__ import annotations

from pathlib import Path

import click

from softmax_harness.cli import options
from softmax_harness.cli.documents import DocumentFiles, document_files
from softmax_harness.cli.progress import shown_progress
from softmax_harness.ground.documents.github import add_to_summary, check_summary
from softmax_harness.ground.errors import HarnessError
from softmax_harness.operations import DEFAULT_OPERATION, OPERATIONS
from softmax_harness.subjects.declaration import Said
from softmax_harness.subjects.native.library import FORM
from softmax_harness.subjects.specification import is_foreign
from softmax_harness.timing.bench import revisions
from softmax_harness.timing.bench.builds import built, configuration_of
from softmax_harness.timing.bench.catalogue import OF_SUITE
from softmax_harness.timing.bench.compare import compared
from softmax_harness.timing.bench.documents import (
    Comparison,
    json_document,
    markdown_document,
    text_document,
)
from softmax_harness.timing.bench.rule import Rule
from softmax_harness.timing.bench.starting import Timed, write_template

_RULE = Rule()
_FEWEST_PAIRS = 12


@click.command("bench")
@click.argument("names", nargs=-1, metavar="BASE HEAD | IMPL")
@click.option(
    "--bench",
    "pattern",
    default=OF_SUITE,
    metavar="REGEX",
    help="Compare the benchmarks whose name matches.  [default: those of suite]",
)
@click.option(
    "--pairs",
    type=click.IntRange(_FEWEST_PAIRS),
    default=_RULE.pairs,
    show_default=True,
    help="Pairs of processes for each timing.",
)
@click.option(
    "--factor",
    type=click.FloatRange(1, min_open=True),
    default=_RULE.factor,
    show_default=True,
    help="The smallest ratio of times that counts as a difference.",
)
@click.option(
    "--build",
    metavar="COMMAND",
    help="Build each revision by this line of the shell, in its folder, not as the configuration "
    "says; with --template, write it into the configuration.",
)
@document_files("json", "markdown")
@click.option(
    "--template",
    type=options.PATH,
    metavar="DIR",
    help="Write an asv.conf.json and a benchmark into DIR, of the function IMPL, then exit.",
)
@click.option(
    "--operation",
    type=click.Choice(list(OPERATIONS)),
    help=f"With --template: what IMPL computes.  [default: {DEFAULT_OPERATION}]",
)
@options.signature
@click.pass_context
def command(
    context: click.Context,
    names: tuple[str, ...],
    pattern: str,
    pairs: int,
    factor: float,
    build: str | None,
    files: DocumentFiles,
    template: Path | None,
    operation: str | None,
    signature: str | None,
) -> None:
    """Build two git revisions with asv, time them side by side, and say what became worse.

    Run it in the folder of asv.conf.json. Each timing runs in pairs of fresh processes, with BASE
    and HEAD in turns. A timing that looks slower is repeated in twice as many pairs. It fails if
    it is slower there too, both by the factor and by a statistical test. Errors are exact: any
    change is reported, and a larger error fails. The exit code is 1 if anything fails.

    Example: softmax-harness bench origin/main HEAD

    Example: softmax-harness bench origin/main HEAD --build make

    Example: softmax-harness bench --template . libsoftmax.so:softmax --signature 'f32 rows,n'
    """
    if template is not None:
        timed = _timed(names, operation or DEFAULT_OPERATION, signature)
        for written in write_template(template, build, timed):
            click.echo(f"wrote {written}")
        return
    for option, given in (("--operation", operation), ("--signature", signature)):
        if given is not None:
            raise HarnessError(
                f"{option} stands in the benchmark: give it with --template, or to suite there"
            )
    if len(names) != 2:
        raise HarnessError(
            f"{len(names)} revisions were given: expected two, BASE HEAD, as git names them"
        )
    folder = Path.cwd()
    repository = revisions.top_of(folder)
    files.check((configuration_of(folder),))
    check_summary()
    commits = tuple(revisions.commit_of(repository, name) for name in names)
    comparison = Comparison(
        (names[0], names[1]), (commits[0], commits[1]), pattern, Rule(pairs, factor), [], []
    )
    if revisions.has_uncommitted(repository):
        comparison.notes.append("uncommitted changes are in neither revision and were not timed")
    with shown_progress() as progress, built(folder, comparison.commits, build, progress) as sides:
        comparison.results.extend(compared(sides, pattern, comparison.rule, progress))
    files.write(
        json=lambda: json_document(comparison), markdown=lambda: markdown_document(comparison)
    )
    click.echo(text_document(comparison))
    add_to_summary(markdown_document(comparison))
    context.exit(1 if comparison.failed else 0)


def _timed(names: tuple[str, ...], operation: str, signature: str | None) -> Timed:
    """What a template is to time, as it is written."""
    if len(names) > 1:
        raise HarnessError(
            f"{len(names)} names were given with --template: expected one, package.module:function "
            f"or {FORM}"
        )
    for name in names:
        if not is_foreign(name):
            raise HarnessError(
                f"--template with {name}: expected what to time, package.module:function or {FORM}"
            )
    said = Said(signature=signature)
    said.check_concerns(names)
    for name in names:
        said.convention(name, operation)
    return Timed(names[0] if names else None, signature, operation)
