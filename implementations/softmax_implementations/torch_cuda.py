"""PyTorch's softmax and its family on a CUDA device.

Its kernels work inputs of 16 bits in float32; which kernel works a row depends on its length.
"""

from softmax_implementations.registry import LIBRARY_DTYPES, LONGEST_SUM, implementation
from softmax_implementations.torch_compiled import compiled


def _declared(name, operation="softmax", **more):
    given = {"dtypes": LIBRARY_DTYPES, "arrays": "torch", "device": "cuda"}
    given["capabilities"] = ("empty", "scalar", "subnormals", "axes")
    if operation != "softmax":
        given["standard"] = "usual"
    return implementation(name, operation=operation, **given | more)


@_declared("torch-cuda")
def softmax(x, axis=-1):
    """torch.softmax on a CUDA device."""
    import torch

    return torch.softmax(x, axis)


@_declared("torch-cuda", "log_softmax")
def log_softmax(x, axis=-1):
    """torch.log_softmax on a CUDA device: (x - max x) - log sum exp(x - max x)."""
    import torch

    return torch.log_softmax(x, axis)


@_declared("torch-cuda", "logsumexp", largest_n=LONGEST_SUM)
def logsumexp(x, axis=-1):
    """torch.logsumexp on a CUDA device: step by step, each a kernel of its own."""
    import torch

    return torch.logsumexp(x, axis)


@_declared("torch-cuda", "cross_entropy", capabilities=("subnormals", "axes"))
def cross_entropy(x, target, axis=-1):
    """torch.nn.functional.cross_entropy on a CUDA device, without reduction, of the last axis."""
    import torch
    from torch.nn.functional import cross_entropy

    logits = x.movedim(axis, -1).reshape(-1, x.shape[axis])
    classes = target.reshape(-1).to(torch.int64)
    return cross_entropy(logits, classes, reduction="none").reshape(target.shape)


@_declared("torch-cuda-compiled", capabilities=("subnormals", "axes"))
def compiled_softmax(x, axis=-1):
    """torch.compile(torch.softmax) on a CUDA device: a kernel that Triton compiles."""
    return compiled("softmax")(x, axis)


@_declared("torch-cuda-compiled", "log_softmax", capabilities=("subnormals", "axes"))
def compiled_log_softmax(x, axis=-1):
    """torch.compile(torch.log_softmax) on a CUDA device: a kernel that Triton compiles."""
    return compiled("log_softmax")(x, axis)
