"""A good softmax made of replaceable steps: each broken one departs from it in one of them."""

from functools import partial

import numpy as np


def floats(x):
    """`x` as an array of floats: integers and booleans become float64."""
    x = np.asarray(x)
    return x.astype(np.float64) if x.dtype.kind in "iub" else x


def to_precision(values, bits, rounding=np.rint):
    """`values` with significands of `bits` bits: 8 for bfloat16, 11 for float16."""
    significand, exponent = np.frexp(values)
    return np.ldexp(rounding(np.ldexp(significand, bits)), exponent - bits)


def row_maximum(rows):
    """The maximum of each row, as a column."""
    return np.max(rows, axis=-1, keepdims=True)


def row_sum(e):
    """The sum of each row, as a column: pairwise, in float32 or wider."""
    return np.sum(e, axis=-1, keepdims=True, dtype=np.result_type(e.dtype, np.float32))


def quotient(e, s):
    """Exponentials over their sum, rounded to the type of `e`."""
    return (e / s).astype(e.dtype)


def by_rows(x, axis, kernel):
    """`kernel` of the rows of `x` along `axis`, which it gets as the rows of a fresh matrix."""
    x = floats(x)
    if x.size == 0:
        return np.empty(x.shape, x.dtype)
    moved = np.moveaxis(np.atleast_1d(x), axis, -1)
    rows = np.array(moved, order="C").reshape(-1, moved.shape[-1])
    with np.errstate(all="ignore"):
        y = kernel(rows).reshape(moved.shape)
    return np.ascontiguousarray(np.moveaxis(y, -1, axis)).reshape(x.shape)


def settled(rows, kernel):
    """`kernel` of the rows, NaN where one holds NaN or +inf or nothing but -inf."""
    special = ~np.isfinite(row_maximum(rows))
    y = kernel(np.where(special, rows.dtype.type(0), rows))
    return np.where(special, rows.dtype.type(np.nan), y)


def softmax_rows(rows, shift=row_maximum, exp=np.exp, total=row_sum, divide=quotient):
    """Softmax of each row of a matrix of floats, by steps that need not know of infinities."""

    def kernel(rows):
        distance = rows - shift(rows)
        e = exp(distance).astype(rows.dtype)
        e[np.isneginf(distance)] = 0
        return divide(e, total(e))

    return settled(rows, kernel)


def softmax(x, axis=-1, **steps):
    """Softmax along `axis`; `steps` replace those of `softmax_rows`."""
    return by_rows(x, axis, partial(softmax_rows, **steps))
