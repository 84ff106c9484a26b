"""log_softmax_gradient: faulty kernels, and right ones, whose names begin with ``right``."""

import numpy as np

from softmax_faults.operations import steps


def _single(x):
    """The type in which 16 bits are worked."""
    return np.result_type(steps.floats(x).dtype, np.float32)


def _of(kernel, x, v, axis, work=np.float64):
    """`kernel` of softmax, v and its sum."""

    def of_rows(x, v):
        v = v.astype(x.dtype)
        return kernel(steps.softmax(x), v, steps.total(v))

    return steps.by_rows(of_rows, x, v, axis=axis, work=work)


def right_textbook(x, v, axis=-1):
    """v - s sum(v), in float32 or wider."""
    return _of(lambda s, v, whole: v - s * whole, x, v, axis, _single(x))


def right_from_the_output(x, v, axis=-1):
    """The exponential of log_softmax, as backward passes have only that."""

    def kernel(x, v):
        v = v.astype(x.dtype)
        return v - np.exp(steps.log_softmax(x)) * steps.total(v)

    return steps.by_rows(kernel, x, v, axis=axis, work=_single(x))


def right_in_blocks(x, v, axis=-1):
    """Both sums in blocks of 64."""

    def kernel(x, v):
        v = v.astype(x.dtype)
        return v - steps.softmax(x, total=steps.in_blocks) * steps.in_blocks(v)

    return steps.by_rows(kernel, x, v, axis=axis, work=_single(x))


def output_in_half(x, v, axis=-1):
    """The output of which the exponential is taken was kept in float16.

    Found as: inaccurate
    """

    def kernel(x, v):
        kept = steps.log_softmax(x).astype(np.float16).astype(float)
        return v - np.exp(kept) * steps.total(v)

    return steps.by_rows(kernel, x, v, axis=axis)


def half_sum(x, v, axis=-1):
    """v is added term by term in float16.

    Found as: inaccurate
    dtypes: float16
    """

    def kernel(s, v, whole):
        return v - s * steps.one_by_one(np.float16)(v)

    return _of(kernel, x, v, axis)


def product_for_the_sum(x, v, axis=-1):
    """v - s v.

    Found as: inaccurate, spurious_underflow
    """
    return _of(lambda s, v, whole: v - s * v, x, v, axis)


def gradient_of_softmax(x, v, axis=-1):
    """s (v - s.v).

    Found as: inaccurate
    """
    return _of(lambda s, v, whole: s * (v - steps.total(s * v)), x, v, axis)


def sum_without_tail(x, v, axis=-1):
    """The sum of v leaves out what is behind the last eight.

    Found as: inaccurate
    """
    return _of(lambda s, v, whole: v - s * steps.without_tail(8)(v), x, v, axis)


def of_cross_entropy(x, v, axis=-1):
    """The sum of v is taken for -1.

    Found as: inaccurate
    """
    return _of(lambda s, v, whole: v + s, x, v, axis)


def masked_is_nan(x, v, axis=-1):
    """0 times -inf where a logit is masked.

    Found as: wrong_special, nan
    """

    def kernel(x, v):
        y = steps.log_softmax(x)
        return v - np.exp(y) * steps.total(v) + 0 * y

    return steps.by_rows(kernel, x, v, axis=axis)


def absolute_sum(x, v, axis=-1):
    """The sum of |v|.

    Found as: inaccurate
    """
    return _of(lambda s, v, whole: v - s * steps.total(np.abs(v)), x, v, axis)


def sum_in_bfloat16(x, v, axis=-1):
    """The sum of v is cut to eight bits.

    Found as: inaccurate
    """
    return _of(lambda s, v, whole: v - s * steps.cut_to_bfloat16(whole), x, v, axis)


def no_shift(x, v, axis=-1):
    """Takes the exponentials of the logits as they are.

    Found as: overflow, nan, denominator_underflow
    """

    def kernel(x, v):
        s = steps.softmax(x, shift=lambda x: np.zeros_like(x[:, :1]))
        return v - s * steps.total(v)

    return steps.by_rows(kernel, x, v, axis=axis, work=np.float32)


def sum_of_the_row_before(x, v, axis=-1):
    """Every row takes the sum of v of the row before.

    Found as: inaccurate
    """
    return _of(lambda s, v, whole: v - s * np.roll(whole, 1, axis=0), x, v, axis)


def v_at_most_1000(x, v, axis=-1):
    """v is clipped at 1000 to either side.

    Found as: inaccurate, wrong_special
    """
    return _of(
        lambda s, v, _: np.clip(v, -1e3, 1e3) - s * steps.total(np.clip(v, -1e3, 1e3)), x, v, axis
    )


def sum_of_the_first(x, v, axis=-1):
    """Where v begins with 0, its sum is the first number that is not.

    Found as: inaccurate, spurious_underflow
    """

    def kernel(s, v, total):
        first = steps.at(v, np.argmax(v != 0, axis=-1))[:, None]
        return v - s * np.where(v[:, :1] == 0, first, total)

    return _of(kernel, x, v, axis)


def sum_held_in_the_format(x, v, axis=-1):
    """The sum of v, right in float64, is put into a number of the format, which it may exceed.

    dtypes: float16. Found as: overflow, nan.
    """

    def kernel(s, v, whole):
        with np.errstate(over="ignore", invalid="ignore"):
            stored = whole.astype(np.float16).astype(float)
            return v - s * np.where(np.isinf(stored), stored, whole)

    return _of(kernel, x, v, axis)


def shared_v_read_on(x, v, axis=-1):
    """A v whose rows are one number each, without a copy, is read on behind 256 entries.

    Found as: layout in layouts
    """
    v = np.asarray(v)
    if v.ndim == 2 and v.strides[-1] == 0 and v.shape[-1] > 256 and v.strides[0]:
        v = v.copy()
        v[:, 256:] = np.roll(v[:, 256:], 1, axis=0)
    return right_textbook(x, v, axis)
