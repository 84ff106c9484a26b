"""The option --suite, by itself: other verbs start without the suites and their families."""

from __future__ import annotations

import click

from softmax_harness.inputs.suites import SUITES

suite_option = click.option(
    "--suite",
    type=click.Choice(list(SUITES)),
    default="quick",
    show_default=True,
    help="How much to measure.",
)
