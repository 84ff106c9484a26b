"""Softmaxes whose exponential is poor."""

import numpy as np

from softmax_faults.softmax import good

_LN2 = np.log(2.0)


def _taylor(r, degree):
    """The Taylor polynomial of exp by Horner's scheme."""
    p = np.ones_like(r)
    for k in range(degree, 0, -1):
        p = 1 + p * r / k
    return p


def _reduced(d, ln2=_LN2, steps=1):
    """k and r with d = (k / steps) ln 2 + r, in float64 where d is not absurd."""
    d = np.maximum(d.astype(np.float64), -2000.0)
    k = np.rint(d * (steps / _LN2))
    return k, d - k * (ln2 / steps)


def _scaled(p, k):
    return np.ldexp(p, k.astype(np.int32))


def _off_where(wrong, error):
    """exp, off by the relative `error` where ``wrong(d)``."""
    return lambda d: np.where(wrong(d), np.exp(d) * d.dtype.type(1 + error), np.exp(d))


def taylor_of_degree_4(x, axis=-1):
    """Ends the Taylor series of the reduced exponential after degree 4.

    dtypes: float32, float64
    Found as: inaccurate.
    """

    def exp(d):
        k, r = _reduced(d)
        return _scaled(_taylor(r, 4), k)

    return good.softmax(x, axis, exp=exp)


def taylor_without_reduction(x, axis=-1):
    """Sums the Taylor series of degree 12 around 0 however far the argument is from it.

    Found as: inaccurate, out_of_range, overflow, nan.
    """
    return good.softmax(x, axis, exp=lambda d: _taylor(d, 12))


def compound_interest(x, axis=-1):
    """Computes exp(d) as (1 + d/256)^256.

    Found as: inaccurate, spurious_underflow.
    """
    return good.softmax(x, axis, exp=lambda d: np.maximum(1 + d / 256, 0) ** 256)


def exponent_field_trick(x, axis=-1):
    """Writes a linear function of d into the bits of a float32 (Schraudolph 1999).

    Found as: inaccurate, flushed_subnormal.
    """

    def exp(d):
        bits = np.maximum(d.astype(np.float32) * np.float32(2**23 / _LN2) + 1064866805, 0)
        return bits.astype(np.int32).view(np.float32)

    return good.softmax(x, axis, exp=exp)


def cubic_between_powers_of_two(x, axis=-1):
    """Interpolates 2^f by a cubic on [0, 1], good to four digits.

    dtypes: float32, float64
    Found as: inaccurate.
    """

    def exp(d):
        t = np.maximum(d.astype(np.float64), -2000.0) / _LN2
        f = t - np.floor(t)
        return _scaled(1 + f * (0.695556856 + f * (0.226173572 + f * 0.078269572)), np.floor(t))

    return good.softmax(x, axis, exp=exp)


