"""The cases of the contract: layouts, axes, batches, permutations, shapes, integers.

All use hard rows: a separate code path for a layout or an axis has its own faults. Operands follow
the logits about, and each is laid out differently too. Each kind has sizes that depend on the seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np

from softmax_harness.check.contract import drawn
from softmax_harness.check.contract.case import Among, Case
from softmax_harness.check.contract.case_rows import COUNTING, MOST_TERMS, SHAPES, Shape
from softmax_harness.check.contract.layout_cases import (
    LayoutCases,
    alone,
    layouts_for,
    of_numbers,
)
from softmax_harness.ground.formats import Format
from softmax_harness.operations import Inputs, Operation, taken, with_classes

# Long and wide ones beside the axis that is reduced; squares, which hide an exchange of axes from
# the shape; axes of length 1, which a kernel may drop; many axes.
_AXIS_SHAPES = (
    *SHAPES,
    (16, 16),
    (131, 3),
    (300, 2),
    (5, 1100),
    (2, 3, 4, 5),
    (2, 2, 3, 2, 4),
    (2, 1, 2, 3, 2, 3),
    (9,),
    (1,),
    (2, 3, 6, 6),
    (1, 5, 7),
    (5, 7, 1),
    (1, 4, 4, 5),
    (1, 7),
    (2, 3, 1100),
)
# Along other axes than the last NumPy adds term by term, in float16 in float16 itself, where a sum
# of ones stops growing at 2048.
_LONG_AXES = ((1100, 3), (4096, 2), (2, 2049, 2))
# Strides beyond 16 bits; an image for each class, as of segmentation, in a batch; one of more
# places than 17 bits count.
_OF_FEW_CLASSES = (((3, 66_000), 0), ((2, 3, 140, 140), 1), ((1, 2, 367, 359), 1))
# More channels than a vector has lanes, whole vectors and what is left after these, in images of
# whole vectors, with a remainder, square and in one line; the same in sequences.
_OF_CHANNELS = (
    *(((1, 6, 2050), 1), ((2, 9, 3, 35), 1), ((2, 16, 8, 8), 1), ((1, 8, 1, 4097), 1)),
    *(((2, 13, 5, 7), 1), ((2, 10, 257), 1), ((1, 24, 65), 1)),
    *(((2, 19, 32, 32), 1), ((2, 64, 4, 4), 1), ((2, 33, 32), 1), ((2, 40, 40), 1)),
    # More than a block of threads, in few places; images of one place.
    *(((2, 300, 2, 2), 1), ((8, 5, 1, 1), 1)),
    # Several images of several lines; volumes of more places than a block has threads.
    *(((3, 5, 6, 7), 1), ((1, 37, 16, 17), 1), ((2, 6, 9, 11, 11), 1)),
    # Several images of more classes than a vector has lanes, and of more places than a block.
    ((5, 21, 33, 33), 1),
)
_IMAGES = ((2, 9, 3, 35), (2, 64, 4, 4))  # whose channels may lie last, too
# Axes before others that a kernel may take for channels, and whole vectors of columns.
_OF_OTHERS = (
    *(((3, 2, 16, 16), 2), ((16, 2, 3, 40), 0), ((4, 2048), 0)),
    *(((128, 256), 0), ((128, 128), 0)),
)
# Many entries with many others beside each; many batches of such.
_LONG_AND_WIDE = (
    *(((2, 150, 20), 1), ((1, 4100, 20), 1), ((1000, 7, 7), 0), ((20_011, 5), 0)),
    *(((100, 8, 8), 1), ((48, 40, 40), 0), ((300, 300), 0), ((70, 1100), 0), ((2, 8, 2100), 1)),
    ((1100, 131), 0),
)
# In every layout; of one each operand alone, too.
_LAID_OUT_AXES = (((64, 33), 0), ((5, 7, 19), 1), ((3, 4, 2, 5), 1))
_ALONE = (5, 7, 19)
_BATCHES = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 65, 100, 127, 128, 129, 1000)
_LEADS = ((2, 17), (2, 1, 5), (1, 1, 1), (4, 4, 4), (2, 3, 2, 3))
# Of more elements than are worked without threads, in rows that no number of threads divides; more
# long rows than a processor has cores, however many; a million elements in rows below 1024.
_THREADED = (
    *((4099, 17), (2600, 130), (257, 257), (256, 64)),
    *((1100, 960), (67, 4100), (17, 16_400), (9, 50_257), (4, 131_080)),
    # Groups of rows, and what is left of them.
    *((258, 17), (259, 19), (262, 16), (269, 20)),
    # The same of rows of whole blocks, in more than one wave; long rows of these.
    *((129, 128), (300, 256), (64, 1024), (273, 1152), (9, 8192)),
    # Many rows longer than those; an odd number of the largest tiles.
    *((70, 8200), (2, 20_480)),
)
# Past the sizes that 15, 16 and 17 bits count, and past the blocks of a grid of threads.
_LARGE_BATCHES = ((32_769, 5), (131_101, 2), (65537, 1, 2))
# Rows beside several other axes; long ones without any, one after another.
_RANKS = (
    *((4, 3, 257), (4, 8, 1000), (2, 3, 2000), (2, 2, 8200), (1, 3, 1100)),
    *((2, 3, 5, 130), (2, 3, 66, 66), (2, 12, 8, 33), (2, 3, 70, 140), (1, 2, 2, 4100)),
    *((2, 2, 16_500), (2, 2, 3, 700)),
    # Sequences in batches, of few tokens and of many; squares; a mask of its own for each batch.
    *((2, 36, 68), (3, 18, 130), (2, 5, 1028), (1, 67, 67), (2, 2, 9, 16)),
    # Many batches of few tokens, many heads, and windows with heads.
    *((35, 3, 50), (33, 2, 3, 9), (1, 130, 5, 9), (2, 9, 2, 7, 7)),
    # The same of whole vectors.
    *((2, 32, 64), (2, 2, 16, 64), (2, 2, 64, 64), (4, 8, 96, 16), (2, 8, 256)),
)
_VECTORS = (1000, 4096, 5000)
_OF_EACH_VECTOR = 2
_LONG_VECTORS = ((50_257,), (100_003,))
_DISTINCT = 32
_LONG_TO_PERMUTE, _FEW_PERMUTED = 1 << 13, 8
_EMPTY = (((0,), -1), ((3, 0), -1), ((0, 3), -1), ((2, 0, 3), 1), ((2, 0, 3), -1))
_SCALARS = (0.0, -3.5, 1000.0, np.nan, np.inf, -np.inf)
# The last axis first, which all have; a long one; others.
_OF_INTEGERS = (((39, 17), -1), ((4, 50), -1), ((8, 17), 0), ((3, 5, 7), 1))
_MANY_CLASSES = 50_257
_BIG = 2**30  # integers that float32 cannot tell from their neighbours
# The least, the largest, and how they lie in memory.
_INTEGERS = (
    *((-1, 1, "contiguous"), (-10, 10, "every-other")),
    *((-1000, 1000, "fortran"), (_BIG, _BIG + 5, "contiguous")),
)


class Cases(LayoutCases):
    """Makes cases of an operation in a format, from a seed."""

    def axes(self) -> Iterator[Case]:
        """Every axis, counted from either end or left to its default, in more than one layout."""
        if not self.operation.has_axis:
            return
        count = 1 + len(self.operation.operands)
        shapes = drawn.shape(self.seed, 2), drawn.shape(self.seed, 3)
        for shape in self.fitting((*_AXIS_SHAPES, *_LONG_AXES, *shapes)):
            told, among = f"shape {shape}, no axis given", self.along(shape, -1, MOST_TERMS)
            yield Case("default_axis", told, (among.inputs,), shape, None, among=among)
            for axis in range(-len(shape), len(shape)):
                among = self.along(shape, axis, MOST_TERMS)
                # Counted from the end it is the same axis.
                others = ("fortran",) * (axis >= 0) + ("every-other",) * (0 <= axis < 3)
                others += ("channels-last",) * (len(shape) > 2 and axis == 1)
                others += ("added-axes",) * (1 in shape)
                for name in ("contiguous", *others):
                    yield _of_axis(among, shape, axis, (name,) * count)
        for shape, axis in (*_LONG_AND_WIDE, *_OF_FEW_CLASSES, *_OF_CHANNELS, *_OF_OTHERS):
            # So many rows of more terms hold some in which a sum one by one errs too much.
            for own in self.fitting([shape]):
                among = self.along(own, axis, COUNTING)
                others = ("channels-last",) * (own in _IMAGES)
                for name in ("contiguous", *others):
                    yield _of_axis(among, own, axis, (name,) * count)
        yield from self._laid_out_along_axes()

    def _laid_out_along_axes(self) -> Iterator[Case]:
        names = [each.name for each in self.operation.operands]
        count = 1 + len(names)
        for shape, axis in _LAID_OUT_AXES:
            inputs = self.along(shape, axis).inputs
            for name in layouts_for(shape):
                told = f"axis {axis} of shape {shape}, layout {name}"
                yield Case("axis", told, (inputs,), shape, axis, (name,) * count)
                numbers = of_numbers(inputs)
                for place, operand in enumerate(names if shape == _ALONE else (), 1):
                    told = f"axis {axis} of shape {shape}, layout {name} of {operand}"
                    yield Case("axis", told, (numbers,), shape, axis, alone(name, place, count))

    def batches(self) -> Iterator[Case]:
        """Rows in batches of every size and place, and next to rows that must not matter."""
        for n in (3, 33):
            for shape in self.fitting((rows, n) for rows in _BATCHES):
                among, told = self.along(shape), f"{shape[0]} rows of {n}"
                yield _of_rows(among, told, shape)
                turned = Among(among.whole, among.rows[::-1])
                yield _of_rows(turned, f"{told} in reversed order", shape)
            for shape in self.fitting((*lead, n) for lead in _LEADS):
                yield _of_rows(self.along(shape), self.named(shape), shape)
            several = self.hard((_DISTINCT, n))
            for row in range(_DISTINCT):
                yield _of_rows(Among(several, np.array([row])), f"shape ({n},)", (n,))
        ones = self.with_operands(np.ones((3, 1), self.format.dtype), (3, 1))
        yield Case("batch", "rows of a single 1", (ones,), (3, 1))
        for shape in ((1,), (1, 1)):
            yield Case("batch", self.named(shape), (self.normal((1, 1)),), shape)
        yield from self.whole_calls()
        for shape in self.fitting((*_THREADED, *drawn.batches(self.seed), *_LARGE_BATCHES)):
            yield _of_rows(self.along(shape), self.named(shape), shape)
        for shape in self.fitting(_RANKS if self.operation.has_axis else ()):
            yield _of_rows(self.along(shape), self.named(shape), shape)
        if self.operation.has_axis:
            yield from self._vectors()

    def _vectors(self) -> Iterator[Case]:
        """Long rows without any other axis."""
        for (n,) in self.fitting((n,) for n in _VECTORS):
            whole = self.along((_OF_EACH_VECTOR, n)).whole
            for row in range(_OF_EACH_VECTOR):
                yield _of_rows(Among(whole, np.array([row])), f"shape ({n},)", (n,))
        for shape in self.fitting(_LONG_VECTORS):
            yield Case("batch", self.named(shape), (self.hard((1, *shape)),), shape)

    def permutations(self) -> Iterator[Case]:
        """The entries of a row in other orders."""
        lengths = () if self.operation.is_ordered else (7, 33, 1000, drawn.permuted(self.seed))
        for shape in self.fitting((self._permuted(n), n) for n in lengths):
            n = shape[-1]
            inputs = self.hard(shape)
            shuffled = np.argsort(self.random(shape).random(shape), axis=-1)
            ascending = np.argsort(inputs.x, axis=-1, kind="stable")
            for told, order in (
                ("reversed", np.broadcast_to(np.arange(n)[::-1], shape)),
                ("in another order", shuffled),
                ("ascending", ascending),
                ("descending", ascending[:, ::-1]),
            ):
                moved = taken(inputs, self.operation.operands, order)
                assert moved is not None
                yield Case("permutation", f"{n} entries {told}", (moved,), shape)

    def _permuted(self, n: int) -> int:
        """How many rows are permuted: fewer where they take long to judge."""
        return _DISTINCT if n * self.operation.cost <= _LONG_TO_PERMUTE else _FEW_PERMUTED

    def shapes(self) -> Iterator[Case]:
        """Empty arrays, and a single number without axes."""
        has_class = any(each.is_class for each in self.operation.operands)
        for shape, axis in _EMPTY:
            if (axis != -1 and not self.operation.has_axis) or (shape[axis] == 0 and has_class):
                continue  # a row of nothing has no class
            rows = math.prod(np.delete(shape, axis).tolist())
            inputs = self.with_operands(np.empty((rows, shape[axis]), self.format.dtype), shape)
            yield Case("empty", f"shape {shape}, axis {axis}", (inputs,), shape, axis)
        for value in _SCALARS if self.operation.has_axis else ():
            with np.errstate(over="ignore"):
                one = self.with_operands(np.full((1, 1), value).astype(self.format.dtype), (1,))
            yield Case("scalar", f"shape (), the number {value:g}", (one,), ())

    def integers(self) -> Iterator[Case]:
        """Integers, computed as float64 whichever dtype is checked, and classes of four bytes."""
        if not self.operation.takes_logits:
            return
        for shape, axis in _OF_INTEGERS if self.operation.has_axis else _OF_INTEGERS[:1]:
            rng = np.random.default_rng(self.seed)
            rows = math.prod(shape) // shape[axis], shape[axis]
            for dtype in (np.int64, np.int32):
                for low, high, name in _INTEGERS:
                    x = rng.integers(low, high + 1, rows).astype(dtype)
                    made = self.with_operands(x.astype(np.float64), rows)
                    told = f"{np.dtype(dtype).name} from {low} to {high}, axis {axis} of {shape}"
                    layouts, rows_ = (name,) * (1 + len(made.operands)), Inputs(x, made.operands)
                    yield Case("integers", told, (rows_,), shape, axis, layouts)
        if any(each.is_class for each in self.operation.operands):
            yield from self._narrow_classes()

    def _narrow_classes(self) -> Iterator[Case]:
        """Classes of four bytes, among more of them than two bytes hold, too."""
        count = 1 + len(self.operation.operands)
        for shape, axis in (*_OF_INTEGERS, ((16, 1000), -1), ((3, _MANY_CLASSES), -1)):
            among = self.along(shape, axis)
            classes = with_classes(among.inputs, np.int32)
            for name in ("contiguous", "every-other"):
                told = f"classes of int32, axis {axis} of {shape}, layout {name}"
                yield Case("integers", told, (classes,), shape, axis, (name,) * count)


def _of_axis(among: Among, shape: Shape, axis: int, layouts: tuple[str, ...]) -> Case:
    told = f"axis {axis} of shape {shape}, layout {layouts[0]}"
    return Case("axis", told, (among.inputs,), shape, axis, layouts, among=among)


def _of_rows(among: Among, told: str, shape: Shape) -> Case:
    return Case("batch", told, (among.inputs,), shape, among=among)


CASES: dict[str, Callable[[Cases], Iterator[Case]]] = {
    "layouts": Cases.layouts,
    "axes": Cases.axes,
    "batches": Cases.batches,
    "permutations": Cases.permutations,
    "shapes": Cases.shapes,
    "integers": Cases.integers,
}


@lru_cache(maxsize=32)  # the parts of four formats: the next implementation is asked the same
def cases_of(part: str, operation: Operation, format: Format, seed: int) -> tuple[Case, ...]:
    """The cases of a part of the contract."""
    return tuple(CASES[part](Cases(operation, format, seed)))
