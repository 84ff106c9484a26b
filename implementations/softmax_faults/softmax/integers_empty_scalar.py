"""Softmaxes that mistreat integers, empty arrays or arrays without axes."""

import numpy as np
from softmax_implementations.registry import implementation

from softmax_faults.softmax import good


def _integers(x):
    return np.asarray(x).dtype.kind in "iub"


def result_cast_back_to_integers(x, axis=-1):
    """Casts the result to the type of the input, integers included.

    Found as: integers, wrong_dtype.
    """
    return good.softmax(x, axis).astype(np.asarray(x).dtype)


def integers_in_single(x, axis=-1):
    """Works on integers in float32 and widens the result.

    Found as: integers, inaccurate.
    """
    if _integers(x):
        return good.softmax(np.asarray(x, np.float32), axis).astype(np.float64)
    return good.softmax(x, axis)


def integers_give_single(x, axis=-1):
    """Gives float32 for integers.

    Found as: integers, wrong_dtype.
    """
    return good.softmax(np.asarray(x, np.float32) if _integers(x) else x, axis)


def integers_divided_as_integers(x, axis=-1):
    """Divides by floor division where the input is of integers.

    Found as: integers.
    """

    def divide(e, s):
        return e // s if _integers(x) else good.quotient(e, s)

    return good.softmax(x, axis, divide=divide)


@implementation("integers-raise")  # which promises all that a softmax can do
def integers_raise(x, axis=-1):
    """Subtracts into the input's type, which for integers is refused.

    Found as: integers, raised.
    """
    x = np.asarray(x)
    return np.add(good.softmax(x, axis), 0, out=np.empty(x.shape, x.dtype))


def empty_loses_its_shape(x, axis=-1):
    """Returns an empty vector for anything empty.

    Found as: empty, wrong_shape.
    """
    x = np.asarray(x)
    return good.softmax(x, axis) if x.size else np.empty(0, good.floats(x).dtype)


def empty_row_gets_one_element(x, axis=-1):
    """Returns one NaN per row where rows have no elements.

    Found as: empty, wrong_shape.
    """
    y = good.softmax(x, axis)
    if y.ndim and y.shape[axis] == 0:
        y = np.full_like(y, np.nan, shape=np.max(y, axis, keepdims=True, initial=0).shape)
    return y


def scalar_becomes_vector(x, axis=-1):
    """Returns a vector of one element for an array without axes.

    Found as: scalar, wrong_shape.
    """
    return np.atleast_1d(good.softmax(x, axis))


def scalar_gives_nan(x, axis=-1):
    """Gives NaN for an array without axes.

    Found as: scalar, wrong_special.
    """
    y = good.softmax(x, axis)
    return y if y.ndim else np.full_like(y, np.nan)