def table_without_interpolation(x, axis=-1):
    """Looks 2^f up in a table of 256 entries and takes the nearest as it is.

    Found as: inaccurate.
    """

    def exp(d):
        k, _ = _reduced(d, steps=256)
        return _scaled(np.exp2((k % 256) / 256), k // 256)

    return good.softmax(x, axis, exp=exp)


def half_exponential(x, axis=-1):
    """Takes the exponential in float16.

    Found as: inaccurate, spurious_underflow.
    """
    return good.softmax(x, axis, exp=lambda d: np.exp(d.astype(np.float16)))


def single_exponential(x, axis=-1):
    """Takes the exponential in float32 even of float64.

    dtypes: float64
    Found as: inaccurate, spurious_underflow.
    """
    return good.softmax(x, axis, exp=lambda d: np.exp(d.astype(np.float32)))


def ln2_with_four_digits(x, axis=-1):
    """Reduces the argument by ln 2 = 0.6931.

    Found as: inaccurate.
    """

    def exp(d):
        k, r = _reduced(d, ln2=0.6931)
        return _scaled(np.exp(r), k)

    return good.softmax(x, axis, exp=exp)


def log2e_in_bfloat16(x, axis=-1):
    """Computes exp(d) as 2^(1.4453 d), log2 e having been stored in bfloat16.

    Found as: inaccurate.
    """
    log2e = good.to_precision(1 / _LN2, 8)
    return good.softmax(x, axis, exp=lambda d: np.exp2(d * d.dtype.type(log2e)))


def repeated_squaring(x, axis=-1):
    """Squares exp(d/1024) ten times, and its rounding error with it.

    Found as: inaccurate.
    """

    def exp(d):
        e = np.exp(d / 1024)
        for _ in range(10):
            e = e * e
        return e

    return good.softmax(x, axis, exp=exp)


def small_distances_taken_for_zero(x, axis=-1):
    """Returns 1 for distances below 0.0015.

    dtypes: float32, float64
    Found as: inaccurate.
    """
    return good.softmax(x, axis, exp=lambda d: np.where(d > -0.0015, d.dtype.type(1), np.exp(d)))


def off_in_a_narrow_window(x, axis=-1):
    """Errs by 0.1 % for distances from 23.4600 to 23.4632 and nowhere else.

    dtypes: float32
    Found as: inaccurate.
    """
    return good.softmax(x, axis, exp=_off_where(lambda d: (d < -23.46) & (d > -23.4632), 1e-3))


def off_in_a_window_of_the_tail(x, axis=-1):
    """Errs by 0.2 % for distances from 71.0310 to 71.0342 and nowhere else.

    dtypes: float32
    Found as: inaccurate.
    """
    return good.softmax(x, axis, exp=_off_where(lambda d: (d < -71.031) & (d > -71.0342), 2e-3))


def off_at_powers_of_two(x, axis=-1):
    """Errs by 0.1 % at distances that are exact powers of two.

    dtypes: float32, float64
    Found as: inaccurate.
    """
    return good.softmax(x, axis, exp=_off_where(lambda d: np.frexp(d)[0] == -0.5, 1e-3))


def off_just_below_powers_of_two(x, axis=-1):
    """Errs by 0.1 % where the distance is the float just below a power of two.

    dtypes: float32
    Found as: inaccurate.
    """

    def below(d):
        return np.frexp(d)[0] == np.nextafter(d.dtype.type(-1), d.dtype.type(0))

    return good.softmax(x, axis, exp=_off_where(below, 1e-3))


def off_past_the_normal_range(x, axis=-1):
    """Scales by one power of two too few where exp leaves the normal range, past 87.3.

    dtypes: float32
    Found as: inaccurate.
    """
    return good.softmax(x, axis, exp=_off_where(lambda d: d < -87.3366, 1.0))


def off_just_past_a_threshold(x, axis=-1):
    """Errs by 1 % from 87.3366 to 87.34, where a special case takes over too late.

    dtypes: float32
    Found as: inaccurate.
    """
    return good.softmax(x, axis, exp=_off_where(lambda d: (d < -87.3366) & (d > -87.34), 0.01))


def off_at_table_steps(x, axis=-1):
    """Takes the neighbouring entry of a table of 32 steps where d is nearly between two.

    dtypes: float32, float64
    Found as: inaccurate.
    """

    def between(d):
        t = d.astype(np.float64) * (32 / _LN2)
        return np.abs(t - np.floor(t) - 0.5) < 0.004

    return good.softmax(x, axis, exp=_off_where(between, 2 ** (1 / 32) - 1))


def gap_at_a_table_step(x, axis=-1):
    """Errs by 0.1 % within 0.0005 of odd multiples of (ln 2) / 2, where the reduction flips.

    dtypes: float32, float64
    Found as: inaccurate.
    """

    def flips(d):
        t = d.astype(np.float64) / _LN2
        return np.abs(t - np.floor(t) - 0.5) < 0.0005

    return good.softmax(x, axis, exp=_off_where(flips, 1e-3))
