"""Options that several verbs share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from softmax_harness.inputs.suites import SUITES


def names(context: click.Context, parameter: click.Parameter, value: str) -> tuple[str, ...]:
    """What is written between the commas."""
    return tuple(name.strip() for name in value.split(",") if name.strip())


dtypes = click.option(
    "--dtype",
    "dtypes",
    default="float16,float32,float64",
    show_default=True,
    callback=names,
    help="Formats, separated by commas; bfloat16 is supported too.",
)
families = click.option(
    "--family",
    "families",
    default="",
    callback=names,
    help="Families, or .npy files, separated by commas.  [default: all of the suite]",
)
suite = click.option(
    "--suite",
    type=click.Choice(list(SUITES)),
    default="quick",
    show_default=True,
    help="How much to measure.",
)
seed = click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Seed of all random inputs.",
)


def out(default: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The folder to write."""
    return click.option(
        "--out",
        type=click.Path(path_type=Path),
        default=default,
        show_default=True,
        help="The folder to write. A folder that holds something else is refused.",
    )
