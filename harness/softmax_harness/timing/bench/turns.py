"""Two sides timed in turns, each pair in fresh processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from softmax_harness.timing.worker import Side, Worker

Progress = Callable[[str, int, int], None]
Both = tuple[dict[str, Any], dict[str, Any]]
"""What BASE's and HEAD's runner are to be asked for one timing, or what they answered."""


@dataclass
class Timed:
    """What came of timing.

    Attributes
    ----------
    pairs : dict
        By name, the least seconds of BASE's and of HEAD's process, one entry for each pair.
    broken : dict
        By name, the answers of both where one of them was no time; such a timing is not gone on
        with.
    """

    pairs: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    broken: dict[str, Both] = field(default_factory=dict)


def timed_in_turns(
    sides: tuple[Side, Side], asked: Mapping[str, Both], pairs: int, progress: Progress
) -> Timed:
    """Time each of `asked` once in every one of so many pairs of processes.

    A process keeps its own layout of memory, which makes it faster or slower as a whole, so that
    more samples in one process do not replace more processes. Both processes of a pair stand
    side by side, and each timing goes through both before the next: what disturbs the machine
    meets both. Who goes first changes with every timing and every pair.
    """
    done = Timed({name: [] for name in asked})
    for pair in range(pairs):
        with Worker(sides[0]) as base, Worker(sides[1]) as head:
            for place, (name, requests) in enumerate(asked.items()):
                progress(
                    f"pair {pair + 1} of {pairs}", pair * len(asked) + place, pairs * len(asked)
                )
                if name in done.broken:
                    continue
                answers = asked_both((base, head), requests, swapped=(pair + place) % 2 == 1)
                if all("value" in answer for answer in answers):
                    seconds = tuple(float(answer["value"]) for answer in answers)
                    done.pairs[name].append((seconds[0], seconds[1]))
                else:
                    done.broken[name] = answers
                    del done.pairs[name]
    return done


def asked_both(workers: tuple[Worker, Worker], requests: Both, swapped: bool) -> Both:
    """The answers of BASE and HEAD, HEAD asked first if `swapped`."""
    if swapped:
        head = workers[1].ask(requests[1])
        return workers[0].ask(requests[0]), head
    base = workers[0].ask(requests[0])
    return base, workers[1].ask(requests[1])
