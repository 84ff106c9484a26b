"""The cases of the contract: layouts, axes, batches, permutations, shapes, integers.

All use hard rows: a separate code path for a layout or an axis has its own faults. Each kind has
sizes that depend on the seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.check.contract import drawn
from softmax_harness.check.contract.case import Case
from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families import stored
from softmax_harness.inputs.families.hard import hard_rows
from softmax_harness.subjects.layouts import LAYOUTS

# Vectors and remainders of them on every axis; for a stride of 0 every kind of row comes first.
_SHAPES = ((64, 33), (5, 7, 19), (3, 32, 16))
# Long and wide ones beside the axis that is reduced; many axes.
_AXIS_SHAPES = (*_SHAPES, (131, 3), (300, 2), (5, 1100), (2, 3, 4, 5), (2, 2, 3, 2, 4), (9,))
# Along other axes than the last NumPy adds term by term, in float16 in float16 itself.
_LONGEST_ON_AN_AXIS = 300
_BATCHES = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 65, 100, 127, 128, 129, 1000)
# Of more elements than are worked without threads, in rows that no number of threads divides.
_THREADED = ((4099, 17), (1031, 65), (257, 257), (131, 1024), (67, 1000))
# Past the sizes that 15, 16 and 17 bits count, and past the blocks of a grid of threads.
_LARGE_BATCHES = (32769, 65537, 131073)
_DISTINCT = 32
_BIG = 2**30  # integers that float32 cannot tell from their neighbours


def normal(format: Format, shape: tuple[int, ...], seed: int) -> NDArray[Any]:
    """Logits of scale 3 in the format."""
    return stored(_random(shape, seed).normal(0.0, 3.0, shape), format)


def hard(format: Format, shape: tuple[int, ...], seed: int, axis: int = -1) -> NDArray[Any]:
    """Rows of every kind along an axis."""
    n = shape[axis]
    rows = hard_rows(format, n, math.prod(shape) // n, _random(shape, seed))
    others = tuple(np.delete(shape, axis).tolist())
    return np.ascontiguousarray(np.moveaxis(stored(rows, format).reshape(*others, n), -1, axis))


def _random(shape: tuple[int, ...], seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, *shape])


def layouts(format: Format, seed: int) -> Iterator[Case]:
    """The same numbers, placed differently in memory."""
    for shape in (*_SHAPES, drawn.shape(seed, 3)):
        x = hard(format, shape, seed)
        for name in LAYOUTS:
            yield Case("layout", f"layout {name}, shape {shape}", x, layout=name)


def axes(format: Format, seed: int) -> Iterator[Case]:
    """Every axis, counted from either end or left to its default, in more than one layout."""
    for shape in (*_AXIS_SHAPES, drawn.shape(seed, 2), drawn.shape(seed, 3)):
        if shape[-1] <= _LONGEST_ON_AN_AXIS:
            told = f"shape {shape}, no axis given"
            yield Case("default_axis", told, hard(format, shape, seed), None)
        for axis in range(-len(shape), len(shape)):
            if shape[axis] > _LONGEST_ON_AN_AXIS:
                continue
            x = hard(format, shape, seed, axis)
            for name in ("contiguous", "fortran", "every-other"):
                told = f"axis {axis} of shape {shape}, layout {name}"
                yield Case("axis", told, x, axis, layout=name)


def batches(format: Format, seed: int) -> Iterator[Case]:
    """Rows in batches of every size, at every place, and next to rows that must not matter."""
    for n in (3, 33):
        for rows in _BATCHES:
            x = hard(format, (rows, n), seed)
            yield Case("batch", f"{rows} rows of {n}", x)
            yield Case("batch", f"{rows} rows of {n} in reversed order", x[::-1].copy())
        for lead in ((2, 17), (2, 1, 5), (1, 1, 1), (4, 4, 4), (2, 3, 2, 3)):
            yield Case("batch", f"shape {(*lead, n)}", hard(format, (*lead, n), seed))
        for row in hard(format, (_DISTINCT, n), seed):
            yield Case("batch", f"shape ({n},)", row)
    yield Case("batch", "rows of a single 1", np.ones((3, 1), format.dtype))
    for shape in (*_THREADED, *drawn.batches(seed)):
        yield Case("batch", f"{shape[0]} rows of {shape[1]}", hard(format, shape, seed))
    for rows in _LARGE_BATCHES:
        x = normal(format, (rows, 2), seed)
        x[:_DISTINCT] = x[-_DISTINCT:] = hard(format, (_DISTINCT, 2), seed)
        yield Case("batch", f"{rows} rows of 2", x)


def permutations(format: Format, seed: int) -> Iterator[Case]:
    """The entries of a row in other orders."""
    for n in (7, 33, 1000, drawn.permuted(seed)):
        x = hard(format, (_DISTINCT, n), seed)
        order = np.argsort(_random(x.shape, seed).random(x.shape), axis=-1)
        shuffled = np.take_along_axis(x, order, axis=-1)
        ascending = np.sort(x, axis=-1)
        for told, rows in (
            ("reversed", x[:, ::-1].copy()),
            ("in another order", shuffled),
            ("ascending", ascending),
            ("descending", ascending[:, ::-1].copy()),
        ):
            yield Case("permutation", f"{n} entries {told}", rows)


def shapes(format: Format, seed: int) -> Iterator[Case]:
    """Empty arrays, and a single number without axes."""
    for shape, axis in (((0,), -1), ((3, 0), -1), ((0, 3), -1), ((2, 0, 3), 1), ((2, 0, 3), -1)):
        yield Case("empty", f"shape {shape}, axis {axis}", np.empty(shape, format.dtype), axis)
    for value in (0.0, -3.5, 1000.0, np.nan, np.inf, -np.inf):
        yield Case(
            "scalar", f"shape (), the number {value:g}", np.array(value).astype(format.dtype)
        )


def integers(format: Format, seed: int) -> Iterator[Case]:
    """Integers; they are computed as float64, whichever dtype is checked."""
    rng = np.random.default_rng(seed)
    for dtype in (np.int64, np.int32):
        for low, high in ((-1, 1), (-10, 10), (-1000, 1000), (_BIG, _BIG + 5)):
            x = rng.integers(low, high + 1, (_DISTINCT, 17)).astype(dtype)
            yield Case("integers", f"{np.dtype(dtype).name} from {low} to {high}", x)


CASES: dict[str, Callable[[Format, int], Iterator[Case]]] = {
    "layouts": layouts,
    "axes": axes,
    "batches": batches,
    "permutations": permutations,
    "shapes": shapes,
    "integers": integers,
}


@lru_cache(maxsize=32)  # the parts of four formats: the next implementation is asked the same
def cases_of(part: str, format: Format, seed: int) -> tuple[Case, ...]:
    """The cases of a part of the contract."""
    return tuple(CASES[part](format, seed))
