"""All logits equal: nothing is left but the sum and the division."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families.family import Family, Sampling

_LONG, _BELOW_OVERFLOW = 1 << 16, 0.9
_ONE_BY_ONE = 1025  # of longer rows a few lengths say as much
_MORE_ROWS = ((2049, 1), (131_073, 1))
_LONGEST_TIED = 1 << 18  # of a format of one byte; of float16 it is 2**25


def _equal(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    """In the longest rows the sum of exponentials overflows, by far more than any of these does."""
    values = rng.normal(0.0, 3.0, (rows, 1))
    near = math.log(format.largest) - _BELOW_OVERFLOW * math.log(n)
    if n > _LONG and near > 0.0:
        values[:] = near
    return np.repeat(values, n, axis=1)


def _zeros(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    return np.zeros((rows, n))


def _one_above(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    """All but one equal, some 2**-10 to 1 below the largest."""
    x = np.repeat(-(2.0 ** rng.uniform(-10.0, 0.0, (rows, 1))), n, axis=1)
    np.put_along_axis(x, rng.integers(0, n, (rows, 1)), 0.0, axis=1)
    return x


# Equal terms are rounded alike while the sum stays in a binade: one by one they err by up to n/4
# ulp, in k lanes by the k-th part. Of 300 rows of this length in float64, 62 % of the sums one by
# one and 19 % of those in two lanes exceed what a sum in pairs is allowed; those in four lanes stay
# below 0.72 of it, and would exceed it from n = 512.
_BETWEEN_TWO_LANES_AND_FOUR = 384


def _tied(format: Format) -> tuple[int, ...]:
    """The n with 1/n the middle between 0 and the smallest number: a tie that goes to 0."""
    n = 2 ** (1 - format.spacing_exponent)
    return (n,) if n <= _LONGEST_TIED else ()


FAMILIES = (
    Family(
        "equal",
        "all equal: the sum and the division alone, exact at powers of two",
        _equal,
        check=Sampling(one_row_up_to=_ONE_BY_ONE, more_rows=_MORE_ROWS, own_lengths=_tied),
    ),
    Family(
        "one-above",
        "all equal but one above: the terms of a sum are rounded alike, one by one far too often",
        _one_above,
        lengths=(_BETWEEN_TWO_LANES_AND_FOUR,),
        check=Sampling(fewest=48, more_rows=((_BETWEEN_TWO_LANES_AND_FOUR, 1),)),
    ),
    Family(
        "equal-overflow",
        "the last length at which a sum of ones is finite in float16, and the first where not",
        _zeros,
        lengths=(65519, 65520),
        rows=1,
        suite="standard",
        check=None,
    ),
    Family(
        "equal-long",
        "n above 2**p: a running sum in the format stops growing",
        _equal,
        lengths=(100_000, 2**24 + 2),
        rows=1,
        suite="full",
        check=None,
    ),
)
