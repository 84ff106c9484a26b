"""Maximum and sum in one pass: the sum is rescaled whenever the maximum moves."""

import numpy as np

from softmax_implementations.registry import LONGEST_SUM, floating, implementation
from softmax_implementations.rows import by_rows


@implementation(
    "online",
    standard="native",
    largest_n=LONGEST_SUM,
    expected_findings=(
        "inaccurate in float16 up to 1e4 ulp",
        "inaccurate in float32 up to 3e3 ulp",
        "inaccurate in float64 up to 3e3 ulp",
    ),
)
def online(x, axis=-1):
    """Reads the row once, and rescales the sum whenever the maximum moves.

    Milakov & Gimelshein, "Online normalizer calculation for softmax", arXiv:1805.02867 (2018),
    algorithm 3: m = max(m, x_j), d = d exp(m_old - m) + exp(x_j - m), each rounded to the type of
    x; then exp(x - m) / d. A sum of n terms errs by (n - 1) u at most, and each rescaling adds the
    error of an exp and of a product: where logits rise throughout, 3 n u in all.
    """
    return by_rows(floating(x), axis, _of_rows)


def _of_rows(x):
    highest = np.maximum.accumulate(x, axis=-1)
    before = np.concatenate([np.full((len(x), 1), -np.inf, x.dtype), highest[:, :-1]], axis=-1)
    known = np.where(np.isneginf(highest), 0, highest)  # exp(-inf) is 0 beside any number
    terms, factors = np.exp(x - known), np.exp(np.where(highest == before, 0, before - known))
    moves = np.flatnonzero((factors != 1).any(axis=0)).tolist()
    d = np.zeros((len(x), 1), x.dtype)
    for start, stop in zip([0, *moves], [*moves, x.shape[-1]], strict=True):
        if start < stop:
            rescaled = d * factors[:, start : start + 1]
            part = np.concatenate([rescaled, terms[:, start:stop]], axis=-1)
            d = np.add.accumulate(part, axis=-1)[:, -1:]
    return np.exp(x - highest[:, -1:]) / d
