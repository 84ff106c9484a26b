"""No conclusion of the report is written: on results that contradict it, none is said.

Each sentence of the report is one of three:

- a definition, word for word in definitions.txt: what is shown and what the words mean, or theory
  that is true of every run;
- a reading, in readings.txt with # for each number: a number that was measured, with no claim;
- a conclusion. It must not be said, whatever its numbers, of results that contradict it.

So a new sentence that concludes something, and is not derived from the run, fails here.
"""

import re
from pathlib import Path

import pandas as pd
import pytest
from softmax_harness.run.results import Run, read
from softmax_reports.facts import sum_is_off, summary
from softmax_reports.section import Folded, Paragraph, Verdicts
from softmax_reports.sections.limits import limits
from softmax_reports.sections.phase_maps import phase_maps
from softmax_reports.sections.speed import front, speed
from softmax_reports.sections.verdicts import verdicts

from .contradicted import ANOTHER, contradicted, with_timings
from .undrawn import markdown_of

HERE = Path(__file__).parent
# Not those that stand within a name, such as float16 or normal-1.
_NUMBER = re.compile(r"(?<![\w-])[-−]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?(e-?\d+)?(?![\w])|∞")


def sentences(run, folder):
    """The report's sentences and clauses, those of its headings and captions too, in order.

    Not those of the lines above the first section, which say what was run, nor of the glossary,
    whose meanings come from docstrings and constants.
    """
    folder.mkdir()
    whole = markdown_of(run, folder)
    lines = whole[whole.index("\n## ") : whole.index("\n## Glossary")].splitlines()
    text = [re.sub(r"\\(.)", r"\1", line).strip("*#! ") for line in lines if line[:1] != "|"]
    parts = [re.split(r"(?<=[.;]) (?=\S)", line) for line in text if line]
    return list(dict.fromkeys(part.rstrip(".;") for line in parts for part in line))


def without_numbers(sentence):
    """The sentence with # for each number."""
    return _NUMBER.sub("#", sentence)


def listed(name):
    return (HERE / name).read_text(encoding="utf-8").splitlines()


def of_softmaxes(run, names):
    """The run with the results of some implementations alone."""
    tables = {
        name: table[table["implementation"].isin(names)] if "implementation" in table else table
        for name, table in run.tables.items()
    }
    return Run(run.info, tables)


@pytest.fixture(scope="module")
def real(run_folder):
    """A run with every table: the softmaxes that can be contradicted, and other operations."""
    softmax, golden = of_softmaxes(read(run_folder), (*ANOTHER, "exact")), read(HERE / "golden")
    results = golden.results
    others = results[results["operation"] != "softmax"]
    tables = golden.tables | softmax.tables
    tables["results"] = pd.concat([softmax.results, others], ignore_index=True)
    return with_timings(Run(softmax.info, tables))


@pytest.fixture(scope="module")
def said(real, tmp_path_factory):
    """The sentences of the real run."""
    return sentences(real, tmp_path_factory.mktemp("real") / "report")


@pytest.fixture(scope="module")
def contrary(real, tmp_path_factory):
    """The sentences of the run that contradicts it."""
    return sentences(contradicted(real), tmp_path_factory.mktemp("contrary") / "report")


def conclusions(said):
    """The sentences that are neither definitions nor readings."""
    definitions, readings = listed("definitions.txt"), listed("readings.txt")
    return [
        each for each in said if each not in definitions and without_numbers(each) not in readings
    ]


def still_said(said, contrary):
    """The conclusions that are also drawn from results that contradict them."""
    shapes = {without_numbers(each) for each in contrary}
    return [each for each in conclusions(said) if without_numbers(each) in shapes]


def test_no_conclusion_is_said_of_results_that_contradict_it(said, contrary):
    assert still_said(said, contrary) == []
    assert len(conclusions(said)) > 30


@pytest.mark.parametrize(
    "written",
    [
        "Subtracting the maximum makes every row safe",
        "naive has no such step, and is better until it breaks",
        "At n = 4096 log-sum-exp never loses results",
    ],
)
def test_a_sentence_that_is_written_would_be_found(said, contrary, written):
    assert still_said([*said, written], [*contrary, written]) == [written]


def test_readings_give_the_numbers_of_the_run(said, contrary):
    readings = listed("readings.txt")
    read_off = [each for each in said if without_numbers(each) in readings]
    assert [each for each in read_off if each in contrary] == []


def test_what_is_listed_is_said(said):
    assert [each for each in listed("definitions.txt") if each not in said] == []
    shapes = {without_numbers(each) for each in said}
    assert [each for each in listed("readings.txt") if each not in shapes] == []


