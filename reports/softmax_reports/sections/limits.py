"""Overflow and underflow: where exp(x) is safe in each format, and what shifting costs."""

from __future__ import annotations

import math
import sys
from fractions import Fraction
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure
from softmax_harness.ground.formats import FORMATS, Format
from softmax_harness.judgement.outcomes import Outcome

from softmax_reports.facts import breaks, full_scope, sums_to_one
from softmax_reports.numbers import counted, digits, in_order, whole
from softmax_reports.section import Folded, Panel, Paragraph, Part, Picture, Section, Table
from softmax_reports.style import MUTED, WIDTH, panel

if TYPE_CHECKING:
    from softmax_harness.run.results import Run

_SAFE, _COARSE, _LOST = "#c9d9a0", Outcome.INACCURATE.colour, Outcome.OVERFLOW.colour
_NAIVE, _SHIFTED = "naive", "max-shifted"

# True of finite logits in every format that has an infinity, for every n and order of the sum.
_THEORY = (
    "The naive form, exp(x) / Σ exp(x), loses a row where an exponential or their sum is infinite, "
    "or where every exponential is 0. Subtracting the maximum first makes the largest exponential "
    "1: none is infinite, and not all are 0. Their sum can still be as large as n. The difference "
    "x − max x is rounded, which can cost accuracy."
)


def limits(run: Run) -> Section | None:
    """The picture, its numbers, and what subtracting the maximum bought and cost."""
    dtypes = in_order(run.results["dtype"])
    formats = [FORMATS[each] for each in dtypes if each in FORMATS]
    if not formats or not sums_to_one(run):
        return None
    parts: list[Part] = [
        Paragraph(_THEORY),
        *(Paragraph(text) for text in (_bought(run.results), _cost(run.results)) if text),
        Picture(
            "limits",
            "For each x, whether exp(x) is 0, subnormal, normal or infinite. Subtracting the "
            "maximum moves every finite row to 0 and below.",
            [
                Panel(
                    "",
                    "For each dtype, the ranges of x in which exp(x) is 0, subnormal, normal or "
                    "infinite",
                    _figure(formats),
                )
            ],
        ),
        Folded("The thresholds in numbers", [_table(formats)]),
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
    figure, axis = panel(0.42 * len(formats) + 0.8, 1.35 * WIDTH)
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
                edgecolor=MUTED,
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
                    color="#000000",  # not the page's ink, which is light on dark paper
                    fontsize=7.5,
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
        # As a float64, which holds the largest float64 but not the half ulp beyond it.
        longest = digits(float(min(format.overflow_threshold, Fraction(sys.float_info.max))), 5)
        rows.append((format.name, *(f"{each:.4f}" for each in cells), longest))
    return Table(
        "The thresholds of exp(x): the logarithms of half the smallest subnormal, of the smallest "
        "normal number, and of the smallest value that rounds to infinity. The sum over 1000 equal "
        "logits x is infinite from the next column on. The last column is how many equal logits "
        "have a sum that is infinite, rounded to the dtype, although their maximum was subtracted",
        (
            "dtype",
            "0 below",
            "subnormal below",
            "infinite from",
            "sum of 1000 infinite from",
            "n exp(0) infinite from n =",
        ),
        rows,
    )


def _bought(results: pd.DataFrame) -> str:
    """In how many cells each of the two forms breaks, and in which first."""
    told = []
    for name in (_NAIVE, _SHIFTED):
        cells = results[results["implementation"] == name]
        if cells.empty:
            continue
        broken = cells[breaks(cells)].sort_values("n", kind="stable")
        measured = f"{counted(len(cells), 'cell')} ({full_scope(cells)})"
        if broken.empty:
            told.append(f"{name} breaks in none of its {measured}.")
        else:
            first = broken.iloc[0]
            told.append(
                f"{name} breaks in {whole(len(broken))} of its {measured}, the shortest row in "
                f"{first['dtype']} on {first['family']}, n = {whole(first['n'])}."
            )
    return " ".join(told)


def _cost(results: pd.DataFrame) -> str:
    """Where naive does not break: how often max-shifted errs more, and where most."""
    cells = results[results["implementation"].isin([_NAIVE, _SHIFTED])]
    keys = ["dtype", "family", "n"]
    both = cells.pivot_table(index=keys, columns="implementation", values="max_ulp")
    if not {_NAIVE, _SHIFTED} <= set(both.columns):
        return ""
    broken = cells[breaks(cells)].set_index(keys).index
    both = both[~both.index.isin(broken)].dropna()
    if both.empty:
        return ""
    worse = both[both[_SHIFTED] > both[_NAIVE]]
    begun = (
        f"Neither breaks in {whole(len(both))} cells ({full_scope(both.reset_index())}): "
        f"there {_SHIFTED}"
    )
    if worse.empty:
        return f"{begun} never errs more than {_NAIVE}."
    most = (worse[_SHIFTED] - worse[_NAIVE]).idxmax()
    dtype, family, n = most
    return (
        f"{begun} errs more in {whole(len(worse))}, by the most in {dtype} on {family}, "
        f"n = {whole(n)}: "
        f"{digits(worse.loc[most, _SHIFTED])} ulp against {digits(worse.loc[most, _NAIVE])}."
    )
