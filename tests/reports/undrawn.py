"""The words of a report, for tests of its words: drawing the figures takes most of its time."""

from unittest.mock import patch

from softmax_reports import drawing, page

EMPTY = '<svg width="1pt" height="1pt" viewBox="0 0 1 1"></svg>'


def markdown_of(run, folder):
    """The report.md of a run, written into a folder together with figures that are empty."""
    write_undrawn(run, folder)
    return (folder / "report.md").read_text(encoding="utf-8")


def write_undrawn(run, folder):
    """Write the report of a run with figures that are empty."""
    with patch.object(drawing, "_save", _empty):
        page.write_report(run, folder)


def _empty(figure, path, kinds):
    path.with_name(f"{path.name}.svg").write_text(EMPTY)
    return EMPTY
