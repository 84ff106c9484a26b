"""A softmax of plain loops as numba compiles it, with and without fastmath."""

from functools import cache

import numpy as np

from softmax_implementations.registry import floating, implementation
from softmax_implementations.rows import by_rows


def _declared(name, **more):
    given = {"dtypes": ("float32", "float64"), "library": "numba", "standard": "native"}
    return implementation(name, capabilities=("integers", "subnormals", "axes"), **given | more)


@_declared(
    "numba",
    expected_findings=(
        "inaccurate in float32 up to 2e3 ulp",
        "inaccurate in float64 up to 2e3 ulp",
    ),
)
def numba_softmax(x, axis=-1):
    """exp(x - max x) / sum exp(x - max x) in the type of x, one addition after another.

    Such a sum errs by (n - 1) u, as that of `sequential-sum`.
    """
    return by_rows(floating(x), axis, _compiled(False))


@_declared("numba-fastmath", expected_findings=("wrong_special", "nan"))
def numba_fastmath_softmax(x, axis=-1):
    """As `numba`, with fastmath=True, which assumes that there are no NaN and no infinities."""
    return by_rows(floating(x), axis, _compiled(True))


@cache
def _compiled(fastmath):
    from numba import njit

    @njit(fastmath=fastmath, error_model="numpy")
    def softmax(x):
        y = np.empty_like(x)
        for row in range(x.shape[0]):
            top = x[row, 0]
            for place in range(x.shape[1]):
                if x[row, place] > top:
                    top = x[row, place]
            total = x.dtype.type(0)
            for place in range(x.shape[1]):
                y[row, place] = np.exp(x[row, place] - top)
                total += y[row, place]
            for place in range(x.shape[1]):
                y[row, place] /= total
        return y

    return softmax
