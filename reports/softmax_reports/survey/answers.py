"""What libraries answer to special values, where they flush, and what changes their bits."""

from __future__ import annotations

import pandas as pd

from softmax_reports.numbers import digits, in_order, whole
from softmax_reports.section import Paragraph, Section, Table
from softmax_reports.survey.accuracy import named
from softmax_reports.survey.read import NOT_DECLARED, Survey

_LONGEST_ANSWER = 60


def special(survey: Survey) -> Section:
    """Each answer to a special row that is not right, and how many are right."""
    asked = survey.probes[~survey.probes["input"].isin(["gaps", NOT_DECLARED])]
    tables = []
    for operation in survey.operations:
        own = asked[(asked["operation"] == operation)]
        if own.empty:
            continue
        tables.append(_wrong(own[own["right"] == "no"], operation))
        tables.append(_shapes(own[own["right"] == ""], operation))
    text = (
        "A NaN or a +inf makes the whole row NaN, -inf gives 0 beside finite numbers, and a row of "
        "nothing but -inf is NaN. What a library answers otherwise stands here; rows of which the "
        "answer is as expected are left out. Each is asked in one call with an ordinary row: "
        "“beside it off” says that the answer is right, and the ordinary row off by more than 2 %."
    )
    return Section("Special values", [Paragraph(text), *tables])


def _wrong(own: pd.DataFrame, operation: str) -> Table:
    rows = []
    keys = ["implementation", "input", "answer", "expected"]
    for (name, given, answer, expected), same in own.groupby(keys, sort=False):
        dtypes = " ".join(in_order(same["dtype"]))
        told = f"{answer}; beside it off" if answer == expected else str(answer)[:120]
        rows.append((str(name), dtypes, str(given), told, str(expected)))
    header = ("implementation", "formats", "row", "answer", "expected")
    return Table(f"{operation}: answers that are not as expected", header, rows, numeric_from=9)


def _shapes(own: pd.DataFrame, operation: str) -> Table:
    rows = []
    given = list(own["input"].unique())
    for name, table in own.groupby("implementation", sort=False):
        first = table.drop_duplicates("input").set_index("input")["answer"]
        rows.append((str(name), *(str(first.get(each, ""))[:_LONGEST_ANSWER] for each in given)))
    caption = f"{operation}: arrays of no dimensions, of nothing, and of integers"
    return Table(caption, ("implementation", *given), rows, numeric_from=9)


def refused(survey: Survey) -> Section | None:
    """What was said to formats of which nothing is surveyed; None where nobody was asked."""
    own = survey.refusals
    if own.empty:
        return None
    rows = [
        (str(name), str(operation), " ".join(in_order(same["dtype"])), str(answer))
        for (name, operation, answer), same in own.groupby(
            ["implementation", "operation", "answer"], sort=False
        )
    ]
    table = Table(
        "What each said to the row 0, 1, 2, -3 in a format that it does not declare",
        ("implementation", "operation", "formats", "what it said"),
        rows,
        numeric_from=9,
    )
    return Section("Formats that are not declared", [table])


def flushed(survey: Survey) -> Section:
    """Where results become 0 though the nearest number is not."""
    own = survey.probes[survey.probes["input"] == "gaps"]
    rows = []
    for _, each in own.iterrows():
        lost = each["lost"] if each["lost"] == each["lost"] else 0
        if not lost:
            continue
        normal = each["nearest_there"] >= each["smallest_normal"]
        rows.append(
            (
                str(each["implementation"]),
                str(each["dtype"]),
                "normal numbers too" if normal else "subnormal numbers",
                digits(each["flushed_from"], 4),
                digits(each["nearest_there"], 4),
                digits(each["smallest"], 4),
            )
        )
    kept = own[own["lost"].fillna(0) == 0]
    names = ", ".join(
        f"{a} {b}" for a, b in zip(kept["implementation"], kept["dtype"], strict=True)
    )
    table = Table(
        "Rows 0, -gap: from which gap on the second result is 0 though the nearest number is not",
        (
            "implementation",
            "format",
            "flushed",
            "from gap",
            "nearest number there",
            "smallest result kept",
        ),
        rows,
        numeric_from=3,
    )
    return Section("Flushed to zero", [table, Paragraph(f"Nothing was lost by {names}.")])


def bits(survey: Survey) -> Section:
    """What changes the bits of a result."""
    rows = []
    for _, each in survey.bits.iterrows():
        if not each["different"]:
            continue
        change = ", ".join(filter(None, (each["setting"], each["way"]))) or (
            f"in place of {each['against']}"
        )
        rows.append(
            (
                str(each["implementation"]),
                str(each["operation"]),
                str(each["dtype"]),
                change,
                f"{whole(each['different'])} of {whole(each['rows'])}",
                str(each["where"]),
            )
        )
    same = survey.bits[survey.bits["different"] == 0]
    told = sorted(
        {
            named(a, s, w)
            for a, s, w in zip(same["implementation"], same["setting"], same["way"], strict=True)
        }
        - {named(row[0], row[3], "") for row in rows}
    )
    table = Table(
        "The same rows in another call, setting or implementation: how many got other bits",
        ("implementation", "operation", "format", "changed", "rows", "families"),
        rows,
        numeric_from=9,
    )
    return Section(
        "What changes bits", [table, Paragraph("Never another bit: " + "; ".join(told) + ".")]
    )
