"""What a family of inputs is, and how its rows are made again from a recipe."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.ground.memory import rows_per_block
from softmax_harness.operations import Inputs, Operation

Make = Callable[[Format, int, int, np.random.Generator], NDArray[Any]]


@dataclass(frozen=True)
class Sampling:
    """At which lengths ``check`` takes rows of a family, and how many.

    Each family gets a few rows at a few lengths; some get more, where they find more.

    Attributes
    ----------
    shortest, longest : float
        The shortest and the longest of the few lengths; of rows of one, one family has all kinds.
    fewest : int
        The least number of rows at each of them.
    at_every_length : callable or None
        ``at_every_length(n)`` gives the rows at each length that a kernel may treat in its own
        way, or 0 for none; these lengths then stand in place of the few.
    one_row_up_to : float
        Longer than the few, one row at each of those lengths up to this one.
    long_sums : callable
        ``long_sums(format)`` gives the rows at each length at which one addition after another
        errs several times as much as a sum in lanes.
    more_rows : tuple of (int, int)
        Other lengths, each with its number of rows.
    own_lengths : callable
        ``own_lengths(format)`` gives lengths of one row that depend on the format.
    """

    shortest: int = 2
    longest: float = math.inf
    fewest: int = 6
    at_every_length: Callable[[int], int] | None = None
    one_row_up_to: float = 0
    long_sums: Callable[[Format], int] = lambda format: 0
    more_rows: tuple[tuple[int, int], ...] = ()
    own_lengths: Callable[[Format], tuple[int, ...]] = lambda format: ()


@dataclass(frozen=True)
class Family:
    """A kind of input.

    Attributes
    ----------
    name : str
        As written after ``--family``.
    reason : str
        Why it is measured.
    make : callable
        ``make(format, n, rows, rng)`` gives an array of shape (rows, n); `Recipe` rounds it to
        the format.
    lengths : tuple of int or None
        The only lengths it has; None where the suite chooses.
    rows : int or None
        The number of rows where its rows are a fixed set, which `make` gives whole.
    grid : callable or None
        ``grid(format)`` gives the coordinate of each row, for families that map a plane.
    suite : str
        The smallest suite that holds it.
    check : Sampling or None
        How ``check`` samples it; None where it does not.
    by_place : bool
        Whether the place of a row among all rows decides what it is, as where two kinds take
        turns: then all rows are made together, however many blocks they fill.
    is_unbiased : bool
        Whether its rows are two logits at most 1 apart, the rest masked: there the errors of an
        honest kernel are 0 in the mean.
    """

    name: str
    reason: str
    make: Make
    lengths: tuple[int, ...] | None = None
    rows: int | None = None
    grid: Callable[[Format], NDArray[np.float64]] | None = None
    suite: str = "quick"
    check: Sampling | None = Sampling()
    by_place: bool = False
    is_unbiased: bool = False


@dataclass(frozen=True)
class Recipe:
    """All that is needed to make one batch of inputs again, bit for bit.

    Attributes
    ----------
    family : Family
    format : Format
        The format of the inputs.
    n : int
        Length of a row.
    rows : int
        Number of rows.
    seed : int
        Seed of the whole run.
    step : int
        Of the rows of a block only each step-th is there, the first among them; where that is
        more rows than a block has, there are as many fewer blocks.
    """

    family: Family
    format: Format
    n: int
    rows: int
    seed: int
    step: int = 1

    @property
    def elements(self) -> int:
        """How many elements are there."""
        block, step = self.rows_per_block, self.step
        sizes = (min(block, self.rows - start) for start in self.starts)
        return self.n * sum(-(-size // step) for size in sizes)

    @property
    def rows_per_block(self) -> int:
        """Rows that are made and judged together."""
        return rows_per_block(self.n)

    @property
    def starts(self) -> range:
        """The first row of each block in which any is there."""
        block = self.rows_per_block
        return range(0, self.rows, block * -(-self.step // block))

    def row(self, start: int, place: int) -> int:
        """Which row of the recipe stands at a place of the block that begins at row `start`."""
        return start + place * self.step

    def block(self, start: int) -> NDArray[Any]:
        """The rows of the block that begins at row `start`, in the format, shape (rows, n).

        Each block has a random stream of its own, so that any worker can make any block.
        """
        return self._whole_block(start)[:: self.step]

    def _whole_block(self, start: int) -> NDArray[Any]:
        stop = min(start + self.rows_per_block, self.rows)
        if self.family.rows is not None or self.family.by_place:
            return _all_rows(replace(self, step=1))[start:stop].copy()
        made = self.family.make(self.format, self.n, stop - start, self.random_logits(start))
        return self.format.stored(made)

    def random_logits(self, start: int) -> np.random.Generator:
        """The random stream for the logits of the block that begins at row `start`."""
        cell = zlib.crc32(f"{self.family.name}/{self.format.name}/{self.n}".encode())
        return np.random.default_rng(np.random.SeedSequence([self.seed, cell, start]))

    def random_operands(self, start: int) -> np.random.Generator:
        """The random stream for the operands of the block that begins at row `start`."""
        cell = zlib.crc32(f"beside {self.family.name}/{self.format.name}/{self.n}".encode())
        return np.random.default_rng(np.random.SeedSequence([self.seed, cell, start]))

    def inputs(self, operation: Operation, start: int) -> Inputs:
        """The block with the operands of an operation, made for the whole block."""
        whole = operation.inputs(self._whole_block(start), self.random_operands(start))
        return whole.rows(slice(None, None, self.step))

    def blocks(self) -> Iterator[NDArray[Any]]:
        """Every block in order."""
        return (self.block(start) for start in self.starts)


@lru_cache(maxsize=1)  # one block after another is asked for
def _all_rows(recipe: Recipe) -> NDArray[Any]:
    """Every row of the recipe, in the format, shape (rows, n)."""
    made = recipe.family.make(recipe.format, recipe.n, recipe.rows, recipe.random_logits(0))
    return recipe.format.stored(made)
