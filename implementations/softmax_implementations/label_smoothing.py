"""Cross-entropy with a smoothed target.

`smoothing`, of length 1 a row, is the part that is spread over all classes. Where it is 0, nothing
but the class counts, though others may be masked.
"""

import numpy as np

from softmax_implementations.log_softmax import compensated, log_of_softmax, shifted
from softmax_implementations.registry import LONGEST_SUM, implementation


def _smoothed(log, target, smoothing, axis):
    """(1 - eps) of the loss of the class and eps of the mean of all losses."""
    if log.ndim == 0:
        return np.negative(log)
    eps = np.asarray(smoothing, log.dtype)
    own = np.take_along_axis(log, np.expand_dims(target, axis), axis=axis)
    mean = np.mean(log, axis=axis, keepdims=True)
    spread = np.where(eps == 0, 0, eps * mean)
    kept = np.where(eps == 1, 0, (1 - eps) * own)
    return np.negative(np.squeeze(kept + spread, axis)).astype(log.dtype)


@implementation(
    "from-logits",
    operation="label_smoothing",
    standard="native",
    largest_n=LONGEST_SUM,
)
def from_logits(x, target, smoothing, axis=-1):
    """(1 - eps) * loss + eps * mean of all losses, from shifted log_softmax."""
    with np.errstate(all="ignore"):
        return _smoothed(shifted(x, axis=axis), target, smoothing, axis)


@implementation(
    "compensated",
    operation="label_smoothing",
    standard="native",
    bound="operation",
    largest_n=LONGEST_SUM,
)
def from_logits_compensated(x, target, smoothing, axis=-1):
    """The same from the compensated log_softmax."""
    with np.errstate(all="ignore"):
        return _smoothed(compensated(x, axis=axis), target, smoothing, axis)


@implementation(
    "from-probabilities",
    operation="label_smoothing",
    standard="native",
    expected_findings=(
        "overflow",
        "denominator_underflow",
        "nan",
        "spurious_underflow",
        "flushed_subnormal",
        "inaccurate in float16 up to 4e2 ulp",
        "inaccurate in float32 up to 5e5 ulp",
        "inaccurate in float64 up to 4e13 ulp",
    ),
)
def from_probabilities(x, target, smoothing, axis=-1):
    """The same from log(softmax(x)): infinite as soon as one probability underflows."""
    with np.errstate(all="ignore"):
        return _smoothed(log_of_softmax(x, axis=axis), target, smoothing, axis)
