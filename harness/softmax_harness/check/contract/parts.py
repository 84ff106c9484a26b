"""The parts of the contract suite, and what they find."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

from softmax_harness.check.contract import promises, repeats
from softmax_harness.check.contract.accuracy import Stream
from softmax_harness.check.contract.budget import (
    Asked,
    fitting_cases,
    fitting_recipes,
    fitting_repeats,
    room,
    too_slow,
)
from softmax_harness.check.contract.cases import cases_of
from softmax_harness.check.contract.checked import Contract, finding_of
from softmax_harness.check.contract.collected import Collected
from softmax_harness.check.contract.edges import Edges
from softmax_harness.check.contract.finding import Finding, key_of
from softmax_harness.check.contract.shrink import smallest_raising
from softmax_harness.check.contract.structure import examined
from softmax_harness.check.contract.suite import recipes
from softmax_harness.check.contract.summaries import RecipeSummary
from softmax_harness.subjects.isolation import Fault
from softmax_harness.subjects.subject import Subject


class Found:
    """Collects what the parts of the suite find."""

    def __init__(self, subject: Subject, contract: Contract) -> None:
        self.subject, self.contract = subject, contract
        self.findings: list[Finding] = []
        self.reported: list[tuple[str, str]] = []
        self.elements = 0
        self.cells: list[RecipeSummary] = []
        self.reached = ""
        self.would_miss: dict[str, int] = {}
        self.cause = ""
        self.asked = Asked()

    def ends_at(self, kinds: list[str]) -> bool:
        """Whether findings of these kinds end the verdict."""
        subject = self.subject
        return self.contract.ends_at(subject.declaration, subject.format.name, kinds)

    @property
    def is_enough(self) -> bool:
        """Whether what was found ends the verdict."""
        return self.ends_at([each.kind for each in self.findings])

    def add_faults(self, faults: list[tuple[Fault, str]], part: str) -> None:
        """Faults of calls, each with what was called."""
        key = key_of(self.subject)
        self.findings += [finding_of(fault, told, key, part) for fault, told in faults]

    def add_until_enough(self, findings: Iterator[Finding]) -> None:
        """Findings as they are made, up to the one that ends the verdict."""
        while not self.is_enough and (finding := next(findings, None)) is not None:
            self.findings.append(finding)

    def with_smallest_refused_row(self) -> None:
        """Give the first finding of a refused input the smallest row that is refused."""
        for place, each in enumerate(self.findings):
            if each.kind == "raised" and each.witness:
                text = smallest_raising(self.subject, each.witness)
                self.findings[place] = replace(each, witness=text)
                return


def _accuracy(found: Found, fresh: Subject, part: str, contract: Contract) -> None:
    subject = found.subject
    plan = list(recipes(subject.problem, subject.longest, contract.seed, contract.families))
    fitting = fitting_recipes(plan, room(subject.pace, part))
    found.asked.note_recipes(fitting, plan)
    found.add_faults(too_slow(fitting, plan), part)
    limits = promises.limits_of(subject, contract.limits)
    stream = Stream(
        subject,
        fitting,
        fail_fast=contract.fail_fast,
        has_limits=bool(limits),
        ends_at=found.ends_at,
    )
    collected = Collected(subject, limits)
    try:
        with closing(iter(stream)) as blocks:
            for some in blocks:
                collected.see(some)
                if contract.fail_fast and found.ends_at(collected.kinds()):
                    break
    finally:
        found.elements = stream.elements
        found.cells += collected.cells
        found.add_faults(stream.faults, part)
    found.reported += collected.reported
    found.reached = "" if stream.faults or not found.elements else collected.reached
    if not contract.fail_fast:  # of a part of the suite nothing can be told
        found.would_miss = collected.would_miss
        found.cause = collected.cause
    found.with_smallest_refused_row()
    found.add_until_enough(collected.findings())


def _cases(found: Found, fresh: Subject, part: str, contract: Contract) -> None:
    subject = found.subject
    operation = subject.problem.operation
    cases = list(cases_of(part, operation, subject.format, contract.seed))
    fitting = fitting_cases(cases, room(subject.pace, part))
    found.asked.note(fitting, cases)
    here = examined(subject, fitting, part, contract.fail_fast, found.ends_at)
    found.findings += here.findings
    found.reported += here.reported
    found.add_faults(here.faults, part)
    known = {each.kind for each in found.findings}
    found.add_until_enough(each for kind, each in here.accuracy.items() if kind not in known)


def _repeats(found: Found, fresh: Subject, part: str, contract: Contract) -> None:
    subject, seed = found.subject, contract.seed
    whole = repeats.requests(subject, seed)
    asked = fitting_repeats(whole, room(subject.pace, part))
    found.asked.note(asked, whole)
    found.add_faults(repeats.repeated(subject, asked), part)
    if not found.is_enough:
        found.add_faults(repeats.in_a_fresh_process(subject, fresh, asked), part)


def _operands(found: Found, fresh: Subject, part: str, contract: Contract) -> None:
    edges = Edges(found.subject)
    found.add_until_enough(edges.findings())
    found.reported += edges.reported


_OWN: dict[str, Callable[[Found, Subject, str, Contract], Any]] = {
    "accuracy": _accuracy,
    "operands": _operands,
    "repeats": _repeats,
}


def do_part(found: Found, fresh: Subject, part: str, contract: Contract) -> None:
    """Ask a part of the suite, and add to what was found."""
    _OWN.get(part, _cases)(found, fresh, part, contract)
