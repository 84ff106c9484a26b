"""cross_entropy_gradient: faulty kernels, and right ones, whose names begin with ``right``."""

import numpy as np

from softmax_faults.operations import steps

_by_rows = steps.by_rows


def _single(x):
    """The type in which 16 bits are worked."""
    return np.result_type(steps.floats(x).dtype, np.float32)


def _less_1(s, target):
    s = s.copy()
    s[np.arange(len(s)), target] -= 1
    return s


def _with(x, target, axis, work=np.float64, **how):
    return _by_rows(
        lambda x, t: _less_1(steps.softmax(x, **how), t), x, target, axis=axis, work=work
    )


def _of_class(changed, x, target, axis):
    return _by_rows(
        lambda x, t: _less_1(steps.softmax(x), changed(t, x.shape[-1])), x, target, axis=axis
    )


def right_textbook(x, target, axis=-1):
    """softmax less 1 at the class, in float32 or wider."""
    return _with(x, target, axis, _single(x))


def right_scipy(x, target, axis=-1):
    """scipy's softmax less 1 at the class, in float32 or wider."""
    from scipy.special import softmax

    def kernel(x, target):
        return _less_1(softmax(x, axis=-1), target) if x.size else x

    return _by_rows(kernel, x, target, axis=axis, work=_single(x))


def right_careful(x, target, axis=-1):
    """Minus the sum of the others at the class."""

    def kernel(x, target):
        e = np.exp(x - steps.top(x))
        y = e / steps.total(e)
        own = np.arange(len(x)), target
        e[own] = 0
        y[own] = np.where(np.isnan(y[own]), np.nan, -(steps.total(e)[:, 0]) / _sum(x))
        return y

    def _sum(x):
        return steps.total(np.exp(x - steps.top(x)))[:, 0]

    return _by_rows(kernel, x, target, axis=axis)


def right_from_log_softmax(x, target, axis=-1):
    """The exponential of log_softmax, as frameworks have kept it, in float32 or wider."""
    return _by_rows(
        lambda x, t: _less_1(np.exp(steps.log_softmax(x)), t),
        x,
        target,
        axis=axis,
        work=_single(x),
    )


def no_shift(x, target, axis=-1):
    """Takes the exponentials of the logits as they are."""
    return _with(x, target, axis, np.float32, shift=lambda x: np.zeros_like(x[:, :1]))


def shift_by_the_first(x, target, axis=-1):
    """Subtracts the first logit for the largest."""
    return _with(x, target, axis, np.float32, shift=steps.first_entry)


def forgets_the_class(x, target, axis=-1):
    """The last class of a row of more than 32 is left as it is."""

    def kernel(x, target):
        n = x.shape[-1]
        s = steps.softmax(x)
        return np.where(((target == n - 1) & (n > 32))[:, None], s, _less_1(s, target))

    return _by_rows(kernel, x, target, axis=axis)


def last_class_off_by_one(x, target, axis=-1):
    """The last class is taken for the one before it."""
    return _of_class(lambda t, n: np.where(t == n - 1, np.maximum(t - 1, 0), t), x, target, axis)


def first_class_off_by_one(x, target, axis=-1):
    """Class 0 is taken for the next one."""
    return _of_class(lambda t, n: np.where(t == 0, np.minimum(1, n - 1), t), x, target, axis)


