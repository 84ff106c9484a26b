"""gradient: faulty kernels, and right ones, whose names begin with ``right``."""

import numpy as np

from softmax_faults.operations import steps

_by_rows = steps.by_rows


def _single(x):
    """The type in which 16 bits are worked."""
    return np.result_type(steps.floats(x).dtype, np.float32)


def _times(s, v, dot=None):
    v = v.astype(s.dtype)
    return s * (v - (steps.total(s * v) if dot is None else dot(s, v)))


def _with(x, v, axis, work=np.float64, dot=None, **how):
    return _by_rows(
        lambda x, v: _times(steps.softmax(x, **how), v, dot), x, v, axis=axis, work=work
    )


def right_textbook(x, v, axis=-1):
    """s (v - s.v), in float32 or wider."""
    return _with(x, v, axis, _single(x))


def right_scipy(x, v, axis=-1):
    """scipy's softmax, in float32 or wider."""
    from scipy.special import softmax

    def kernel(x, v):
        return _times(softmax(x, axis=-1), v) if x.size else x

    return _by_rows(kernel, x, v, axis=axis, work=_single(x))


def right_in_blocks(x, v, axis=-1):
    """Both sums in blocks of 64."""
    return _with(x, v, axis, _single(x), lambda s, v: steps.in_blocks(s * v), total=steps.in_blocks)


def right_divided_last(x, v, axis=-1):
    """The sum of the exponentials times v over that of the exponentials."""

    def kernel(x, v):
        v, e = v.astype(x.dtype), np.exp(x - steps.top(x))
        total = steps.total(e)
        return e / total * (v - steps.total(e * v) / total)

    return _by_rows(kernel, x, v, axis=axis, work=_single(x))


def right_careful(x, v, axis=-1):
    """v is taken from its value where a share is above 1/2, which changes nothing.

    Of a smaller share, whose v may be large, the difference would lose the digits of the others.
    """

    def kernel(x, v):
        if not x.size:
            return x
        largest = np.argmax(np.where(np.isnan(x), -np.inf, x), -1)
        shares = steps.softmax(x)
        above = steps.at(shares, largest) > 0.5
        shift = np.where(above, steps.at(v, largest), 0).astype(x.dtype)
        return _times(shares, v.astype(x.dtype) - shift[:, None])

    return _by_rows(kernel, x, v, axis=axis, work=_single(x))


def no_shift(x, v, axis=-1):
    """Takes the exponentials of the logits as they are."""
    return _with(x, v, axis, np.float32, shift=lambda x: np.zeros_like(x[:, :1]))


def half_dot(x, v, axis=-1):
    """The dot product is added term by term in float16.

    Found as: inaccurate, overflow
    dtypes: float16
    """
    return _with(x, v, axis, dot=lambda s, v: steps.one_by_one(np.float16)(s * v))


def softmax_in_half(x, v, axis=-1):
    """softmax is rounded to float16 before it meets v.

    dtypes: float16
    """
    return _by_rows(
        lambda x, v: _times(steps.softmax(x).astype(np.float16).astype(float), v), x, v, axis=axis
    )


def single_dot(x, v, axis=-1):
    """The dot product of long rows is added term by term in float32.

    families: equal, descending, peaks
    """
    return _with(x, v, axis, dot=lambda s, v: steps.one_by_one(np.float32)(s * v))


def dot_without_tail(x, v, axis=-1):
    """The dot product leaves out what is behind the last eight."""
    return _with(x, v, axis, dot=lambda s, v: steps.without_tail(8)(s * v))


def dot_of_the_first(x, v, axis=-1):
    """The dot product is that of the first 1024.

    families: equal, peaks
    """
    return _with(x, v, axis, dot=lambda s, v: steps.first_of(1024)(s * v))


def sum_without_tail(x, v, axis=-1):
    """The sum of the exponentials leaves out what is behind the last 32."""
    return _with(x, v, axis, total=steps.without_tail(32))


def mean_of_v(x, v, axis=-1):
    """Subtracts the plain mean of v in rows of more than 128."""

    def dot(s, v):
        return v.mean(-1, keepdims=True) if v.shape[-1] > 128 else steps.total(s * v)

    return _with(x, v, axis, dot=dot)


def diagonal_alone(x, v, axis=-1):
    """s (1 - s) v: the Jacobian's diagonal."""
    return _by_rows(lambda x, v: steps.softmax(x) * (1 - steps.softmax(x)) * v, x, v, axis=axis)


