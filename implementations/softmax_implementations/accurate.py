"""The recommendation: almost always the nearest number of the format, without any library."""

import numpy as np

from softmax_implementations import two_words
from softmax_implementations.registry import FLOAT8_DTYPES, LIBRARY_DTYPES, floating, implementation

_BLOCK = 1 << 14  # elements worked on at once, so that temporaries stay in a cache


@implementation(
    "accurate",
    dtypes=(*FLOAT8_DTYPES, *LIBRARY_DTYPES),
    standard="wide",
    limits={"max_ulp": 0.51},
    same_bits=("batch", "layout"),
)
def accurate(x, axis=-1):
    """Computes with more digits than the result has, and rounds once.

    Formats up to float32 are worked in float64, exp(x - max x) / sum, and the quotient is rounded
    to the format. The error of that is half an ulp and about 2**-45 of the result besides.

    Of float64 what x - max x loses to rounding is kept, which is what costs `max-shifted` its
    digits, and exponential, sum and quotient are sums of two numbers: see
    `softmax_implementations.two_words`, which has the bound.

    Rows are worked on in blocks that fit a processor's cache.
    """
    x = floating(x)
    y = np.empty(x.shape, x.dtype)
    if x.size:
        with np.errstate(all="ignore"):
            _by_blocks(_rows_last(x, axis), _rows_last(y, axis))
    return y


def _rows_last(array, axis):
    """A view of an array with the axis as the last of two or more."""
    return np.atleast_2d(np.moveaxis(np.atleast_1d(array), axis, -1))


def _by_blocks(x, y):
    """Softmax along the last axis of x, of any strides, into y."""
    rows, n = int(np.prod(x.shape[:-1], dtype=int)), x.shape[-1]
    work = two_words.softmax_rows if x.dtype == np.float64 else _in_float64
    at_once = max(1, _BLOCK // n)
    places = np.arange(rows)
    for start in range(0, rows, at_once):
        some = slice(start, start + at_once)
        chosen = some if x.ndim == 2 else np.unravel_index(places[some], x.shape[:-1])
        y[chosen] = work(np.ascontiguousarray(x[chosen]))


def _in_float64(x):
    e = x.astype(np.float64)
    e -= np.max(e, axis=-1, keepdims=True)
    np.exp(e, out=e)
    e /= np.sum(e, axis=-1, keepdims=True)
    return e
