"""The arbiter: mpmath at rising precision until every rounding and every binade is decided.

Of long rows the sum over the row is that of the screen's best kernels, see
`softmax_harness.operations.long_sums`; what they leave open goes to mpmath all the same.
"""

from __future__ import annotations

from itertools import chain

import numpy as np
from numpy.typing import NDArray

from softmax_harness.operations import Enclosure, Operands, Problem
from softmax_harness.operations.truth import Truth
from softmax_harness.truth.long_rows import is_long, write_row
from softmax_harness.truth.rounding import MOST_BITS, NotDecided, decide

_FIRST_BITS_BEYOND_THE_FORMAT = 64
# Each step has so many times the bits of the one before. Measured on results next to a boundary,
# such as 1 less a small weight: with twice as many bits the steps are too many, with four times too
# long.
_TIMES_AS_MANY = 3
# To which the remainder is known, of an ulp: where a result cancels, far fewer bits may decide on
# which side of a boundary it lies.
_BITS_OF_REMAINDERS = 44


def arbitrate(problem: Problem, x: NDArray[np.float64], operands: Operands = ()) -> Truth:
    """The exact results of a problem on each row of `x`, seen from its output format.

    Parameters
    ----------
    problem : Problem
    x : ndarray of float64, shape (rows, n)
        The stored inputs; every format up to float64 is exact in it.
    operands : tuple of ndarray
        What the operation takes besides the logits, see `Operation.make_operands`.
    """
    format = problem.judged_format
    fixed, expected = problem.special_values(x, operands)
    rounded = expected.copy()
    offset = np.zeros(fixed.shape)
    ulp = np.full(fixed.shape, format.smallest_subnormal)
    ulp[np.abs(expected) == 1.0] = 2.0 * format.unit_roundoff
    truth = Truth(format, rounded, offset, ulp, fixed)
    once: dict[tuple[bytes, ...], int] = {}  # equal rows are decided once
    for row in np.flatnonzero(~fixed.all(axis=-1)).tolist():
        own = tuple(each[row] for each in operands)
        same = once.setdefault(tuple(each.tobytes() for each in (x[row], *own)), row)
        if same != row:
            truth.replace_rows(np.array([row]), truth.rows(np.array([same])))
            continue
        if is_long(problem.operation, x.shape[-1]):
            logits = problem.operation.effective_logits(x[row], own)
            if write_row(truth, row, problem.operation, logits):
                continue
        open_ = np.flatnonzero(~fixed[row])
        found = _decided_row(problem, x[row], own, open_.tolist())
        # Three times as fast as an array of the tuples.
        decided = np.fromiter(chain.from_iterable(found), np.float64).reshape(-1, 3)
        rounded[row, open_], offset[row, open_] = decided[:, 0], decided[:, 1]
        ulp[row, open_] = np.ldexp(1.0, decided[:, 2].astype(np.int32))
    return truth


def _decided_row(
    problem: Problem, x: NDArray[np.float64], operands: Operands, open_: list[int]
) -> list[tuple[float, float, int]]:
    operation, format = problem.operation, problem.judged_format
    precision = format.precision + _FIRST_BITS_BEYOND_THE_FORMAT
    decided: dict[int, tuple[float, float, int]] = {}
    while True:
        enclosures = operation.enclose(x, operands, precision)
        # Equal entries of a row share what they are enclosed by.
        once: dict[Enclosure, tuple[float, float, int] | None] = {}
        for index in open_:
            if index not in decided:
                enclosure = enclosures[index]
                assert enclosure is not None
                if enclosure not in once:
                    once[enclosure] = decide(enclosure, format, _BITS_OF_REMAINDERS)
                if (result := once[enclosure]) is not None:
                    decided[index] = result
        if len(decided) == len(open_):
            return [decided[index] for index in open_]
        if precision >= MOST_BITS:
            row = f"{x.tolist()} beside {[each.tolist() for each in operands]}"
            raise NotDecided(operation.name, row)
        precision = min(_TIMES_AS_MANY * precision, MOST_BITS)
