"""A figure of small maps in columns: what holds at each place of a plane, as a colour and a letter.

All maps stand in one pair of axes whose unit is the point, because axes take most of the time that
a figure takes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from numpy.typing import NDArray

from softmax_reports.labels import text_width
from softmax_reports.style import MUTED, POINTS, WIDTH

Array = NDArray[Any]

COLUMNS = 3
# In points: the sizes of letters, of a map, and of what stands around it.
_SMALL, _HEIGHT = 7.0, 58.0
_TITLE, _LINE = 7.5, 9.0
_LEFT, _BETWEEN, _ABOVE, _TICK, _NAMES, _KEY = 36.0, 9.0, 20.0, 2.5, 26.0, 11.5
_SWATCH, _APART = 9.0, 12.0
_LINES = "#222222"


@dataclass(frozen=True)
class Look:
    """How a kind of place is drawn, and what it means."""

    colour: str
    letter: str
    meaning: str

    @property
    def ink(self) -> str:
        """Black or white, whichever is read on the colour."""
        light = sum(int(self.colour[at : at + 2], 16) for at in (1, 3, 5))
        return "#ffffff" if light < 380 else "#000000"


@dataclass(frozen=True)
class Scale:
    """An axis of a map: the middles of its cells, and the ticks; evenly spaced, or in ratio."""

    middles: Array
    ticks: Sequence[tuple[float, str]]
    is_log: bool = False

    @property
    def edges(self) -> Array:
        """Where cells meet, and where the first begins and the last ends; as `place` counts."""
        known = self._even(self.middles)
        inner = (known[1:] + known[:-1]) / 2
        if not len(inner):
            return np.array([known[0] - 0.5, known[0] + 0.5])
        return np.array([2 * known[0] - inner[0], *inner, 2 * known[-1] - inner[-1]])

    def place(self, values: Array) -> Array:
        """From 0, at the first edge, to 1, at the last."""
        edges = self.edges
        return np.asarray((self._even(values) - edges[0]) / (edges[-1] - edges[0]))

    def _even(self, values: Array) -> Array:
        return np.log(values) if self.is_log else np.asarray(values, float)


@dataclass(frozen=True)
class Map:
    """One map.

    Attributes
    ----------
    title : sequence of str
        Its lines.
    x, y : Scale
    kinds : ndarray of int, shape (rows, columns)
        The lowest row first.
    lines : sequence of (x, y, dash)
        Drawn over the map, as far as they are inside of it.
    """

    title: Sequence[str]
    x: Scale
    y: Scale
    kinds: NDArray[np.int_]
    lines: Sequence[tuple[Array, Array, str]]


@dataclass(frozen=True)
class _Frame:
    """Where a map stands in its figure, in points."""

    left: float
    below: float
    width: float

    def at(self, across: Array, up: Array) -> Array:
        """Places of a map, each from 0 to 1, as points of the figure."""
        return np.stack([self.left + self.width * across, self.below + _HEIGHT * up], axis=-1)


def small_maps(
    title: str, labels: tuple[str, str], maps: Sequence[Map], looks: Sequence[Look]
) -> Figure:
    """The figure of some maps and the meaning of what they show.

    Parameters
    ----------
    labels : (str, str)
        The names of the horizontal and the vertical axis.
    looks : sequence of Look
        By kind.
    """
    columns = min(COLUMNS, len(maps))
    rows = [maps[at : at + columns] for at in range(0, len(maps), columns)]
    above = [_LINE * max(len(each.title) for each in row) + 4.0 for row in rows]
    present = sorted({int(kind) for each in maps for kind in np.unique(each.kinds)})
    key = _key_columns([looks[kind] for kind in present])
    foot = _NAMES + _KEY * max(map(len, key)) + 2.0
    height = _ABOVE + sum(above) + _HEIGHT * len(rows) + foot
    figure, axis = _sheet(height)
    width = (POINTS * WIDTH - _LEFT - 4.0 - _BETWEEN * (columns - 1)) / columns
    frames = []
    top = height - _ABOVE
    for row, title_height in zip(rows, above, strict=True):
        top -= title_height + _HEIGHT
        frames += [_Frame(_LEFT + at * (width + _BETWEEN), top, width) for at in range(len(row))]
    _fill(axis, frames, maps, looks)
    _frames(axis, frames, maps, columns)
    for frame, each in zip(frames, maps, strict=True):
        text = "\n".join(each.title)
        axis.text(frame.left, frame.below + _HEIGHT + 2.0, text, fontsize=_TITLE, linespacing=1.1)
        _letters(axis, frame, each, looks)
    axis.text(_LEFT, height - 3.0, title, va="top", fontsize=9.5, fontweight="bold")
    axis.text(_LEFT, top - 14.0, labels[0], va="top", fontsize=7.5)
    middle = (top + height - _ABOVE) / 2
    axis.text(7.0, middle, labels[1], rotation=90, ha="center", va="center", fontsize=7.5)
    _legend(axis, key, top - _NAMES)
    return figure


def _sheet(height: float) -> tuple[Figure, Axes]:
    """A figure, and axes that count its points."""
    figure = Figure(figsize=(WIDTH, height / POINTS))
    axis = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axis.set_axis_off()
    axis.set(xlim=(0.0, POINTS * WIDTH), ylim=(0.0, height))
    return figure, axis


def _fill(axis: Axes, frames: Sequence[_Frame], maps: Sequence[Map], looks: Sequence[Look]) -> None:
    """The cells, as one path for each kind; over these the lines, as one for each dash."""
    found: dict[int, list[Array]] = defaultdict(list)
    dashes: dict[str, list[Array]] = defaultdict(list)
    whole = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    for frame, each in zip(frames, maps, strict=True):
        found[0].append(frame.at(*whole.T))  # seen where no other kind is drawn upon it
        across, up = (_shares(scale.edges) for scale in (each.x, each.y))
        for start, stop, kind, first, last in _blocks(each.kinds):
            corners = across[[start, stop, stop, start]], up[[first, first, last, last]]
            if kind:
                found[kind].append(frame.at(*corners))
        for x, y, dash in each.lines:
            place = np.stack([each.x.place(x), each.y.place(y)])
            inside = np.all((place >= 0) & (place <= 1), axis=0)
            shown = np.where(inside[:, None], frame.at(*place), np.nan)
            dashes[dash] += [shown, np.full((1, 2), np.nan)]
    for kind in sorted(found):
        cells = Path(_closed(found[kind]), _codes(len(found[kind])))
        patch = PathPatch(cells, facecolor=looks[kind].colour, linewidth=0, antialiased=False)
        _add(axis, patch)
    for dash, points in dashes.items():
        axis.plot(*np.concatenate(points).T, dash, color=_LINES, linewidth=0.8, clip_on=False)


def _add(axis: Axes, artist: Artist) -> None:
    """Add what neither changes the limits nor is cut at them."""
    artist.set_clip_on(False)
    axis.add_artist(artist)


def _shares(edges: Array) -> Array:
    return np.asarray((edges - edges[0]) / (edges[-1] - edges[0]))


def _closed(rectangles: Sequence[Array]) -> Array:
    return np.concatenate([np.concatenate([each, each[:1]]) for each in rectangles])


def _codes(rectangles: int) -> list[Any]:
    return [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY] * rectangles


def _blocks(kinds: NDArray[np.int_]) -> Iterator[tuple[int, int, int, int, int]]:
    """Rectangles of one kind, together the map: columns from and to, kind, rows from and to."""
    open_since: dict[tuple[int, int, int], int] = {}
    for place, row in enumerate([*kinds, ()]):
        runs = dict.fromkeys(_runs(row))
        for run in [each for each in open_since if each not in runs]:
            yield *run, open_since.pop(run), place
        for run in runs:
            open_since.setdefault(run, place)


def _runs(row: Iterable[int]) -> list[tuple[int, int, int]]:
    """Where each kind begins and ends along a row."""
    own = np.asarray(row, int)
    if not own.size:
        return []
    edges = [0, *(np.flatnonzero(np.diff(own)) + 1), len(own)]
    pairs = zip(edges[:-1], edges[1:], strict=True)
    return [(int(start), int(stop), int(own[start])) for start, stop in pairs]


def _frames(axis: Axes, frames: Sequence[_Frame], maps: Sequence[Map], columns: int) -> None:
    """The lower and the left side of each map, and the ticks; numbers along the outer sides."""
    lines: list[Array] = []
    for at, (frame, each) in enumerate(zip(frames, maps, strict=True)):
        lines.append(frame.at(np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0])))
        for value, text in each.x.ticks:
            x, y = frame.at(each.x.place(np.array([value])), np.zeros(1))[0]
            lines.append(np.array([[x, y], [x, y - _TICK]]))
            if at + columns >= len(maps):
                axis.text(x, y - _TICK - 1.5, text, ha="center", va="top", fontsize=_SMALL)
        for value, text in each.y.ticks:
            x, y = frame.at(np.zeros(1), each.y.place(np.array([value])))[0]
            lines.append(np.array([[x, y], [x - _TICK, y]]))
            if at % columns == 0:
                own: dict[str, Any] = {"ha": "right", "va": "center_baseline", "fontsize": _SMALL}
                axis.text(x - _TICK - 2.0, y, text, **own)
    _add(axis, LineCollection(lines, colors=[MUTED], linewidths=0.8, zorder=3))


def _letters(axis: Axes, frame: _Frame, shown: Map, looks: Sequence[Look]) -> None:
    """Each outcome's letter in the middle of its longest stretch along the middle row."""
    middle = len(shown.kinds) // 2
    longest: dict[int, tuple[int, int]] = {}
    for start, stop, kind in _runs(shown.kinds[middle]):
        if stop - start > max(4, -int(np.subtract(*longest.get(kind, (0, 0))))):
            longest[kind] = (start, stop)
    across, up = _shares(shown.x.edges), _shares(shown.y.edges)
    for kind, (start, stop) in longest.items():
        if letter := looks[kind].letter:
            place = np.mean(across[[start, stop]]), np.mean(up[[middle, middle + 1]])
            x, y = frame.at(*(np.array([each]) for each in place))[0]
            own: dict[str, Any] = {"ha": "center", "va": "center_baseline", "fontsize": 7}
            axis.text(x, y, letter, color=looks[kind].ink, **own)


