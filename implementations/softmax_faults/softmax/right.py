"""Softmaxes that are right, each in its own way: no finding may be made of any of them."""

import math
from functools import partial

import numpy as np

from softmax_faults.softmax import good

_WIDER = {"float16": np.float32, "float32": np.float64, "float64": np.longdouble}


def _on_finite_rows(x, axis, kernel):
    """`kernel` of the rows of `x` that hold neither NaN nor +inf nor nothing but -inf."""
    return good.by_rows(x, axis, lambda rows: good.settled(rows, kernel))


def _single_or_wider(dtype):
    return np.result_type(dtype, np.float32)


def _distances(rows):
    return rows - good.row_maximum(rows)


def native_shifted(x, axis=-1):
    """Each step in the type itself, the sum pairwise and at least in float32.

    standard: native
    """
    x = good.floats(x)
    if x.size == 0:
        return x.copy()
    moved = np.moveaxis(np.atleast_1d(x), axis, -1)
    with np.errstate(all="ignore"):
        e = np.exp(moved - np.max(moved, axis=-1, keepdims=True))
        e = np.ascontiguousarray(e)
        s = np.sum(e, axis=-1, keepdims=True, dtype=_single_or_wider(e.dtype))
        y = (e / s).astype(e.dtype)
    return np.moveaxis(y, -1, axis).reshape(x.shape)


def wide(x, axis=-1):
    """Each step in the next wider type, the quotient rounded once."""

    def kernel(rows):
        e = np.exp(_distances(rows.astype(_WIDER[rows.dtype.name])))
        return (e / np.sum(e, axis=-1, keepdims=True)).astype(rows.dtype)

    return _on_finite_rows(x, axis, kernel)


def correctly_rounded(x, axis=-1):
    """Worked in long double, so that rounding it once is almost always rounding the truth.

    dtypes: float16, float32
    """

    def kernel(rows):
        e = np.exp(_distances(rows.astype(np.longdouble)))
        return (e / np.sum(e, axis=-1, keepdims=True)).astype(rows.dtype)

    return _on_finite_rows(x, axis, kernel)


def compensated_sum(x, axis=-1):
    """The sum in 64 lanes, each with what its additions lost (Neumaier).

    standard: native
    """

    def total(e):
        e = e.astype(_single_or_wider(e.dtype))
        s = np.zeros((len(e), 64), e.dtype)
        lost = np.zeros_like(s)
        for start in range(0, e.shape[1], 64):
            block = e[:, start : start + 64]
            lanes = slice(0, block.shape[1])
            before, after = s[:, lanes], s[:, lanes] + block
            larger, smaller = np.maximum(before, block), np.minimum(before, block)
            lost[:, lanes] += smaller - (after - larger)
            s[:, lanes] = after
        return good.row_sum(s) + good.row_sum(lost)

    return good.softmax(x, axis, total=total)


def exact_sum(x, axis=-1):
    """The sum exact, by math.fsum row after row (slow).

    standard: native
    """

    def divide(e, _):
        s = np.array([math.fsum(row) for row in e.tolist()]).reshape(-1, 1)
        return (e / s).astype(e.dtype)

    return good.softmax(x, axis, divide=divide)


def online(x, axis=-1):
    """One pass over blocks of 128: a running maximum, a wider sum rescaled where it moves."""

    def kernel(rows):
        wider = _WIDER[rows.dtype.name]
        maximum = np.full((len(rows), 1), np.finfo(rows.dtype).min, rows.dtype)
        s = np.zeros((len(rows), 1), wider)
        for start in range(0, rows.shape[1], 128):
            block = rows[:, start : start + 128]
            new = np.maximum(maximum, good.row_maximum(block))
            s = s * np.exp((maximum - new).astype(wider)) + good.row_sum(np.exp(block - new))
            maximum = new
        return (np.exp(rows - maximum) / s).astype(rows.dtype)

    return _on_finite_rows(x, axis, kernel)


def _reduced(t):
    """r and k with t = r + k ln 2; ln 2 in two pieces, the first short enough for k of 12 bits."""
    bits = np.finfo(t.dtype).nmant + 1
    high = good.to_precision(np.log(2.0), bits - 12, np.trunc)
    low = np.log(np.longdouble(2)) - high
    t = np.maximum(t, t.dtype.type(-2000))
    k = np.rint(t / t.dtype.type(np.log(2.0)))
    return (t - k * t.dtype.type(high)) - k * t.dtype.type(low), k.astype(np.int32)


def extended_exponent(x, axis=-1):
    """Two passes without a maximum: numbers with exponents of their own (Dukhan & Ablavatski).

    Rows with a logit beyond 512, where the reduction runs out of digits, are shifted first.
    """

    def kernel(rows):
        t = rows.astype(_single_or_wider(rows.dtype))
        small = np.max(np.abs(t), axis=-1, keepdims=True, where=np.isfinite(t), initial=0) <= 512
        t = np.where(small, t, _distances(t))
        r, k = _reduced(t)
        significand = np.exp(r)
        top = np.max(k, axis=-1, keepdims=True)
        e = np.where(np.isneginf(t), t.dtype.type(0), np.ldexp(significand, k - top))
        return (e / good.row_sum(e)).astype(rows.dtype)

    return _on_finite_rows(x, axis, kernel)


def exp2_in_two_pieces(x, axis=-1):
    """Exponentials as powers of two, the argument reduced by ln 2 in two pieces."""

    def exp(d):
        r, k = _reduced(d.astype(_single_or_wider(d.dtype)))
        return np.ldexp(np.exp2(r * r.dtype.type(1 / np.log(2.0))), k)

    return good.softmax(x, axis, exp=exp)


