"""Messages to and from an isolated process: plain data both ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True)
class Request:
    """One call that is asked for.

    Attributes
    ----------
    x : ndarray
        The inputs.
    axis : int or None
        The axis of the softmax; None for a call that leaves it to its default.
    dtype : str
        The dtype that is expected of the result.
    layout : str
        How x lies in memory, a name in `softmax_harness.subjects.isolation.layouts.LAYOUTS`: built in the
        process, since no pipe carries strides.
    times, threads : int
        How often the call is made, and in how many threads at once; all must give the same bits,
        though calls with other numbers come between.
    operands : tuple of ndarray
        What it is called with after x.
    shape : tuple of int or None
        The shape that is expected of the result; None for that of x.
    """

    x: NDArray[Any]
    dtype: str
    axis: int | None = -1
    layout: str = "contiguous"
    times: int = 1
    threads: int = 1
    operands: tuple[NDArray[Any], ...] = ()
    shape: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Fault:
    """Something wrong with a call apart from its numbers.

    Attributes
    ----------
    kind : str
        One word or two, such as ``raised`` or ``input_changed``.
    message : str
    """

    kind: str
    message: str


@dataclass(frozen=True)
class Reply:
    """What a call gave.

    Attributes
    ----------
    y : ndarray or None
        The result, of the shape and dtype expected; None where there is none of these.
    faults : tuple of Fault
    """

    y: NDArray[Any] | None
    faults: tuple[Fault, ...]

    @property
    def refused(self) -> bool:
        """Whether all that was wrong is that the call raised an exception."""
        return bool(self.faults) and all(fault.kind == "raised" for fault in self.faults)

    @property
    def exhausted(self) -> bool:
        """Whether there is no result because memory or output ran over."""
        kinds = {fault.kind for fault in self.faults}
        return self.y is None and bool(kinds & {"memory", "printed"})


@dataclass(frozen=True)
class Description:
    """What is known of an implementation once it is loaded.

    Attributes
    ----------
    declared : dict or None
        The fields its author declared with ``@implementation``; None for a plain function.
    summary : str
        The first line of its docstring.
    faults : tuple of Fault
        What loading it left behind.
    """

    declared: dict[str, Any] | None
    summary: str
    faults: tuple[Fault, ...] = ()
