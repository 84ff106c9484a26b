"""The page of many runs, from stored runs that were made worse."""

from pathlib import Path

import pandas as pd
import pytest
from softmax_harness.run.results import Run, read
from softmax_reports.history import Moment, history_html, points_of

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="module")
def moments():
    run = read(GOLDEN).of("softmax")
    worse = run.results.copy()
    worse.loc[worse["implementation"] == "max-shifted", "max_ulp"] *= 4
    worse = worse[worse["n"] < 1000]
    made = {"date": "2026-01-02 00:00 UTC", "commit": "fedcba9876543210, changed"}
    earlier = run.info | {"made": made | {"date": "2026-01-01 00:00 UTC", "commit": "0123456789"}}
    return [
        Moment("after", Run(run.info | {"made": made}, {"results": worse})),
        Moment("before", Run(earlier, {"results": run.results})),
    ]


def test_what_rose_is_told_of_the_inputs_that_both_have(moments):
    text = history_html(moments)
    assert "From before to after (3 pairs of implementation and " in text
    assert "max-shifted in float16 (9.18 to 36.7 " in text
    assert "naive in float16" not in text  # whose largest error is in longer rows, of one run
    assert "2: before and after" in text
    assert 'aria-label="largest error (ulp) over runs in float16"' in text


def test_labels_are_commits_and_asv_has_its_times(moments):
    asv = pd.DataFrame(
        {
            "date": pd.to_datetime(["2026-01-01T12:00Z"] * 2),
            "commit": ["aaaabbbbcccc"] * 2,
            "measure": ["ns_per_element", "max_ulp"],
            "operation": "softmax",
            "implementation": "naive",
            "dtype": "float16",
            "n": [1000, None],
            "value": [3.5, 2.0],
        }
    )
    points = points_of(moments[::-1], asv)
    assert list(dict.fromkeys(points["label"])) == ["01234567", "aaaabbbb", "fedcba98+"]
    assert points.loc[points["from"] == "asv", "ns"].tolist() == [3.5]
    assert history_html(moments[:1]).count("One run alone has no history") == 1


def test_runs_of_one_commit_are_moments_of_their_own(moments):
    """As are those of a kernel that is changed and not committed yet."""
    after, before = moments
    made = before.run.info["made"] | {"commit": after.run.info["made"]["commit"]}
    before = Moment("before", Run(before.run.info | {"made": made}, before.run.tables))
    points = points_of([before, after], None)
    assert list(dict.fromkeys(points["label"])) == ["before", "after"]
    text = history_html([before, after])
    assert 'aria-label="largest error (ulp) over runs in float16"' in text


def test_the_command_writes_it_and_replaces_nothing_else(called, tmp_path):
    (tmp_path / "run").symlink_to(GOLDEN)
    assert called("report", "--history", tmp_path, "--asv", "none").returncode == 0
    page = tmp_path / "history.html"
    first = page.read_bytes()
    assert called("report", "--history", tmp_path, "--asv", "none").returncode == 0
    assert page.read_bytes() == first
    page.write_text("mine")
    refused = called("report", "--history", tmp_path, "--asv", "none")
    assert refused.returncode == 2 and "this is no history" in refused.stderr
    assert page.read_text() == "mine"
    nothing = called("report", "--history", tmp_path / "run", "--asv", "none")
    assert nothing.returncode == 2 and "no run there" in nothing.stderr
