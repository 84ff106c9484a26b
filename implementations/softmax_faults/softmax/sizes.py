"""Softmaxes that go wrong past a size."""

import numpy as np

from softmax_faults.softmax import good


def length_in_16_bits(x, axis=-1):
    """Counts columns in 16 bits, so that the sum covers n modulo 65536 of them.

    Found as: inaccurate, out_of_range, nan.
    """
    return good.softmax(x, axis, total=lambda e: good.row_sum(e[:, : e.shape[1] % 65536]))


def rows_past_65535_left_zero(x, axis=-1):
    """Launches at most 65535 rows and leaves the others zero.

    Found as: spurious_underflow, batch.
    """

    def divide(e, s):
        y = good.quotient(e, s)
        y[65535:] = 0
        return y

    return good.softmax(x, axis, divide=divide)


def rows_past_block_dropped(x, axis=-1):
    """Divides the number of rows by the block of 64, rounding down, and leaves the rest zero.

    Found as: spurious_underflow, batch.
    """

    def divide(e, s):
        y = good.quotient(e, s)
        if len(y) > 64:
            y[len(y) - len(y) % 64 :] = 0
        return y

    return good.softmax(x, axis, divide=divide)


def half_summed_past_262143(x, axis=-1):
    """Two threads share such a row, and the sum of the first one is lost.

    Found as: inaccurate, out_of_range.
    """

    def total(e):
        n = e.shape[1]
        return good.row_sum(e[:, n // 2 :] if n > 262_143 else e)

    return good.softmax(x, axis, total=total)


def last_chunk_not_summed(x, axis=-1):
    """Sums in chunks of 4096 and loses the last one where it is not whole.

    Found as: inaccurate, out_of_range.
    """

    def total(e):
        n = e.shape[1]
        return good.row_sum(e[:, : n - n % 4096] if n > 4096 else e)

    return good.softmax(x, axis, total=total)


def maximum_of_first_1024(x, axis=-1):
    """Takes the maximum over the first 1024 columns, as many as a block has threads.

    Found as: overflow, nan.
    """
    return good.softmax(x, axis, shift=lambda rows: good.row_maximum(rows[:, :1024]))


def row_index_in_12_bits(x, axis=-1):
    """Wraps the row index at 4096, so that later rows repeat the first ones.

    Found as: batch, inaccurate.
    """

    def divide(e, s):
        return good.quotient(e, s)[np.arange(len(e)) % 4096]

    return good.softmax(x, axis, divide=divide)


def pair_by_sigmoid(x, axis=-1):
    """Takes rows of two by the logistic function and the second entry as 1 minus the first.

    Found as: inaccurate, spurious_underflow.
    """

    def divide(e, s):
        y = good.quotient(e, s)
        if e.shape[1] == 2:
            y[:, 1] = 1 - y[:, 0]
        return y

    return good.softmax(x, axis, divide=divide)


def fast_path_for_large_arrays(x, axis=-1):
    """Takes arrays of more than 65536 elements by the exponential of a cheaper type.

    Found as: inaccurate.
    """

    def exp(d):
        return good.to_precision(np.exp(d), 8) if d.size > 65536 else np.exp(d)

    return good.softmax(x, axis, exp=exp)


def wrong_at_exactly_256(x, axis=-1):
    """Has a special case for 256 columns that counts the last one twice.

    Found as: inaccurate.
    """

    def total(e):
        s = good.row_sum(e)
        return s + e[:, -1:] if e.shape[1] == 256 else s

    return good.softmax(x, axis, total=total)


def wrong_for_one_vocabulary(x, axis=-1):
    """Has a plan of its own for 152064 columns, whose last block of 512 it leaves out of the sum.

    Found as: overflow, inaccurate, out_of_range.
    """

    def total(e):
        return good.row_sum(e[:, :-512] if e.shape[1] == 152_064 else e)

    return good.softmax(x, axis, total=total)


def wrong_in_whole_thousands(x, axis=-1):
    """Has a special case for 2000, 3000 and so on, which leaves the last column out of the sum.

    Found as: overflow, inaccurate, out_of_range.
    """

    def total(e):
        n = e.shape[1]
        return good.row_sum(e[:, :-1] if n > 1000 and n % 1000 == 0 else e)

    return good.softmax(x, axis, total=total)


def past_a_million_elements(x, axis=-1):
    """Gives the last row the result of the first in arrays of more than 2**20 elements.

    Found as: batch.
    """
    y = good.softmax(x, axis)
    if np.size(x) > 2**20 and np.ndim(x) == 2:
        y[-1] = y[0]
    return y


def three_whole_blocks(x, axis=-1):
    """Folds sums of blocks of 4096 in halves, and of an odd number of whole ones loses the last.

    Found as: overflow, inaccurate, out_of_range.
    """

    def total(e):
        n = e.shape[1]
        is_odd = n % 4096 == 0 and n > 4096 and n // 4096 % 2
        return good.row_sum(e[:, :-4096] if is_odd else e)

    return good.softmax(x, axis, total=total)


def table_of_1000_blocks(x, axis=-1):
    """Keeps the sums of 1000 blocks of 256, and loses those of longer rows.

    Found as: overflow, inaccurate, out_of_range.
    """
    return good.softmax(x, axis, total=lambda e: good.row_sum(e[:, : 1000 * 256]))
