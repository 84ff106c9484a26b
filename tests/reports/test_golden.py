"""The tables of a stored run, word for word as they were last looked at.

After a change that is meant, look at the difference and store the new text:
softmax-harness report tests/reports/golden, then remove what that adds beside report.md.
"""

from pathlib import Path

from softmax_harness.run.results import Run, read

from .undrawn import markdown_of

GOLDEN = Path(__file__).parent / "golden"


def test_the_tables_are_what_they_were(tmp_path):
    expected = (GOLDEN / "report.md").read_text(encoding="utf-8")
    assert markdown_of(read(GOLDEN), tmp_path) == expected


def test_a_worse_number_would_be_seen(tmp_path):
    run = read(GOLDEN)
    worst = run.results["max_ulp"].idxmax()
    changed = run.results.copy()
    changed.loc[worst, "max_ulp"] *= 2
    worse = Run(run.info, run.tables | {"results": changed})
    expected = (GOLDEN / "report.md").read_text(encoding="utf-8")
    assert markdown_of(worse, tmp_path) != expected
