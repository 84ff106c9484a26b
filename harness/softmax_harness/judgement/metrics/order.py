"""Whether the order of the logits survives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format, format_of
from softmax_harness.judgement.metrics.batch import Array, Batch

# Shorter rows cost more calls than they save; in longer ones too many agree in sixteen bits.
# Both were measured.
_RADIX_LENGTHS = range(256, 3000)
# In longer rows too many outputs lie near each other, in shorter ones there is little to spare; if
# none of the first few rows shows its order, the others are not tried.
_APART = range(32, 1 << 14)
_TRIED = 4
_BITS_OF_ONE, _FARTHEST = 0x3FF << 52, 0xFFFFFFFF
# Longer rows of finite logits are sorted as integers: measured.
_LONG = 1 << 14
_MOST_PASSES = 8
_PIECE = 1 << 16


def argmax_flips(batch: Batch) -> Array:
    """1 where the first largest output does not stand at a largest logit, shape (rows,).

    A row is judged where all its outputs are numbers, NaN elsewhere.
    """
    rows = np.arange(len(batch.y))
    chosen, largest = np.argmax(batch.y, axis=-1), batch.x.max(axis=-1)  # NaN, if there is one
    flipped = batch.x[rows, chosen] < largest
    unjudged = np.isnan(batch.y[rows, chosen]) | np.isnan(largest)
    return np.where(unjudged, np.nan, flipped.astype(float))


def order_inversions(batch: Batch) -> Array:
    """Number of pairs with x_i > x_j but y_i < y_j, NaN entries left out, shape (rows,)."""
    counts = np.zeros(len(batch.y))
    _, y = sorted_together(batch.x, batch.y)
    # A row that ascends has none; one that does not may only have ties or NaN, and is looked at.
    for row in np.flatnonzero(~_ascending(y)):
        counts[row] = _row_inversions(batch.x[row], batch.y[row])
    return counts


def inversions_possible(batch: Batch) -> NDArray[np.bool_]:
    """False for rows whose outputs lie further apart than they err, shape (rows,).

    There z, and with it x, is in the order of y, and no pair is inverted. With L the row's largest
    error in ulp, an output errs by at most v y, v = 2uL / (1 - 2uL), where every z is normal. The
    bits of positive floats, read as integers, ascend with them; a key is a multiple of 2**s of
    them. Keys that differ by k belong to numbers y and more than y (1 + (k - 1) 2**(s - 53)), so
    it is enough that (k - 1) 2**(s - 53) >= 4v, and v <= 1/2, for neighbours among the sorted keys.
    """
    possible = np.ones(len(batch.y), bool)
    few = batch.y[:_TRIED], batch.plain[:_TRIED], batch.largest[:_TRIED]
    if batch.y.shape[-1] in _APART and not _near(*few, batch.truth.format).all():
        possible = _near(batch.y, batch.plain, batch.largest, batch.truth.format)
    return possible


def _near(y: Array, plain: NDArray[np.bool_], largest: Array, format: Format) -> NDArray[np.bool_]:
    """Whether two outputs of a row are, or may be, no further apart than they err."""
    with np.errstate(invalid="ignore"):
        d = 2.0 * format.unit_roundoff * np.where(plain, largest, np.inf)
        error = d / (1.0 - d)
    known = d <= 0.25
    if not known.any():
        return np.ones(len(y), bool)
    bits = y.view(np.int64)
    least = bits[known].min() if not known.all() else bits.min()
    shift = max(int(_BITS_OF_ONE - least).bit_length() - 32, 0)
    keys = ((bits - least) >> shift).astype(np.uint32)
    keys.sort(axis=-1)
    apart = np.empty_like(keys)
    # Over the ends of rows too: NumPy subtracts arrays of one piece several times as fast.
    np.subtract(keys.ravel()[1:], keys.ravel()[:-1], out=apart.ravel()[:-1])
    apart[:, -1] = _FARTHEST
    needed = 1.0 + np.where(known, error, 0.0) * 2.0 ** (55 - shift)
    return np.asarray(~known | (apart.min(axis=-1) < needed))


def _ascending(values: Array) -> NDArray[np.bool_]:
    return np.asarray((values[:, 1:] >= values[:, :-1]).all(axis=-1))


def sorted_together(x: Array, y: Array) -> tuple[Array, Array]:
    """Each row of x in ascending order, and y in the same order, ties in any order.

    In rows of middling length sixteen bits of x are sorted first, which NumPy does by radix,
    several times as fast as it sorts floats. Of entries that agree in them, neighbours are put
    right; what is still not in order is sorted whole.
    """
    if x.shape[-1] >= _LONG:
        pairs = [_long_row_together(*row) for row in zip(x, y, strict=True)]
        return np.array([xs for xs, _ in pairs]), np.array([ys for _, ys in pairs])
    if x.shape[-1] not in _RADIX_LENGTHS:
        order = np.argsort(x, axis=-1)
        return np.take_along_axis(x, order, axis=-1), np.take_along_axis(y, order, axis=-1)
    rows = np.arange(len(x))
    order = np.argsort(_sixteen_bits(x), axis=-1, kind="stable")
    order += rows[:, None] * x.shape[-1]
    xs, ys = x.ravel().take(order), y.ravel().take(order)
    row, place = np.nonzero(xs[:, :-1] > xs[:, 1:])
    for values in (xs, ys):
        values[row, place], values[row, place + 1] = values[row, place + 1], values[row, place]
    left = rows[~_ascending(xs)]
    order = np.argsort(x[left], axis=-1)
    xs[left] = np.take_along_axis(x[left], order, axis=-1)
    ys[left] = np.take_along_axis(y[left], order, axis=-1)
    return xs, ys


def _sixteen_bits(x: Array) -> NDArray[np.uint16]:
    """Integers that never descend where a finite x ascends."""
    with np.errstate(all="ignore"):
        low = x.min(axis=-1, keepdims=True)
        key = x - low
        key *= 65535.0 / (x.max(axis=-1, keepdims=True) - low)
        bits: NDArray[np.uint16] = key.astype(np.uint16)
        return bits


def _long_row_together(x: Array, y: Array) -> tuple[Array, Array]:
    """`sorted_together` of one row, shape (n,), n < 2**32.

    Integers are sorted that hold 32 bits of x and the place of each entry, several times as fast
    as places are sorted by x. Of entries that agree in these bits, neighbours are put right.
    """
    with np.errstate(all="ignore"):
        low = x.min()
        span = x.max() - low
        scale = 4294967295.0 / span
    if not (span > 0.0 and 0.0 < scale < np.inf):  # all equal, a NaN, an infinity
        order = np.argsort(x)
        return x.take(order), y.take(order)
    key = ((x - low) * scale).astype(np.uint64)
    key <<= np.uint64(32)
    key |= np.arange(len(x), dtype=np.uint64)
    key.sort()
    key &= np.uint64(_FARTHEST)
    order = key.view(np.int64)
    xs, ys = x.take(order), y.take(order)
    for _ in range(_MOST_PASSES):
        place = np.flatnonzero(xs[:-1] > xs[1:])
        if not place.size:
            return xs, ys
        place = place[np.diff(place, prepend=-2) > 1]  # pairs that share no entry
        for values in (xs, ys):
            values[place], values[place + 1] = values[place + 1], values[place]
    order = np.argsort(x)
    return x.take(order), y.take(order)


def inversions_of_row(
    x: NDArray[Any],
    y: NDArray[Any],
    largest: float,
    format: Format,
    let_go: Callable[[], None] = lambda: None,
) -> int:
    """`order_inversions` of one long row without NaN among its logits, shape (n,), of any format.

    Beside single pieces of the row it takes 8 bytes for each element, unless many are inverted.

    Parameters
    ----------
    largest : float
        The largest error in ulp of `format`, that of y, if every z is a normal number and every y
        one in (0, 1]; else infinity.
    let_go : callable
        Called after each piece that was read.
    """
    if format.precision <= 24 and format_of(x).precision <= 24:
        return _inversions_of_keys(x, y, let_go)
    d = 2.0 * format.unit_roundoff * largest
    if d <= 0.125:
        places = _near_places(y, 4.1 * d / (1.0 - d), let_go)
        if len(places) <= len(y) // 8:
            return _row_inversions(*(each[places].astype(np.float64) for each in (x, y)))
    return _row_inversions(x.astype(np.float64), y.astype(np.float64))


def _near_places(y: NDArray[Any], relative: float, let_go: Callable[[], None]) -> NDArray[np.int64]:
    """Where outputs above 0 stand that differ from another one by less than `relative` of it.

    An output errs by at most v y, see `inversions_possible`. Of two that are at least 4 v y apart,
    with no other between them that is nearer, z is in the same order: (1 + 4v)(1 - v) > 1 + v. So
    a pair is inverted only where each output between them, in order, is near the next one.
    """
    in_order = np.empty(len(y))
    for piece in _overlapping(len(y), by=0):
        in_order[piece] = y[piece]
        let_go()
    in_order.sort()
    near = []
    for piece in _overlapping(len(y)):
        a, b = in_order[piece][:-1], in_order[piece][1:]
        is_near = (b > a) & (b - a < relative * a)
        near += [a[is_near], b[is_near]]
    values = np.unique(np.concatenate(near))
    if not values.size or values.size > len(y) // 8:
        return np.arange(len(y) if values.size else 0)
    found = []
    for piece in _overlapping(len(y), by=0):
        part = y[piece].astype(np.float64)
        place = np.minimum(np.searchsorted(values, part), values.size - 1)
        found.append(piece.start + np.flatnonzero(values[place] == part))
        let_go()
    return np.concatenate(found)


def _inversions_of_keys(x: NDArray[Any], y: NDArray[Any], let_go: Callable[[], None]) -> int:
    """Of formats of 32 bits at most: integers are sorted that hold x, and behind it y.

    An entry belongs to an inversion where a larger y stands before it, or a smaller one behind.
    """
    keys = _sorted_keys(x, y, let_go)
    pieces = list(_overlapping(len(keys), by=0))
    before, largest = [], np.uint32(0)
    for piece in pieces:
        before.append(largest)
        largest = max(largest, keys[piece].astype(np.uint32).max())
    found, smallest = [], np.uint32(_FARTHEST)
    for piece, so_far in zip(reversed(pieces), reversed(before), strict=True):
        own = keys[piece].astype(np.uint32)  # which cuts off x
        own_least = own.min()
        if so_far > own_least or smallest < own.max() or not (own[1:] >= own[:-1]).all():
            inverted = np.maximum(np.maximum.accumulate(own), so_far) > own
            inverted |= np.minimum(np.minimum.accumulate(own[::-1])[::-1], smallest) < own
            found.append(own[inverted])
        smallest = min(smallest, own_least)
    if not found:
        return 0
    _, rank = np.unique(np.concatenate(found[::-1]), return_inverse=True)
    return count_inversions(rank)


def _sorted_keys(
    x: NDArray[Any], y: NDArray[Any], let_go: Callable[[], None]
) -> NDArray[np.uint64]:
    """x in the higher bits and y in the lower ones, without what has a NaN for y."""
    keys = np.empty(len(x), np.uint64)
    kept = 0
    for piece in _overlapping(len(x), by=0):
        inputs, outputs = x[piece].astype(np.float32), y[piece].astype(np.float32)
        if np.isnan(outputs).any():
            numbers = ~np.isnan(outputs)
            inputs, outputs = inputs[numbers], outputs[numbers]
        own = keys[kept : kept + outputs.size]
        own[:] = _ordered(inputs)
        own <<= np.uint64(32)
        own |= _ordered(outputs)
        kept += outputs.size
        let_go()
    keys = keys[:kept]
    keys.sort()
    return keys


def _ordered(values: NDArray[np.float32]) -> NDArray[np.uint32]:
    """Integers that ascend as the floats do; 0 and -0 have one."""
    bits = (values + np.float32(0.0)).view(np.uint32)
    sign = bits >> np.uint32(31)
    return bits ^ (np.uint32(0x80000000) | (np.uint32(0) - sign))


def _overlapping(n: int, by: int = 1) -> Iterator[slice]:
    """Pieces that a cache holds, each of which begins with the last elements of the one before."""
    return (slice(max(start - by, 0), min(start + _PIECE, n)) for start in range(0, n, _PIECE))


def _row_inversions(x: Array, y: Array) -> int:
    """`order_inversions` of one row, counted among the entries that belong to any.

    Those that no larger y stands before, and no smaller one behind, belong to none.
    """
    numbers = ~(np.isnan(x) | np.isnan(y))
    xs, ys = sorted_together(x[None, numbers], y[None, numbers])
    x, y = xs[0], ys[0]
    inverted = np.maximum.accumulate(y) > y
    inverted |= np.minimum.accumulate(y[::-1])[::-1] < y
    x, y = x[inverted], y[inverted]
    in_order = y[np.lexsort((y, x))]
    _, rank = np.unique(in_order, return_inverse=True)
    return count_inversions(rank)


def count_inversions(rank: NDArray[np.int64]) -> int:
    """Pairs i < j with rank[i] > rank[j], in O(n log n).

    Bit by bit from the highest: among entries that agree in all higher bits, a pair is inverted
    at this bit if a 1 stands before a 0. The entries are kept stably sorted by the higher bits.
    """
    count = 0
    for bit in reversed(range(int(rank.max(initial=0)).bit_length())):
        ones = rank >> bit & 1
        group = rank >> (bit + 1)
        before = np.cumsum(ones) - ones
        first = np.searchsorted(group, group)
        count += int(((before - before[first]) * (1 - ones)).sum())
        rank = rank[np.argsort(rank >> bit, kind="stable")]
    return count
