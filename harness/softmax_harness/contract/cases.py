"""The cases of the contract: layouts, axes, batches, permutations, shapes, integers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.contract.case import Case
from softmax_harness.formats import Format
from softmax_harness.isolation.layouts import LAYOUTS

# Vectors and remainders of them on every axis.
_SHAPES = ((64, 33), (5, 7, 19), (3, 4, 16))
_BATCHES = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 65, 100, 127, 128, 129, 1000)
# Past the sizes that 16 bits count, and past the blocks that a grid of threads is made of.
_LARGE_BATCHES = (65535, 65536, 65537, 131073)
_DISTINCT = 16


def normal(format: Format, shape: tuple[int, ...], seed: int) -> NDArray[Any]:
    """Logits of scale 3 in the format."""
    rng = np.random.default_rng([seed, *shape])
    return rng.normal(0.0, 3.0, shape).astype(format.dtype)


def layouts(format: Format, seed: int) -> Iterator[Case]:
    """The same numbers, otherwise placed in memory."""
    for shape in _SHAPES:
        x = normal(format, shape, seed)
        for name in LAYOUTS:
            yield Case("layout", f"layout {name}, shape {shape}", x, layout=name)


def axes(format: Format, seed: int) -> Iterator[Case]:
    """Every axis, counted from either end, in more than one layout."""
    for shape in _SHAPES:
        x = normal(format, shape, seed)
        for axis in range(-len(shape), len(shape)):
            for name in ("contiguous", "fortran", "every-other"):
                if axis % len(shape) != len(shape) - 1 or axis > 0:
                    told = f"axis {axis} of shape {shape}, layout {name}"
                    yield Case("axis", told, x, axis, name, needs="axes")


def batches(format: Format, seed: int) -> Iterator[Case]:
    """Rows in batches of every size, at every place, and beside rows that must not matter."""
    for n in (3, 33):
        distinct = normal(format, (_DISTINCT, n), seed)
        for rows in _BATCHES:
            told = f"{rows} rows of {n}"
            yield Case("batch", told, np.resize(distinct, (rows, n)), alone=True)
        for lead in ((2, 3), (2, 1, 5), (1, 1, 1), (4, 4, 2)):
            x = np.resize(distinct, (*lead, n))
            yield Case("batch", f"shape {x.shape}", x, alone=True)
        yield Case("batch", f"shape ({n},)", distinct[0], alone=True)
        yield Case("batch", "rows in reversed order", distinct[::-1].copy(), alone=True)
        yield Case("batch", "beside extreme rows", _among_extremes(distinct, format), alone=True)
    for rows in _LARGE_BATCHES:
        x = np.resize(normal(format, (_DISTINCT, 3), seed), (rows, 3))
        yield Case("batch", f"{rows} rows of 3", x, alone=True)


def _among_extremes(rows: NDArray[Any], format: Format) -> NDArray[Any]:
    extremes = [np.nan, np.inf, -np.inf, format.largest, -format.largest, 0.0]
    x = np.repeat(rows, 2, axis=0)
    x[1::2] = np.resize(np.array(extremes), len(rows))[:, None].astype(format.dtype)
    return x


def permutations(format: Format, seed: int) -> Iterator[Case]:
    """The entries of a row in other orders."""
    rng = np.random.default_rng(seed)
    for n in (7, 33, 1000):
        x = normal(format, (_DISTINCT, n), seed)
        yield Case("permutation", f"{n} entries reversed", x[:, ::-1].copy())
        shuffled = np.take_along_axis(x, np.argsort(rng.random(x.shape), axis=-1), axis=-1)
        yield Case("permutation", f"{n} entries in another order", shuffled)
        ascending = np.sort(x, axis=-1)
        yield Case("permutation", f"{n} entries ascending", ascending)
        yield Case("permutation", f"{n} entries descending", ascending[:, ::-1].copy())


def shapes(format: Format, seed: int) -> Iterator[Case]:
    """Nothing at all, and a single number."""
    for shape, axis in (((0,), -1), ((3, 0), -1), ((0, 3), -1), ((2, 0, 3), 1), ((2, 0, 3), -1)):
        x = np.empty(shape, format.dtype)
        yield Case("empty", f"shape {shape}, axis {axis}", x, axis, needs="empty")
    for value in (0.0, -3.5, 1000.0):
        x = np.array(value).astype(format.dtype)
        yield Case("scalar", f"shape (), the number {value:g}", x, needs="scalar")


def integers(format: Format, seed: int) -> Iterator[Case]:
    """Integers, which are worked as float64 whatever dtype is checked."""
    rng = np.random.default_rng(seed)
    for dtype in (np.int64, np.int32):
        for scale in (1, 10, 1000):
            x = rng.integers(-scale, scale + 1, (_DISTINCT, 17)).astype(dtype)
            yield Case("integers", f"{np.dtype(dtype).name} up to {scale}", x, needs="integers")


CASES: dict[str, Callable[[Format, int], Iterator[Case]]] = {
    "layouts": layouts,
    "axes": axes,
    "batches": batches,
    "permutations": permutations,
    "shapes": shapes,
    "integers": integers,
}
