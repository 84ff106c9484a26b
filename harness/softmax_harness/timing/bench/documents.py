"""The outcome of a comparison for people and machines."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass

from softmax_harness.ground.documents.as_json import json_text
from softmax_harness.ground.documents.markdown import markdown_text, table_lines
from softmax_harness.ground.documents.plain import counted, note_lines
from softmax_harness.ground.environment import environment
from softmax_harness.timing.bench.compare import Result
from softmax_harness.timing.bench.rule import Rule

SCHEMA = 1
_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))


@dataclass(frozen=True)
class Comparison:
    """What was compared, how, and what came of it.

    Attributes
    ----------
    revisions : tuple of str
        BASE and HEAD as they were given.
    commits : tuple of str
        Their whole hashes.
    pattern : str
        Which benchmarks.
    rule : Rule
        What made a timing slower or faster.
    results : list of Result
        One for each benchmark and choice of its parameters.
    notes : list of str
        What a reader should know besides.
    """

    revisions: tuple[str, str]
    commits: tuple[str, str]
    pattern: str
    rule: Rule
    results: list[Result]
    notes: list[str]

    @property
    def failed(self) -> bool:
        """Whether anything became slower or less accurate, or fails now."""
        return any(each.failed for each in self.results)


def json_document(comparison: Comparison) -> str:
    """``results`` has one entry for each benchmark."""
    document = {
        "schema": SCHEMA,
        "verdict": "fail" if comparison.failed else "pass",
        "base": {"revision": comparison.revisions[0], "commit": comparison.commits[0]},
        "head": {"revision": comparison.revisions[1], "commit": comparison.commits[1]},
        "options": {"bench": comparison.pattern} | asdict(comparison.rule),
        "environment": environment(),
        "results": [asdict(each) for each in comparison.results],
        "notes": comparison.notes,
    }
    return json_text(document)


def text_document(comparison: Comparison) -> str:
    """A line for each benchmark, the failing ones last, where one looks first; then the count."""
    ranked = sorted(comparison.results, key=lambda each: (each.failed, each.verdict != "same"))
    width = max((len(each.verdict) for each in ranked), default=0)
    lines = [f"{each.verdict:{width}}  {each.name}  {_change(each)}".rstrip() for each in ranked]
    return "\n".join([*lines, *note_lines(comparison.notes), headline(comparison)])


def markdown_document(comparison: Comparison) -> str:
    """The count, and a table of what is not the same."""
    changed = [each for each in comparison.results if each.verdict != "same"]
    changed.sort(key=lambda each: not each.failed)
    rows = [(each.name, f"{'❌ ' * each.failed}{each.verdict}", _change(each)) for each in changed]
    table = table_lines(("benchmark", "verdict", "change"), rows) if changed else ()
    title = f"softmax-harness bench: {headline(comparison)}"
    return markdown_text(title, table, notes=comparison.notes)


def headline(comparison: Comparison) -> str:
    """One line: what was compared, and how many of it came out how."""
    counts = Counter(sorted(each.verdict for each in comparison.results))
    base, head = (commit[:8] for commit in comparison.commits)
    return f"{'fail' if comparison.failed else 'pass'}: {base} to {head}: {counted(counts)}"


def _change(result: Result) -> str:
    both = f"{_measured(result.base, result.unit)} -> {_measured(result.head, result.unit)}"
    if result.ratio is not None:
        both += f", {result.ratio:.3f} times"
    if result.base is None and result.head is None:
        return result.message
    return f"{both}  {result.message}".rstrip()


def _measured(value: float | None, unit: str) -> str:
    if value is None:
        return "none"
    if unit != "s":
        return f"{value:.6g} {unit}"
    scale, name = next((each for each in _UNITS if value >= each[0]), _UNITS[-1])
    return f"{value / scale:.4g} {name}"
