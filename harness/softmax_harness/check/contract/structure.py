"""Runs cases: a row that is right in a simpler call must be right in the case too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.check.contract.accuracy import never
from softmax_harness.check.contract.case import Case
from softmax_harness.check.contract.finding import Finding, key_of
from softmax_harness.check.contract.judgement import Judgement, judge, rows_of, truth_of
from softmax_harness.inputs.witness import literal_text
from softmax_harness.judgement.measure import Question
from softmax_harness.operations import Problem
from softmax_harness.subjects.isolation import Fault, Reply
from softmax_harness.subjects.repeats import bits
from softmax_harness.subjects.subject import Subject

_WRITTEN_IN_FULL = 64
_MOST_ROWS = 256  # that are put to the simpler call


@dataclass(frozen=True)
class Structure:
    """The result of some cases.

    Attributes
    ----------
    findings : list of Finding
    reported : list of (str, str)
        What it does not do and does not promise: the part of the contract, and how it shows.
    faults : list of (Fault, str)
        What was wrong with calls apart from their numbers.
    """

    findings: list[Finding]
    reported: list[tuple[str, str]]
    faults: list[tuple[Fault, str]]

    def kinds(self) -> list[str]:
        """The kinds of findings so far, those of calls among them."""
        return [each.kind for each in self.findings] + [fault.kind for fault, _ in self.faults]


def examined(
    subject: Subject,
    cases: list[Case],
    part: str,
    ends_at: Callable[[list[str]], bool] = never,
) -> Structure:
    """Call and judge the cases of a part of the contract, as far as the subject supports them.

    Findings of kinds for which `ends_at` is true are the last ones.
    """
    cases = [case for case in cases if _is_due(subject, case)]
    found = Structure([], [], [])
    replies = subject.ask(
        [subject.request(each.x, each.operands, each.axis, layout=each.layout) for each in cases]
    )
    for case, reply in zip(cases, replies, strict=True):
        if ends_at(found.kinds()):
            break
        judged = _worked_as_float64(subject) if _is_integer(case) else subject
        text = _problem(judged, case, reply, found)
        if text is None:
            continue
        if _is_promised(subject, case, reply):
            message, witness = text
            replay = key_of(subject).checking(part)
            found.findings.append(Finding(case.kind, message, witness=witness, replay=replay))
        else:
            found.reported.append((case.kind, text[0]))
    return found


def _is_promised(subject: Subject, case: Case, reply: Reply) -> bool:
    """Whether it is a fault to fail a case; a plain function may refuse, or mean another axis."""
    if case.kind == "default_axis" and subject.is_plain:
        return False
    if case.needs is None:
        return True
    return subject.promises(case.needs) and not (subject.is_plain and reply.refused)


def _worked_as_float64(subject: Subject) -> Subject:
    return replace(subject, problem=subject.problem.of_integers())


def _is_integer(case: Case) -> bool:
    return case.x.dtype.kind in "iu"


def _is_due(subject: Subject, case: Case) -> bool:
    if _is_integer(case) and "float64" not in subject.declaration.dtypes:
        return False
    return max(case.x.shape, default=0) <= subject.longest or case.kind == "batch"


def _problem(
    subject: Subject, case: Case, reply: Reply, found: Structure
) -> tuple[str, str] | None:
    """What is wrong with a case, and its witness; None where nothing is."""
    if reply.exhausted:
        found.faults.extend((fault, case.told) for fault in reply.faults)
        return None
    if reply.y is None:
        if case.has_simpler and not _answers_simply(subject, case):
            return None  # which is a finding elsewhere
        return f"{case.told}: {'; '.join(fault.message for fault in reply.faults)}", ""
    found.faults.extend((fault, case.told) for fault in reply.faults)
    if reply.y.size == 0:
        return None
    rows, y = rows_of(case.seen, case.along), rows_of(reply.y, case.along)
    here = _judged(subject, rows, y)
    if here.is_fault.any():
        wrong = np.flatnonzero(here.is_fault.any(axis=-1))[:_MOST_ROWS]
        right_elsewhere = wrong[_is_right(subject, rows[wrong], case.alone)]
        if right_elsewhere.size:
            return _told(subject, case, here, int(right_elsewhere[0]))
    if case.kind in subject.declaration.same_bits:
        return _other_bits(subject, case, rows, y)
    return None


def _answers_simply(subject: Subject, case: Case) -> bool:
    rows = rows_of(case.seen, case.along)[:_WRITTEN_IN_FULL]
    parts = [row[None] for row in rows] if case.alone else [rows]
    return all(
        reply.y is not None for reply in subject.ask([subject.request(part) for part in parts])
    )


def _judged(subject: Subject, rows: NDArray[Any], y: NDArray[Any]) -> Judgement:
    asked = _truth(subject.problem, rows.tobytes(), rows.shape, rows.dtype)
    return judge(asked.held_to(subject.standard), y, flushes=not subject.promises("subnormals"))


@lru_cache(maxsize=16)
def _truth(
    problem: Problem, numbers: bytes, shape: tuple[int, int], dtype: np.dtype[Any]
) -> Question:
    """The truth of rows, which many cases in a row share."""
    return truth_of(problem, np.frombuffer(numbers, dtype).reshape(shape))


def _is_right(subject: Subject, rows: NDArray[Any], alone: bool) -> NDArray[np.bool_]:
    """Which rows the simpler call gets right; integers are called as float64."""
    rows = rows.astype(np.float64) if rows.dtype.kind in "iu" else rows
    distinct, place = np.unique(rows, axis=0, return_inverse=True)
    parts = [row[None] for row in distinct] if alone else [distinct]
    replies = subject.ask([subject.request(part) for part in parts])
    right = [
        np.zeros(len(part), bool)
        if reply.y is None
        else ~_judged(subject, part, reply.y).is_fault.any(axis=-1)
        for part, reply in zip(parts, replies, strict=True)
    ]
    return np.asarray(np.concatenate(right)[place.ravel()])


def _told(subject: Subject, case: Case, here: Judgement, row: int) -> tuple[str, str]:
    index = int(np.argmax(here.is_fault[row]))
    y, z = float(here.batch.y[row, index]), float(here.batch.truth.rounded[row, index])
    x = here.asked.x[row]
    witness = literal_text(subject.format, x, index) if x.size <= _WRITTEN_IN_FULL else ""
    simpler = "alone" if case.alone else "in a plain array"
    return (
        f"{case.told}: row {row} gives {y!r}, but {z!r} is nearest; {simpler} the row is right",
        witness,
    )


def _other_bits(
    subject: Subject, case: Case, rows: NDArray[Any], y: NDArray[Any]
) -> tuple[str, str] | None:
    """Compare bits where the same bits are promised: rows sorted, alone, or in a plain array."""
    if case.kind == "permutation":
        order = np.argsort(rows, axis=-1, kind="stable")
        plain, y = np.take_along_axis(rows, order, -1), np.take_along_axis(y, order, -1)
        requests = [subject.request(plain)]
    elif case.alone:
        requests = [subject.request(row[None]) for row in rows[:_WRITTEN_IN_FULL]]
    else:
        requests = [subject.request(rows)]
    replies = subject.ask(requests)
    if any(reply.y is None for reply in replies):
        return None
    expected = np.concatenate([reply.y for reply in replies if reply.y is not None])
    if bits(expected) == bits(y[: len(expected)]):
        return None
    return f"{case.told}: gives different bits, although the same bits were promised", ""
