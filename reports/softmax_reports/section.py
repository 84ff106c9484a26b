"""What a report is made of: sections of paragraphs, tables and pictures, in no markup yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure


@dataclass(frozen=True)
class Paragraph:
    """Plain text that says what to conclude."""

    text: str


@dataclass(frozen=True)
class Table:
    """Rows of text under a header.

    Attributes
    ----------
    caption : str
    header : tuple of str
    rows : sequence of tuple of str
    numeric_from : int
        The first column whose cells are numbers, set to the right.
    """

    caption: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    numeric_from: int = 1


@dataclass(frozen=True)
class Picture:
    """A figure.

    Attributes
    ----------
    name : str
        Of its file in ``figures/``.
    caption : str
        What it shows and how to read it.
    alternative : str
        For those who do not see it.
    figure : Figure
    """

    name: str
    caption: str
    alternative: str
    figure: Figure


@dataclass(frozen=True)
class Section:
    """One question and its answer."""

    title: str
    parts: Sequence[Paragraph | Table | Picture]
