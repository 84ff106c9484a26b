"""When a timing counts as slower: by the size of its effect and a test, not by a stored number."""

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
        Pairs of processes, BASE and HEAD in turns; twice as many again for what is flagged.
    factor : float
        The least ratio of times that is worth a word.
    significance : float
        Upper bound of the chance that the test finds anything where nothing differs.
    """

    pairs: int = 12
    factor: float = 1.08
    significance: float = 0.01

    @property
    def pairs_again(self) -> int:
        """Pairs for what is flagged: these alone decide, so that they have to show more."""
        return 2 * self.pairs


def ratio(pairs: Pairs) -> float:
    """HEAD's least time over BASE's.

    What disturbs a process only makes it slower, so that the least of many is nearest to the
    time that the code takes. A median needs most processes to be left in peace.
    """
    base, head = zip(*pairs, strict=True)
    return float(min(head) / min(base))


def chance(pairs: Pairs, slower: bool = True) -> float:
    """How likely HEAD wins so few of the pairs (so many, for ``slower=False``) if nothing differs.

    The sign test (Arbuthnot, 1710), exact: the processes of a pair stand side by side and go first
    in turns, so that of two that are alike either is as likely to be the faster one. It supposes
    nothing about how times are distributed, nor that a machine keeps its speed: that changes by
    a third within minutes, for both of a pair. A tie speaks against a difference.
    """
    count = len(pairs)
    for_it = sum(head > base if slower else head < base for base, head in pairs)
    return math.ldexp(sum(math.comb(count, k) for k in range(for_it, count + 1)), -count)


def flagged(pairs: Pairs, rule: Rule) -> bool:
    """Whether a timing looks slower or faster, so that it is timed again."""
    effect = ratio(pairs)
    return max(effect, 1 / effect) >= rule.factor


def repeated(
    first: Mapping[str, Pairs], again: Mapping[str, Pairs], rule: Rule
) -> dict[str, float]:
    """Of what was flagged and timed again, what differs again: its ratio in the new pairs.

    The new pairs know nothing of why they were taken, so that their test stands on its own. The
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
