"""PyTorch: float32 softmax errs 200 times as much along the first axis as along the last."""

import mpmath
import numpy as np
import torch

x = torch.full((4096, 2), -(2.0**-13))
x[0] = 0
with mpmath.workdps(50):
    z = 1 / (1 + 4095 * mpmath.exp(mpmath.mpf(x[1, 0].item())))
first, last = torch.softmax(x, 0)[0, 0], torch.softmax(x.T.contiguous(), 1)[0, 0]


def ulps(y):
    return float(abs(mpmath.mpf(y.item()) - z) / mpmath.mpf(float(np.spacing(np.float32(y)))))


print(f"torch {torch.__version__}")
print(f"float32: y[0] errs {ulps(first):.1f} ulp along axis 0, {ulps(last):.1f} along axis 1")
half = torch.linspace(-8, 0, 4096, dtype=torch.float16)[:, None].repeat(1, 2)
first, last = torch.softmax(half, 0)[:, 0], torch.softmax(half.T.contiguous(), 1)[0]
print(f"float16: {(first != last).sum().item()} of 4096 results differ between the axes")
