"""The judging process: it computes the truth, and lives as long as the process that started it."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from dataclasses import dataclass, replace

from softmax_harness.check.asserted.messages import Assertion, Broken, Channel, Verdict
from softmax_harness.check.asserted.shown import shown
from softmax_harness.check.contract import Contract
from softmax_harness.check.contract.checking import verdict
from softmax_harness.check.contract.promises import parsed_limit
from softmax_harness.ground.errors import HarnessError
from softmax_harness.ground.formats import format_named
from softmax_harness.ground.memory import keep_freed_memory
from softmax_harness.operations import DEFAULT_OPERATION, Policy, operation_named
from softmax_harness.subjects.declaration import Said, described, problem_of, without
from softmax_harness.subjects.isolation import Reply, Request
from softmax_harness.subjects.meant import hint_of
from softmax_harness.subjects.subject import Subject

# A limit on max_ulp takes the place of the bound of a well-made softmax, which these two hold.
_REPLACED = ("inaccurate", "bias")


@dataclass(frozen=True)
class _Client:
    """A `Caller` that has the calls made by the other process."""

    channel: Channel

    def serve(self, requests: list[Request]) -> list[Reply]:
        """The replies of the callable in the other process."""
        self.channel.send(requests)
        replies: list[Reply] = self.channel.receive()
        return replies


def verdict_on(assertion: Assertion, channel: Channel) -> Verdict:
    """The verdict on a callable of the other process."""
    subject = _subject(assertion, channel)
    limits = tuple(parsed_limit(text, "limit") for text in assertion.limits)
    contract = Contract(
        (assertion.dtype,),
        assertion.parts,
        assertion.seed,
        subject.problem.policy,
        limits,
        families=assertion.families,
        operation=subject.problem.operation.name,
        fail_fast=assertion.fail_fast,
        said=subject.said,
        names_dtypes=assertion.names_dtype,
    )
    if not assertion.is_shown:
        name, parameters = assertion.name, assertion.parameters
        hint = hint_of(name, parameters, contract.operation) if subject.is_plain else ""
        result = verdict(subject, contract, hint)
        return Verdict(result.elements, (), result.slow, result)
    result = verdict(subject, contract)
    if any(limit.metric == "max_ulp" for limit in limits):
        result = result.excluding(lambda finding: finding.kind in _REPLACED)
    faults = [shown(finding, subject, assertion.loadable) for finding in result.findings]
    return Verdict(result.elements, tuple(faults), result.slow)


def _subject(assertion: Assertion, channel: Channel) -> Subject:
    format = format_named(assertion.dtype)
    plain = {"dtypes": (format.name,), "operation": assertion.operation or DEFAULT_OPERATION}
    declared = assertion.declared or plain
    declaration = without(described(assertion.name, declared, ""), assertion.without)
    largest = {} if assertion.largest_n is None else {format.name: assertion.largest_n}
    declaration = replace(declaration, largest_n={**declaration.largest_n, **largest})
    said = Said(
        assertion.output_dtype,
        assertion.standard,
        arrays=assertion.arrays,
        device=assertion.device,
        fit=assertion.fit,
    )
    declaration = said.about(declaration, is_plain=assertion.declared is None)
    about = operation_named(declaration.operation, said.fit)
    problem = problem_of(declaration, about, format, Policy.parse(assertion.policy))
    is_plain = assertion.declared is None
    return Subject(declaration, problem, _Client(channel), is_plain, said)


def main() -> None:
    """Judge one assertion after another until the other process closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # which is for the other process to answer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints here must not come between
    keep_freed_memory()
    channel = Channel(sys.stdin.buffer, answers)
    try:
        while True:
            channel.send(_done(channel.receive(), channel))
    except (EOFError, BrokenPipeError):
        os._exit(0)  # nobody is left to be told anything


def _done(assertion: Assertion, channel: Channel) -> Verdict | HarnessError | Broken:
    try:
        return verdict_on(assertion, channel)
    except HarnessError as error:
        return error
    except (EOFError, BrokenPipeError):
        raise
    except Exception:  # noqa: BLE001 - which the other process raises
        return Broken(traceback.format_exc())


if __name__ == "__main__":
    main()
