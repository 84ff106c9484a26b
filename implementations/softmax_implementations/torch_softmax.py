"""PyTorch's softmax on the CPU."""

from softmax_implementations.registry import LIBRARY_DTYPES, implementation


@implementation(
    "torch",
    dtypes=LIBRARY_DTYPES,
    arrays="torch",
    capabilities=("empty", "scalar", "subnormals", "axes"),
    expected_findings=(
        "axis in float16",
        "axis in bfloat16",
        "inaccurate in float32 up to 6e1 ulp",
    ),
)
def torch_softmax(x, axis=-1):
    """torch.softmax on the CPU, by one thread or several as torch decides.

    16-bit inputs are worked in float32 along the last axis, and err by more along others. A long
    row is added up one vector after another: in float32 one of 50,257 errs by 31 ulp, and one of
    4097 by 49 where one logit lies far above the others. It refuses integers. Tensors have any
    strides but negative ones, which are copied, as its users must.
    """
    import torch

    return torch.softmax(x, axis)
