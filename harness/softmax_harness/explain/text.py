"""The explanation as lines of text."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.explain.attribution import Added
from softmax_harness.explain.numbers import exact_text, number_text, with_error
from softmax_harness.explain.places import cells, places
from softmax_harness.explain.row import Account, Explained
from softmax_harness.ground.formats import Format
from softmax_harness.operations import asked_text, is_tolerant
from softmax_harness.operations.steps import ExactStep
from softmax_harness.subjects.subject import Subject

_MOST_NUMBERS = 24  # of an operand with two dimensions


def explained_text(row: Explained, accounts: Sequence[tuple[Subject, Account]]) -> str:
    """The exact steps of the row, then the results of each implementation with their errors."""
    lines = [*_given_lines(row), *_exact_lines(row)]
    for subject, found in accounts:
        lines += ["", *_account_lines(subject, found, row)]
    return "\n".join(lines)


def _given_lines(row: Explained) -> list[str]:
    """What goes in: the operation, the logits, the operands by name."""
    operation, format = row.problem.operation, row.problem.input_format.name
    lines = [f"{operation.name}: {operation.summary}"]
    if operation.takes_logits:
        shown = _shown(len(row.x), lambda place: repr(float(row.x[place])), row)
        lines.append(f"logits as {format} stores them: {shown}")
    for about, own in zip(operation.operands, row.operands, strict=True):
        lines.append(f"{about.name}: {_operand_text(np.asarray(own), row)}")
    return lines


def _operand_text(values: NDArray[Any], row: Explained) -> str:
    """The numbers of an operand; of one with two dimensions each row, between slashes."""
    if values.ndim == 2 and values.size <= _MOST_NUMBERS:
        return " / ".join("  ".join(map(_number, each)) for each in values)
    if values.ndim == 2:
        return f"{values.shape[0]} rows of {values.shape[1]} numbers"
    flat = values.ravel()
    return _shown(flat.size, lambda place: _number(flat[place]), row)


def _number(value: Any) -> str:
    return number_text(value) if value.dtype.kind not in "biu" else str(int(value))


def _shown(count: int, text: Callable[[int], str], row: Explained) -> str:
    """So many elements; if they are many, the first ones, the chosen one and the top one."""
    top = None
    if count == len(row.x) and not np.isnan(row.x).any():
        top = int(np.argmax(row.x))
    index = row.witness.index
    chosen = index if index is not None and index < count else None
    written = places(count, chosen, top)
    return cells(count, written, [text(place) for place in written])


def _exact_lines(row: Explained) -> list[str]:
    steps, format = row.steps, row.problem.output_format
    if steps is None:
        return [f"exactly: the special-value policy decides this row, and asks for {_asked(row)}"]
    width = max(len(each.title) for each in steps)
    return [
        "exactly, by mpmath:",
        *(
            f"  {number}. {each.title:{width}}  {_values_text(each, format, row)}"
            for number, each in enumerate(steps, 1)
        ),
        *_nearest_lines(row, format),
    ]


def _nearest_lines(row: Explained, format: Format) -> list[str]:
    """Of a format with few numbers: the nearest ones, how far apart they are there, and ties."""
    if not format.is_narrow:
        return []
    truth, tied = row.truth, row.ties

    def text(place: int) -> str:
        nearest = number_text(truth.rounded[0, place].astype(format.dtype))
        if truth.fixed[0, place]:
            return nearest
        tie = ", a tie to even" if place in tied else ""
        return f"{nearest} (step {number_text(truth.ulp[0, place])}{tie})"

    return [f"nearest in {format.name}: {_shown(truth.rounded.shape[1], text, row)}"]


def _asked(row: Explained) -> str:
    asked = row.truth.rounded[0].tolist()
    if np.isnan(asked).all():
        return f"NaN throughout{', or 0' * _may_be_nothing(row)}"
    texts = [asked_text(each) for each in asked]
    return _shown(len(texts), texts.__getitem__, row)


def _may_be_nothing(row: Explained) -> bool:
    """Whether the row sees nothing, where libraries give NaN or 0 and no policy says which."""
    operation = row.problem.operation
    if operation.seeing_nothing is None or row.problem.policy.all_masked is not None:
        return False
    logits = operation.effective_logits(row.x[None], tuple(each[None] for each in row.operands))
    return bool(np.isneginf(logits).all())


def _values_text(step: ExactStep, format: Format, row: Explained) -> str:
    values = step.values
    return _shown(len(values), lambda place: exact_text(values[place], format), row)


def _account_lines(subject: Subject, found: Account, row: Explained) -> list[str]:
    name, format = _title(subject, row), subject.problem.output_format
    if found.y is None:
        return [name, f"  gave nothing to judge: {found.reason}"]
    y, ulp = found.y, found.ulp

    def text(place: int) -> str:
        fixed, asked = row.truth.fixed[0, place], row.truth.rounded[0, place]
        is_open = fixed and is_tolerant(asked)  # from one of several nothing is far
        return with_error(float(y[place]), math.nan if is_open else float(ulp[place]), format)

    lines = [name, f"  gives  {_shown(len(y), text, row)}"]
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
        f"    {_step(each):22} {number_text(each.computed):>22}  {_ulp(each.ulp)}"
        for each in found.added
    ]
    return [*lines, f"  {_verdict(found.added)}"]


def _title(subject: Subject, row: Explained) -> str:
    """The name, with the format of the results where that is not the format of the logits."""
    output = subject.problem.output_format
    return subject.name + f", in {output.name}" * (output != row.witness.format)


def _step(added: Added) -> str:
    return added.step.name + ", and all before it" * added.with_earlier


def _verdict(added: list[Added]) -> str:
    """The step that lost the result, or that added most."""
    for each in added:
        if not np.isfinite(each.ulp):
            return f"the result was lost in {_step(each)}, which gave {number_text(each.computed)}"
    worst = max(added, key=lambda each: abs(each.ulp), default=None)
    if worst is None or worst.ulp == 0:
        return "no step added an error"
    return f"{_step(worst)} added most: {_ulp(worst.ulp)}"


def _ulp(error: float) -> str:
    if not np.isfinite(error):
        return "result lost"
    return "0 ulp" if error == 0 else f"{error:+.3g} ulp"
