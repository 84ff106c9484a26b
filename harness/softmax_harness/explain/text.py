"""The explanation as lines of text."""

from __future__ import annotations

import numpy as np

from softmax_harness.explain.attribution import Added
from softmax_harness.explain.numbers import exact_text, number_text, with_error
from softmax_harness.explain.places import cells, places
from softmax_harness.explain.row import Account, Explained, account
from softmax_harness.subjects.subject import Subject


def explained_text(row: Explained, subjects: list[Subject]) -> str:
    """The exact steps of the row, then the results of each implementation with their errors."""
    written = _places(row)
    lines = [_header(row, written), *_exact_lines(row, written)]
    for subject in subjects:
        lines += [
            "",
            *_account_lines(subject, account(subject, row), row, written),
        ]
    return "\n".join(lines)


def _places(row: Explained) -> list[int]:
    """The elements that are written out: of a long row also the chosen and the top one."""
    top = None if np.isnan(row.x).any() else int(np.argmax(row.x))
    return places(len(row.x), row.witness.index, top)


def _header(row: Explained, written: list[int]) -> str:
    numbers = cells(len(row.x), written, [repr(float(row.x[place])) for place in written])
    return f"logits as {row.witness.format.name} stores them: {numbers}"


def _exact_lines(row: Explained, written: list[int]) -> list[str]:
    if row.steps is None:
        return [
            "exactly: softmax is not defined here; the special-value policy asks for NaN throughout"
        ]
    steps, format = row.steps, row.truth.format
    exponentials, quotients = (
        cells(len(row.x), written, [exact_text(value(place), format) for place in written])
        for value in (steps.exponential, steps.quotient)
    )
    return [
        "exactly, by mpmath:",
        f"  1. exponentiate  {exponentials}",
        f"  2. sum           {exact_text(steps.total, format)}",
        f"  3. normalise     {quotients}",
    ]


def _account_lines(
    subject: Subject, found: Account, row: Explained, written: list[int]
) -> list[str]:
    name, format = _title(subject, row), subject.problem.output_format
    if found.y is None:
        return [name, f"  gave nothing to judge: {found.reason}"]
    texts = [with_error(float(found.y[i]), float(found.ulp[i]), format) for i in written]
    lines = [name, f"  gives  {cells(len(row.x), written, texts)}"]
    if row.steps is None:
        return lines
    if found.added is None:
        return [*lines, f"  {found.reason}"]
    whole = _ulp(float(found.ulp[found.index]))
    lines.append(
        f"  its steps to element {found.index} (counted from 0), and how much each added to the "
        f"error ({whole}):"
    )
    lines += [
        f"    {each.step.name:22} {number_text(each.computed):>22}  {_ulp(each.ulp)}"
        for each in found.added
    ]
    return [*lines, f"  {_verdict(found.added)}"]


def _title(subject: Subject, row: Explained) -> str:
    """The name, with the format of the results where that is not the format of the logits."""
    output = subject.problem.output_format
    return subject.name + f", in {output.name}" * (output != row.witness.format)


def _verdict(added: list[Added]) -> str:
    """The step that lost the result, or that added most."""
    for each in added:
        if not np.isfinite(each.ulp):
            return (
                f"the result was lost in {each.step.name}, which gave {number_text(each.computed)}"
            )
    worst = max(added, key=lambda each: abs(each.ulp))
    if worst.ulp == 0:
        return "no step added an error"
    return f"{worst.step.name} added most: {_ulp(worst.ulp)}"


def _ulp(error: float) -> str:
    if not np.isfinite(error):
        return "result lost"
    return "0 ulp" if error == 0 else f"{error:+.3g} ulp"
