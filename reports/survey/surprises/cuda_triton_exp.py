"""Triton: tl.exp of float32 errs the more the larger its argument is."""

import mpmath
import numpy as np
import torch
import triton
import triton.language as tl


@triton.jit
def exp(x, y, n, block: tl.constexpr):
    at = tl.program_id(0) * block + tl.arange(0, block)
    tl.store(y + at, tl.exp(tl.load(x + at, mask=at < n)), mask=at < n)


def ulps(x, y):
    z = mpmath.exp(mpmath.mpf(x))
    return float(abs(mpmath.mpf(y) - z) / mpmath.mpf(float(np.spacing(np.float32(z)))))


print(f"triton {triton.__version__}, torch {torch.__version__}")
for top in (-1.0, -10.0, -40.0, -80.0):
    x = torch.linspace(top, top * 1.05, 1000, device="cuda")
    y = torch.empty_like(x)
    exp[(1,)](x, y, 1000, 1024)
    own = max(map(ulps, x.tolist(), y.tolist()))
    other = max(map(ulps, x.tolist(), torch.exp(x).tolist()))
    print(f"exp from {top} to {1.05 * top}: tl.exp errs {own:.1f} ulp, torch.exp {other:.1f}")
