"""The cases of layouts: the same numbers, placed differently in memory, as views have them.

All arguments lie in each layout, then each operand alone; and those of whole calls, whose heads and
queries have strides of their own.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.check.contract import drawn
from softmax_harness.check.contract.case import Among, Case
from softmax_harness.check.contract.case_rows import MOST_TERMS, SHAPES, CaseRows, Shape
from softmax_harness.check.contract.sample import sampled
from softmax_harness.operations import Inputs, WholeCall
from softmax_harness.subjects.layouts import LAYOUTS, REPEATING

# Rows of several axes and of several vectors: what takes whole ones may not look at how they lie.
_LAYOUT_SHAPES = (*SHAPES, (40,), (5, 259), (2, 3, 4, 18))
# Of logits a square, in which the strides of another argument fit as well; long rows, of no whole
# vectors.
_SQUARE, _LONG_LAYOUT_SHAPE = (17, 17), (4, 4101)
# Nothing but whole vectors, which kernels may take without a look at how rows and heads lie.
_OF_WHOLE_VECTORS = ((4, 256), (2, 3, 4, 64), (2, 4, 20))
# Of one argument alone in each layout: rows of several axes; of logits, whose number is their
# length, also of several vectors and long ones.
_ALONE, _ALONE_OF_LOGITS = ((5, 7, 19),), ((5, 259), (2, 4, 20), _LONG_LAYOUT_SHAPE)
# Arrays of logits that are large in a few layouts alone: further apart than 16 bits count, of more
# rows than a block of threads, of more than a tile of 128 in both directions and what is left of
# it, in whole tiles, in heads of more queries than a tile.
_LARGE = (
    ((700, 100), ("sliced",)),
    ((135, 130), ("fortran", "pitched", "every-other", "backwards")),
    ((259, 70), ("broadcast",)),
    ((128, 128), ("fortran",)),
    ((2, 129, 50), ("cached", "sliced")),
    ((2, 2, 66, 130), ("heads-inside",)),
    ((2, 2, 33, 130), ("repeated", "shared-by-heads")),
)
# Of whole calls, as views have them: heads inside of queries, axes in any order, backwards, a part.
_OF_WHOLE_CALLS = (
    *("heads-inside", "transposed", "exchanged", "fortran", "reversed", "pitched"),
    *("packed", "cached"),
)
_LAID_OUT = 4
# Of one without batches and heads: q, k and v from one projection, and columns before rows.
_OF_FLAT_CALLS = ("packed", "exchanged")
# Of one argument alone: heads inside of queries, and columns before rows.
_OF_ONE_ARGUMENT = ("heads-inside", "exchanged")
# Of one argument that is the same for all queries, as a mask of keys: without a copy for each.
_FOR_ALL_QUERIES, _SHARED = "repeated", 2
# And that is the same for all heads: a mask, or keys and values of a group of heads.
_FOR_ALL_HEADS, _SHARED_BY_HEADS = "shared-by-heads", 3
# Of one argument of a call whose mask differs among queries and heads.
_OF_VARIED = ("heads-inside", "reversed", "sliced")
_OF_ADDED_AXES = "added-axes"
# Of these every entry of a row is the first one.
_OF_THE_FIRST, _POWERS = ("expanded", "one-number"), 3


class LayoutCases(CaseRows):
    """Makes cases of layouts of an operation in a format, from a seed."""

    @lru_cache(maxsize=1)  # noqa: B019 (batches and layouts have the same)
    def whole_calls(self) -> tuple[Case, ...]:
        """Calls whose rows share operands; none of an operation that has no such."""
        if self.operation.whole_calls is None:
            return ()
        return tuple(map(self._whole_call, self.operation.whole_calls(self.format, self.seed)))

    def _whole_call(self, call: WholeCall) -> Case:
        blocks, sample = sampled(call.blocks, self.seed)
        arguments = call.arguments
        return Case("batch", call.told, blocks, _of_rows(call), arguments=arguments, sample=sample)

    def named(self, shape: Shape) -> str:
        """A call by the shape of its logits, or by what these would be made of."""
        if self.operation.takes_logits:
            return f"shape {shape}"
        return f"{shape[:-1]} queries of {shape[-1]} keys each"

    def layouts(self) -> Iterator[Case]:
        """The same numbers, placed differently in memory: all arguments, then each operand."""
        names = [each.name for each in self.operation.operands]
        count = len(names) + self.operation.takes_logits
        more: tuple[Shape, ...] = ()
        by_themselves: tuple[Shape, ...] = _ALONE
        if self.operation.has_axis:
            more = (_SQUARE, _LONG_LAYOUT_SHAPE, *_OF_WHOLE_VECTORS)
            by_themselves += _ALONE_OF_LOGITS
        for shape in self.fitting((*_LAYOUT_SHAPES, *more, drawn.shape(self.seed, 3))):
            is_long = shape[-1] > MOST_TERMS
            inputs = self.of_few_terms(shape) if is_long else self.hard(shape)
            for name in layouts_for(shape):
                told = f"layout {name}, {self.named(shape)}"
                kind = "batch" if name == "contiguous" else "layout"
                yield Case(kind, told, (inputs,), shape, layouts=self._all(name))
                if count == 1 or name == "contiguous" or shape not in by_themselves:
                    continue
                numbers = of_numbers(inputs)
                if is_long and name in _OF_THE_FIRST:
                    numbers = _with_firsts(numbers)
                for place, operand in enumerate(names, count - len(names)):
                    if operand in self.operation.left_out:
                        continue
                    told = f"layout {name} of {operand}, {self.named(shape)}"
                    yield Case("layout", told, (numbers,), shape, layouts=alone(name, place, count))
        if self.operation.has_axis:
            yield from self._large(count)
        yield from self._whole_calls_laid_out(count)

    def _all(self, name: str) -> tuple[str, ...]:
        """The layout of each argument, but of those that are left out and must stay as they are."""
        operation = self.operation
        return tuple(
            "contiguous" if each in operation.left_out else name for each in operation.parameters
        )

    def _large(self, count: int) -> Iterator[Case]:
        """Large arrays in a few layouts: all arguments, then each operand."""
        for shape, layouts in _LARGE:
            among = self.along(shape)
            numbers = Among(of_numbers(among.whole), among.rows)
            for name in layouts:
                told = f"layout {name}, {self.named(shape)}"
                yield _of_rows_laid_out(among, told, shape, (name,) * count)
                for place, operand in enumerate(self.operation.operands, 1):
                    told = f"layout {name} of {operand.name}, {self.named(shape)}"
                    own = alone(name, place, count)
                    yield _of_rows_laid_out(numbers, told, shape, own)

    def _whole_calls_laid_out(self, count: int) -> Iterator[Case]:
        """Calls of several queries in several heads: each has a stride of its own."""
        own = [each for each in self.whole_calls() if _has_several_strides(each)]
        varied = [each for each in own if _has_varied_mask(each)][:1]
        for case in (*own[:_LAID_OUT], *varied):
            for name in _OF_WHOLE_CALLS:
                told = f"layout {name}, {case.told}"
                layouts = (name,) * count
                yield replace(case, kind="layout", told=told, layouts=layouts)
        flat = sorted(filter(_is_flat, self.whole_calls()), key=lambda case: case.size)[:1]
        for case, name in itertools.product(flat, _OF_FLAT_CALLS):
            told = f"layout {name}, {case.told}"
            yield replace(case, kind="layout", told=told, layouts=(name,) * count)
        masked = [each for each in own if each.is_masked]
        alike = [each for each in own if _is_of_equal_heads(each)]
        for case in (*own[:1], *masked[:1], *alike[:1]):
            for place, name in itertools.product(range(count), _OF_ONE_ARGUMENT):
                yield _of_argument(case, name, place)
        for case, place, name in itertools.product(varied, range(count), _OF_VARIED):
            yield _of_argument(case, name, place)
        for place in range(count):
            shared = (each for each in self.whole_calls() if _is_for_all_queries(each, place))
            for case in itertools.islice(shared, _SHARED):
                yield _of_argument(case, _FOR_ALL_QUERIES, place)
            of_heads = (each for each in self.whole_calls() if _is_for_all_heads(each, place))
            for case in itertools.islice(of_heads, _SHARED_BY_HEADS):
                yield _of_argument(case, _FOR_ALL_HEADS, place)


def _of_rows_laid_out(among: Among, told: str, shape: Shape, layouts: tuple[str, ...]) -> Case:
    """A call of rows of which few differ, in layouts, some of which say what is seen of them."""
    known = None if REPEATING.intersection(layouts) else among
    return Case("layout", told, (among.inputs,), shape, layouts=layouts, among=known)


def layouts_for(shape: Shape) -> list[str]:
    """The layouts that arrays of a shape can have."""
    return [name for name in LAYOUTS if name != _OF_ADDED_AXES or 1 in shape]


def _of_rows(call: WholeCall) -> Shape:
    """The shape of the logits of all rows."""
    return sum(len(each.x) for each in call.blocks), call.blocks[0].x.shape[-1]


def _has_several_strides(case: Case) -> bool:
    first: Shape = case.arguments[0].shape if case.arguments else ()
    return _are_several(first[:-1])


def _is_flat(case: Case) -> bool:
    """Whether it is a call of several queries without batches and heads."""
    return case.arguments is not None and case.arguments[0].ndim == 2 and case.rows > 1


def _has_varied_mask(case: Case) -> bool:
    """Whether a mask differs among the queries of a head, and among heads."""
    masks = [each for each in case.arguments or () if each.dtype == bool and each.ndim > 3]
    return any(
        (each != each[..., :1, :]).any() and (each != each[..., :1, :, :]).any() for each in masks
    )


def _is_of_equal_heads(case: Case) -> bool:
    """Whether the second and third argument have one shape, in several heads of several batches."""
    shapes: list[Shape] = [each.shape for each in (case.arguments or ())[1:3]]
    return len(shapes) == 2 and shapes[0] == shapes[1] and _are_several(shapes[0][:-2])


def _are_several(sizes: Shape) -> bool:
    """Whether more than one axis has more than one place."""
    return len([size for size in sizes if size > 1]) > 1


def of_numbers(inputs: Inputs) -> Inputs:
    """The inputs with 1 for each NaN of the operands.

    Some layouts let rows see the numbers of others. What a NaN gives beside an infinite logit, with
    which no operation makes it, is nowhere said.
    """
    return inputs._replace(operands=tuple(map(_without_nans, inputs.operands)))


def _without_nans(operand: NDArray[Any]) -> NDArray[Any]:
    is_nan = np.isnan(operand) if operand.dtype.kind in "fV" else np.zeros(1, bool)
    return np.where(is_nan, operand.dtype.type(1), operand) if is_nan.any() else operand


def _with_firsts(inputs: Inputs) -> Inputs:
    """The inputs with other first entries of each operand that has one for each logit.

    These are 0 or False where no term is. Here they are powers of two, whose sums are exact, and
    every other row's True.
    """
    rows, n = inputs.x.shape
    operands = tuple(np.array(each) for each in inputs.operands)
    place = np.arange(rows)
    for each in operands:
        if each.ndim > 1 and each.shape[1] == n:
            firsts = place % 2 == 0 if each.dtype == bool else 2.0 ** -(place % _POWERS)
            each[:, 0] = firsts.reshape(rows, *[1] * (each.ndim - 2))
    return inputs._replace(operands=operands)


def _is_for_all_heads(case: Case, place: int) -> bool:
    """Whether an argument of a whole call is the same for all heads, and not throughout."""
    argument = (case.arguments or ())[place]
    if argument.ndim < 4 or argument.shape[-3] == 1:
        return False
    first = argument[..., :1, :, :]
    return bool((argument == first).all() and (first != first.flat[0]).any())


def _is_for_all_queries(case: Case, place: int) -> bool:
    """Whether an argument of a whole call is the same for all queries, and not throughout."""
    argument = (case.arguments or ())[place]
    several = argument.ndim > 2 and argument.shape[-2] > 1
    first = argument[..., :1, :]
    return bool(several and (argument == first).all() and (first != first.flat[0]).any())


def _of_argument(case: Case, name: str, place: int) -> Case:
    """A whole call with one of its arguments in a layout."""
    told = f"layout {name} of argument {place + 1}, {case.told}"
    layouts = alone(name, place, len(case.arguments or ()))
    return replace(case, kind="layout", told=told, layouts=layouts)


def alone(name: str, place: int, count: int) -> tuple[str, ...]:
    """That layout of one argument of so many; the others are contiguous."""
    return tuple(name if each == place else "contiguous" for each in range(count))
