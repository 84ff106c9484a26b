"""The same call again: later, after calls with other numbers, and in several threads at once."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.subjects.request import Call, Fault, Request

if TYPE_CHECKING:
    from softmax_harness.operations import Operands

_SWITCH_SECONDS = 1e-6
# Together in all threads: many of a small array, which is rarely met in the middle of its work.
_ELEMENTS_IN_THREADS = 1 << 19
_FEWEST_IN_THREADS, _MOST_IN_THREADS = 8, 400
_MOST_OF_FEW = 16  # where few are made one after another
# With other numbers: results may stand in some pieces of memory in turn.
_CALLS_WITH_OTHERS = 5
_LARGE = 1000.0
# And two when one number is changed, one when they hold the first numbers.
_CALLS_BETWEEN = _CALLS_WITH_OTHERS + 3

Function = Callable[..., Any]


def repeated(
    function: Function, asked: Call, arguments: Operands, first: NDArray[Any]
) -> list[Fault]:
    """What is wrong with calls after the one that gave `first`, which must stay as it is."""

    def call(numbers: Operands) -> NDArray[Any]:
        result: NDArray[Any] = function(*numbers, **asked.named)
        return result

    kept, flipped = bits(first), bits(np.flip(first))
    others = tuple(np.array(np.flip(each)) for each in arguments)
    reference = bits(call(others))
    for _ in range(_CALLS_WITH_OTHERS - 1):
        call(others)
    faults = []
    if bits(first) != kept:
        told = "a later call changed the result of an earlier one"
        faults.append(Fault("result_overwritten", told))
    if reference == kept != flipped:
        told = "gave the result of an earlier call of the same shape for other numbers"
        faults.append(Fault("nondeterminism", told))
    held = tuple(np.array(each) for each in others)
    changed = _with_one_changed(held)
    due = bits(call(changed))
    _fill(others, changed)
    if bits(call(others)) != due:
        told = "gave different bits for an array in which one number was another in an earlier call"
        faults.append(Fault("nondeterminism", told))
    _fill(others, arguments)
    if bits(call(others)) != kept:
        told = "gave different bits for arrays that had other numbers in an earlier call"
        faults.append(Fault("nondeterminism", told))
    _fill(others, held)
    open_before = _held_open()
    again = [bits(call(arguments)) != kept for _ in range(asked.times - 1)]
    if any(again):
        faults.append(Fault("nondeterminism", f"gave different bits within {asked.times} calls"))
    for what, count in _held_open().items():
        if (grown := count - open_before[what]) > asked.times // 2:
            faults.append(
                Fault("side_effect", f"left {grown} {what} behind in {asked.times} calls")
            )
    if asked.threads > 1:
        with _frequent_switches():
            calls = _calls_in_threads(asked)
            found = _in_threads(call, asked.threads, calls, (arguments, others))
        if any(each != (kept, reference)[place % 2] for place, each in enumerate(found)):
            faults.append(
                Fault("nondeterminism", f"gave different bits in {asked.threads} threads at once")
            )
    return faults


def _fill(arrays: Operands, numbers: Operands) -> None:
    for array, each in zip(arrays, numbers, strict=True):
        array[...] = each


def calls_of(asked: Call | Request) -> int:
    """How many calls are made."""
    if asked.times == 1 and asked.threads == 1:
        return 1
    in_threads = _calls_in_threads(asked) if asked.threads > 1 else 0
    return _CALLS_BETWEEN + asked.times + in_threads


def elements_of(asked: Call | Request) -> int:
    """How many elements are computed in all calls together."""
    return int(asked.x.size) * calls_of(asked)


def _calls_in_threads(asked: Call | Request) -> int:
    """Few of an array that keeps a thread at work, or that few calls are made of otherwise."""
    most = min(_MOST_IN_THREADS, max(asked.times, _MOST_OF_FEW))
    return max(min(_ELEMENTS_IN_THREADS // max(asked.x.size, 1), most), _FEWEST_IN_THREADS)


def _with_one_changed(arguments: Operands) -> Operands:
    """The arguments with a large number in the first, neither at an end nor in the middle.

    So large that its exponential overflows, whatever the maximum was before.
    """
    first, *others = arguments
    changed = first.copy()
    changed.flat[first.size // 3] = np.asarray(_LARGE).astype(first.dtype)
    return (changed, *others)


def _held_open() -> dict[str, int]:
    """How many threads there are, and open files where the system tells.

    The system knows the threads that a library has started, too.
    """
    files, threads = "/proc/self/fd", "/proc/self/task"
    has_told = os.path.isdir(threads)
    return {
        "threads": len(os.listdir(threads)) if has_told else threading.active_count(),
        "open files": len(os.listdir(files)) if os.path.isdir(files) else 0,
    }


def _in_threads(
    call: Function, threads: int, calls: int, inputs: tuple[Operands, ...]
) -> list[bytes]:
    with ThreadPoolExecutor(threads) as executor:
        futures = [executor.submit(call, inputs[place % 2]) for place in range(calls)]
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
