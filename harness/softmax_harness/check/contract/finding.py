"""What `check` finds: a fault with its smallest witness and the command that replays it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import NamedTuple

from softmax_harness.operations import DEFAULT_OPERATION, qualified
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
    """

    kind: str
    message: str
    metric: str = ""
    value: float | None = None
    limit: float | None = None
    witness: str = ""
    replay: str = ""


class Key(NamedTuple):
    """What a verdict is about.

    Attributes
    ----------
    operation, implementation, dtype : str
    """

    operation: str
    implementation: str
    dtype: str

    @property
    def label(self) -> str:
        """The implementation, with the operation where that is not the default."""
        return qualified(self.operation, self.implementation)

    def explaining(self, witness: str) -> str:
        """The command that shows an element again, as a shell takes it."""
        what = [witness, *self._option, "--implementation", self.implementation]
        return shlex.join(["softmax-harness", "explain", *what])

    def checking(self, part: str | None = None) -> str:
        """The command that asks a part of the suite again, or all of it, as a shell takes it."""
        only = [] if part is None else ["--only", part]
        what = [self.implementation, *self._option, "--dtype", self.dtype, *only]
        return shlex.join(["softmax-harness", "check", *what])

    @property
    def _option(self) -> list[str]:
        return [] if self.operation == DEFAULT_OPERATION else ["--operation", self.operation]


def key_of(subject: Subject) -> Key:
    """What a verdict on the subject is about."""
    problem = subject.problem
    return Key(problem.operation.name, subject.name, problem.input_format.name)


def first_of_each_kind(findings: list[Finding]) -> list[Finding]:
    """One finding of each kind, which says how many more there are of it."""
    kept: dict[str, Finding] = {}
    more: dict[str, int] = {}
    for each in findings:
        if each.kind in kept:
            more[each.kind] = more.get(each.kind, 0) + 1
        else:
            kept[each.kind] = each
    return [
        Finding(
            **(vars(each) | {"message": f"{each.message} (and {more[kind]} more of this kind)"})
        )
        if kind in more
        else each
        for kind, each in kept.items()
    ]
