"""The files that a verb writes its documents to: their options, and how they are written."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from softmax_harness.cli import options
from softmax_harness.ground.files import check_files, replacing_file

_KINDS = {"json": "JSON", "junit": "JUnit XML", "markdown": "Markdown", "html": "a page"}


@dataclass(frozen=True)
class DocumentFiles:
    """The files that were asked for.

    Attributes
    ----------
    paths : dict of str to Path
        By kind of document: ``json``, ``junit``, ``markdown`` or ``html``.
    """

    paths: dict[str, Path]

    def check(self, inputs: Iterable[Path] = (), **others: Path) -> None:
        """Refuse what cannot be written or is read by the command, before any work is done.

        Parameters
        ----------
        inputs : iterable of Path
            What the command reads.
        **others
            What else it writes, by the option that names it.
        """
        check_files({f"--{option}": path for option, path in (self.paths | others).items()}, inputs)

    def write(self, **documents: Callable[[], str]) -> None:
        """Write each file; `documents` make the text of each kind, where it was asked for."""
        for kind, path in self.paths.items():
            replacing_file(path, documents[kind]())


def document_files(*kinds: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Offer ``--json FILE`` and its like; the command gets `DocumentFiles` as ``files``."""

    def offered(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def with_files(**given: Any) -> None:
            paths = {kind: given.pop(kind) for kind in kinds}
            asked = {kind: path for kind, path in paths.items() if path is not None}
            command(files=DocumentFiles(asked), **given)

        wrapped: Callable[..., None] = with_files
        for kind in reversed(kinds):
            about = f"Write the result as {_KINDS[kind]}."
            wrapped = click.option(f"--{kind}", type=options.PATH, metavar="FILE", help=about)(
                wrapped
            )
        return wrapped

    return offered
