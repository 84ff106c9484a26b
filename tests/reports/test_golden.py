"""The tables of a stored run, word for word as they were last looked at.

After a change that is meant, look at the difference and store the new text:
softmax-harness report tests/reports/golden, then remove what that adds beside report.md.
"""

from pathlib import Path

from softmax_harness.run.results import Run, read
from softmax_reports.page import write_report

GOLDEN = Path(__file__).parent / "golden"


def test_the_tables_are_what_they_were(tmp_path):
    write_report(read(GOLDEN), tmp_path)
    expected = (GOLDEN / "report.md").read_text(encoding="utf-8")
    assert (tmp_path / "report.md").read_text(encoding="utf-8") == expected


def test_a_worse_number_would_be_seen(tmp_path):
    run = read(GOLDEN)
    worst = run.results["max_ulp"].idxmax()
    changed = run.results.copy()
    changed.loc[worst, "max_ulp"] *= 2
    write_report(Run(run.info, run.tables | {"results": changed}), tmp_path)
    expected = (GOLDEN / "report.md").read_text(encoding="utf-8")
    assert (tmp_path / "report.md").read_text(encoding="utf-8") != expected
