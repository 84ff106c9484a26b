"""The inputs on which accuracy is judged: every family, and every length of its own kind.

Some lengths depend on the seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from softmax_harness.check.contract import drawn
from softmax_harness.ground.errors import unknown
from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families import FAMILIES, Family, Recipe, Sampling
from softmax_harness.operations import Problem

_AROUND = (192, 256, 512, 1024, 2048, 4096, 8192)
# Other numbers of whole blocks, and round ones: a kernel may have a path of its own for each.
_BLOCKS = (384, 640, 768, 1280, 1536, 2560, 3072, 5120, 6144, 7168, 12_288)
_ROUND = (1000, 2000, 3000, 10_000)
# Others: with those above, any number of entries after whole vectors of 16 and of 32; images.
_OTHERS = (
    *(160, 186, 196, 197, 198, 201, 202, 205, 210, 211, 212, 217, 219, 220, 222, 224),
    *(784, 1035),
)
# What may be left after 64 entries: each part that a kernel may take by itself, one more and less.
_LEFT = (*range(3, 10), 15, 16, 17, 31, 32, 33, 36, 47, 48, 49, 55, 56, 57, 62)
# Each length that a kernel may unroll to, then one less, the same and one more than each block.
LENGTHS = (
    *range(1, 67),
    *(64 + left for left in _LEFT),
    *range(127, 131),
    *(n + step for n in _AROUND for step in (-1, 0, 1)),
    *_BLOCKS,
    *_ROUND,
    *_OTHERS,
)
# Where 15, 16, 17 and 18 bits end, and what is beyond.
_ENDS = (16384, 32767, 32768, 32769, 65535, 65536, 65537, 131073, 262145)
_VOCABULARIES = (28_996, 30_522, 32_000, 50_257, 151_936, 152_064)
LONG = (*_ENDS, *_VOCABULARIES)
_LONGEST_SHORT = 100
_LONG_SUMS = {4097: 1, 65537: 2}  # with the part of the rows that is taken of each
_ELEMENTS = 2048
_MOST_ROWS = 64
# Of an operation that takes long to judge; where a row costs more than `_LONG_COST`, it is the only
# one, and where more than `_LONGEST_COST`, there is none. A logit of softmax costs 1.
_FEWEST_ROWS = 2
_LONG_COST, _LONGEST_COST = 1 << 17, 1 << 19
_LARGEST_SET = 1 << 20


class Lengths(NamedTuple):
    """Of what lengths the rows are.

    Attributes
    ----------
    few : tuple of int
        Those of most families.
    every : tuple of int
        Those of the families that have rows of every length, up to some ten thousand.
    long : tuple of int
        Longer ones.
    """

    few: tuple[int, ...]
    every: tuple[int, ...]
    long: tuple[int, ...]


OF_LOGITS = Lengths((1, 2, 3, 8, 17, 64, 257, 1000), LENGTHS, LONG)
# Where logits are products of vectors a row takes long to judge: all that a whole vector of 32
# leaves, then the ends of blocks.
OF_PRODUCTS = Lengths(
    (1, 2, 17, 64, 257),
    (
        *range(1, 35),
        *(40, 47, 48, 49, 56, *range(62, 68), 72, 79, 80, 81, 95, 96, 97, 100, 112, 119, 120, 121),
        *(*range(126, 131), 160, 191, 192, 193, 197, 205, 224, 255, 256, 257, 384, 511, 512, 513),
        *(640, 768, 1000, 1023, 1024, 1025, 2048, 2049, 4095, 4096, 4097, 8192, 8193),
    ),
    (16_384, 32_768),
)
_Planned = tuple[Family, int, int]  # with the length and number of rows


def recipes(
    problem: Problem, longest: float, seed: int, families: tuple[str, ...] = ()
) -> Iterator[Recipe]:
    """Every recipe of the suite with rows of at most `longest`, or those of some families.

    Raises
    ------
    UnknownName
        If the suite has no family of a name.
    """
    format, cost = problem.input_format, problem.operation.cost
    plan = _plan(format, seed, OF_LOGITS if cost == 1 else OF_PRODUCTS)
    known = dict.fromkeys(family.name for family, _, _ in plan)
    for name in families:
        if name not in known:
            raise unknown("family of the suite", name, known)
    for family, n, rows in plan:
        if n > longest or (families and family.name not in families):
            continue
        if n * cost > _LONGEST_COST or (family.rows is not None and n * rows * cost > _LARGEST_SET):
            continue
        fewest = _FEWEST_ROWS if n * cost <= _LONG_COST else 1
        own = rows if family.rows is not None else max(rows // cost, min(rows, fewest))
        yield Recipe(family, format, n, own, seed)


@lru_cache(maxsize=16)  # the next implementation is asked the same
def _plan(format: Format, seed: int, lengths: Lengths) -> tuple[_Planned, ...]:
    return tuple(_planned(format, seed, lengths))


def _planned(format: Format, seed: int, lengths: Lengths) -> Iterator[_Planned]:
    sampled = [(each, each.check) for each in FAMILIES.values() if each.check is not None]
    # By their lengths, since rows of one length are judged together.
    yield from sorted(_few(sampled, lengths.few), key=itemgetter(1))
    own_lengths = dict.fromkeys((*lengths.every, *drawn.lengths(seed)))
    for n in (*own_lengths, *lengths.long, *drawn.long_lengths(seed)):
        for family, own in sampled:
            rows = 0 if own.at_every_length is None else own.at_every_length(n)
            if rows:
                yield family, n, rows
            elif n in own_lengths and _LONGEST_SHORT < n <= own.one_row_up_to:
                yield family, n, 1
    yield from _long(sampled, format)


def _few(sampled: list[tuple[Family, Sampling]], lengths: tuple[int, ...]) -> Iterator[_Planned]:
    for family, own in sampled:
        few = () if own.at_every_length is not None else family.lengths or lengths
        for n in few:
            if own.shortest <= n <= own.longest:
                rows = min(max(_ELEMENTS // n, own.fewest), _MOST_ROWS)
                yield family, n, family.rows or rows


def _long(sampled: list[tuple[Family, Sampling]], format: Format) -> Iterator[_Planned]:
    """Long sums, those of fewest rows first; then the other long rows, the longest first."""
    sums = [(own.long_sums(format), family) for family, own in sampled]
    for n, share in _LONG_SUMS.items():
        for rows, family in sorted(sums, key=itemgetter(0)):
            if rows:
                yield family, n, -(-rows // share)
    others = [(family, *each) for family, own in sampled for each in own.more_rows]
    others += [(family, n, 1) for family, own in sampled for n in own.own_lengths(format)]
    yield from sorted(others, key=itemgetter(1), reverse=True)
