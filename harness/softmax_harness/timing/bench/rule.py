"""When a timing counts as slower: by its effect and a test, twice, and no stored number."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
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
    factor: float = 1.1
    significance: float = 0.01


def ratio(pairs: Pairs) -> float:
    """HEAD's time over BASE's: the median of the pairs' ratios.

    A pair ran within seconds, so that what slows the machine for longer slows both; and the median
    does not see the few pairs of which one half was disturbed.
    """
    return math.exp(statistics.median(math.log(head / base) for base, head in pairs))


def chance(pairs: Pairs, slower: bool = True) -> float:
    """How likely so many pairs with a slower (faster) HEAD are, if each were a fair coin's toss.

    The exact sign test, one-sided: P(X >= k), X ~ Binomial(n, 1/2). It supposes nothing about how
    times are distributed, only that the order within a pair is even, which alternating it sees to.
    """
    count = len(pairs)
    sided = sum((head > base) if slower else (head < base) for base, head in pairs)
    tosses: int = sum(math.comb(count, k) for k in range(sided, count + 1))
    return tosses / float(2**count)


def flagged(pairs: Pairs, rule: Rule) -> bool:
    """Whether a first timing looks slower or faster, so that it is timed again."""
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
    everything is slower, as many timings do not hide it.
    """
    chances = {
        name: chance(pairs, ratio(first[name]) > 1)
        for name, pairs in again.items()
        if flagged(first[name], rule)
    }
    effects = {name: ratio(again[name]) for name in chances}
    found = held_together(chances, rule.significance)
    return {
        name: effect
        for name, effect in effects.items()
        if name in found and _exceeds(effect, ratio(first[name]) > 1, rule.factor)
    }


def held_together(chances: Mapping[str, float], significance: float) -> set[str]:
    """The names that Benjamini and Hochberg's step-up procedure rejects."""
    ranked = sorted(chances, key=lambda name: chances[name])
    passing = [
        place
        for place, name in enumerate(ranked, 1)
        if chances[name] <= significance * place / len(ranked)
    ]
    return set(ranked[: max(passing, default=0)])


def _exceeds(effect: float, slower: bool, factor: float) -> bool:
    return effect >= factor if slower else effect <= 1 / factor
