"""Whole calls of attention from a seed: batches, heads, queries in blocks, masks, hard scores."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.operations.attention.asked import ANY, Asked
from softmax_harness.operations.attention.hard_scores import above_what_is_seen, risen, shifts
from softmax_harness.operations.attention.inputs import stored_in
from softmax_harness.operations.attention.masks import ORDERED, inside, masks, ordered
from softmax_harness.operations.attention.scored_vectors import scored_vectors
from softmax_harness.operations.attention.shapes import CAUSAL, Call, blocks_of_call
from softmax_harness.operations.attention.values import values
from softmax_harness.operations.operand import WholeCall

MASKS = ("", "padding", "queries", "each", "window", "holes", "inside", "left")
"""None; one for the keys of each batch, (..., 1, S); one for all, (L, S); one for each head; one
for all in which a query sees the few keys up to its own; one for the keys of each batch in which
the ends and the middle of a tile tell nothing of the rest; one for all that hides keys neither at
its edges nor on its diagonal; one for the keys of each batch that hides its first ones from all."""

_LEADING: tuple[tuple[int, ...], ...] = ((), (2,), (1, 3), (2, 2))
_AROUND = (1, 2, 7, 16, 17, 33, 63, 64, 65, 127, 128, 129)
_DEPTHS = (8, 16, 33, 40, 64, 64, 80, 96, 128)
_COLUMNS = (3, 8, 17, 64)
_FACTORS = (1.0, 1.0, 0.5, 0.01, -1.0)
_NUMBERS = 1 << 16  # of q, k and v of a call that is drawn, at most
_MOST_NUMBERS = 1 << 21  # of one whose sizes are asked for
_BLOCK = 128  # of keys, the largest in use
_CALLS, _FIRST = 96, 55
_STREAM = 89  # of the random numbers
_NAN_AMONG = 200  # of so many queries one is NaN, which none of the others may see
_ABOVE = (4.3, 5.0)  # decades
_WINDOWS = (9, 33)
_WIDE_WINDOWS = ((500, 150), (256, 128))  # of so many keys and more
_TILE = 64


@dataclass(frozen=True)
class Shape:
    """The shape of a call.

    Attributes
    ----------
    leading : tuple of int
        Batch and heads.
    queries, keys, d, c : int
        L, S, and the components of q and k, and of v.
    mask : str
        One of `MASKS`, or of `softmax_harness.operations.attention.masks.ORDERED`.
    causal : str
        One of `CAUSAL`, or empty.
    has_nans : bool
        Whether a query, a key and a value hold one, of other heads each.
    is_grouped : bool
        Whether all heads have the keys and the values of the first.
    """

    leading: tuple[int, ...]
    queries: int
    keys: int
    d: int
    c: int
    mask: str
    causal: str
    has_nans: bool = False
    is_grouped: bool = False

    @property
    def numbers(self) -> int:
        """How many numbers q, k and v are."""
        own = (self.queries + self.keys) * self.d + self.keys * self.c
        return math.prod(self.leading) * own


# Always among them; the first ones of attention with a sink, too.
_ALWAYS = (
    Shape((1, 3), 1, 600, 64, 8, "", ""),  # one query of a long cache
    Shape((1, 2), 33, 33, 64, 8, "", ""),
    Shape((1, 4), 1, 1, 64, 64, "", ""),  # a prompt of one token
    Shape((3, 2), 7, 40, 64, 8, "left", ""),  # prompts of a batch, padded to one length
    Shape((2, 2), 1, 1300, 16, 8, "left", ""),  # the same, many tokens later
    Shape((2,), 5, 33, 192, 128, "", ""),  # heads whose v is less wide
    Shape((1, 2), 300, 200, 8, 3, "", "lower-right"),  # blocks of queries that see nothing
    Shape((2, 64), 3, 17, 32, 32, "", ""),  # a batch, and many heads, whose v is as wide as k
    Shape((3,), 19, 33, 16, 8, "", "", has_nans=True),
    Shape((3,), 5, 1, 16, 8, "", "", has_nans=True),
    Shape((1, 2), 70, 70, 48, 32, "", "lower-right"),  # causal, in two heads and several blocks
    Shape((2,), 17, 17, 8, 3, "padding", "upper-left"),
    Shape((2,), 17, 17, 8, 3, "padding", "upper-left"),  # another mask of that shape
    Shape((1, 3), 130, 130, 128, 128, "", "lower-right"),  # a prompt, of heads as models have them
    Shape((2, 2), 41, 65, 33, 17, "each", "lower-right"),
    Shape((1, 2), 3, 2050, 64, 64, "", ""),  # a long cache of heads as models have them
    Shape((2, 2), 5, 260, 128, 128, "", ""),  # larger ones, in a batch
    Shape((3, 2), 1, 1100, 16, 8, "padding", ""),  # one query each of a batch of long caches
    Shape((), 300, 520, 16, 8, "", "lower-right"),  # many queries and many keys
    Shape((2, 1), 200, 70, 64, 8, "", ""),  # several blocks of queries in a batch
    Shape((1, 2), 70, 80, 128, 16, "", ""),  # the same of larger heads
    Shape((), 40, 150, 256, 16, "", ""),
    Shape((), 70, 70, 16, 80, "", ""),  # and of wide values
    Shape((1, 2), 75, 1100, 16, 8, "", "lower-right"),  # a part of a prompt behind a long cache
    Shape((), 330, 330, 16, 8, "", "lower-right"),  # in several blocks of both
    Shape((), 700, 700, 8, 3, "window", ""),  # a window wider than a block, behind several
    Shape((2, 1), 1, 1217, 128, 128, "padding", ""),  # caches that are split, one key in the last
    Shape((1, 2), 40, 40, 16, 8, "around", ""),
    Shape((1, 2), 20, 90, 16, 8, "window", ""),  # behind a cache
    Shape((4, 9), 65, 256, 64, 64, "", ""),  # many heads of several blocks of queries and keys
    Shape((1, 9), 19, 33, 16, 8, "", "", is_grouped=True),
    Shape((1, 2), 256, 128, 16, 8, "", ""),  # nothing but whole blocks
    Shape((1, 2), 128, 128, 16, 8, "", "lower-right"),
    Shape((1, 2), 16, 64, 64, 128, "", ""),
    Shape((1, 2), 80, 80, 64, 64, "", ""),
    Shape((2, 16), 16, 16, 16, 16, "", ""),
    Shape((1, 2), 1100, 77, 8, 3, "", ""),
    Shape((3, 40), 5, 9, 8, 3, "", ""),
    Shape((2,), 64, 64, 16, 8, "padding", ""),
    Shape((2,), 64, 64, 16, 8, "", ""),  # another mask of that shape
    Shape((1, 2), 200, 200, 64, 8, "window", ""),  # of which tiles see nothing at their corners
    Shape((1, 2), 17, 65, 256, 256, "", ""),  # v no narrower than q
    Shape((1, 2), 67, 70, 16, 8, "inside", ""),
    Shape((2, 70), 2, 5, 8, 3, "padding", ""),  # more heads than two warps have lanes
    Shape((3, 2), 70, 9, 8, 3, "padding", ""),  # several blocks of queries in a batch of three
    Shape((1, 8), 17, 130, 8, 3, "", ""),  # heads that may share keys by mistake
    Shape((2,), 21, 11, 8, 3, "", "lower-right"),  # more queries than keys, in order
    Shape((9, 3), 2, 19, 8, 3, "padding", ""),  # a larger batch
    Shape((1, 2), 600, 9, 8, 3, "", ""),  # many queries in heads
    Shape((), 4100, 9, 8, 3, "", ""),  # more queries than a block or two of any kernel
    Shape((1, 2), 5, 4300, 8, 3, "each", ""),  # several queries of a long cache, each with a mask
    Shape((2, 8), 66, 66, 16, 8, "", "lower-right"),
    Shape((2,), 60, 530, 16, 8, "padding", ""),
    Shape((), 257, 260, 16, 8, "queries", ""),  # tiles that only some of their corners show
    Shape((1, 2), 260, 260, 8, 3, "window", ""),
    Shape((2,), 130, 140, 8, 3, "holes", ""),
    Shape((2,), 16, 31, 96, 96, "padding", ""),
    Shape((1, 2), 9, 33, 40, 128, "", "upper-left"),
    Shape((), 65_541, 3, 2, 1, "queries", ""),  # more than a grid has blocks along its other axes
    Shape((65_537,), 1, 2, 2, 1, "", ""),
    Shape((1, 2), 5, 1, 16, 8, "", ""),
    Shape((350, 3), 1, 5, 8, 3, "padding", ""),  # one query each of more than 1024 heads
    Shape((1, 2), 1, 4200, 8, 3, "padding", ""),  # a cache in many parts
    Shape((1, 4), 9, 33, 64, 8, "queries", "", is_grouped=True),
    Shape((), 1, 131_080, 2, 1, "left", ""),  # more keys than 16 or 17 bits count
    Shape((), 1100, 1100, 4, 3, "", "lower-right"),
    # Other sizes of heads, and that of a compressed cache: of several, since some have no noise.
    Shape((4,), 3, 9, 88, 88, "", ""),
    Shape((4,), 3, 9, 100, 100, "", ""),
    Shape((4,), 3, 9, 104, 104, "", ""),
    Shape((4,), 3, 9, 72, 72, "", ""),
    Shape((4,), 3, 9, 112, 48, "", ""),
    Shape((4,), 3, 9, 160, 160, "", ""),
    Shape((2,), 3, 9, 320, 640, "", ""),
    Shape((3,), 16, 16, 512, 512, "", ""),
    Shape((2,), 3, 300, 576, 512, "", ""),  # in more than one block of keys
    Shape((1, 2), 20, 1100, 128, 128, "", ""),  # several queries of a long cache of large heads
    Shape((2, 9), 1, 300, 16, 8, "padding", ""),  # one query each of many heads, padded by batch
    Shape((2,), 20, 20, 16, 8, "prefix", ""),
    Shape((1, 2), 40, 40, 16, 8, "span", ""),
    Shape((1, 2), 66, 66, 16, 8, "documents", ""),
    Shape((1, 2), 66, 66, 16, 8, "chunks", ""),
    Shape((1, 2), 11, 60, 16, 8, "tree", ""),
    Shape((3, 2), 40, 40, 16, 8, "left", "lower-right"),  # prompts of a batch, read at once
    Shape((2, 1), 70, 40, 160, 256, "", ""),  # large heads, and wider values
    Shape((1, 1), 1, 2100, 192, 16, "", ""),  # the same beside a long cache
    Shape((2, 1), 3, 1100, 16, 8, "padding", ""),
    Shape((1, 2), 9, 1500, 64, 64, "", ""),  # of a long source
    Shape((), 2, 8300, 8, 3, "", ""),
    Shape((2,), 9, 40, 50, 6, "padding", ""),  # no multiples of four
    Shape((2,), 5, 9, 96, 8, "", ""),
    Shape((2,), 3, 9, 144, 6, "", ""),
    Shape((2,), 3, 5, 1024, 8, "", ""),
    Shape((1, 128), 2, 5, 8, 3, "", ""),
    Shape((33, 2), 2, 5, 8, 3, "padding", ""),
    Shape((2, 9, 2), 7, 7, 8, 3, "each", ""),  # windows of an image, each with a mask
)


def shapes(count: int, seed: int) -> list[Shape]:
    """So many shapes; the first few are the same for each seed."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, count]))
    found = list(_ALWAYS)
    while len(found) < count:
        shape = _shape(rng)
        if shape.numbers <= _NUMBERS:
            found.append(shape)
    return found[:count]


