"""What `check` finds: a fault with its smallest witness and the command that replays it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass


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


def explaining(witness: str, implementation: str) -> str:
    """The command that shows an element again, as a shell takes it."""
    return shlex.join(["softmax-harness", "explain", witness, "--implementation", implementation])


def checking(implementation: str, dtype: str, part: str | None = None) -> str:
    """The command that asks a part of the suite again, as a shell takes it."""
    only = [] if part is None else ["--only", part]
    return shlex.join(["softmax-harness", "check", implementation, "--dtype", dtype, *only])


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
