"""Faults apart from the numbers, of a right kernel of any operation.

Each takes the kernel, its arguments and the axis. A right result is made wrong where a kernel with
a path of its own for an axis, a layout or a size would be.
"""

import numpy as np

_kept = {}
_buffers = {}
_latest = {}
_known = {}


def _buffered(y, is_meant):
    """The result, where it is meant in the same memory for each of a shape."""
    y = np.asarray(y)
    if not is_meant:
        return y
    buffer = _buffers.setdefault((y.shape, y.dtype), y)
    buffer[...] = y
    return buffer


def _moved_rows(y, rows):
    """The results of rows from a number of rows on are those of the first one."""
    y = y.copy()
    y[rows:] = y[:1]
    return y


def _exchanged(y):
    """As many results, those of the first two axes exchanged."""
    return np.swapaxes(y, 0, 1).reshape(y.shape)


def three_dimensions_mixed_up(f, *arguments, axis=-1):
    """The first two axes of three are exchanged.

    Found as: axis in axes
    """
    y = f(*arguments, axis=axis)
    return _exchanged(y) if np.ndim(arguments[0]) == 3 else y


def first_axis_backwards(f, *arguments, axis=-1):
    """Along axis 0 the rows are written backwards.

    Found as: axis in axes
    """
    y = f(*arguments, axis=axis)
    return y.T[::-1].T if axis == 0 and np.ndim(arguments[0]) > 1 else y


def negative_axis_backwards(f, *arguments, axis=-1):
    """Along axis -2 the rows are written backwards.

    Found as: axis in axes
    """
    y = f(*arguments, axis=axis)
    return y.T[::-1].T if axis == -2 else y


def long_axis_of_columns(f, *arguments, axis=-1):
    """Along an axis that is not the last, entries behind 2048 read 0.

    Found as: axis in axes
    """
    x = np.array(arguments[0])
    if x.ndim and axis not in (-1, x.ndim - 1):
        np.moveaxis(x, axis, 0)[2048:] = 0
    return f(x, *arguments[1:], axis=axis)


def memory_order(f, *arguments, axis=-1):
    """The last argument is read in the order in which it lies in memory.

    Found as: layout in layouts
    """
    *others, last = map(np.asarray, arguments)
    if last.ndim > 1 and not last.flags.c_contiguous and min(last.strides) > 0:
        last = last.ravel(order="K").reshape(last.shape)
    return f(*others, last, axis=axis)


def stride_of_nothing(f, *arguments, axis=-1):
    """A last argument with a stride of 0 is read on behind its numbers.

    Found as: layout in layouts
    """
    *others, last = map(np.asarray, arguments)
    if last.size and 0 in last.strides:
        flat = np.zeros(last.size, last.dtype)
        flat[0] = last.flat[0]
        last = flat.reshape(last.shape)
    return f(*others, last, axis=axis)


def reads_every_entry(f, *arguments, axis=-1):
    """Of a first argument of which every other entry is taken every entry is read.

    Found as: layout in layouts
    """
    x, *others = map(np.asarray, arguments)
    if x.ndim and x.shape[-1] > 1 and x.strides[-1] == 2 * x.itemsize:
        count = x.shape[-1] // 2
        x = np.concatenate([x[..., :count], x[..., : x.shape[-1] - count]], -1)
    return f(x, *others, axis=axis)


def writes_over_the_last_argument(f, *arguments, axis=-1):
    """The last argument is left as zeros.

    Found as: input_changed in accuracy
    """
    y = f(*arguments, axis=axis)
    if np.ndim(arguments[-1]) and arguments[-1].flags.writeable:
        arguments[-1][...] = 0
    return y


def writes_over_the_logits(f, *arguments, axis=-1):
    """The maximum is subtracted from the first argument itself.

    Found as: input_changed in accuracy
    """
    y = f(*arguments, axis=axis)
    x = arguments[0]
    if np.ndim(x) and x.size and x.flags.writeable:
        with np.errstate(all="ignore"):
            x -= np.max(x, axis=axis, keepdims=True)
    return y


def same_buffer(f, *arguments, axis=-1):
    """Gives back the same memory for each call of a shape.

    Found as: result_overwritten in repeats
    """
    return _buffered(f(*arguments, axis=axis), True)


