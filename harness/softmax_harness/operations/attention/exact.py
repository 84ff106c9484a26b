"""attention enclosed to any precision with mpmath."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.operations import not_finite, rows
from softmax_harness.operations.balls import (
    ONE,
    Ball,
    enclosure,
    exponential,
    quotient,
    square_root,
    total,
)
from softmax_harness.operations.enclosure import Array, Enclosure
from softmax_harness.operations.operand import Operands

EXTRA = 32
"""Bits of the weights beyond those asked for, so that means may cancel by as many."""

# Values whose magnitudes are further apart are left to arithmetic that does not spell them out.
_MOST_BITS = 1 << 11

Score = tuple[int, int]
"""man * 2**exp, man odd; or 0, 0."""


def enclose(x: Array, operands: Operands, precision: int) -> list[Enclosure | None]:
    """Means of the values weighted by exp((p_j - max p) / sqrt d), p = q.k exactly.

    Different p give exponents that are different algebraic numbers: equal ones are counted
    together first, so that what cancels exactly is seen to.
    """
    q, k, v, mask = operands
    groups = equal_scores(q[0], k, mask[0])
    more = precision + EXTRA + int(mask[0].sum()).bit_length()
    scores = list(groups)
    terms = [weight(each, scores[-1], q.shape[-1], more) for each in scores]
    values = not_finite.without(v.astype(np.float64))  # of which the others are fixed
    return means(values, list(groups.values()), terms, precision)


def equal_scores(
    query: NDArray[Any], keys: NDArray[Any], mask: NDArray[np.bool_]
) -> dict[Score, list[int]]:
    """The keys that are seen, by q.k, ascending."""
    found: dict[Score, list[int]] = {}
    seen = np.flatnonzero(mask)
    scored, exp = _products(query.astype(np.float64), keys[seen].astype(np.float64))
    for key, man in zip(seen.tolist(), scored, strict=True):
        found.setdefault(_lowest_terms(man, exp), []).append(key)
    least = min((exp for _, exp in found), default=0)
    return {each: found[each] for each in sorted(found, key=lambda s: s[0] << (s[1] - least))}


def means(
    values: Array, groups: list[list[int]], terms: list[Ball], precision: int
) -> list[Enclosure | None]:
    """The mean of each column of the values, the keys of each group weighted by its term.

    Parameters
    ----------
    values : ndarray of float64, shape (n, c)
        Finite.
    groups : list of list of int
        Keys, each in one group, the heaviest last.
    terms : list of Ball
        To `EXTRA` bits and those of the number of keys more than `precision`; the last is 1.
    """
    weights = _Weights.of(terms, [len(each) for each in groups], precision)
    columns = _Columns.of(values[np.concatenate(groups)], weights)
    return [_mean(columns, place, weights) for place in range(values.shape[-1])]


class _Weights(NamedTuple):
    """The weights of a row's distinct scores, ascending, as balls and in units of 2**-`point`.

    Attributes
    ----------
    terms : list of Ball
    counts : list of int
        How many keys have each score.
    fixed : ndarray of object
        Python's integers, each off by less than `error`.
    total : int
        The sum of all, each as often as it occurs.
    """

    terms: list[Ball]
    counts: list[int]
    fixed: NDArray[np.object_]
    error: int
    total: int
    point: int
    precision: int

    @property
    def starts(self) -> NDArray[np.int64]:
        """The first key of each group."""
        return np.cumsum([0, *self.counts[:-1]])

    @classmethod
    def of(cls, terms: list[Ball], counts: list[int], precision: int) -> _Weights:
        point = precision + EXTRA + 16 + sum(counts).bit_length() + _shared_zeros(terms)
        fixed = [_shifted(each.man, each.exp + point) for each in terms]
        error = max(_shifted(each.rad, each.exp + point) + 2 for each in terms)
        total = sum(count * each for count, each in zip(counts, fixed, strict=True))
        return cls(terms, counts, np.array(fixed, object), error, total, point, precision)


def _shared_zeros(terms: list[Ball]) -> int:
    """Bits by which all weights but the heaviest lie below 1: a mean of 0 beside them has these."""
    below = -terms[-2].magnitude if len(terms) > 1 else 0
    return below if 0 < below < _MOST_BITS else 0


def _shifted(man: int, exp: int) -> int:
    """The integer part of man * 2**exp."""
    return man << exp if exp >= 0 else man >> -exp


class _Columns(NamedTuple):
    """The values of the keys of each group added up, as integers of Python.

    Attributes
    ----------
    sums : ndarray of object, shape (groups, c)
    weighted : ndarray of object, shape (c,)
        Of `sums` times `_Weights.fixed`.
    size : ndarray of object, shape (c,)
        Of the absolute values of `sums`.
    exps : list of int
        Of the power of two of which each column is a multiple.
    """

    sums: NDArray[np.object_]
    weighted: NDArray[np.object_]
    size: NDArray[np.object_]
    exps: list[int]

    @classmethod
    def of(cls, values: Array, weights: _Weights) -> _Columns:
        """Of values in the order of the groups."""
        columns, exps = rows.integers_by_column(values)
        sums = np.add.reduceat(columns, weights.starts)
        return cls(sums, weights.fixed @ sums, np.abs(sums).sum(axis=0), exps)


def _mean(columns: _Columns, place: int, weights: _Weights) -> Enclosure:
    """The mean of one column of the values.

    By sums of integers, or, where these show neither the mean nor its difference from the value of
    the heaviest keys, see `rows.weighted_mean`, or the values are too far apart, by that.
    """
    values, exp = columns.sums[:, place].tolist(), columns.exps[place]
    most, top = weights.counts[-1], values[-1]
    if len(values) == 1:
        return rows.ratio(Ball(top, exp), most, weights.precision)
    if max(map(abs, values)).bit_length() < _MOST_BITS:
        upper, size = int(columns.weighted[place]), int(columns.size[place])
        apart = abs(most * upper - top * weights.total)
        off = weights.error * (most * size + abs(top) * sum(weights.counts))
        beyond = abs(top * weights.total) >> weights.precision
        if apart > (off << 16) + beyond and abs(upper) > weights.error * size << weights.precision:
            numerator = Ball(upper, exp - weights.point, weights.error * size)
            radius = weights.error * sum(weights.counts)
            denominator = Ball(weights.total, -weights.point, radius)
            return enclosure(quotient(numerator, denominator, weights.precision))
    numerators = [Ball(each, exp) for each in values]
    return rows.weighted_mean(numerators, weights.counts, weights.terms, weights.precision)


def _products(q: Array, k: Array) -> tuple[list[int], int]:
    """q.k of each key, exactly, as integers in units of one power of two."""
    query, of_query = rows.integers(q)
    keys, of_keys = rows.integers(k)
    return [int(each) for each in keys @ query], of_query + of_keys


def _lowest_terms(man: int, exp: int) -> Score:
    if not man:
        return 0, 0
    zeros = (man & -man).bit_length() - 1
    return man >> zeros, exp + zeros


def weight(score: Score, top: Score, depth: int, bits: int) -> Ball:
    """exp of the difference of two scores over sqrt(depth), which is at most 0."""
    if score == top:
        return ONE
    below = total([Ball(*score), -Ball(*top)])
    more = bits + 4 + max(below.magnitude, 0)
    return exponential(quotient(below, root_of(depth, more), more), bits + 4)


@lru_cache(maxsize=256)
def root_of(depth: int, bits: int) -> Ball:
    """sqrt(depth)."""
    return square_root(Ball(depth, 0), bits)
