"""CuPy's softmax and its family on a CUDA device: step by step, in the type of x.

Its kernels flush subnormal numbers of float32 to zero. bfloat16 needs CuPy 14.
"""

from softmax_implementations.registry import LIBRARY_DTYPES, LONGEST_SUM, implementation


def _declared(name, operation="softmax", **more):
    given: dict[str, object] = {
        "dtypes": LIBRARY_DTYPES,
        "arrays": "cupy",
        "device": "cuda",
        "standard": "native",
    }
    given |= {"capabilities": ("axes",), "largest_n": LONGEST_SUM}
    if operation != "softmax":
        given["standard"] = "usual"
    return implementation(name, operation=operation, **given | more)


@_declared("cupy", expected_findings=("spurious_underflow in bfloat16",))
def softmax(x, axis=-1):
    """cupyx.scipy.special.softmax: exp(x - max x) / sum exp(x - max x)."""
    from cupyx.scipy.special import softmax

    return softmax(x, axis=axis)


@_declared("cupy", "log_softmax", expected_findings=("wrong_special",))
def log_softmax(x, axis=-1):
    """cupyx.scipy.special.log_softmax: (x - max x) - log sum exp(x - max x).

    Beside a +inf it is -inf, as that of SciPy is.
    """
    from cupyx.scipy.special import log_softmax

    return log_softmax(x, axis=axis)


@_declared("cupy", "logsumexp")
def logsumexp(x, axis=-1):
    """cupyx.scipy.special.logsumexp: max x + log sum exp(x - max x)."""
    from cupyx.scipy.special import logsumexp

    return logsumexp(x, axis=axis)


@_declared("cupy", "cross_entropy", expected_findings=("wrong_special",))
def cross_entropy(x, target, axis=-1):
    """Minus cupyx.scipy.special.log_softmax at the target."""
    import cupy
    from cupyx.scipy.special import log_softmax

    place = cupy.expand_dims(target, axis)
    return -cupy.take_along_axis(log_softmax(x, axis=axis), place, axis=axis).squeeze(axis)
