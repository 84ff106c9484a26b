"""max-shifted with other sums: one addition after another, plain and compensated."""

import numpy as np

from softmax_implementations.registry import LONGEST_SUM, floating, implementation
from softmax_implementations.rows import by_rows


@implementation(
    "sequential-sum",
    bound="shifted",
    standard="native",
    expected_findings=(
        "inaccurate in float16 up to 3e4 ulp",
        "inaccurate in float32 up to 2e3 ulp",
        "inaccurate in float64 up to 2e3 ulp",
    ),
)
def sequential_sum(x, axis=-1):
    """As max-shifted, but adds one term after another, as a plain loop does.

    Such a sum errs by (n - 1) u: Higham, "The accuracy of floating point summation", SIAM J. Sci.
    Comput. 14(4), 1993. In the type itself a sum of ones stops growing at 2**p.
    """
    return by_rows(floating(x), axis, lambda rows: _with_sum(rows, _sequential))


@implementation(
    "neumaier-sum",
    standard="native",
    largest_n=LONGEST_SUM,
    expected_findings=("inaccurate in float16 up to 5e3 ulp",),
)
def neumaier_sum(x, axis=-1):
    """As max-shifted, but also adds up what each addition lost, and corrects the sum by it.

    Such a sum errs by 2 u, nearly for any n: Neumaier, "Rundungsfehleranalyse einiger Verfahren zur
    Summation endlicher Summen", ZAMM 54(1), 1974. The error of each addition is exact, but in
    float16 the sum of the errors soon is not.
    """
    return by_rows(floating(x), axis, lambda rows: _with_sum(rows, _neumaier))


def _with_sum(x, total):
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / total(e)


def _sequential(e):
    return np.add.accumulate(e, axis=-1)[:, -1:]


def _neumaier(e):
    sums = np.add.accumulate(e, axis=-1)
    before, term, after = sums[:, :-1], e[:, 1:], sums[:, 1:]
    back = after - before
    lost = (before - (after - back)) + (term - back)
    if not lost.shape[-1]:
        return sums
    return sums[:, -1:] + np.add.accumulate(lost, axis=-1)[:, -1:]
