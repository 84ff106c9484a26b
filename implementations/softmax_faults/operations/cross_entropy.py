"""cross_entropy: faulty kernels, and right ones, whose names begin with ``right``."""

import numpy as np

from softmax_faults.operations import steps

_by_rows = steps.by_rows


def _single(x):
    """The type in which 16 bits are worked."""
    return np.result_type(steps.floats(x).dtype, np.float32)


def _with(x, target, axis, work=np.float64, **how):
    def kernel(x, target):
        return -steps.at(steps.log_softmax(x, **how), target)

    return _by_rows(kernel, x, target, axis=axis, work=work)


def _of_class(changed, x, target, axis):
    """The loss of another class."""
    return _by_rows(
        lambda x, t: -steps.at(steps.log_softmax(x), changed(t, x.shape[-1])), x, target, axis=axis
    )


def right_textbook(x, target, axis=-1):
    """log of the sum - (x_t - max), in float32 or wider."""
    return _with(x, target, axis, _single(x))


def right_scipy(x, target, axis=-1):
    """scipy's log_softmax, in float32 or wider; NaN for a row with +inf."""
    from scipy.special import log_softmax

    def kernel(x, target):
        y = -steps.at(log_softmax(x, axis=-1), target) if x.size else np.zeros(0)
        return np.where(np.isposinf(steps.top(x)[:, 0]), np.nan, y)

    return _by_rows(kernel, x, target, axis=axis, work=_single(x))


def right_careful(x, target, axis=-1):
    """log1p of the sum of the others."""

    def kernel(x, target):
        below = x - steps.top(x)
        e = np.exp(below)
        np.put_along_axis(e, np.argmax(x, -1)[:, None], 0, -1)
        y = np.log1p(steps.total(e))[:, 0] - steps.at(below, target)
        return np.where(np.isfinite(steps.top(x)[:, 0]), y, np.nan)

    return _by_rows(kernel, x, target, axis=axis)


def right_online(x, target, axis=-1):
    """Maximum and sum in one pass."""

    def kernel(x, target):
        a, s = steps.online(x)
        return (np.log(s) - (x[np.arange(len(x)), target][:, None] - a))[:, 0]

    return _by_rows(kernel, x, target, axis=axis, work=_single(x))


def no_shift(x, target, axis=-1):
    """Takes the exponentials of the logits as they are."""

    def kernel(x, target):
        return np.log(np.exp(x).sum(-1)) - steps.at(x, target)

    return _by_rows(kernel, x, target, axis=axis, work=np.float32)


def shift_by_the_class(x, target, axis=-1):
    """Subtracts the logit of the class for the largest."""

    def kernel(x, target):
        return np.log(np.exp(x - steps.at(x, target)[:, None]).sum(-1))

    return _by_rows(kernel, x, target, axis=axis, work=np.float32)


def from_probabilities(x, target, axis=-1):
    """-log of the softmax."""

    def kernel(x, target):
        return -np.log(steps.at(steps.softmax(x), target))

    return _by_rows(kernel, x, target, axis=axis, work=np.float32)


def log_with_epsilon(x, target, axis=-1):
    """-log of the softmax and 1e-12."""

    def kernel(x, target):
        return -np.log(steps.at(steps.softmax(x), target) + 1e-12)

    return _by_rows(kernel, x, target, axis=axis)


def probabilities_clipped(x, target, axis=-1):
    """-log of the softmax between 1e-7 and 1 - 1e-7."""

    def kernel(x, target):
        return -np.log(np.clip(steps.at(steps.softmax(x), target), 1e-7, 1 - 1e-7))

    return _by_rows(kernel, x, target, axis=axis)


def loss_at_most_100(x, target, axis=-1):
    """The loss is never above 100."""
    loss = right_careful(x, target, axis)
    return np.minimum(loss, loss.dtype.type(100))


def half_sum(x, target, axis=-1):
    """Adds term by term in float16, where a sum of ones sticks at 2048.

    Found as: inaccurate
    dtypes: float16
    families: equal, descending, peaks
    """
    return _with(x, target, axis, total=steps.one_by_one(np.float16))


def half_sum_at_the_end(x, target, axis=-1):
    """Stores the sum in float16, which overflows at 65520.

    Found as: overflow, inaccurate
    dtypes: float16
    families: equal
    """
    return _with(x, target, axis, total=steps.overflowing_at_65536)


def single_sum(x, target, axis=-1):
    """Adds long rows term by term in float32.

    Found as: inaccurate
    """
    return _with(x, target, axis, total=steps.one_by_one(np.float32))


def tail_of_16_dropped(x, target, axis=-1):
    """The sum leaves out what is behind the last sixteen."""
    return _with(x, target, axis, total=steps.without_tail(16))


def first_65536(x, target, axis=-1):
    """The sum is that of the first 65536 entries.

    families: equal, peaks
    """
    return _with(x, target, axis, total=steps.first_of(65536))


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


def class_in_two_bytes(x, target, axis=-1):
    """The class is kept in 16 bits.

    families: equal, peaks
    """
    return _of_class(lambda t, n: t % 65536, x, target, axis)


def classes_of_four_bytes(x, target, axis=-1):
    """Classes of four bytes are read as pairs of eight, whose first half is 0.

    Found as: integers
    """
    own = np.asarray(target)
    return _with(x, own if own.dtype.itemsize == 8 else np.zeros_like(own), axis)


def class_0_is_ignored(x, target, axis=-1):
    """Class 0 is padding, whose loss is 0."""
    return _by_rows(
        lambda x, t: np.where(t == 0, 0, -steps.at(steps.log_softmax(x), t)), x, target, axis=axis
    )


def masked_class_costs_nothing(x, target, axis=-1):
    """The loss of a class of -inf is 0."""

    def kernel(x, target):
        y = -steps.at(steps.log_softmax(x), target)
        return np.where(np.isposinf(y), 0, y)

    return _by_rows(kernel, x, target, axis=axis)


def smooths_labels(x, target, axis=-1):
    """One part in 1000 of the loss is the mean of that of all classes."""

    def kernel(x, target):
        y = -steps.log_softmax(x)
        return 0.999 * steps.at(y, target) + 0.001 * y.mean(-1)

    return _by_rows(kernel, x, target, axis=axis)


def one_percent_in_a_decade(x, target, axis=-1):
    """Losses from 1 to 10 are 1 % too large."""

    def kernel(x, target):
        return steps.off_in_a_decade(-steps.at(steps.log_softmax(x), target), 1)

    return _by_rows(kernel, x, target, axis=axis)


def mean_over_the_batch(x, target, axis=-1):
    """Divides by the number of rows, where there are more than 1000."""
    loss = right_careful(x, target, axis)
    return loss / loss.dtype.type(loss.size if loss.size > 1000 else 1)


def nan_is_no_loss(x, target, axis=-1):
    """A loss that is not a number is 0."""
    return np.nan_to_num(right_careful(x, target, axis), nan=0, posinf=np.inf)


def no_shard_has_its_first_class(x, target, axis=-1):
    """The first class of each eighth of 8192 classes and more belongs to no shard: its logit is 0.

    Found as: inaccurate, wrong_special
    families: peaks
    """

    def kernel(x, target):
        n, y = x.shape[-1], steps.log_softmax(x)
        size = -(-n // 8)
        lost = (n >= 8192) & (target > 0) & (target % size == 0)
        own = np.where(lost, 0.0, steps.at(x, target))
        return np.where(lost, steps.logsumexp(x) - own, -steps.at(y, target))

    return _by_rows(kernel, x, target, axis=axis)
