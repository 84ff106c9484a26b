"""Softmaxes that clamp what needs no clamping."""

import numpy as np

from softmax_faults.softmax import good


def _clamped(x, axis, low, high):
    """Good softmax of the finite entries of `x` held between `low` and `high`."""

    def kernel(rows):
        return good.softmax_rows(np.where(np.isfinite(rows), np.clip(rows, low, high), rows))

    return good.by_rows(x, axis, kernel)


def logits_clamped_at_88(x, axis=-1):
    """Clamps the logits to [-88, 88] before anything else.

    Found as: inaccurate.
    """
    return _clamped(x, axis, -88, 88)


def logits_clamped_to_half_range(x, axis=-1):
    """Clamps the logits to [-65504, 65504].

    dtypes: float32, float64
    Found as: inaccurate.
    """
    return _clamped(x, axis, -65504, 65504)


def distances_clamped_at_50(x, axis=-1):
    """Clamps the distance from the maximum at 50.

    dtypes: float32, float64
    Found as: inaccurate.
    """
    return good.softmax(x, axis, exp=lambda d: np.exp(np.maximum(d, -50)))


def results_clipped(x, axis=-1):
    """Clips the result to [1e-7, 1 - 1e-7], to please a logarithm.

    Found as: inaccurate, wrong_special.
    """

    def divide(e, s):
        return np.clip(good.quotient(e, s), e.dtype.type(1e-7), e.dtype.type(1 - 1e-7))

    return good.softmax(x, axis, divide=divide)


def epsilon_1e_minus_6_in_denominator(x, axis=-1):
    """Adds 1e-6 to a sum that is never below 1.

    Found as: bias, wrong_special.
    """
    return good.softmax(x, axis, divide=lambda e, s: good.quotient(e, s + s.dtype.type(1e-6)))


def epsilon_1e_minus_7_in_denominator(x, axis=-1):
    """Adds 1e-7 to the sum, which in float32 is about one unit in the last place.

    Found as: bias, wrong_special.
    """
    return good.softmax(x, axis, divide=lambda e, s: good.quotient(e, s + s.dtype.type(1e-7)))


def epsilon_1e_minus_12_in_denominator(x, axis=-1):
    """Adds 1e-12 to the sum, which only float64 can see.

    dtypes: float64
    Found as: inaccurate, bias, wrong_special.
    """
    return good.softmax(x, axis, divide=lambda e, s: good.quotient(e, s + s.dtype.type(1e-12)))
