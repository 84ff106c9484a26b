"""An audit as lines and as a document."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from softmax_harness.studies.audit.auditing import Audit
from softmax_harness.studies.audit.judged import Answer
from softmax_harness.studies.audit.published import Published

_SHOWN = 12  # of those that a rule lets pass, the farthest off


def audit_lines(found: Audit, about: str, everything: bool = False) -> list[str]:
    """The lines of an audit; `everything` names all that it lets pass, not the first few."""
    faulty = len(found.let_pass) + len(found.caught)
    lines = [
        f"{found.rule.text}: {about}",
        f"It lets pass {len(found.let_pass)} of {_counted(faulty, 'faulty one')}"
        + (", the farthest off first:" if found.let_pass else "."),
    ]
    shown = found.let_pass if everything else found.let_pass[:_SHOWN]
    lines += _table(shown)
    if len(shown) < len(found.let_pass):
        lines.append(f"  and {len(found.let_pass) - len(shown)} more: --all names them")
    right = len(found.failed) + len(found.accepted)
    lines.append(
        f"It fails {len(found.failed)} of {_counted(right, 'right one')}"
        + (":" if found.failed else ".")
    )
    lines += _table(found.failed)
    if found.unseen:
        lines.append(
            f"{_counted(len(found.unseen), 'more fault')} would show on other inputs, not on these."
        )
    return lines


def published_lines(tried: Iterable[tuple[Published, Audit]]) -> list[str]:
    """A line for each published rule: how many faulty ones pass, and the farthest off of them."""
    lines = ["| rule | where | inputs | faulty ones let pass | farthest off | right ones failed |"]
    lines.append("|---|---|---|---|---|---|")
    for about, found in tried:
        faulty = len(found.let_pass) + len(found.caught)
        right = len(found.failed) + len(found.accepted)
        worst = found.let_pass[0] if found.let_pass else None
        off = f"{worst.name}: {_short(worst.relative)} relative" if worst else "none"
        cells = (
            f"`{about.name}`: {found.rule.text}",
            about.source,
            f"{about.operation} {about.dtype} {about.rows} × {about.n} {about.family}",
            f"{len(found.let_pass)} of {faulty}",
            off,
            f"{len(found.failed)} of {right}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' * (number != 1)}"


def _table(answers: Sequence[Answer]) -> list[str]:
    if not answers:
        return []
    width = max(len(each.name) for each in answers)
    return [
        f"  {'':{width}}  {'ulp':>9}  {'relative':>9}",
        *(
            f"  {each.name:{width}}  {_short(each.ulp):>9}  {_short(each.relative):>9}  "
            f"{each.summary}"
            for each in answers
        ),
    ]


def _short(value: float) -> str:
    return f"{value:.3g}"


def audit_document(found: Audit) -> dict[str, Any]:
    """An audit as plain data."""
    groups = ("let_pass", "caught", "failed", "accepted", "unseen")
    return {
        "rule": found.rule.text,
        **{name: [_answer(each) for each in getattr(found, name)] for name in groups},
    }


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "name": answer.name,
        "summary": answer.summary,
        "max_ulp": _plain(answer.ulp),
        "max_relative": _plain(answer.relative),
    }


def _plain(value: float) -> float | str:
    return value if math.isfinite(value) else repr(value)
