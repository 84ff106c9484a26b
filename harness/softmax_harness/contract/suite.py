"""The inputs on which accuracy is judged: every family, every length that kernels treat differently."""

from __future__ import annotations

from collections.abc import Iterator

from softmax_harness.families import FAMILIES, Recipe
from softmax_harness.formats import Format

_AROUND = (48, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096)
# Each length up to twice the widest vector, then one less, the same and one more than each block.
LENGTHS = (*range(1, 34), *(n + step for n in _AROUND for step in (-1, 0, 1)), 100, 1000)
LONG = (65535, 65536, 65537)
_FEW = (1, 2, 3, 8, 17, 64, 100, 1000)
_ELEMENTS = 2048
_MOST_ROWS = 64

# A few rows at each length: a high entry at every place, and what shows a poor sum or maximum.
_BY_LENGTH = ("peaks", "bumps")
_LONG_ROWS = {"peaks": 1, "bumps": 1}
_LONGEST_ROWS = {"equal": 1, "offset-negative": 1}
_SUMMED_ROWS = {"normal-1": 2, "descending": 6}  # so many that a sum term by term shows itself


def recipes(format: Format, longest: float, seed: int) -> Iterator[Recipe]:
    """Every recipe of the suite with rows of at most `longest`, the short ones first."""
    for name, n, rows in _plan():
        if n <= longest:
            yield Recipe(FAMILIES[name], format, n, rows, seed)


def _plan() -> Iterator[tuple[str, int, int]]:
    for family in FAMILIES.values():
        if family.grid is not None or family.suite not in ("quick", "check"):
            continue
        for n in family.lengths or (() if family.name in _BY_LENGTH else _FEW):
            yield family.name, n, family.rows or min(max(_ELEMENTS // n, 6), _MOST_ROWS)
    for name in _BY_LENGTH:
        for n in LENGTHS:
            yield name, n, n if n < 34 else 16 if n < 1000 else 6
    for n in LONG:
        for name, rows in _LONG_ROWS.items():
            yield name, n, rows
    for n in (4097, LONG[-1]):
        for name, rows in {**_LONGEST_ROWS, **_SUMMED_ROWS}.items():
            yield name, n, rows
    yield "rising", 4097, 4  # of longer rows an honest online softmax rescales too often
