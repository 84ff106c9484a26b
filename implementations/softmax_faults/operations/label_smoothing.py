"""label_smoothing: faulty kernels, and right ones, whose names begin with ``right``."""

import numpy as np

from softmax_faults.operations import steps


def _times(weight, loss):
    """A weight of 0 leaves out even an infinite loss."""
    return np.where(weight == 0, 0, weight * loss)


def _mean(losses):
    return steps.total(losses) / losses.shape[-1]


def _mixed(own, mean, eps):
    return (_times(1 - eps, own) + _times(eps, mean))[:, 0]


def _of(kernel, x, target, smoothing, axis, work=np.float64):
    """`kernel` of the losses, that of the class, and eps, (rows, n), (rows, 1) and (rows, 1)."""

    def of_rows(x, target, eps):
        losses = -steps.log_softmax(x)
        return kernel(losses, steps.at(losses, target)[:, None], eps.astype(x.dtype))

    return steps.by_rows(of_rows, x, target, smoothing, axis=axis, work=work)


def _single(x):
    """The type in which 16 bits are worked."""
    return np.result_type(steps.floats(x).dtype, np.float32)


def right_textbook(x, target, smoothing, axis=-1):
    """(1 - eps) of the loss of the class and eps of the mean, in float32 or wider.

    NaN where eps is 1 and the loss of the class infinite.
    """

    def kernel(losses, own, eps):
        return ((1 - eps) * own + _times(eps, _mean(losses)))[:, 0]

    return _of(kernel, x, target, smoothing, axis, _single(x))


def right_from_distances(x, target, smoothing, axis=-1):
    """log of the sum, and the distances from the largest logit mixed."""

    def kernel(x, target, eps):
        below = steps.top(x) - x
        own, eps = steps.at(below, target)[:, None], eps.astype(x.dtype)
        return np.log(steps.total(np.exp(-below)))[:, 0] + _mixed(own, _mean(below), eps)

    return steps.by_rows(kernel, x, target, smoothing, axis=axis, work=_single(x))


def right_in_one_sum(x, target, smoothing, axis=-1):
    """One weight for each class, eps / n, and 1 - eps more for its own, in float32 or wider."""

    def kernel(x, target, eps):
        eps = eps.astype(x.dtype)
        weights = np.repeat(eps / x.shape[-1], x.shape[-1], axis=-1)
        weights[np.arange(len(x)), target] += 1 - eps[:, 0]
        return steps.total(_times(weights, -steps.log_softmax(x)))[:, 0]

    return steps.by_rows(kernel, x, target, smoothing, axis=axis, work=_single(x))


def over_n_less_1(x, target, smoothing, axis=-1):
    """eps goes to the other classes alone, of which there are n - 1.

    Found as: inaccurate
    """

    def kernel(losses, own, eps):
        others = max(losses.shape[-1] - 1, 1)
        return _mixed(own, (steps.total(losses) - own) / others, eps)

    return _of(kernel, x, target, smoothing, axis)


def mean_without_the_log(x, target, smoothing, axis=-1):
    """The mean is that of the distances from the largest logit.

    Found as: inaccurate
    """

    def kernel(losses, own, eps):
        nearest = np.min(losses, axis=-1, keepdims=True)
        return _mixed(own, _mean(losses - nearest), eps)

    return _of(kernel, x, target, smoothing, axis)


def zero_times_infinity(x, target, smoothing, axis=-1):
    """Where eps is 0 a masked class makes NaN of 0 times its loss.

    Found as: nan
    """
    return _of(
        lambda losses, own, eps: ((1 - eps) * own + eps * _mean(losses))[:, 0],
        x,
        target,
        smoothing,
        axis,
    )


def masked_left_out(x, target, smoothing, axis=-1):
    """Masked classes do not count in the mean.

    Found as: wrong_special
    """

    def kernel(losses, own, eps):
        return _mixed(own, _mean(np.where(np.isposinf(losses), 0, losses)), eps)

    return _of(kernel, x, target, smoothing, axis)


def half_sum(x, target, smoothing, axis=-1):
    """The losses are added in float16, where their sum overflows though their mean does not.

    Found as: overflow, inaccurate
    dtypes: float16
    """

    def kernel(losses, own, eps):
        whole = np.sum(losses, axis=-1, keepdims=True, dtype=np.float16).astype(float)
        return _mixed(own, whole / losses.shape[-1], eps)

    return _of(kernel, x, target, smoothing, axis)


def eps_of_the_first_row(x, target, smoothing, axis=-1):
    """One eps for all rows.

    Found as: inaccurate
    """
    return _of(lambda each, own, eps: _mixed(own, _mean(each), eps[:1]), x, target, smoothing, axis)


def eps_in_bfloat16(x, target, smoothing, axis=-1):
    """eps is cut to eight bits.

    Found as: inaccurate
    """

    def kernel(losses, own, eps):
        return _mixed(own, _mean(losses), steps.cut_to_bfloat16(eps))

    return _of(kernel, x, target, smoothing, axis)


def tail_not_in_the_mean(x, target, smoothing, axis=-1):
    """The mean leaves out what is behind the last whole block of 16.

    Found as: inaccurate
    """

    def kernel(losses, own, eps):
        return _mixed(own, steps.without_tail(16)(losses) / losses.shape[-1], eps)

    return _of(kernel, x, target, smoothing, axis)


def the_class_keeps_all(x, target, smoothing, axis=-1):
    """The loss of the class counts whole.

    Found as: inaccurate
    """
    return _of(
        lambda each, own, eps: (own + _times(eps, _mean(each)))[:, 0], x, target, smoothing, axis
    )


def uniform_is_log_n(x, target, smoothing, axis=-1):
    """The mean is log n, as if all classes were alike.

    Found as: inaccurate
    """

    def kernel(losses, own, eps):
        return _mixed(own, np.full_like(own, np.log(losses.shape[-1])), eps)

    return _of(kernel, x, target, smoothing, axis)


def in_hundredths(x, target, smoothing, axis=-1):
    """eps is rounded to hundredths.

    Found as: inaccurate
    """

    def kernel(losses, own, eps):
        return _mixed(own, _mean(losses), np.round(eps, 2))

    return _of(kernel, x, target, smoothing, axis)


def small_eps_is_none(x, target, smoothing, axis=-1):
    """eps below 1e-4 is taken for none.

    Found as: inaccurate, spurious_underflow
    """

    def kernel(losses, own, eps):
        return _mixed(own, _mean(losses), np.where(eps < 1e-4, 0 * eps, eps))

    return _of(kernel, x, target, smoothing, axis)
