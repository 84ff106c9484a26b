"""PyTorch's softmax on the CPU."""

import numpy as np

from softmax_implementations.registry import LIBRARY_DTYPES, implementation


@implementation(
    "torch",
    dtypes=LIBRARY_DTYPES,
    library="torch",
    capabilities=("empty", "scalar", "subnormals", "axes"),
)
def torch_softmax(x, axis=-1):
    """torch.softmax on the CPU, by one thread or several as torch decides.

    16-bit inputs are worked in float32. It refuses integers and negative strides; the latter are
    copied here first, as its users must.
    """
    import torch

    contiguous = np.array(x, order="C")
    if contiguous.dtype.name == "bfloat16":  # which torch does not take from NumPy
        given = torch.from_numpy(contiguous.view(np.int16)).view(torch.bfloat16)
        y = torch.softmax(given, axis).view(torch.int16).numpy().view(contiguous.dtype)
    else:
        y = torch.softmax(torch.from_numpy(contiguous), axis).numpy()
    return y
