"""softmax_temperature: faulty kernels, and right ones, whose names begin with ``right``."""

import numpy as np

from softmax_faults.operations import steps

_by_rows = steps.by_rows


def _single(x):
    """The type in which 16 bits are worked."""
    return np.result_type(steps.floats(x).dtype, np.float32)


def _with(x, temperature, axis, work=np.float64, **how):
    def kernel(x, t):
        return steps.softmax(x / t.astype(x.dtype), **how)

    return _by_rows(kernel, x, temperature, axis=axis, work=work)


def _of(kernel, x, temperature, axis, work=np.float64):
    return _by_rows(lambda x, t: kernel(x, t.astype(x.dtype)), x, temperature, axis=axis, work=work)


def right_textbook(x, temperature, axis=-1):
    """softmax of x / T, in float32 or wider."""
    return _with(x, temperature, axis, _single(x))


def right_scipy(x, temperature, axis=-1):
    """scipy's softmax of x / T, in float32 or wider."""
    from scipy.special import softmax

    return _of(
        lambda x, t: softmax(x / t, axis=-1) if x.size else x, x, temperature, axis, _single(x)
    )


def right_shifted_first(x, temperature, axis=-1):
    """(x - max) / T."""

    def kernel(x, t):
        e = np.exp((x - steps.top(x)) / t)
        return e / steps.total(e)

    return _of(kernel, x, temperature, axis, _single(x))


def right_by_the_inverse(x, temperature, axis=-1):
    """x times 1 / T."""
    return _of(lambda x, t: steps.softmax(x * (1 / t)), x, temperature, axis, _single(x))


def right_online(x, temperature, axis=-1):
    """Maximum and sum in one pass over blocks of 128, as kernels of whole vocabularies have it."""

    def kernel(x, t):
        a, s = steps.online(x / t)
        return np.exp(x / t - a) / s

    return _of(kernel, x, temperature, axis, _single(x))


def right_in_blocks(x, temperature, axis=-1):
    """The sum in blocks of 64."""
    return _with(x, temperature, axis, _single(x), total=steps.in_blocks)


def not_at_all(x, temperature, axis=-1):
    """T is left out."""
    return _of(lambda x, t: steps.softmax(x), x, temperature, axis)


def multiplied(x, temperature, axis=-1):
    """x T."""
    return _of(lambda x, t: steps.softmax(x * t), x, temperature, axis)


def twice(x, temperature, axis=-1):
    """x / T / T."""
    return _of(lambda x, t: steps.softmax(x / t / t), x, temperature, axis)


def its_root(x, temperature, axis=-1):
    """x over the root of T."""
    return _of(lambda x, t: steps.softmax(x / np.sqrt(np.abs(t))), x, temperature, axis)


def of_the_first_row(x, temperature, axis=-1):
    """The T of the first row for all of more than 64 rows."""

    def kernel(x, t):
        return steps.softmax(x / (t[:1] if len(t) > 64 else t))

    return _of(kernel, x, temperature, axis)


def in_bfloat16(x, temperature, axis=-1):
    """T is cut to eight bits."""
    return _of(lambda x, t: steps.softmax(x / steps.cut_to_bfloat16(t)), x, temperature, axis)


def in_half(x, temperature, axis=-1):
    """T is rounded to float16."""
    return _of(
        lambda x, t: steps.softmax(x / t.astype(np.float16).astype(x.dtype)), x, temperature, axis
    )


def never_below_a_tenth(x, temperature, axis=-1):
    """T is never below 0.1."""
    return _of(lambda x, t: steps.softmax(x / np.maximum(t, 0.1)), x, temperature, axis)


def never_above_10(x, temperature, axis=-1):
    """T is never above 10."""
    return _of(lambda x, t: steps.softmax(x / np.minimum(t, 10)), x, temperature, axis)


def small_epsilon(x, temperature, axis=-1):
    """T and 1e-6."""
    return _of(lambda x, t: steps.softmax(x / (t + 1e-6)), x, temperature, axis)


def maximum_before(x, temperature, axis=-1):
    """x / T - max x: the maximum is not divided."""
    return _of(
        lambda x, t: steps.softmax(x / t, shift=lambda _: steps.top(x)),
        x,
        temperature,
        axis,
        np.float32,
    )


def no_shift(x, temperature, axis=-1):
    """Takes the exponentials of x / T as they are."""
    return _with(x, temperature, axis, np.float32, shift=lambda x: np.zeros_like(x[:, :1]))


def after_softmax(x, temperature, axis=-1):
    """softmax to the power of 1 / T, normalized again, in the format."""

    def kernel(x, t):
        s = steps.softmax(x) ** (1 / t)
        return s / steps.total(s)

    return _of(kernel, x, temperature, axis, np.float32)


