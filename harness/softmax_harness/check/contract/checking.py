"""Runs the contract suite on one implementation and gives the verdict."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from typing import NamedTuple

from softmax_implementations import Implementation

from softmax_harness.check.contract.budget import pace_of
from softmax_harness.check.contract.case import Case
from softmax_harness.check.contract.cases import Cases
from softmax_harness.check.contract.checked import (
    Checked,
    Contract,
    finding_of,
    parted,
    up_to_the_last,
)
from softmax_harness.check.contract.finding import OF_CALLS, Key, first_of_each_kind, key_of
from softmax_harness.check.contract.parts import Found, do_part
from softmax_harness.ground.errors import BadImplementation
from softmax_harness.ground.formats import format_named
from softmax_harness.operations import operation_named
from softmax_harness.subjects.declaration import (
    check_operation,
    described,
    problem_of,
    without,
)
from softmax_harness.subjects.isolation import Description, Ended, Fault, Isolated, blame
from softmax_harness.subjects.meant import fit_of, hint_of
from softmax_harness.subjects.named import check_name
from softmax_harness.subjects.specification import loaded_as
from softmax_harness.subjects.subject import Subject, as_it_answers

_FEW = 3, 5  # rows and their length
_OF_SHAPES = ("raised", "wrong_shape")


def checked(name: str, contract: Contract) -> list[Checked]:
    """The verdicts on the implementation of that name, one for each dtype.

    Raises
    ------
    UnknownName, BadImplementation
        If there is none of that name.
    """
    check_name(name, contract.operation)
    convention = contract.said.convention(name, contract.operation)
    whole_name = loaded_as(name, contract.operation)
    with ExitStack() as stack:
        process = stack.enter_context(Isolated(whole_name, contract.process, convention))
        fresh = stack.enter_context(Isolated(whole_name, contract.process, convention))
        loaded = load_or_fault(process)
        if isinstance(loaded, Fault):
            return [unloaded(each, loaded) for each in contract.keys(name)]
        contract = _without_what_it_lacks(contract, loaded)
        declaration = declaration_of(name, loaded, contract)
        if declaration.unavailable:
            fault = Fault("unavailable", declaration.unavailable)
            return [unloaded(each, fault) for each in contract.keys(name)]
        operation = operation_named(contract.operation, contract.said.fit)
        subjects = [
            Subject(
                declaration,
                problem_of(declaration, operation, format_named(dtype), contract.policy),
                process,
                is_plain=loaded.declared is None,
                said=contract.said,
            )
            for dtype in contract.dtypes
        ]
        firsts = [_first_call(each, contract) for each in subjects]
        if not all(first.refusal for first in firsts):
            firsts = [
                _of_choice(first, contract) if each.is_plain else first
                for each, first in zip(subjects, firsts, strict=True)
            ]
        return [
            Checked.of(key_of(each), "unsupported", reported=(first.refusal,))
            if first.refusal and (first.is_choice or not each.is_plain)
            else _with_hint(
                _verdict(each, replace(each, caller=fresh), loaded.faults, first, contract),
                hint_of(name, loaded.parameters, contract.operation) if each.is_plain else "",
                each,
            )
            for each, first in zip(subjects, firsts, strict=True)
        ]


def _without_what_it_lacks(contract: Contract, loaded: Description) -> Contract:
    """The contract with what a plain function is called without, since it has no such parameter."""
    if loaded.declared is not None:
        return contract
    said, about = contract.said, operation_named(contract.operation)
    return replace(contract, said=replace(said, fit=fit_of(said.fit, loaded.parameters, about)))


def _with_hint(result: Checked, hint: str, subject: Subject) -> Checked:
    """The verdict with a hint, beside the finding that calls give nothing to judge if there is.

    Where no accuracy could be judged, and no other operation is meant, that is how it was called.
    """
    if hint:
        return _adding(result, hint, OF_CALLS)
    is_unjudged = result.standard and not result.elements  # though accuracy was asked for
    is_lost = is_unjudged and any(each.kind in _OF_SHAPES for each in result.findings)
    if is_lost and subject.problem.operation.operands:
        return _adding(result, _called_as(subject), _OF_SHAPES)
    return result


def _adding(result: Checked, hint: str, kinds: tuple[str, ...]) -> Checked:
    """The verdict with a hint beside the first finding of these kinds, or the first of all."""
    if not result.findings:
        return result
    at = next((at for at, each in enumerate(result.findings) if each.kind in kinds), 0)
    findings = list(result.findings)
    findings[at] = replace(findings[at], message=f"{findings[at].message}{hint}")
    return replace(result, findings=tuple(findings))


def _called_as(subject: Subject) -> str:
    """The arguments of a call of a few rows, with their shapes."""
    problem = subject.problem
    rows = Cases(problem.operation, subject.format, 0).normal(_FEW)
    arguments = Case("batch", "", (rows,), _FEW).placed(problem)
    shapes = zip(problem.operation.parameters, arguments, strict=True)
    given = [each for each in shapes if each[0] not in problem.operation.left_out]
    told = ", ".join(f"{name} of shape {array.shape}" for name, array in given)
    return f"; for {_FEW[0]} rows of {_FEW[1]} it is called with {told}"


def verdict(subject: Subject, contract: Contract, hint: str = "") -> Checked:
    """The verdict on a subject, without a fresh process to compare it with.

    The parts of the contract are all but ``repeats``. A dtype that was asked for by name must be
    taken. `hint` says what else it may compute.
    """
    first = _first_call(subject, contract)
    if first.refusal and not contract.names_dtypes:
        return Checked.of(key_of(subject), "unsupported", reported=(f"{first.refusal}{hint}",))
    if first.refusal:
        first = _First(faults=(Fault("raised", first.refusal),), is_last=True)
    return _with_hint(_verdict(subject, subject, (), first, contract), hint, subject)


def declaration_of(name: str, loaded: Description, contract: Contract) -> Implementation:
    """What is declared about it, less what is not asked for, with what the command says.

    Raises
    ------
    BadImplementation
        If it computes something else than what it is to be checked for.
    """
    plain = described(name, loaded.declared, loaded.summary, contract.operation)
    check_operation(plain, contract.operation)
    declaration = contract.said.about(plain, is_plain=loaded.declared is None)
    return without(declaration, contract.without)


def load_or_fault(process: Isolated) -> Description | Fault:
    """The description of the loaded implementation, or the fault that prevents loading.

    Raises
    ------
    NoRoom
        If no implementation could be loaded in this environment.
    """
    try:
        found = process.load()
    except Ended as ended:
        found = ended.fault
    return blame(found, process.limits) if isinstance(found, Fault) else found


def unloaded(key: Key, fault: Fault) -> Checked:
    """The verdict on an implementation that cannot be loaded."""
    if fault.kind == "unknown":
        raise BadImplementation(fault.message)
    if fault.kind == "unavailable":
        return Checked.of(key, "unavailable", reported=(fault.message,))
    return Checked.of(key, "fail", findings=(finding_of(fault, "", key, "accuracy"),))


class _First(NamedTuple):
    """What the first call in a dtype showed.

    Attributes
    ----------
    refusal : str
        Why the dtype is not supported; empty where it is.
    faults : tuple of Fault
    is_last : bool
        Whether more calls would only show the same again.
    is_choice : bool
        Whether the refusal is the author's choice of dtypes.
    """

    refusal: str = ""
    faults: tuple[Fault, ...] = ()
    is_last: bool = False
    is_choice: bool = False


def _of_choice(first: _First, contract: Contract) -> _First:
    """A plain function that answers in one dtype and refuses another does not support that one.

    Where the other was asked for by name, that is a fault.
    """
    if not first.refusal:
        return first
    if not contract.names_dtypes:
        return first._replace(is_choice=True)
    message = f"{first.refusal}; leave the dtype out, or declare the others with @implementation"
    return _First(faults=(Fault("raised", message),), is_last=True)


def _first_call(subject: Subject, contract: Contract) -> _First:
    if subject.format.name not in subject.declaration.dtypes:
        return _First(f"supports only {', '.join(subject.declaration.dtypes)}")
    try:
        cases = Cases(subject.problem.operation, subject.format, contract.seed)
        (reply,) = subject.ask([subject.request(*cases.normal(_FEW))])
    except Ended as ended:
        return _First(faults=(blame(ended.fault, contract.process),), is_last=True)
    if subject.is_plain and reply.refused:
        return _First(reply.faults[0].message)
    return _First(faults=reply.faults, is_last=reply.exhausted)


def _verdict(
    subject: Subject,
    fresh: Subject,
    at_import: tuple[Fault, ...],
    first: _First,
    contract: Contract,
) -> Checked:
    for each in (subject.caller, fresh.caller):
        if isinstance(each, Isolated):
            each.renew()
    subject = as_it_answers(subject)
    fresh = replace(fresh, problem=subject.problem)
    found = Found(subject, contract)
    if subject.problem.policy != contract.policy:
        found.reported.append(("masks", "a row of which a mask hides everything gives 0"))
    found.add_faults([(fault, "when it was loaded") for fault in at_import], "accuracy")
    found.add_faults([(fault, "at its first call") for fault in first.faults], "accuracy")
    if not first.is_last and not found.is_enough:
        _do_parts(found, fresh, contract)
    if first.refusal and not found.findings:  # by parts in which a call may be refused
        found.add_faults([(Fault("raised", first.refusal), "at its first call")], "accuracy")
    if isinstance(subject.caller, Isolated):
        key = key_of(subject)
        left = subject.caller.left_behind()
        found.reported += [(each.kind, each.message) for each in subject.caller.reports()]
        found.findings += [finding_of(fault, "", key, None) for fault in left]
    if words := subject.said.words_of_fit:
        found.reported.append(("shapes", f"it is asked with {' '.join(words)} alone"))
    findings = up_to_the_last(first_of_each_kind(found.findings), found.ends_at)
    unexpected, expected = parted(findings, subject.declaration, subject.problem.output_format)
    return Checked.of(
        key_of(subject),
        "fail" if unexpected else "pass",
        findings=unexpected,
        expected=expected,
        reported=_summed_up(found.reported),
        elements=found.elements,
        cells=tuple(found.cells),
        is_whole=not found.is_enough,
        standard=subject.standard if "accuracy" in contract.parts else "",
        reached=found.reached,
        would_miss=found.would_miss,
        cause=found.cause if unexpected else "",
        output_dtype=subject.problem.output_format.name,
        slow=found.asked.told(found.subject.pace),
    )


def _do_parts(found: Found, fresh: Subject, contract: Contract) -> None:
    """Ask one part of the contract after another at its pace, until its process ends for good."""
    part = contract.parts[0]
    try:
        pace = pace_of(found.subject, contract.process.seconds)
        found.subject, fresh = (replace(each, pace=pace) for each in (found.subject, fresh))
        for part in contract.parts:
            if found.is_enough:
                break
            do_part(found, fresh, part, contract)
    except Ended as ended:
        found.add_faults([(blame(ended.fault, contract.process), ended.told)], part)


def _summed_up(reported: list[tuple[str, str]]) -> tuple[str, ...]:
    """The first of each kind, and how many more there are."""
    counts = Counter(kind for kind, _ in reported)
    firsts: dict[str, str] = dict(reversed(reported))
    return tuple(
        f"{kind}: {firsts[kind]}" + (f" (and {count - 1} more of this kind)" if count > 1 else "")
        for kind, count in counts.items()
    )
