"""PyTorch: float16 log_softmax of 70000 equal logits is -inf on the CPU, logsumexp is inf."""

import math

import torch

x = torch.zeros(70000, dtype=torch.float16)
log, lse, y = torch.log_softmax(x, 0)[0].item(), torch.logsumexp(x, 0).item(), torch.softmax(x, 0)
print(f"torch {torch.__version__}: log_softmax {log}, logsumexp {lse}, softmax {y[0].item():.4g}")
print(f"right is {-math.log(70000):.4f}, {math.log(70000):.4f} and {1 / 70000:.4g}")
