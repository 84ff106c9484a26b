"""Kinds of rows, of which each row gets one at random."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Kind = TypeVar("Kind", bound=Callable[..., object])


def drawn(
    kinds: tuple[tuple[float, Kind], ...], rows: int, rng: np.random.Generator
) -> Iterator[tuple[Kind, NDArray[np.int64]]]:
    """Each kind that occurs, with the rows that have it.

    Parameters
    ----------
    kinds : tuple of (float, callable)
        How likely each is; these sum to 1.
    """
    up_to = np.cumsum([share for share, _ in kinds])
    kind = np.searchsorted(up_to / up_to[-1], rng.random(rows), side="right")
    for place in sorted({*kind.tolist()}):
        yield kinds[place][1], np.flatnonzero(kind == place)
