"""The picture of one row: logits, steps or results, and the error of each implementation."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from softmax_reports.numbers import digits, whole
from softmax_reports.style import MUTED, PARAMETERS, WIDTH, looks, round_numbers, tick_text

Array = NDArray[np.float64]
_SHOWN = 12
_BESIDE = 4  # values that have room beside each other above their bars


def picture(format: str, steps: Sequence[tuple[str, Array]], errors: Mapping[str, Array]) -> bytes:
    """The steps as bars, one panel each, and below them the errors in ulp.

    Parameters
    ----------
    format : {"svg", "png", "pdf"}
    steps : sequence of (title, values)
        Of a long row the first twelve are drawn.
    errors : mapping of str to ndarray
        By implementation, of each result; NaN where it is no number.
    """
    with matplotlib.rc_context(PARAMETERS):
        figure = Figure(figsize=(2.1 * WIDTH, 5.2), layout="constrained", facecolor="white")
        grid = figure.add_gridspec(2, len(steps))
        for place, (title, values) in enumerate(steps):
            _bars(figure.add_subplot(grid[0, place]), title, values)
        _errors(figure.add_subplot(grid[1, :]), errors)
        buffer = io.BytesIO()
        dated = {"svg": "Date", "pdf": "CreationDate"}.get(format)
        metadata = {dated: None} if dated else {}
        figure.savefig(buffer, format=format, metadata=metadata, dpi=150, facecolor="white")
        return buffer.getvalue()


def _bars(axis: Axes, title: str, values: Array) -> None:
    """A bar for each value, with the value on it; upright where many stand beside each other."""
    shown = values[:_SHOWN]
    finite = np.where(np.isfinite(shown), shown, 0.0)
    bars = axis.bar(range(len(shown)), finite, color="#0072B2")
    upright = len(shown) > _BESIDE
    told = [_signed(each, digits(abs(each), 4)) for each in shown]
    for each in axis.bar_label(bars, told, fontsize=7, rotation=90 if upright else 0, padding=2):
        each.set_in_layout(False)  # the margins have room for them
    axis.set(title=title, xticks=range(len(shown)))
    axis.margins(y=0.7 if upright else 0.15)
    axis.yaxis.set_major_formatter(lambda value, _: _signed(value, tick_text(abs(value))))


def _signed(value: float, size: str) -> str:
    return f"−{size}" if value < 0 else size


def _errors(axis: Axes, errors: Mapping[str, Array]) -> None:
    """A mark for each implementation at each element, in the colours of every report."""
    styles = looks(errors)
    largest = 1.0
    for place, (name, ulp) in enumerate(errors.items()):
        shown = np.abs(ulp[:_SHOWN])
        lost = ~np.isfinite(shown)
        at = np.arange(len(shown)) + (place - (len(errors) - 1) / 2) * 0.8 / max(len(errors), 1)
        own = styles[name] | {"linestyle": "", "clip_on": False, "zorder": 3}
        axis.plot(at[~lost], shown[~lost], label=name, **own)
        if lost.any():  # nothing, drawn outside of its axes, would take room in a corner
            axis.plot(at[lost], np.zeros(int(lost.sum())), **(own | {"marker": "x"}))
        largest = max(largest, *shown[~lost])
    elements = max((len(each) for each in errors.values()), default=0)
    axis.set_xticks(range(min(elements, _SHOWN)))
    axis.axhline(0.5, color=MUTED, linewidth=0.8, linestyle="--")
    some = f"the first {_SHOWN} of {whole(elements)}; " if elements > _SHOWN else ""
    means = "cross: no number; dashed: half an ulp, what rounding once may cost"
    axis.set(
        xlabel=f"element  ({some}{means})",
        ylabel="|error| (ulp)",
        yscale="symlog",
        ylim=(0.0, 1.5 * largest),
    )
    places = [0.0, 0.5, *round_numbers(1.0, 1.5 * largest, 5)]
    axis.set_yticks(places, [tick_text(each) for each in places])
    axis.legend(ncols=5, fontsize=7, loc="lower right", bbox_to_anchor=(1.0, 1.0))
