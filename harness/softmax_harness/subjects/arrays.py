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

    def __call__(self, *arguments: NDArray[Any], **named: Any) -> Any:
        """The result as an array of NumPy's, if it is an array of the library."""
        adapter = self._adapter
        with adapter.enabled(arguments):
            given = [adapter.from_numpy(each, self._device) for each in arguments]
            result = self._function(*given, **named)
            y = adapter.to_numpy(result) if adapter_of(result) is adapter else result
            if adapter.IS_WRITABLE:
                for x, array in zip(arguments, given, strict=True):
                    _bring_back(x, adapter.to_numpy(array))
        return y


def _bring_back(x: NDArray[Any], written: NDArray[Any]) -> None:
    """Do to an argument what was done to the array that was made of it.

    It is looked at later whether the argument has changed; one that is read-only raises.
    """
    if written.shape != x.shape:
        told = f"changed its input, of shape {x.shape}, to one of shape {written.shape}"
        raise Failed(Fault("input_changed", told))
    if not np.may_share_memory(x, written) and bits(written) != bits(x):
        x[...] = written
