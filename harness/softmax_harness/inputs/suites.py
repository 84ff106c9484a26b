"""How much is measured: lengths and rows of the suites quick, standard and full."""

from __future__ import annotations

from dataclasses import dataclass, replace

from softmax_harness.ground.errors import unknown
from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families import FAMILIES, Family, Recipe

# Every vector width on either side, and long enough for a sum in float16 to stick.
_LENGTHS = (1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 1000, 4096)
# mpmath judges some fifty thousand elements a second.
_LENGTHS_WITHOUT_SCREEN = (1, 2, 3, 8, 17, 33, 64, 100, 1000)
_SHARE_WITHOUT_SCREEN = 16


@dataclass(frozen=True)
class Suite:
    """How many rows of which lengths a family gets.

    Attributes
    ----------
    name : str
    lengths : tuple of int
        For the families that leave it to the suite.
    elements : int
        Elements that a cell aims at.
    fewest, most : int
        Limits of the number of rows.
    """

    name: str
    lengths: tuple[int, ...]
    elements: int
    fewest: int
    most: int

    def rows(self, n: int) -> int:
        """Rows of length n."""
        return min(max(self.elements // n, self.fewest), self.most)


SUITES = {
    suite.name: suite
    for suite in (
        Suite("quick", _LENGTHS, 2048, 6, 64),
        Suite("standard", (*_LENGTHS, 32000), 65536, 4, 2048),
        Suite("full", (*_LENGTHS, 32000, 100_000), 1 << 20, 24, 16384),
    )
}


def suite_named(name: str) -> Suite:
    """The suite of that name; `UnknownName` with the nearest one otherwise."""
    if name not in SUITES:
        raise unknown("suite", name, SUITES)
    return SUITES[name]


def without_screen(suite: Suite) -> Suite:
    """The suite for an operation that mpmath judges alone: fewer rows of fewer lengths."""
    elements = suite.elements // _SHARE_WITHOUT_SCREEN
    lengths = _LENGTHS_WITHOUT_SCREEN
    return replace(suite, lengths=lengths, elements=elements, fewest=min(suite.fewest, 2))


def fits_without_screen(family: Family) -> bool:
    """Whether a family is small enough for mpmath alone; a map of a plane is not."""
    longest = max(family.lengths or (1,))
    return family.grid is None and longest <= max(_LENGTHS_WITHOUT_SCREEN)


def families_of(suite: Suite) -> list[Family]:
    """The families that `suite` and the smaller ones hold, in order."""
    order = list(SUITES)
    held = order[: order.index(suite.name) + 1]
    return [family for family in FAMILIES.values() if family.suite in held]


def recipes(suite: Suite, families: list[Family], formats: list[Format], seed: int) -> list[Recipe]:
    """One recipe for each cell: format by format, family by family, length by length."""
    return [
        Recipe(family, format, n, family.rows or suite.rows(n), seed)
        for format in formats
        for family in families
        for n in family.lengths or suite.lengths
    ]
