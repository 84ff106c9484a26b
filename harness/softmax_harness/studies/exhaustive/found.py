"""What was found in some rows of a domain; what was found in several parts adds up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from softmax_harness.judgement.outcomes import OUTCOMES

MOST_CANDIDATES = 16
LARGER, SMALLER, DEFECT = "larger", "smaller", "sum_defect"


@dataclass(frozen=True)
class Candidate:
    """A row in which a maximum may stand.

    Attributes
    ----------
    value : float
        The maximum, as the screen has it.
    x, y : tuple of float
        The row and what was computed of it.
    index : int
        The element.
    """

    value: float
    x: tuple[float, ...]
    y: tuple[float, ...]
    index: int

    @property
    def sort(self) -> tuple[float, ...]:
        """What rows of equal errors have in common: distances from the largest logit, and y."""
        top = max(self.x)
        return (*(top - each for each in self.x), *self.y, self.index)


Candidates = tuple[Candidate, ...]


@dataclass(frozen=True)
class Found:
    """What was found.

    Attributes
    ----------
    rows : int
    outcomes : tuple of int
        How many elements had each outcome, in the order of `OUTCOMES`.
    larger, smaller : tuple of Candidate
        Rows in which the largest error in ulp may stand of an element whose logit is the largest
        of its row, and of another.
    sum_defect : tuple of Candidate
        Rows in which the largest |sum - 1| stands; none where results are no distribution.
    blur : float
        Up to which candidates are kept below the largest, in ulp.
    faults : tuple of str
        What was wrong with calls, each once.
    """

    rows: int = 0
    outcomes: tuple[int, ...] = (0,) * len(OUTCOMES)
    larger: Candidates = ()
    smaller: Candidates = ()
    sum_defect: Candidates = ()
    blur: float = 0.0
    faults: tuple[str, ...] = ()

    def add(self, other: Found) -> Found:
        """Both, the rows of `other` after these."""
        blur = max(self.blur, other.blur)
        return Found(
            self.rows + other.rows,
            tuple(a + b for a, b in zip(self.outcomes, other.outcomes, strict=True)),
            largest((*self.larger, *other.larger), blur),
            largest((*self.smaller, *other.smaller), blur),
            largest((*self.sum_defect, *other.sum_defect), 0.0),
            blur,
            tuple(dict.fromkeys((*self.faults, *other.faults))),
        )

    @property
    def elements(self) -> int:
        """How many elements there were."""
        return sum(self.outcomes)

    @property
    def not_correctly_rounded(self) -> int:
        """How many are not the number nearest to the exact result."""
        pairs = zip(OUTCOMES, self.outcomes, strict=True)
        return sum(count for outcome, count in pairs if not outcome.is_nearest)


def largest(several: Iterable[Candidate], blur: float) -> Candidates:
    """The candidates near the largest, no two of one sort, the first ones of each value."""
    known = sorted(several, key=lambda each: -each.value)
    if not known:
        return ()
    least = least_near(known[0].value, blur)
    kept: dict[tuple[float, ...], Candidate] = {}
    for each in known:
        if each.value >= least:
            kept.setdefault(each.sort, each)
    return tuple(kept.values())[:MOST_CANDIDATES]


def least_near(value: float, blur: float) -> float:
    """What may be the exact maximum where this was found to be the largest."""
    return value - 2.0 * blur - 2.0**-48 * abs(value)


def counted(codes: np.ndarray) -> tuple[int, ...]:
    """How many elements have each code."""
    return tuple(np.bincount(codes.ravel(), minlength=len(OUTCOMES)).tolist())


def with_faults(found: Found, faults: Iterable[str]) -> Found:
    """The same with what was wrong with calls."""
    return replace(found, faults=tuple(dict.fromkeys((*found.faults, *faults))))
