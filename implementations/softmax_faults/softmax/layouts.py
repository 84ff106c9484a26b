"""Softmaxes that read, or need, one layout in memory."""

import numpy as np
from numpy.lib.stride_tricks import as_strided

from softmax_faults.softmax import good


def read_in_memory_order(x, axis=-1):
    """Reads the buffer in the order of memory, whatever the order of the axes.

    Found as: layout, axis.
    """
    x = np.asarray(x)
    return good.softmax(np.ravel(x, order="K").reshape(x.shape), axis)


def fortran_order_misread(x, axis=-1):
    """Reads arrays in Fortran order as if they were in C order.

    Found as: layout.
    """
    x = np.asarray(x)
    if x.flags.f_contiguous and not x.flags.c_contiguous:
        x = np.ravel(x, order="F").reshape(x.shape)
    return good.softmax(x, axis)


def strides_ignored(x, axis=-1):
    """Walks from the first element on as if the array were contiguous.

    Found as: layout.
    """
    x = np.asarray(x)
    if x.size and min(x.strides, default=0) > 0:
        x = as_strided(x, strides=np.empty(x.shape, x.dtype).strides)
    return good.softmax(x, axis)


def sign_of_stride_ignored(x, axis=-1):
    """Takes the magnitude of negative strides, so that reversed views are read forwards.

    Found as: layout.
    """
    x = np.asarray(x)
    forwards = tuple(slice(None, None, -1 if stride < 0 else 1) for stride in x.strides)
    return good.softmax(x[forwards], axis)


def broadcast_rows_written_once(x, axis=-1):
    """Allocates a result with the strides of a broadcast input and writes its first row only.

    Found as: layout.
    """
    x = np.asarray(x)
    y = good.softmax(x, axis)
    if x.ndim > 1 and x.strides[0] == 0:
        y[1:] = 0
    return y


def read_only_raises(x, axis=-1):
    """Asks for a writable buffer, which a read-only input does not give.

    Found as: raised, layout.
    """
    x = np.asarray(x)
    if not x.flags.writeable:
        raise ValueError("buffer source array is read-only")
    return good.softmax(x, axis)


def misaligned_raises(x, axis=-1):
    """Asks for aligned data, as vector loads do.

    Found as: raised, layout.
    """
    x = np.asarray(x)
    if not x.flags.aligned:
        raise ValueError("data is not aligned")
    return good.softmax(x, axis)


def misaligned_read_from_boundary(x, axis=-1):
    """Rounds a misaligned address down, so that the first element of the data is read as 0.

    Found as: layout.
    """
    x = np.asarray(x)
    if not x.flags.aligned and x.size:
        x = x.copy()
        x.flat[0] = 0
    return good.softmax(x, axis)


def in_place_where_contiguous(x, axis=-1):
    """Works in place where the input is contiguous, to save an allocation.

    Found as: input_changed.
    """
    x = np.asarray(x)
    y = good.softmax(x, axis)
    if x.flags.c_contiguous and x.flags.writeable and x.dtype == y.dtype:
        x[...] = y
        return x
    return y


def in_place_where_strided(x, axis=-1):
    """Copies contiguous input but works in place on views, taken for copies.

    Found as: input_changed, layout.
    """
    x = np.asarray(x)
    y = good.softmax(x, axis)
    if not x.flags.c_contiguous and x.flags.writeable and x.dtype == y.dtype:
        x[...] = y
    return y


def rows_end_to_end(x, axis=-1):
    """Takes rows to lie end to end, though they may be part of longer ones.

    Found as: layout.
    """
    own = np.asarray(x)
    together = own.shape[-1] * own.itemsize if own.ndim == 2 else 0
    if together and own.strides[1] == own.itemsize and own.strides[0] > together:
        own = as_strided(own, own.shape, (together, own.itemsize))
    return good.softmax(own, axis)


def channels_last_misread(x, axis=-1):
    """Reads images whose channels lie last as if these came before height and width.

    Found as: axis.
    """
    own = np.asarray(x)
    is_plain = own.ndim != 4 or own.flags.c_contiguous
    if not is_plain and own.transpose(0, 2, 3, 1).flags.c_contiguous:
        own = own.ravel(order="K").reshape(own.shape)
    return good.softmax(own, axis)


def pitch_of_long_rows_ignored(x, axis=-1):
    """Reads rows of 64 and more as if each began where the one before it ends.

    Found as: layout.
    """
    x = np.asarray(x)
    if x.ndim >= 2 and x.shape[-1] >= 64 and x.strides[-1] == x.itemsize and x.strides[-2] > 0:
        x = as_strided(x, strides=np.empty(x.shape, x.dtype).strides)
    return good.softmax(x, axis)


def pitch_of_whole_vectors_ignored(x, axis=-1):
    """Reads rows of 32, 64 and so on as if each began where the one before it ends.

    Found as: layout.
    """
    x = np.asarray(x)
    own = (x.shape, x.strides) if x.ndim == 2 else ((1, 1), (0, 0))
    if own[0][1] % 32 == 0 and own[1][1] == x.itemsize and own[1][0] > 0:
        x = as_strided(x, strides=(x.shape[1] * x.itemsize, x.itemsize))
    return good.softmax(x, axis)
