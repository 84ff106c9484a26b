"""The finished units of long work: where they are kept, and what is said of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

import click

from softmax_harness.cli import options
from softmax_harness.cli.output import told
from softmax_harness.ground.kept import Kept
from softmax_harness.run.keeping import Keeping

fresh = click.option(
    "--fresh",
    is_flag=True,
    help="Begin anew: delete the units that an earlier start finished.",
)


def units(default: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The folder of finished units, by default the one of this name."""
    return click.option(
        "--units",
        "folder",
        type=options.PATH,
        metavar="DIR",
        help="The folder in which finished units are kept, so that work that was broken off goes "
        f"on where it ended.  [default: {default}]",
    )


@contextmanager
def keeping(executor: Executor, kept: Kept, identity: str, is_fresh: bool) -> Iterator[Keeping]:
    """An executor that does nothing that is finished already; it says what it found."""
    folder = kept.folder
    if is_fresh:
        kept.forget()
    if count := kept.count():
        told(f"found {count} finished units in {folder}; what fits is not done again")
    keeping = Keeping(executor, kept, identity)
    try:
        yield keeping
    except BaseException:
        if kept.count():
            told(f"what is finished is kept in {folder}: the same command goes on from there")
        raise
    if keeping.known:
        told(f"{keeping.known} units were finished before, {keeping.fresh} were done now")
