"""The inputs on which accuracy is judged: every family, every length that kernels treat differently."""

from __future__ import annotations

from collections.abc import Iterator

from softmax_harness.ground.errors import unknown
from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.inputs.families.hard import KINDS

_AROUND = (192, 256, 512, 1024, 2048, 4096, 8192)
# Each length that a kernel may unroll to, then one less, the same and one more than each block.
LENGTHS = (*range(1, 131), *(n + step for n in _AROUND for step in (-1, 0, 1)), 1000)
# Beyond what 15, 16 and 17 bits count, and a vocabulary.
LONG = (32767, 32769, 50257, 65535, 65536, 65537, 131073)
_FEW = (1, 2, 3, 5, 8, 17, 64, 100, 257, 1000)
_ELEMENTS = 2048
_MOST_ROWS = 64

# Equal terms show each rounding of a sum in lanes, which in long rows is more than pairs owe; and
# of subnormal logits every result is left to mpmath.
_SHORT = {"exp-thresholds": 100, "result-thresholds": 100, "subnormal": 8}
_LONGEST_SHORT = 100
# A few rows at each length: a high entry at many places, at some lengths at every place.
_BY_LENGTH = "peaks"
_ALL_PLACES = (*range(1, 34), 64, 100, 129, 257)
# Up to these lengths, beyond the short ones; of ties what is said of equal terms is true too.
_ONE_BY_LENGTH = {"equal": max(LENGTHS), "ties": 600}
# Rows in which one addition after another errs several times as much as a sum in lanes.
_SUMMED_ROWS = {"uniform-wide": 3, "descending": 4}


def recipes(
    format: Format, longest: float, seed: int, families: tuple[str, ...] = ()
) -> Iterator[Recipe]:
    """Every recipe of the suite with rows of at most `longest`, or those of some families.

    Raises
    ------
    UnknownName
        If the suite has no family of a name.
    """
    plan = list(_plan(format))
    known = dict.fromkeys(name for name, _, _ in plan)
    for name in families:
        if name not in known:
            raise unknown("family of the suite", name, known)
    for name, n, rows in plan:
        if n <= longest and (not families or name in families):
            yield Recipe(FAMILIES[name], format, n, rows, seed)


def _plan(format: Format) -> Iterator[tuple[str, int, int]]:
    for family in FAMILIES.values():
        if family.grid is not None or family.suite not in ("quick", "check"):
            continue
        for n in family.lengths or (() if family.name == _BY_LENGTH else _FEW):
            if n <= _SHORT.get(family.name, n):
                yield family.name, n, family.rows or _rows(family.name, n)
    for n in (*LENGTHS, *LONG):
        yield _BY_LENGTH, n, 2 * n if n in _ALL_PLACES else 12 if n < 4000 else 2
    for n in LENGTHS:
        for name, longest in _ONE_BY_LENGTH.items():
            if _LONGEST_SHORT < n <= longest:
                yield name, n, 1
    for n in (4097, 65537):
        for name, rows in _SUMMED_ROWS.items():
            # All of float64's domain in one row is more than the screen takes.
            if name != "uniform-wide" or format.precision <= 24:
                yield name, n, rows
    for name in ("equal", "offset-negative"):
        yield name, 65537, 1
    yield "rising", 4097, 4  # of longer rows an honest online softmax rescales too often


def _rows(name: str, n: int) -> int:
    fewest = 2 * KINDS if name == "hard" else 6
    return min(max(_ELEMENTS // n, fewest), _MOST_ROWS)
