"""Functions that take arrays of another library than NumPy: these are made for each call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.adapters import Adapter, adapter_named, adapter_of
from softmax_harness.subjects.adapted import Adapted, Ready
from softmax_harness.subjects.binding import bound
from softmax_harness.subjects.repeats import bits
from softmax_harness.subjects.request import Call, Failed, Fault

_UNFINISHED = (
    "returned a result that its device was still computing: it changed after it was read; "
    "let the stream of the caller wait for the one that is used"
)


class OfArrays(Adapted):
    """A function of arrays of a library, on a device.

    Parameters
    ----------
    function : callable
    arrays : str
        The library, a name in `softmax_harness.ground.adapters.ADAPTERS`.
    device : str or None
        As the library names it; None for where it puts arrays itself.
    """

    def __init__(self, function: Callable[..., Any], arrays: str, device: str | None) -> None:
        self._function, self._device = function, device
        self._adapter = adapter_named(arrays)

    def start(self) -> None:
        """Import the library and wake the device, which is no part of a call.

        Raises
        ------
        BadData
            Where there is no such device.
        """
        self._adapter.start(self._device)

    def for_call(self, call: Call) -> Ready:
        """The function for NumPy's arrays; what it returns becomes one of these."""
        return _Ready(bound(self._function, call.names), self._adapter, self._device)

    def alone(self, call: Call) -> Callable[[], None]:
        """The function with its arrays on their device, until the device has done its work."""
        function, adapter, device = bound(self._function, call.names), self._adapter, self._device
        with adapter.enabled(call.arguments):
            given = [adapter.from_numpy(each, device) for each in call.arguments]

        def timed() -> None:
            with adapter.enabled(call.arguments):
                adapter.synchronize(function(*given, **call.named), device)

        return timed


class _Ready(Ready):
    """A function of arrays, as one of NumPy's."""

    def __init__(self, function: Callable[..., Any], adapter: Adapter, device: str | None) -> None:
        super().__init__()
        self._function, self._adapter, self._device = function, adapter, device
        self._calls = 0
        self._first: tuple[Any, NDArray[Any]] | None = None

    def __call__(self, *arguments: NDArray[Any], **named: Any) -> Any:
        """The result as an array of NumPy's, if it is an array of the library."""
        adapter = self._adapter
        with adapter.enabled(arguments):
            given = [adapter.from_numpy(each, self._device) for each in arguments]
            result = self._function(*given, **named)
            y = self._read(result) if adapter_of(result) is adapter else result
            if adapter.IS_WRITABLE:
                for x, array in zip(arguments, given, strict=True):
                    _bring_back(x, adapter.to_numpy(array))
        return y

    def _read(self, result: Any) -> NDArray[Any]:
        """The result as a caller gets it who waits for nothing but his own copy of it.

        A kernel may compute in a stream of its own, and has to make that of the caller wait for it.
        """
        y = self._adapter.to_numpy(result)
        self._adapter.synchronize(result, self._device)
        later = self._adapter.to_numpy(result)
        if not np.may_share_memory(y, later) and bits(later) != bits(y):
            self.faults.append(Fault("unfinished", _UNFINISHED))
        self._look_back(result, y)
        return y

    def _look_back(self, result: Any, y: NDArray[Any]) -> None:
        """Tell whether the second call has changed the result of the first on its device."""
        self._calls += 1
        if self._first is not None:
            (earlier, kept), self._first = self._first, None
            now = self._adapter.to_numpy(earlier)
            if not np.may_share_memory(now, kept) and bits(now) != bits(kept):
                told = "a later call changed the result of an earlier one"
                self.faults.append(Fault("result_overwritten", told))
        elif self._calls == 1:
            self._first = result, y


def _bring_back(x: NDArray[Any], written: NDArray[Any]) -> None:
    """Do to an argument what was done to the array that was made of it.

    It is looked at later whether the argument has changed; one that is read-only raises.
    """
    if written.shape != x.shape:
        told = f"changed its input, of shape {x.shape}, to one of shape {written.shape}"
        raise Failed(Fault("input_changed", told))
    if not np.may_share_memory(x, written) and bits(written) != bits(x):
        x[...] = written
