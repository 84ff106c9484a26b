"""Names of lines and points, where they stand and none upon another.

Where each stands on paper is computed from the widths of its letters: nothing is drawn to find it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache, partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from matplotlib.transforms import Affine2D, Transform

from softmax_reports.style import MUTED, POINTS, leave

Place = tuple[float, float]
"""Across and up from the lower left corner of a figure, in points."""

Box = tuple[float, float, float, float]
"""Left, bottom, right, top, in points."""

_SIZE = 7.0
_MOST = 18
_APART = 0.055  # of the height of the axes
_THREAD, _GAP = (
    9.0,
    2.0,
)  # points from the axes to a name's thread's end, and from there to the name
_WIDEST = 150.0  # points of a name beside the axes: half of a panel remains
_TICK, _WIDEST_TICK, _SLANT = 7.5, 62.0, 35.0  # of names below the axes: points, points, degrees


@lru_cache(4096)
def text_width(text: str, size: float = _SIZE) -> float:
    """How wide a line of text is, in points."""
    font = FontProperties(size=size)
    return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0])


def shortened(text: str, width: float, size: float = _SIZE) -> str:
    """The text without its middle, where it is wider than so many points."""
    shown, kept = text, len(text)
    while kept > 2 and text_width(shown, size) > width:
        kept -= 1
        shown = f"{text[: kept // 2]}…{text[len(text) - (kept - kept // 2) :]}"
    return shown


def name_ticks(axis: Axes, places: Sequence[float], names: Sequence[str]) -> None:
    """Ticks with names such as commits, which stand aslant and have the room that they need."""
    shown = [shortened(name, _WIDEST_TICK, _TICK) for name in names]
    axis.set_xticks(places, shown, rotation=_SLANT, ha="right", rotation_mode="anchor")
    longest = max((text_width(name, _TICK) for name in shown), default=0.0)
    leave(axis, below=longest * math.sin(math.radians(_SLANT)) + 2.2 * _TICK)


def label_ends(axis: Axes, ends: Sequence[tuple[str, float, float, str]]) -> None:
    """Name lines at their right ends, no name upon another, each with a thread to its line.

    Limits and scales of the axes have to be what they shall be.

    Parameters
    ----------
    ends : sequence of (name, x, y, colour)
        Of more than `_MOST` lines those that end highest and lowest are named.
    """
    shown = sorted((each for each in ends if each[2] > 0), key=lambda each: each[2])
    if len(shown) > _MOST:
        half = _MOST // 2
        shown = [*shown[:half], *shown[-half:]]
    if not shown:
        return
    names = [shortened(name, _WIDEST) for name, *_ in shown]
    leave(axis, right=_THREAD + 2 * _GAP + max(map(text_width, names)))
    starts = _on_paper(axis, [(x, y) for _, x, y, _ in shown])
    _, low, right, high = _frame(axis)
    apart = _APART * (high - low)
    heights = [low + each for each in _spread([y - low for _, y in starts], apart, high - low)]
    ends_at = [(right + _THREAD, height) for height in heights]
    _threads(axis, starts, ends_at, [colour for *_, colour in shown])
    for name, (x, y) in zip(names, ends_at, strict=True):
        _write(axis, name, (x + _GAP, y), "center_baseline")


def _spread(heights: list[float], apart: float, top: float) -> list[float]:
    """Ascending heights moved as little as needed to stand apart, from 0 to the top if they fit."""
    placed: list[float] = []
    for height in heights:
        placed.append(max(height, placed[-1] + apart) if placed else max(height, 0.0))
    if placed[-1] > top:  # push back down
        placed[-1] = top
        for place in range(len(placed) - 2, -1, -1):
            placed[place] = min(placed[place], placed[place + 1] - apart)
    return placed


def label_points(
    axis: Axes,
    points: Sequence[tuple[str, float, float]],
    bars: Sequence[tuple[float, float]] = (),
) -> None:
    """Name points beside them, where nothing stands yet: a point, its bar or another name.

    Limits and scales of the axes have to be what they shall be.

    Parameters
    ----------
    points : sequence of (name, x, y)
    bars : sequence of (left, right), optional
        From where to where the bar of each goes.
    """
    places = _on_paper(axis, [(x, y) for _, x, y in points])
    taken: list[Box] = [(x - 3, y - 3, x + 3, y + 3) for x, y in places]
    for (_, _, y), ends in zip(points, bars, strict=False):
        (left, level), (right, _) = _on_paper(axis, [(end, y) for end in ends])
        taken.append((left, level - 1, right, level + 1))
    far: list[tuple[Place, Place]] = []
    for (name, _, _), (x, y) in zip(points, places, strict=True):
        width, height = text_width(name), 1.1 * _SIZE
        boxes = [
            (x + dx, y + dy, x + dx + width, y + dy + height)
            for dx, dy in _candidates(width, height)
        ]
        cost = partial(_cost, point=(x, y), taken=taken, frame=_frame(axis))
        best = min(boxes, key=cost)
        taken.append(best)
        _write(axis, name, (best[0], best[1]), "bottom")
        if _distance(best, (x, y)) > 14:
            far.append(((x, y), _nearest(best, (x, y))))
    _threads(axis, [start for start, _ in far], [end for _, end in far], [MUTED])


def _on_paper(axis: Axes, points: Sequence[tuple[float, float]]) -> list[Place]:
    """Where points of the data stand in the figure."""
    figure = _figure(axis)
    places = axis.transData.transform(np.asarray(points, float)) * POINTS / figure.dpi
    return [(float(x), float(y)) for x, y in places]


def _frame(axis: Axes) -> Box:
    """Where the axes stand in the figure."""
    left, below, right, above = np.asarray(axis.bbox.extents) * POINTS / _figure(axis).dpi
    return float(left), float(below), float(right), float(above)


def _figure(axis: Axes) -> Figure:
    figure = axis.get_figure()
    assert isinstance(figure, Figure)
    return figure


def _paper(axis: Axes) -> Transform:
    """From points of the figure, whatever its dots."""
    return Affine2D().scale(1 / POINTS) + _figure(axis).dpi_scale_trans


def _write(axis: Axes, text: str, place: Place, anchored: str) -> None:
    axis.text(*place, text, transform=_paper(axis), va=anchored, fontsize=_SIZE)


def _threads(
    axis: Axes, starts: Sequence[Place], ends: Sequence[Place], colours: Sequence[str]
) -> None:
    """Thin lines from what is named to its name."""
    lines = [[start, end] for start, end in zip(starts, ends, strict=True)]
    thin = LineCollection(lines, colors=colours, linewidths=0.6, transform=_paper(axis))
    thin.set_clip_on(False)
    axis.add_collection(thin, autolim=False)


def _candidates(width: float, height: float) -> list[Place]:
    """Where a name may begin, seen from its point: right, left, above, below, further."""
    up = [each * height for each in (-0.5, 0.3, -1.3, 1.1, -2.1, 2.0, -3.0, 3.0)]
    beside = [(x, y) for y in up for x in (6.0, -6.0 - width)]
    return beside + [(-width / 2, y) for y in (5.0, -5.0 - height)]


def _nearest(box: Box, point: Place) -> Place:
    """The place of a box that is nearest to a point."""
    return min(max(point[0], box[0]), box[2]), min(max(point[1], box[1]), box[3])


def _distance(box: Box, point: Place) -> float:
    """From a point to the nearest place of a box."""
    return math.dist(point, _nearest(box, point))


def _cost(box: Box, point: Place, taken: list[Box], frame: Box) -> float:
    """What speaks against a place for a name: what it covers, what sticks out, how far it is."""
    over = sum(
        max(0.0, min(box[2], other[2]) - max(box[0], other[0]))
        * max(0.0, min(box[3], other[3]) - max(box[1], other[1]))
        for other in taken
    )
    sides = (frame[0] - box[0], box[2] - frame[2], frame[1] - box[1], box[3] - frame[3])
    out = sum(max(0.0, each) for each in sides)
    return over + 50 * out + 0.1 * _distance(box, point)