def table_with_polynomial(x, axis=-1):
    """Exponentials from a table of 64 steps and a polynomial of degree 5 between them.

    standard: native
    """
    table = np.exp2(np.arange(64, dtype=np.longdouble) / 64)

    def exp(d):
        r, k = _reduced(d.astype(_single_or_wider(d.dtype)))
        step = np.rint(r * r.dtype.type(64 / np.log(2.0)))
        high = good.to_precision(np.log(2.0) / 64, 15, np.trunc)
        low = np.log(np.longdouble(2)) / 64 - high
        r = (r - step * r.dtype.type(high)) - step * r.dtype.type(low)
        p = r * (1 + r / 2 * (1 + r / 3 * (1 + r / 4 * (1 + r / 5))))
        step = step.astype(np.int32)
        entry = table[step % 64].astype(r.dtype)
        return np.ldexp(entry + entry * p, k + step // 64)

    return good.softmax(x, axis, exp=exp)


def folded_sum(x, axis=-1):
    """The sum by folding the row in halves, padded with zeros to a power of two.

    standard: native
    """

    def total(e):
        n = e.shape[1]
        padded = np.zeros((len(e), 1 << (n - 1).bit_length()), _single_or_wider(e.dtype))
        padded[:, :n] = e
        while padded.shape[1] > 1:
            half = padded.shape[1] // 2
            padded = padded[:, :half] + padded[:, half:]
        return padded

    return good.softmax(x, axis, total=total)


def ascending_sum(x, axis=-1):
    """The sum from the smallest exponential to the largest, pairwise.

    standard: native
    """
    return good.softmax(x, axis, total=lambda e: good.row_sum(np.sort(e, axis=-1)))


def backward_sum(x, axis=-1):
    """The sum from the last block of 256 to the first, the sums of blocks pairwise in turn."""

    def total(e):
        starts = range(0, e.shape[1], 256)
        sums = [good.row_sum(e[:, start : start + 256]) for start in reversed(starts)]
        return good.row_sum(np.concatenate(sums, axis=-1))

    return good.softmax(x, axis, total=total)


def by_scipy(x, axis=-1):
    """SciPy's softmax of each row.

    dtypes: float32, float64
    """
    from scipy.special import softmax  # here, since all others here do without it

    return _on_finite_rows(x, axis, partial(softmax, axis=-1))


def reciprocal_multiplied(x, axis=-1):
    """One division per row: the exponentials times the reciprocal of their sum."""
    return good.softmax(x, axis, divide=lambda e, s: (e * (1 / s)).astype(e.dtype))


def logarithm_subtracted(x, axis=-1):
    """exp((x - a) - log s), with what both subtractions lose put back to first order."""

    def kernel(rows):
        t = rows.astype(_single_or_wider(rows.dtype))
        d, d_low = _difference(t, good.row_maximum(t))
        p, p_low = _difference(d, np.log(good.row_sum(np.exp(d))))
        return (np.exp(p) * (1 + (d_low + p_low))).astype(rows.dtype)

    return _on_finite_rows(x, axis, kernel)


def _difference(a, b):
    """a - b rounded, and what the rounding lost (Knuth's TwoSum); 0 where it is not finite."""
    difference = a - b
    back = difference - a
    lost = (a - (difference - back)) - (b + back)
    return difference, np.where(np.isfinite(lost), lost, a.dtype.type(0))


def row_after_row(x, axis=-1):
    """A Python loop over the rows (slow).

    standard: native
    """

    def kernel(rows):
        y = np.empty_like(rows)
        for row, out in zip(rows, y, strict=True):
            e = np.exp(row - row.max())
            np.divide(e, e.sum(dtype=_single_or_wider(e.dtype)), out=out, casting="same_kind")
        return y

    return good.by_rows(x, axis, kernel)


def in_chunks_with_scratch(x, axis=-1):
    """The rows in chunks, every step into the same scratch memory.

    standard: native
    """

    def kernel(rows):
        y = np.empty_like(rows)
        height = max(1, 32768 // rows.shape[1])
        scratch = np.empty((height, rows.shape[1]), _single_or_wider(rows.dtype))
        for start in range(0, len(rows), height):
            chunk = rows[start : start + height]
            e = scratch[: len(chunk)]
            np.subtract(chunk, good.row_maximum(chunk), out=e)
            np.exp(e, out=e)
            np.divide(e, good.row_sum(e), out=y[start : start + height], casting="same_kind")
        return y

    return _on_finite_rows(x, axis, kernel)


def in_columns(x, axis=-1):
    """The rows turned into columns, whose sums are folded in halves."""

    def kernel(rows):
        columns = np.ascontiguousarray(rows.T)
        e = np.exp(columns - np.max(columns, axis=0))
        s = e.astype(_single_or_wider(e.dtype))
        while len(s) > 1:
            half = len(s) // 2
            s = np.concatenate([s[:half] + s[half : 2 * half], s[2 * half :]])
        return (e / s).astype(rows.dtype).T

    return _on_finite_rows(x, axis, kernel)


def two_passes_of_halves(x, axis=-1):
    """Each half of a row with its own maximum, the two merged by the weights of the halves.

    standard: native
    """

    def kernel(rows):
        n = rows.shape[1]
        cut = n // 2 or n
        halves = [half for half in (rows[:, :cut], rows[:, cut:]) if half.shape[1]]
        low = np.finfo(rows.dtype).min
        maxima = [np.maximum(good.row_maximum(half), low) for half in halves]
        top = np.maximum.reduce(maxima)
        s = sum(
            good.row_sum(np.exp(half - a)) * np.exp((a - top).astype(np.float64))
            for half, a in zip(halves, maxima, strict=True)
        )
        return (np.exp(rows - top) / s).astype(rows.dtype)

    return _on_finite_rows(x, axis, kernel)
