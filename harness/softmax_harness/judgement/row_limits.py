"""Limits of some rows of many: each row's are found once, when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class RowLimits:
    """What each element of the rows may err by, as far as it is known.

    Attributes
    ----------
    values : ndarray of float64, shape (all rows, m)
    is_known : ndarray of bool, shape (all rows,)
    places : ndarray of int64, shape (rows,)
        Where the rows stand in these two, which all that are made by `some` share.
    """

    values: Array
    is_known: NDArray[np.bool_]
    places: Places

    @classmethod
    def of_shape(cls, shape: tuple[int, ...]) -> RowLimits:
        """Of rows of which nothing is known."""
        return cls(np.empty(shape), np.zeros(shape[0], bool), np.arange(shape[0]))

    def some(self, chosen: Places | slice) -> RowLimits:
        """Of some of the rows; what is found of them is known of all."""
        return RowLimits(self.values, self.is_known, self.places[chosen])

    def of(self, rows: Places, find: Callable[[Places], Array]) -> Array:
        """Those of some rows, shape (some, m); `find` gives those of rows that are not known."""
        places = self.places[rows]
        missing = np.flatnonzero(~self.is_known[places])
        if missing.size:
            new, first = np.unique(places[missing], return_index=True)
            self.values[new] = find(rows[missing[first]])
            self.is_known[new] = True
        is_all = np.array_equal(places, np.arange(len(self.values)))
        return self.values if is_all else self.values[places]
