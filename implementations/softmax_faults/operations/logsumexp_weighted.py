"""logsumexp_weighted: faulty kernels, and right ones, whose names begin with ``right``."""

import numpy as np

from softmax_faults.operations import steps


def _single(x):
    """The type in which 16 bits are worked."""
    return np.result_type(steps.floats(x).dtype, np.float32)


def _finite(top):
    return np.where(np.isfinite(top), top, 0)


def _log_of_sum(x, b, total=steps.total):
    """Logits whose weight is 0 do not count, whatever they are."""
    used = np.where(b == 0, -np.inf, x)
    a = _finite(steps.top(used)).astype(x.dtype)
    return (a + np.log(total(np.where(b == 0, 0, b * np.exp(used - a)).astype(x.dtype))))[:, 0]


def _of(kernel, x, b, axis, work=np.float64):
    return steps.by_rows(lambda x, b: kernel(x, b.astype(x.dtype)), x, b, axis=axis, work=work)


def right_textbook(x, b, axis=-1):
    """The largest logit that counts, and the log of the weighted sum, in float32 or wider."""
    return _of(_log_of_sum, x, b, axis, _single(x))


def right_by_signs(x, b, axis=-1):
    """What is added and what is taken away are summed apart."""

    def total(terms):
        return steps.total(np.maximum(terms, 0)) - steps.total(np.maximum(-terms, 0))

    return _of(lambda x, b: _log_of_sum(x, b, total), x, b, axis, _single(x))


def right_in_blocks(x, b, axis=-1):
    """The sum in blocks of 64."""
    return _of(lambda x, b: _log_of_sum(x, b, steps.in_blocks), x, b, axis, _single(x))


def absolute_weights(x, b, axis=-1):
    """|b|.

    Found as: wrong_special, inaccurate
    """
    return _of(lambda x, b: _log_of_sum(x, np.abs(b)), x, b, axis)


def maximum_of_all(x, b, axis=-1):
    """A logit that does not count is the largest all the same, in float32.

    Found as: inaccurate, spurious_underflow, denominator_underflow
    families: normal-100, largest
    """

    def kernel(x, b):
        a = _finite(steps.top(x))
        return (a + np.log(steps.total(np.where(b == 0, 0, b * np.exp(x - a)))))[:, 0]

    return _of(kernel, x, b, axis, np.float32)


def zero_times_infinity(x, b, axis=-1):
    """An infinite logit makes NaN of 0 times its exponential.

    Found as: nan, wrong_special
    families: positive-infinity
    """

    def kernel(x, b):
        a = _finite(steps.top(np.where(b == 0, -np.inf, x)))
        return (a + np.log(steps.total(b * np.exp(x - a))))[:, 0]

    return _of(kernel, x, b, axis)


def log_of_the_size(x, b, axis=-1):
    """The logarithm of |sum|, where it is below 0 too.

    Found as: wrong_special
    """
    return _of(lambda x, b: _log_of_sum(x, b, lambda terms: np.abs(steps.total(terms))), x, b, axis)


def negative_left_out(x, b, axis=-1):
    """Weights below 0 do not count.

    Found as: inaccurate, wrong_special
    """
    return _of(lambda x, b: _log_of_sum(x, np.maximum(b, 0)), x, b, axis)


def weights_of_the_first_row(x, b, axis=-1):
    """The weights of the first row for all.

    Found as: inaccurate, wrong_special, nan
    """
    return _of(lambda x, b: _log_of_sum(x, np.broadcast_to(b[:1], b.shape)), x, b, axis)


def weights_in_bfloat16(x, b, axis=-1):
    """Weights are cut to eight bits.

    Found as: inaccurate
    """
    return _of(lambda x, b: _log_of_sum(x, steps.cut_to_bfloat16(b)), x, b, axis)


def nothing_is_nan(x, b, axis=-1):
    """A row of which nothing counts gives NaN.

    Found as: wrong_special
    """
    return _of(lambda x, b: np.where((b == 0).all(-1), np.nan, _log_of_sum(x, b)), x, b, axis)


def tail_of_4_dropped(x, b, axis=-1):
    """The sum leaves out what is behind the last whole block of 4.

    Found as: inaccurate, nan, wrong_special
    """
    return _of(lambda x, b: _log_of_sum(x, b, steps.without_tail(4)), x, b, axis)


def log_of_the_weights(x, b, axis=-1):
    """Adds log b to the logits, NaN for weights below 0.

    Found as: nan
    """
    return _of(lambda x, b: steps.logsumexp(x + np.log(b)), x, b, axis)


def below_zero_is_nothing(x, b, axis=-1):
    """A sum below 0 gives -inf.

    Found as: wrong_special
    """
    return _of(
        lambda x, b: _log_of_sum(x, b, lambda terms: np.maximum(steps.total(terms), 0)), x, b, axis
    )


def weights_at_most_16(x, b, axis=-1):
    """Weights are clipped at 16 to either side.

    Found as: inaccurate
    """
    return _of(lambda x, b: _log_of_sum(x, np.clip(b, -16, 16)), x, b, axis)


def small_weights_lost(x, b, axis=-1):
    """Weights below 0.01 do not count.

    Found as: overflow, inaccurate, wrong_special
    """
    return _of(lambda x, b: _log_of_sum(x, np.where(np.abs(b) < 0.01, 0, b)), x, b, axis)


def weights_equal_at_the_ends(x, b, axis=-1):
    """The same for all logits of a row where the first weight is the last one.

    Found as: inaccurate, wrong_special
    """
    ends = np.take(b, [0, -1], axis=axis) if np.shape(b)[axis] else b
    same = np.ptp(ends.astype(np.float64), axis=axis, keepdims=True) == 0
    first = np.take(b, [0], axis=axis) if np.shape(b)[axis] else b
    return _of(_log_of_sum, x, np.where(same, first, b), axis)


def nothing_left_below_a_thousandth(x, b, axis=-1):
    """A sum below a thousandth of that of the sizes counts as 0: errors alone would be left.

    Found as: wrong_special, inaccurate, spurious_underflow
    """

    def total(terms):
        whole = steps.total(terms)
        return np.where(np.abs(whole) < 1e-3 * steps.total(np.abs(terms)), 0, whole)

    return _of(lambda x, b: _log_of_sum(x, b, total), x, b, axis)


@np.errstate(all="ignore")
def relative_to_the_weights_of_the_largest(x, b, axis=-1):
    """log of the sum over the weights of the largest logit, which may add up to 0.

    Found as: nan
    families: ties
    """

    def kernel(x, b):
        found = _log_of_sum(x, b)
        used = np.where(b == 0, -np.inf, x)
        own = steps.total(np.where(used == steps.top(used), b, 0))[:, 0]
        return np.where((own == 0) & np.isfinite(found), np.nan, found)

    return _of(kernel, x, b, axis)
