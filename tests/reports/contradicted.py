"""Results made up so that what a report concludes from a run would be false of them."""

import numpy as np
import pandas as pd
from softmax_harness.judgement.outcomes import OUTCOMES
from softmax_harness.run.results import Run

GOOD = [each for each in OUTCOMES if each.is_good]
# Who is best gets the results of who is worst, and who never breaks of who does.
_SWAPPED = (
    ("naive", "max-shifted"),
    ("wide", "log-sum-exp"),
    ("scipy", "shifted-log-sum-exp"),
)
_FASTEST_FIRST = ("naive", "max-shifted", "scipy", "shifted-log-sum-exp", "log-sum-exp", "wide")
ANOTHER = {a: b for pair in _SWAPPED for a, b in (pair, pair[::-1])}


def with_timings(run):
    """The run with times in which the fastest breaks and the most accurate is the slowest."""
    rows = [
        (name, dtype, n, 1.0 + place)
        for place, name in enumerate(_FASTEST_FIRST)
        for dtype in run.results["dtype"].unique()
        for n in (100, 1000)
    ]
    others = [("shifted", "float16", n, 1.0) for n in (100, 1000)]
    named = [("softmax", *row) for row in rows] + [("log_softmax", *row) for row in others]
    columns = ["operation", "implementation", "dtype", "n", "ns_per_element"]
    timings = _intervals(pd.DataFrame(named, columns=columns))
    return Run(run.info, run.tables | {"timings": timings})


def _intervals(table):
    """The times with the seconds of a call of 100 000 elements, none of which overlap."""
    seconds = table["ns_per_element"] * 1e-4
    return table.assign(
        seconds_q25=0.98 * seconds, seconds_median=seconds, seconds_q75=1.02 * seconds
    )


def contradicted(run):
    """The run with every table altered."""
    tables = {name: _ALTERED.get(name, _swapped)(table) for name, table in run.tables.items()}
    counts = {name: value + 1 for name, value in run.info["counts"].items()}
    options = run.info["options"] | {"seed": run.info["options"]["seed"] + 1}
    return Run(run.info | {"counts": counts, "options": options}, tables)


def _swapped(table):
    if "implementation" not in table:
        return table
    own = table["implementation"]
    others = own.map(lambda name: ANOTHER.get(name, name))
    if "operation" in table:  # those of other operations have names of their own
        others = others.where(table["operation"] == "softmax", own)
    return table.assign(implementation=others)


def _results(table):
    softmax = _swapped(table[table["operation"] == "softmax"])
    # Errors shrink with n where they grew, and every theorem is broken.
    softmax = softmax[softmax["family"] != "attention"]
    own = softmax[softmax["family"] == "normal-1"]
    for _, line in own.groupby(["implementation", "dtype"]):
        softmax.loc[line.index, "max_ulp"] = _turned(line.sort_values("n")["max_ulp"])
    softmax = softmax.assign(bound_ulp=softmax["bound_ulp"].clip(upper=1.01))
    others = [each for name, each in table.groupby("operation") if name != "softmax"]
    return pd.concat([softmax, *map(_operation, others)], ignore_index=True)


def _operation(table):
    """Who is right most often is right least often, who is alone is never right.

    What is wrong is so in another family.
    """
    names = sorted(set(table["implementation"]) - {"exact"})
    share = {name: _share_right(table[table["implementation"] == name]) for name in names}
    order = sorted(names, key=share.get)
    another = dict(zip(order, reversed(order), strict=True))
    families = list(table["family"].unique())
    following = dict(zip(families, families[1:] + families[:1], strict=True))
    table = table.assign(
        implementation=table["implementation"].map(lambda name: another.get(name, name)),
        family=table["family"].map(following),
    )
    if len(order) != 1:
        return table
    wrong = table["implementation"].isin(order)
    return table.assign(
        inaccurate=table["elements"].where(wrong, table["inaccurate"]),
        **{name: table[name].where(~wrong, 0) for name in GOOD},
    )


def _share_right(table):
    return table[GOOD].sum().sum() / table["elements"].sum()


def _planes(table):
    table = _swapped(table)
    own = table[table["family"] == "scale-plane"]
    for _, line in own.groupby(["implementation", "dtype", "n"]):
        table.loc[line.index, "max_ulp"] = _turned(line.sort_values("coordinate")["max_ulp"])
    return table


def _turned(errors):
    """The errors of a line in another order: falling if they doubled, or else growing."""
    doubled = errors.max() > 2 * errors.iloc[0]
    turned = np.sort(errors.fillna(0.0))
    if doubled:
        turned = turned[::-1]
    else:
        turned[-1] = 10 * turned.max() + 1
    return pd.Series(turned, index=errors.index)


def _timings(table):
    return _intervals(table.assign(ns_per_element=1 / table["ns_per_element"]))


def _digits(table):
    return _swapped(table).assign(rows=table["rows"] + 1)


def _attention(table):
    return _swapped(table).assign(mask_leaks=3, head=0)


def _labels(table):
    another = {"sigmoid": "softmax", "softmax": "sigmoid"}
    return table.assign(output=table["output"].map(another), true_mass=0.25, rows=99)


def _properties(table):
    exact = table["implementation"] == "exact"
    turned = table["cases"].where(table["fails"] == 0, 0)
    return _swapped(table.assign(fails=table["fails"].where(~exact, turned)))


_ALTERED = {
    "results": _results,
    "planes": _planes,
    "timings": _timings,
    "digits": _digits,
    "attention": _attention,
    "multi_label": _labels,
    "properties": _properties,
}
