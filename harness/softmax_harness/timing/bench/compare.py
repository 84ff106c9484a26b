"""The comparison itself: what both revisions have, timed in turns, and decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from softmax_harness.ground.errors import HarnessError
from softmax_harness.timing.bench.catalogue import Benchmark, benchmarks_of
from softmax_harness.timing.bench.rule import Pairs, Rule, flagged, ratio, repeated
from softmax_harness.timing.bench.turns import Both, Progress, asked_both, timed_in_turns
from softmax_harness.timing.worker import Side, Worker

FAILING = ("slower", "less accurate", "fails")
_ABSENT = {"skipped": "not there"}


@dataclass(frozen=True)
class Result:
    """What became of one benchmark at one choice of its parameters.

    Attributes
    ----------
    name : str
        As asv writes it: ``file.Class.method('first', 'second')``.
    verdict : str
        Of a time ``same``, ``slower`` or ``faster``; of an error ``same``, ``less accurate`` or
        ``more accurate``; or ``added``, ``removed``, ``fails``, ``fails in both``, ``mended``.
    unit : str
        ``s`` or ``ulp``.
    base, head : float or None
        The least seconds, or ulp.
    ratio : float or None
        Of times, HEAD over BASE: of the second timing where there was one.
    message : str
        What was raised.
    """

    name: str
    verdict: str
    unit: str
    base: float | None = None
    head: float | None = None
    ratio: float | None = None
    message: str = ""

    @property
    def failed(self) -> bool:
        """Whether it makes the comparison fail."""
        return self.verdict in FAILING


def compared(
    sides: tuple[Side, Side], pattern: str, rule: Rule, progress: Progress
) -> list[Result]:
    """Every benchmark of either side whose name `pattern` is found in; skipped by both: none.

    Raises
    ------
    HarnessError
        Where the benchmarks cannot be imported, or no benchmark gives a number on both sides.
    """
    results: dict[str, Result] = {}
    timed: dict[str, Both] = {}
    skipped: dict[str, str] = {}
    with Worker(sides[0]) as base, Worker(sides[1]) as head:
        own = benchmarks_of(base, pattern), benchmarks_of(head, pattern)
        everything = own[0] | own[1]
        for place, (name, benchmark) in enumerate(everything.items()):
            progress("trying every benchmark once", place, len(everything))
            answers = _tried((base, head), own, name)
            if all("value" in answer for answer in answers) and benchmark.is_time:
                timed[name] = own[0][name].request, own[1][name].request
            elif result := settled(benchmark, answers):
                results[name] = result
            else:
                skipped[benchmark.name] = answers[1]["skipped"]
    if not timed and not any(None not in (each.base, each.head) for each in results.values()):
        raise HarnessError(
            f"nothing to compare: none of the {len(everything)} benchmarks whose name matches "
            f"{pattern!r} gives a number in both revisions"
            + _first_reason({each.name: each.message for each in results.values()} | skipped)
        )
    results |= _timed_results(sides, everything, timed, rule, progress)
    return [results[name] for name in everything if name in results]


def _first_reason(reasons: Mapping[str, str]) -> str:
    """Why the first benchmark gives no number."""
    return next((f"; {name}: {reason}" for name, reason in reasons.items()), "")


def _tried(
    workers: tuple[Worker, Worker],
    own: tuple[dict[str, Benchmark], dict[str, Benchmark]],
    name: str,
) -> Both:
    if all(name in each for each in own):
        return asked_both(workers, (own[0][name].request, own[1][name].request), swapped=False)
    answers = [
        worker.ask(each[name].request) if name in each else _ABSENT
        for worker, each in zip(workers, own, strict=True)
    ]
    return answers[0], answers[1]


def settled(benchmark: Benchmark, answers: Both) -> Result | None:
    """The result that needs no timing; None where both sides skip it.

    An error is of fixed inputs and comes out the same each time, so that any change is one.
    """
    unit = "s" if benchmark.is_time else "ulp"
    base, head = (float(each["value"]) if "value" in each else None for each in answers)
    errors = [each.get("error") for each in answers]
    message = errors[1] or errors[0] or ""
    if errors[1] is not None:
        verdict = "fails in both" if errors[0] is not None else "fails"
    elif errors[0] is not None:
        verdict = "mended" if head is not None else "removed"
    elif base is None or head is None:
        if base is None and head is None:
            return None
        verdict = "added" if base is None else "removed"
    else:
        verdict = "same" if head == base else "less accurate" if head > base else "more accurate"
    return Result(benchmark.name, verdict, unit, base, head, message=message)


def _timed_results(
    sides: tuple[Side, Side],
    benchmarks: dict[str, Benchmark],
    asked: dict[str, Both],
    rule: Rule,
    progress: Progress,
) -> dict[str, Result]:
    first = timed_in_turns(sides, asked, rule.pairs, progress)
    suspects = {name: asked[name] for name, pairs in first.pairs.items() if flagged(pairs, rule)}
    again = timed_in_turns(sides, suspects, rule.pairs_again, progress)
    broken = first.broken | again.broken
    results = {name: settled(benchmarks[name], answers) for name, answers in broken.items()}
    times = {name: pairs for name, pairs in first.pairs.items() if name not in broken}
    found = {name: result for name, result in results.items() if result is not None}
    return found | timed_verdicts(times, again.pairs, rule)


def timed_verdicts(
    first: dict[str, list[tuple[float, float]]],
    again: dict[str, list[tuple[float, float]]],
    rule: Rule,
) -> dict[str, Result]:
    """The verdict on each timing, from its pairs and those of what was timed again."""
    differing = repeated(first, again, rule)
    results = {}
    for name, pairs in first.items():
        last: Pairs = again.get(name, pairs)
        verdict = "same"
        if name in differing:
            verdict = "slower" if differing[name] > 1 else "faster"
        base, head = (min(seconds) for seconds in zip(*last, strict=True))
        results[name] = Result(name, verdict, "s", base, head, ratio(last))
    return results
