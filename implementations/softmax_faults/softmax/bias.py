"""Softmaxes that err by little, always to the same side."""

import numpy as np

from softmax_faults.softmax import good

_WIDER = {"float16": np.float32, "float32": np.float64, "float64": np.longdouble}


def _rounded_towards(target):
    """A division in the wider type whose quotient is rounded in the direction of `target`."""

    def divide(e, s):
        exact = e.astype(_WIDER[e.dtype.name]) / s
        y = exact.astype(e.dtype)
        wrong = y > exact if target < 0 else y < exact
        return np.where(wrong, np.nextafter(y, e.dtype.type(target)), y)

    return divide


def one_ulp_up(x, axis=-1):
    """Adds one unit in the last place to each result that is neither 0 nor 1.

    Found as: bias.
    """

    def divide(e, s):
        y = good.quotient(e, s)
        return np.where(y > 0, np.nextafter(y, e.dtype.type(1)), y)

    return good.softmax(x, axis, divide=divide)


def truncated(x, axis=-1):
    """Divides in a wider type and cuts the result off in place of rounding it.

    Found as: bias.
    """
    return good.softmax(x, axis, divide=_rounded_towards(-np.inf))


def rounded_up(x, axis=-1):
    """Divides in a wider type and rounds the result up.

    Found as: bias.
    """
    return good.softmax(x, axis, divide=_rounded_towards(np.inf))


def two_roundoffs_too_large(x, axis=-1):
    """Multiplies each result below 1 by 1 + 2u.

    Found as: bias.
    """

    def divide(e, s):
        y = good.quotient(e, s)
        return np.minimum(y * (1 + np.finfo(y.dtype).eps), 1)

    return good.softmax(x, axis, divide=divide)


def sum_cut_off(x, axis=-1):
    """Cuts the sum off two bits short of the type's digits.

    Found as: bias.
    """

    def total(e):
        return good.to_precision(good.row_sum(e), np.finfo(e.dtype).nmant - 1, np.trunc)

    return good.softmax(x, axis, total=total)
