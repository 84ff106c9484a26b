"""Softmaxes that hand back the right numbers in the wrong form."""

import numpy as np

from softmax_faults.softmax import good


def upcast(x, axis=-1):
    """Returns float64 whatever comes in.

    Found as: wrong_dtype.
    """
    return good.softmax(x, axis).astype(np.float64)


def downcast(x, axis=-1):
    """Returns float16 whatever comes in.

    Found as: wrong_dtype.
    """
    return good.softmax(x, axis).astype(np.float16)


def list_returned(x, axis=-1):
    """Returns nested lists.

    Found as: wrong_type.
    """
    return good.softmax(x, axis).tolist()


def tuple_returned(x, axis=-1):
    """Returns the exponentials' sum beside the result.

    Found as: wrong_type.
    """
    y = good.softmax(x, axis)
    return y, y.sum()


def nothing_returned(x, axis=-1):
    """Forgets to return the result.

    Found as: wrong_type.
    """
    good.softmax(x, axis)


def number_returned(x, axis=-1):
    """Returns the largest entry only, as a float.

    Found as: wrong_type, wrong_shape.
    """
    return float(np.max(good.softmax(x, axis), initial=0))


def memory_returned(x, axis=-1):
    """Returns a memoryview of the result.

    Found as: wrong_type.
    """
    return memoryview(good.softmax(x, axis))


def objects_returned(x, axis=-1):
    """Returns an array of Python objects.

    Found as: wrong_dtype, wrong_type.
    """
    return good.softmax(x, axis).astype(object)


def complex_returned(x, axis=-1):
    """Returns complex numbers.

    Found as: wrong_dtype.
    """
    return good.softmax(x, axis).astype(np.complex128)


def strings_returned(x, axis=-1):
    """Returns the numbers as text.

    Found as: wrong_dtype, wrong_type.
    """
    return good.softmax(x, axis).astype(str)


def structured_returned(x, axis=-1):
    """Returns records with one field.

    Found as: wrong_dtype, wrong_type.
    """
    y = good.softmax(x, axis)
    return np.array(y, dtype=[("softmax", y.dtype)])


def transposed_returned(x, axis=-1):
    """Returns the result transposed.

    Found as: wrong_shape, axis, layout.
    """
    return good.softmax(x, axis).T


def flattened_returned(x, axis=-1):
    """Returns the result as one vector.

    Found as: wrong_shape.
    """
    return good.softmax(x, axis).ravel()


def extra_axis_returned(x, axis=-1):
    """Returns the result with an axis of length 1 in front.

    Found as: wrong_shape.
    """
    return good.softmax(x, axis)[None]


def squeezed_returned(x, axis=-1):
    """Drops axes of length 1.

    Found as: wrong_shape.
    """
    return np.squeeze(good.softmax(x, axis))
