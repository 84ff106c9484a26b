"""Overflow and underflow: where exp(x) is safe in each format, and what shifting costs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure
from softmax_harness.ground.formats import FORMATS, Format
from softmax_harness.judgement.outcomes import BROKEN, Outcome

from softmax_reports.numbers import digits, in_order
from softmax_reports.section import Paragraph, Picture, Section, Table
from softmax_reports.style import panels

if TYPE_CHECKING:
    from softmax_harness.run.results import Run

_SAFE, _COARSE, _LOST = "#c9d9a0", Outcome.INACCURATE.colour, Outcome.OVERFLOW.colour
_NAIVE, _SHIFTED = "naive", "max-shifted"


def limits(run: Run) -> Section | None:
    """The picture, its numbers, and what subtracting the maximum buys and costs."""
    dtypes = in_order(run.results["dtype"])
    formats = [FORMATS[each] for each in dtypes if each in FORMATS]
    if not formats:
        return None
    parts: list[Paragraph | Picture | Table] = [
        Paragraph(_cost(run.results)),
        Picture(
            "limits",
            "What becomes of exp(x), by x. Between the outer marks the naive softmax of a row of "
            "equal "
            "logits x is safe; subtracting the maximum moves every row to 0 and below, where "
            "nothing "
            "overflows and the sum is at least 1.",
            "For each dtype, the ranges of x in which exp(x) is 0, subnormal, normal or infinite",
            _figure(formats),
        ),
        _table(formats),
    ]
    return Section("Overflow and underflow", parts)


def thresholds(format: Format) -> dict[str, float]:
    """x from which exp(x) rounds to 0, is subnormal, is normal, and is infinite; to float64."""
    return {
        "zero": math.log(format.smallest_subnormal) - math.log(2.0),
        "subnormal": math.log(format.smallest_normal),
        "infinite": format.emax * math.log(2.0)
        + math.log(format.overflow_threshold / 2**format.emax),
    }


def _figure(formats: list[Format]) -> Figure:
    figure, axes = panels(1, 1, 0.7 * len(formats) + 1.4)
    axis = axes[0][0]
    edge = 1000.0
    for place, format in enumerate(reversed(formats)):
        own = thresholds(format)
        bounds = (-edge, own["zero"], own["subnormal"], own["infinite"], edge)
        kinds = (
            (_LOST, "//", "0"),
            (_COARSE, "..", "subnormal"),
            (_SAFE, "", "normal"),
            (_LOST, "xx", "∞"),
        )
        for low, high, (colour, hatch, word) in zip(bounds[:-1], bounds[1:], kinds, strict=True):
            axis.barh(
                place,
                high - low,
                left=low,
                color=colour,
                hatch=hatch,
                edgecolor="#555555",
                height=0.6,
            )
            middle = math.copysign(math.sqrt(max(abs(low * high), 1.0)), low + high)
            if word != "subnormal":
                shown = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
                axis.text(
                    middle if low * high > 0 else 0.0,
                    place,
                    word,
                    ha="center",
                    va="center",
                    bbox=shown,
                )
    axis.set_yticks(range(len(formats)), [each.name for each in reversed(formats)])
    axis.set_xscale("symlog", linthresh=5)
    axis.set_xticks(
        [-700, -100, -15, 0, 11, 89, 710], ["−700", "−100", "−15", "0", "11", "89", "710"]
    )
    axis.set(xlabel="x  (yellow: exp(x) is subnormal)", xlim=(-edge, edge))
    axis.grid(False)
    return figure


def _table(formats: list[Format]) -> Table:
    rows = []
    for format in formats:
        own = thresholds(format)
        of_a_thousand = own["infinite"] - math.log(1000.0)
        cells = (own["zero"], own["subnormal"], own["infinite"], of_a_thousand)
        rows.append((format.name, *(f"{each:.4f}" for each in cells)))
    return Table(
        "The thresholds: logarithms of half the smallest subnormal, of the smallest normal "
        "number, and of "
        "what rounds to infinity; the last column is where the sum over a thousand equal logits "
        "does.",
        ("dtype", "0 below", "subnormal below", "infinite from", "of 1000 from"),
        rows,
    )


def _cost(results: pd.DataFrame) -> str:
    begun = (
        "The naive form is safe while no exp(x) and no sum of them overflows and the largest "
        "exp(x) of a "
        "row is a normal number. Subtracting the maximum makes every row safe."
    )
    cells = results[results["implementation"].isin([_NAIVE, _SHIFTED])]
    keys = ["dtype", "family", "n"]
    both = cells.pivot_table(index=keys, columns="implementation", values="max_ulp")
    if not {_NAIVE, _SHIFTED} <= set(both.columns):
        return begun
    broken = cells[cells[[*BROKEN]].sum(axis=1) > 0].set_index(keys).index
    both = both[~both.index.isin(broken)].dropna()
    if both.empty:
        return begun
    worse = both[both[_SHIFTED] > both[_NAIVE]]
    ratio = (both[_SHIFTED] / both[_NAIVE].clip(lower=0.5)).sort_values()
    dtype, family, n = ratio.index[-1]
    return (
        f"{begun} It costs the rounding of the difference: of the {len(both)} cells in which naive "
        f"survives, max-shifted errs more in {len(worse)}, at most {digits(ratio.iloc[-1])} times "
        "as much "
        f"({dtype}, {family}, n = {n}: {digits(both.loc[ratio.index[-1], _SHIFTED])} ulp against "
        f"{digits(both.loc[ratio.index[-1], _NAIVE])})."
    )
