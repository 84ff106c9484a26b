"""The loss of a true class: from probabilities and from logits. `target` holds one class a row."""

import numpy as np

from softmax_implementations.log_softmax import compensated, log_of_softmax, shifted
from softmax_implementations.registry import LONGEST_SUM, implementation


def _loss(log, target, axis):
    if log.ndim == 0:
        return np.negative(log)
    place = np.expand_dims(target, axis)
    return np.negative(np.squeeze(np.take_along_axis(log, place, axis=axis), axis))


@implementation(
    "from-probabilities",
    operation="cross_entropy",
    standard="native",
    expected_findings=(
        "axis in float16",
        "inaccurate in float16 up to 4e2 ulp",
        "inaccurate in float32 up to 5e5 ulp",
        "inaccurate in float64 up to 4e13 ulp",
        "spurious_underflow",
        "flushed_subnormal",
        "nan",
        "overflow",
        "denominator_underflow",
    ),
)
def from_probabilities(x, target, axis=-1):
    """-log(softmax(x)[target]): infinite where that underflows, 0 where it rounds to 1."""
    with np.errstate(all="ignore"):
        return _loss(log_of_softmax(x, axis=axis), target, axis)


@implementation(
    "from-logits",
    operation="cross_entropy",
    standard="native",
    largest_n=LONGEST_SUM,
    expected_findings=("axis in float16",),
)
def from_logits(x, target, axis=-1):
    """log sum exp(x - max x) - (x[target] - max x)."""
    with np.errstate(all="ignore"):
        return _loss(shifted(x, axis=axis), target, axis)


@implementation(
    "compensated",
    operation="cross_entropy",
    standard="native",
    bound="operation",
    largest_n=LONGEST_SUM,
    expected_findings=("axis in float16",),
)
def from_logits_compensated(x, target, axis=-1):
    """Minus the compensated log_softmax at the target."""
    with np.errstate(all="ignore"):
        return _loss(compensated(x, axis=axis), target, axis)