def _fitting(several: list[Shape], asked: Asked) -> list[Shape]:
    """Shapes as they are asked for, each once: of those in which they differ the largest do not."""
    if asked == ANY:
        return several
    found = dict.fromkeys(_fitted(each, asked) for each in several)
    fits = [each for each in found if each.numbers <= _MOST_NUMBERS]
    return [each for each in fits if not each.causal or each.queries <= each.keys]


def _fitted(shape: Shape, asked: Asked) -> Shape:
    d, c = (asked.head_dim or each for each in (shape.d, shape.c))
    own = replace(shape, queries=asked.queries or shape.queries, d=d, c=c)
    if asked.hides and not asked.causal:
        return own
    return replace(own, mask="", causal="lower-right" if asked.causal else "")


def _shape(rng: np.random.Generator) -> Shape:
    def one(choices: tuple[Any, ...]) -> Any:
        return choices[rng.integers(len(choices))]

    lengths = one(_AROUND), one(_AROUND)
    return Shape(
        one(_LEADING), *lengths, one(_DEPTHS), one(_COLUMNS), one(MASKS), one(("", "", *CAUSAL))
    )


def call_of(shape: Shape, format: Format, rng: np.random.Generator) -> Call:
    """A call of that shape, with scores, masks and values as `inputs.queries` makes them.

    The queries of a head are one vector times some factor, with noise: as they share the keys, late
    maxima and large scores are those of most of them. Those of the first head are moderate, and so
    are its values: where these are large, so is the bound, and it hides which query, key or head
    was taken. So are the scores of the last head where keys are hidden at either end; padding lies
    far above what is seen there, so that no finite number that is added hides it.
    """
    heads = math.prod(shape.leading)
    mask, is_padded = _mask(shape, rng), heads > 1 and shape.mask == "padding"
    if mask is not None and is_padded:
        mask.reshape(heads, shape.keys)[-1] = np.arange(shape.keys) <= shape.keys // 2
    x = risen(3.0 * rng.standard_normal((heads, shape.keys)), rng)
    if shape.keys > _BLOCK and heads > 1:
        x[1] += np.arange(shape.keys) // _BLOCK * 12.0  # a maximum that comes late
    above = above_what_is_seen(heads, rng)
    if is_padded:
        above[-1] = 10.0 ** rng.uniform(*_ABOVE)
    x += np.where(_hidden_from_all(shape, mask), above, 0.0)
    shift = shifts(heads, format, rng)
    shift[:1] = 0.0
    if is_padded or shape.mask == "left":
        shift[-1] = 0.0
    q, k = scored_vectors(x, shift, shape.d, rng)
    factor = rng.choice(_FACTORS, (heads, shape.queries, 1))
    q = factor * q + 0.25 * rng.standard_normal((heads, shape.queries, shape.d))
    v = values((heads, shape.keys, shape.c), format, rng)
    v[:1] = rng.standard_normal(v[:1].shape)
    if shape.queries > 1:
        q[0, rng.integers(shape.queries)] = 0.0  # of which the result is the mean of what is seen
    if shape.has_nans:
        for head, each in enumerate((q, k, v)):
            each[head, rng.integers(each.shape[1]), rng.integers(each.shape[2])] = np.nan
    if shape.is_grouped:
        k[:], v[:] = k[:1], v[:1]
    q, k, v = (
        stored_in(format, each).reshape(*shape.leading, *each.shape[1:]) for each in (q, k, v)
    )
    if shape.queries > _NAN_AMONG:
        q[..., rng.integers(shape.queries), 0] = np.nan
    return Call(q, k, v, mask, shape.causal)


