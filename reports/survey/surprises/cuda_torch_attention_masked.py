"""PyTorch: attention of 16 bits on an H200 gives values that its mask hides."""

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

print(f"torch {torch.__version__} on {torch.cuda.get_device_name()}")


def by(name, *given):
    if name is None:
        return scaled_dot_product_attention(*given)
    with sdpa_kernel(getattr(SDPBackend, name)):
        return scaled_dot_product_attention(*given)


def weight_of_hidden(name, dtype, score, seen):
    """Of two keys, whose scores are 0 and `score` and of which the second is hidden."""
    q, k, v = (torch.zeros(1, 1, n, 64, dtype=dtype, device="cuda") for n in (1, 2, 2))
    q[..., 0], k[0, 0, 1, 0], v[0, 0, 1] = 64.0, score / 8, 1.0
    mask = torch.tensor([[seen, False]], device="cuda")
    try:
        return f"{by(name, q, k, v, mask)[0, 0, 0, 0].item():.4g}"
    except RuntimeError:
        return "no kernel"


for dtype in (torch.float16, torch.bfloat16):
    for name in (None, "CUDNN_ATTENTION", "EFFICIENT_ATTENTION", "MATH"):
        told = [
            f"{score}: {weight_of_hidden(name, dtype, score, True)}"
            for score in (8, 1024, 8192, 16384, 32768, 65536, 131072)
        ]
        of_nothing = weight_of_hidden(name, dtype, 0, False)
        about = f"{str(dtype).removeprefix('torch.')}, {name or 'as it comes'}"
        print(f"{about}: the hidden key's weight, by its score: {', '.join(told)}")
        print(f"{about}: nothing is seen, both scores 0: {of_nothing}")
