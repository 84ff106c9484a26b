"""The errors this package raises on purpose: each says what was given, expected, and to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class HarnessError(Exception):
    """A request that cannot be met as it was made; the command prints it and exits with 2."""


class UnknownName(HarnessError):
    """A name of an implementation, family, format or suite that does not exist."""


class BadData(HarnessError):
    """A file or array that does not hold what was asked for."""


class BadFolder(HarnessError):
    """A folder that cannot be read or must not be written."""


class BadImplementation(HarnessError):
    """Something given as an implementation that cannot be loaded or called as one."""


class BadLimit(HarnessError):
    """A limit that cannot be read or held."""


class BadSettings(HarnessError):
    """Settings of a project that say something else than what is asked of them."""


class BadBaseline(HarnessError):
    """A baseline that is not there or cannot be read."""


class FloatingPointEnvironment(HarnessError):
    """The process of the truth does not round to nearest, or it flushes subnormals."""


class ScreenIsWrong(RuntimeError):
    """The screen and mpmath differ by more than the screen's proved bound: a defect of ours."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UnknownName:
    """The error for a `name` that is not among the `known`, with the nearest of them."""
    near = difflib.get_close_matches(name, known := list(known), 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return UnknownName(f"no {kind} is named {name!r}: expected {', '.join(known)}{hint}")
