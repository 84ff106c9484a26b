"""The tolerance of WebNN's softmax, 3 n + 3 ulp, beside a bound that is proved.

The web platform tests count three roundings for each of n elements and three more. They do so since
a sum may be made one addition after another. What a row's sum costs is no more than its number of
additions; a difference from the maximum costs as much as it is long; and sums in pairs cost next to
nothing. So the tolerance says little of long rows, and nothing of logits that lie far apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from softmax_harness.ground.formats import DEFAULT_DTYPES, FORMATS
from softmax_harness.studies.reproduce.answers import answered, asked
from softmax_harness.studies.reproduce.paper import Figure, Paper

_DTYPES = DEFAULT_DTYPES[:-1]  # WebNN has no float64
_LENGTHS = (2, 24, 128, 1024, 16384)
_ELEMENTS, _FEWEST = 2**15, 4
_LARGEST = 10.0


def tolerance(n: int) -> float:
    """What the tests allow, in ulp: ``getSoftmaxPrecisionTolerance``."""
    return 3.0 * n + 3.0


def _figure(dtype: str, n: int, generator: np.random.Generator) -> Figure:
    rows = max(_ELEMENTS // n, _FEWEST)
    x = FORMATS[dtype].stored(generator.uniform(-_LARGEST, _LARGEST, (rows, n)))
    rows_asked = asked("softmax", x)
    y = answered("softmax", "max-shifted", x)
    largest = float(rows_asked.batch_of(y.astype(np.float64)).absolute.max())
    bound = float(rows_asked.limit_ulp.max())
    return Figure(f"{dtype}, n = {n}", tolerance(n), bound, {"measured": largest}, is_bound=True)


def _measured(seed: int) -> Sequence[Figure]:
    generator = np.random.default_rng(seed)
    return [_figure(dtype, n, generator) for dtype in _DTYPES for n in _LENGTHS]


PAPER = Paper(
    "web-platform-tests",
    "Web platform tests of WebNN: getSoftmaxPrecisionTolerance",
    "https://github.com/web-platform-tests/wpt/pull/37254",
    "ulp: the tolerance 3 n + 3, the largest bound of this project, the error of max-shifted",
    _measured,
    columns=("tolerance", "bound"),
    notes=(
        "The bound is that of the standard `native`: every step in the format, sums in pairs. "
        f"Bound and error are taken on logits uniform from -{_LARGEST:g} to {_LARGEST:g}.",
        "Where the bound is above the tolerance, it is called not reproduced: with few logits that "
        "lie far apart, the rounding of x - max alone can cost more than the tolerance allows.",
        "A result of 0 for each of n equal logits errs by less than the tolerance in float16 from "
        "n = 2048 on: `softmax-harness audit webnn` shows what else passes.",
    ),
)
