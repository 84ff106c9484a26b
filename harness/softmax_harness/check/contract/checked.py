"""Runs the contract suite on one implementation and gives the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from softmax_implementations import Implementation

from softmax_harness.check.contract import promises, repeats
from softmax_harness.check.contract.accuracy import Faults, Stream
from softmax_harness.check.contract.bias import Bias
from softmax_harness.check.contract.cases import CASES, normal
from softmax_harness.check.contract.finding import Finding, Key, first_of_each_kind, key_of
from softmax_harness.check.contract.shrink import smallest_raising
from softmax_harness.check.contract.structure import examined
from softmax_harness.check.contract.suite import recipes
from softmax_harness.check.contract.summaries import RecipeSummaries, RecipeSummary
from softmax_harness.ground.errors import BadImplementation
from softmax_harness.ground.formats import DEFAULT_DTYPES, format_named
from softmax_harness.inputs.witness import is_witness
from softmax_harness.operations import DEFAULT_OPERATION, Policy, operation_named
from softmax_harness.subjects.isolation import Description, Ended, Fault, Isolated, Limits
from softmax_harness.subjects.named import check_name, described, problem_of
from softmax_harness.subjects.subject import Subject

PARTS = ("accuracy", *CASES, "repeats")
VERDICTS = ("pass", "fail", "unsupported", "unavailable")


@dataclass(frozen=True)
class Contract:
    """What every implementation is tested for.

    Attributes
    ----------
    dtypes, parts : tuple of str
        The dtypes, and parts of `PARTS`.
    seed : int
    policy : Policy
    limits : tuple of Limit
        In addition to those that each one declares.
    without : tuple of str
        Capabilities that are not asked for, whatever is declared.
    process : Limits
        Time and memory.
    families : tuple of str
        On whose inputs accuracy is judged; all of the suite where there are none.
    operation : str
        What is computed.
    fail_fast : bool
        Whether a verdict ends at its first finding, and what comes after is not looked for.
    borne : tuple of str
        Kinds of findings at which it does not end, as at those that are expected.
    """

    dtypes: tuple[str, ...] = DEFAULT_DTYPES
    parts: tuple[str, ...] = PARTS
    seed: int = 0
    policy: Policy = field(default_factory=Policy)
    limits: tuple[promises.Limit, ...] = ()
    without: tuple[str, ...] = ()
    process: Limits = field(default_factory=Limits)
    families: tuple[str, ...] = ()
    operation: str = DEFAULT_OPERATION
    fail_fast: bool = False
    borne: tuple[str, ...] = ()

    def keys(self, implementation: str) -> list[Key]:
        """What the verdicts on an implementation are about, one for each dtype."""
        return [Key(self.operation, implementation, dtype) for dtype in self.dtypes]

    def ends_at(self, declaration: Implementation, dtype: str, kinds: list[str]) -> bool:
        """Whether findings of these kinds end the verdict on an implementation in a dtype."""
        return self.fail_fast and any(
            kind not in self.borne and not declaration.expects(kind, dtype) for kind in kinds
        )


@dataclass(frozen=True)
class Checked:
    """The verdict on one implementation in one dtype.

    Attributes
    ----------
    implementation, dtype : str
    verdict : str
        One of `VERDICTS`.
    findings, expected : tuple of Finding
        Faults; those that the implementation declares as known.
    reported : tuple of str
        Features that it lacks and does not promise, or why there is no verdict.
    elements : int
        How many were judged against their bound.
    cells : tuple of RecipeSummary
        The numbers of each recipe of the suite.
    is_whole : bool
        Whether everything was looked for, and the verdict did not end at its first finding.
    operation : str
        What is computed.
    """

    implementation: str
    dtype: str
    verdict: str
    findings: tuple[Finding, ...] = ()
    expected: tuple[Finding, ...] = ()
    reported: tuple[str, ...] = ()
    elements: int = 0
    cells: tuple[RecipeSummary, ...] = ()
    is_whole: bool = True
    operation: str = DEFAULT_OPERATION

    @classmethod
    def of(cls, key: Key, verdict: str, **found: Any) -> Checked:
        """The verdict on what `key` names."""
        return cls(key.implementation, key.dtype, verdict, operation=key.operation, **found)

    @property
    def key(self) -> Key:
        """What the verdict is about."""
        return Key(self.operation, self.implementation, self.dtype)

    def excluding(self, is_borne: Callable[[Finding], bool]) -> Checked:
        """The verdict without the findings for which `is_borne` is true."""
        left = tuple(finding for finding in self.findings if not is_borne(finding))
        verdict = "pass" if self.verdict == "fail" and not left else self.verdict
        return replace(self, verdict=verdict, findings=left)


def checked(name: str, contract: Contract) -> list[Checked]:
    """The verdicts on the implementation of that name, one for each dtype.

    Raises
    ------
    UnknownName, BadImplementation
        If there is none of that name.
    """
    check_name(name)
    with ExitStack() as stack:
        process = stack.enter_context(Isolated(name, contract.process))
        fresh = stack.enter_context(Isolated(name, contract.process))
        loaded = load_or_fault(process)
        if isinstance(loaded, Fault):
            return [unloaded(each, loaded) for each in contract.keys(name)]
        declaration = _declaration(name, loaded, contract)
        if declaration.unavailable:
            fault = Fault("unavailable", declaration.unavailable)
            return [unloaded(each, fault) for each in contract.keys(name)]
        operation = operation_named(contract.operation)
        subjects = [
            Subject(
                declaration,
                problem_of(declaration, operation, format_named(dtype), contract.policy),
                process,
                is_plain=loaded.declared is None,
            )
            for dtype in contract.dtypes
        ]
        firsts = [_first_call(each, contract) for each in subjects]
        # A plain function that answers in one dtype and refuses another does not support that one.
        is_choice = not all(first.refusal for first in firsts)
        return [
            Checked.of(key_of(each), "unsupported", reported=(first.refusal,))
            if first.refusal and (is_choice or not each.is_plain)
            else _verdict(each, replace(each, caller=fresh), loaded.faults, first, contract)
            for each, first in zip(subjects, firsts, strict=True)
        ]


def verdict(subject: Subject, contract: Contract) -> Checked:
    """The verdict on a subject, without a fresh process to compare it with.

    It must take its dtype; the parts of the contract are all but ``repeats``.
    """
    first = _first_call(subject, contract)
    if first.refusal:
        first = _First(faults=(Fault("raised", first.refusal),), is_last=True)
    return _verdict(subject, subject, (), first, contract)


def _declaration(name: str, loaded: Description, contract: Contract) -> Implementation:
    declaration = described(name, loaded.declared, loaded.summary)
    left = tuple(each for each in declaration.capabilities if each not in contract.without)
    return replace(declaration, capabilities=left)


def _limits(subject: Subject, contract: Contract) -> list[promises.Limit]:
    declared = [promises.Limit(*each) for each in subject.declaration.limits.items()]
    asked = [
        limit for limit in contract.limits if limit.holds_for(subject.name, subject.format.name)
    ]
    return [*declared, *asked]


def load_or_fault(process: Isolated) -> Description | Fault:
    """The description of the loaded implementation, or the fault that prevents loading."""
    try:
        return process.load()
    except Ended as ended:
        return ended.fault


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
    """

    refusal: str = ""
    faults: tuple[Fault, ...] = ()
    is_last: bool = False


