"""When a timing counts as slower: by its effect and a test, twice, and no stored number."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Pairs = Sequence[tuple[float, float]]
"""Least seconds of BASE's and of HEAD's process, one entry for each pair of processes."""


@dataclass(frozen=True)
class Rule:
    """What makes a timing slower, or faster.

    Attributes
    ----------
    pairs : int
        Pairs of processes, BASE and HEAD in turns; as many again for what is flagged.
    factor : float
        The least ratio of times that is worth a word.
    significance : float
        Upper bound of the chance that the test finds anything where nothing differs.
    """

    pairs: int = 12
    factor: float = 1.08
    significance: float = 0.01


def ratio(pairs: Pairs) -> float:
    """HEAD's least time over BASE's.

    What disturbs a process only makes it slower, so that the least of many is nearest to the
    time that the code takes. A median needs most processes to be left in peace.
    """
    base, head = zip(*pairs, strict=True)
    return float(min(head) / min(base))


def chance(pairs: Pairs, slower: bool = True) -> float:
    """How likely the fast end is so one-sided, if BASE and HEAD took the same times.

    The precedence test (Nelson, 1963), exact: let j be how many processes of BASE (of HEAD, for
    ``slower=False``) are faster than the other's second fastest. If all 2n processes are alike,
    each choice of those that come first is as likely as any other, and
    ``P(J >= j) = sum(C(n, h) C(n, j + 1 - h) for h in (0, 1)) / C(2n, j + 1)``: at most one of the
    other's is among the fastest j + 1. Like `ratio` it looks at the processes that were left in
    peace; it supposes nothing about how times are distributed. The second fastest, not the
    fastest, so that a single lucky process hides nothing.
    """
    base, head = zip(*pairs, strict=True)
    fast, slow = (base, head) if slower else (head, base)
    count = len(fast)
    second = sorted(slow)[1]
    first = sum(each < second for each in fast) + 1
    ways = sum(math.comb(count, few) * math.comb(count, first - few) for few in (0, 1))
    return ways / math.comb(2 * count, first)


def flagged(pairs: Pairs, rule: Rule) -> bool:
    """Whether a timing looks slower or faster, so that it is timed again."""
    effect = ratio(pairs)
    if max(effect, 1 / effect) < rule.factor:
        return False
    return chance(pairs, effect > 1) <= rule.significance


def repeated(
    first: Mapping[str, Pairs], again: Mapping[str, Pairs], rule: Rule
) -> dict[str, float]:
    """Of what was flagged and timed again, what differs again: its ratio in the new pairs.

    The new pairs know nothing of why they were taken, so that their test stands on its own. Its
    chances are held to `rule.significance` all together, by the procedure of Benjamini and
    Hochberg (1995): where nothing differs, finding anything is no likelier than that, and where
    much is slower, as many timings do not hide it.
    """
    is_slower = {name: ratio(first[name]) > 1 for name in again}
    chances = {name: chance(pairs, is_slower[name]) for name, pairs in again.items()}
    effects = {name: ratio(again[name]) for name in _held_together(chances, rule.significance)}
    return {
        name: effect
        for name, effect in effects.items()
        if (effect if is_slower[name] else 1 / effect) >= rule.factor
    }


def _held_together(chances: Mapping[str, float], significance: float) -> Iterable[str]:
    """The names that the step-up procedure rejects."""
    ranked = sorted(chances, key=lambda name: chances[name])
    passing = [
        place
        for place, name in enumerate(ranked, 1)
        if chances[name] <= significance * place / len(ranked)
    ]
    return ranked[: max(passing, default=0)]
