"""JAX's softmax on the CPU: compiled by XLA, step by step, and with 64-bit types enabled."""

from softmax_implementations.registry import FLOAT8_DTYPES, LIBRARY_DTYPES, implementation

# The last sum is of exponentials that are 0 where they would be subnormal.
_OF_BFLOAT16 = ("spurious_underflow in bfloat16",)
# Its maximum begins with -inf, which is NaN in float8_e4m3fn, and so is then every result.
_OF_FLOAT8 = (
    *(f"{kind} in float8_e4m3fn" for kind in ("wrong_special", "nan", "overflow")),
    "denominator_underflow in float8_e4m3fn",
    "inaccurate in float8_e5m2 up to 9e1 ulp",
)


@implementation(
    "jax",
    dtypes=(*FLOAT8_DTYPES, *LIBRARY_DTYPES),
    arrays="jax",
    device="cpu",
    standard="native",
    capabilities=("axes",),
    expected_findings=(*_OF_BFLOAT16, *_OF_FLOAT8),
)
def jax_softmax(x, axis=-1):
    """jax.nn.softmax, with 64-bit types enabled for float64.

    XLA flushes subnormal numbers to zero. An array without axes has no axis -1 here. Of
    float8_e4m3fn each result is NaN.
    """
    import jax

    return jax.nn.softmax(x, axis=axis)


@implementation(
    "jax-eager",
    dtypes=(*FLOAT8_DTYPES, *LIBRARY_DTYPES),
    arrays="jax",
    device="cpu",
    standard="native",
    capabilities=("axes",),
    expected_findings=(*_OF_BFLOAT16, *_OF_FLOAT8),
)
def jax_eager(x, axis=-1):
    """jax.nn.softmax under jax.disable_jit: each step is a kernel of its own."""
    import jax

    with jax.disable_jit():
        return jax.nn.softmax(x, axis=axis)


@implementation(
    "jax-x64",
    dtypes=("float16", "bfloat16", "float32"),
    arrays="jax",
    device="cpu",
    standard="native",
    capabilities=("axes",),
    expected_findings=_OF_BFLOAT16,
)
def jax_x64(x, axis=-1):
    """jax.nn.softmax with 64-bit types enabled, which formats of fewer bits do not need."""
    import jax

    with jax.enable_x64(True):
        return jax.nn.softmax(x, axis=axis)
