"""Softmaxes that mistreat what is left over after whole vectors."""

import numpy as np

from softmax_faults.softmax import good


def _whole(n, width):
    """How many of `n` elements whole vectors of `width` cover; all where there is no vector."""
    return n - n % width if n > width else n


def maximum_skips_tail_of_4(x, axis=-1):
    """Takes the maximum over whole vectors of 4 only.

    Found as: overflow, nan.
    """
    return good.softmax(
        x, axis, shift=lambda rows: good.row_maximum(rows[:, : _whole(rows.shape[1], 4)])
    )


def sum_skips_tail_of_8(x, axis=-1):
    """Sums over whole vectors of 8 only (pytorch#143644).

    Found as: inaccurate, out_of_range.
    """
    return good.softmax(x, axis, total=lambda e: good.row_sum(e[:, : _whole(e.shape[1], 8)]))


def output_skips_tail_of_16(x, axis=-1):
    """Divides whole vectors of 16 and leaves the rest as exponentials.

    Found as: inaccurate.
    """

    def divide(e, s):
        y = good.quotient(e, s)
        whole = _whole(e.shape[1], 16)
        y[:, whole:] = e[:, whole:]
        return y

    return good.softmax(x, axis, divide=divide)


def output_tail_of_32_left_zero(x, axis=-1):
    """Stores whole vectors of 32 and leaves the rest of the result as it was allocated, zero.

    Found as: spurious_underflow.
    """

    def divide(e, s):
        y = good.quotient(e, s)
        y[:, _whole(e.shape[1], 32) :] = 0
        return y

    return good.softmax(x, axis, divide=divide)


def vector_path_forgets_maximum(x, axis=-1):
    """Subtracts the maximum only in rows too short for a vector of 16 (pytorch#62897).

    Found as: overflow, denominator_underflow.
    """

    def maximum(rows):
        return good.row_maximum(rows) if rows.shape[1] < 16 else rows.dtype.type(0)

    return good.softmax(x, axis, shift=maximum)


def odd_length_loses_last(x, axis=-1):
    """Sums in pairs and loses the last of an odd number of columns (pytorch#147284).

    Found as: inaccurate, out_of_range.
    """
    return good.softmax(x, axis, total=lambda e: good.row_sum(e[:, : _whole(e.shape[1], 2)]))


def tree_loses_odd_partial_sum(x, axis=-1):
    """Halves the number of partial sums at each step, dropping one where it is odd.

    Found as: inaccurate, out_of_range.
    """

    def total(e):
        e = e.astype(np.result_type(e.dtype, np.float32))
        while e.shape[1] > 1:
            half = e.shape[1] // 2
            e = e[:, :half] + e[:, half : 2 * half]
        return e

    return good.softmax(x, axis, total=total)


def last_vector_overlaps(x, axis=-1):
    """Ends with a vector of 8 moved back to fit, whose first elements are summed twice.

    Found as: inaccurate.
    """

    def total(e):
        n = e.shape[1]
        whole = _whole(n, 8)
        return good.row_sum(e[:, :whole]) + (good.row_sum(e[:, n - 8 :]) if whole < n else 0)

    return good.softmax(x, axis, total=total)


def padding_counts_in_sum(x, axis=-1):
    """Pads the exponentials to a whole vector of 8 with ones, which the sum counts.

    Found as: inaccurate.
    """

    def total(e):
        n = e.shape[1]
        return good.row_sum(e) + (-n % 8 if n > 8 else 0)

    return good.softmax(x, axis, total=total)


def padding_counts_in_maximum(x, axis=-1):
    """Pads the logits to a whole vector of 16 with zeros, which the maximum sees.

    Found as: denominator_underflow, inaccurate.
    """

    def maximum(rows):
        a = good.row_maximum(rows)
        return np.maximum(a, 0) if rows.shape[1] % 16 else a

    return good.softmax(x, axis, shift=maximum)


def last_whole_vector_dropped(x, axis=-1):
    """Stops its loop one short: lengths that are multiples of 16 lose the last vector.

    Found as: inaccurate, out_of_range.
    """

    def total(e):
        n = e.shape[1]
        return good.row_sum(e[:, : n - 16] if n > 16 and n % 16 == 0 else e)

    return good.softmax(x, axis, total=total)


def remainder_of_7_forgotten(x, axis=-1):
    """Has no case for a remainder of 7 after vectors of 8, so that the last element is not summed.

    Found as: inaccurate, out_of_range.
    """
    return good.softmax(
        x, axis, total=lambda e: good.row_sum(e[:, :-1] if e.shape[1] % 8 == 7 else e)
    )
