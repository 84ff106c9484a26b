"""Shared libraries: which names mean a function of one, and how it is found there."""

from __future__ import annotations

import ctypes
import platform
import re
import sys
from pathlib import Path
from typing import Any

from softmax_harness.ground.errors import BadImplementation

_LIBRARY = re.compile(r".*\.(so(\.\d+)*|dylib|dll)", re.IGNORECASE)
FORM = "path/to/lib.so:symbol"


def is_library(place: str) -> bool:
    """Whether the path is that of a shared library, by its name."""
    return _LIBRARY.fullmatch(place) is not None


def names_symbol(name: str) -> bool:
    """Whether an implementation of that name is a function of a shared library."""
    return is_library(name.rpartition(":")[0])


def check_symbol(name: str) -> None:
    """Refuse a name of a symbol that cannot be one, and a file that is not there."""
    place, _, symbol = name.rpartition(":")
    if not Path(place).is_file():
        raise BadImplementation(f"{place}: no such file; expected {FORM}, built before")
    if not symbol.isidentifier():
        raise BadImplementation(f"{name!r} names no function of {place}: expected {FORM}")


def function_of(name: str) -> Any:
    """The function ``path/to/lib.so:symbol``, its library loaded here.

    Raises
    ------
    BadImplementation
        If the file is no library that can be loaded here, or has no such symbol.
    """
    place, _, symbol = name.rpartition(":")
    function = found_in(place, symbol)
    if function is None:
        raise BadImplementation(
            f"{place} has no function {symbol!r}: nm -D {place} lists those that it has; in C++ "
            'they are declared extern "C"'
        )
    return function


def found_in(place: str, symbol: str) -> Any:
    """The function of a library; None where it has none of that name.

    Raises
    ------
    BadImplementation
        If the file is no library that can be loaded here.
    """
    try:
        library = ctypes.CDLL(str(Path(place).resolve()))
    except OSError as error:
        told = " ".join(str(error).split())
        raise BadImplementation(
            f"{place} cannot be loaded: {told}; expected a shared library for {sys.platform} on "
            f"{platform.machine()}, linked with what it calls"
        ) from None
    try:
        return library[symbol]
    except AttributeError:
        return None
