"""Softmaxes whose sum goes wrong."""

import numpy as np

from softmax_faults.softmax import good


def half_accumulator(x, axis=-1):
    """Adds one after another in float16, where a sum of ones sticks at 2048.

    Found as: inaccurate.
    """

    def total(e):
        sums = np.cumsum(e, axis=-1, dtype=np.float16)[:, -1:]
        return sums.astype(np.result_type(e.dtype, np.float32))

    return good.softmax(x, axis, total=total)


def bfloat16_accumulator(x, axis=-1):
    """Adds up blocks of 32 in bfloat16 (executorch#20090).

    Found as: inaccurate.
    """
    return good.softmax(x, axis, total=lambda e: _running(e, 32, np.rint))


def truncating_accumulator(x, axis=-1):
    """Adds up tiles of 32 in 8 bits, each time truncating (tt-metal#52045).

    Found as: inaccurate.
    """
    return good.softmax(x, axis, total=lambda e: _running(e, 32, np.trunc))


def _running(e, width, rounding):
    """Running sum of the sums of blocks of `width` columns, held to 8 bits."""
    s = np.zeros((len(e), 1), np.result_type(e.dtype, np.float32))
    for start in range(0, e.shape[1], width):
        s = good.to_precision(s + good.row_sum(e[:, start : start + width]), 8, rounding)
    return s


def one_addition_after_another(x, axis=-1):
    """Adds one after another in the type itself, which in long rows loses half of its digits.

    dtypes: float16, float32
    Found as: inaccurate.
    """
    return good.softmax(x, axis, total=lambda e: np.cumsum(e, axis=-1, dtype=e.dtype)[:, -1:])


def fixed_point_sum(x, axis=-1):
    """Sums in fixed point with 14 bits after the point.

    Found as: inaccurate.
    """

    def total(e):
        units = np.sum(np.rint(e.astype(np.float64) * 2**14), axis=-1, keepdims=True)
        return (units / 2**14).astype(np.result_type(e.dtype, np.float32))

    return good.softmax(x, axis, total=total)


def equal_maxima_counted_once(x, axis=-1):
    """Takes 1 for the maximum's exponential and adds those below it, so that ties count once.

    Found as: inaccurate, out_of_range.
    """
    return good.softmax(x, axis, total=lambda e: 1 + good.row_sum(np.where(e < 1, e, 0)))


def compensation_of_wrong_sign(x, axis=-1):
    """Compensates the sum in 2 lanes, but subtracts what was lost in place of adding it.

    dtypes: float32
    Found as: inaccurate.
    """

    def total(e):
        s = np.zeros((len(e), 2), e.dtype)
        lost = np.zeros_like(s)
        for start in range(0, e.shape[1], 2):
            block = e[:, start : start + 2]
            lanes = slice(0, block.shape[1])
            after = s[:, lanes] + block
            lost[:, lanes] += block - (after - s[:, lanes])
            s[:, lanes] = after
        return good.row_sum(s) - good.row_sum(lost)

    return good.softmax(x, axis, total=total)


def last_entry_as_remainder(x, axis=-1):
    """Makes the row sum to 1 by setting the last entry to 1 minus the others.

    Found as: inaccurate, spurious_underflow, out_of_range.
    """

    def divide(e, s):
        y = good.quotient(e, s)
        if e.shape[1] > 1:
            y[:, -1:] = 1 - good.row_sum(y[:, :-1])
        return y

    return good.softmax(x, axis, divide=divide)


def sum_shared_with_padding_of_ones(x, axis=-1):
    """Adds 1 to the sum, as a softmax that may attend to nothing does.

    Found as: inaccurate, wrong_special.
    """
    return good.softmax(x, axis, total=lambda e: 1 + good.row_sum(e))


def tail_below_roundoff_left_out(x, axis=-1):
    """Leaves out terms that alone change nothing in a sum of 1, and together change it.

    Found as: inaccurate, spurious_underflow.
    """
    return good.softmax(x, axis, total=lambda e: good.row_sum(np.where(e < 2.0**-25, 0, e)))
