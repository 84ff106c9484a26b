"""PyTorch's softmax and its logarithm as torch.compile makes them: C++ of its own, vectorized.

It needs a C++ compiler. Each dtype and number of axes is compiled once, for any lengths.
"""

from functools import cache

from softmax_implementations.registry import LIBRARY_DTYPES, implementation


@cache
def _compiled(name):
    import torch

    return torch.compile(getattr(torch, name), dynamic=True)


@implementation(
    "torch-compiled",
    dtypes=LIBRARY_DTYPES,
    arrays="torch",
    capabilities=("subnormals", "axes"),
)
def torch_compiled_softmax(x, axis=-1):
    """torch.compile(torch.softmax): exp(x - max x) / sum exp(x - max x), 16 bits in float32."""
    return _compiled("softmax")(x, axis)


@implementation(
    "torch-compiled",
    operation="log_softmax",
    dtypes=LIBRARY_DTYPES,
    arrays="torch",
    standard="usual",
    capabilities=("subnormals", "axes"),
)
def torch_compiled_log_softmax(x, axis=-1):
    """torch.compile(torch.log_softmax): (x - max x) - log sum exp(x - max x)."""
    return _compiled("log_softmax")(x, axis)