def second_half_off_by_one(x, target, axis=-1):
    """A class of the second half of a row of 64 or more is taken for the one before it."""
    return _of_class(lambda t, n: t - ((t > n // 2) & (n >= 64)), x, target, axis)


def class_in_a_byte(x, target, axis=-1):
    """The class is kept in 8 bits."""
    return _of_class(lambda t, n: t % 256, x, target, axis)


def half_sum(x, target, axis=-1):
    """Adds term by term in float16, where a sum of ones sticks at 2048.

    dtypes: float16
    families: equal, descending, peaks
    """
    return _with(x, target, axis, total=steps.one_by_one(np.float16))


def half_sum_at_the_end(x, target, axis=-1):
    """Stores the sum in float16, which overflows at 65520.

    dtypes: float16
    families: equal
    """
    return _with(x, target, axis, total=steps.overflowing_at_65536)


def single_sum(x, target, axis=-1):
    """Adds long rows term by term in float32.

    families: equal, descending, peaks
    """
    return _with(x, target, axis, total=steps.one_by_one(np.float32))


def tail_of_8_dropped(x, target, axis=-1):
    """The sum leaves out what is behind the last eight."""
    return _with(x, target, axis, total=steps.without_tail(8))


def tail_of_4_is_softmax(x, target, axis=-1):
    """1 is not subtracted behind the last whole block of 4."""

    def kernel(x, target):
        s = steps.softmax(x)
        whole = x.shape[-1] // 4 * 4 or x.shape[-1]
        return np.where((target < whole)[:, None], _less_1(s, target), s)

    return _by_rows(kernel, x, target, axis=axis)


def other_sign(x, target, axis=-1):
    """[i = t] - softmax in rows of more than 256."""

    def kernel(x, target):
        y = _less_1(steps.softmax(x), target)
        return -y if x.shape[-1] > 256 else y

    return _by_rows(kernel, x, target, axis=axis)


def over_the_batch(x, target, axis=-1):
    """Divides by the number of rows, where there are more than 1000."""

    def kernel(x, target):
        y = _less_1(steps.softmax(x), target)
        return y / (len(x) if len(x) > 1000 else 1)

    return _by_rows(kernel, x, target, axis=axis)


def nothing_below_1e7(x, target, axis=-1):
    """What is below 1e-7 is 0."""

    def kernel(x, target):
        y = _less_1(steps.softmax(x), target)
        return np.where(np.abs(y) < 1e-7, 0, y)

    return _by_rows(kernel, x, target, axis=axis)


def flushes_subnormals(x, target, axis=-1):
    """Subnormal results are 0."""
    y = right_careful(x, target, axis)
    return np.where(np.abs(y) < np.finfo(y.dtype).tiny, y.dtype.type(0), y)


def smooths_labels(x, target, axis=-1):
    """Subtracts 0.999 at the class."""

    def kernel(x, target):
        s = steps.softmax(x)
        return s + 0.999 * (_less_1(s, target) - s)

    return _by_rows(kernel, x, target, axis=axis)


def wrong_where_saturated(x, target, axis=-1):
    """Where softmax is above 0.999 the gradient is 0."""

    def kernel(x, target):
        s = steps.softmax(x)
        sure = steps.at(s, target)[:, None] > 0.999
        return np.where(sure, 0, _less_1(s, target))

    return _by_rows(kernel, x, target, axis=axis)


def result_in_half(x, target, axis=-1):
    """float32 is worked in float16."""
    return _with(x, target, axis, np.float16)


def infinity_is_certain(x, target, axis=-1):
    """In a row with one +inf softmax is 1 there and 0 else."""

    def kernel(x, target):
        one = (np.isposinf(x).sum(-1, keepdims=True) == 1) & ~np.isnan(x).any(-1, keepdims=True)
        s = np.where(one, np.isposinf(x), steps.softmax(x))
        return _less_1(s, target)

    return _by_rows(kernel, x, target, axis=axis)


def right_minus_the_others(x, target, axis=-1):
    """At the class minus the sum of the others, which a class that is masked leaves near -1."""

    def kernel(x, target):
        s = steps.softmax(x)
        at_class = np.arange(x.shape[-1]) == target[:, None]
        others = np.where(at_class, 0, s)
        total = others[:, ::-1].sum(-1, keepdims=True)
        return np.where(at_class, np.where(np.isnan(total), s - 1, -total), s).astype(s.dtype)

    return steps.by_rows(kernel, x, target, axis=axis, work=_single(x))
