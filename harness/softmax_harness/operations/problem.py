"""What is computed: an operation, along an axis, from one format into another, under a policy."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.errors import HarnessError
from softmax_harness.ground.formats import Format, format_of
from softmax_harness.operations.enclosure import Array
from softmax_harness.operations.operand import Operands
from softmax_harness.operations.operation import Operation, Policy, is_tolerant


@dataclass(frozen=True)
class Problem:
    """What an implementation is asked to compute, apart from the numbers.

    Attributes
    ----------
    operation : Operation
    input_format : Format
        Of the logits.
    output_format : Format
        Of the results, which are judged as numbers of this format.
    axis : int or None
        The axis of the operation; None for a call that leaves it to its default, the last one.
    policy : Policy
        What the special values give.
    """

    operation: Operation
    input_format: Format
    output_format: Format
    axis: int | None = -1
    policy: Policy = field(default_factory=Policy)

    def __post_init__(self) -> None:
        choices = vars(self.policy).values()
        if "uniform" in choices and not self.operation.is_distribution:
            raise HarnessError(
                f"the results of {self.operation.name} are no shares of 1, so that they cannot be "
                "uniform: expected the policy nan, zero or any"
            )

    @classmethod
    def of(
        cls, operation: Operation, format: Format, output_format: Format | None = None, **how: Any
    ) -> Problem:
        """The problem with results in the format of the logits unless another one is given."""
        return cls(operation, format, output_format or format, **how)

    def along(self, axis: int | None) -> Problem:
        """The same problem along another axis."""
        return self if axis == self.axis else replace(self, axis=axis)

    def of_integers(self) -> Problem:
        """The problem for logits that are integers, which are worked as float64.

        The results are too, unless their format is another than that of the logits.
        """
        worked = format_of(np.empty(0, np.int64))
        is_own = self.output_format != self.input_format
        return replace(
            self, input_format=worked, output_format=self.output_format if is_own else worked
        )

    def special_values(self, x: Array, operands: Operands) -> tuple[NDArray[np.bool_], Array]:
        """Where the policy fixes the results, and to what, as a number of the output format."""
        fixed, expected = self.operation.special_values(x, self.policy, operands)
        beyond = self.judged_format.overflow_value
        # Where either is right, infinity stands for both, also in a format that has none.
        if self.policy.saturation != "any" and beyond != np.inf and np.isinf(expected).any():
            expected = np.where(np.isinf(expected), np.copysign(beyond, expected), expected)
        if "uniform" not in vars(self.policy).values():
            return fixed, expected  # 0, 1 and NaN are numbers of every format
        tolerant = is_tolerant(expected)
        nearest = self.output_format.nearest(np.where(tolerant, 0.0, expected))
        return fixed, np.where(tolerant, expected, nearest)

    @property
    def judged_format(self) -> Format:
        """The output format, as results are rounded to it that are beyond its largest number."""
        if self.policy.saturation == "saturate":
            return self.output_format.saturating
        return self.output_format

    @property
    def resolved_axis(self) -> int:
        """The axis, also where a call leaves it to its default."""
        return -1 if self.axis is None else self.axis

    def named_arguments(self) -> dict[str, int]:
        """What an implementation is called with by name."""
        if self.axis is None or not self.operation.has_axis:
            return {}
        return {"axis": self.axis}

    def shape_of_results(self, arguments: Operands) -> tuple[int, ...]:
        """The shape that an implementation gives back for these arguments."""
        return self.operation.shape_of_results(arguments, self.resolved_axis)
