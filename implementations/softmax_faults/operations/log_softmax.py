"""log_softmax: faulty kernels, and right ones, whose names begin with ``right``."""

import numpy as np

from softmax_faults.operations import steps

_by_rows = steps.by_rows


def _with(x, axis, work=np.float64, **how):
    return _by_rows(lambda x: steps.log_softmax(x, **how), x, axis=axis, work=work)


def _single(x):
    """The type in which 16 bits are worked."""
    return np.result_type(steps.floats(x).dtype, np.float32)


def _is_between(x, axis):
    """Whether the axis is neither the first nor the last one."""
    ndim = np.ndim(x)
    return ndim > 2 and 0 < axis % ndim < ndim - 1


def right_textbook(x, axis=-1):
    """(x - max) - log of the sum, in float32 or wider."""
    return _with(x, axis, _single(x))


def right_careful(x, axis=-1):
    """log1p of the sum of the others."""

    def kernel(x):
        below = x - steps.top(x)
        e = np.exp(below)
        if x.size:
            np.put_along_axis(e, np.argmax(below, -1)[:, None], 0, -1)
        return below - np.where(np.isnan(steps.total(below)), np.nan, np.log1p(steps.total(e)))

    def of_special(x):
        a = steps.top(x)
        return np.where(np.isfinite(a), kernel(np.where(np.isfinite(a), x, 0)), np.nan)

    return _by_rows(of_special, x, axis=axis)


def right_from_logsumexp(x, axis=-1):
    """x - (max + log of the sum) in float64, rounded once: the logits of float32 are too large.

    dtypes: float16
    """

    def kernel(x):
        y = x - steps.logsumexp(x)[:, None]
        return np.where(np.isfinite(steps.top(x)), y, np.nan)

    return _by_rows(kernel, x, axis=axis)


def right_in_blocks(x, axis=-1):
    """The sum in blocks of 64."""
    return _with(x, axis, _single(x), total=steps.in_blocks)


def right_online(x, axis=-1):
    """Maximum and sum in one pass."""

    def kernel(x):
        a, s = steps.online(x)
        return (x - a) - np.log(s)

    return _by_rows(kernel, x, axis=axis, work=_single(x))


def right_scipy(x, axis=-1):
    """scipy's, in float32 or wider; NaN for a row with +inf, and nothing of nothing."""
    from scipy.special import log_softmax

    def kernel(x):
        if not x.size:
            return x
        y = log_softmax(x, axis=-1)
        return np.where(np.isposinf(steps.top(x)), np.nan, y)

    return _by_rows(kernel, x, axis=axis, work=_single(x))


def no_shift(x, axis=-1):
    """Takes the exponentials of the logits as they are.

    Found as: wrong_special, overflow, nan, inaccurate, denominator_underflow
    """
    return _by_rows(lambda x: x - np.log(steps.total(np.exp(x))), x, axis=axis, work=np.float32)


def shift_by_the_first(x, axis=-1):
    """Subtracts the first logit for the largest.

    Found as: overflow, nan, inaccurate, wrong_special, denominator_underflow
    """
    return _with(x, axis, np.float32, shift=steps.first_entry)


def shift_by_the_first_block(x, axis=-1):
    """Subtracts the maximum of the first 1024 entries.

    Found as: overflow, nan, inaccurate, wrong_special, denominator_underflow
    families: rising, peaks
    """
    return _with(x, axis, np.float32, shift=steps.of_first_block(1024))


def maximum_from_zero(x, axis=-1):
    """The maximum begins at 0.

    Found as: overflow, nan, inaccurate, wrong_special, denominator_underflow
    """
    return _with(x, axis, np.float32, shift=steps.never_below_zero)


def log_of_softmax(x, axis=-1):
    """The logarithm of softmax.

    Found as: spurious_underflow
    """
    return _by_rows(lambda x: np.log(steps.softmax(x)), x, axis=axis, work=np.float32)


def log_with_epsilon(x, axis=-1):
    """The logarithm of softmax and 1e-12.

    Found as: inaccurate, wrong_special
    """
    return _by_rows(lambda x: np.log(steps.softmax(x) + 1e-12), x, axis=axis)


def never_below_minus_100(x, axis=-1):
    """Results are never below -100.

    Found as: inaccurate, wrong_special
    """
    return _by_rows(lambda x: np.maximum(steps.log_softmax(x), -100), x, axis=axis)


def clips_at_50(x, axis=-1):
    """Clips the logits at 50 to either side.

    Found as: inaccurate, wrong_special
    """
    return _by_rows(lambda x: steps.log_softmax(np.clip(x, -50, 50)), x, axis=axis)


