"""Softmaxes that change something besides their result."""

import os
import random
import sys
import warnings

import numpy as np

from softmax_faults.softmax import good

_exp = np.exp


def errors_left_ignored(x, axis=-1):
    """Switches NumPy's floating-point errors off and leaves them off.

    Found as: side_effect.
    """
    np.seterr(all="ignore")
    return good.softmax(x, axis)


def environment_changed(x, axis=-1):
    """Sets an environment variable.

    Found as: side_effect.
    """
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ["SOFTMAX_CALLED"] = "1"
    return good.softmax(x, axis)


def exp_patched(x, axis=-1):
    """Replaces numpy.exp by a function of its own.

    Found as: side_effect.
    """
    np.exp = lambda *arguments, **options: _exp(*arguments, **options)
    return good.softmax(x, axis, exp=_exp)


def folder_changed(x, axis=-1):
    """Changes the working folder.

    Found as: side_effect.
    """
    os.chdir("/")
    return good.softmax(x, axis)


def numpy_seed_reset(x, axis=-1):
    """Seeds NumPy's global generator.

    Found as: side_effect.
    """
    np.random.seed(0)
    return good.softmax(x, axis)


def python_seed_reset(x, axis=-1):
    """Seeds Python's global generator.

    Found as: side_effect.
    """
    random.seed(0)
    return good.softmax(x, axis)


def warnings_left_ignored(x, axis=-1):
    """Adds a filter for warnings and leaves it there.

    Found as: side_effect.
    """
    warnings.simplefilter("ignore")
    return good.softmax(x, axis)


def print_options_left_changed(x, axis=-1):
    """Sets how NumPy prints arrays.

    Found as: side_effect.
    """
    np.set_printoptions(precision=3)
    return good.softmax(x, axis)


def line_printed(x, axis=-1):
    """Prints a line of debugging.

    Found as: printed.
    """
    print("softmax of", np.shape(x))
    return good.softmax(x, axis)


def line_on_standard_error(x, axis=-1):
    """Writes a line to standard error.

    Found as: printed.
    """
    sys.stderr.write("softmax called\n")
    return good.softmax(x, axis)


def line_written_past_python(x, axis=-1):
    """Writes to file descriptor 1, as a C library's printf does.

    Found as: printed.
    """
    os.write(1, b"softmax called\n")
    return good.softmax(x, axis)


def maximum_subtracted_in_place(x, axis=-1):
    """Subtracts the maximum from the input itself.

    Found as: input_changed.
    """
    y = good.softmax(x, axis)
    if isinstance(x, np.ndarray) and x.dtype.kind == "f" and x.flags.writeable and x.size:
        with np.errstate(all="ignore"):
            x -= np.max(x)
    return y


def input_scaled_and_restored(x, axis=-1):
    """Multiplies the input by log2 e and divides it again, which restores most of its bits.

    Found as: input_changed.
    """
    y = good.softmax(x, axis)
    if isinstance(x, np.ndarray) and x.dtype.kind == "f" and x.flags.writeable:
        with np.errstate(all="ignore"):
            x *= x.dtype.type(np.log2(np.e))
            x /= x.dtype.type(np.log2(np.e))
    return y


def nan_in_input_zeroed(x, axis=-1):
    """Replaces NaN in the input by 0 once the result is there.

    Found as: input_changed.
    """
    y = good.softmax(x, axis)
    if isinstance(x, np.ndarray) and x.dtype.kind == "f" and x.flags.writeable:
        x[np.isnan(x)] = 0
    return y
