"""Runs cases: a row that is right in a simpler call must be right in the case too.

A row that is wrong in both is a fault of accuracy, which the rows of the suite need not show: few
cases have their lengths, and the heads of whole calls.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.check.contract.accuracy import never
from softmax_harness.check.contract.answers import Answer, judged_answers
from softmax_harness.check.contract.case import Case, Placed
from softmax_harness.check.contract.elements import asked_of, judge
from softmax_harness.check.contract.finding import Finding, key_of, lost_if_unknown, sizes
from softmax_harness.check.contract.together import parts_of
from softmax_harness.inputs.written import is_short, literal_text
from softmax_harness.judgement.outcomes import OUTCOMES
from softmax_harness.operations import Inputs, joined, taken, with_classes
from softmax_harness.subjects.isolation import Fault, Reply
from softmax_harness.subjects.repeats import bits
from softmax_harness.subjects.subject import Subject

_OF_SAME_BITS = 8  # rows at either end whose bits are compared
_ANSWERED = 64  # rows of a refused call that must be answered in a simpler one
_MOST_ROWS = 256  # that are put to the simpler call
# That exception says that nothing of the kind is offered; any other may be a mistake.
_DELIBERATE = re.compile(r": raised NotImplementedError\b")
_NUMBERS_TOGETHER = 1 << 17  # of cases after which an early end may come


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
    accuracy : dict of str to Finding
        By the kind, the first row that is wrong in a simpler call, too, or has no result there.
    """

    findings: list[Finding]
    reported: list[tuple[str, str]]
    faults: list[tuple[Fault, str]]
    accuracy: dict[str, Finding] = field(default_factory=dict)

    def kinds(self) -> list[str]:
        """The kinds of findings so far, those of calls among them."""
        return [each.kind for each in self.findings] + [fault.kind for fault, _ in self.faults]


class _Fault(NamedTuple):
    """A wrong element: its outcome, what it is and what is right, its size, and a witness."""

    kind: str
    told: str
    error: float
    limit: float
    witness: str


class _Wrong(NamedTuple):
    """What is wrong with a case in a sentence, and the element that shows it if one does."""

    message: str
    fault: _Fault | None = None

    def finding(self, kind: str, replay: str) -> Finding:
        """The same as a finding, with the size of the error."""
        if self.fault is None:
            return Finding(kind, self.message, replay=replay)
        own, _, error, limit, witness = self.fault
        size, worst = sizes(own, error, limit), lost_if_unknown(error)
        return Finding(kind, self.message, *size, witness, replay, worst)


def examined(
    subject: Subject,
    cases: list[Case],
    part: str,
    fail_fast: bool = False,
    ends_at: Callable[[list[str]], bool] = never,
) -> Structure:
    """Call and judge the cases of a part of the contract, as far as the subject supports them.

    Findings of kinds for which `ends_at` is true are the last ones: with `fail_fast`, which judges
    few cases at once, not much more than these is asked.
    """
    cases = [case for case in cases if _is_due(subject, case)]
    found, simpler, takes_axes = Structure([], [], []), _Simpler(), False
    refused: list[Finding] = []
    for answer in _answers(subject, cases, fail_fast):
        if ends_at(found.kinds()):
            break
        takes_axes |= answer.case.is_along_another_axis and answer.reply.y is not None
        wrong = _problem(answer, found, simpler, part)
        if wrong is None:
            continue
        kind, message = answer.case.kind, wrong.message
        finding = wrong.finding(kind, key_of(subject).checking(part))
        if _is_promised(subject, answer.case, answer.reply):
            found.findings.append(finding)
            continue
        found.reported.append((kind, message))
        if _refuses_an_axis(answer.case, message):
            refused.append(finding)
    if takes_axes and refused:  # who answers along one axis takes them all
        found.findings.append(refused[0])
        told = {each.message for each in refused}
        found.reported[:] = [each for each in found.reported if each[1] not in told]
    return found


def _refuses_an_axis(case: Case, message: str) -> bool:
    """What is not done with integers, or with an empty array, is no matter of the axis."""
    is_of_axes = case.needs == "axes" and case.is_along_another_axis
    return is_of_axes and not _DELIBERATE.search(message)


def _answers(subject: Subject, cases: list[Case], in_portions: bool) -> Iterator[Answer]:
    """The cases with what came back, judged, all together or in portions."""
    for some in _portions(cases) if in_portions else [cases]:
        known = Placed()
        requests = [case.request(subject.problem_for(case.dtype), known) for case in some]
        replies = subject.ask(requests)
        yield from judged_answers(subject, some, replies)


