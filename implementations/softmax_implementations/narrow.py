"""The careful form of each operation, worked in float32 and rounded once to a narrower type."""

from functools import wraps

import numpy as np

from softmax_implementations.attention import shifted as attention
from softmax_implementations.attention_sink import concatenated
from softmax_implementations.cross_entropy import from_logits_compensated as cross_entropy
from softmax_implementations.cross_entropy_gradient import minus_sum_of_others
from softmax_implementations.gradient import relative_to_largest
from softmax_implementations.label_smoothing import from_logits_compensated as label_smoothing
from softmax_implementations.log_softmax import compensated
from softmax_implementations.log_softmax_gradient import textbook as log_softmax_gradient
from softmax_implementations.logsumexp import by_log1p
from softmax_implementations.logsumexp_gradient import textbook as logsumexp_gradient
from softmax_implementations.logsumexp_weighted import shifted as logsumexp_weighted
from softmax_implementations.registry import NARROW, implementation
from softmax_implementations.softmax_masked import minus_infinity
from softmax_implementations.softmax_temperature import shifted_first

_CAREFUL = {
    "attention": attention,
    "attention_sink": concatenated,
    "cross_entropy": cross_entropy,
    "cross_entropy_gradient": minus_sum_of_others,
    "gradient": relative_to_largest,
    "label_smoothing": label_smoothing,
    "log_softmax": compensated,
    "log_softmax_gradient": log_softmax_gradient,
    "logsumexp": by_log1p,
    "logsumexp_gradient": logsumexp_gradient,
    "logsumexp_weighted": logsumexp_weighted,
    "softmax_masked": minus_infinity,
    "softmax_temperature": shifted_first,
}


def _wide(careful):
    """The function in float32: of its arguments, integers and booleans stay as they are."""

    @wraps(careful)
    def wide(*arguments, **named):
        own = np.result_type(*arguments[:1])
        if own.kind in "iub":  # worked as float64, in which nothing is narrow
            return careful(*arguments, **named)
        floats = (a if a.dtype.kind in "iub" else a.astype(np.float32) for a in arguments)
        with np.errstate(all="ignore"):
            return np.asanyarray(careful(*floats, **named)).astype(own)

    first = (careful.__doc__ or "").strip().split("\n")[0].rstrip(".")
    wide.__doc__ = f"Worked in float32 and rounded once: {first}."
    return wide


for _operation, _careful in _CAREFUL.items():
    implementation("wide", operation=_operation, dtypes=(NARROW,), standard="wide")(_wide(_careful))
