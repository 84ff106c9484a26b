"""Masks as attention has them: causal, windows, padding, tiles that are wholly hidden."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from softmax_harness.operations.attention.kinds import drawn

Mask = NDArray[np.bool_]
_TILES = (16, 32, 64, 128)
_AROUND = 9  # keys on either side
_CHUNK = 16  # keys
ORDERED = ("prefix", "around", "span", "documents", "chunks", "tree")


def masks(rows: int, n: int, rng: np.random.Generator) -> Mask:
    """What each row sees of n keys, shape (rows, n): mostly all of them, rarely none."""
    seen = np.ones((rows, n), bool)
    for make, chosen in drawn(_KINDS, rows, rng):
        seen[chosen] = make(len(chosen), n, rng)
    return seen


def inside(queries: int, keys: int, rng: np.random.Generator) -> Mask:
    """Hides keys from queries, shape (queries, keys), where a look at few of them does not tell.

    The first, the middle and the last query see all, and all queries the first and the last key,
    and those on the diagonals that begin and end in a corner.
    """
    seen = np.asarray(rng.random((queries, keys)) < 0.7)
    seen[[0, queries // 2, -1]] = seen[:, [0, -1]] = True
    for offset in (0, keys - queries):
        seen |= np.eye(queries, keys, offset, dtype=bool)
    return seen


def ordered(kind: str, queries: int, keys: int) -> Mask:
    """A mask of models that goes by the order of queries and keys, shape (queries, keys).

    The last query stands beside the last key.

    Parameters
    ----------
    kind : str
        ``prefix``: all see the first third, and of the others those up to their own; ``around``:
        some keys on either side; ``span``: those up to their own, and an image in the middle all of
        itself; ``documents``: those up to their own in the same one of several; ``chunks``: the
        same of equal length; ``tree``: those before all queries, their own and those that lead to
        it, as drafts that branch.
    """
    place = np.arange(keys)
    own = place[-1:] - np.arange(queries)[::-1, None]
    up_to_own = place <= own
    if kind == "prefix":
        return np.asarray(up_to_own | (place < keys // 3))
    if kind == "around":
        return np.asarray(np.abs(own - place) <= _AROUND)
    if kind == "span":
        inside_ = [(each >= keys // 4) & (each < keys // 2) for each in (own, place)]
        return np.asarray(up_to_own | (inside_[0] & inside_[1]))
    if kind == "documents":
        of_own, of_key = (np.searchsorted(_ends(keys), each, side="right") for each in (own, place))
        return np.asarray(up_to_own & (of_own == of_key))
    if kind == "chunks":
        return np.asarray(up_to_own & (own // _CHUNK == place // _CHUNK))
    seen, node = (own == place) | (place < keys - queries), np.arange(queries)[:, None]
    while (node > 0).any():
        node = (node - 1) // 2
        seen |= place == keys - queries + node
    return np.asarray(seen)


def _ends(keys: int) -> NDArray[np.int64]:
    """Where documents end that are packed one after another."""
    return np.array([keys // 3, keys // 2 + 1])


def _all(rows: int, n: int, rng: np.random.Generator) -> Mask:
    return np.ones((rows, n), bool)


def _nothing(rows: int, n: int, rng: np.random.Generator) -> Mask:
    return np.zeros((rows, n), bool)


def _prefix(rows: int, n: int, rng: np.random.Generator) -> Mask:
    """As a causal mask, or one of padding: nothing behind some key."""
    return np.asarray(np.arange(n) <= rng.integers(0, max(n, 1), (rows, 1)))


def _window(rows: int, n: int, rng: np.random.Generator) -> Mask:
    """As a causal mask with a window: some keys in a row."""
    width = rng.integers(1, max(n, 1) + 1, (rows, 1))
    first = rng.integers(0, max(n, 1), (rows, 1))
    place = np.arange(n)
    return np.asarray((place >= first) & (place < first + width))


def _one(rows: int, n: int, rng: np.random.Generator) -> Mask:
    """A single key."""
    return np.asarray(np.arange(n) == rng.integers(0, max(n, 1), (rows, 1)))


def _tiles(rows: int, n: int, rng: np.random.Generator) -> Mask:
    """Tiles of keys wholly hidden: the first, the last, both, those in the middle, or any."""
    width = rng.choice(_TILES, (rows, 1))
    tile, last = np.arange(n) // width, (n - 1) // width
    ends = (tile == 0, tile == last, (tile == 0) | (tile == last), (tile > 0) & (tile < last))
    any_ = np.take_along_axis(rng.random((rows, n)) < 0.5, tile, axis=-1)
    return ~np.choose(rng.integers(0, 5, (rows, 1)), (*ends, any_))


def _scattered(rows: int, n: int, rng: np.random.Generator) -> Mask:
    return np.asarray(rng.random((rows, n)) < 0.7)


_KINDS = (
    (0.38, _all),
    (0.15, _prefix),
    (0.10, _window),
    (0.05, _one),
    (0.20, _tiles),
    (0.10, _scattered),
    (0.02, _nothing),
)