def _key_columns(looks: Sequence[Look]) -> list[Sequence[Look]]:
    """The meanings in as many columns as have room, filled one after another."""
    for columns in range(COLUMNS, 0, -1):
        rows = -(-len(looks) // columns)
        parts = [looks[at : at + rows] for at in range(0, len(looks), rows)]
        if sum(map(_key_width, parts)) <= POINTS * WIDTH - _LEFT:
            break
    return parts


def _key_text(look: Look) -> str:
    return f"{look.letter}  {look.meaning}" if look.letter else look.meaning


def _key_width(looks: Sequence[Look]) -> float:
    return _SWATCH + 4.0 + max(text_width(_key_text(each), _TITLE) for each in looks) + _APART


def _legend(axis: Axes, columns: Sequence[Sequence[Look]], top: float) -> None:
    left = _LEFT
    for looks in columns:
        for row, look in enumerate(looks):
            below = top - _KEY * (row + 1) + 2.0
            corners = np.array([[0.0, 0.0], [_SWATCH, 0.0], [_SWATCH, 6.5], [0.0, 6.5]])
            path = Path(_closed([corners + (left, below)]), _codes(1))
            _add(axis, PathPatch(path, facecolor=look.colour, edgecolor=MUTED, linewidth=0.7))
            axis.text(left + _SWATCH + 4.0, below + 0.8, _key_text(look), fontsize=_TITLE)
        left += _key_width(looks)
