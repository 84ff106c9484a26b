"""The look of figures: lines can be told apart without colour and in grey print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from softmax_harness.run.results import Run

# Okabe and Ito's colours, which the colour-blind tell apart; marker and dash repeat the message.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#000000", "#56B4E9")
_MARKERS = "os^DvPX*"
_DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))

PARAMETERS: dict[Any, Any] = {
    "figure.dpi": 100,
    "svg.fonttype": "path",
    "svg.hashsalt": "softmax-harness",
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.markersize": 4.5,
    "lines.linewidth": 1.3,
    "legend.frameon": False,
}

WIDTH = 9.2  # inches, the width of the page's column


def line_styles(run: Run) -> dict[str, dict[str, Any]]:
    """Colour, marker and dash of each implementation, the same in every figure of a report."""
    names = run.results["implementation"].unique()
    return {
        name: {
            "color": _COLOURS[place % len(_COLOURS)],
            "marker": _MARKERS[place % len(_MARKERS)],
            "linestyle": _DASHES[place % len(_DASHES)],
        }
        for place, name in enumerate(sorted(names))
    }


def panels(rows: int, columns: int, height: float, **keywords: Any) -> tuple[Figure, Any]:
    """A figure of the page's width and its axes, always an array of shape (rows, columns)."""
    return plt.subplots(
        rows, columns, figsize=(WIDTH, height), squeeze=False, layout="constrained", **keywords
    )


def shared_legend(figure: Figure, axes: Any) -> None:
    """One legend below all panels, with what any of them shows."""
    shown: dict[str, Any] = {}
    for axis in axes.flat:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            shown.setdefault(label, handle)
    figure.legend(
        shown.values(), shown.keys(), loc="outside lower center", ncols=min(len(shown), 6)
    )
