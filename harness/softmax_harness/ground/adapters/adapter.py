"""What is asked of a library of arrays: one module with these functions for each."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.errors import BadData


class Adapter(Protocol):
    """A module of this package.

    Attributes
    ----------
    ROOTS : tuple of str
        The top-level packages in which the classes of its arrays are defined.
    IS_WRITABLE : bool
        Whether its arrays can be written to.
    ENVIRONMENT : dict
        Variables by which the library leaves to others what it would take for itself.
    """

    ROOTS: tuple[str, ...]
    IS_WRITABLE: bool
    ENVIRONMENT: dict[str, str]

    def start(self, device: str | None) -> None:
        """Import the library and wake the device, which the first array would do else.

        Raises
        ------
        BadData
            Where there is no such device here.
        """

    def from_numpy(self, x: NDArray[Any], device: str | None = None) -> Any:
        """The same numbers as an array of the library, on a device, or where it puts them itself.

        Strides are kept as far as the library has them, and so is memory where it is shared.
        """

    def to_numpy(self, array: Any) -> NDArray[Any]:
        """The same numbers, bit for bit; on the processor the memory may be shared."""

    def synchronize(self, result: Any, device: str | None) -> None:
        """Wait until the device has computed a result."""

    def lost(self, device: str | None) -> str:
        """Why a device computes nothing more for this process; empty where it still does.

        A kernel that reads or writes where it may not takes all that comes after it down, too.
        """

    def enabled(self, arguments: tuple[NDArray[Any], ...]) -> AbstractContextManager[Any]:
        """What must hold while a function is called on these, such as types of 64 bits."""


def told_twice(use: Callable[[], object], error: type[Exception]) -> str:
    """The first line of what the use of a device raises twice; empty where it raises no more.

    What is wrong with one launch alone is told once.
    """
    told = ""
    for _ in range(2):
        try:
            use()
        except error as raised:
            told = str(raised).partition("\n")[0] or type(raised).__name__
        else:
            return ""
    return told


def is_own(dtype: np.dtype[Any]) -> bool:
    """Whether NumPy brings the type itself."""
    return dtype.isbuiltin == 1


def carrier(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The integers in which the bits of a type can be handed on that others do not know."""
    return np.dtype(f"i{dtype.itemsize}")


def dtype_named(name: str, library: str) -> np.dtype[Any]:
    """NumPy's type of that name, or that of ml_dtypes.

    Raises
    ------
    BadData
        If there is none, or ml_dtypes is not installed.
    """
    if hasattr(np, name):
        return np.dtype(name)
    try:
        package = importlib.import_module("ml_dtypes")
    except ImportError:
        raise BadData(
            f"{name} arrays need the package ml_dtypes: pip install 'softmax-harness[narrow]'"
        ) from None
    if not hasattr(package, name):
        raise BadData(f"NumPy has no type for {name} of {library}: convert the array first")
    dtype: np.dtype[Any] = np.dtype(getattr(package, name))
    return dtype
