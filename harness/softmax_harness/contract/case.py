"""One call that must give the same rows right as a simpler call of the same rows does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.isolation.layouts import LAYOUTS


@dataclass(frozen=True)
class Case:
    """A call with something about it beside its numbers.

    Attributes
    ----------
    kind : str
        The part of the contract it belongs to, and the kind of its finding.
    told : str
        What is particular about the call.
    x : ndarray
        The inputs.
    axis : int
    layout : str
        As in `softmax_harness.isolation.Request`.
    needs : str or None
        The capability without which it is not a fault to fail.
    alone : bool
        Whether the simpler call takes each row alone, or all rows as they are.
    """

    kind: str
    told: str
    x: NDArray[Any]
    axis: int = -1
    layout: str = "contiguous"
    needs: str | None = None
    alone: bool = False

    @property
    def seen(self) -> NDArray[Any]:
        """The numbers that the layout leaves of x."""
        return np.ascontiguousarray(LAYOUTS[self.layout](self.x)).reshape(self.x.shape)

    @property
    def has_simpler(self) -> bool:
        """Whether its rows can be had in a simpler call of the same dtype."""
        return self.x.size > 0 and self.x.ndim > 0 and self.needs != "integers"
