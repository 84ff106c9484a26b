"""What is asked of an implementation of another operation than softmax: accuracy, form, the axis."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.check.contract.checked import (
    Checked,
    Contract,
    finding_of,
    load_or_fault,
    unloaded,
    up_to_the_last,
)
from softmax_harness.check.contract.finding import Finding, first_of_each_kind
from softmax_harness.check.contract.judgement import Judgement, judge
from softmax_harness.ground.errors import BadImplementation
from softmax_harness.ground.formats import FORMATS, Format, format_named
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.inputs.suites import fits_without_screen
from softmax_harness.inputs.witness import recipe_text
from softmax_harness.judgement.measure import question
from softmax_harness.operations import OPERATIONS, Operands, Operation
from softmax_harness.subjects.isolation import Ended, Fault, Isolated, Reply, Request
from softmax_harness.subjects.isolation.specification import is_foreign
from softmax_harness.subjects.named import check_name, described

_LENGTHS, _ROWS, _AT_ONCE = (1, 2, 3, 8, 17, 33, 100), 24, 32
_LARGEST_FAMILY = 4096  # of rows that come as a whole


@dataclass(frozen=True)
class _Case:
    """One call: a recipe's first block, along its last axis or its first."""

    operation: Operation
    recipe: Recipe
    judged: Format
    axis: int = -1

    @property
    def inputs(self) -> tuple[NDArray[Any], Operands]:
        """The first rows of the block, and what explain makes beside these rows: of the whole."""
        stored = self.recipe.block(0)
        operands = self.operation.make_operands(stored, self.recipe.random_operands(0))
        return stored[:_ROWS], tuple(each[:_ROWS] for each in operands)

    @property
    def request(self) -> Request:
        stored, operands = self.inputs
        arguments = self.operation.called_with(stored, operands)
        if self.axis == 0:
            # What has no entry for each logit, such as a class, has no axis to move.
            arguments = tuple(each.T if each.ndim == 2 else each for each in arguments)
        first, *others = (np.ascontiguousarray(each) for each in arguments)
        shape = self.operation.shape_of_results((first, *others), self.axis)
        axis = self.axis if self.operation.has_axis else None
        return Request(first, self.judged.name, axis, operands=tuple(others), shape=shape)

    def judgement(self, y: NDArray[Any], flushes: bool) -> Judgement:
        stored, operands = self.inputs
        asked = question(self.operation, stored, self.judged, operands=operands)
        if self.axis == 0 and not self.operation.one_result:
            y = y.T
        found = judge(asked, y.reshape(asked.truth.rounded.shape), flushes)
        # A 0 may be within what is owed, whatever made it.
        with np.errstate(invalid="ignore"):
            is_owed = (found.batch.absolute <= asked.limit_ulp) & (found.batch.y == 0)
        return replace(found, is_fault=found.is_fault & ~(is_owed & ~asked.truth.fixed))


def operation_checked(name: str, contract: Contract) -> list[Checked]:
    """The verdicts on an implementation of `contract.operation`, one for each dtype.

    Raises
    ------
    UnknownName, BadImplementation
        If there is none of that name, or it computes something else.
    """
    operation = contract.operation
    check_name(name, operation)
    with Isolated(name if is_foreign(name) else f"{operation}/{name}", contract.process) as process:
        loaded = load_or_fault(process)
        if isinstance(loaded, Fault):
            return [unloaded(name, dtype, loaded) for dtype in contract.dtypes]
        declaration = described(name, loaded.declared, loaded.summary, operation)
        if declaration.operation != operation:
            raise BadImplementation(
                f"{name} computes {declaration.operation}, and {operation} was asked for: give "
                f"--operation {declaration.operation}"
            )
        if declaration.unavailable:
            fault = Fault("unavailable", declaration.unavailable)
            return [unloaded(name, dtype, fault) for dtype in contract.dtypes]
        results = []
        for dtype in contract.dtypes:
            if dtype not in declaration.dtypes:
                reported = (f"takes {', '.join(declaration.dtypes)}",)
                results.append(Checked(name, dtype, "unsupported", reported=reported))
                continue
            judged = FORMATS[declaration.output_dtype or dtype]
            cases = list(_cases(OPERATIONS[operation], format_named(dtype), judged, contract.seed))
            flushes = "subnormals" not in declaration.capabilities
            ends_at = partial(contract.ends_at, declaration, dtype)
            found, elements = _findings(name, dtype, process, cases, flushes, ends_at)
            findings = up_to_the_last(first_of_each_kind(found), ends_at)
            expected = tuple(each for each in findings if declaration.expects(each.kind, dtype))
            left = tuple(each for each in findings if each not in expected)
            verdict = "fail" if left else "pass"
            is_whole = not ends_at([each.kind for each in left])
            results.append(
                Checked(name, dtype, verdict, left, expected, (), elements, is_whole=is_whole)
            )
        return results


def _cases(operation: Operation, format: Format, judged: Format, seed: int) -> Iterator[_Case]:
    for family in FAMILIES.values():
        if not fits_without_screen(family) or (family.rows or 0) > _LARGEST_FAMILY:
            continue
        for n in family.lengths or _LENGTHS:
            recipe = Recipe(family, format, n, family.rows or _ROWS, seed)
            yield _Case(operation, recipe, judged)
    if operation.has_axis:
        recipe = Recipe(FAMILIES["normal-10"], format, 33, _ROWS, seed)
        yield _Case(operation, recipe, judged, axis=0)


def _findings(
    name: str,
    dtype: str,
    process: Isolated,
    cases: list[_Case],
    flushes: bool,
    ends_at: Callable[[list[str]], bool],
) -> tuple[list[Finding], int]:
    found: list[Finding] = []
    elements, waiting = 0, iter(cases)
    while some := list(islice(waiting, _AT_ONCE)):
        try:
            replies = process.serve([case.request for case in some])
        except Ended as ended:
            return [*found, finding_of(ended.fault, ended.told, name, dtype, "accuracy")], elements
        for case, reply in zip(some, replies, strict=True):
            own, judged = _of_reply(name, case, reply, flushes)
            found += own
            elements += judged
            if ends_at([each.kind for each in own]):
                return found, elements
    return found, elements


def _of_reply(name: str, case: _Case, reply: Reply, flushes: bool) -> tuple[list[Finding], int]:
    own = [
        Finding(
            fault.kind,
            fault.message,
            witness=_witness(case, 0, 0),
            replay=_replay(name, case, 0, 0),
        )
        for fault in reply.faults
    ]
    if reply.y is None:
        return own, 0
    judged = case.judgement(reply.y, flushes)
    for kind in judged.kinds():
        row, index = judged.worst(kind)
        y, exact = judged.batch.y[row, index], judged.batch.z[row, index]
        error, limit = judged.excess(row, index)
        told = f"{judged.count(kind)} of {judged.batch.y.size} results are {kind.replace('_', ' ')}"
        along = "" if case.axis == -1 else ", along the first axis"
        own.append(
            Finding(
                kind,
                f"{told}{along}: {y:.9g} where {exact:.9g} is right",
                "max_ulp",
                error,
                limit,
                _witness(case, row, index),
                _replay(name, case, row, index),
            )
        )
    return own, judged.batch.y.size


def _witness(case: _Case, row: int, index: int) -> str:
    return recipe_text(case.recipe, row, index)


def _replay(name: str, case: _Case, row: int, index: int) -> str:
    words = ["softmax-harness", "explain", _witness(case, row, index)]
    words += ["--operation", case.operation.name, "--implementation", name]
    return shlex.join(words)
