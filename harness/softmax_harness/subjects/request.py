"""What is asked of an implementation and what it answers: plain data that crosses processes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # the process of an implementation imports this, and is to hold no operation
    from softmax_harness.operations import Operands, Problem


@dataclass(frozen=True)
class Call:
    """One call as the process needs it that makes it: what it computes is not said.

    Attributes
    ----------
    arguments : tuple of ndarray
    named : dict
        The arguments that are passed by name.
    shape : tuple of int
        That is expected of the result.
    dtype : str
        That is expected of the result.
    layout, times, threads
        As in `Request`.
    names : tuple of str
        Of the arguments, in their order: see `softmax_harness.subjects.binding`.
    """

    arguments: Operands
    named: dict[str, int]
    shape: tuple[int, ...]
    dtype: str
    layout: str | tuple[str, ...] | None = "contiguous"
    times: int = 1
    threads: int = 1
    names: tuple[str, ...] = ()

    @property
    def x(self) -> NDArray[Any]:
        """The first argument."""
        return self.arguments[0]


@dataclass(frozen=True)
class Request:
    """One call that is asked for.

    Attributes
    ----------
    problem : Problem
        What is computed, along which axis, and in which format the result is expected.
    arguments : tuple of ndarray
        What the implementation is called with; the first has the shape that messages name.
    layout : str, tuple of str or None
        How the arguments lie in memory, a name in `softmax_harness.subjects.layouts.LAYOUTS`, or
        one for each argument: built where the call is made, since no pipe carries strides. None for
        as they are.
    times, threads : int
        How often the call is made, and in how many threads at once; all must give the same bits,
        though calls with other numbers come between.
    """

    problem: Problem
    arguments: Operands
    layout: str | tuple[str, ...] | None = "contiguous"
    times: int = 1
    threads: int = 1

    @property
    def x(self) -> NDArray[Any]:
        """The first argument."""
        return self.arguments[0]

    @property
    def size(self) -> int:
        """How many numbers the arguments are."""
        return sum(each.size for each in self.arguments)

    @property
    def dtype(self) -> str:
        """The dtype that is expected of the result."""
        return self.problem.output_format.name

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape that is expected of the result."""
        return self.problem.shape_of_results(self.arguments)

    @property
    def call(self) -> Call:
        """The call that is to be made."""
        named, operation = self.problem.named_arguments(), self.problem.operation
        names, arguments, layout = operation.parameters, self.arguments, self.layout
        if operation.left_out:
            kept = [place for place, each in enumerate(names) if each not in operation.left_out]
            names = tuple(names[p] for p in kept)
            arguments = tuple(arguments[p] for p in kept)
            layout = layout if not isinstance(layout, tuple) else tuple(layout[p] for p in kept)
        how = (layout, self.times, self.threads, names)
        return Call(arguments, named, self.shape, self.dtype, *how)


LOOKS_AT_HARNESS = "looks_at_harness"


@dataclass(frozen=True)
class Fault:
    """Something wrong with a call, apart from its numbers.

    Attributes
    ----------
    kind : str
        One word or two, such as ``raised`` or ``input_changed``.
    message : str
    """

    kind: str
    message: str


class Failed(Exception):
    """A call that gave no result, as whoever makes it can tell better than an exception's name.

    Attributes
    ----------
    fault : Fault
    """

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


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
    faults: tuple[Fault, ...] = ()

    @property
    def values(self) -> NDArray[np.float64] | None:
        """The result as float64, in which every format up to float64 is exact."""
        return None if self.y is None else self.y.astype(np.float64)

    @property
    def messages(self) -> tuple[str, ...]:
        """What was wrong, in words."""
        return tuple(fault.message for fault in self.faults)

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
class Left:
    """What calls that were made one after another left behind.

    Attributes
    ----------
    faults : tuple of Fault
    is_flood : bool
        Whether they printed without end: then what they answered is of no account.
    """

    faults: tuple[Fault, ...] = ()
    is_flood: bool = False

    def on(self, replies: list[Reply]) -> list[Reply]:
        """The replies, the last of which bears what they all left behind."""
        if self.is_flood:
            return [Reply(None, self.faults)] * len(replies)
        *others, last = replies
        return [*others, Reply(last.y, (*last.faults, *self.faults))]


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
    parameters : dict of str to bool
        Those of a plain function but ``axis``, and whether each has to be given.
    """

    declared: dict[str, Any] | None
    summary: str
    faults: tuple[Fault, ...] = ()
    parameters: dict[str, bool] = field(default_factory=dict)
