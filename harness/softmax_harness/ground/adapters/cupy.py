"""CuPy: arrays on a CUDA device, in C or Fortran order."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.adapters.adapter import is_own, told_twice
from softmax_harness.ground.errors import BadData

ROOTS = ("cupy",)
IS_WRITABLE = True
ENVIRONMENT: dict[str, str] = {}


def start(device: str | None) -> None:
    """Import CuPy and make the context of the device."""
    import cupy

    try:
        from_numpy(np.zeros(1, np.float32), device)
        synchronize(None, device)
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise BadData(f"CuPy has no device {device or 'cuda'!r} here: {error}") from None


def from_numpy(x: NDArray[Any], device: str | None = None) -> Any:
    """An array in the order of `x`, with no gaps.

    A type that this version of CuPy does not have is handed on as unsigned integers of its bits.
    """
    import cupy

    with _device(device):
        try:
            return cupy.array(x, order="K")
        except (TypeError, ValueError):
            if is_own(x.dtype):
                raise BadData(f"CuPy has no type {x.dtype.name}") from None
            return cupy.array(x.view(f"u{x.dtype.itemsize}"), order="K")


def _device(name: str | None) -> AbstractContextManager[Any]:
    import cupy

    if name is None:
        return nullcontext()
    kind, _, place = name.partition(":")
    if kind not in ("cuda", "gpu") or not (place or "0").isdigit():
        raise BadData(f"CuPy has no device {name!r}: expected cuda or cuda:NUMBER")
    # CuPy has no types: to the checker this is anything.
    return cupy.cuda.Device(int(place or 0))  # type: ignore[no-any-return]


def to_numpy(array: Any) -> NDArray[Any]:
    """The numbers of an array, copied from its device."""
    return np.asarray(array.get())


def synchronize(result: Any, device: str | None) -> None:
    """Wait for all that was given to the device, in whatever stream."""
    import cupy

    with _device(device):
        cupy.cuda.runtime.deviceSynchronize()


def lost(device: str | None) -> str:
    """What CUDA says of itself, if it can be used no more."""
    import cupy

    error = cupy.cuda.runtime.CUDARuntimeError
    return told_twice(lambda: synchronize(None, device), error)


def enabled(arguments: tuple[NDArray[Any], ...]) -> AbstractContextManager[Any]:
    """Nothing."""
    return nullcontext()