def whole_calls(
    format: Format, seed: int, asked: Asked = ANY, most: float = math.inf
) -> Iterator[WholeCall]:
    """A few calls, each told by its shape; the mask is whole.

    Beside the first ones there are only those of `most` numbers and fewer.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, _STREAM]))
    for place, shape in enumerate(_fitting(shapes(_CALLS, seed), asked)):
        if place >= _FIRST and shape.numbers > most:
            continue
        call = call_of(shape, format, rng)
        arguments = call.q, call.k, call.v, np.ascontiguousarray(call.seen)
        yield WholeCall(_told(shape), arguments, blocks_of_call(arguments))


def _told(shape: Shape) -> str:
    parts = [f"q {(*shape.leading, shape.queries, shape.d)}, k {(*shape.leading, shape.keys)}"]
    parts += [f"mask for {shape.mask}"] * bool(shape.mask) + [shape.causal] * bool(shape.causal)
    return ", ".join(parts)


def _hidden_from_all(shape: Shape, mask: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """The keys of each head that no query sees, shape (heads, keys)."""
    if mask is None:
        return np.zeros((1, shape.keys), bool)
    whole = np.broadcast_to(mask, (*shape.leading, mask.shape[-2], shape.keys))
    return ~whole.any(axis=-2).reshape(-1, shape.keys)


def _mask(shape: Shape, rng: np.random.Generator) -> NDArray[np.bool_] | None:
    if shape.mask == "window":
        behind = np.arange(shape.queries)[:, None] - np.arange(shape.keys)
        behind += shape.keys - shape.queries
        wide = (width for keys, width in _WIDE_WINDOWS if shape.keys >= keys)
        width = next(wide, None) or rng.choice(_WINDOWS)
        return np.asarray((behind >= 0) & (behind < width))
    if shape.mask in ORDERED:
        return ordered(shape.mask, shape.queries, shape.keys)
    if shape.mask == "inside":
        return inside(shape.queries, shape.keys, rng)
    if shape.mask == "left":
        each = (*shape.leading[:1], *[1] * len(shape.leading[1:]), 1, 1)
        first = rng.integers(1, shape.keys // 2 + 1, each)
        first[-1:] = shape.keys // 2
        return np.asarray(np.arange(shape.keys) >= first)
    if shape.mask == "holes":
        place = np.arange(shape.keys) % _TILE
        holes, islands = (place < 10) | (place >= 50), (place >= 10) & (place < 20)
        heads = [(holes, islands)[head % 2] for head in range(math.prod(shape.leading))]
        return np.array(heads).reshape(*shape.leading, 1, shape.keys)
    rows, leading = {
        "padding": (math.prod(shape.leading), (*shape.leading, 1)),
        "queries": (shape.queries, (shape.queries,)),
        "each": (math.prod(shape.leading) * shape.queries, (*shape.leading, shape.queries)),
    }.get(shape.mask, (0, ()))
    return masks(rows, shape.keys, rng).reshape(*leading, shape.keys) if rows else None