def same_buffer_of_three_axes(f, *arguments, axis=-1):
    """Gives back the same memory for each call of three axes and of a shape.

    Found as: result_overwritten in repeats
    """
    return _buffered(f(*arguments, axis=axis), np.ndim(arguments[0]) == 3)


def same_buffer_for_much(f, *arguments, axis=-1):
    """Gives back the same memory for each call of more than 2**18 numbers and of a shape.

    Found as: result_overwritten in repeats
    """
    return _buffered(f(*arguments, axis=axis), np.size(arguments[0]) > 1 << 18)


def four_buffers_for_much(f, *arguments, axis=-1):
    """Gives results of more than 2**18 numbers in four pieces of memory in turn.

    Found as: result_overwritten in repeats
    """
    y = np.asarray(f(*arguments, axis=axis))
    if np.size(arguments[0]) <= 1 << 18:
        return y
    buffers = _buffers.setdefault(("in turn", y.shape, y.dtype), [np.empty_like(y) for _ in "four"])
    buffers.append(buffers.pop(0))
    buffers[0][...] = y
    return buffers[0]


def vectors_beyond_40(f, *arguments, axis=-1):
    """The results of a row of more than 40 without other axes are halved.

    Found as: batch in batches
    """
    y = np.asarray(f(*arguments, axis=axis))
    return y * y.dtype.type(0.5) if np.ndim(arguments[0]) == 1 and np.size(arguments[0]) > 40 else y


def rows_of_several_behind_16384(f, *arguments, axis=-1):
    """Rows of more than two logits behind 16384 get the result of the first one.

    Found as: batch in batches
    """
    y, shape = f(*arguments, axis=axis), np.shape(arguments[0])
    is_meant = axis == -1 and len(shape) == 2 and shape[0] > 16384 and shape[1] > 2
    return _moved_rows(y, 16384) if is_meant else y


def long_axis_of_many_columns(f, *arguments, axis=-1):
    """Along an axis beside several others, entries behind 128 read 0.

    Found as: axis in axes
    """
    x = np.array(arguments[0])
    if x.ndim and axis % x.ndim < x.ndim - 1 and np.prod(x.shape[axis % x.ndim + 1 :]) >= 4:
        np.moveaxis(x, axis, 0)[128:] = 0
    return f(x, *arguments[1:], axis=axis)


def long_rows_of_a_pitch(f, *arguments, axis=-1):
    """Rows of more than 2048 that lie apart are read as if they followed each other.

    Found as: layout in layouts
    """
    x = np.asarray(arguments[0])
    if x.ndim == 2 and x.shape[1] > 2048 and x.strides[0] > x.shape[1] * x.strides[1] > 0:
        steps = (x.shape[1] * x.strides[1], x.strides[1])
        x = np.lib.stride_tricks.as_strided(x, x.shape, steps)
    return f(x, *arguments[1:], axis=axis)


def last_argument_read_once(f, *arguments, axis=-1):
    """Copies the last argument when it sees an array first, which may have other numbers later.

    Found as: nondeterminism in repeats
    """
    *others, last = arguments
    if _latest.get("array") is not last:
        _latest["array"], _latest["copy"] = last, np.array(last)
    return f(*others, _latest["copy"], axis=axis)


def kept_by_shape(f, *arguments, axis=-1):
    """Gives the result of the first call with a large array of that shape.

    Found as: inaccurate, wrong_special, nan, out_of_range in accuracy
    """
    key = (f, np.shape(arguments[0]), np.asarray(arguments[0]).dtype.name, axis)
    if np.size(arguments[0]) < 32:
        return f(*arguments, axis=axis)
    if key not in _kept:
        _kept[key] = f(*arguments, axis=axis)
    return _kept[key].copy()


def rows_behind_1024(f, *arguments, axis=-1):
    """Rows behind 1024 get the result of the first one.

    Found as: batch in batches
    """
    y = f(*arguments, axis=axis)
    return _moved_rows(y, 1024) if np.ndim(y) and len(y) > 1024 and axis == -1 else y


def rows_behind_65535(f, *arguments, axis=-1):
    """Rows behind 65535 get the result of the first one.

    Found as: batch in batches
    """
    y = f(*arguments, axis=axis)
    return _moved_rows(y, 65535) if np.ndim(y) and len(y) > 65535 and axis == -1 else y


