"""Families of inputs, each with the reason it exists, made from (format, n, rows, seed) alone."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from softmax_harness.formats import Format

Make = Callable[[Format, int, int, np.random.Generator], NDArray[np.float64]]


@dataclass(frozen=True)
class Family:
    """A kind of input: its name, the reason it exists, and how its rows are made."""

    name: str
    reason: str
    make: Make

    def rows(self, format: Format, n: int, rows: int, seed: int) -> NDArray[np.float64]:
        """Rows of shape (rows, n), numbers of `format` held in float64."""
        key = [seed, zlib.crc32(f"{self.name}/{format.name}/{n}".encode())]
        x = self.make(format, n, rows, np.random.default_rng(np.random.SeedSequence(key)))
        with np.errstate(over="ignore"):
            return x.astype(format.dtype).astype(np.float64)


def _normal(scale: float) -> Make:
    return lambda format, n, rows, rng: rng.normal(0.0, scale, (rows, n))


def _offset(sign: float) -> Make:
    def make(
        format: Format, n: int, rows: int, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        edge = float(np.log(format.largest))
        offsets = edge * np.linspace(0.5, 1.5, rows)[:, None]
        return sign * offsets + rng.normal(0.0, 1.0, (rows, n))

    return make


def _thresholds(
    format: Format, n: int, rows: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Row by row: below, at and above each threshold of exp, one float apart; others a little less."""
    edges = [
        float(np.log(format.largest)),
        float(np.log(format.smallest_normal)),
        float(np.log(format.smallest_subnormal)) - float(np.log(2.0)),
    ]
    x = np.empty((rows, n))
    for row in range(rows):
        at = float(np.asarray(edges[row // 3 % 3]).astype(format.dtype))
        below, above = format.next_after(at, -np.inf), format.next_after(at, np.inf)
        x[row] = (below, at, above)[row % 3]
        x[row, 1:] -= 1.0
    return x


def _equal(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[np.float64]:
    return np.repeat(rng.normal(0.0, 3.0, (rows, 1)), n, axis=1)


def _masked(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[np.float64]:
    x = rng.normal(0.0, 3.0, (rows, n))
    return np.where(rng.random((rows, n)) < 0.3, -np.inf, x)


FAMILIES = {
    family.name: family
    for family in (
        Family("normal-1", "logits of an untrained model", _normal(1.0)),
        Family("normal-10", "logits of a trained classifier", _normal(10.0)),
        Family("normal-100", "logits far apart: most results underflow", _normal(100.0)),
        Family("offset-positive", "a common offset across exp's overflow", _offset(1.0)),
        Family("offset-negative", "a common offset across exp's underflow", _offset(-1.0)),
        Family("thresholds", "one float on either side of each threshold of exp", _thresholds),
        Family("equal", "all equal: nothing but the sum and the division", _equal),
        Family("masked", "-inf among finite values, as attention masks have", _masked),
    )
}
