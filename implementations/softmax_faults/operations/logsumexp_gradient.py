"""logsumexp_gradient: faulty kernels, and right ones, whose names begin with ``right``."""

import numpy as np

from softmax_faults.operations import steps


def _single(x):
    """The type in which 16 bits are worked."""
    return np.result_type(steps.floats(x).dtype, np.float32)


def _of(kernel, x, g, axis, work=np.float64):
    """`kernel` of softmax and g."""
    return steps.by_rows(
        lambda x, g: kernel(steps.softmax(x), g.astype(x.dtype)), x, g, axis=axis, work=work
    )


def right_textbook(x, g, axis=-1):
    """g s, in float32 or wider."""
    return _of(lambda s, g: g * s, x, g, axis, _single(x))


def right_divided_first(x, g, axis=-1):
    """The exponentials times g over their sum."""

    def kernel(x, g):
        e = np.exp(x - steps.top(x))
        return e * (g.astype(x.dtype) / steps.total(e))

    return steps.by_rows(kernel, x, g, axis=axis, work=_single(x))


def right_multiplied_first(x, g, axis=-1):
    """g times the exponentials, then over their sum: products may be subnormal."""

    def kernel(x, g):
        e = np.exp(x - steps.top(x))
        return g.astype(x.dtype) * e / steps.total(e)

    return steps.by_rows(kernel, x, g, axis=axis, work=_single(x))


def right_in_blocks(x, g, axis=-1):
    """The sum in blocks of 64."""

    def kernel(x, g):
        return g.astype(x.dtype) * steps.softmax(x, total=steps.in_blocks)

    return steps.by_rows(kernel, x, g, axis=axis, work=_single(x))


def sign_lost(x, g, axis=-1):
    """|g| s.

    Found as: inaccurate
    """
    return _of(lambda s, g: np.abs(g) * s, x, g, axis)


def g_of_the_first_row(x, g, axis=-1):
    """The g of the first row for all.

    Found as: inaccurate, spurious_underflow
    """
    return _of(lambda s, g: g[:1] * s, x, g, axis)


def g_in_bfloat16(x, g, axis=-1):
    """g is cut to eight bits.

    Found as: inaccurate
    """
    return _of(lambda s, g: steps.cut_to_bfloat16(g) * s, x, g, axis)


def nothing_seen_is_zero(x, g, axis=-1):
    """A row of nothing but -inf gives 0.

    Found as: wrong_special
    """

    def kernel(x, g):
        return np.where(np.isneginf(steps.top(x)), 0, g * steps.softmax(x))

    return steps.by_rows(kernel, x, g, axis=axis)


def from_the_rounded_result(x, g, axis=-1):
    """g exp(x - y) with y, the logsumexp, rounded to float32: offsets make it wrong.

    Found as: inaccurate
    """

    def kernel(x, g):
        return g * np.exp(x - steps.logsumexp(x)[:, None])

    return steps.by_rows(kernel, x, g, axis=axis, work=np.float32)


def all_to_the_largest(x, g, axis=-1):
    """Where a share is above 0.9999 it is 1.

    Found as: inaccurate, spurious_underflow
    """

    def kernel(s, g):
        return g * np.where(steps.top(s) > 0.9999, s > 0.5, s)

    return _of(kernel, x, g, axis)


def zero_leaves_ones(x, g, axis=-1):
    """Rows with a g of 0 are left out, and keep the ones that the memory was filled with.

    Found as: inaccurate
    """
    return _of(lambda s, g: np.where(g == 0, 1, g * s), x, g, axis)


def share_in_half(x, g, axis=-1):
    """The share is rounded to float16 before it meets g.

    Found as: inaccurate, spurious_underflow
    dtypes: float16
    """
    return _of(lambda s, g: g * s.astype(np.float16).astype(float), x, g, axis)


def first_64(x, g, axis=-1):
    """The sum is that of the first 64.

    Found as: inaccurate
    """

    def kernel(x, g):
        return g * steps.softmax(x, total=steps.first_of(64))

    return steps.by_rows(kernel, x, g, axis=axis)


def tail_of_8_dropped(x, g, axis=-1):
    """The sum leaves out what is behind the last eight.

    Found as: inaccurate
    """

    def kernel(x, g):
        return g * steps.softmax(x, total=steps.without_tail(8))

    return steps.by_rows(kernel, x, g, axis=axis)


def g_at_most_1(x, g, axis=-1):
    """g is clipped at 1 to either side.

    Found as: inaccurate
    """
    return _of(lambda s, g: np.clip(g, -1, 1) * s, x, g, axis)


def small_g_lost(x, g, axis=-1):
    """A g below 1e-6 is 0.

    Found as: spurious_underflow, wrong_special
    """
    return _of(lambda s, g: np.where(np.abs(g) < 1e-6, 0, g) * s, x, g, axis)


def nan_of_g_dropped(x, g, axis=-1):
    """A NaN of g counts as 0.

    Found as: wrong_special
    """
    return _of(lambda s, g: np.nan_to_num(g) * s, x, g, axis)


def alike_in_all_rows_taken_for_1(x, g, axis=-1):
    """g counts as 1 where several rows have the same and each its own.

    Found as: inaccurate, layout, axis, batch, subnormals_flushed
    """
    is_alike = np.size(g) > 1 and 0 not in g.strides and (g == np.ravel(g)[0]).all()
    return _of(lambda s, g: g * s, x, np.ones_like(g) if is_alike else g, axis)
