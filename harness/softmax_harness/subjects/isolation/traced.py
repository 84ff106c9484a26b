"""The steps of a call as plain bytes, which can hold nothing that runs: see `wire`."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import FORMATS
from softmax_harness.subjects.trace import UNKNOWN, Step


def packed(steps: list[Step]) -> tuple[list[dict[str, Any]], bytes]:
    """What JSON can hold of the steps, and the bytes of all their arrays one after another."""
    arrays = _Arrays()
    told = [
        {
            "function": each.name if each.method == UNKNOWN else _name(each.function),
            "is_ufunc": isinstance(each.function, np.ufunc),
            "method": each.method,
            "inputs": [arrays.told(own) for own in each.inputs],
            "keywords": {name: arrays.told(own) for name, own in each.keywords.items()},
            "output": arrays.told(each.output),
            "places": arrays.told(each.places),
        }
        for each in steps
    ]
    return told, b"".join(arrays.parts)


def _name(function: Any) -> str:
    return function if isinstance(function, str) else str(function.__name__)


class _Arrays:
    """The bytes of arrays, and where each is among them."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self._size = 0

    def told(self, value: Any) -> Any:
        """An array by its type, shape and place; numbers, and tuples of them, as they are."""
        if isinstance(value, (np.ndarray, np.generic)):
            array = np.asarray(value)
            self.parts.append(array.tobytes())
            self._size += array.nbytes
            return {
                "dtype": array.dtype.name,
                "shape": list(array.shape),
                "start": self._size - array.nbytes,
            }
        return list(value) if isinstance(value, tuple) else value


def steps_in(told: list[dict[str, Any]], data: memoryview) -> list[Step]:
    """The steps that `packed` made plain.

    Raises
    ------
    ValueError, TypeError, LookupError
        If they are none.
    """

    def read(value: Any) -> Any:
        if isinstance(value, dict):
            return _array(value, data)
        if isinstance(value, list):
            return tuple(int(each) for each in value)
        return value if value is None or isinstance(value, (bool, float)) else int(value)

    return [
        Step(
            function=_function(each),
            method=str(each["method"]),
            inputs=tuple(read(own) for own in each["inputs"]),
            keywords={str(name): read(own) for name, own in each["keywords"].items()},
            output=read(each["output"]),
            places=read(each["places"]),
        )
        for each in told
    ]


def _function(told: dict[str, Any]) -> Any:
    """One of NumPy's ufuncs by its name, which is all that is looked up; or a text."""
    name = told["function"]
    if not isinstance(name, str):
        raise TypeError("expected a name")
    if not told["is_ufunc"]:
        return name
    found = getattr(np, name, None)
    if not isinstance(found, np.ufunc):
        raise ValueError(f"no ufunc of NumPy is named {name!r}")
    return found


def _array(told: dict[str, Any], data: memoryview) -> NDArray[Any]:
    name, shape = str(told["dtype"]), tuple(int(each) for each in told["shape"])
    dtype = FORMATS[name].dtype if name in FORMATS else np.dtype(name)
    if dtype.hasobject:
        raise TypeError("an array of objects is not plain")
    start, size = int(told["start"]), prod(shape) * dtype.itemsize
    return np.frombuffer(data[start : start + size], dtype).reshape(shape).copy()
