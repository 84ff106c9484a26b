"""logsumexp: faulty kernels, and right ones, whose names begin with ``right``."""

import itertools

import numpy as np

from softmax_faults.operations import steps

_by_rows = steps.by_rows


def _single(x):
    """The type in which 16 bits are worked."""
    return np.result_type(steps.floats(x).dtype, np.float32)


def _with(x, axis, work=np.float64, **how):
    return _by_rows(lambda x: steps.logsumexp(x, **how), x, axis=axis, work=work)


def right_textbook(x, axis=-1):
    """max + log of the sum, in float32 or wider."""
    return _with(x, axis, _single(x))


def right_careful(x, axis=-1):
    """max + log1p of the sum of the others."""

    def kernel(x):
        if not x.shape[-1]:
            return np.full(len(x), -np.inf)
        a = steps.top(x)
        e = np.exp(x - np.where(np.isfinite(a), a, 0))
        np.put_along_axis(e, np.argmax(x, -1)[:, None], 0, -1)
        return np.where(np.isfinite(a), a + np.log1p(steps.total(e)), a)[:, 0]

    return _by_rows(kernel, x, axis=axis)


def right_in_blocks(x, axis=-1):
    """The sum in blocks of 64."""
    return _with(x, axis, _single(x), total=steps.in_blocks)


def right_online(x, axis=-1):
    """Maximum and sum in one pass."""

    def kernel(x):
        a, s = steps.online(x)
        return np.where(np.isinf(a), a, a + np.log(s))[:, 0]

    return _by_rows(kernel, x, axis=axis, work=_single(x))


def right_merged(x, axis=-1):
    """Eight parts of a row, whose results are merged in pairs."""

    def kernel(x):
        parts = [each for each in np.array_split(x, 8, axis=-1) if each.shape[-1]]
        found = [steps.logsumexp(each) for each in parts] or [np.full(len(x), -np.inf)]
        while len(found) > 1:
            pairs = itertools.zip_longest(found[::2], found[1::2])
            found = [a if b is None else np.logaddexp(a, b) for a, b in pairs]
        return found[0]

    return _by_rows(kernel, x, axis=axis, work=_single(x))


def right_scipy(x, axis=-1):
    """scipy's, in float32 or wider; -inf of nothing."""
    from scipy.special import logsumexp

    def kernel(x):
        return logsumexp(x, axis=-1) if x.size else np.full(len(x), -np.inf)

    return _by_rows(kernel, x, axis=axis, work=_single(x))


def no_shift(x, axis=-1):
    """Takes the exponentials of the logits as they are."""
    return _by_rows(lambda x: np.log(np.exp(x).sum(-1)), x, axis=axis, work=np.float32)


def shift_by_the_first(x, axis=-1):
    """Subtracts the first logit for the largest."""
    return _with(x, axis, np.float32, shift=steps.first_entry)


def shift_by_the_first_block(x, axis=-1):
    """Subtracts the maximum of the first 1024 entries.

    families: rising, peaks
    """
    return _with(x, axis, np.float32, shift=steps.of_first_block(1024))


def maximum_from_zero(x, axis=-1):
    """The maximum begins at 0."""
    return _with(x, axis, np.float32, shift=steps.never_below_zero)


def log_with_epsilon(x, axis=-1):
    """Adds 1e-6 to the sum.

    Found as: inaccurate, wrong_special
    """
    return _with(x, axis, log=lambda s: np.log(s + 1e-6))


def epsilon_when_not_shifted(x, axis=-1):
    """log(sum + 1e-30), which is -69 for a row of nothing but -inf.

    Found as: wrong_special
    """
    return _with(x, axis, log=lambda s: np.log(s + 1e-30))


def clips_at_88(x, axis=-1):
    """Clips the logits at 88 to either side."""
    return _by_rows(lambda x: steps.logsumexp(np.clip(x, -88, 88)), x, axis=axis)


def half_sum(x, axis=-1):
    """Adds term by term in float16, where a sum of ones sticks at 2048.

    Found as: inaccurate
    dtypes: float16
    families: equal, descending, peaks
    """
    return _with(x, axis, total=steps.one_by_one(np.float16))


def half_sum_at_the_end(x, axis=-1):
    """Stores the sum in float16, which overflows at 65520.

    Found as: overflow, inaccurate
    dtypes: float16
    families: equal
    """
    return _with(x, axis, total=steps.overflowing_at_65536)


def single_sum(x, axis=-1):
    """Adds long rows term by term in float32.

    Found as: inaccurate
    """
    return _with(x, axis, total=steps.one_by_one(np.float32))


def tail_of_4_dropped(x, axis=-1):
    """The sum leaves out what is behind the last four."""
    return _with(x, axis, total=steps.without_tail(4))


def tail_of_32_read_as_zeros(x, axis=-1):
    """Rows are padded with logits of 0."""

    def kernel(x):
        return steps.logsumexp(np.pad(x, ((0, 0), (0, -x.shape[-1] % 32))))

    return _by_rows(kernel, x, axis=axis)


def first_1024(x, axis=-1):
    """The sum is that of the first 1024 entries.

    families: equal, peaks
    """
    return _with(x, axis, total=steps.first_of(1024))


def first_65536(x, axis=-1):
    """The sum is that of the first 65536 entries.

    families: equal, peaks
    """
    return _with(x, axis, total=steps.first_of(65536))


def infinity_is_nan(x, axis=-1):
    """inf - inf in a row with +inf.

    Found as: wrong_special
    """
    return _by_rows(
        lambda x: (steps.top(x) + np.log(steps.total(np.exp(x - steps.top(x)))))[:, 0], x, axis=axis
    )


def nan_ignored(x, axis=-1):
    """Leaves out what is NaN.

    Found as: wrong_special
    """
    return _by_rows(lambda x: steps.logsumexp(np.where(np.isnan(x), -np.inf, x)), x, axis=axis)


def one_percent_in_a_decade(x, axis=-1):
    """Results from 1 to 10 are 1 % too large.

    Found as: inaccurate
    """
    return _by_rows(lambda x: steps.off_in_a_decade(steps.logsumexp(x), 1), x, axis=axis)


def of_absolute_values(x, axis=-1):
    """The maximum is that of the absolute values."""
    return _with(x, axis, np.float32, shift=lambda x: steps.top(np.abs(x)))


def worked_in_half(x, axis=-1):
    """float32 is worked in float16."""
    return _with(x, axis, np.float16)


def mean_for_the_sum(x, axis=-1):
    """The mean of the exponentials in rows of more than 512.

    Found as: inaccurate
    """

    def total(e):
        return steps.total(e) / (e.shape[-1] if e.shape[-1] > 512 else 1)

    return _with(x, axis, total=total)


def wrong_log2_e(x, axis=-1):
    """Powers of 2 with log2 e cut to 1.4427.

    Found as: inaccurate
    """
    return _with(x, axis, exp=steps.exp_base_2(1.4427))


def seam_of_halves_lost(x, axis=-1):
    """Of more than 2**17 entries the last one of the first half does not count.

    Found as: inaccurate
    families: peaks
    """

    def kernel(x):
        if x.shape[-1] > 1 << 17:
            x = np.delete(x, x.shape[-1] // 2 - 1, axis=-1)
        return steps.logsumexp(x)

    return _by_rows(kernel, x, axis=axis)
