"""Softmaxes along the wrong axis."""

import numpy as np

from softmax_faults.softmax import good


def axis_ignored(x, axis=-1):
    """Works along the last axis whatever is asked.

    Found as: axis.
    """
    return good.softmax(x, -1)


def first_axis_always(x, axis=-1):
    """Works along the first axis whatever is asked.

    Found as: axis, batch, inaccurate.
    """
    return good.softmax(x, 0)


def whole_array_as_one_row(x, axis=-1):
    """Normalises over all elements: the sum forgets its axis.

    Found as: axis, batch, inaccurate.
    """
    return good.softmax(np.ravel(x)).reshape(np.shape(x))


def negative_axis_taken_as_last(x, axis=-1):
    """Takes any negative axis for the last.

    Found as: axis.
    """
    return good.softmax(x, max(axis, -1))


def legacy_implicit_axis(x, axis=-1):
    """Takes -1 for the old implicit default: axis 0 in one and three dimensions, else 1.

    Found as: axis, layout.
    """
    implicit = 0 if np.ndim(x) in (0, 1, 3) else 1
    return good.softmax(x, implicit if axis == -1 else axis)


def reshaped_instead_of_transposed(x, axis=-1):
    """Reshapes to rows of the right length without moving the axis last.

    Found as: axis.
    """
    rows = np.reshape(x, (-1, np.shape(x)[axis])) if np.size(x) and np.ndim(x) else np.asarray(x)
    return good.softmax(rows).reshape(np.shape(x))


def axis_not_moved_back(x, axis=-1):
    """Moves the axis last to work along it and forgets to move it back.

    Found as: axis, wrong_shape.
    """
    return good.softmax(np.moveaxis(np.asarray(x), axis, -1) if np.ndim(x) else x)


def square_turned(x, axis=-1):
    """Turns the last two axes, where they are equally long and the one asked is neither of them.

    Found as: axis.
    """
    y = good.softmax(x, axis)
    last = np.shape(x)[-2:]
    is_other = np.ndim(x) > 2 and axis % np.ndim(x) < np.ndim(x) - 2
    return np.swapaxes(y, -1, -2).copy() if is_other and last[0] == last[1] > 1 else y


def six_axes_as_five(x, axis=-1):
    """Counts six axes as five, and works along the one before.

    Found as: axis, default_axis.
    """
    return good.softmax(x, (axis % 6) - 1 if np.ndim(x) == 6 else axis)


def batch_of_one_dropped(x, axis=-1):
    """Drops a first axis of length 1 of three, and still counts the axis with it.

    Found as: axis.
    """
    shape = np.shape(x)
    if len(shape) == 3 and shape[0] == 1 < shape[1] and axis in (-2, 1):
        return good.softmax(np.asarray(x)[0], -1)[None]
    return good.softmax(x, axis)


def pixels_past_2048_repeat(x, axis=-1):
    """Has a buffer of 2048 pixels for each image of a batch, and begins with the first again.

    Found as: axis.
    """
    y = good.softmax(x, axis)
    place = axis % max(y.ndim, 1)
    sizes = y.shape[:place], y.shape[place + 1 :]
    outer, inner = (int(np.prod(each)) for each in sizes)
    if outer > 1 and inner > 2048:
        of_pixels = y.reshape(outer, y.shape[place], inner)
        y = of_pixels[:, :, np.arange(inner) % 2048].reshape(y.shape)
    return y
