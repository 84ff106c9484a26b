"""The rows on which searches made softmaxes err most."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families.family import Family

_FILE = Path(__file__).parent / "data" / "searched.csv"
_LENGTH = 8


@cache
def rows() -> NDArray[np.float64]:
    """The rows of ``data/searched.csv``, which a module of the searches makes; shorter: masked."""
    with open(_FILE, newline="", encoding="utf-8") as file:
        texts = list(dict.fromkeys(each["row"] for each in csv.DictReader(file)))
    x = np.full((len(texts), _LENGTH), -np.inf)
    for row, text in zip(x, texts, strict=True):
        numbers = [float.fromhex(word) for word in text.split()]
        row[: len(numbers)] = numbers
    return x


def _rows_in(format: Format, n: int, count: int, rng: np.random.Generator) -> NDArray[Any]:
    """Those found in another format are rounded, or end at the largest number of this one."""
    x = rows()
    return np.where(np.isfinite(x), np.clip(x, -format.largest, format.largest), x)


FAMILIES = (
    Family(
        "searched",
        "rows on which a search made a built-in softmax err most, or break",
        _rows_in,
        lengths=(_LENGTH,),
        rows=len(rows()),
        suite="standard",
    ),
)
