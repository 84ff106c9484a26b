"""A float8 attention whose weights saturate: flash-attention, pull request 2694.

The kernel takes tiles of 128 keys one after another. It works in exponents of 2, and follows a
row's maximum m only where that moves by more than 4. Each weight is 2**(s - m + offset), in
float32 for the sum of the weights; for the product with the values it is rounded to float8_e4m3fn,
whose largest number, 448, takes the place of what is beyond. With m up to 4 behind, a weight may be
2**(4 + offset): an offset of 8 loses all above 1.75 times 2**8, an offset of 4 loses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.studies.reproduce.paper import Figure, Paper
from softmax_harness.truth import exact_results

_DEVIATIONS = (0.25, 0.5, 1.0, 1.5, 2.0)
_PUBLISHED = {8: (0.027, 0.031, 0.136, 0.305, 0.361), 4: (0.027, 0.028, 0.027, 0.024, 0.022)}
_KEYS, _DEPTH, _TILE = 8192, 128, 128
_LAG = 4.0  # in exponents of 2, by which the maximum may be behind
_CLIPPED = 3.0
_QUERIES = 256

Array = NDArray[np.float32]


class _Given(NamedTuple):
    """Numbers of float8_e4m3fn, as float32: queries, and keys and values that all of them see."""

    q: Array
    k: Array
    v: Array


def _drawn(seed: int, queries: int) -> _Given:
    """Normal numbers, cut at 3, rounded to float8_e4m3fn."""
    rng, format = np.random.default_rng(seed), FORMATS["float8_e4m3fn"]

    def numbers(rows: int) -> Array:
        normal = np.clip(rng.standard_normal((rows, _DEPTH)), -_CLIPPED, _CLIPPED)
        return format.stored(normal).astype(np.float32)

    return _Given(numbers(queries), numbers(_KEYS), numbers(_KEYS))


def kernel(scores: Array, v: Array, offset: int) -> Array:
    """Attention by tiles of keys, the last one first, with weights in float8_e4m3fn.

    Parameters
    ----------
    scores : ndarray of float32, shape (queries, keys)
        In exponents of 2.
    v : ndarray of float32, shape (keys, columns)
    offset : int
        Of the exponents of all weights.
    """
    format = FORMATS["float8_e4m3fn"]
    total = np.zeros((len(scores), 1), np.float32)
    y = np.zeros((len(scores), v.shape[1]), np.float32)
    top = np.full(total.shape, -np.inf, np.float32)
    for start in range(scores.shape[1] - _TILE, -1, -_TILE):
        tile = slice(start, start + _TILE)
        highest = np.maximum(top, scores[:, tile].max(axis=-1, keepdims=True))
        moved = np.where(highest - top > _LAG, highest, top)
        kept, top = np.exp2(top - moved), moved
        weights = np.exp2(scores[:, tile] - top + np.float32(offset))
        total = total * kept + weights.sum(axis=-1, keepdims=True)
        narrow = format.stored(np.minimum(weights, format.largest)).astype(np.float32)
        y = y * kept + narrow @ v[tile]
    return FORMATS["bfloat16"].stored(y / total).astype(np.float32)


def exact(given: _Given, deviation: float) -> NDArray[np.float64]:
    """The exact attention of scores with about that standard deviation, shape (queries, depth)."""
    problem = Problem(OPERATIONS["attention"], FORMATS["float32"], FORMATS["bfloat16"])
    rows = len(given.q)
    q = (given.q * np.float32(deviation))[:, None]  # exact: a few bits each
    k, v = (np.broadcast_to(each, (rows, *each.shape)) for each in (given.k, given.v))
    seen = np.broadcast_to(np.ones((1, 1, _KEYS), bool), (rows, 1, _KEYS))
    return exact_results(problem, np.zeros((rows, _KEYS)), (q, k, v, seen)).truth.value


def measured(seed: int, queries: int = _QUERIES) -> list[Figure]:
    """The error of each offset at each standard deviation of the scores."""
    given = _drawn(seed, queries)
    products = given.q @ given.k.T
    found: dict[int, list[Figure]] = {offset: [] for offset in _PUBLISHED}
    for place, deviation in enumerate(_DEVIATIONS):
        z = exact(given, deviation)
        unit = np.float32(deviation / np.sqrt(_DEPTH) * np.log2(np.e))
        for offset, published in _PUBLISHED.items():
            error = kernel(products * unit, given.v, offset) - z
            figure = Figure(
                f"offset {offset}, standard deviation {deviation:g}",
                published[place],
                float(np.abs(error).mean() / np.abs(z).mean()),
                {"Euclidean": float(np.linalg.norm(error) / np.linalg.norm(z))},
            )
            found[offset].append(figure)
    return [figure for figures in found.values() for figure in figures]


def _measured(seed: int) -> Sequence[Figure]:
    return measured(seed)


PAPER = Paper(
    "flash-attention-2694",
    "Fix fp8 P saturation in sm100 forward: reduce softmax max_offset 8 -> 4",
    "https://github.com/Dao-AILab/flash-attention/pull/2694",
    "mean |error| over mean |result| of attention with weights in float8_e4m3fn, 8192 keys",
    _measured,
    notes=(
        "The publication does not say how its error is taken. The mean of |error| over the mean of "
        "|result| gives its numbers; the quotient of the Euclidean norms is a fifth larger where "
        "weights saturate, since few results err by much.",
        "The kernel is worked here in NumPy on 256 queries of one head; there it ran on a B300. "
        "Its error is taken against the exact results; there against a bfloat16 kernel, which errs "
        "by a tenth of the smallest of these numbers.",
        "Other queries, keys and values (--seed) move the numbers by some percent.",
    ),
)
