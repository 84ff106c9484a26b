"""The sum of a row's exponentials, in slices that add up exactly and a rest."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.row_reductions import row_any, row_sum
from softmax_harness.operations.screen.reduction import power_of_two
from softmax_harness.operations.screen.workspace import (
    BLOCK_ELEMENTS,
    Array,
    Bits,
    Workspace,
    bits_of,
)

_SHORT = 1 << 13
_ONES = np.ones(BLOCK_ELEMENTS)
HEAD = ~np.int64((1 << 27) - 1)  # the 26 highest bits of a significand


def slices(
    head: Array,
    tail: Array,
    q: Bits | None,
    n: int,
    count: int,
    w: Workspace,
    unit: Bits | None = None,
    of_tails: tuple[int, int] = (0, 0),
) -> list[Array]:
    """Columns that add up to the sum of 2**q (head + tail) over each row, or over a part of rows.

    Parameters
    ----------
    head, tail : ndarray of float64, shape (rows, some)
        |head| <= 2, and |tail| <= 2**-14.4 |head|.
    q : ndarray of int64 or None
        Without it these are 0, and head and tail are overwritten.
    n : int
        Length of the whole rows.
    count : int
        How many of the columns are to be exact.
    unit : ndarray of int64, shape (rows, 1), or None
        The sum is in units of 2**unit, the largest q of each row; without it these are 0.
    of_tails : tuple of int
        t, and how many more of the columns are to be exact, of tails below 2**-t.

    Notes
    -----
    With b = 1 + bits of n: what is added to 1.5 * 2**b is cut to multiples of 2**(b - 52), of
    which any n, at most 2 each, add up exactly. What is cut off, at most 2**(b - 53), is cut in
    the same way to multiples of 2**(2b - 104), and so on. What is left after `count` times, at
    most 2**(count (b - 52) - 1) each, is added to the tails and summed in floating point.
    """
    left, scale, slice_ = *_scaled(head, tail, q, unit, w), w.take()
    bits = n.bit_length() + 1
    columns = _cut(left, bits, bits, count, slice_)
    left += scale
    if of_tails[1]:
        columns += _cut(left, bits - of_tails[0], bits, of_tails[1], slice_)
    columns.append(row_sum(left, keepdims=True))
    w.give(slice_)
    if q is not None:
        w.give(left, scale)
    return columns


def exact_sum(rows: Array) -> Array:
    """The sum of each row, shape (rows, 1), of numbers that add up exactly in any order.

    As a product with ones it takes half of the time, and of short rows a tenth.
    """
    n = rows.shape[-1]
    return np.asarray(rows @ (_ONES[:n] if n <= len(_ONES) else np.ones(n)))[:, None]


def _cut(left: Array, exponent: int, bits: int, count: int, slice_: Array) -> list[Array]:
    """Take so many columns out of what is left, the first by adding 1.5 * 2**exponent."""
    columns = list[Array]()
    for step in range(count):
        grid = 1.5 * 2.0 ** (exponent + step * (bits - 52))
        np.add(left, grid, out=slice_)
        slice_ -= grid
        columns.append(exact_sum(slice_))
        left -= slice_
    return columns


def _scaled(
    head: Array, tail: Array, q: Bits | None, unit: Bits | None, w: Workspace
) -> tuple[Array, Array]:
    """2**(q - unit) head and 2**(q - unit) tail, in memory of `w` unless they are themselves."""
    if q is None:
        return head, tail
    left, memory = w.take(), w.take()
    scale = power_of_two(q, bits_of(memory), unit)
    np.multiply(head, scale, out=left)
    scale *= tail
    return left, scale


def columns_of_numbers(
    x: Array, size: int | NDArray[np.int32], w: Workspace
) -> tuple[list[Array], Array]:
    """Columns that add up to the sum of numbers over each row, and what that errs by at most.

    Parameters
    ----------
    x : ndarray of float64, shape (rows, n)
    size : int or ndarray of int32, shape (rows, 1)
        m where none is larger than 2**m, from -900 to 900.

    Notes
    -----
    With b = 1 + bits of n, two columns are exact, as in `slices`, and what is left of each number
    is at most 2**(2b + m - 106). That is summed by NumPy in pairs, at depth 32 at most: the sum
    errs by 2**(3b + m - 155), and by nothing where nothing is left.
    """
    bits = x.shape[-1].bit_length() + 1
    left, slice_ = w.take(), w.take()
    columns, source = list[Array](), x
    for exponent in (bits + size - 1, 2 * bits + size - 53):
        grid = np.ldexp(1.5, exponent)
        np.add(source, grid, out=slice_)
        slice_ -= grid
        columns.append(exact_sum(slice_))
        np.subtract(source, slice_, out=left)
        source = left
    columns.append(row_sum(left, keepdims=True))
    is_left = left != 0.0
    if is_left.any():
        bound = np.ldexp(1.0, 3 * bits + size - 155)
        error = np.where(row_any(is_left, keepdims=True), bound, 0.0)
    else:
        error = np.zeros((len(x), 1))
    w.give(left, slice_)
    return columns, error


def joined(parts: list[list[Array]]) -> list[Array]:
    """The columns of one row, shape (1, 1), from those of its parts; the rest is rounded once."""
    *exact, rest = zip(*parts, strict=True)
    return [
        *(np.sum(each, axis=0) for each in exact),
        np.array([[math.fsum(float(each[0, 0]) for each in rest)]]),
    ]


def slices_with_tails(
    head: Array,
    tail: Array,
    q: Bits | None,
    n: int,
    tail_bits: int,
    w: Workspace,
    unit: Bits | None = None,
) -> list[Array]:
    """As `slices`, all but the last of the columns exact, for tails below 2**-tail_bits.

    Of rows of up to `_SHORT` logits two columns are exact. What is left of a head after the first
    cut, below 2**(b - 53), is added to its tail, with one rounding of both, and cut again, to
    multiples of 2**(b - t - 52), t the smaller of `tail_bits` and 52 - b. What is left now is below
    2**(b - t - 53).

    In longer rows the roundings of so many small terms add up: n 2**(b - 106), beside a sum that
    may be 1. There heads are cut twice before their tails come to them, which leaves 2**(2b - 105)
    and with the rounding n 2**(2b - 158), and what is left of both is cut twice, too, so that at
    most 2**(2b - t - 105) of each is summed in floating point.
    """
    left, scale, slice_ = *_scaled(head, tail, q, unit, w), w.take()
    bits = n.bit_length() + 1
    tails = bits - min(tail_bits, 52 - bits)
    is_short = n <= _SHORT
    columns = list[Array]()
    for exponents in ((bits,), (tails,)) if is_short else _of_both(bits, tails):
        for exponent in exponents:
            np.add(left, 1.5 * 2.0**exponent, out=slice_)
            slice_ -= 1.5 * 2.0**exponent
            columns.append(exact_sum(slice_))
            left -= slice_
        if exponents[0] == bits:
            left += scale
    columns.append(row_sum(left, keepdims=True))
    w.give(slice_)
    if q is not None:
        w.give(left, scale)
    return columns


def _of_both(bits: int, tails: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The grids of two cuts each, of heads and of what is left with the tails."""
    return (bits, 2 * bits - 52), (tails, tails + bits - 52)


