"""The jobs that show witnesses: the row of a largest error, its steps, and the bits of its result.

A report shows them without calling an implementation, which it may not have.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from softmax_harness.explain.asked import subjects_of, witness_of
from softmax_harness.explain.numbers import exact_text, number_text, result_text
from softmax_harness.explain.row import Account, Explained, account
from softmax_harness.explain.text import explained_text
from softmax_harness.ground.documents.as_json import json_text
from softmax_harness.ground.errors import HarnessError
from softmax_harness.ground.formats import Format
from softmax_harness.operations import operation_named
from softmax_harness.run.job import work
from softmax_harness.run.results import KEYS
from softmax_harness.subjects.declaration import Said

LONGEST, FOLLOWED = 1 << 18, 1024
"""Logits of a row that is shown, and of one in which the implementation's own steps are followed.

To show a row of 2^18 logits takes four seconds, to follow steps through one of 4096 up to three.
What is left out a command shows.
"""
_LEFT = "the command shows its steps, where they can be followed"
_PAIR = ["operation", "implementation", "dtype"]


@dataclass(frozen=True)
class Witnessing:
    """A job: show one implementation on the row of its largest error.

    Attributes
    ----------
    operation, implementation, witness : str
    said : Said
        What was said about the implementations.
    """

    operation: str
    implementation: str
    witness: str
    said: Said = Said()

    def do(self) -> str:
        """JSON of what is shown; nothing where it cannot be shown here."""
        try:
            about = operation_named(self.operation, self.said.fit)
            found = witness_of((self.witness,), None, None, about, {})
            row = Explained(found)
            said = self.said.of(self.implementation)
            (subject,) = subjects_of(found, (self.implementation,), said)
        except HarnessError:
            return ""
        if found.index is not None and found.index >= row.truth.rounded.shape[1]:
            return ""  # of a run whose operands were made otherwise
        own = account(subject, row, FOLLOWED)
        if len(row.x) > FOLLOWED:
            own = replace(own, reason=_LEFT)
        shown = {"text": explained_text(row, [(subject, own)])}
        return json_text(shown | _line(row, own, subject.problem.output_format))


def witness_table(results: pd.DataFrame, executor: Executor, said: Said) -> pd.DataFrame:
    """witnesses.csv: a row for each implementation and dtype, of its largest error in ulp.

    Returns
    -------
    DataFrame
        The columns `KEYS`, ``witness`` and ``shown``, which is JSON: ``text`` as `explain` prints
        it; where the result is a number ``exact`` in decimal, ``computed``, ``nearest``, ``below``
        and ``above``, each as decimal and bits, and how many ``steps`` of the format lie between
        the computed result and the nearest one.
    """
    worst = list(_worst(results))
    begun = [
        executor.submit(work, Witnessing(row["operation"], row["implementation"], text, said))
        for row, text in worst
    ]
    shown = [each.result() for each in begun]
    rows = [
        {key: row[key] for key in KEYS} | {"witness": text, "shown": own}
        for (row, text), own in zip(worst, shown, strict=True)
        if own
    ]
    return pd.DataFrame(rows, columns=[*KEYS, "witness", "shown"])


def _worst(results: pd.DataFrame) -> Iterator[tuple[dict[str, Any], str]]:
    known = results[results["max_ulp"].notna()]
    cells = known.loc[known.groupby(_PAIR, sort=False)["max_ulp"].idxmax()]
    for row in cells.to_dict("records"):
        if row["n"] <= LONGEST and isinstance(row["witness"], str) and row["witness"]:
            yield row, row["witness"]


def of_worst(witnesses: pd.DataFrame, results: pd.DataFrame) -> pd.DataFrame:
    """The rows of a witnesses.csv that are of the largest errors in results.csv, in its order."""
    cells = zip(*(witnesses[key] for key in KEYS), strict=True)
    places = {cell: place for place, cell in enumerate(cells)}
    worst = (tuple(row[key] for key in KEYS) for row, _ in _worst(results))
    return witnesses.iloc[[places[cell] for cell in worst if cell in places]]


def _line(row: Explained, own: Account, format: Format) -> dict[str, Any]:
    """The element on the line of the format's numbers."""
    index = row.witness.index
    if own.y is None or index is None or row.steps is None or not np.isfinite(own.y[index]):
        return {}
    truth = row.truth_of(row.problem) if row.problem.output_format == format else row.truth
    nearest, computed = float(truth.rounded[0, index]), float(own.y[index])
    return {
        "index": index,
        "exact": exact_text(row.steps[-1].values[index], format),
        "nearest": _number(nearest, format),
        "below": _number(format.next_after(nearest, -np.inf), format),
        "above": _number(format.next_after(nearest, np.inf), format),
        "computed": _number(computed, format),
        "ulp": number_text(float(own.ulp[index])),
    }


def _number(value: float, format: Format) -> Sequence[str]:
    """A number in decimal, and its bits: sign, exponent, fraction."""
    return result_text(value, format), bits_text(value, format)


def bits_text(value: float, format: Format) -> str:
    """``0 01111111 000...``: sign, exponent and fraction; nothing without a type of the format."""
    if not format.has_type:
        return ""
    raw = np.array([value]).astype(format.dtype)
    size = raw.dtype.itemsize
    bits = f"{int(raw.view(f'u{size}')[0]):0{8 * size}b}"
    fraction = format.precision - 1
    return f"{bits[0]} {bits[1 : len(bits) - fraction]} {bits[len(bits) - fraction :]}"
