"""The operands of attention that are made from logits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.operations.operation import Operands

DEPTH, VALUES = 8, 3


def queries(stored: NDArray[Any], rng: np.random.Generator) -> Operands:
    """q, K, V and the mask, whose scores are about the given logits.

    Returns
    -------
    q : ndarray, shape (rows, 1, 8)
    k : ndarray, shape (rows, n, 8)
    v : ndarray, shape (rows, n, 3)
        In the format of the logits.
    mask : ndarray of bool, shape (rows, 1, n)
        True for the keys that are seen: those of finite logits.
    """
    rows_, n = stored.shape
    x = stored.astype(np.float64)
    seen = np.isfinite(x)
    q = rng.standard_normal((rows_, 1, DEPTH))
    q[..., 0] = np.sqrt(DEPTH)
    k = rng.standard_normal((rows_, n, DEPTH)) / 8
    k[..., 0] = np.where(seen, x, 0.0)
    v = rng.standard_normal((rows_, n, VALUES))
    with np.errstate(over="ignore"):
        q, k, v = (each.astype(stored.dtype) for each in (q, k, v))
    return q, k, v, seen[:, None, :]