def two_sums(columns: list[Array]) -> tuple[Array, Array]:
    """The sum of a few columns, the largest first, as two float64."""
    first, second = columns[0], np.zeros_like(columns[0])
    for each in columns[1:]:
        total = first + each
        second = second + (each - (total - first))
        first = total
    total = first + second
    return total, second - (total - first)


def two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """a + b as a float64 and its exact rounding error (Knuth)."""
    total = a + b
    back = total - a
    return total, (a - (total - back)) + (b - back)


def product_of_pairs(a: tuple[Array, Array], b: tuple[Array, Array]) -> tuple[Array, Array]:
    """(a + a') (b + b') as two float64, within 2**-102 of itself where nothing underflows."""
    p, e = exact_product(a[0], b[0])
    return two_sum(p, e + (a[0] * b[1] + a[1] * b[0]))


def exact_product(a: Array, b: Array) -> tuple[Array, Array]:
    """a b as a float64 and its rounding error, known to 2**-105 |a b| (Dekker).

    Only the last of the partial products, of two parts of 27 bits, may be rounded. None of them may
    underflow.
    """
    a1 = (bits_of(a) & HEAD).view(np.float64)
    b1 = (bits_of(b) & HEAD).view(np.float64)
    a2, b2 = a - a1, b - b1
    p = a * b
    return p, ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2


def product_into(
    a: Array, b: Array, product: Array, error: Array, head: Array, w: Workspace
) -> None:
    """a b = product + error exactly; `head` and `b` are overwritten."""
    rest, part = w.take(), w.take()
    np.multiply(a, b, out=product)
    np.bitwise_and(bits_of(a), HEAD, out=bits_of(head))
    np.subtract(a, head, out=rest)
    np.bitwise_and(bits_of(b), HEAD, out=bits_of(part))
    b -= part
    np.multiply(head, part, out=error)
    error -= product
    head *= b
    error += head
    part *= rest
    error += part
    rest *= b
    error += rest
    w.give(rest, part)
