"""An unusual call: it must get every row right that a simpler call of these rows gets right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.operations import Operands
from softmax_harness.subjects.layouts import LAYOUTS

# The capability without which it is no fault to fail a case of a kind.
_NEEDS = {"axis": "axes", "empty": "empty", "scalar": "scalar", "integers": "integers"}


@dataclass(frozen=True)
class Case:
    """A call that is unusual in something other than its numbers.

    Attributes
    ----------
    kind : str
        The part of the contract it belongs to, and the kind of its finding.
    told : str
        What is particular about the call.
    x : ndarray
        The inputs.
    axis : int or None
        None for a call without an axis, which means the last.
    operands : tuple of ndarray
        What the operation takes beside them.
    layout : str
        As in `softmax_harness.subjects.request.Request`.
    """

    kind: str
    told: str
    x: NDArray[Any]
    axis: int | None = -1
    operands: Operands = ()
    layout: str = "contiguous"

    @property
    def needs(self) -> str | None:
        """The capability without which it is not a fault to fail."""
        return _NEEDS.get(self.kind)

    @property
    def alone(self) -> bool:
        """Whether the simpler call takes each row alone, or all rows as they are."""
        return self.kind == "batch"

    @property
    def along(self) -> int:
        """The axis of the softmax."""
        return -1 if self.axis is None else self.axis

    @property
    def seen(self) -> NDArray[Any]:
        """The numbers that the layout leaves of x."""
        return np.ascontiguousarray(LAYOUTS[self.layout](self.x)).reshape(self.x.shape)

    @property
    def has_simpler(self) -> bool:
        """Whether its rows can be had in a simpler call of the same dtype."""
        return self.x.size > 0 and self.x.ndim > 0 and self.x.dtype.kind not in "iu"
