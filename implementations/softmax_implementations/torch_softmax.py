"""PyTorch's softmax on the CPU."""

import numpy as np

from softmax_implementations.registry import DTYPES, implementation


@implementation(
    "torch",
    dtypes=DTYPES,
    library="torch",
    capabilities=("empty", "scalar", "subnormals", "axes"),
)
def torch_softmax(x, axis=-1):
    """torch.softmax on the CPU, by one thread or several as torch decides.

    16-bit inputs are worked in float32. It refuses integers and negative strides; the latter are
    copied here first, as its users must.
    """
    import torch

    return from_torch(torch.softmax(as_torch(x), axis), x.dtype)


def as_torch(x):
    """The numbers of an array as a tensor of its own memory."""
    import torch

    contiguous = np.array(x, order="C")
    if contiguous.dtype.name == "bfloat16":  # which torch does not take from NumPy
        return torch.from_numpy(contiguous.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(contiguous)


def from_torch(tensor, dtype):
    """A tensor as an array of that dtype, which is its own."""
    import torch

    if dtype.name == "bfloat16":
        return tensor.contiguous().view(torch.int16).numpy().view(dtype)
    return tensor.numpy()