def _first_call(subject: Subject, contract: Contract) -> _First:
    if subject.format.name not in subject.declaration.dtypes:
        return _First(f"supports only {', '.join(subject.declaration.dtypes)}")
    try:
        (reply,) = subject.ask([subject.request(normal(subject.format, (3, 5), contract.seed))])
    except Ended as ended:
        return _First(faults=(ended.fault,), is_last=True)
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
    found, dtype = _Found(subject, contract), subject.format.name
    found.add_faults([(fault, "when it was loaded") for fault in at_import], "accuracy")
    found.add_faults([(fault, "at its first call") for fault in first.faults], "accuracy")
    for part in () if first.is_last else contract.parts:
        if found.is_enough:
            break
        try:
            _PARTS.get(part, _cases)(found, fresh, part, contract)
        except Ended as ended:
            found.add_faults([(ended.fault, ended.told)], part)
            break
    findings = up_to_the_last(first_of_each_kind(found.findings), found.ends_at)
    expected = [each for each in findings if subject.declaration.expects(each.kind, dtype)]
    unexpected = [each for each in findings if each not in expected]
    return Checked.of(
        key_of(subject),
        "fail" if unexpected else "pass",
        findings=tuple(unexpected),
        expected=tuple(expected),
        reported=_summed_up(found.reported),
        elements=found.elements,
        cells=tuple(found.cells),
        is_whole=not found.is_enough,
    )


