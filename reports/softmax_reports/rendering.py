"""A page as HTML and as Markdown."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup, escape
from softmax_harness.ground.documents.markdown import escaped

from softmax_reports.drawing import file_name
from softmax_reports.facts import REFERENCE
from softmax_reports.section import (
    Folded,
    LeftOut,
    Link,
    Panel,
    Paragraph,
    Part,
    Picture,
    Section,
    Table,
    Terms,
    Verdicts,
    Witness,
    anchor,
)
from softmax_reports.svg import inline
from softmax_reports.words import Linker

_PLAIN = {REFERENCE, "overflow", "nan"}  # words that mostly stand for something else
_OPTION = re.compile(r"(?<!\S)(--[a-z][a-z-]*)(?!\S)")
_KINDS = (Paragraph, Table, Picture, Verdicts, Witness, Terms, Folded, Link)


@dataclass(frozen=True)
class Page:
    """What one page shows.

    Attributes
    ----------
    title : str
    header : sequence of (label, text)
    sections : sequence of Section
    left_out : LeftOut, optional
    """

    title: str
    header: Sequence[tuple[str, str]]
    sections: Sequence[Section]
    left_out: LeftOut | None = None


def render_html(page: Page, drawn: Mapping[str, str]) -> str:
    """One file that needs no other, and whose policy lets it ask for none.

    Parameters
    ----------
    drawn : mapping of str to str
        The svg of each panel by the name of its file.
    """
    style, script = _read("report.css"), _read("report.js")
    environment = _environment(autoescape=True)
    environment.filters["linked"] = Linker(_anchors(page.sections))

    def svg(picture: Picture, panel: Panel) -> str:
        name = file_name(picture, panel)
        return inline(drawn[name], anchor(name), panel.alternative, panel.tips)

    text = environment.get_template("report.html").render(
        page=page,
        svg=svg,
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
    )
    return _without_blank_lines(text)


def render_markdown(page: Page, drawn: Mapping[str, str]) -> str:
    """The same facts for where no page can be opened, with the figures beside it."""
    environment = _environment(autoescape=False)
    shown = [each for each in page.sections if each.in_markdown]
    text = environment.get_template("report.md").render(page=page, sections=shown)
    return re.sub(r"\n{3,}", "\n\n", text)


def _environment(autoescape: bool) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("softmax_reports"),
        autoescape=autoescape,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.tests |= {kind.__name__.lower(): _is(kind) for kind in _KINDS}
    environment.filters |= {
        "markdown": escaped,
        "code": _code,
        "cell": _cell,
        "command": _command,
        "rows": _rows,
        "anchor": anchor,
        "file_name": lambda panel, picture: file_name(picture, panel),
    }
    return environment


def _cell(text: str) -> Markup:
    """The text of a cell; a link or a command as such."""
    if isinstance(text, Link):
        return Markup('<a href="#{}">{}</a>').format(text.target, str(text))
    if text.startswith("softmax-harness "):
        return Markup('<code class="command">{}</code>').format(_command(text))
    return escape(text)


def _command(text: str) -> Markup:
    """A command whose options are not parted at the end of a line."""
    return Markup(_OPTION.sub(r"<span>\1</span>", str(escape(text))))


def _rows(rows: Sequence[tuple[str, ...]]) -> Markup:
    """The lines of a table, whose first cells are heads; a template takes ten times as long."""
    lines = (
        f'<tr><th scope="row">{escape(first)}{"".join(f"<td>{_cell(text)}" for text in others)}'
        for first, *others in rows
    )
    return Markup("\n".join(lines))


def _code(text: str) -> str:
    """A command in Markdown, between more backticks than it has in a row."""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    space = " " if "`" in text else ""
    return f"{fence}{space}{' '.join(text.split())}{space}{fence}".replace("|", "\\|")


def _is(kind: type) -> Any:
    return lambda part: isinstance(part, kind)


def _anchors(sections: Sequence[Section]) -> dict[str, str]:
    """Where the page explains each word; a name of the run before a word that is spelt like it."""
    parts: list[Part] = [part for section in sections for part in section.parts]
    return {
        word: place
        for part in reversed(parts)
        if isinstance(part, Terms)
        for word, place in part.anchors.items()
        if word not in _PLAIN
    }


def _read(name: str) -> str:
    text = (files("softmax_reports") / "templates" / name).read_text(encoding="utf-8")
    return _without_blank_lines(text)


def _without_blank_lines(text: str) -> str:
    return re.sub(r"\n\s*\n+", "\n", text)


def _hash(text: str) -> str:
    """As a content security policy names what it allows."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
