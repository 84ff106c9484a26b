"""The look of figures: one palette, one colour for one name, in every figure of every report."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from itertools import count
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator

# Okabe and Ito's colours, which the colour-blind tell apart; marker and dash repeat the message.
# Grey takes the place of their yellow and black, which vanish on white or on black paper.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F")
_MARKERS = "os^DvPX*<>"
_DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
# Whose look is fixed. A new name goes to the end, so that no other changes its colour; one that is
# not here takes the next free look in its report.
_NAMES = (
    *("max-shifted", "naive", "wide", "scipy", "log-sum-exp", "shifted-log-sum-exp", "exact"),
    *("torch", "jax", "online", "two-pass", "accurate", "blocked", "blocked-lazy"),
    *("neumaier-sum", "sequential-sum", "powers-of-2", "reciprocal", "stage-formats"),
    *("onnxruntime", "accurate-numba", "shifted", "textbook"),
)

INK, MUTED, GRID = "#1b1f24", "#57606a", "#d9dee3"  # the page's style gives each its dark twin

PARAMETERS: dict[Any, Any] = {
    "figure.dpi": 100,
    "svg.fonttype": "path",
    "svg.hashsalt": "softmax-harness",
    "pdf.fonttype": 42,
    "font.size": 8.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titley": 1.0,  # or else each title is moved by what stands below it, which takes time
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.markersize": 4,
    "lines.linewidth": 1.3,
    "legend.frameon": False,
}

WIDTH = 4.4  # inches: three panels stand side by side on a screen, one on a phone
POINTS = 72.0  # in an inch
# Points around the axes of a panel: to the left a tick such as 65,536 and the axis' name, below
# the same, above the title. They are fixed: nothing is drawn to find them, and panels beside one
# another begin alike. To the right half of a tick stands out.
_LEFT, _RIGHT, _BELOW, _ABOVE = 46.0, 14.0, 32.0, 19.0


def looks(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Colour, marker and dash of each implementation.

    Those of a name that the project has are the same in every report. Others follow in order, each
    with a colour that is still free in this report, as long as there is one.
    """
    present = sorted(set(names))
    places = {name: place for place, name in enumerate(_NAMES) if name in present}
    for name in present:
        if name not in places:
            places[name] = _free({*places.values()})
    return {name: _look(places[name]) for name in present}


def _free(taken: set[int]) -> int:
    """The first look of a colour that no other has, or else one that no other has."""
    colours = {place % len(_COLOURS) for place in taken}
    fresh = [place for place in range(len(_COLOURS)) if place not in colours]
    return fresh[0] if fresh else next(place for place in count() if place not in taken)


def _look(place: int) -> dict[str, Any]:
    turn = place // len(_COLOURS)
    return {
        "color": _COLOURS[place % len(_COLOURS)],
        "marker": _MARKERS[(place + turn) % len(_MARKERS)],
        "linestyle": _DASHES[turn % len(_DASHES)],
    }


def panel(height: float, width: float = WIDTH) -> tuple[Figure, Axes]:
    """A figure of one panel's width, and its axes."""
    figure = Figure(figsize=(width, height))
    axis = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    leave(axis, _LEFT, _RIGHT, _BELOW)
    return figure, axis


def leave(
    axis: Axes, left: float | None = None, right: float | None = None, below: float | None = None
) -> None:
    """Leave room around the axes of a panel for what stands there, in points.

    Parameters
    ----------
    left, right, below : float, optional
        By default as much as there is.
    """
    figure = axis.get_figure()
    assert isinstance(figure, Figure)
    width, height = figure.get_size_inches() * POINTS
    now = axis.get_position()
    left = now.x0 * width if left is None else left
    right = (1.0 - now.x1) * width if right is None else right
    below = now.y0 * height if below is None else below
    across, up = width - left - right, height - below - _ABOVE
    axis.set_position((left / width, below / height, across / width, up / height))
    axis.yaxis.set_label_coords(-(left - 3) / across, 0.5)
    axis.xaxis.set_label_coords(0.5, -(below - 3) / up)
    axis.yaxis.label.set(va="top")
    axis.xaxis.label.set(va="bottom")


def log_ticks(axis: Axes, which: str, most: int = 6) -> None:
    """Ticks at round numbers, as many as have room beside one another."""
    own = axis.xaxis if which == "x" else axis.yaxis
    low, high = axis.get_xlim() if which == "x" else axis.get_ylim()
    own.set_minor_locator(NullLocator())
    own.set_minor_formatter(NullFormatter())
    places = round_numbers(low, high, most)
    own.set_ticks(places, [tick_text(each) for each in places])


def round_numbers(low: float, high: float, most: int) -> list[float]:
    """At most so many round numbers between two positive ones, evenly far apart in ratio."""
    high = min(high, sys.float_info.max / 2)  # errors in ulp may come near it
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    last = min(last, sys.float_info.max_10_exp)
    for steps in ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        places = [step * 10.0**each for each in range(first, last + 1) for step in steps]
        places = [each for each in places if low * 0.999 <= each <= high * 1.001]
        if len(places) <= most:
            return places
    decades = range(first, last + 1)
    every = -(-len(decades) // most)
    return [10.0**each for each in decades if each % every == 0 and low <= 10.0**each <= high]


def tick_text(value: float) -> str:
    """``0.5``, ``2,000``, ``1e6``, ``1.5e-4``."""
    if value and not 1e-3 <= value < 1e5:
        mantissa, exponent = f"{value:e}".split("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    return f"{value:,g}"


def finite_range(values: Any) -> tuple[float, float]:
    """The smallest and largest positive finite number, a little apart."""
    known = np.asarray(values, float)
    known = known[np.isfinite(known) & (known > 0)]
    if not known.size:
        return 0.1, 10.0
    return float(known.min()) / 1.3, float(known.max()) * 1.3
