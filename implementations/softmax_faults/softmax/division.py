"""Softmaxes that divide sloppily."""

import numpy as np

from softmax_faults.softmax import good


def reciprocal_of_12_bits(x, axis=-1):
    """Multiplies by the 12-bit reciprocal estimate without Newton's step.

    dtypes: float32, float64
    Found as: inaccurate.
    """

    def divide(e, s):
        return good.quotient(e * good.to_precision(1 / s, 12, np.trunc), s.dtype.type(1))

    return good.softmax(x, axis, divide=divide)


def reciprocal_in_bfloat16(x, axis=-1):
    """Multiplies by a reciprocal that is held in bfloat16.

    Found as: inaccurate.
    """

    def divide(e, s):
        return good.quotient(e * good.to_precision(1 / s, 8), s.dtype.type(1))

    return good.softmax(x, axis, divide=divide)


def one_newton_step_from_a_line(x, axis=-1):
    """Starts the reciprocal from the line 48/17 - 32/17 m and takes one of Newton's steps.

    dtypes: float32, float64
    Found as: inaccurate.
    """

    def divide(e, s):
        m, exponent = np.frexp(s)
        guess = 48 / 17 - 32 / 17 * m
        guess = guess * (2 - m * guess)
        return good.quotient(e * np.ldexp(guess, -exponent), s.dtype.type(1))

    return good.softmax(x, axis, divide=divide)


def division_in_half(x, axis=-1):
    """Divides in float16.

    dtypes: float32, float64
    Found as: inaccurate, spurious_underflow, flushed_subnormal.
    """

    def divide(e, s):
        return (e.astype(np.float16) / s.astype(np.float16)).astype(e.dtype)

    return good.softmax(x, axis, divide=divide)


def division_by_power_of_two(x, axis=-1):
    """Divides by the next power of two, a shift in integer hardware.

    Found as: inaccurate.
    """

    def divide(e, s):
        significand, exponent = np.frexp(s)
        return good.quotient(e, np.ldexp(s.dtype.type(1), exponent - (significand == 0.5)))

    return good.softmax(x, axis, divide=divide)


def logarithm_added_to_maximum(x, axis=-1):
    """Replaces the division by exp(x - (a + log s)), which rounds away digits of a large a.

    Found as: inaccurate.
    """

    def kernel(rows):
        a = good.row_maximum(rows)
        lse = (a + np.log(good.row_sum(np.exp(rows - a)))).astype(rows.dtype)
        return np.exp(rows - lse)

    return good.by_rows(x, axis, lambda rows: good.settled(rows, kernel))


def logarithm_in_half(x, axis=-1):
    """Computes exp(d - log s) with log s in float16.

    dtypes: float32, float64
    Found as: inaccurate.
    """

    def kernel(rows):
        d = rows - good.row_maximum(rows)
        s = good.row_sum(np.exp(d))
        return np.exp(d - np.log(s.astype(np.float64)).astype(np.float16).astype(s.dtype))

    return good.by_rows(x, axis, lambda rows: good.settled(rows, kernel))