def at_most_88(x, temperature, axis=-1):
    """x / T is clipped at 88 to either side."""
    return _of(lambda x, t: steps.softmax(np.clip(x / t, -88, 88)), x, temperature, axis)


def without_remainder(x, temperature, axis=-1):
    """What is behind the last whole block of 8 is not divided."""

    def kernel(x, t):
        n = x.shape[-1]
        return steps.softmax(np.where(np.arange(n) < (n // 8 * 8 or n), x / t, x))

    return _of(kernel, x, temperature, axis)


def of_the_first_65536(x, temperature, axis=-1):
    """What is behind 65536 entries is not divided.

    families: equal, peaks
    """
    return _of(
        lambda x, t: steps.softmax(np.where(np.arange(x.shape[-1]) < 65536, x / t, x)),
        x,
        temperature,
        axis,
    )


def half_sum(x, temperature, axis=-1):
    """Adds term by term in float16, where a sum of ones sticks at 2048.

    dtypes: float16
    families: equal, descending, peaks
    """
    return _with(x, temperature, axis, total=steps.one_by_one(np.float16))


def half_sum_at_the_end(x, temperature, axis=-1):
    """Stores the sum in float16, which overflows at 65520.

    dtypes: float16
    families: equal
    """
    return _with(x, temperature, axis, total=steps.overflowing_at_65536)


def quotient_in_half(x, temperature, axis=-1):
    """x / T is rounded to float16."""
    return _of(
        lambda x, t: steps.softmax((x / t).astype(np.float16).astype(float)), x, temperature, axis
    )


def flushes_subnormals(x, temperature, axis=-1):
    """Subnormal results are 0."""
    y = right_textbook(x, temperature, axis)
    return np.where(np.abs(y) < np.finfo(y.dtype).tiny, y * 0, y)


def never_below_a_hundredth(x, temperature, axis=-1):
    """T is never below 0.01."""
    return _of(lambda x, t: steps.softmax(x / np.maximum(t, 0.01)), x, temperature, axis)


def rounded_to_a_tenth(x, temperature, axis=-1):
    """A T above 1 is rounded to a tenth."""
    return _of(
        lambda x, t: steps.softmax(x / np.where(t > 1, np.round(t, 1), t)), x, temperature, axis
    )


def half_taken_for_two(x, temperature, axis=-1):
    """Multiplies by a power of two where T is one, with the sign of its exponent lost."""

    def kernel(x, t):
        half, exponent = np.frexp(np.where(np.isfinite(t), t, 3.0))
        return steps.softmax(np.where(half == 0.5, np.ldexp(x, -np.abs(exponent - 1)), x / t))

    return _of(kernel, x, temperature, axis)


def temperatures_in_thousandths(x, temperature, axis=-1):
    """Rounds T to thousandths, as a server that keeps it in an integer."""

    def kernel(x, t):
        return steps.softmax(x / np.where(np.isfinite(t), np.rint(1000.0 * t) / 1000.0, t))

    return _of(kernel, x, temperature, axis)


def about_one_taken_for_one(x, temperature, axis=-1):
    """Leaves the quotient out where T is about 1."""
    return _of(
        lambda x, t: steps.softmax(np.where(np.abs(t - 1) < 0.02, x, x / t)), x, temperature, axis
    )


def at_least_1e_minus_5(x, temperature, axis=-1):
    """T below 1e-5 is raised to that, against a division by 0."""
    return _of(
        lambda x, t: steps.softmax((x - steps.top(x)) / np.maximum(t, 1e-5)), x, temperature, axis
    )


def equal_shares_above_1e6(x, temperature, axis=-1):
    """T above 1e6 is taken for infinite, beside which all that is seen has an equal share."""

    def kernel(x, t):
        seen = (x > -np.inf) / np.maximum((x > -np.inf).sum(-1, keepdims=True), 1)
        return np.where((t > 1e6) & np.isfinite(steps.top(x)), seen, steps.softmax(x / t))

    return _of(kernel, x, temperature, axis)


def no_shift_where_all_are_1(x, temperature, axis=-1):
    """The maximum is not subtracted where T is 1 in every row, of two and more.

    Found as: overflow, wrong_special
    """

    def kernel(x, t):
        is_plain = len(t) > 1 and (t == 1).all()
        return steps.softmax(x / t, **({"shift": lambda x: 0} if is_plain else {}))

    return _of(kernel, x, temperature, axis)


def one_of_all_by_the_ends(x, temperature, axis=-1):
    """T is taken for 1 throughout where the first and the last one are.

    Found as: inaccurate, batch
    """
    t = np.asarray(temperature)
    if t.size > 4 and t.flat[0] == t.flat[-1] == 1:
        temperature = np.ones_like(t)
    return _of(lambda x, t: steps.softmax(x / t), x, temperature, axis)