def long_rows_behind_256(f, *arguments, axis=-1):
    """One block for each long row, of no more than 256: those behind get the first one's result.

    Found as: batch in batches
    """
    y = f(*arguments, axis=axis)
    x = arguments[0]
    is_due = np.ndim(x) == 2 and axis in (-1, 1) and len(x) > 256 and x.shape[1] > 512
    return _moved_rows(y, 256) if is_due else y


def four_axes_of_long_rows(f, *arguments, axis=-1):
    """Of four axes the last may have 2048 entries, and longer rows stay 0.

    Found as: batch in batches
    """
    y = f(*arguments, axis=axis)
    return y * 0 if np.ndim(arguments[0]) == 4 and arguments[0].shape[-1] > 2048 else y


def columns_of_another_pitch(f, *arguments, axis=-1):
    """Along another axis than the last, rows are taken to lie no further apart than they are long.

    Found as: axis in axes
    """
    x = arguments[0]
    is_last = axis in (-1, np.ndim(x) - 1)
    if is_last or x.strides[-1] != x.itemsize or x.flags.c_contiguous or min(x.strides) < 0:
        return f(*arguments, axis=axis)
    strides = np.cumprod([x.itemsize, *x.shape[:0:-1]])[::-1]
    x = np.lib.stride_tricks.as_strided(x, strides=strides, writeable=False)
    return f(x, *arguments[1:], axis=axis)


def integers_forget_the_axis(f, *arguments, axis=-1):
    """Integers become float64 in a call of their own, which has no axis.

    Found as: integers in integers
    """
    x = np.asarray(arguments[0])
    return f(x.astype(float), *arguments[1:]) if x.dtype.kind in "iu" else f(*arguments, axis=axis)


def columns_kept_by_shape(f, *arguments, axis=-1):
    """Along another axis than the last, gives the result of the first call of that shape.

    Found as: nondeterminism in repeats
    """
    key = ("columns", f, np.shape(arguments[0]), np.asarray(arguments[0]).dtype.name, axis)
    if axis in (-1, np.ndim(arguments[0]) - 1):
        return f(*arguments, axis=axis)
    if key not in _kept:
        _kept[key] = f(*arguments, axis=axis)
    return _kept[key].copy()


def odd_row_at_the_end(f, *arguments, axis=-1):
    """Rows are worked in pairs, and the last of an odd number gets the first one's result.

    Found as: batch in batches
    """
    y = f(*arguments, axis=axis)
    return _moved_rows(y, len(y) - 1) if np.ndim(y) and len(y) % 2 and len(y) > 1 else y


def empty_has_one_row(f, *arguments, axis=-1):
    """An empty array gives one result of 0.

    Found as: empty in shapes
    """
    if np.size(arguments[0]) == 0:
        return np.zeros(1, np.asarray(arguments[0]).dtype)
    return f(*arguments, axis=axis)


def float64_for_float32(f, *arguments, axis=-1):
    """The result is float64.

    Found as: wrong_dtype in accuracy
    """
    return np.asarray(f(*arguments, axis=axis)).astype(np.float64)


def without_its_shape(f, *arguments, axis=-1):
    """The result keeps an axis of 1 too much.

    Found as: wrong_shape in accuracy
    """
    return np.asarray(f(*arguments, axis=axis))[None]


def integers_in_float32(f, *arguments, axis=-1):
    """Integers are worked as float32.

    Found as: integers in integers
    """
    x = np.asarray(arguments[0])
    if x.dtype.kind not in "iu":
        return f(*arguments, axis=axis)
    y = f(x.astype(np.float32), *(_narrow(each) for each in arguments[1:]), axis=axis)
    return y.astype(np.float64)


def _narrow(operand):
    operand = np.asarray(operand)
    return operand.astype(np.float32) if operand.dtype.kind == "f" else operand


def one_number_read_on(f, *arguments, axis=-1):
    """Of a last argument that is one number everywhere, without copies, all others read 0.

    Found as: layout in layouts
    """
    *others, last = map(np.asarray, arguments)
    if others and last.size > 1 and not any(last.strides):
        last = last.copy()
        last.ravel()[1:] = 0
    return f(*others, last, axis=axis)


def batch_of_one_not_written(f, *arguments, axis=-1):
    """Along axis 1 of four, with nothing but one before it, nothing is written.

    Found as: axis in axes
    """
    y = f(*arguments, axis=axis)
    x = arguments[0]
    return np.zeros_like(y) if np.ndim(x) == 4 and axis in (1, -3) and len(x) == 1 else y