def _portions(cases: list[Case]) -> Iterator[list[Case]]:
    portion: list[Case] = []
    size = 0
    for case in cases:
        portion.append(case)
        size += case.size
        if size >= _NUMBERS_TOGETHER:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def _is_promised(subject: Subject, case: Case, reply: Reply) -> bool:
    """Whether it is a fault to fail a case; a plain function may refuse, or mean another axis."""
    if case.kind == "default_axis" and subject.is_plain:
        return False
    if case.needs is None:
        return True
    return subject.promises(case.needs) and not (subject.is_plain and reply.refused)


def _is_due(subject: Subject, case: Case) -> bool:
    if case.is_integer and "float64" not in subject.declaration.dtypes:
        return False
    if case.kind == "integers" and case.axis != -1 and not subject.promises("axes"):
        return False
    return max(case.shape, default=0) <= subject.longest or case.kind == "batch"


def _problem(answer: Answer, found: Structure, simpler: _Simpler, part: str) -> _Wrong | None:
    """What is wrong with a case; None where nothing is."""
    subject, case, reply = answer.subject, answer.case, answer.reply
    if reply.exhausted:
        found.faults.extend((fault, case.told) for fault in reply.faults)
        return None
    if reply.y is None:
        if case.has_simpler and not _answers_simply(subject, case):
            if _is_promised(subject, case, reply):
                own = _of_no_answer(answer, part)
                found.accuracy.setdefault(own.kind, own)
            return None
        return _Wrong(f"{case.told}: {'; '.join(fault.message for fault in reply.faults)}")
    found.faults.extend((fault, case.told) for fault in reply.faults)
    if reply.y.size == 0:
        return None
    if not answer.judged:
        return _of_nothing(subject, case, answer.inputs, answer.y)
    wrong = answer.wrong_rows[:_MOST_ROWS]
    if wrong.size:
        right_elsewhere = wrong[simpler.is_right(subject, answer.inputs.rows(wrong), case.alone)]
        if right_elsewhere.size:
            return _told(answer, right_elsewhere)
        if case.has_simpler and _is_promised(subject, case, reply):
            own = _of_accuracy(answer, wrong, part)
            found.accuracy.setdefault(own.kind, own)
    if case.kind in subject.declaration.same_bits:
        return _other_bits(subject, case, answer.inputs, answer.y)
    return None


def _of_nothing(subject: Subject, case: Case, inputs: Inputs, y: NDArray[Any]) -> _Wrong | None:
    """A result of a row of no logits: what the definition gives of an empty sum."""
    _, expected = subject.problem.special_values(inputs.x.astype(np.float64), inputs.operands)
    given = y.astype(np.float64)
    if np.array_equal(given, expected, equal_nan=True):
        return None
    if subject.problem.operation.seeing_nothing is not None and not given.any():
        return None  # a row that sees nothing, as which 0 is as good
    told = f"gives {float(y.flat[0])!r}, but {float(expected.flat[0])!r} is due"
    return _Wrong(f"{case.told}: {told}")


def _answers_simply(subject: Subject, case: Case) -> bool:
    inputs = case.seen(subject.problem).rows(slice(_ANSWERED))
    replies = subject.ask([subject.request(*each) for each in _parts(inputs, case.alone)])
    return all(reply.y is not None for reply in replies)


def _parts(inputs: Inputs, alone: bool) -> list[Inputs]:
    """The rows one by one, or all together."""
    return [inputs.row(place) for place in range(len(inputs.x))] if alone else [inputs]


