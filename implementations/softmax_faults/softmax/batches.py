"""Softmaxes whose answer for a row depends on the rows around it."""

import numpy as np

from softmax_faults.softmax import good


def maximum_shared_by_neighbours(x, axis=-1):
    """Lets two neighbouring rows share the larger of their maxima.

    Found as: nan, batch, inaccurate.
    """

    def maximum(rows):
        a = good.row_maximum(rows)
        partner = np.minimum(np.arange(len(a)) ^ 1, len(a) - 1)
        return np.maximum(a, a[partner])

    return good.softmax(x, axis, shift=maximum)


def maximum_of_previous_row(x, axis=-1):
    """Subtracts the maximum of the row before, where there is one.

    Found as: overflow, nan, batch.
    """

    def maximum(rows):
        a = good.row_maximum(rows)
        return np.concatenate([a[:1], a[:-1]])

    return good.softmax(x, axis, shift=maximum)


def sum_not_reset_between_rows(x, axis=-1):
    """Carries a tenth of the sum over to the next row.

    Found as: batch, inaccurate.
    """

    def total(e):
        s = good.row_sum(e)
        s[1:] += s[:-1] / 10
        return s

    return good.softmax(x, axis, total=total)


def last_row_of_odd_batch(x, axis=-1):
    """Works on pairs of rows and divides the last of an odd number by its neighbour's sum.

    Found as: batch, inaccurate, out_of_range.
    """

    def total(e):
        s = good.row_sum(e)
        if len(s) % 2 and len(s) > 1:
            s[-1] = s[-2]
        return s

    return good.softmax(x, axis, total=total)


def odd_rows_in_bfloat16(x, axis=-1):
    """Takes every second row by the exponential of a cheaper type.

    Found as: batch, inaccurate.
    """

    def exp(d):
        e = np.exp(d)
        e[1::2] = good.to_precision(e[1::2], 8)
        return e

    return good.softmax(x, axis, exp=exp)


def large_batches_in_bfloat16(x, axis=-1):
    """Takes batches of 32 rows and more by a cheaper exponential (keras#13328).

    Found as: batch, inaccurate.
    """

    def exp(d):
        return good.to_precision(np.exp(d), 8) if len(d) >= 32 else np.exp(d)

    return good.softmax(x, axis, exp=exp)


def every_128th_row(x, axis=-1):
    """Skips the first exponential of the rows at a block's end, every 128th.

    Found as: batch, inaccurate, out_of_range.
    """

    def total(e):
        s = good.row_sum(e)
        if e.shape[1] > 1:
            s[127::128] -= e[127::128, :1]
        return s

    return good.softmax(x, axis, total=total)


def matrices_after_the_first(x, axis=-1):
    """Treats a stack of matrices as one matrix and leaves those after the first zero.

    Found as: spurious_underflow, batch, axis, layout.
    """
    y = good.softmax(x, axis)
    if y.ndim > 2:
        y[1:] = 0
    return y


def matrices_past_65535_left_zero(x, axis=-1):
    """Launches a grid with the first of three axes, which has at most 65535 blocks.

    Found as: batch.
    """
    y = good.softmax(x, axis)
    if y.ndim == 3:
        y[65535:] = 0
    return y
