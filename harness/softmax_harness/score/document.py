"""A score as JSON."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.explain.command import explaining
from softmax_harness.ground.arrays import in_file, is_raw
from softmax_harness.inputs.written import is_kept, is_short, literal_text
from softmax_harness.judgement.aggregate import Extreme
from softmax_harness.judgement.long_row import SlicedRow
from softmax_harness.judgement.outcomes import OUTCOMES
from softmax_harness.operations import Inputs, Operand
from softmax_harness.score.judging import Score
from softmax_harness.score.limits import Held
from softmax_harness.truth.digits import exact_digits

_SHOWN = 8  # numbers of an operand that are told


def score_document(scored: Score, limits: Sequence[Held] = ()) -> dict[str, Any]:
    """The score as plain data: exact values are strings, inputs and outputs hex floats.

    The outcomes stand together under ``outcomes`` and each at the top too, named as the columns
    of results.csv are.
    """
    total, pair = scored.tally, scored.pair
    outcomes = dict(zip(OUTCOMES, total.outcomes.tolist(), strict=True))
    right = sum(count for outcome, count in outcomes.items() if outcome.is_nearest)
    worst = total.extremes.get("max_ulp")
    return {
        "schema": 1,
        "operation": pair.operation.name,
        "dtype": pair.format.name,
        "shape": list(pair.first.shape),
        "axis": pair.axis,
        "standard": scored.standard,
        "seeing_nothing": scored.policy.all_masked if pair.operation.seeing_nothing else None,
        "rows": total.rows,
        "elements": total.elements,
        "not_correctly_rounded": total.elements - right,
        **outcomes,
        "outcomes": outcomes,
        "mean_ulp": total.mean_ulp,
        "bias_ulp": total.bias_ulp,
        "p99_ulp": total.p99_ulp,
        **{name: extreme.value for name, extreme in total.extremes.items()},
        "max_ulp": worst.value if worst else math.nan,
        "sum_defect": getattr(total.extremes.get("sum_defect"), "value", math.nan),
        **{name: int(value) for name, value in total.sums.items()},
        "worst": element_document(scored, worst) | {"ulp": worst.value} if worst else None,
        "firsts": {
            name: element_document(scored, extreme) for name, extreme in scored.firsts.items()
        },
        "limits": [each._asdict() | {"holds": each.holds} for each in limits],
    }


def element_document(scored: Score, extreme: Extreme) -> dict[str, Any]:
    """One element as plain data: where it stands, what went in, what came out, and what is right.

    ``x`` is the logit at its place, where a row has one result for each.
    """
    pair, index = scored.pair, extreme.index
    if scored.row is not None:
        return _of_long_row(scored, scored.row, extreme)
    row = slice(extreme.row, extreme.row + 1)
    inputs = pair.inputs(row)
    y = float(pair.outputs(row)[0, index])
    logits, own = inputs.x[0].astype(np.float64), tuple(each[0] for each in inputs.operands)
    problem = pair.problem(scored.policy)
    exact = exact_digits(problem, logits, index, own) or "any"
    about = zip(pair.operation.operands, own, strict=True)
    operands = {each.name: _shown(each, np.asarray(values), index) for each, values in about}
    is_shown = is_kept(problem, inputs)  # else what would be explained are other operands
    is_literal = is_shown and is_short(inputs)
    return {
        "index": pair.place(extreme.row, index),
        "x": float(logits[index]).hex() if pair.operation.one_to_one else None,
        "y": y.hex(),
        "exact": exact,
        "operands": {name: value for name, value in operands.items() if value is not None},
        "witness": literal_text(problem, inputs, index) if is_literal else None,
        "explain": _explain(scored, inputs, index, extreme.row) if is_shown else None,
    }


def _of_long_row(scored: Score, row: SlicedRow, extreme: Extreme) -> dict[str, Any]:
    """`_element` of the only row there is, of which little is read."""
    pair, index = scored.pair, extreme.index
    x, y = (float(each[0, index]) for each in (row.x, row.y))
    return {
        "index": pair.place(0, index),
        "x": x.hex(),
        "y": y.hex(),
        "exact": row.exact_digits(index),
        "operands": {},
        "witness": None,
        "explain": _explaining_file(scored, 0),
    }


def _shown(about: Operand, values: NDArray[Any], index: int) -> Any:
    """Of an operand of a row what concerns a result: its entry there, or all if it is short."""
    if about.ndim == 1 and about.entries == 0 and index < values.size:
        values = values[index : index + 1]
    if values.size > _SHOWN:
        return None
    plain = values if values.dtype.kind in "biu" else values.astype(np.float64)
    return plain.tolist() if plain.size != 1 else plain.item()


def _explain(scored: Score, inputs: Inputs, index: int, row: int) -> str | None:
    """The command that shows the steps to an element; None where no command can."""
    pair = scored.pair
    if is_short(inputs):
        text = literal_text(pair.problem(scored.policy), inputs, index)
        return explaining(text, None, pair.operation.name)
    return _explaining_file(scored, row)


def _explaining_file(scored: Score, row: int) -> str | None:
    """The same of a row of the file, where it holds rows of logits."""
    pair, files = scored.pair, scored.pair.files
    if files is None or not pair.operation.takes_logits or pair.axis != pair.first.ndim - 1:
        return None
    if not pair.n:
        return None  # of nothing there are no steps
    if any(is_raw(each) or in_file(each)[1] for each in (files.x, *files.operands.values())):
        return None  # which explain does not read
    operands = [f"--operand={name}={path}" for name, path in files.operands.items()]
    command = explaining(str(files.x), None, pair.operation.name)
    return f"{command} {shlex.join(['--row', str(row), *operands])}"
