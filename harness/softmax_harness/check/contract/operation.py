"""Checks implementations of operations other than softmax: accuracy, shape, dtype, axis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from softmax_implementations import Implementation

from softmax_harness.check.contract.accuracy import JudgedBlock
from softmax_harness.check.contract.checked import (
    Checked,
    Contract,
    finding_of,
    parted,
    up_to_the_last,
)
from softmax_harness.check.contract.checking import declaration_of, load_or_fault, unloaded
from softmax_harness.check.contract.finding import (
    Finding,
    Key,
    first_of_each_kind,
    key_of,
    lost_if_unknown,
    sizes,
)
from softmax_harness.check.contract.judgement import Judgement, judge, truth_of
from softmax_harness.check.contract.promises import Promises, limits_of
from softmax_harness.check.contract.reached import Reached
from softmax_harness.explain.numbers import result_text
from softmax_harness.ground.formats import format_named
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.inputs.suites import fits_without_screen
from softmax_harness.inputs.witness import recipe_text
from softmax_harness.operations import Operands, Problem, operation_named, qualified
from softmax_harness.subjects.declaration import problem_of
from softmax_harness.subjects.isolation import Ended, Fault, Isolated, Reply, Request
from softmax_harness.subjects.isolation.specification import is_foreign
from softmax_harness.subjects.named import check_name
from softmax_harness.subjects.subject import Subject

_LENGTHS, _ROWS, _AT_ONCE = (1, 2, 3, 8, 17, 33, 100), 24, 32
_LARGEST_FAMILY = 4096  # of rows that come as a whole


@dataclass(frozen=True)
class _Case:
    """One call: a recipe's first block, along its last axis or its first."""

    problem: Problem
    recipe: Recipe

    @property
    def inputs(self) -> tuple[NDArray[Any], Operands]:
        """The first rows of the block and their operands, which are made for the whole block."""
        stored = self.recipe.block(0)
        operands = self.problem.operation.make_operands(stored, self.recipe.random_operands(0))
        return stored[:_ROWS], tuple(each[:_ROWS] for each in operands)

    @property
    def request(self) -> Request:
        arguments = self.problem.operation.called_with(*self.inputs)
        if self.problem.axis == 0:
            # What has no entry for each logit, such as a class, has no axis to move.
            arguments = tuple(each.T if each.ndim == 2 else each for each in arguments)
        return Request(self.problem, tuple(np.ascontiguousarray(each) for each in arguments))

    def judgement(self, y: NDArray[Any], subject: Subject) -> Judgement:
        asked = truth_of(self.problem, *self.inputs).held_to(subject.standard)
        if self.problem.axis == 0 and not self.problem.operation.one_result:
            y = y.T
        flushes = not subject.promises("subnormals")
        return judge(asked, y.reshape(asked.truth.rounded.shape), flushes)


@dataclass(frozen=True)
class _Seen:
    """What all cases together tell."""

    reached: Reached
    promises: Promises

    def see(self, case: _Case, found: Judgement) -> None:
        self.reached.see(found)
        if case.problem.axis == -1:
            self.promises.see(JudgedBlock(case.recipe, 0, found))


def operation_checked(name: str, contract: Contract) -> list[Checked]:
    """The verdicts on an implementation of `contract.operation`, one for each dtype.

    Raises
    ------
    UnknownName, BadImplementation
        If there is none of that name, or it computes something else.
    """
    operation = contract.operation
    check_name(name, operation)
    with Isolated(
        name if is_foreign(name) else qualified(operation, name), contract.process
    ) as process:
        loaded = load_or_fault(process)
        if isinstance(loaded, Fault):
            return [unloaded(each, loaded) for each in contract.keys(name)]
        declaration = declaration_of(name, loaded, contract)
        if declaration.unavailable:
            fault = Fault("unavailable", declaration.unavailable)
            return [unloaded(each, fault) for each in contract.keys(name)]
        return [_verdict(declaration, process, dtype, contract) for dtype in contract.dtypes]


