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

from softmax_reports.style import MUTED, PARAMETERS, WIDTH, looks

Array = NDArray[np.float64]
_SHOWN = 12


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
            axis = figure.add_subplot(grid[0, place])
            shown = values[:_SHOWN]
            finite = np.where(np.isfinite(shown), shown, 0.0)
            bars = axis.bar(range(len(shown)), finite, color="#0072B2")
            axis.bar_label(bars, [f"{each:.4g}" for each in shown], fontsize=7)
            axis.set(title=title, xticks=range(len(shown)))
            axis.margins(y=0.15)
        _errors(figure.add_subplot(grid[1, :]), errors)
        buffer = io.BytesIO()
        dated = {"svg": "Date", "pdf": "CreationDate"}.get(format)
        metadata = {dated: None} if dated else {}
        figure.savefig(buffer, format=format, metadata=metadata, dpi=150, facecolor="white")
        return buffer.getvalue()


def _errors(axis: Axes, errors: Mapping[str, Array]) -> None:
    """A mark for each implementation at each element, in the colours of every report."""
    styles = looks(errors)
    for place, (name, ulp) in enumerate(errors.items()):
        shown = np.abs(ulp[:_SHOWN])
        lost = ~np.isfinite(shown)
        at = np.arange(len(shown)) + (place - (len(errors) - 1) / 2) * 0.8 / max(len(errors), 1)
        own = styles[name] | {"linestyle": ""}
        axis.plot(at[~lost], shown[~lost], label=name, **own)
        axis.plot(at[lost], np.zeros(int(lost.sum())), **(own | {"marker": "x"}))
    axis.set_xticks(range(max((min(len(each), _SHOWN) for each in errors.values()), default=0)))
    axis.axhline(0.5, color=MUTED, linewidth=0.8, linestyle="--")
    axis.set(
        xlabel="element  (cross: no number; dashed: half an ulp, what rounding once may cost)",
        ylabel="|error| (ulp)",
        yscale="symlog",
    )
    axis.legend(ncols=5, fontsize=7, loc="lower right", bbox_to_anchor=(1.0, 1.0))
