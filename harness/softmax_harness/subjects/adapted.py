"""Functions that take no arrays of NumPy, in a form in which they are called like those that do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from softmax_harness.subjects.request import Call, Fault


class Ready(ABC):
    """A function that is ready for calls of one kind.

    Attributes
    ----------
    faults : list of Fault
        What calls did wrong that gave a result all the same.
    """

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    @abstractmethod
    def __call__(self, *arguments: NDArray[Any], **named: Any) -> Any:
        """The result for NumPy's arrays, as one of these."""


class Adapted(ABC):
    """A function with the arrays and the convention that it needs."""

    @abstractmethod
    def for_call(self, call: Call) -> Ready:
        """The function for calls with arguments of these names and results of this shape."""

    @abstractmethod
    def alone(self, call: Call) -> Callable[[], None]:
        """The function with these arguments at their place, to be timed: no conversion is left.

        It returns when the device has done its work.
        """
