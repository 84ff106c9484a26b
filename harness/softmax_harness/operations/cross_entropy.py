"""cross_entropy: z = log sum_j exp(x_j) - x_t, the loss of a row whose true class is t.

Laws: shifting all logits changes nothing; z is 0 or more.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.operations import bounds, log_softmax, rows, screen, softmax, steps
from softmax_harness.operations.balls import exact, total
from softmax_harness.operations.enclosure import Array, Enclosure
from softmax_harness.operations.operand import Operand, Operands, of_some_calls
from softmax_harness.operations.operation import ANYTHING, Degenerate, Operation, Policy
from softmax_harness.operations.screen import Screened
from softmax_harness.operations.steps import ExactSteps

# Into how many parts classes are shared, how large a block is at least, from how many classes on
# half of the rows have one at an end of these: such rows are few.
_SHARDS, _SMALLEST_PART, _MANY = (2, 4, 8), 128, 4096
_FEW_ROWS = 1 << 16 | 1  # of more classes hardly any row but one is asked for


def targets(stored: NDArray[Any], rng: np.random.Generator) -> Operands:
    """One class for each row: the likeliest, the least likely, the first, the last or any.

    Of many classes some are the first or the last of a part, as blocks and shards have them; a
    single row has such a one, or often the last of 2**b + 1 classes, which takes more than b bits.
    In some calls each row has the class of its own place, as pairs of a contrastive loss have.
    """
    rows, n = stored.shape
    if n == 0:
        return (np.zeros(rows, np.int64),)
    x = np.where(np.isfinite(stored.astype(np.float64)), stored.astype(np.float64), 0.0)
    ends = np.zeros(rows, np.int64), np.full(rows, n - 1)
    choices = [np.argmax(x, -1), np.argmin(x, -1), *ends, rng.integers(0, n, rows)]
    if n > _SMALLEST_PART:
        choices += [_of_parts(n, rows, rng)] * (1 if n < _MANY else len(choices))
    chosen = np.choose(rng.integers(0, len(choices), rows), choices)
    if rows == 1 and n > _MANY:
        is_last = (n - 1).bit_count() == 1 and (n > _FEW_ROWS or rng.random() < 0.5)
        chosen = ends[1] if is_last else choices[-1]
    return (of_some_calls(chosen, np.arange(rows) % n, rng, is_square=rows == n),)


def _of_parts(n: int, rows: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """The first class or the last of some parts of all, or of blocks of so many."""
    most = int(math.log2(n))
    blocks = 1 << rng.integers(_SMALLEST_PART.bit_length() - 1, most + 1, rows)
    size = np.where(rng.random(rows) < 0.5, -(-n // rng.choice(_SHARDS, rows)), blocks)
    part = rng.integers(1, -(-n // size) + 1)
    return np.asarray(np.minimum(size * part - rng.integers(0, 2, rows), n - 1))


def at_target(values: NDArray[Any], operands: Operands) -> NDArray[Any]:
    """The entry of the true class in each row, shape (rows, 1)."""
    return np.take_along_axis(values, operands[0][:, None], axis=-1)


def enclose(x: Array, operands: Operands, precision: int) -> list[Enclosure | None]:
    """L + (a - x_t): as log_softmax, with the other sign."""
    row = rows.distinct_logits(x)
    below = total([exact(row.values[-1]), -exact(float(x[operands[0]]))])
    return [rows.exact_and_small(below, rows.log_of_sum(row, precision), precision)]


def special_values(x: Array, policy: Policy, operands: Operands) -> tuple[NDArray[np.bool_], Array]:
    """-log of softmax at the true class: +inf where that is masked, 0 for a row of one."""
    fixed, expected = (at_target(each, operands) for each in softmax.special_values(x, policy))
    with np.errstate(divide="ignore", invalid="ignore"):
        loss = np.where(expected == ANYTHING, ANYTHING, 0.0 - np.log(expected))  # of 1 not -0
        return fixed, np.where(fixed, loss, 0.0)


def error_bound(x: Array, operands: Operands, z: Array, ulp: Array, format: Format) -> Array:
    """As log_softmax."""
    known = rows.sums(x, format)
    distance = at_target(known.distance, operands)
    return log_softmax.bound_from(distance, known.log_error, z, ulp, format)


def usual_bound(x: Array, operands: Operands, z: Array, ulp: Array, format: Format) -> Array:
    """As log_softmax."""
    distance = at_target(rows.sums(x, format).distance, operands)
    log_error = bounds.log_of_sum_error(x.shape[-1], format)
    return log_softmax.bound_from(distance, log_error, z, ulp, format)


def input_sensitivity(x: Array, operands: Operands, z: Array, format: Format) -> Array:
    """As log_softmax."""
    return at_target(log_softmax.input_sensitivity(x, (), z, format), operands)


CLASS = Operand("target", 0, is_class=True, kind="int")


def screened(
    x: Array, operands: Operands, fixed: NDArray[np.bool_], expected: Array, format: Format
) -> Screened:
    """`softmax_harness.operations.screen.logs.cross_entropy`."""
    return screen.cross_entropy(x, operands[0][:, None], fixed, expected, format)


OPERATION = Operation(
    "cross_entropy",
    "z = log sum_j exp(x_j) - x_t",
    enclose,
    special_values,
    error_bound,
    input_sensitivity,
    usual_bound,
    screen=screened,
    make_operands=targets,
    operands=(CLASS,),
    steps=ExactSteps(steps.logarithm, "subtract x_t"),
    one_result=True,
    least=0.0,
    degenerate=Degenerate(of_lost_weight=np.inf, of_infinite_sum=np.inf),
)
