"""One call of an implementation, and what can go wrong apart from its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from softmax_implementations import Implementation

from softmax_harness.operations import OPERATIONS, Operands, Operation


@dataclass(frozen=True)
class Call:
    """What an implementation returned.

    Attributes
    ----------
    y : ndarray of float64 or None
        The outputs in the shape of the inputs; None where there are none to judge.
    faults : tuple of str
        What was wrong with the call: an exception, a wrong shape or dtype, a changed input.
    """

    y: NDArray[np.float64] | None
    faults: tuple[str, ...] = ()


def call(
    implementation: Implementation,
    x: NDArray[Any],
    axis: int = -1,
    operation: Operation = OPERATIONS["softmax"],
    operands: Operands = (),
) -> Call:
    """Call `implementation` on `x` and look at all that it returned.

    Floating-point warnings are its own business: it is called with them off.
    """
    arguments = operation.called_with(x, operands)
    given = [each.tobytes() for each in arguments]
    try:
        with np.errstate(all="ignore"):
            named = {"axis": axis} if operation.has_axis else {}
            y = implementation(*arguments, **named)
    except Exception as error:  # noqa: BLE001 - whatever a plug-in raises is a finding, not our failure
        return Call(None, (f"raised {type(error).__name__}: {str(error).splitlines()[:1]}",))
    faults = []
    if [each.tobytes() for each in arguments] != given:
        faults.append("changed its input")
    if not isinstance(y, np.ndarray):
        return Call(None, (*faults, f"returned {type(y).__name__} where an ndarray was expected"))
    shape = operation.shape_of_results(arguments, axis)
    if y.shape != shape:
        told = f"returned shape {y.shape} for an input of shape {x.shape}"
        return Call(None, (*faults, told if shape == x.shape else f"{told}, expected {shape}"))
    expected = implementation.output_dtype or x.dtype.name
    if y.dtype.name != expected:
        faults.append(f"returned {y.dtype} where {expected} was expected")
    if y.dtype.kind not in "fV" and y.dtype.name != "bfloat16":
        return Call(None, tuple(faults))
    return Call(y.astype(np.float64), tuple(faults))
