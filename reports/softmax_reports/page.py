"""The report of a run: report.html, report.md with the same facts, and figures/."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib

matplotlib.use("Agg")
from softmax_harness.operations import OPERATIONS

from softmax_reports import sections
from softmax_reports.drawing import save
from softmax_reports.facts import operation_of
from softmax_reports.header import header_of, left_out
from softmax_reports.rendering import Page, render_html, render_markdown
from softmax_reports.section import Folded, Part, Picture, Section
from softmax_reports.style import PARAMETERS

if TYPE_CHECKING:
    from softmax_harness.run.results import Run

TITLE = "How wrong is each {}, and where does it break?"


def write_report(run: Run, folder: Path, figures: Sequence[str] = ("svg",)) -> None:
    """Write report.html, report.md and figures/ into `folder`.

    Parameters
    ----------
    figures : sequence of {"svg", "pdf", "png"}
        The formats of the files in figures/, for papers and slides.
    """
    measured = list(run.results["operation"].unique())
    with matplotlib.rc_context(PARAMETERS):
        one = run.of(next((name for name in OPERATIONS if name in measured), measured[0]))
        made = [build(one) for build in sections.OF_ONE_OPERATION]
        made += [build(run) for build in sections.OF_THE_RUN]
        shown = [section for section in made if section is not None]
        title = TITLE.format(operation_of(one))
        write_page(Page(title, header_of(run), shown, left_out(run)), folder, figures)


def write_page(page: Page, folder: Path, figures: Sequence[str] = ("svg",)) -> None:
    """Write the files of a page into `folder`."""
    drawn = save(list(_pictures(page.sections)), folder / "figures", figures)
    (folder / "report.html").write_text(render_html(page, drawn), encoding="utf-8")
    (folder / "report.md").write_text(render_markdown(page, drawn), encoding="utf-8")


def _pictures(made: Sequence[Section]) -> Iterator[Picture]:
    for section in made:
        yield from _within(section.parts)


def _within(parts: Sequence[Part]) -> Iterator[Picture]:
    for part in parts:
        if isinstance(part, Picture):
            yield part
        elif isinstance(part, Folded):
            yield from _within(part.parts)
