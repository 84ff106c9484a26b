"""Finished units on disk, each under a key of all that decides it: whole, or not there.

A unit is a file of two lines, the SHA-256 of the second and the second. It gets its name when it is
whole, and what a damaged disk made of it is not believed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from softmax_harness.ground.errors import BadFolder
from softmax_harness.ground.files import SCRATCH, replacing_file
from softmax_harness.ground.plain_values import NotPlain, decoded, encoded

_ENDING = ".unit"
_ABOUT = "softmax-harness-units"
_TEXT = (
    "Finished units of softmax-harness: run, search or exhaustive goes on from here. "
    "What is of no use any more can be deleted.\n"
)


class Kept:
    """The finished units in a folder, which is made with the first of them.

    Parameters
    ----------
    folder : Path
        One of its own, or one that does not exist.

    Attributes
    ----------
    folder : Path

    Raises
    ------
    BadFolder
        If it holds something else.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if folder.exists() and not folder.is_dir():
            raise BadFolder(f"{folder} is a file: expected a folder of units, or nothing")
        if folder.is_dir() and any(folder.iterdir()) and not (folder / _ABOUT).is_file():
            raise BadFolder(
                f"{folder} holds something other than units of softmax-harness: move it, or name "
                "another folder"
            )

    def found(self, key: str) -> Any:
        """What is kept under a key; None where nothing is, or nothing whole."""
        try:
            digest, _, text = self._path(key).read_text(encoding="utf-8").partition("\n")
        except (OSError, ValueError):
            return None
        if hashlib.sha256(text.encode()).hexdigest() != digest:
            return None
        with suppress(NotPlain):
            return decoded(text)
        return None

    def keep(self, key: str, value: Any) -> None:
        """Keep a value, which is not None, under a key."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadFolder(f"{self.folder} cannot be written: {error.strerror}") from None
        about = self.folder / _ABOUT
        if not about.exists():
            replacing_file(about, _TEXT)
        text = encoded(value)
        replacing_file(self._path(key), f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}")

    def count(self) -> int:
        """How many units there are."""
        return sum(1 for _ in self._units()) if self.folder.is_dir() else 0

    def forget(self) -> None:
        """Delete every unit, and the folder if nothing else is in it."""
        if not (self.folder / _ABOUT).is_file():
            return
        for path in [*self._units(), *self.folder.glob(f"{SCRATCH}*")]:
            path.unlink(missing_ok=True)
        (self.folder / _ABOUT).unlink()
        with suppress(OSError):  # something else is in it
            self.folder.rmdir()

    def _units(self) -> Iterator[Path]:
        return (path for path in sorted(self.folder.iterdir()) if path.suffix == _ENDING)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}{_ENDING}"
