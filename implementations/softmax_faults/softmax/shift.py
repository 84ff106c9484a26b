"""Softmaxes that subtract something other than the maximum of the row."""

import numpy as np

from softmax_faults.softmax import good


def nothing_subtracted(x, axis=-1):
    """Exponentiates the logits as they are (pytorch#62897).

    Found as: overflow, denominator_underflow.
    """
    return good.softmax(x, axis, shift=lambda rows: rows.dtype.type(0))


def mean_subtracted(x, axis=-1):
    """Subtracts the mean of the row.

    Found as: overflow, nan.
    """

    def mean(rows):
        finite = np.isfinite(rows)
        return np.mean(rows, axis=-1, keepdims=True, where=finite, dtype=np.float64).astype(
            rows.dtype
        )

    return good.softmax(x, axis, shift=mean)


def minimum_subtracted(x, axis=-1):
    """Subtracts the minimum of the row.

    Found as: overflow, nan.
    """

    def minimum(rows):
        return np.min(rows, axis=-1, keepdims=True, where=np.isfinite(rows), initial=np.inf)

    return good.softmax(x, axis, shift=minimum)


def first_element_subtracted(x, axis=-1):
    """Subtracts the first element, the maximum's starting value that is never updated.

    Found as: overflow, nan, denominator_underflow.
    """
    return good.softmax(x, axis, shift=lambda rows: rows[:, :1])


def batch_maximum_subtracted(x, axis=-1):
    """Subtracts the maximum of the whole batch: rows far below it vanish.

    Found as: nan, inaccurate, batch.
    """
    return good.softmax(x, axis, shift=np.max)


def absolute_maximum_subtracted(x, axis=-1):
    """Subtracts the largest magnitude, which is twice too much for negative rows.

    Found as: nan, denominator_underflow, inaccurate.
    """

    def largest(rows):
        return np.max(np.abs(rows), axis=-1, keepdims=True, where=np.isfinite(rows), initial=0)

    return good.softmax(x, axis, shift=largest)


def maximum_clipped_at_zero(x, axis=-1):
    """Subtracts the maximum only where it is positive.

    Found as: denominator_underflow, inaccurate.
    """
    return good.softmax(x, axis, shift=lambda rows: np.maximum(good.row_maximum(rows), 0))


def maximum_starts_at_smallest_positive(x, axis=-1):
    """Starts the maximum at FLT_MIN, the smallest positive number, taken for the lowest.

    Found as: denominator_underflow, inaccurate.
    """

    def maximum(rows):
        return np.maximum(good.row_maximum(rows), np.finfo(rows.dtype).tiny)

    return good.softmax(x, axis, shift=maximum)


def maximum_starts_at_minus_ten_thousand(x, axis=-1):
    """Starts the maximum at -1e4, thought to be below every logit.

    Found as: denominator_underflow.
    """
    return good.softmax(x, axis, shift=lambda rows: np.maximum(good.row_maximum(rows), -1e4))


def maximum_starts_at_lowest_half(x, axis=-1):
    """Starts the maximum at -65504, the lowest float16, in whatever type.

    Found as: denominator_underflow.
    """
    return good.softmax(x, axis, shift=lambda rows: np.maximum(good.row_maximum(rows), -65504))


def maximum_held_in_int16(x, axis=-1):
    """Holds the integer part of the maximum in 16 bits, where it saturates.

    Found as: overflow, denominator_underflow.
    """

    def maximum(rows):
        return np.clip(np.trunc(good.row_maximum(rows)), -32768, 32767).astype(rows.dtype)

    return good.softmax(x, axis, shift=maximum)


def maximum_in_half(x, axis=-1):
    """Takes the maximum in float16, where logits past 65504 are infinite.

    Found as: overflow, denominator_underflow.
    """

    def maximum(rows):
        return good.row_maximum(rows).astype(np.float16).astype(rows.dtype)

    return good.softmax(x, axis, shift=maximum)


def shift_skipped_while_exp_is_finite(x, axis=-1):
    """Skips the shift where exp(max) is finite, though the sum then need not be.

    Found as: overflow.
    """

    def maximum(rows):
        a = good.row_maximum(rows)
        return np.where((a > 0) & np.isfinite(np.exp(a)), rows.dtype.type(0), a)

    return good.softmax(x, axis, shift=maximum)
