"""What a report is made of: sections of paragraphs, tables and pictures, in no markup yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from matplotlib.figure import Figure

_SHORT = 26  # letters of a cell that stay on one line


def anchor(text: str) -> str:
    """Text as the name of a place in a page."""
    return "-".join("".join(c if c.isalnum() else " " for c in text.lower()).split())


class Link(str):
    """The text of a cell, which leads to a place in the page.

    Attributes
    ----------
    target : str
        The anchor.
    """

    target: str

    def __new__(cls, text: str, target: str) -> Link:
        """That text, leading there."""
        self = super().__new__(cls, text)
        self.target = target
        return self


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
        A cell that begins with ``softmax-harness `` is a command to copy; a `Link` leads to a
        place in the page.
    numeric_from : int
        The first column whose cells are numbers, set to the right.
    numeric_to : int, optional
        The first column behind these; by default a column of commands, or none.
    """

    caption: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    numeric_from: int = 1
    numeric_to: int | None = None

    def is_numeric(self, column: int) -> bool:
        """Whether the cells of a column are numbers."""
        end = self.numeric_to
        if end is None:
            end = len(self.header) - (self.header[-1] == "replay")
        return self.numeric_from <= column < end

    @property
    def texts(self) -> str:
        """Classes of the table that name its columns of text, and of these the long ones."""
        columns = [each for each in range(len(self.header)) if not self.is_numeric(each)]
        long = [each for each in columns if any(len(row[each]) > _SHORT for row in self.rows)]
        return " ".join([*(f"w{each}" for each in columns), *(f"l{each}" for each in long)])


@dataclass(frozen=True)
class Panel:
    """One part of a picture, which stands alone on a narrow screen.

    Attributes
    ----------
    name : str
        Of its file in ``figures/``, behind the picture's; empty where there is one panel alone.
    alternative : str
        For those who do not see it.
    figure : Figure
    tips : mapping of str to str
        What is said of a part of the figure, by the ``gid`` of the part.
    """

    name: str
    alternative: str
    figure: Figure
    tips: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Picture:
    """A figure of one or more panels.

    Attributes
    ----------
    name : str
        With which the names of its files in ``figures/`` begin.
    caption : str
        What it shows and how to read it.
    panels : sequence of Panel
    """

    name: str
    caption: str
    panels: Sequence[Panel]


@dataclass(frozen=True)
class Verdict:
    """What to use in one dtype.

    Attributes
    ----------
    dtype, headline : str
    meaning : str
        What it is that is to be used, in a line.
    facts : sequence of (label, sentences)
    faults : Table, optional
        How often those to avoid fail, for those who ask.
    """

    dtype: str
    headline: str
    meaning: str
    facts: Sequence[tuple[str, str]]
    faults: Table | None = None


@dataclass(frozen=True)
class LeftOut:
    """What a page has no numbers of.

    Attributes
    ----------
    libraries : str
        Names of those that are not installed, or nothing.
    command : str
        That brings these.
    more : sequence of str
        All that is left out, and what brings it, a sentence each.
    """

    libraries: str
    command: str
    more: Sequence[str]


@dataclass(frozen=True)
class Verdicts:
    """The verdict for each dtype, side by side."""

    cards: Sequence[Verdict]


@dataclass(frozen=True)
class Witness:
    """One element, as far as it can be shown on paper.

    Attributes
    ----------
    anchor, title : str
    facts : sequence of (label, text)
        In a line each.
    text : str
        Lines of text of one width.
    command : str
        That shows it again.
    """

    anchor: str
    title: str
    facts: Sequence[tuple[str, str]]
    text: str
    command: str


@dataclass(frozen=True)
class Terms:
    """Words and what they mean.

    Attributes
    ----------
    caption : str
    kind : str
        Which tells a name of the run from a word of the field that is spelt like it.
    meanings : mapping of str to str
    """

    caption: str
    kind: str
    meanings: Mapping[str, str]

    @property
    def anchors(self) -> dict[str, str]:
        """Where each word stands in the page."""
        return {word: anchor(f"{self.kind} {word}") for word in self.meanings}


@dataclass(frozen=True)
class Folded:
    """What is opened by those who want to see it."""

    summary: str
    parts: Sequence[Part]


Part = Paragraph | Table | Picture | Verdicts | Witness | Terms | Folded


@dataclass(frozen=True)
class Section:
    """One question and its answer.

    Attributes
    ----------
    title : str
    parts : sequence of Part
    in_markdown : bool
        Whether report.md has it too: not what stands in a table beside it.
    """

    title: str
    parts: Sequence[Part]
    in_markdown: bool = True