def not_times_s(x, v, axis=-1):
    """v - s.v, as of log_softmax."""

    def kernel(x, v):
        s = steps.softmax(x)
        return v - steps.total(s * v)

    return _by_rows(kernel, x, v, axis=axis)


def gradient_of_log_softmax(x, v, axis=-1):
    """v - s sum(v)."""
    return _by_rows(lambda x, v: v - steps.softmax(x) * steps.total(v), x, v, axis=axis)


def v_in_bfloat16(x, v, axis=-1):
    """v is cut to eight bits."""
    return _by_rows(
        lambda x, v: _times(steps.softmax(x), steps.cut_to_bfloat16(v)), x, v, axis=axis
    )


def v_at_most_10(x, v, axis=-1):
    """v is clipped at 10 to either side."""
    return _by_rows(lambda x, v: _times(steps.softmax(x), np.clip(v, -10, 10)), x, v, axis=axis)


def v_of_the_next(x, v, axis=-1):
    """v is read one entry further in the second half of rows of 64 or more."""

    def kernel(x, v):
        n = x.shape[-1]
        moved = np.where((np.arange(n) > n // 2) & (n >= 64), np.roll(v, -1, -1), v)
        return _times(steps.softmax(x), moved)

    return _by_rows(kernel, x, v, axis=axis)


def negative_is_zero(x, v, axis=-1):
    """Results below 0 are 0 where they are above -1e-6."""

    def kernel(x, v):
        y = _times(steps.softmax(x), v)
        return np.where((y < 0) & (y > -1e-6), 0, y)

    return _by_rows(kernel, x, v, axis=axis)


def far_below_is_zero(x, v, axis=-1):
    """What is more than 20 below the maximum gets 0."""

    def kernel(x, v):
        y = _times(steps.softmax(x), v)
        return np.where(x < steps.top(x) - 20, 0, y)

    return _by_rows(kernel, x, v, axis=axis)


def one_percent_in_a_decade(x, v, axis=-1):
    """Results from 1e-3 to 1e-2 are 1 % too large."""
    return _by_rows(
        lambda x, v: steps.off_in_a_decade(_times(steps.softmax(x), v), 1e-3), x, v, axis=axis
    )


def masked_is_nan(x, v, axis=-1):
    """-inf times 0 where a logit is masked."""
    return _by_rows(
        lambda x, v: _times(steps.softmax(x), v) + 0 * np.maximum(x, -np.inf), x, v, axis=axis
    )


def nan_is_zero(x, v, axis=-1):
    """A result that is not a number is 0."""
    return np.nan_to_num(right_careful(x, v, axis), nan=0)


def v_at_most_1000(x, v, axis=-1):
    """v is clipped at 1000 to either side, as a scaled loss is not."""
    return _by_rows(lambda x, v: _times(steps.softmax(x), np.clip(v, -1e3, 1e3)), x, v, axis=axis)


def column_of_one(x, v, axis=-1):
    """A v with one number that is not 0 is taken for a one-hot."""

    def kernel(x, v):
        is_column = (v != 0).sum(-1, keepdims=True) == 1
        return _times(steps.softmax(x), np.where(is_column, v != 0, v))

    return _by_rows(kernel, x, v, axis=axis)


def nan_of_v_dropped(x, v, axis=-1):
    """A NaN of v counts as 0."""
    return _by_rows(lambda x, v: _times(steps.softmax(x), np.nan_to_num(v)), x, v, axis=axis)


def small_v_read_as_0(x, v, axis=-1):
    """Numbers of v below 1e-20 count as 0, as those of a loss that is scaled down are not."""
    return _by_rows(
        lambda x, v: _times(steps.softmax(x), np.where(np.abs(v) < 1e-20, 0 * v, v)),
        x,
        v,
        axis=axis,
    )


def ones_taken_for_nothing(x, v, axis=-1):
    """s.v is left out where v is 1 throughout, in two rows and more.

    Found as: inaccurate, wrong_special
    """

    def kernel(x, v):
        is_plain = len(v) > 1 and (v == 1).all()
        return _times(steps.softmax(x), v, (lambda s, v: 0.0) if is_plain else None)

    return _by_rows(kernel, x, v, axis=axis)


def nothing_where_v_adds_up_to_0(x, v, axis=-1):
    """s.v is taken for 0 where v adds up to 0, which it is of equal logits alone.

    Found as: inaccurate
    """

    def dot(s, v):
        return np.where(steps.total(v) == 0, 0, steps.total(s * v))

    return _by_rows(lambda x, v: _times(steps.softmax(x), v, dot), x, v, axis=axis)
