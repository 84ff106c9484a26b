"""The floating-point environment in which the truth is computed: is it unchanged?"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from softmax_harness.ground.errors import FloatingPointEnvironment

_SMALL = np.array([2.0**-1022])
_ONE, _HALF_ULP = np.array([1.0, -1.0]), np.array([2.0**-53 + 2.0**-60, -(2.0**-53) - 2.0**-60])
_STATE_BYTES = 1024  # more than any C library's fenv_t has: 32 in glibc on x86-64, 16 on arm64


def check_floating_point_environment() -> None:
    """Raise `FloatingPointEnvironment` unless subnormals are kept and rounding is to nearest.

    A library built with -Ofast, or torch.set_flush_denormal, turns subnormals off in the whole
    process.
    """
    if (found := _found()) is not None:
        raise FloatingPointEnvironment(
            f"{found} in this process, so that nothing it computes is exact: start it without "
            "what sets that, such as a preloaded library or a sitecustomize module"
        )


@contextmanager
def default_floating_point() -> Iterator[None]:
    """Arithmetic as a process begins with it, in this thread, whatever a library has set there.

    Each thread has a floating-point environment of its own. What was set in this one is set again
    at the end, and so are NumPy's handlers of errors, which raise or warn nothing meanwhile.

    Raises
    ------
    FloatingPointEnvironment
        If subnormals stay flushed, or rounding stays directed.
    """
    with np.errstate(all="ignore"):
        if _found() is None:
            yield
            return
        with _default_state():
            check_floating_point_environment()
            yield


@contextmanager
def _default_state() -> Iterator[None]:
    """The C library's default environment; nothing happens where it has none that is known here."""
    default = _default_environment()
    if default is None:
        yield
        return
    library, kept = ctypes.CDLL(None), ctypes.create_string_buffer(_STATE_BYTES)
    library.fegetenv(kept)
    library.fesetenv(default)
    try:
        yield
    finally:
        library.fesetenv(kept)


def _default_environment() -> ctypes.c_void_p | None:
    """``FE_DFL_ENV`` of <fenv.h>: a number in glibc and musl, the address of an object on macOS."""
    if sys.platform == "linux":
        return ctypes.c_void_p(-1)
    if sys.platform == "darwin":
        return ctypes.c_void_p(
            ctypes.addressof(ctypes.c_char.in_dll(ctypes.CDLL(None), "_FE_DFL_ENV"))
        )
    return None


def _found() -> str | None:
    up = _ONE + _HALF_ULP
    down = _ONE + _HALF_ULP / 4.0
    if up.tolist() != [1.0 + 2.0**-52, -1.0 - 2.0**-52] or down.tolist() != [1.0, -1.0]:
        return "rounding is not to nearest"
    # Between normal numbers, since a constant of this file would be flushed with all others.
    if float((_SMALL / 4.0 * 4.0)[0]) != 2.0**-1022:
        return "subnormals are flushed to zero"
    return None
