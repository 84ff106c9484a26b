"""The arguments of the kernels: numbers not far from 0, whatever the input has."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.row_reductions import row_all, row_max
from softmax_harness.operations.screen import masks
from softmax_harness.operations.screen.sums import product_into
from softmax_harness.operations.screen.workspace import Array, Workspace, aligned, workspace

Distance = Callable[[Array, Array], tuple[Array, Array]]
"""How far each x lies below the largest of its row, as two float64: the kernels' argument."""

DIRECT = 700.0  # up to here x itself is reduced, beyond it its distance from the row's maximum
_BOTTOM = -1400.0  # exp of this is 0 beside 1 in every format, by hundreds of binades


def tops(x: Array, fixed: NDArray[np.bool_]) -> Array:
    """The largest entry of each row that is not fixed, shape (rows, 1); -inf if all are.

    What is fixed in a row that is not is -inf.
    """
    whole = row_all(fixed, keepdims=True)
    return np.asarray(np.where(whole, -np.inf, row_max(x, keepdims=True)))


def unmasked(x: Array, fixed: NDArray[np.bool_], top: Array) -> tuple[Array, Array]:
    """Numbers in place of what is fixed, and the weights that take them out of the sum again."""
    whole = np.isneginf(top)
    weights = (~fixed | whole).astype(np.float64)
    return masks.where(~fixed, x, np.where(whole, 0.0, top)), weights


def too_far(top: Array, bottom: Array) -> bool:
    """Whether the distance from the row's maximum has to be reduced in place of x."""
    return bool(top.max() > DIRECT or bottom.min() < -DIRECT)


def distance(x: Array, top: Array) -> tuple[Array, Array]:
    """x - top as a float64 and its exact rounding error, cut off at `_BOTTOM`."""
    return cut_off(*difference(x, top))


def difference(x: Array, top: Array, w: Workspace | None = None) -> tuple[Array, Array]:
    """x - top as a float64 and its exact rounding error (Knuth's two-sum), in memory of `w`."""
    d, low, back, tops = (np.empty(x.shape) if w is None else w.take() for _ in range(4))
    np.copyto(tops, top)  # NumPy adds whole arrays twice as fast as a column
    with np.errstate(over="ignore", invalid="ignore"):
        np.subtract(x, tops, out=d)
        np.add(d, tops, out=back)
        np.subtract(x, back, out=low)
        back -= d
        tops -= back
        low -= tops
    if w is not None:
        w.give(back, tops)
    return d, low


def cut_off(d: Array, low: Array) -> tuple[Array, Array]:
    """d + low where that is not below `_BOTTOM`, which stands for everything below it."""
    if d.min() >= _BOTTOM:  # of NaN not so either
        return d, low
    deep = d < _BOTTOM
    return np.where(deep, _BOTTOM, d), np.where(deep, 0.0, low)


QUOTIENT_ERROR = 2.0**-93
"""What `quotient` adds to the relative error of a softmax."""


def quotient(temperature: Array) -> Distance:
    """(x - top) / T as two float64, T of each row, shape (rows, 1); cut off at `_BOTTOM`.

    T is from 2**-1000 to 2**1000.

    T and x - top are divided by the power of two that takes T to [1, 2), which changes nothing but
    what underflows: below 2**-1074. With q = RN(d / T), q T = p + e exactly, and d - q T is a
    float64: the remainder of a division. That and `low`, together below 2**-52 |d|, are added and
    divided with two roundings of u = 2**-53: an error of 2**-104 |d / T| at most, of the
    exponential below 2**-93.5, since 1400 is the largest |d / T|; that of the sum is no larger
    than a weighted mean of these.
    """
    mantissa, exponent = np.frexp(temperature)
    divisor, factor = 2.0 * mantissa, np.ldexp(1.0, 1 - exponent)

    def distance_over_temperature(x: Array, top: Array) -> tuple[Array, Array]:
        w, q, rest = workspace(x.shape), aligned(x.shape), aligned(x.shape)
        whole, product, error, memory = w.take(), w.take(), w.take(), w.take()
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            d, low = difference(x, top, w)
            np.copyto(whole, factor)  # NumPy multiplies whole arrays twice as fast as by a column
            d *= whole
            low *= whole
            np.copyto(whole, divisor)
            np.divide(d, whole, out=q)
            product_into(q, whole, product, error, memory, w)
            d -= product
            d -= error
            d += low
            np.copyto(whole, divisor)
            np.divide(d, whole, out=rest)
            w.give(whole, product, error, memory, d, low)
            return cut_off(q, rest)

    return distance_over_temperature