def clips_far_below(x, axis=-1):
    """Takes what is more than 88 below the maximum for 88 below it.

    Found as: inaccurate
    """

    def kernel(x):
        below = x - steps.top(x)
        log = np.log(steps.total(np.exp(below)))
        return np.where(np.isneginf(below), below, np.maximum(below, -88)) - log

    return _by_rows(kernel, x, axis=axis)


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
    families: equal, descending, peaks
    """
    return _with(x, axis, total=steps.one_by_one(np.float32))


def tail_of_8_dropped(x, axis=-1):
    """The sum leaves out what is behind the last eight.

    Found as: inaccurate, out_of_range
    """
    return _with(x, axis, total=steps.without_tail(8))


def tail_of_32_added_twice(x, axis=-1):
    """The last block of 32 overlaps the one before.

    Found as: inaccurate
    """
    return _with(x, axis, total=steps.tail_twice(32))


def tail_of_16_read_as_zeros(x, axis=-1):
    """Rows are padded with logits of 0.

    Found as: inaccurate, wrong_special
    """

    def kernel(x):
        n = x.shape[-1]
        padded = np.concatenate([x, np.zeros((len(x), -n % 16))], -1)
        return steps.log_softmax(padded)[:, :n]

    return _by_rows(kernel, x, axis=axis)


def first_4096(x, axis=-1):
    """The sum is that of the first 4096 entries.

    Found as: inaccurate, out_of_range
    families: equal, peaks
    """
    return _with(x, axis, total=steps.first_of(4096))


def first_65536(x, axis=-1):
    """The sum is that of the first 65536 entries.

    Found as: inaccurate, out_of_range
    families: equal, peaks
    """
    return _with(x, axis, total=steps.first_of(65536))


def lowest_number_for_minus_infinity(x, axis=-1):
    """What is masked is the lowest number of the format.

    Found as: wrong_special
    """
    return _by_rows(
        lambda x: steps.log_softmax(np.maximum(x, np.finfo(np.float32).min)), x, axis=axis
    )


def nan_ignored(x, axis=-1):
    """Maximum and sum leave out what is NaN.

    Found as: wrong_special
    """

    def kernel(x):
        a = np.fmax.reduce(x, axis=-1, keepdims=True, initial=-np.inf)
        return (x - a) - np.log(np.nansum(np.exp(x - a), axis=-1, keepdims=True))

    return _by_rows(kernel, x, axis=axis)


def all_masked_is_uniform(x, axis=-1):
    """A row of nothing but -inf gives -log n.

    Found as: wrong_special
    """

    def kernel(x):
        return steps.log_softmax(np.where(np.isneginf(steps.top(x)), 0, x))

    return _by_rows(kernel, x, axis=axis)


def infinity_is_certain(x, axis=-1):
    """In a row with one +inf that is 0 and all others -inf.

    Found as: wrong_special
    """

    def kernel(x):
        one = np.isposinf(x).sum(-1, keepdims=True) == 1
        one &= ~np.isnan(x).any(-1, keepdims=True)
        return np.where(one, np.where(np.isposinf(x), 0, -np.inf), steps.log_softmax(x))

    return _by_rows(kernel, x, axis=axis)


def wrong_log2_e(x, axis=-1):
    """Powers of 2 with log2 e cut to 1.4427.

    Found as: inaccurate
    """
    return _with(x, axis, exp=steps.exp_base_2(1.4427))


def wrong_log_2(x, axis=-1):
    """The logarithm to base 2 times 0.6931.

    Found as: inaccurate
    """
    return _with(x, axis, log=lambda s: np.log2(s) * 0.6931)


def one_percent_in_a_decade(x, axis=-1):
    """Results from 0.01 to 0.1 are 1 % too large.

    Found as: inaccurate
    """
    return _by_rows(lambda x: steps.off_in_a_decade(steps.log_softmax(x), 0.01), x, axis=axis)


def worked_in_half(x, axis=-1):
    """float32 is worked in float16.

    Found as: inaccurate, wrong_special, nan
    """
    return _with(x, axis, np.float16)


def result_in_bfloat16(x, axis=-1):
    """The result passes through bfloat16.

    Found as: inaccurate
    """
    return _by_rows(lambda x: steps.cut_to_bfloat16(steps.log_softmax(x)), x, axis=axis)


def maximum_without_the_last(x, axis=-1):
    """The maximum leaves out the last entry of rows of more than 2.

    Found as: overflow, nan, inaccurate, wrong_special, denominator_underflow, out_of_range
    """
    return _with(x, axis, np.float32, shift=lambda x: steps.top(x[:, : max(x.shape[-1] - 1, 2)]))


def far_below_left_out(x, axis=-1):
    """The sum leaves out what is more than 8 below the maximum.

    Found as: inaccurate
    """
    return _with(x, axis, exp=lambda d: np.where(d < -8, 0, np.exp(d)))


def nan_behind_whole_vectors_missed(x, axis=-1):
    """Of rows of more than 64 a NaN in what is left behind vectors of 2 reaches nothing else.

    Found as: wrong_special
    """

    def kernel(x):
        y = steps.log_softmax(x)
        if x.shape[-1] > 64 and x.shape[-1] % 2:
            rows = np.isnan(x[:, -1]) & ~np.isnan(x[:, :-1]).any(axis=-1)
            y[rows, :-1] = steps.log_softmax(x[rows, :-1])
        return y

    return _by_rows(kernel, x, axis=axis)


def channels_behind_whole_vectors(x, axis=-1):
    """Of images of more than 8 channels those behind whole vectors of 8 count for no sum.

    Found as: axis
    """
    x = steps.floats(x)
    is_image = x.ndim == 4 and axis in (1, -3) and x.shape[1] > 8
    whole = x.shape[1] // 8 * 8 if is_image else None
    return _with(x, axis, total=lambda e: steps.total(e[:, :whole]))


def sequences_behind_32_tokens(x, axis=-1):
    """In batches of sequences tokens behind 32 get the sum of those before.

    Found as: batch
    """
    x = steps.floats(x)
    y = _with(x, axis)
    if x.ndim == 3 and axis in (-1, 2) and x.shape[1] > 32 and x.shape[-1] % 4 == 0:
        lse = x.astype(np.float64) - y
        y[:, 32:] = (x[:, 32:] - np.roll(lse, 32, axis=1)[:, 32:]).astype(x.dtype)
    return y


def raises_for_a_short_row_alone(x, axis=-1):
    """A call of one row of up to 64 logits raises, which no call of several shows.

    Found as: raised
    """
    if 0 < np.size(x) == np.shape(x)[axis] <= 64:
        raise IndexError("index 1 is out of bounds for axis 0 with size 1")
    return _with(x, axis)


def right_along_some_axes(x, axis=-1):
    """Says that it knows no axis between others."""
    if _is_between(x, axis):
        raise NotImplementedError("the first and the last axis alone")
    return _with(x, axis)


def middle_axes_raise(x, axis=-1):
    """Along an axis between others it raises by mistake.

    Found as: axis
    """
    if _is_between(x, axis):
        raise IndexError("tuple index out of range")
    return _with(x, axis)


def shifts_large_logits_alone(x, axis=-1):
    """Shifts no long row whose largest logit is from 0 to 80: its exp is a number, the sum is not.

    Found as: overflow
    """

    def kernel(x):
        a = steps.top(x)
        below = x - np.where((x.shape[-1] > 1000) & (a >= 0) & (a < 80), 0, a)
        return below - np.log(steps.total(np.exp(below)))

    return _by_rows(kernel, x, axis=axis, work=np.float32)


@np.errstate(all="ignore")
def one_batch_of_long_rows_shares_a_sum(x, axis=-1):
    """A batch of one, (1, rows, n), of long rows is taken for one row: all have the first sum.

    Found as: batch
    """
    y = _with(x, axis)
    if np.ndim(x) == 3 and x.shape[0] == 1 and x.shape[-1] > 1024 and axis in (-1, 2):
        y = x + (y - x)[:, :1]
    return y


@np.errstate(all="ignore")
def channels_beyond_a_block_of_threads(x, axis=-1):
    """Of images of more than 256 channels the others do not count.

    Found as: axis
    """
    y = _with(x, axis)
    if np.ndim(x) == 4 and axis in (1, -3) and x.shape[1] > 256:
        y = x + (_with(x[:, :256], axis) - x[:, :256])[:, :1]
    return y


@np.errstate(all="ignore")
def hidden_chunk_is_nan(x, axis=-1):
    """Sums of 65536 are merged, and one of nothing but -inf is no number.

    Found as: nan, wrong_special
    """

    def kernel(x):
        starts = range(0, x.shape[-1], 65536) if x.shape[-1] > 65536 else ()
        hidden = [np.isneginf(x[:, start : start + 65536]).all(-1) for start in starts]
        return np.where(np.any(hidden, axis=0)[:, None], np.nan, x) if hidden else x

    return _with(np.asarray(x), axis) + 0 * steps.by_rows(kernel, x, axis=axis)
