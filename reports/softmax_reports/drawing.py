"""Figures as files."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from softmax_reports.section import Panel, Picture

KINDS = ("svg", "pdf", "png")
_DOTS_PER_INCH = 150
_DATED = {"svg": "Date", "pdf": "CreationDate"}


def save(pictures: Sequence[Picture], folder: Path, kinds: Sequence[str]) -> dict[str, str]:
    """Write each panel into `folder` in each format, and give each panel's svg by its name."""
    folder.mkdir()
    drawn = {}
    for picture in pictures:
        for panel in picture.panels:
            name = file_name(picture, panel)
            drawn[name] = _save(panel.figure, folder / name, kinds)
    return drawn


def drawn(pictures: Sequence[Picture]) -> dict[str, str]:
    """Each panel's svg by its name, for a page that stands alone."""
    return {
        file_name(picture, panel): _save(panel.figure, Path(panel.name), ())
        for picture in pictures
        for panel in picture.panels
    }


def file_name(picture: Picture, panel: Panel) -> str:
    """Of the files of a panel, without an ending."""
    return f"{picture.name}-{panel.name}" if panel.name else picture.name


def _save(figure: Figure, path: Path, kinds: Sequence[str]) -> str:
    figure.set_dpi(_DOTS_PER_INCH)
    svg = _drawn(figure, "svg")
    for kind in kinds:
        path.with_name(f"{path.name}.{kind}").write_bytes(
            svg if kind == "svg" else _drawn(figure, kind)
        )
    return svg.decode()


def _drawn(figure: Figure, kind: str) -> bytes:
    buffer = io.BytesIO()
    own = {_DATED[kind]: None} if kind in _DATED else {}
    paper = {} if kind == "svg" else {"facecolor": "white"}
    figure.savefig(
        buffer,
        format=kind,
        metadata=own,
        dpi=_DOTS_PER_INCH,
        **paper,  # type: ignore[arg-type]
    )
    return buffer.getvalue()
