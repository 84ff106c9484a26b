"""The option --policy, by itself: `score` starts without what other options import."""

from __future__ import annotations

import click

from softmax_harness.operations import Policy


def _parsed(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> Policy:
    return Policy.parse(value)


policy_option = click.option(
    "--policy",
    multiple=True,
    callback=_parsed,
    metavar="LINE=nan|zero|any",
    help="Relax the rule for a special value: nan, positive-infinity or all-masked.",
)
