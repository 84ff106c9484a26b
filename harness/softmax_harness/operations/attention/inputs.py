"""The operands of attention that are made from logits: each row one query with its own keys."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format, format_of
from softmax_harness.operations.attention.asked import ANY, Asked
from softmax_harness.operations.attention.hard_scores import above_what_is_seen, risen, shifts
from softmax_harness.operations.attention.masks import masks
from softmax_harness.operations.attention.scored_vectors import scored_vectors
from softmax_harness.operations.attention.values import poisoned, values
from softmax_harness.operations.enclosure import Array
from softmax_harness.operations.operand import Operands

DEPTH, VALUES = 4, 3
"""Length of the vectors and number of columns of v, but where few numbers are asked for."""

# Lengths of heads in use, and odd ones; each as likely as the number of times that it stands here.
_DEPTHS = (
    *(1, 2, 3, 5, 7, 8, 8, 8, 16, 24, 32, 32, 33, 40, 48, 64, 64, 64),
    *(72, 80, 96, 112, 128, 128, 160, 192, 256),
)
_COLUMNS = (1, 2, 3, 3, 3, 3, 4, 5, 8, 17, 32, 80, 160)
_FEW = 1 << 11  # logits, whose operands are a million numbers at most
_LONGEST = 1024
# Longer rows of whole blocks have heads as models have them, where few rows are asked for.
_BLOCK, _OF_LONG_ROWS, _FEW_OF_LONG_ROWS = 2048, (64, 64), 1 << 13
# So many calls have NaN, and so many rows of these: all screens take longer then.
_WITH_NANS, _NANS = 0.06, 0.2


class _Sizes(NamedTuple):
    rows: int
    n: int
    d: int
    c: int


def queries(stored: NDArray[Any], rng: np.random.Generator, asked: Asked = ANY) -> Operands:
    """q, K, V and the mask, whose scores are about the given logits, or these made harder.

    In some rows the maximum comes late; in some all scores lie about -1e3 to -1e6, or about a
    number that stands for -inf elsewhere. Keys of logits that are not finite are hidden, and others
    in many ways. In a few calls some rows have a NaN that is seen: no result may hide it.

    Returns
    -------
    q : ndarray, shape (rows, 1, d)
    k : ndarray, shape (rows, n, d)
    v : ndarray, shape (rows, n, c)
        In the format of the logits.
    mask : ndarray of bool, shape (rows, 1, n)
        True for the keys that are seen.
    """
    format, sizes = format_of(stored), _sizes(stored.shape, asked)
    x = stored.astype(np.float64)
    finite = np.isfinite(x)
    if asked.hides and not asked.causal:
        seen = finite & masks(sizes.rows, sizes.n, rng)
    else:
        seen = np.ones(x.shape, bool)
    x = np.where(finite, x, 0.0)
    is_moderate = np.abs(x).max(axis=-1, initial=0.0) < format.largest / 4096
    hard = risen(x, rng) + np.where(seen, 0.0, above_what_is_seen(sizes.rows, rng))
    x = np.where(is_moderate[:, None], hard, x)
    shift = np.where(is_moderate, shifts(sizes.rows, format, rng), 0.0)
    q, k = scored_vectors(x, shift, sizes.d, rng)
    v = poisoned(values((sizes.rows, sizes.n, sizes.c), format, rng), ~seen, format, rng)
    q, k, v = (stored_in(format, each) for each in (q, k, v))
    # Of queries that see some keys alone, one that is hidden counts with a weight of 0, or NaN.
    is_hidden_from_some = asked.causal and (asked.queries or 1) > 1
    if sizes.n and not is_hidden_from_some and rng.random() < _WITH_NANS:
        _put_nans((q, k, v), np.where(seen, x, -np.inf), rng)
    return q, k, v, seen[:, None, :]


def _sizes(shape: tuple[int, ...], asked: Asked) -> _Sizes:
    """The length of the vectors follows from that of the rows: what is alike is judged at once."""
    rows, n = shape
    if asked.head_dim is not None:
        return _Sizes(rows, n, asked.head_dim, asked.head_dim)
    (d, c), few = _in_use(n), _FEW
    if n > _LONGEST:
        (d, c), few = _OF_LONG_ROWS, _FEW_OF_LONG_ROWS if n % _BLOCK == 0 else 0
    return _Sizes(rows, n, *((d, c) if rows * n <= few else (DEPTH, VALUES)))


@lru_cache(maxsize=512)
def _in_use(n: int) -> tuple[int, int]:
    """One of the lengths of vectors and one of the numbers of columns that are in use."""
    rng = np.random.default_rng(n)
    return int(rng.choice(_DEPTHS)), int(rng.choice(_COLUMNS))


def _put_nans(operands: tuple[NDArray[Any], ...], x: Array, rng: np.random.Generator) -> None:
    """In some rows that see something, a NaN in q, or in the key or the value of the largest score.

    Parameters
    ----------
    operands : tuple of ndarray
        q, k and v, which are changed.
    x : ndarray of float64, shape (rows, n)
        The scores, -inf where a key is hidden.
    """
    is_chosen = (x > -np.inf).any(axis=-1) & (rng.random(len(x)) < _NANS)
    own, column = rng.integers(0, 3, len(x)), rng.random(len(x))
    for place, operand in enumerate(operands):
        rows = np.flatnonzero(is_chosen & (own == place))
        key = x[rows].argmax(axis=-1) if place else 0
        operand[rows, key, (column[rows] * operand.shape[-1]).astype(int)] = np.nan


def stored_in(format: Format, values: Array) -> NDArray[Any]:
    """In the format, the largest number of it in place of what is beyond."""
    return np.clip(values, -format.largest, format.largest).astype(format.dtype)
