"""The careful form of each operation, worked in the next wider type and rounded once."""

from functools import wraps

import numpy as np

from softmax_implementations import (
    attention,
    attention_sink,
    cross_entropy,
    cross_entropy_gradient,
    gradient,
    label_smoothing,
    log_softmax,
    log_softmax_gradient,
    logsumexp,
    logsumexp_gradient,
    logsumexp_weighted,
    softmax_masked,
    softmax_temperature,
)
from softmax_implementations.narrowing import rounded_to
from softmax_implementations.registry import NARROW, implementation

_DECLARED = {"dtypes": (NARROW, "float32"), "standard": "wide"}


def _widened(function):
    """The function on arguments in the wider type; classes and masks stay what they are."""

    @wraps(function)
    def wide(*arguments, **named):
        dtype = arguments[0].dtype
        if dtype.kind in "iub":  # worked as float64, in which nothing is narrow
            return function(*arguments, **named)
        wider = np.float32 if dtype.itemsize < 4 else np.float64
        own = [each.astype(wider) if each.dtype == dtype else each for each in arguments]
        with np.errstate(all="ignore"):
            return rounded_to(function(*own, **named), dtype)

    first = (function.__doc__ or "").split("\n")[0].rstrip(".")
    wide.__doc__ = f"Computes in the next wider type and rounds once: {first}."
    return wide


implementation("wide", operation="log_softmax", **_DECLARED)(_widened(log_softmax.compensated))
implementation("wide", operation="logsumexp", **_DECLARED)(_widened(logsumexp.by_log1p))
implementation("wide", operation="cross_entropy", **_DECLARED)(
    _widened(cross_entropy.from_logits_compensated)
)
implementation("wide", operation="cross_entropy_gradient", **_DECLARED)(
    _widened(cross_entropy_gradient.minus_sum_of_others)
)
implementation("wide", operation="label_smoothing", **_DECLARED)(
    _widened(label_smoothing.from_logits_compensated)
)
implementation("wide", operation="gradient", **_DECLARED)(_widened(gradient.relative_to_largest))
implementation("wide", operation="log_softmax_gradient", **_DECLARED)(
    _widened(log_softmax_gradient.textbook)
)
implementation("wide", operation="logsumexp_gradient", **_DECLARED)(
    _widened(logsumexp_gradient.textbook)
)
implementation("wide", operation="logsumexp_weighted", **_DECLARED)(
    _widened(logsumexp_weighted.shifted)
)
implementation("wide", operation="softmax_masked", **_DECLARED)(
    _widened(softmax_masked.minus_infinity)
)
implementation("wide", operation="softmax_temperature", **_DECLARED)(
    _widened(softmax_temperature.shifted_first)
)
implementation("wide", operation="attention", **_DECLARED)(_widened(attention.shifted))
implementation("wide", operation="attention_sink", **_DECLARED)(
    _widened(attention_sink.concatenated)
)
