"""What `check` finds: a fault with its smallest witness and the command that replays it."""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass, replace
from typing import NamedTuple

from softmax_harness.explain.command import explaining
from softmax_harness.ground.formats import Format
from softmax_harness.judgement.outcomes import BROKEN, Outcome
from softmax_harness.operations import DEFAULT_OPERATION, qualified
from softmax_harness.subjects.declaration import Said
from softmax_harness.subjects.request import LOOKS_AT_HARNESS
from softmax_harness.subjects.subject import Subject


@dataclass(frozen=True)
class Finding:
    """Something an implementation does that its contract does not allow.

    Attributes
    ----------
    kind : str
        The fault in a word: an outcome such as ``overflow``, a part of the contract such as
        ``layout``, what a call did such as ``input_changed``, or ``bias`` or ``limit``.
    message : str
        The fault in a sentence.
    metric : str
        What `value` is, ``""`` where the fault has no size.
    value, limit : float or None
        What was found at the witness, and what is allowed there.
    witness : str
        The input, as `softmax_harness.inputs.witness` writes it; ``""`` where no input shows it.
    replay : str
        The command that shows it again.
    worst : float or None
        The largest error found anywhere, in ulp, where the fault is one of size; infinite where
        results are lost.
    """

    kind: str
    message: str
    metric: str = ""
    value: float | None = None
    limit: float | None = None
    witness: str = ""
    replay: str = ""
    worst: float | None = None


def sizes(kind: str, error: float, limit: float) -> tuple[str, float | None, float | None]:
    """The metric, value and limit of an element; none where what is wrong is no matter of size."""
    return ("max_ulp", error, limit) if kind == Outcome.INACCURATE else ("", None, None)


def lost_if_unknown(error: float) -> float:
    """The size of an error in ulp: infinite where there is none, since the result is lost."""
    return math.inf if math.isnan(error) else error


class Key(NamedTuple):
    """What a verdict is about.

    Attributes
    ----------
    operation, implementation, dtype : str
    said : Said
        What the command says besides, which a command that shows it again must say too.
    """

    operation: str
    implementation: str
    dtype: str
    said: Said = Said()

    @property
    def label(self) -> str:
        """The implementation, with the operation where that is not the default."""
        return qualified(self.operation, self.implementation)

    def explaining(self, witness: str) -> str:
        """The command that shows an element again, as a shell takes it."""
        said = self.said.words_of_calls
        return explaining(witness, self.implementation, self.operation, said)

    def checking(self, part: str | None = None) -> str:
        """The command that asks a part of the suite again, or all of it, as a shell takes it."""
        only = [] if part is None else ["--only", part]
        what = [self.implementation, *self._option, "--dtype", self.dtype, *self.said.words, *only]
        return shlex.join(["softmax-harness", "check", *what])

    @property
    def _option(self) -> list[str]:
        return [] if self.operation == DEFAULT_OPERATION else ["--operation", self.operation]


def key_of(subject: Subject) -> Key:
    """What a verdict on the subject is about."""
    problem = subject.problem
    return Key(problem.operation.name, subject.name, problem.input_format.name, subject.said)


def first_of_each_kind(findings: list[Finding]) -> list[Finding]:
    """One finding of each kind, which says how many more there are of it."""
    kinds: dict[str, list[Finding]] = {}
    for each in findings:
        kinds.setdefault(each.kind, []).append(each)
    return [_together(own) if len(own) > 1 else own[0] for own in kinds.values()]


def _together(findings: list[Finding]) -> Finding:
    first = max(findings, key=lambda each: each.worst or 0.0)  # the first of equals
    sizes = [each.worst for each in findings if each.worst is not None]
    return replace(
        first,
        message=f"{first.message} (and {len(findings) - 1} more of this kind)",
        worst=max(sizes, default=None),
    )


# What keeps results from being judged at all.
OF_CALLS = ("died", "timeout", "memory", "raised", "wrong_type", "wrong_shape", "wrong_dtype")
_BROKEN = tuple(map(str, BROKEN))
_ASIDE = ("limit", "bias", "printed", "side_effect")
_LARGE = 0.01  # a relative error that makes a result wrong, rather than inaccurate


def worst_first(findings: list[Finding], format: Format) -> list[Finding]:
    """What makes results doubtful, then none at all, lost and wrong ones, wrong ways of calling,
    smaller errors, the rest.
    """

    def place(finding: Finding) -> tuple[int, float]:
        size = finding.worst or 0.0
        if finding.kind == LOOKS_AT_HARNESS:
            return -1, 0.0
        if finding.kind in OF_CALLS:
            return 0, 0.0
        if finding.kind in _BROKEN or 2.0 * format.unit_roundoff * size > _LARGE:
            return 1, -size
        if finding.kind in _ASIDE:
            return 4, -size
        return (3, -size) if finding.worst is not None else (2, 0.0)

    return sorted(findings, key=place)
