"""The rows of the contract's cases: of every kind, few of them different, exact in any order."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.check.contract.case import Among
from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families.hard import hard_rows, long_hard_rows
from softmax_harness.operations import Inputs, Operation, taken, widened

# So many of their rows differ, of long ones fewer, each of which stands at many places: what goes
# by the place of a row shows all the same. Calls of a few rows have the first ones of these.
_DIFFERENT = (4, 16, 64, 97)
_DIFFERENT_NUMBERS = 1 << 15
_FEWEST_DIFFERENT = 2
# Two different ones in which nothing is special, so that a fault of the first or last row shows.
_OF_NUMBERS = 0, 1
# Of longer rows some kinds take mpmath long.
_LONGEST_HARD = 1100
# Entries that count in rows of few terms.
COUNTING = 100
# Of these at the beginning of a row and at its end, where a vector or what is left of one stands.
_FIRST, _LAST = 8, 24
# Vectors and remainders of them on every axis; for a stride of 0 every kind of row comes first.
SHAPES = ((64, 33), (5, 7, 19), (3, 32, 16))
# A sum of n terms one by one errs by some u sqrt(n) / 3, and may by (16 + log2 n) u, as one in
# pairs: of more terms than these, one in a few hundred exceeds it. Of longer rows few count.
MOST_TERMS = 300
# Scores up to the largest number over this, and these in place of larger ones.
_FAR_BELOW, _LARGEST_HELD = 64.0, 100.0
_EQUAL = 0.0  # whose exponentials have an exact sum, shifted or not
# Logits, each counted as many times as it takes longer to judge than one of softmax; fewer where
# that is so, as rows have operands of their own.
_LARGEST, _LARGEST_OF_PRODUCTS = 17 << 16, 12 << 16

Shape = tuple[int, ...]


@dataclass(frozen=True)
class CaseRows:
    """Makes rows with operands of an operation in a format, from a seed."""

    operation: Operation
    format: Format
    seed: int

    def normal(self, shape: Shape, scale: float = 3.0) -> Inputs:
        """Rows along the last axis, logits of a standard deviation of `scale`."""
        rows = self.random(shape).normal(0.0, scale, shape).reshape(-1, shape[-1])
        return self.with_operands(self.format.stored(rows), shape)

    @lru_cache(maxsize=64)  # noqa: B019 (calls of rows of one length have the same)
    def hard(self, shape: Shape) -> Inputs:
        """Rows of every kind along the last axis."""
        rows, n = math.prod(shape[:-1]), shape[-1]
        make = hard_rows if n <= _LONGEST_HARD else long_hard_rows
        made = make(self.format, n, rows, self.random(shape))
        if not self.operation.takes_logits:
            made = _held(made, self.format)
        return self.with_operands(self.format.stored(made), shape)

    def along(self, shape: Shape, axis: int = -1, most: float = math.inf) -> Among:
        """Rows for an array that has them along an axis, of which not too many differ.

        Of more than `most` terms a sum one by one is right in them, too.
        """
        n = shape[axis]
        rows = math.prod(shape) // n
        few = _different(rows, n)
        inputs = self.hard((few, n)) if n <= most else self._of_exact_sums((few, n))
        if rows <= few:
            return Among(inputs, np.arange(rows))
        places = self.random(shape).integers(few, size=rows)
        places[0], places[-1] = _OF_NUMBERS
        return Among(inputs, places)

    @lru_cache(maxsize=64)  # noqa: B019 (as of `hard`)
    def _of_exact_sums(self, shape: Shape) -> Inputs:
        """Long rows of few terms, every other one of equal logits.

        Not where the logits are summed as they are, or their logarithms: that sum is not exact.
        """
        inputs = self.of_few_terms(shape)
        if self.operation.sums_logits:
            return inputs
        x = inputs.x.copy()
        x[1::2] = _EQUAL
        return inputs._replace(x=x)

    def of_few_terms(self, shape: Shape) -> Inputs:
        """Rows of which few entries count, those at either end and others at any places."""
        rows, n = shape
        whole = widened(self.hard((rows, COUNTING)), self.operation.operands, n)
        order = _with_ends(np.argsort(self.random(shape).random(shape), axis=-1))
        moved = taken(whole, self.operation.operands, order)
        assert moved is not None
        return moved

    def with_operands(self, rows: NDArray[Any], shape: Shape) -> Inputs:
        """Rows for a call of a shape, with the operands that the operation makes for them."""
        return self.operation.inputs(rows, np.random.default_rng([1, self.seed, *shape]))

    def fitting(self, shapes: Iterable[Shape]) -> list[Shape]:
        """Those that do not take too long to judge."""
        cost = self.operation.cost
        most = _LARGEST if cost == 1 else _LARGEST_OF_PRODUCTS
        return [each for each in shapes if math.prod(each) * cost <= most]

    def random(self, shape: Shape) -> np.random.Generator:
        """Random numbers of the seed, the same for each call of a shape."""
        return np.random.default_rng([self.seed, *shape])


def _different(rows: int, n: int) -> int:
    """How many different rows there are for a call of so many: few numbers, shared by calls."""
    enough = next((each for each in _DIFFERENT if each >= rows), _DIFFERENT[-1])
    return min(enough, max(_DIFFERENT_NUMBERS // n, _FEWEST_DIFFERENT))


def _with_ends(order: NDArray[np.int64]) -> NDArray[np.int64]:
    """The orders, in which the first entries come to stand at the ends of a row, in exchange."""
    ends = [*range(_FIRST), *range(order.shape[1] - _LAST, order.shape[1])]
    for row in order:
        for entry, end in enumerate(ends):
            place = int(np.argmax(row == entry))
            row[place], row[end] = row[end], entry
    return order


def _held(scores: NDArray[Any], format: Format) -> NDArray[Any]:
    """Rows of scores with smaller ones in place of those that a kernel may not be able to hold.

    Where products of vectors overflow anything is right, and a call goes wrong unseen.
    """
    finite = np.where(np.isfinite(scores), scores, 0.0)
    size = np.abs(finite).max(axis=-1, keepdims=True, initial=0.0)
    beyond = size > format.largest / _FAR_BELOW
    return np.where(beyond, scores * (_LARGEST_HELD / np.where(beyond, size, 1.0)), scores)