def told(build, run):
    """The sentences of a section."""
    return " ".join(spoken(build(run).parts))


def spoken(parts):
    """The texts of paragraphs and verdicts, those that are folded too."""
    for part in parts:
        if isinstance(part, Paragraph):
            yield part.text
        elif isinstance(part, Folded):
            yield from spoken(part.parts)
        elif isinstance(part, Verdicts):
            for card in part.cards:
                yield from (f"{card.dtype}: {card.headline}.", *(text for _, text in card.facts))


def altered(run, name, **columns):
    """The softmax results with other values for one implementation in all of its cells."""
    one = run.of("softmax")
    results = one.results.copy()
    results.loc[results["implementation"] == name, list(columns)] = list(columns.values())
    return Run(one.info, one.tables | {"results": results})


def test_who_breaks_on_part_of_the_elements_is_not_worth_its_time(real):
    table = summary(real.of("softmax")).xs("float16", level="dtype")
    assert table["time"].idxmin() == "naive" and table.loc["naive", "breaks"] > 0
    assert "naive" not in front(table[table["time"].notna()])
    assert "naive break" in told(speed, real.of("softmax"))


def test_whose_rows_sum_to_4096_breaks_and_is_neither_recommended_nor_worth_its_time(real):
    run = altered(real, "wide", sum_defect=4095.0)
    assert "wide errs least" in told(verdicts, real.of("softmax"))
    assert "wide are worth" in told(speed, real.of("softmax"))
    assert not re.search("wide (errs least|itself|is the fastest|never)", told(verdicts, run))
    assert not re.search(r"wide [^.]*worth", told(speed, run))
    assert "wide break" in told(phase_maps, run) and "wide never break" not in told(phase_maps, run)


def test_where_max_shifted_overflows_it_is_said_not_that_every_row_is_safe(real):
    one = real.of("softmax")
    own = one.results[one.results["implementation"] == "max-shifted"]
    assert f"max-shifted breaks in none of its {len(own)} cells" in told(limits, one)
    long = own.iloc[[0]]
    long = long.assign(n=65537, family="equal", overflow=65537, correctly_rounded=0)
    results = pd.concat([one.results, long], ignore_index=True)
    there = told(limits, Run(one.info, one.tables | {"results": results}))
    assert f"max-shifted breaks in 1 of its {len(own) + 1} cells" in there
    assert "the shortest row in float16 on equal, n = 65,537" in there


def test_where_every_implementation_breaks_none_is_recommended(real):
    one = real.of("softmax")
    run = Run(one.info, one.tables | {"results": one.results.assign(nan=1)})
    assert told(verdicts, run).count("none is without fault") == 2
    assert told(speed, run).count("every implementation that was timed breaks") == 2


@pytest.mark.parametrize("name", ["naive", "max-shifted"])
def test_calls_that_fail_are_told_with_what_they_did_and_not_as_nan(real, name):
    one = real.of("softmax")
    faults = {f"{name} float16": ["raised ValueError: too long; try less", "changed its input"]}
    run = Run(one.info | {"faults": faults}, one.tables)
    text = told(verdicts, run)
    assert "raised ValueError: too long" in text and "try less" not in text
    assert text.count("fail: one raised") + text.count("A call of it raised") == 1
    alone = altered(real, name, nan=1, overflow=0, denominator_underflow=0)
    assert f"{name} gives NaN" in told(verdicts, alone)
    assert (
        f"{name} gives NaN" not in told(verdicts, Run(run.info, alone.tables)).split("float32")[0]
    )


def test_a_row_may_be_off_by_a_hundredth_or_by_what_rounding_its_outputs_does():
    cells = pd.DataFrame(
        [
            ("float16", 4096, 0.0101),
            ("float32", 4096, 0.0099),
            ("float16", 2**25, 1.0),  # all 1 / n, which round to 0
            ("float16", 2**20, 0.1),
            ("float64", 2**25, 1.0),
            ("float64", 3, float("nan")),
        ],
        columns=["dtype", "n", "sum_defect"],
    )
    assert sum_is_off(cells).tolist() == [True, False, False, True, True, False]


@pytest.mark.parametrize("operation, inaccurate", [("attention", 0), ("attention", 1), ("", 0)])
def test_an_error_beyond_the_result_that_is_allowed_is_explained(run_folder, operation, inaccurate):
    """Beside "no result was inaccurate" a newcomer would read it twice."""
    run = read(run_folder).of("softmax")
    found = {"operation": operation or "softmax", "max_ulp": 1e9, "inaccurate": inaccurate}
    text = told(verdicts, Run(run.info, {"results": run.results.assign(**found)}))
    assert ("terms cancel" in text) == (bool(operation) and not inaccurate)
