"""What results lose on units that take subnormal numbers for 0, as XLA has them on CPUs, and GPUs.

Such a unit reads a subnormal operand as 0, and writes 0 where a result would be subnormal. What is
subnormal on the way may be multiplied by a large number afterwards: a result that is a normal
number itself may be lost as a whole. So each operation in which that can happen has a bound, an
`softmax_harness.operations.operation.Operation.lost_by_flushing`.
"""

from __future__ import annotations

import numpy as np

from softmax_harness.ground.formats import FORMATS, Format
from softmax_harness.operations.enclosure import Array

# A kernel's own weights and products are near to these, not the same.
_MARGIN = 2.0
# Sums that cancel, the last product or quotient, and what is passed from block to block.
SINGLE = 4.0


def least_kept(format: Format) -> float:
    """The smallest normal number of the format in which kernels work, with a margin."""
    working = FORMATS[format.wider] if format.is_narrow and format.wider else format
    return _MARGIN * working.smallest_normal


def weights(x: Array) -> Array:
    """Softmax of rows in float64, no weight less than it is: the smallest are rounded to 0."""
    with np.errstate(invalid="ignore", over="ignore"):
        e = np.exp(x - x.max(axis=-1, keepdims=True, initial=-np.inf))
        return np.asarray(e / e.sum(axis=-1, keepdims=True) + FORMATS["float64"].smallest_subnormal)


def where_flushed(values: Array, least: float) -> Array:
    """The absolute values of what is below `least`, 0 for what is kept."""
    size = np.abs(values)
    return np.where(size < least, size, 0.0)


def lost_of_mean(weights: Array, size: Array, least: float) -> Array:
    """What sum_j w_j |v_j| loses: terms of which a factor or the product is flushed.

    Parameters
    ----------
    weights, size : ndarray, shape (rows, n, ...)
        w and |v|.
    least : float
        As of `least_kept`.

    Returns
    -------
    ndarray, shape (rows, 1, ...)
    """
    term = weights * size
    is_flushed = (weights < least) | (size < least) | (term < least)
    lost = np.where(is_flushed, term, 0.0).sum(axis=1, keepdims=True)
    return np.asarray(lost + SINGLE * least)
