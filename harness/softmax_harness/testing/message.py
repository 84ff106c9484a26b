"""What a failed assertion says: how many results are wrong, by how much, which, and why."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from softmax_harness.explain.numbers import result_text
from softmax_harness.judgement.aggregate import Extreme
from softmax_harness.judgement.measure import classified
from softmax_harness.judgement.outcomes import OUTCOMES, Outcome
from softmax_harness.judgement.question import question
from softmax_harness.operations import DEFAULT_OPERATION
from softmax_harness.score.document import element_document
from softmax_harness.score.judging import Score

_MOST_SHOWN = 3  # outcomes of which an element is shown in full


@dataclass(frozen=True)
class _Seen:
    """One element, looked at closely.

    Attributes
    ----------
    row, index : int
        Which row of all, and which result of the row.
    document : dict
        As in a score.
    outcome : Outcome
    ulp : float
        Its signed error; NaN where it has none.
    limit : float
        How large that may be; NaN where the policy says what it has to be.
    """

    row: int
    index: int
    document: dict[str, Any]
    outcome: Outcome
    ulp: float
    limit: float

    @property
    def place(self) -> str:
        """Where it stands, as an array takes it: ``(3, 17)``."""
        return str(tuple(self.document["index"]))

    @property
    def allowed(self) -> str:
        """How large the error may be."""
        if math.isnan(self.limit):
            return "where the policy for special values says what is right"
        return f"up to {self.limit:.4g} ulp allowed"


def message(scored: Score, faults: Sequence[Outcome]) -> str:
    """The message of a score in which elements have outcomes that are faults."""
    total, pair = scored.tally, scored.pair
    counts = {outcome: int(total.outcomes[outcome.code]) for outcome in faults}
    wrong = sum(counts.values())
    each = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    greatest = total.extremes.get("max_ulp")
    worst = _looked_at(scored, greatest) if greatest else None
    lines = [
        f"{pair.operation.name} in {pair.format.name} is not close to the exact results, "
        f"{_held_to(scored)}",
        "",
        f"Mismatched elements: {wrong} / {total.elements} ({100.0 * wrong / total.elements:.1f}%)",
        *([_greatest_line(greatest.value, worst)] if greatest and worst else []),
        f"Outcomes: {each}",
    ]
    for seen in _chosen(scored, list(counts), worst):
        lines += ["", *_lines(scored, seen)]
    return "\n".join(lines)


def _held_to(scored: Score) -> str:
    if scored.at_most is not None:
        return f"with max_ulp={scored.at_most:g}"
    return f"by the standard {scored.standard}"


def _greatest_line(value: float, worst: _Seen) -> str:
    """The maximum, which mpmath has confirmed, and where it stands."""
    return f"Greatest difference: {value:.6g} ulp at index {worst.place} ({worst.allowed})"


def _chosen(scored: Score, outcomes: list[Outcome], worst: _Seen | None) -> Iterator[_Seen]:
    """An element of each outcome, the most severe first: the worst of all, or else the first."""
    outcomes.sort(key=lambda outcome: -outcome.severity)
    for outcome in outcomes[:_MOST_SHOWN]:
        is_worst = worst is not None and worst.outcome is outcome
        yield worst if worst and is_worst else _looked_at(scored, scored.firsts[outcome])


def _looked_at(scored: Score, extreme: Extreme) -> _Seen:
    row = slice(extreme.row, extreme.row + 1)
    pair, index = scored.pair, extreme.index
    x, operands = pair.inputs(row)
    asked = question(pair.problem(scored.policy), x, operands)
    asked = asked.held_to(scored.standard, scored.at_most)
    batch, codes = classified(asked, pair.outputs(row).astype(np.float64))
    is_fixed = bool(asked.truth.fixed[0, index])
    return _Seen(
        row=extreme.row,
        index=index,
        document=element_document(scored, extreme),
        outcome=OUTCOMES[codes[0, index]],
        ulp=float(batch.ulp_error[0, index]),
        limit=math.nan if is_fixed else float(asked.limit_ulp[0, index]),
    )


def _lines(scored: Score, seen: _Seen) -> Iterator[str]:
    pair, document = scored.pair, seen.document
    named, meaning = str(seen.outcome), seen.outcome.meaning
    yield named if named.replace("_", " ") == meaning else f"{named}: {meaning}"
    yield f"  index     {seen.place}, in row {seen.row} of {pair.rows}"
    if document["x"] is not None:
        yield f"  x         {result_text(float.fromhex(document['x']), pair.input_format)}"
    for name, value in document["operands"].items():
        yield f"  {name:9} {value}"
    yield f"  computed  {result_text(float.fromhex(document['y']), pair.format)}"
    yield f"  exact     {document['exact']}"
    error = "none can be given" if math.isnan(seen.ulp) else f"{seen.ulp:+.6g} ulp"
    yield f"  error     {error}, {seen.allowed}"
    yield f"  replay    {document['explain'] or _replayed(scored, seen)}"


def _replayed(scored: Score, seen: _Seen) -> str:
    """The line of Python that shows the steps of a row that is too long to be written out."""
    pair, operation = scored.pair, scored.pair.operation
    given = ["x" if name == "x" else f"{name}={name}" for name in operation.parameters]
    if operation.name != DEFAULT_OPERATION:
        given.append(f'operation="{operation.name}"')
    if operation.has_axis and pair.axis != pair.first.ndim - 1:
        given.append(f"axis={pair.axis}")
    return f"print(softmax_harness.explain({', '.join(given)}, row={seen.row}, index={seen.index}))"
