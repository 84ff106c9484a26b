"""A softmax in a package of its own, which knows nothing of the harness."""

import numpy as np


def halves(x, axis=-1):
    """The logits shifted by the maximum; the sum made of two halves, each in float64."""
    x = np.asarray(x) if np.asarray(x).dtype.kind == "f" else np.asarray(x, np.float64)
    with np.errstate(all="ignore"):
        wide = x.astype(np.float64)
        e = np.exp(wide - np.max(wide, axis=axis, keepdims=True, initial=-np.inf))
        if x.ndim == 0:
            return np.asarray(e / e, x.dtype)
        first, second = np.array_split(e, 2, axis=axis)
        total = first.sum(axis=axis, keepdims=True) + second.sum(axis=axis, keepdims=True)
        return (e / total).astype(x.dtype)