def _verdict(
    declaration: Implementation, process: Isolated, dtype: str, contract: Contract
) -> Checked:
    key = Key(contract.operation, declaration.name, dtype)
    if dtype not in declaration.dtypes:
        reported = (f"supports only {', '.join(declaration.dtypes)}",)
        return Checked.of(key, "unsupported", reported=reported)
    problem = problem_of(declaration, operation_named(contract.operation), format_named(dtype))
    process.renew()
    subject = Subject(declaration, problem, process, said=contract.said)
    ends_at = partial(contract.ends_at, declaration, dtype)
    seen = _Seen(Reached(subject), Promises(limits_of(subject, contract.limits)))
    found, elements = _findings(subject, list(_cases(problem, contract.seed)), ends_at, seen)
    found += seen.promises.findings(subject)
    found += [finding_of(fault, "", key_of(subject), None) for fault in process.left_behind()]
    findings = up_to_the_last(first_of_each_kind(found), ends_at)
    left, expected = parted(findings, declaration, problem.output_format)
    return Checked.of(
        key,
        "fail" if left else "pass",
        findings=left,
        expected=expected,
        elements=elements,
        standard=subject.standard,
        reached=seen.reached.standard if elements else "",
        is_whole=not ends_at([each.kind for each in left]),
    )


def _cases(problem: Problem, seed: int) -> Iterator[_Case]:
    format = problem.input_format
    for family in FAMILIES.values():
        if not fits_without_screen(family) or (family.rows or 0) > _LARGEST_FAMILY:
            continue
        for n in family.lengths or _LENGTHS:
            yield _Case(problem, Recipe(family, format, n, family.rows or _ROWS, seed))
    if problem.operation.has_axis:
        recipe = Recipe(FAMILIES["normal-10"], format, 33, _ROWS, seed)
        yield _Case(problem.along(0), recipe)


def _findings(
    subject: Subject,
    cases: list[_Case],
    ends_at: Callable[[list[str]], bool],
    seen: _Seen,
) -> tuple[list[Finding], int]:
    found: list[Finding] = []
    elements, waiting = 0, iter(cases)
    while some := list(islice(waiting, _AT_ONCE)):
        try:
            replies = subject.caller.serve([case.request for case in some])
        except Ended as ended:
            return [*found, finding_of(ended.fault, ended.told, key_of(subject), None)], elements
        for case, reply in zip(some, replies, strict=True):
            own, judged = _of_reply(subject, case, reply, seen)
            found += own
            elements += judged
            if ends_at([each.kind for each in own]):
                return found, elements
    return found, elements


def _of_reply(
    subject: Subject, case: _Case, reply: Reply, seen: _Seen
) -> tuple[list[Finding], int]:
    own = [
        Finding(
            fault.kind,
            fault.message,
            witness=_witness(case, 0, 0),
            replay=_replay(subject, case, 0, 0),
        )
        for fault in reply.faults
    ]
    if reply.y is None:
        return own, 0
    found = case.judgement(reply.y, subject)
    seen.see(case, found)
    for kind in found.kinds():
        row, index = found.worst(kind)
        truth, place = found.batch.truth, (row, index)
        y, right = (
            result_text(each[place], truth.format) for each in (found.batch.y, truth.rounded)
        )
        error, limit = found.excess(row, index)
        told = f"{found.count(kind)} of {found.batch.y.size} results: {kind.replace('_', ' ')}"
        along = "" if case.problem.axis == -1 else ", along the first axis"
        own.append(
            Finding(
                kind,
                f"{told}{along}; {y} is wrong, {right} is right",
                *sizes(kind, error, limit),
                _witness(case, row, index),
                _replay(subject, case, row, index),
                lost_if_unknown(error),
            )
        )
    return own, found.batch.y.size


def _witness(case: _Case, row: int, index: int) -> str:
    return recipe_text(case.recipe, row, index)


def _replay(subject: Subject, case: _Case, row: int, index: int) -> str:
    return key_of(subject).explaining(_witness(case, row, index))
