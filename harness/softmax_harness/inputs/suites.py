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
# Where a row has one result: of n results each costs more than a logit does.
_ROWS_FOR_ONE_RESULT = 64


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
    for_one_result : int
        How many times as many rows there are where a row has one result.
    among_all : Suite or None
        What takes its place in a run of all operations, if anything does.
    """

    name: str
    lengths: tuple[int, ...]
    elements: int
    fewest: int
    most: int
    for_one_result: int = 1
    among_all: Suite | None = None

    def rows(self, n: int, one_result: bool = False) -> int:
        """Rows of length n, and whether each of them has one result."""
        rows = min(max(self.elements // n, self.fewest), self.most)
        return rows * self.for_one_result if one_result else rows


# A recipe costs as much as thousands of its elements: of all operations together few lengths are
# measured, in many rows. One is short, one goes beyond a block of a pairwise sum.
_QUICK_AMONG_ALL = Suite("quick", (3, 129), 5120, 6, 40, _ROWS_FOR_ONE_RESULT)

SUITES = {
    suite.name: suite
    for suite in (
        Suite("quick", _LENGTHS, 2048, 6, 64, among_all=_QUICK_AMONG_ALL),
        Suite("standard", (*_LENGTHS, 32000), 65536, 4, 2048),
        Suite("full", (*_LENGTHS, 32000, 100_000), 1 << 20, 24, 16384),
    )
}


def suite_named(name: str) -> Suite:
    """The suite of that name; `UnknownName` with the nearest one otherwise."""
    if name not in SUITES:
        raise unknown("suite", name, SUITES)
    return SUITES[name]


def among_all(suite: Suite) -> Suite:
    """The suite of each operation in a run of all of them."""
    return suite.among_all or suite


def fits_among_all(suite: Suite, family: Family) -> bool:
    """Whether a run of all operations holds a family of its suite; few of them map planes."""
    return suite.among_all is None or family.grid is None


def without_screen(suite: Suite) -> Suite:
    """The suite for an operation that mpmath judges alone: fewer rows of fewer lengths."""
    elements = suite.elements // _SHARE_WITHOUT_SCREEN
    lengths = min(suite.lengths, _LENGTHS_WITHOUT_SCREEN, key=len)
    fewest = min(suite.fewest, 2)
    return replace(suite, lengths=lengths, elements=elements, fewest=fewest, for_one_result=1)


def fits_without_screen(family: Family) -> bool:
    """Whether a family is small enough for mpmath alone; a map of a plane is not."""
    longest = max(family.lengths or (1,))
    return family.grid is None and longest <= max(_LENGTHS_WITHOUT_SCREEN)


def families_of(suite: Suite) -> list[Family]:
    """The families that `suite` and the smaller ones hold, in order."""
    order = list(SUITES)
    held = order[: order.index(suite.name) + 1]
    return [family for family in FAMILIES.values() if family.suite in held]


def recipes(
    suite: Suite,
    families: list[Family],
    formats: list[Format],
    seed: int,
    one_result: bool = False,
) -> list[Recipe]:
    """One recipe for each cell: format by format, family by family, length by length."""
    return [
        Recipe(family, format, n, family.rows or suite.rows(n, one_result), seed)
        for format in formats
        for family in families
        for n in family.lengths or suite.lengths
    ]
