"""PyTorch's logarithms and attention on the CPU.

Of 16-bit inputs the sum is rounded to their format before its logarithm is taken: in float16 that
of 65520 or more equal logits overflows.
"""

from softmax_implementations.registry import LIBRARY_DTYPES, LONGEST_SUM, implementation


@implementation(
    "torch",
    operation="log_softmax",
    dtypes=LIBRARY_DTYPES,
    arrays="torch",
    standard="usual",
    expected_findings=("overflow in float16",),
    capabilities=("empty", "scalar", "subnormals", "axes"),
)
def log_softmax(x, axis=-1):
    """torch.log_softmax: (x - max x) - log sum exp(x - max x)."""
    import torch

    return torch.log_softmax(x, axis)


@implementation(
    "torch",
    operation="logsumexp",
    dtypes=LIBRARY_DTYPES,
    arrays="torch",
    standard="usual",
    largest_n=LONGEST_SUM,
    capabilities=("empty", "scalar", "subnormals", "axes"),
)
def logsumexp(x, axis=-1):
    """torch.logsumexp: max x + log sum exp(x - max x), each step in the type of x."""
    import torch

    return torch.logsumexp(x, axis)


@implementation(
    "torch",
    operation="cross_entropy",
    dtypes=LIBRARY_DTYPES,
    arrays="torch",
    standard="usual",
    expected_findings=("overflow in float16",),
    capabilities=("subnormals", "axes"),
)
def cross_entropy(x, target, axis=-1):
    """torch.nn.functional.cross_entropy without reduction; classes are moved to its axis 1."""
    import torch
    from torch.nn.functional import cross_entropy

    logits = x.movedim(axis, -1).reshape(-1, x.shape[axis])
    classes = target.reshape(-1).to(torch.int64)
    return cross_entropy(logits, classes, reduction="none").reshape(target.shape)


@implementation(
    "torch",
    operation="attention",
    dtypes=LIBRARY_DTYPES,
    arrays="torch",
    capabilities=("subnormals",),
    expected_findings=(
        "batch in float16",
        "batch in bfloat16",
        "layout in float16",
        "layout in bfloat16",
        "wrong_special in float32",
        "wrong_special in float64",
    ),
)
def attention(q, k, v, mask):
    """torch.nn.functional.scaled_dot_product_attention with a mask of booleans.

    A query that sees nothing gives 0, but NaN where its scores are infinite. In 16 bits queries of
    one call are worked in blocks, which round the weights.
    """
    from torch.nn.functional import scaled_dot_product_attention

    return scaled_dot_product_attention(q, k, v, mask)
