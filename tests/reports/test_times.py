"""What the report says of times that were made up."""

from pathlib import Path

import pandas as pd
import pytest
from softmax_harness.run.results import Run, read
from softmax_reports.section import Folded, Paragraph, Table
from softmax_reports.sections.speed import speed
from softmax_reports.sections.verdicts import verdicts
from softmax_reports.times import TOO_NOISY, ratio_text, timed_pair

GOLDEN = Path(__file__).parent / "golden"
FIRST, SECOND, THIRD = "max-shifted", "naive", "wide"
OTHER = "log-sum-exp"  # never breaks, as the first, and errs twice as much
MADE_UP = {  # seconds at the quartiles, with the second's overlapping the first's
    FIRST: (9e-5, 10e-5, 11e-5),
    SECOND: (10.5e-5, 12e-5, 13e-5),
    THIRD: (19e-5, 20e-5, 21e-5),
}


def timings(made_up=MADE_UP, dtype="float16", n=1000):
    """timings.csv of these times."""
    rows = [
        {
            "implementation": name,
            "dtype": dtype,
            "n": n,
            "seconds_q25": low,
            "seconds_median": middle,
            "seconds_q75": high,
            "ns_per_element": middle * 1e4,
            "repeats": 30,
            "failure": None,
        }
        for name, (low, middle, high) in made_up.items()
    ]
    return pd.DataFrame(rows)


def test_a_ratio_has_its_interval_and_what_overlaps_has_none():
    close = timings({"of": (1.95, 2.0, 2.1), "to": (0.97, 1.0, 1.02)})
    assert timed_pair(close, "float16", 1000, ("of", "to")) == "2 (1.91–2.16)"
    assert timed_pair(close, "float16", 1000, ("to", "of")) == "0.5 (0.462–0.523)"
    for pair in ((FIRST, SECOND), (SECOND, FIRST), (FIRST, FIRST)):
        assert timed_pair(timings(), "float16", 1000, pair) == TOO_NOISY


def test_an_interval_that_is_too_wide_for_one_number_stands_alone():
    rows = timings({"of": (2.0, 3.0, 4.0), "to": (1.0, 1.1, 1.2)}).set_index("implementation")
    assert ratio_text(rows.loc["of"], rows.loc["to"]) == "1.67–4"


def test_what_was_not_timed_is_a_dash():
    assert timed_pair(timings(), "float16", 10, (FIRST, THIRD)) == "–"
    assert timed_pair(timings(), "float16", 1000, (FIRST, "gone")) == "–"


def told(table):
    """The section on speed, of the stored run with these times, a line for each part or row."""
    run = read(GOLDEN).of("softmax")
    own = run.results[run.results["implementation"] == FIRST]
    worse = own.assign(implementation=OTHER, max_ulp_probable=2 * own["max_ulp_probable"])
    results = pd.concat([run.results, worse])
    section = speed(Run(run.info, {"results": results, "timings": table}))
    folded = [part.parts for part in section.parts if isinstance(part, Folded)]
    parts = [*section.parts, *(each for own in folded for each in own)]
    lines = [part.text for part in parts if isinstance(part, Paragraph)]
    tables = [part for part in parts if isinstance(part, Table)]
    return lines + [" | ".join(row) for part in tables for row in part.rows]


def test_the_report_ranks_only_what_is_apart():
    lines = told(timings())
    assert f"{SECOND} | float16 | {TOO_NOISY}" in lines
    assert f"{THIRD} | float16 | 1.73–2.33" in lines and f"{FIRST} | float16 | 1" in lines
    assert f"{THIRD} | float16 | 2 (1.9–2.1)" in lines  # nanoseconds
    assert f"In rows of 1,000, {TOO_NOISY}: in float16 {FIRST} with {SECOND}." in lines


def test_who_overlaps_the_faster_one_is_still_worth_the_time():
    close = {FIRST: (9e-5, 10e-5, 11e-5), OTHER: (10e-5, 12e-5, 13e-5)}
    assert OTHER in worth(timings(close))
    apart = close | {OTHER: (11.5e-5, 12e-5, 13e-5)}
    assert OTHER not in worth(timings(apart)) and FIRST in worth(timings(apart))


def worth(table):
    """The sentence that tells who is worth the time."""
    (line,) = (line for line in told(table) if line.startswith("float16 (errors on"))
    return line.partition(" worth ")[0]


@pytest.mark.parametrize(
    "seconds, decided",
    [
        ((4e-5, 5e-5, 6e-5), f"{OTHER} and {FIRST} err least"),
        ((19e-5, 20e-5, 21e-5), f"of these {FIRST} has the shortest time"),
        ((9e-5, 10.5e-5, 12e-5), f"their times are {TOO_NOISY}"),
    ],
)
def test_of_those_that_tie_speed_decides(seconds, decided):
    run = read(GOLDEN).of("softmax")
    own = run.results[run.results["implementation"] == FIRST]
    equal = own.assign(implementation=OTHER, max_ulp=1.0001 * own["max_ulp"])
    table = timings({FIRST: MADE_UP[FIRST], OTHER: seconds})
    tables = {"results": pd.concat([run.results, equal]), "timings": table}
    ((card,),) = (part.cards for part in verdicts(Run(run.info, tables)).parts)
    assert decided in dict(card.facts)["Closest to exact"]
    assert card.headline == f"use {OTHER if seconds[1] < 9e-5 else FIRST}"


def test_a_call_that_failed_is_told():
    table = timings()
    table.loc[1, ["seconds_q25", "seconds_median", "seconds_q75", "ns_per_element"]] = float("nan")
    table["failure"] = [None, "ValueError: no", None]
    lines = told(table)
    assert f"Could not be timed: {SECOND} in float16 at n = 1,000 (ValueError: no)." in lines
    assert not any(line.startswith(f"{SECOND} | float16") for line in lines)
