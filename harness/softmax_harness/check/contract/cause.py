"""What one cause may lie behind all that is wrong with the results of a suite."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from softmax_harness.check.contract.accuracy import JudgedBlock
from softmax_harness.check.contract.elements import Judgement
from softmax_harness.judgement.flushing import with_flushed
from softmax_harness.judgement.outcomes import Outcome

# Widths of vectors, and of blocks and tiles, in elements.
_WIDTHS = tuple(1 << bits for bits in range(12, 0, -1))
_FEWEST = 2  # lengths on each side
_CONSTANTS: dict[str, Callable[[Judgement], bool]] = {
    "0": lambda found: not found.batch.y.any(),
    "NaN": lambda found: bool(np.isnan(found.batch.y).all()),
    "its input": lambda found: np.array_equal(found.batch.y, found.asked.x),
}


class Cause:
    """Looks for what all wrong results of a stream have in common, and no right one has."""

    def __init__(self) -> None:
        self._right: set[int] = set()
        self._wrong: set[int] = set()
        self._constants = dict.fromkeys(_CONSTANTS, True)
        self._is_flushing = True

    def see(self, block: JudgedBlock) -> None:
        """Note a block's length, whether it is right, and what its results are."""
        found, n = block.found, block.recipe.n
        if found.is_fault.any():
            self._wrong.add(n)
            self._is_flushing = self._is_flushing and _is_of_flushing(found)
        elif not found.asked.truth.fixed.all():
            self._right.add(n)
        for what, is_constant in _CONSTANTS.items():
            self._constants[what] = self._constants[what] and is_constant(found)

    @property
    def is_unwritten(self) -> bool:
        """Whether every result is 0, as memory is that was never written."""
        return bool(self._wrong) and self._constants["0"]

    @property
    def text(self) -> str:
        """The cause in a sentence; empty where none can be told."""
        if not self._wrong:
            return ""
        for what, always in self._constants.items():
            if always:
                return f"every result is {what}: was the kernel run, and its output written?"
        if self._is_flushing:
            return "subnormal numbers count as 0: if that is meant, check --without subnormals"
        wrong, right = self._wrong, self._right - self._wrong
        for width in _WIDTHS:
            if _splits(width, wrong, right):
                return f"wrong unless n is a multiple of {width}"
        if len(wrong) == 1 and right and min(right) < min(wrong) < max(right):
            (only,) = wrong
            return "" if only in self._right else f"wrong only in rows of {only}"
        if len(wrong) >= _FEWEST and right and min(wrong) > max(right):
            return f"wrong only in rows longer than {max(right)}, from {min(wrong)} on"
        return ""


def _is_of_flushing(found: Judgement) -> bool:
    codes = with_flushed(found.asked, found.batch, found.codes)
    return bool((codes[found.is_fault] == Outcome.FLUSHED_SUBNORMAL.code).all())


def _splits(width: int, wrong: set[int], right: set[int]) -> bool:
    """Whether the right lengths are the multiples of a width, a row of one apart."""
    right = right - {1}
    if len(wrong) < _FEWEST or len(right) < _FEWEST:
        return False
    return all(n % width for n in wrong) and not any(n % width for n in right)