class _Simpler:
    """What the simpler calls get right, each of which is made once for all cases of a part."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], NDArray[np.bool_]] = {}

    def is_right(self, subject: Subject, inputs: Inputs, alone: bool) -> NDArray[np.bool_]:
        """Which rows the simpler call gets right: of float64 for integers, classes in int64."""
        own_dtype = inputs.x.dtype.name
        if inputs.x.dtype.kind in "iu":
            inputs = inputs._replace(x=inputs.x.astype(np.float64))
        inputs = with_classes(inputs, np.int64)
        places: dict[tuple[Any, ...], list[int]] = {}
        for place in range(len(inputs.x)):
            places.setdefault(inputs.row(place).key, []).append(place)
        distinct = inputs.rows(np.array([own[0] for own in places.values()]))
        parts = [((own_dtype, part.key), part) for part in _parts(distinct, alone)]
        if new := [(key, part) for key, part in parts if key not in self._known]:
            keys, asked = zip(*new, strict=True)
            self._known.update(zip(keys, _right_rows(subject, list(asked)), strict=True))
        found = np.zeros(len(inputs.x), bool)
        rights = np.concatenate([self._known[key] for key, _ in parts])
        for is_right, own in zip(rights, places.values(), strict=True):
            found[own] = is_right
        return found


def _right_rows(subject: Subject, parts: list[Inputs]) -> list[NDArray[np.bool_]]:
    """Which rows of each call are right; none where it gives no result."""
    replies = subject.ask([subject.request(*part) for part in parts])
    asked = asked_of(subject, *joined(parts))
    y = np.full(asked.truth.rounded.shape, np.nan)
    is_answered = np.zeros(len(y), bool)
    each_part = parts_of(len(part.x) for part in parts)
    for rows, reply in zip(each_part, replies, strict=True):
        if reply.y is not None:
            y[rows], is_answered[rows] = reply.y.reshape(y[rows].shape), True
    judged = judge(asked, y, flushes=not subject.promises("subnormals"))
    is_right = is_answered & ~judged.is_fault.any(axis=-1)
    return [is_right[rows] for rows in each_part]


def _told(answer: Answer, rows: NDArray[np.int64]) -> _Wrong:
    row, fault = _worst_fault(answer, rows)
    is_alone = answer.case.alone or answer.case.arguments is not None
    simpler = "alone" if is_alone else "in a plain array"
    if not is_alone and answer.case.is_plain:
        simpler = "in an array of the wrong rows alone"
    size = f", wrong by {fault.error:.4g} ulp" if np.isfinite(fault.error) else ""
    return _Wrong(f"{_place(answer, row)} {fault.told}{size}; {simpler} the row is right", fault)


def _place(answer: Answer, row: int) -> str:
    return f"{answer.case.told}: row {answer.case.place_of(row)}"


def _of_no_answer(answer: Answer, part: str) -> Finding:
    """The finding of a call that gives no result, however simply it is asked."""
    inputs, fault = answer.inputs.row(0), answer.reply.faults[0]
    is_shown = answer.case.rows == 1 and is_short(inputs)
    witness = literal_text(answer.subject.problem, inputs, 0) if is_shown else ""
    replay = key_of(answer.subject).checking(part)
    told = f"{answer.case.told}: {fault.message}"
    return Finding(fault.kind, told, witness=witness, replay=replay)


def _of_accuracy(answer: Answer, rows: NDArray[np.int64], part: str) -> Finding:
    """The finding of rows that are wrong wherever they stand."""
    row, fault = _worst_fault(answer, rows)
    wrong = _Wrong(f"{_place(answer, row)} {fault.told}", fault)
    return wrong.finding(fault.kind, key_of(answer.subject).checking(part))


def _worst_fault(answer: Answer, rows: NDArray[np.int64]) -> tuple[int, _Fault]:
    """The worst wrong element of some rows of a case, the first of equals, and its row."""

    def size(row: int) -> tuple[float, int]:
        here, place = answer.judgement_of(row)
        error = np.where(np.isnan(here.batch.absolute[place]), np.inf, here.batch.absolute[place])
        index = int(np.argmax(np.where(here.is_fault[place], error, -np.inf)))
        return float(error[index]), index

    found = {row: size(row) for row in rows.tolist()}
    row = max(found, key=lambda each: found[each][0])
    here, place = answer.judgement_of(row)
    _, index = found[row]
    inputs = Inputs(here.asked.stored, here.asked.operands).row(place)
    witness = literal_text(answer.subject.problem, inputs, index) if is_short(inputs) else ""
    kind = str(OUTCOMES[here.codes[place, index]])
    return row, _Fault(kind, here.told(place, index), *here.excess(place, index), witness)


def _other_bits(subject: Subject, case: Case, inputs: Inputs, y: NDArray[Any]) -> _Wrong | None:
    """Compare bits where the same bits are promised: rows sorted, alone, or in a plain array."""
    if case.kind == "permutation":
        if not subject.problem.operation.one_to_one:
            return None
        order = np.argsort(inputs.x, axis=-1, kind="stable")
        plain = taken(inputs, subject.problem.operation.operands, order)
        assert plain is not None
        y = np.take_along_axis(y, order, -1)
        requests = [subject.request(*plain)]
    elif case.alone:
        ends = np.unique([*range(len(y))[:_OF_SAME_BITS], *range(len(y))[-_OF_SAME_BITS:]])
        requests = [subject.request(*each) for each in _parts(inputs.rows(ends), alone=True)]
        y = y[ends]
    else:
        requests = [subject.request(*inputs)]
    replies = subject.ask(requests)
    if any(reply.y is None for reply in replies):
        return None
    found = [reply.y.ravel() for reply in replies if reply.y is not None]
    expected = np.concatenate(found)
    if bits(expected) == bits(y.ravel()):
        return None
    return _Wrong(f"{case.told}: gives different bits, although the same bits were promised")
