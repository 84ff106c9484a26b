"""Outputs that were computed elsewhere, judged against the exact softmax of their inputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
from numpy.typing import NDArray

from softmax_harness.aggregate import Extreme, Tally, kept_for_percentile, tally
from softmax_harness.errors import BadData
from softmax_harness.explain.exact_steps import exact_steps
from softmax_harness.families import BLOCK_ELEMENTS
from softmax_harness.families.npy_file import read_npy
from softmax_harness.formats import FORMATS, Format, format_of
from softmax_harness.measure import classified, question
from softmax_harness.operations import OPERATIONS, Policy
from softmax_harness.outcomes import GOOD_OUTCOMES, OUTCOMES

_EXACT_DIGITS = 25
_LARGEST_EXACT_INTEGER = 2**53


@dataclass(frozen=True)
class Pair:
    """Inputs and the outputs computed from them, both of one shape.

    Attributes
    ----------
    x, y : ndarray
        The same shape, at least one axis; not loaded into memory.
    axis : int
        The axis of the softmax, counted from 0.
    format : Format
        Of y: the format that is judged.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    axis: int
    format: Format

    @property
    def n(self) -> int:
        """Length of a row."""
        return int(self.x.shape[self.axis])

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.x.size // self.n if self.x.size else 0

    def blocks(self) -> Iterator[tuple[int, NDArray[Any], NDArray[Any]]]:
        """First row, inputs and outputs of each block, shape (rows, n)."""
        step = max(1, BLOCK_ELEMENTS // max(self.n, 1))
        for start in range(0, self.rows, step):
            places = np.unravel_index(
                np.arange(start, min(start + step, self.rows)), self._lead(self.x).shape[:-1]
            )
            yield start, self._lead(self.x)[places], self._lead(self.y)[places]

    def place(self, row: int, index: int) -> list[int]:
        """Where element `index` of row `row` stands in x and y."""
        others = np.delete(self.x.shape, self.axis)
        lead = [int(each) for each in np.unravel_index(row, tuple(others))] if len(others) else []
        return [*lead[: self.axis], index, *lead[self.axis :]]

    def _lead(self, array: NDArray[Any]) -> NDArray[Any]:
        moved = np.moveaxis(array, self.axis, -1)
        return moved if moved.ndim > 1 else moved[None]


@dataclass(frozen=True)
class Score:
    """The judgement of a pair.

    Attributes
    ----------
    pair : Pair
    policy : Policy
    tally : Tally
    firsts : dict of str to Extreme
        The first element of each outcome that is a fault; `value` is what was computed.
    """

    pair: Pair
    policy: Policy
    tally: Tally
    firsts: dict[str, Extreme]


def read_pair(x_path: Path, y_path: Path, axis: int) -> Pair:
    """Inputs and outputs from two .npy files.

    Raises
    ------
    BadData
        If either is missing or holds no floats, if the shapes differ, if there is no such axis,
        if every input is NaN, or if an integer input is not exact in float64.
    """
    x, y = read_npy(x_path), read_npy(y_path)
    for path, array in ((x_path, x), (y_path, y)):
        try:
            format_of(array)
        except BadData as error:
            raise BadData(f"{path}: {error}") from None
    if y.dtype.name not in FORMATS:
        raise BadData(
            f"{y_path}: outputs of {y.dtype}: expected one of {', '.join(FORMATS)}, the format "
            "that is to be judged"
        )
    if x.shape != y.shape:
        raise BadData(
            f"{x_path} has shape {x.shape} and {y_path} has {y.shape}: expected the same shape"
        )
    x, y = np.atleast_1d(x), np.atleast_1d(y)
    if not -x.ndim <= axis < x.ndim:
        raise BadData(
            f"--axis {axis}: the arrays have {x.ndim} axes; expected {-x.ndim} to {x.ndim - 1}"
        )
    _check_inputs(x_path, x)
    return Pair(x, y, axis % x.ndim, FORMATS[y.dtype.name])


def _check_inputs(path: Path, x: NDArray[Any]) -> None:
    if x.dtype.kind in "iu" and x.size:
        if max(-int(x.min()), int(x.max())) > _LARGEST_EXACT_INTEGER:
            raise BadData(
                f"{path}: holds integers beyond 2**53, which float64 cannot hold exactly; "
                "expected inputs as they were given to the softmax, in its own format"
            )
    elif x.size and np.isnan(x).all():
        raise BadData(f"{path}: every value is NaN; expected logits, at least one of them a number")


def score(
    pair: Pair, policy: Policy, progress: Callable[[int], None] = lambda elements: None
) -> Score:
    """Judge every element of a pair; `progress` is called with the number judged so far."""
    total: Tally | None = None
    firsts: dict[str, Extreme] = {}
    keep = kept_for_percentile(pair.x.size)
    for start, x, y in pair.blocks():
        asked = question(OPERATIONS["softmax"], x, pair.format, policy)
        batch, codes = classified(asked, y.astype(np.float64))
        for name, extreme in _first_faults(codes, batch.y, start).items():
            firsts.setdefault(name, extreme)
        found = tally(batch, codes, np.full(x.shape, np.nan), keep)
        total = found if total is None else total.add(found, keep)
        progress(total.elements)
    if total is None:
        raise BadData(f"the arrays are empty, of shape {pair.x.shape}: there is nothing to judge")
    return Score(pair, policy, total, firsts)


def _first_faults(
    codes: NDArray[np.int8], y: NDArray[np.float64], start: int
) -> dict[str, Extreme]:
    firsts = {}
    for code in np.unique(codes).tolist():
        if OUTCOMES[code] not in GOOD_OUTCOMES:
            row, index = np.argwhere(codes == code)[0].tolist()
            firsts[OUTCOMES[code]] = Extreme(float(y[row, index]), start + row, index)
    return firsts


def score_document(scored: Score) -> dict[str, Any]:
    """The score as JSON: non-finite and exact values are strings, inputs and outputs hex floats.

    The outcomes stand together under ``outcomes`` and each at the top too, named as the columns
    of results.csv are.
    """
    total, pair = scored.tally, scored.pair
    outcomes = dict(zip(OUTCOMES, total.outcomes.tolist(), strict=True))
    right = outcomes["correctly_rounded"] + outcomes["inherent_underflow"]
    worst = total.extremes.get("max_ulp")
    measured = total.measured or math.nan
    return {
        "schema": 1,
        "dtype": pair.format.name,
        "shape": list(pair.x.shape),
        "axis": pair.axis,
        "rows": total.rows,
        "elements": total.elements,
        "not_correctly_rounded": total.elements - right,
        **outcomes,
        "outcomes": outcomes,
        "mean_ulp": _number(total.sum_absolute / measured),
        "bias_ulp": _number(total.sum_signed / measured),
        "p99_ulp": _number(total.p99_ulp),
        **{name: _number(extreme.value) for name, extreme in total.extremes.items()},
        "max_ulp": _number(worst.value if worst else math.nan),
        "sum_defect": _number(getattr(total.extremes.get("sum_defect"), "value", math.nan)),
        **{name: int(value) for name, value in total.sums.items()},
        "worst": _element(scored, worst) | {"ulp": _number(worst.value)} if worst else None,
        "firsts": {name: _element(scored, extreme) for name, extreme in scored.firsts.items()},
    }


def _element(scored: Score, extreme: Extreme) -> dict[str, Any]:
    """Where an element stands, what went in, what came out, and what is right."""
    pair = scored.pair
    place = pair.place(extreme.row, extreme.index)
    row = tuple(slice(None) if axis == pair.axis else at for axis, at in enumerate(place))
    logits = pair.x[row].astype(np.float64)
    x, y = float(pair.x[tuple(place)]), float(pair.y[tuple(place)])
    return {"index": place, "x": x.hex(), "y": y.hex(), "exact": _exact(scored, logits, place)}


def _exact(scored: Score, logits: NDArray[np.float64], place: list[int]) -> str:
    fixed, expected = OPERATIONS["softmax"].special_values(logits[None], scored.policy)
    index = place[scored.pair.axis]
    if fixed[0, index]:
        value = float(expected[0, index])
        return "any" if math.isinf(value) else str(value)
    return str(mpmath.nstr(exact_steps(logits).quotients[index], _EXACT_DIGITS))


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)
