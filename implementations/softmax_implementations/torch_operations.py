"""PyTorch's logarithms and attention on the CPU.

Of 16-bit inputs the sum is rounded to their format before its logarithm is taken.
"""

import numpy as np

from softmax_implementations.registry import DTYPES, LONGEST_SUM, implementation
from softmax_implementations.torch_softmax import as_torch, from_torch


@implementation(
    "torch",
    operation="log_softmax",
    dtypes=DTYPES,
    library="torch",
    standard="usual",
    capabilities=("empty", "scalar", "subnormals", "axes"),
)
def log_softmax(x, axis=-1):
    """torch.log_softmax: (x - max x) - log sum exp(x - max x)."""
    import torch

    return from_torch(torch.log_softmax(as_torch(x), axis), x.dtype)


@implementation(
    "torch",
    operation="logsumexp",
    dtypes=DTYPES,
    library="torch",
    standard="usual",
    largest_n=LONGEST_SUM,
    capabilities=("empty", "scalar", "subnormals", "axes"),
)
def logsumexp(x, axis=-1):
    """torch.logsumexp: max x + log sum exp(x - max x), each step in the type of x."""
    import torch

    return from_torch(torch.logsumexp(as_torch(x), axis), x.dtype)


@implementation(
    "torch",
    operation="cross_entropy",
    dtypes=DTYPES,
    library="torch",
    standard="usual",
    capabilities=("subnormals", "axes"),
)
def cross_entropy(x, target, axis=-1):
    """torch.nn.functional.cross_entropy without reduction; classes are moved to its axis 1."""
    import torch
    from torch.nn.functional import cross_entropy

    logits = as_torch(np.moveaxis(x, axis, -1)).reshape(-1, x.shape[axis])
    loss = cross_entropy(logits, as_torch(target).reshape(-1).to(torch.int64), reduction="none")
    return from_torch(loss, x.dtype).reshape(target.shape)


@implementation(
    "torch",
    operation="attention",
    dtypes=DTYPES,
    library="torch",
    capabilities=("subnormals",),
)
def attention(q, k, v, mask):
    """torch.nn.functional.scaled_dot_product_attention with a mask of booleans."""
    from torch.nn.functional import scaled_dot_product_attention

    tensors = (as_torch(each) for each in (q, k, v, mask))
    return from_torch(scaled_dot_product_attention(*tensors), q.dtype)
