"""The same call again: later, after calls with other numbers, and in several threads at once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.isolation.request import Fault, Request

_CALLS_PER_THREAD = 4
_SWITCH_SECONDS = 1e-6


def repeated(
    function: Callable[..., Any], request: Request, x: NDArray[Any], first: NDArray[Any]
) -> list[Fault]:
    """What is wrong with calls after the one on x that gave `first`, which must stay as it is."""
    kept, other = bits(first), np.ascontiguousarray(np.flip(x))
    reference = bits(function(other, axis=request.axis))
    faults = []
    if bits(first) != kept:
        faults.append(Fault("result_overwritten", "a later call changed what an earlier one gave"))
    again = (bits(function(x, axis=request.axis)) for _ in range(request.times - 1))
    if any(each != kept for each in again):
        faults.append(Fault("nondeterminism", f"gave other bits within {request.times} calls"))
    if request.threads > 1:
        with _frequent_switches():
            found = _in_threads(function, request, (x, other))
        if any(each != (kept, reference)[place % 2] for place, each in enumerate(found)):
            faults.append(
                Fault("nondeterminism", f"gave other bits in {request.threads} threads at once")
            )
    return faults


def _in_threads(
    function: Callable[..., Any], request: Request, inputs: tuple[NDArray[Any], ...]
) -> list[bytes]:
    with ThreadPoolExecutor(request.threads) as executor:
        futures = [
            executor.submit(function, inputs[place % 2], axis=request.axis)
            for place in range(_CALLS_PER_THREAD * request.threads)
        ]
        return [bits(future.result()) for future in futures]


@contextmanager
def _frequent_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def bits(y: Any) -> bytes:
    """The bytes of y in C order; NaN of any payload is NaN."""
    array = np.asarray(y)
    if array.dtype.kind in "fV" and np.isnan(array).any():
        array = np.where(np.isnan(array), np.array(np.nan, array.dtype), array)
    return array.tobytes()
