"""How wrong each library is: the worst of each format, and family by family."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from softmax_harness.judgement.outcomes import FAULTS

from softmax_reports.numbers import counted, digits, in_order, sampled_maximum, whole
from softmax_reports.section import Folded, Paragraph, Part, Section, Table
from softmax_reports.survey.read import Survey

_SIGNS = (
    "NaN: every result was lost. Not taken: the section on formats has what was said. –: not "
    "measured."
)
ROW = ["library", "implementation", "setting", "way"]


def named(implementation: str, setting: str, way: str) -> str:
    """A row of its own: implementation, setting, way."""
    return ", ".join(filter(None, (implementation, setting, way)))


def _variants(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    order = table.assign(plain=(table["setting"] + table["way"]) != "")
    order = order.sort_values(["library", "implementation", "plain"], kind="stable")
    for (_, *key), own in order.groupby(ROW, sort=False):
        yield named(*key), own


def worst(survey: Survey, operation: str) -> Section:
    """Largest and mean errors over all families, format by format."""
    own = survey.results[survey.results["operation"] == operation]
    dtypes = in_order(own["dtype"].unique())
    refused = survey.refusals[survey.refusals["operation"] == operation]
    refused = refused[refused["answer"].str.startswith("raised")]
    not_taken = {*zip(refused["implementation"], refused["dtype"], strict=True)}

    def untaken(rows: pd.DataFrame, dtype: str) -> str:
        name = rows["implementation"].iloc[0]
        return "not taken" if (name, dtype) in not_taken else "–"

    def table(rows: pd.DataFrame, called: str) -> Table:
        return Table(
            f"Largest error of {operation} in ulp, and in brackets the mean{called}",
            ("implementation", *dtypes),
            [
                (
                    name,
                    *(
                        _cell(each[each["dtype"] == dtype]) or untaken(each, dtype)
                        for dtype in dtypes
                    ),
                )
                for name, each in _variants(rows)
            ],
        )

    is_plain = own["setting"] + own["way"] == ""
    parts: list[Part] = [table(own[is_plain], "")]
    if not is_plain.all():
        others = table(own[~is_plain], ", in other settings and called in other ways")
        lines = counted(len(others.rows), "line")
        parts.append(Folded(f"In other settings, and called in other ways: {lines}", [others]))
    parts += [*_columns_of_logarithms(own), _faults(own), *_complaints(own)]
    return Section(f"{operation}: how wrong", [Paragraph(_said(own, operation)), *parts])


def _said(own: pd.DataFrame, operation: str) -> str:
    libraries, families = own["library"].nunique(), own["family"].nunique()
    asked = counted(libraries, "package was", "packages were")
    on = counted(families, "family", "families")
    several = (own["setting"] + own["way"] != "").any()
    other = "In other settings and ways to call four families were asked. "
    return (
        f"{asked} asked {operation} on {on} of inputs: {counted(len(own), 'cell')}, "
        f"{counted(int(own['elements'].sum()), 'result')}. A largest error is a maximum over "
        "samples, which mpmath confirmed; the mean is over all elements that have an error. "
        f"{other if several else ''}{_SIGNS}"
    )


def _cell(rows: pd.DataFrame) -> str:
    if rows.empty:
        return ""
    measured = rows.dropna(subset=["mean_ulp"])
    if measured.empty:
        return "NaN"
    mean = (measured["mean_ulp"] * measured["elements"]).sum() / measured["elements"].sum()
    return f"{sampled_maximum(measured['max_ulp'].max())} ({digits(mean)})"


def _columns_of_logarithms(own: pd.DataFrame) -> Iterator[Table]:
    """Both standards of operations that have two."""
    of_a_byte = own["dtype"].str.startswith("float8")  # in which usual owes nothing
    told = own[~of_a_byte].dropna(subset=["beyond_usual", "beyond_relative"])
    if told.empty:
        return
    rows = [
        (
            name,
            str(dtype),
            _share(cells["beyond_usual"].sum(), cells["elements"].sum()),
            _share(cells["beyond_relative"].sum(), cells["elements"].sum()),
        )
        for name, each in _variants(told)
        for dtype, cells in each.groupby("dtype", sort=False)
    ]
    yield Table(
        "Results beyond each standard: usual is what the textbook form x - max x - log s owes; "
        "relative asks for small errors of every result, also near 0",
        ("implementation", "format", "beyond usual", "beyond relative"),
        rows,
        numeric_from=2,
    )


def _share(part: float, whole: float) -> str:
    return "0" if not part else f"{100 * part / whole:.3g} %"


def _faults(own: pd.DataFrame) -> Table:
    """Elements with an outcome that is a fault."""
    faults = [each for each in FAULTS if own[str(each)].any()]
    names = [str(each) for each in faults]
    rows = [
        (name, str(dtype), *(whole(cells[each].sum()) for each in names))
        for name, table in _variants(own[(own["way"] == "")])
        for dtype, cells in table.groupby("dtype", sort=False)
        if cells[names].to_numpy().any()
    ]
    header = ("implementation", "format", *(each.meaning for each in faults))
    return Table(
        "How many results have which fault; a line without any is left out",
        header,
        rows,
        numeric_from=2,
    )


def _complaints(own: pd.DataFrame) -> Iterator[Table]:
    """What was wrong with calls themselves."""
    told = own[own["faults"] != ""]
    if told.empty:
        return
    rows = [
        (named(name, setting, way), " ".join(in_order(same["dtype"])), "; ".join(families), what)
        for (name, setting, way, what), same in told.groupby(
            ["implementation", "setting", "way", "faults"], sort=False
        )
        for families in [
            dict.fromkeys(
                f"{f}, n = {whole(n)}" for f, n in zip(same["family"], same["n"], strict=True)
            )
        ]
    ]
    header = ("implementation", "formats", "families", "what was wrong with the call")
    yield Table("Calls that raised, were not made, or did more than answer", header, rows, 9)


def by_family(survey: Survey, operation: str) -> Section:
    """The largest error on each family, of plain calls in the default setting."""
    own = survey.results[survey.results["operation"] == operation]
    own = own[(own["way"] == "") & (own["setting"] == "")]
    tables = []
    for dtype in in_order(own["dtype"].unique()):
        rows = own[own["dtype"] == dtype]
        names = [str(each) for each in rows["implementation"].unique()]
        values = rows.pivot_table(
            index=["family", "n"], columns="implementation", values="max_ulp", sort=False
        )
        tables.append(
            Table(
                f"Largest error in ulp of {operation} in {dtype} on each family",
                ("family", "n", *names),
                [
                    (
                        str(family),
                        whole(n),
                        *(digits(float(line.get(name, float("nan")))) for name in names),
                    )
                    for (family, n), line in values.iterrows()
                ],
            )
        )
    return Section(f"{operation}: family by family", tables)
