"""Calls a C function on NumPy's arrays, and looks at what it wrote and where."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import FORMATS
from softmax_harness.subjects.adapted import Adapted, Ready
from softmax_harness.subjects.native.block import OTHER, UNTOUCHED, Block
from softmax_harness.subjects.native.signature import (
    IN_PLACE,
    Array,
    Parameter,
    Signature,
    Size,
    Value,
    ctype,
)
from softmax_harness.subjects.request import Call, Failed, Fault

_LEAST_GAP = 5


class Native(Adapted):
    """A function of a shared library that is called as its signature says.

    Parameters
    ----------
    function : ctypes function
    signature : Signature
    """

    def __init__(self, function: Any, signature: Signature) -> None:
        self._function, self._signature = function, signature
        returned = signature.returned
        function.restype = None if returned is None else ctype(returned)
        function.argtypes = [_argument_type(each) for each in signature.parameters]

    def for_call(self, call: Call) -> Ready:
        """The function for calls with arguments of those names, and results of that shape."""
        return _Ready(self._function, self._signature, call)

    def alone(self, call: Call) -> Callable[[], None]:
        """The calls of the function alone, with all arguments at their place."""
        return _Alone(self._function, _Given(self._signature, call, call.arguments))


class _Alone:
    """Calls of a function; it holds the memory of which these are told the addresses only."""

    def __init__(self, function: Any, given: _Given) -> None:
        self._function, self._given = function, given
        self._arguments = list(given.arguments())

    def __call__(self) -> None:
        for own in self._arguments:
            self._function(*own)


def _argument_type(parameter: Parameter) -> Any:
    return ctype("c_void_p" if isinstance(parameter, Array) else parameter.ctype)


class _Ready(Ready):
    """A `Native` function for calls of one kind."""

    def __init__(self, function: Any, signature: Signature, call: Call) -> None:
        super().__init__()
        self._function, self._signature, self._call = function, signature, call

    def __call__(self, *arguments: NDArray[Any], **named: Any) -> NDArray[Any]:
        """The results; what was written elsewhere is added to the faults."""
        _check_axis(self._call, named.get("axis"))
        given = _Given(self._signature, self._call, arguments)
        self._run(given)
        self.faults += given.faults()
        if not given.in_place:
            self._check_written(given, arguments)
        return np.array(given.result.array).reshape(self._call.shape)

    def _run(self, given: _Given) -> None:
        for row, own in enumerate(given.arguments()):
            returned = self._function(*own)
            if self._signature.returns_result:
                given.result.array[row] = returned
            elif returned:
                raise Failed(Fault("raised", f"returned the error code {returned}"))

    def _check_written(self, given: _Given, arguments: tuple[NDArray[Any], ...]) -> None:
        """A NaN may have the bits of untouched memory: other bits there tell whether it has."""
        left = given.result.untouched(UNTOUCHED)
        if not left.any():
            return
        again = _Given(self._signature, self._call, arguments)
        again.result.fill(OTHER)
        self._run(again)
        left &= again.result.untouched(OTHER)
        if left.any():
            told = f"left {left.sum()} of its {left.size} results unwritten"
            self.faults.append(Fault("unwritten", told))


def _check_axis(call: Call, axis: int | None) -> None:
    if axis is not None and axis not in (-1, max(call.x.ndim, 1) - 1):
        raise Failed(
            Fault("raised", "takes rows along the last axis only, as its signature has it")
        )


class _Given:
    """What a function is given in one call, or in a call for each row."""

    def __init__(
        self, signature: Signature, call: Call, arguments: tuple[NDArray[Any], ...]
    ) -> None:
        self._signature = signature
        self._values = dict(zip(call.names, arguments, strict=True))
        self._layouts = _layouts_of(call)
        result = signature.result
        self._leading = call.shape[: len(call.shape) - result.core]
        self._rows = math.prod(self._leading)
        core = call.shape[len(self._leading) :] or (1,) * result.core
        self.in_place = result.name == IN_PLACE
        several = {*self._layouts.values()}
        layout = several.pop() if len(several) == 1 else "contiguous"
        own = _gap(signature, result)
        self.result = Block(self._rows, core, _dtype(result.dtype), own, layout)
        if self.in_place:
            self.result.array[...] = self._placed(result, core, self._values["x"])
        self._blocks = {
            each.name: self._block(each, core) for each in signature.arrays if each != result
        }
        self._before = {name: each.array.tobytes() for name, each in self._blocks.items()}
        self._blocks[result.name] = self.result

    def _block(self, array: Array, result: tuple[int, ...]) -> Block:
        x = self._values[array.name]
        own = x.shape[x.ndim - array.core :] if x.ndim >= array.core else (1,) * array.core
        if array.is_spread and own[0] == 1:
            own = (result[0], own[1])
        layout, gap = self._layouts[array.name], _gap(self._signature, array)
        block = Block(self._rows, own, _dtype(array.dtype), gap, layout)
        block.array[...] = self._placed(array, own, x)
        return block

    def _placed(self, array: Array, core: tuple[int, ...], x: NDArray[Any]) -> NDArray[Any]:
        """An argument as rows of their own, in the type that the function takes."""
        taken = _converted(array, x.reshape((1,) * array.core) if x.ndim < array.core else x)
        return np.broadcast_to(taken, (*self._leading, *core)).reshape((self._rows, *core))

    def arguments(self) -> Iterator[list[Any]]:
        """Those of each call; of none where there is nothing to compute."""
        if not self.result.array.size:
            return
        parameters = self._signature.parameters
        for row in range(1 if self._signature.takes_rows else self._rows):
            yield [self._argument(each, row) for each in parameters]

    def _argument(self, parameter: Parameter, row: int) -> Any:
        if isinstance(parameter, Array):
            block = self._blocks[parameter.name]
            return block.address + row * block.bytes_of_row
        if isinstance(parameter, Value):
            return _held(parameter, self._values[parameter.name].flat[row].item())
        return _held(parameter, self._size(parameter))

    def _size(self, size: Size) -> int:
        if size.name == "rows":
            return self._rows
        logits = "x" if "x" in self._blocks else IN_PLACE
        block = self._blocks[logits if size.name == "n" else size.name]
        if size.part == ".stride":
            return block.stride
        return block.core[int(size.part[1:-1]) if size.part else -1]

    def faults(self) -> list[Fault]:
        """What was written where nothing is to be written."""
        found = []
        for name, block in self._blocks.items():
            is_result = block is self.result
            if not is_result and block.array.tobytes() != self._before[name]:
                found.append(Fault("input_changed", f"wrote to its argument {name}"))
            if told := block.spilled:
                what = "beyond its result" if is_result else "beyond its argument"
                found.append(Fault("out_of_bounds", f"wrote {what} {name}: {told}"))
        return found


def _gap(signature: Signature, array: Array) -> int:
    """Elements between rows: none, or others for each array, whose strides must not be mixed up."""
    return _LEAST_GAP + 3 * signature.arrays.index(array) if array.gap else 0


def _layouts_of(call: Call) -> dict[str, str]:
    """That of each argument, by its name."""
    if call.layout is None or isinstance(call.layout, str):
        return dict.fromkeys(call.names, call.layout or "contiguous")
    return dict(zip(call.names, call.layout, strict=True))


def _held(parameter: Value | Size, number: Any) -> Any:
    """The number, if the type of a parameter holds it: ctypes would cut it off."""
    held = ctype(parameter.ctype)(number).value
    if held != number and number == number:
        told = f"takes {parameter.label} as {parameter.ctype[2:]}, which cannot be {number}"
        raise Failed(Fault("raised", told))
    return number


def _converted(array: Array, x: NDArray[Any]) -> NDArray[Any]:
    """The same numbers in the type of a parameter, which must have them all."""
    dtype = _dtype(array.dtype)
    if x.dtype == dtype:
        return x
    if x.dtype.kind in "iub" and dtype.kind in "iu":
        taken = x.astype(dtype)
        if (taken == x).all():
            return taken
    elif x.dtype.name in FORMATS and array.dtype in FORMATS and np.can_cast(x.dtype, dtype):
        return x.astype(dtype)
    raise Failed(Fault("raised", f"takes {array.name} as {array.dtype}, and was given {x.dtype}"))


def _dtype(name: str) -> np.dtype[Any]:
    return FORMATS[name].dtype if name in FORMATS else np.dtype(name)