def _summed_up(reported: list[tuple[str, str]]) -> tuple[str, ...]:
    """The first of each kind, and how many more there are."""
    counts = Counter(kind for kind, _ in reported)
    firsts = {kind: text for kind, text in reversed(reported)}
    return tuple(
        f"{kind}: {firsts[kind]}" + (f" (and {count - 1} more of this kind)" if count > 1 else "")
        for kind, count in counts.items()
    )


def up_to_the_last(findings: list[Finding], ends_at: Callable[[list[str]], bool]) -> list[Finding]:
    """The findings up to the one that ends the verdict, or all."""
    ends = [place for place, each in enumerate(findings) if ends_at([each.kind])]
    return findings[: ends[0] + 1] if ends else findings


class _Found:
    """Collects what the parts of the suite find."""

    def __init__(self, subject: Subject, contract: Contract) -> None:
        self.subject, self.contract = subject, contract
        self.findings: list[Finding] = []
        self.reported: list[tuple[str, str]] = []
        self.elements = 0
        self.cells: list[RecipeSummary] = []

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


def finding_of(fault: Fault, told: str, key: Key, part: str | None) -> Finding:
    """A fault of a call as a finding; `told` is its witness, or says when it came."""
    replay = key.checking(part)
    if is_witness(told):
        return Finding(fault.kind, fault.message, witness=told, replay=replay)
    message = f"{fault.message}, {told}" if told else fault.message
    return Finding(fault.kind, message, replay=replay)


def _accuracy(found: _Found, fresh: Subject, part: str, contract: Contract) -> None:
    subject = found.subject
    plan = list(recipes(subject.format, subject.longest, contract.seed, contract.families))
    stream = Stream(subject, plan, found.ends_at)
    faults, bias, cells = Faults(), Bias(), RecipeSummaries()
    limits = promises.Promises(_limits(subject, contract))
    try:
        with closing(iter(stream)) as blocks:
            for block in blocks:
                faults.see(block)
                bias.see(block)
                limits.see(block)
                cells.see(block)
                if contract.fail_fast and found.ends_at([*faults.kinds(), *limits.kinds()]):
                    break
    finally:
        found.elements = stream.elements
        found.cells += cells.cells()
        found.add_faults(stream.faults, part)
    found.with_smallest_refused_row()
    found.add_until_enough(faults.findings(subject))
    found.add_until_enough(bias.findings(subject))
    found.add_until_enough(limits.findings(subject))


def _cases(found: _Found, fresh: Subject, part: str, contract: Contract) -> None:
    subject = found.subject
    cases = list(CASES[part](subject.format, contract.seed))
    here = examined(subject, cases, part, found.ends_at)
    found.findings += here.findings
    found.reported += here.reported
    found.add_faults(here.faults, part)


def _repeats(found: _Found, fresh: Subject, part: str, contract: Contract) -> None:
    subject, seed = found.subject, contract.seed
    found.add_faults(repeats.repeated(subject, seed), part)
    if not found.is_enough:
        found.add_faults(repeats.in_a_fresh_process(subject, fresh, seed), part)


_PARTS: dict[str, Callable[[_Found, Subject, str, Contract], Any]] = {
    "accuracy": _accuracy,
    "repeats": _repeats,
}
