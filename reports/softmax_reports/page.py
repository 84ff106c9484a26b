"""The report of a run: report.html, report.md with the same facts, and figures/."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.backends.backend_svg import FigureCanvasSVG
from softmax_harness.ground.documents.markdown import escaped
from softmax_harness.operations import OPERATIONS

from softmax_reports import sections
from softmax_reports.section import Paragraph, Picture, Section, Table
from softmax_reports.style import PARAMETERS

if TYPE_CHECKING:
    from softmax_harness.run.results import Run

_DOTS_PER_INCH = 150
TITLE = "How wrong is each softmax, and where does it break?"


def write_report(run: Run, folder: Path) -> None:
    """Write report.html, report.md and figures/ into `folder`."""
    pictures = folder / "figures"
    pictures.mkdir()
    measured = list(run.results["operation"].unique())
    with matplotlib.rc_context(PARAMETERS):
        one = run.of(next((name for name in OPERATIONS if name in measured), measured[0]))
        made = [build(one) for build in sections.OF_ONE_OPERATION]
        made += [build(run) for build in sections.OF_THE_RUN]
        shown = [section for section in made if section is not None]
        write_pages(TITLE, shown, folder)


def write_pages(title: str, shown: Sequence[Section], folder: Path) -> None:
    """Write report.html and report.md with these sections, and their figures into figures/."""
    pictures = folder / "figures"
    for part in (part for section in shown for part in section.parts):
        if isinstance(part, Picture):
            _save(part, pictures)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("softmax_reports"),
        autoescape=lambda name: name == "report.html",
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.tests |= {"paragraph": _is(Paragraph), "table": _is(Table), "picture": _is(Picture)}
    environment.filters |= {"markdown": escaped, "anchor": _anchor}
    for name in ("report.html", "report.md"):
        text = environment.get_template(name).render(
            title=title, sections=shown, svg=lambda part: _embedded(pictures / f"{part.name}.svg")
        )
        (folder / name).write_text(text, encoding="utf-8")


def _is(kind: type) -> Any:
    return lambda part: isinstance(part, kind)


def _save(picture: Picture, folder: Path) -> None:
    buffer, figure = io.BytesIO(), picture.figure
    # To have it laid out, savefig would draw all of it, and throw that away. The layout depends on
    # how the format measures text, and so on its canvas.
    FigureCanvasSVG(figure)
    figure.set_dpi(_DOTS_PER_INCH)
    if (layout := figure.get_layout_engine()) is not None:
        layout.execute(figure)
        figure.set_layout_engine("none")
    figure.savefig(buffer, format="svg", metadata={"Date": None}, dpi=_DOTS_PER_INCH)
    plt.close(figure)
    (folder / f"{picture.name}.svg").write_bytes(buffer.getvalue())


def _embedded(path: Path) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(path.read_bytes()).decode()


def _anchor(title: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in title.lower()).split())


__all__ = ["Section", "write_report"]
