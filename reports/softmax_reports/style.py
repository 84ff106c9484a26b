"""The look of figures: one palette, one colour for one name, in every figure of every report."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
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

Box = tuple[float, float, float, float]
"""Left, bottom, right, top, in points."""

WIDTH = 4.4  # inches: three panels stand side by side on a screen, one on a phone
_LABEL_SIZE = 7
_MOST_LABELS = 18


def looks(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Colour, marker and dash of each implementation.

    Those of a name that the project has are the same in every report; others follow in order.
    """
    known = {name: place for place, name in enumerate(_NAMES)}
    others = sorted(set(names) - {*known})
    places = known | {name: len(known) + place for place, name in enumerate(others)}
    return {name: _look(places[name]) for name in sorted(set(names))}


def _look(place: int) -> dict[str, Any]:
    turn = place // len(_COLOURS)
    return {
        "color": _COLOURS[place % len(_COLOURS)],
        "marker": _MARKERS[(place + turn) % len(_MARKERS)],
        "linestyle": _DASHES[turn % len(_DASHES)],
    }


def panel(height: float, width: float = WIDTH) -> tuple[Figure, Axes]:
    """A figure of one panel's width, and its axes."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


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
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for steps in ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        places = [step * 10.0**each for each in range(first, last + 1) for step in steps]
        places = [each for each in places if low * 0.999 <= each <= high * 1.001]
        if len(places) <= most:
            return places
    decades = range(first, last + 1)
    every = -(-len(decades) // most)
    return [10.0**each for each in decades if each % every == 0 and low <= 10.0**each <= high]


def tick_text(value: float) -> str:
    """``0.5``, ``2,000``, ``1e6``."""
    if value and not 1e-3 <= value < 1e5:
        mantissa, exponent = f"{value:.0e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{value:,g}"


def label_ends(axis: Axes, ends: Sequence[tuple[str, float, float, str]]) -> None:
    """Name lines at their right ends, no name upon another, each with a thread to its line.

    Parameters
    ----------
    ends : sequence of (name, x, y, colour)
        Of more than `_MOST_LABELS` lines those that end highest and lowest are named.
    """
    shown = sorted((each for each in ends if each[2] > 0), key=lambda each: each[2])
    if len(shown) > _MOST_LABELS:
        half = _MOST_LABELS // 2
        shown = [*shown[:half], *shown[-half:]]
    heights = _spread([_height(axis, y) for _, _, y, _ in shown], 0.055)
    for (name, x, y, colour), height in zip(shown, heights, strict=True):
        axis.annotate(
            name,
            (x, y),
            (1.03, height),
            textcoords="axes fraction",
            fontsize=_LABEL_SIZE,
            va="center",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": colour,
                "linewidth": 0.6,
                "shrinkA": 1,
                "shrinkB": 1,
            },
        )


def _height(axis: Axes, y: float) -> float:
    """Where a value stands between the lower and the upper end of the axis."""
    inside = axis.transAxes.inverted().transform(axis.transData.transform((1.0, y)))
    return float(inside[1])


def _spread(heights: list[float], apart: float) -> list[float]:
    """Ascending heights moved as little as needed to stand apart, from 0 up where they fit."""
    placed: list[float] = []
    for height in heights:
        placed.append(max(height, placed[-1] + apart) if placed else max(height, 0.0))
    over = placed[-1] - 1.0 if placed else 0.0
    if over > 0:  # push back down from the top
        placed[-1] = 1.0
        for place in range(len(placed) - 2, -1, -1):
            placed[place] = min(placed[place], placed[place + 1] - apart)
    return placed


def label_points(axis: Axes, points: Sequence[tuple[str, float, float]]) -> None:
    """Name points beside them, where nothing stands yet: a point or another name.

    Parameters
    ----------
    points : sequence of (name, x, y)
    """
    figure = axis.get_figure()
    assert isinstance(figure, Figure)
    FigureCanvasAgg(figure).draw()  # type: ignore[no-untyped-call]  # lays out, so that places on paper are known
    scale = figure.dpi / 72
    places = axis.transData.transform([(x, y) for _, x, y in points]) / scale
    taken: list[Box] = [(x - 3, y - 3, x + 3, y + 3) for x, y in places]
    frame = axis.get_window_extent()
    low, high = frame.x0 / scale, frame.x1 / scale
    for (name, across, up), (x, y) in zip(points, places, strict=True):
        width, height = 0.58 * _LABEL_SIZE * len(name), 1.1 * _LABEL_SIZE
        boxes = [
            (x + dx, y + dy, x + dx + width, y + dy + height)
            for dx, dy in _candidates(width, height)
        ]
        best = min(boxes, key=partial(_cost, point=(x, y), taken=taken, frame=(low, high)))
        taken.append(best)
        axis.annotate(
            name,
            (across, up),
            (best[0] - x, best[1] - y),
            textcoords="offset points",
            fontsize=_LABEL_SIZE,
            va="bottom",
            annotation_clip=False,
            arrowprops=_THREAD if _distance(best, (x, y)) > 14 else None,
        )


def _candidates(width: float, height: float) -> list[tuple[float, float]]:
    """Where a name may begin, seen from its point: right, left, above, below, further."""
    up = [each * height for each in (-0.5, 0.3, -1.3, 1.1, -2.1, 2.0, -3.0, 3.0)]
    beside = [(x, y) for y in up for x in (6.0, -6.0 - width)]
    return beside + [(-width / 2, y) for y in (5.0, -5.0 - height)]


_THREAD = {"arrowstyle": "-", "color": MUTED, "linewidth": 0.5}


def _distance(box: Box, point: tuple[float, float]) -> float:
    """From a point to the nearest place of a box."""
    return math.hypot(
        max(box[0] - point[0], 0.0, point[0] - box[2]),
        max(box[1] - point[1], 0.0, point[1] - box[3]),
    )


def _cost(
    box: Box, point: tuple[float, float], taken: list[Box], frame: tuple[float, float]
) -> float:
    """What speaks against a place for a name: what it covers, what sticks out, how far it is."""
    over = sum(
        max(0.0, min(box[2], other[2]) - max(box[0], other[0]))
        * max(0.0, min(box[3], other[3]) - max(box[1], other[1]))
        for other in taken
    )
    out = max(0.0, frame[0] - box[0]) + max(0.0, box[2] - frame[1])
    return over + 50 * out + 0.1 * _distance(box, point)


def finite_range(values: Any) -> tuple[float, float]:
    """The smallest and largest positive finite number, a little apart."""
    known = np.asarray(values, float)
    known = known[np.isfinite(known) & (known > 0)]
    if not known.size:
        return 0.1, 10.0
    return float(known.min()) / 1.3, float(known.max()) * 1.3
