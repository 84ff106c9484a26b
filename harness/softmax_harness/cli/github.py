"""What GitHub shows of verdicts, where it runs the command."""

from __future__ import annotations

import click

from softmax_harness.check.documents.annotations import annotation_lines
from softmax_harness.check.documents.markdown import markdown_document
from softmax_harness.check.gate.gated import Gated
from softmax_harness.ground.documents.github import add_to_summary, shows_annotations


def tell_github(gated: Gated, verb: str) -> None:
    """Annotations on standard output, and a part of the summary, that of a verb."""
    if shows_annotations():
        click.echo(annotation_lines(gated))
    add_to_summary(markdown_document(gated, verb))
