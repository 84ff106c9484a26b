"""What is asked of an implementation, and the verdict that it gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from softmax_implementations import Implementation
from softmax_implementations.registry import ExpectedFinding

from softmax_harness.check.contract import promises
from softmax_harness.check.contract.cases import CASES
from softmax_harness.check.contract.finding import Finding, Key, worst_first
from softmax_harness.check.contract.summaries import RecipeSummary
from softmax_harness.ground.formats import DEFAULT_DTYPES, Format
from softmax_harness.inputs.witness import is_witness
from softmax_harness.operations import DEFAULT_OPERATION, Policy
from softmax_harness.subjects.declaration import Said
from softmax_harness.subjects.isolation import Fault, Limits

PARTS = ("accuracy", *CASES, "operands", "repeats")
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
    said : Said
        What a command says about the implementations.
    names_dtypes : bool
        Whether the dtypes were asked for by name: then one that a plain function refuses is a
        fault, and not a choice of its author's.
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
    said: Said = field(default_factory=Said)
    names_dtypes: bool = False

    def keys(self, implementation: str) -> list[Key]:
        """What the verdicts on an implementation are about, one for each dtype."""
        return [Key(self.operation, implementation, dtype, self.said) for dtype in self.dtypes]

    def ends_at(self, declaration: Implementation, dtype: str, kinds: list[str]) -> bool:
        """Whether findings of these kinds end the verdict on an implementation in a dtype."""
        borne = self.borne
        return self.fail_fast and any(
            kind not in borne and not declaration.expects(kind, dtype) for kind in kinds
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
    standard, reached : str
        The standard of accuracy that it was held to, and the strictest that it reached; empty where
        accuracy was not looked at, or none was reached.
    would_miss : dict of str to int
        How many elements the standard of the careful form would not pass, by that standard, where
        it was held to one that allows the textbook form.
    cause : str
        What all that is wrong may come of; empty where nothing can be told.
    output_dtype : str
        The format of its results; empty where that was not looked at.
    slow : str
        How much of the suite it was judged on, and its pace, where it is too slow for all of it.
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
    standard: str = ""
    reached: str = ""
    would_miss: dict[str, int] = field(default_factory=dict)
    cause: str = ""
    output_dtype: str = ""
    slow: str = ""

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


def parted(
    findings: list[Finding], declaration: Implementation, format: Format
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """The findings that are news, the worst first, and those that the declaration expects."""
    dtype = format.name
    expected = [
        each for each in findings if declaration.expects(each.kind, dtype, each.worst or 0.0)
    ]
    news = [_told(each, declaration, dtype) for each in findings if each not in expected]
    return tuple(worst_first(news, format)), tuple(expected)


def _told(finding: Finding, declaration: Implementation, dtype: str) -> Finding:
    """The finding, with what its declaration as known lacks."""
    sized = [
        each
        for each in map(ExpectedFinding.parse, declaration.expected_findings)
        if each.kind == finding.kind and each.dtype in (None, dtype)
    ]
    if not sized:
        return finding
    if sized[0].ulp is None:
        why = f"known only with a size, such as '{finding.kind} up to 20 ulp'"
    else:
        why = f"known up to {sized[0].ulp:g} ulp, and it is {finding.worst:.4g}"
    return replace(finding, message=f"{finding.message}; {why}")


def finding_of(fault: Fault, told: str, key: Key, part: str | None) -> Finding:
    """A fault of a call as a finding; `told` is its witness, or says when it came."""
    replay = key.checking(part)
    if is_witness(told):
        return Finding(fault.kind, fault.message, witness=told, replay=replay)
    message = f"{fault.message}, {told}" if told else fault.message
    return Finding(fault.kind, message, replay=replay)


def up_to_the_last(findings: list[Finding], ends_at: Callable[[list[str]], bool]) -> list[Finding]:
    """The findings up to the one that ends the verdict, or all."""
    ends = [place for place, each in enumerate(findings) if ends_at([each.kind])]
    return findings[: ends[0] + 1] if ends else findings
