"""PyTorch's softmax and its logarithm as torch.compile makes them: C++ of its own, vectorized.

It needs a C++ compiler. Each dtype and number of axes is compiled once, for any lengths.
"""

from functools import cache

from softmax_implementations.registry import LIBRARY_DTYPES, implementation

_MOST = 1 << 16


@cache
def compiled(name):
    """A function of torch, compiled for each kind of call.

    Beyond a number of kinds, 8 as it comes, calls are no more compiled, and only a log says so.
    """
    import torch
    import torch._dynamo

    limits = torch._dynamo.config
    limits.recompile_limit = limits.accumulated_recompile_limit = _MOST
    limits.fail_on_recompile_limit_hit = True
    return torch.compile(getattr(torch, name), dynamic=True)


@implementation(
    "torch-compiled",
    dtypes=LIBRARY_DTYPES,
    arrays="torch",
    capabilities=("subnormals", "axes"),
)
def torch_compiled_softmax(x, axis=-1):
    """torch.compile(torch.softmax): exp(x - max x) / sum exp(x - max x), 16 bits in float32."""
    return compiled("softmax")(x, axis)


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
    return compiled("log_softmax")(x, axis)