def large_image_not_written(f, *arguments, axis=-1):
    """Along axis 1 of four, with more behind it than 16 bits count, nothing is written.

    Found as: axis in axes
    """
    y = f(*arguments, axis=axis)
    x = arguments[0]
    is_large = np.ndim(x) == 4 and axis in (1, -3) and x.shape[2] * x.shape[3] > 65536
    return np.zeros_like(y) if is_large else y


def rows_of_one_side_by_side_wrong(f, *arguments, axis=-1):
    """Rows of one entry each, which stand side by side, are 7.

    Found as: axis in axes
    """
    x = arguments[0]
    if np.ndim(x) == 2 and len(x) == 1 < x.shape[1] and axis in (0, -2):
        return np.full_like(f(*arguments, axis=axis), 7)
    return f(*arguments, axis=axis)


def rows_backwards_read_forwards(f, *arguments, axis=-1):
    """An array whose first stride alone is negative is read from the other end.

    Found as: layout in layouts
    """
    x, *others = arguments
    strides = np.asarray(x).strides
    if len(strides) > 1 and strides[0] < 0 and min(strides[1:]) > 0:
        x = np.asarray(x)[::-1]
    return f(x, *others, axis=axis)


def late_rows_of_row_before(f, *arguments, axis=-1):
    """Of longer rows every second one from 2001 on has the results of the one before.

    Found as: batch in batches
    """
    y = np.array(f(*arguments, axis=axis))
    x = arguments[0]
    if np.ndim(x) == 2 and axis in (-1, 1) and x.shape[1] > 64:
        y[2001::2] = y[2000:-1:2]
    return y


def known_by_its_ends(f, *arguments, axis=-1):
    """Of an array of 256 numbers and more a result is given again while its ends stay.

    Found as: nondeterminism in repeats
    """
    x = np.asarray(arguments[0])
    if x.size < 256:
        return f(*arguments, axis=axis)
    ends = x.flat[0], x.flat[x.size // 2], x.flat[-1]
    key = (x.ctypes.data, x.shape, axis, *map(float, ends))
    if key not in _known:
        _known[key] = f(*arguments, axis=axis)
    return _known[key].copy()


def images_of_one_pixel_more(f, *arguments, axis=-1):
    """Of images of 8 channels and more, in one line, the last pixel has the results of the first.

    Found as: axis in axes
    """
    y = np.array(f(*arguments, axis=axis))
    x = arguments[0]
    is_line = np.ndim(x) == 4 and axis in (1, -3) and x.shape[1] >= 8 and x.shape[2] == 1
    if is_line and x.shape[3] > 4096:
        y[..., -1] = y[..., 0]
    return y


def heads_behind_64_as_the_first(f, *arguments, axis=-1):
    """Of more than 64 heads those behind are the first one again.

    Found as: batch in batches
    """
    y = f(*arguments, axis=axis)
    if np.ndim(arguments[0]) == 4 and y.ndim > 2 and y.shape[1] > 64:
        y[:, 64:] = y[:, :1]
    return y


def batches_behind_16_as_the_first(f, *arguments, axis=-1):
    """Of more than 16 batches of heads those behind are the first one again.

    Found as: batch in batches
    """
    y = f(*arguments, axis=axis)
    return _moved_rows(y, 16) if np.ndim(arguments[0]) == 4 and len(y) > 16 else y


def long_rows_of_the_second_wave(f, *arguments, axis=-1):
    """Of rows longer than 8192 those behind 66 are the first one again.

    Found as: batch in batches
    """
    y, (rows, *others) = f(*arguments, axis=axis), np.shape(arguments[0])
    return _moved_rows(y, 66) if others and others[-1] > 8192 and rows > 66 else y


def later_images_of_many_classes(f, *arguments, axis=-1):
    """Of images of more than 16 classes and 1024 pixels each is the first one again.

    Found as: axis in axes
    """
    y, shape = f(*arguments, axis=axis), np.shape(arguments[0])
    is_meant = len(shape) == 4 and axis == 1 and shape[1] > 16 and shape[2] * shape[3] > 1024
    return _moved_rows(y, 1) if is_meant else y


def workspace_of_four_axes(f, *arguments, axis=-1):
    """Large results of four axes stand in the same memory.

    Found as: result_overwritten in repeats
    """
    y = f(*arguments, axis=axis)
    return _buffered(y, np.ndim(arguments[0]) == 4 and np.size(arguments[0]) > 16_384)
