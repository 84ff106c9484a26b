"""The words of a report, for tests of its words: drawing the figures takes most of its time."""

from unittest.mock import patch

import matplotlib.pyplot as plt
from softmax_reports import page


def markdown_of(run, folder):
    """The report.md of a run, written into a folder together with figures that are empty."""
    with patch.object(page, "_save", _empty):
        page.write_report(run, folder)
    return (folder / "report.md").read_text(encoding="utf-8")


def _empty(picture, folder):
    plt.close(picture.figure)
    (folder / f"{picture.name}.svg").write_bytes(b"<svg/>")
