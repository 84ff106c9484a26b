"""SciPy's softmax, as it stands in scipy.special."""

import numpy as np

from softmax_implementations.registry import FLOAT8_DTYPES, LIBRARY_DTYPES, implementation


@implementation(
    "scipy",
    dtypes=(*FLOAT8_DTYPES, *LIBRARY_DTYPES),
    library="scipy",
    capabilities=("integers", "scalar", "subnormals", "axes"),
    bound="shifted",
    standard="native",
    expected_findings=(
        "axis in float16",
        "overflow in float16",
        "overflow in float8_e4m3fn",
        "flushed_subnormal in float16",
        "inaccurate in bfloat16 up to 7e4 ulp",
    ),
)
def scipy_softmax(x, axis=-1):
    """scipy.special.softmax: exp(x - max x) / sum exp(x - max x) in the type of x.

    Its sum is `numpy.sum`, described in `softmax_implementations.naive`: in float16 that of a long
    row overflows. In bfloat16 one term is added after another, so that a sum sticks at 256; in
    float8_e4m3fn, that has no infinities, x - max x below -448 is NaN. It raises on rows of no
    elements.
    """
    from scipy.special import softmax

    with np.errstate(all="ignore"):
        return softmax(x, axis=axis)
