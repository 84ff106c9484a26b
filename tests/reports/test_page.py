"""The report's text: sections in order, one self-contained file, the same facts in Markdown."""

import base64
import html
import re

import pandas as pd
import pytest
from softmax_harness.run.results import Run, read
from softmax_reports.facts import summary
from softmax_reports.numbers import digits, in_order, sampled_maximum
from softmax_reports.page import write_report

TITLES = [
    "Which softmax to use",
    "Overflow and underflow",
    "Where each breaks",
    "The error against n and against range",
    "How the error is distributed",
    "Accuracy against speed",
    "The worst witnesses",
    "On real logits",
    "Environment",
]


@pytest.fixture(scope="module")
def page(run_folder):
    return (run_folder / "report.html").read_text(encoding="utf-8")


def test_sections_stand_in_the_order_in_which_they_are_read(page, run_folder):
    assert [html.unescape(each) for each in re.findall("<h2>(.*?)</h2>", page)] == TITLES
    markdown = (run_folder / "report.md").read_text(encoding="utf-8")
    assert re.findall("^## (.*)$", markdown, re.MULTILINE) == TITLES


def test_the_page_needs_no_other_file(page):
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert sources and all(each.startswith(("data:image/svg+xml;base64,", "#")) for each in sources)
    assert "http" not in re.sub(r'"data:[^"]*"', "", page)


def test_pictures_have_words_and_reproduce(page, run_folder):
    alternatives = re.findall('<img src="([^"]*)" alt="([^"]*)">', page)
    pictures = sorted((run_folder / "figures").iterdir())
    assert len(alternatives) == len(pictures) >= 5 and all(text for _, text in alternatives)
    embedded = {base64.b64decode(source.split(",")[1]) for source, _ in alternatives}
    assert embedded == {path.read_bytes() for path in pictures}
    assert all(b"<dc:date>" not in each for each in embedded)


def test_both_files_tell_the_same_maxima(page, run_folder):
    markdown = (run_folder / "report.md").read_text(encoding="utf-8")
    for value in summary(read(run_folder))["max_ulp"]:
        assert sampled_maximum(value) in page and sampled_maximum(value) in markdown


def test_the_recommendation_follows_from_the_table(page, run_folder):
    table = summary(read(run_folder)).drop(index="exact", level="implementation")
    for dtype in ("float16", "float32"):
        rows = table.xs(dtype, level="dtype")
        sound = rows[(rows["breaks"] == 0) & (rows["inaccurate"] == 0)]
        best = sound["max_ulp"].idxmin()
        assert f"{dtype} (7 families, n ≤ 4096, seed 0): {best} is the most accurate" in page
    assert "naive in float16 changes 540 predictions" in page


def test_names_from_outside_are_escaped(run_folder, tmp_path):
    run = read(run_folder)
    mark = "<script>alert(1)</script>|`"
    results = run.results.assign(family=run.results["family"].replace("masked", mark))
    info = run.info | {"families": {mark: mark}}
    write_report(Run(info, {"results": results}), tmp_path)
    assert "<script>" not in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script>" not in (tmp_path / "report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "value, text",
    [(0.5, "0.5"), (66.34, "66.3"), (12345.6, "12346"), (3.4e10, "3.40e10"), (1e-7, "1.00e-7")],
)
def test_numbers_as_text(value, text):
    assert digits(value) == text


def test_what_is_not_there_is_a_dash_and_dtypes_stand_narrow_first():
    assert digits(float("nan")) == "–" and digits(float("inf")) == "∞"
    assert sampled_maximum(2.0) == "≥ 2"
    assert in_order(pd.Series(["float64", "float16", "bfloat16"])) == [
        "float16",
        "bfloat16",
        "float64",
    ]
