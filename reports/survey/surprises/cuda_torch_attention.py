"""PyTorch: how much each backend of attention errs on a GPU."""

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

BACKENDS = ("MATH", "FLASH_ATTENTION", "EFFICIENT_ATTENTION", "CUDNN_ATTENTION")
print(f"torch {torch.__version__} on {torch.cuda.get_device_name()}")
print("error beside that of rounding once, by root of mean squares, 2 x 8 heads of 1024 x 64")


def error(y, z):
    return float((y.double() - z).norm() / (z.to(y.dtype).double() - z).norm())


for dtype in (torch.float16, torch.bfloat16, torch.float32):
    for factor in (1, 8):
        own = torch.Generator("cuda").manual_seed(0)
        q, k, v = (torch.randn(2, 8, 1024, 64, device="cuda", generator=own) for _ in range(3))
        q, k, v = (q * factor).to(dtype), k.to(dtype), v.to(dtype)
        z = torch.softmax(q.double() @ k.double().mT / 8, -1) @ v.double()
        told = []
        for name in BACKENDS:
            try:
                with sdpa_kernel(getattr(SDPBackend, name)):
                    told.append(f"{name} {error(scaled_dot_product_attention(q, k, v), z):.3g}")
            except RuntimeError:
                told.append(f"{name} none")
        told.append(f"as it comes {error(scaled_dot_product_attention(q, k, v), z):.3g}")
        print(f"{str(dtype).removeprefix('torch.')}, q times {factor}: " + ", ".join(told))
