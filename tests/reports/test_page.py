"""The report's text: sections in order, one self-contained file, the same facts in Markdown."""

import base64
import hashlib
import html
import re
from pathlib import Path

import pandas as pd
import pytest
from softmax_harness.run.results import Run, read
from softmax_reports.facts import summary
from softmax_reports.numbers import (
    count,
    counted,
    digits,
    in_order,
    part_of_value,
    percent,
    sampled_maximum,
)
from softmax_reports.page import write_report

from .undrawn import write_undrawn

TITLES = [
    "Which softmax to use",
    "Where each breaks",
    "All compared",
    "The worst witnesses",
    "The error against n and against range",
    "How the error is distributed",
    "Overflow and underflow",
    "On real logits",
    "All results",
    "Environment",
    "Glossary",
]


@pytest.fixture(scope="module")
def page(run_folder):
    return (run_folder / "report.html").read_text(encoding="utf-8")


def test_sections_stand_in_the_order_in_which_they_are_read(page, run_folder):
    assert [html.unescape(each) for each in re.findall("<h2[^>]*>(.*?)</h2>", page)] == TITLES
    markdown = (run_folder / "report.md").read_text(encoding="utf-8")
    assert re.findall("^## (.*)$", markdown, re.MULTILINE) == [
        each for each in TITLES if each != "All results"
    ]


def test_the_page_needs_no_other_file(page):
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert sources and all(each.startswith(("data:image/png;base64,", "#")) for each in sources)
    schemas = r' xmlns(?::xlink)?="http://www.w3.org/(?:2000/svg|1999/xlink)"|mailto:'
    assert "http" not in re.sub(r"http-equiv|<title>.*?</title>", "", re.sub(schemas, "", page))


def test_the_policy_allows_what_stands_in_the_page_and_nothing_else(page):
    policy = re.search('http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1]
    assert html.unescape(policy).startswith("default-src 'none'; img-src data:; ")
    for kind in ("style", "script"):
        (text,) = re.findall(f"<{kind}>(.*?)</{kind}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in html.unescape(policy)
    assert not re.search(r"<[^>]* (style|on\w+)=", page)


def test_pictures_have_words_and_stand_in_files_too(page, run_folder):
    alternatives = re.findall('<svg role="img" aria-label="([^"]*)"', page)
    pictures = sorted((run_folder / "figures").iterdir())
    assert len(alternatives) == len(pictures) >= 10 and all(alternatives)
    assert len({*alternatives}) > len(alternatives) / 2
    assert all(b"<dc:date>" not in path.read_bytes() for path in pictures)
    ids = re.findall(r' id="([^"]*)"', page)
    assert len(ids) == len({*ids})


def test_one_run_gives_the_same_bytes(run_folder, tmp_path):
    write_report(read(run_folder), tmp_path, ("svg", "png"))
    for name in ("report.html", "report.md"):
        assert (tmp_path / name).read_bytes() == (run_folder / name).read_bytes()
    for path in (run_folder / "figures").iterdir():
        assert (tmp_path / "figures" / path.name).read_bytes() == path.read_bytes()
        assert (tmp_path / "figures" / f"{path.stem}.png").stat().st_size > 1000


def test_each_link_leads_somewhere(page):
    ids = {*re.findall(r' id="([^"]*)"', page)}
    targets = {*re.findall(r'<a [^>]*href="#([^"]*)"', page)}
    assert len(targets) > 30 and targets <= ids


def test_both_files_tell_the_same_maxima(page, run_folder):
    markdown = (run_folder / "report.md").read_text(encoding="utf-8")
    for value in summary(read(run_folder))["max_ulp"]:
        assert sampled_maximum(value) in page and sampled_maximum(value) in markdown


def test_the_recommendation_follows_from_the_table(run_folder):
    markdown = (run_folder / "report.md").read_text(encoding="utf-8")
    table = summary(read(run_folder)).drop(index="exact", level="implementation")
    for dtype in ("float16", "float32"):
        rows = table.xs(dtype, level="dtype")
        sound = rows[(rows[["breaks", "inaccurate", "flushed"]] == 0).all(axis=1)]
        best = sound["max_ulp"].idxmin()
        assert f"### {dtype}: use {best}\n" in markdown
        results = f"{int(rows.loc[best, 'elements']):,} results"
        on = "(7 families, rows of up to 4,096 logits, seed 0)"
        assert f"\n{best} never broke in {results} {on}: " in markdown
    assert "naive in float16 changes 540 predictions" in markdown


def test_names_from_outside_are_escaped(run_folder, tmp_path):
    run = read(run_folder)
    mark = "<script>alert(1)</script>|`"
    renamed = {"family": {"masked": mark}, "implementation": {"naive": mark}}
    results = run.results.replace(renamed)
    about = run.info["implementations"] | {mark: {"summary": mark, "dtypes": [mark]}}
    info = run.info | {"families": {mark: mark}, "implementations": about}
    write_undrawn(Run(info, {"results": results}), tmp_path)
    for name in ("report.html", "report.md"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        if name.endswith("md"):  # what stands between backticks is code
            text = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", re.sub(r"\\`", "", text))
        assert "<script>alert" not in text and "alert(1)" in text


@pytest.mark.parametrize(
    "value, text",
    [(0.5, "0.5"), (66.34, "66.3"), (12345.6, "12,346"), (3.4e10, "3.40e10"), (1e-7, "1.00e-7")],
)
def test_numbers_as_text(value, text):
    assert digits(value) == text


def test_what_is_not_there_is_a_dash_and_dtypes_stand_narrow_first():
    assert digits(float("nan")) == "–" and digits(float("inf")) == "∞"
    assert sampled_maximum(2.0) == "≥ 2" and sampled_maximum(float("inf")) == "> 1.80e308"
    assert in_order(pd.Series(["float64", "float16", "bfloat16"])) == [
        "float16",
        "bfloat16",
        "float64",
    ]


@pytest.mark.parametrize(
    "part, text",
    [
        (4.9e-4, "0.049 % of the value"),
        (7.905e-6, "0.00079 % of the value"),
        (6e-8, "0.000006 % of the value"),
        (1.14e-13, "one part in 8.8 trillion of the value"),
        (1.11e-16, "one part in 9 quadrillion of the value"),
        (121.0, "121 times the value"),
        (0.0, "0 % of the value"),
    ],
)
def test_a_part_of_a_value_is_told_as_percent_or_as_one_part_in_many(part, text):
    assert part_of_value(part) == text


def test_parts_and_counts_as_text():
    assert count(12, 3400) == "12 of 3,400 (0.35 %)" and count(0, 3400) == "0"
    assert count(1, 4, "cells") == "1 of 4 cells (25 %)"
    assert percent(0.99999) == "99.99 %" and percent(1.0) == "100 %"
    assert percent(7.1e-6) == "< 0.01 %" and percent(0.0) == "0 %"
    assert counted(1, "family", "families") == "1 family" and counted(1200, "cell") == "1,200 cells"


def test_the_title_is_of_the_operation(tmp_path):
    run = read(Path(__file__).parent / "golden")
    for operation in ("softmax", "log_softmax"):
        results = run.results.assign(operation=operation)
        folder = tmp_path / operation
        folder.mkdir()
        write_report(Run(run.info, {"results": results}), folder)
        text = (folder / "report.html").read_text(encoding="utf-8")
        assert f"<h1>How wrong is each {operation}, and where does it break?</h1>" in text
