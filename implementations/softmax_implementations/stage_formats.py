"""Formats by stages, as tensor cores work: float32 logits and sums, bfloat16 probabilities."""

import numpy as np

from softmax_implementations.registry import implementation
from softmax_implementations.rows import by_rows


@implementation(
    "stage-formats",
    dtypes=("float32",),
    output_dtype="bfloat16",
    library="ml_dtypes",
    standard="wide",
    capabilities=("empty", "scalar", "subnormals", "axes"),
    expected_findings=("inaccurate in bfloat16 up to 2 ulp", "flushed_subnormal"),
)
def stage_formats(x, axis=-1):
    """float32 in, bfloat16 exponentials, a float32 sum of the unrounded ones, bfloat16 out.

    As attention kernels feed tensor cores: exp(x - max x) is rounded to bfloat16, its sum is taken
    before that, and the quotient is rounded again. Two roundings of half an ulp each.
    """
    import ml_dtypes

    def of_rows(rows):
        e = np.exp(rows - np.max(rows, axis=-1, keepdims=True))
        rounded = e.astype(ml_dtypes.bfloat16).astype(np.float32)
        return (rounded / np.sum(e, axis=-1, keepdims=True)).astype(ml_dtypes.bfloat16)

    x = np.asarray(x)
    if not x.size:
        return np.empty(x.shape, ml_dtypes.bfloat16)
    return by_rows(x, axis, of_rows)
