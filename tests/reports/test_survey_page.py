"""The page of a survey says of each format whether nobody asked, or it was not taken."""

import pandas as pd
from softmax_harness.run.results import COLUMNS
from softmax_harness.studies.survey.refused import INPUT
from softmax_reports.survey.accuracy import worst
from softmax_reports.survey.answers import refused, special
from softmax_reports.survey.read import Survey, read


def row(name, dtype, way="", worst=1.5, **more):
    known = {"library": "a", "implementation": name, "operation": "log_softmax", "dtype": dtype}
    known |= {"setting": "", "way": way, "faults": "", "family": "normal-1", "n": 3}
    known |= {"elements": 9, "max_ulp": worst, "mean_ulp": worst, "wrong_special": 0}
    known |= {"beyond_usual": 0, "beyond_relative": 3}
    return dict.fromkeys(COLUMNS, 0) | known | more


def probe(name, dtype, answer):
    known = {"implementation": name, "operation": "log_softmax", "dtype": dtype, "input": INPUT}
    return known | {"answer": answer, "right": "", "expected": ""}


SURVEY = Survey(
    {},
    pd.DataFrame(
        [
            row("one", "float8_e5m2", worst=float("nan"), wrong_special=9),
            row("one", "float32"),
            row("two", "float32"),
            row("two", "float32", way="row alone"),
        ]
    ),
    pd.DataFrame(
        [probe("two", dtype, "raised TypeError: no") for dtype in ("float8_e5m2", "float16")]
    ),
    pd.DataFrame(),
)


def tables(section):
    return {
        each.caption.split(";")[0].split(":")[0]: each
        for part in section.parts
        for each in getattr(part, "parts", [part])
        if hasattr(each, "rows")
    }


def test_a_format_is_measured_lost_not_taken_or_not_asked():
    largest, others, beyond, faults = tables(worst(SURVEY, "log_softmax")).values()
    assert largest.header == ("implementation", "float8_e5m2", "float32")
    assert largest.rows == [
        ("one", "NaN", "≥ 1.5 (1.5)"),
        ("two", "not taken", "≥ 1.5 (1.5)"),
    ]
    assert others.rows == [("two, row alone", "not taken", "≥ 1.5 (1.5)")]
    assert {row[1] for row in beyond.rows} == {"float32"}
    assert faults.rows == [("one", "float8_e5m2", "9")]


def test_every_column_has_a_head():
    for section in (worst(SURVEY, "log_softmax"), refused(SURVEY), special(SURVEY)):
        for table in tables(section).values():
            assert all(table.header), table.caption


def test_what_was_said_to_a_format_is_told_once():
    (table,) = tables(refused(SURVEY)).values()
    assert table.rows == [("two", "log_softmax", "float8_e5m2 float16", "raised TypeError: no")]
    assert all(not table.rows for table in tables(special(SURVEY)).values())


def test_an_answer_of_nan_is_read_as_a_word_and_who_spoils_another_row_is_told(tmp_path):
    asked = {"library": "a", "setting": "", "operation": "log_softmax", "dtype": "float32"}
    asked |= {"implementation": "one", "right": "no"}
    probes = pd.DataFrame(
        [
            asked | {"input": "one number", "answer": "nan", "expected": "1", "lost": "nan"},
            asked | {"input": "+inf, 0", "answer": "nan nan", "expected": "nan nan", "lost": ""},
        ]
    )
    for name, table in (("results", SURVEY.results), ("probes", probes), ("bits", probes)):
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    (tmp_path / "survey.json").write_text("{}", encoding="utf-8")
    found = read(tmp_path)
    assert found.probes["lost"].isna().all() and (found.probes["setting"] == "").all()
    wrong = special(found).parts[1]
    assert [row[3:] for row in wrong.rows] == [("nan", "1"), ("nan nan; beside it off", "nan nan")]
