"""Long rows: limbs round nearly all of their elements, rising precision decides the others."""

from __future__ import annotations

import numpy as np

from softmax_harness.operations import Enclosure, Operands, Operation, limbs, softmax
from softmax_harness.operations.operation import Array
from softmax_harness.operations.truth import Truth
from softmax_harness.truth.rounding import MOST_BITS, NotDecided, decide

_FIRST_BITS_BEYOND_THE_FORMAT = 128  # twice what the limbs had


def is_long(operation: Operation, x: Array) -> bool:
    """Whether a row, shape (n,), is softmax of its effective logits, and long enough for limbs."""
    return operation.is_softmax_of_effective_logits and len(x) >= limbs.LONG


def write_row(truth: Truth, row: int, x: Array) -> None:
    """Write the exact results of a row of effective logits, shape (n,), -inf where masked."""
    finite = np.isfinite(x)
    own = slice(None) if finite.all() else finite
    x, format = x[own], truth.format
    if x.min() == x.max():
        precision = format.precision + _FIRST_BITS_BEYOND_THE_FORMAT
        decided = decide(_enclosures(x, x[:1], precision)[0], format)
        # 1/m is exact, or by a share of 1/m at least away from every boundary.
        assert decided is not None
        truth.rounded[row, own], truth.offset[row, own] = decided[:2]
        truth.ulp[row, own] = np.ldexp(1.0, decided[2])
        return
    arrays = truth.rounded[row], truth.offset[row], truth.ulp[row]
    found = limbs.long_results(x, format, arrays if len(x) == len(finite) else None)
    if found.open.size:
        _decide(found, x, truth)
    if len(x) < len(finite):
        for array, results in zip(arrays, found, strict=False):
            array[own] = results


def _decide(found: limbs.LongResults, x: Array, truth: Truth) -> None:
    """Fill in the elements that are open; equal ones are decided once."""
    values, place = np.unique(x[found.open], return_inverse=True)
    decided: dict[int, tuple[float, float, int]] = {}
    precision = truth.format.precision + _FIRST_BITS_BEYOND_THE_FORMAT
    while len(decided) < len(values):
        left = [index for index in range(len(values)) if index not in decided]
        for index, each in zip(left, _enclosures(x, values[left], precision), strict=True):
            if (result := decide(each, truth.format)) is not None:
                decided[index] = result
        precision *= 2
        if precision > MOST_BITS:
            raise NotDecided("softmax", f"a row of {len(x)} logits")
    columns = np.array([decided[index] for index in range(len(values))])[place]
    found.rounded[found.open], found.offset[found.open] = columns[:, 0], columns[:, 1]
    found.ulp[found.open] = np.ldexp(1.0, columns[:, 2].astype(np.int32))


def _enclosures(x: Array, values: Array, precision: int) -> list[Enclosure]:
    if x.min() == x.max():
        return softmax.enclose(x[:1], np.array([len(x)]), precision)
    return limbs.enclose_values(x, values.tolist(), precision)


def enclosure_at(
    operation: Operation, x: Array, operands: Operands, index: int, precision: int
) -> Enclosure:
    """The result at `index` of a row, shape (n,), which the policy does not fix, enclosed."""
    if not is_long(operation, x):
        found = operation.enclose(x, operands, precision)[index]
        assert found is not None
        return found
    logits = operation.effective_logits(x, operands)
    return _enclosures(logits[np.isfinite(logits)], logits[[index]], precision)[0]
