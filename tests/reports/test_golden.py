"""The tables of a stored run, word for word as they were last looked at.

After a change that is meant, look at the difference and store the new text:
softmax-harness report tests/reports/golden, then remove what that adds beside report.md.
"""

import shutil
from pathlib import Path

from softmax_harness.results import read
from softmax_reports.page import write_report

GOLDEN = Path(__file__).parent / "golden"


def test_the_tables_are_what_they_were(tmp_path):
    write_report(read(GOLDEN), tmp_path)
    expected = (GOLDEN / "report.md").read_text(encoding="utf-8")
    assert (tmp_path / "report.md").read_text(encoding="utf-8") == expected


def test_a_worse_number_would_be_seen(tmp_path):
    run = shutil.copytree(GOLDEN, tmp_path / "run")
    table = (run / "results.csv").read_text(encoding="utf-8")
    worst = float(read(run).results["max_ulp"].max())
    assert repr(worst) in table
    (run / "results.csv").write_text(table.replace(repr(worst), repr(worst * 2)), encoding="utf-8")
    (tmp_path / "out").mkdir()
    write_report(read(run), tmp_path / "out")
    expected = (GOLDEN / "report.md").read_text(encoding="utf-8")
    assert (tmp_path / "out" / "report.md").read_text(encoding="utf-8") != expected
