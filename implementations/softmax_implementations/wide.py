"""max-shifted worked in the next wider type and rounded once."""

import numpy as np

from softmax_implementations.narrowing import rounded_to
from softmax_implementations.registry import NARROW, floating, implementation

_WIDER = {"float32": np.float64, "float64": np.longdouble}
if np.finfo(np.longdouble).nmant <= np.finfo(np.float64).nmant:
    del _WIDER["float64"]  # long double is float64 on this platform: nothing is wider


@implementation("wide", dtypes=(NARROW, *_WIDER), bound="wide", standard="wide")
def wide(x, axis=-1):
    """Computes in the next wider type and rounds once.

    That is float32 for 16 bits and fewer, float64 for float32, and long double for float64. Every
    step, the sum included (pairwise along the contiguous axis), is in the wider type; only the
    quotient is rounded to the type of x, once.
    """
    x = floating(x)
    w = x.astype(_WIDER.get(x.dtype.name, np.float32))
    with np.errstate(all="ignore"):
        e = np.exp(w - np.max(w, axis=axis, keepdims=True, initial=-np.inf))
        return rounded_to(e / np.sum(e, axis=axis, keepdims=True), x.dtype)
