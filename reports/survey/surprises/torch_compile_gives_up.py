"""PyTorch: what torch.compile made is called no more after eight kinds of calls; a log says so."""

import logging

import torch
from torch._dynamo.utils import counters

logging.disable(logging.WARNING)
softmax = torch.compile(torch.softmax, dynamic=True)
print(f"torch {torch.__version__}, recompile_limit {torch._dynamo.config.recompile_limit}")
for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
    for shape, axis in (((4, 9), 1), ((9, 4), 0), ((4, 9, 2), 1), ((1, 9), 1), ((9,), 0)):
        softmax(torch.ones(shape, dtype=dtype), axis)
    name = str(dtype).removeprefix("torch.")
    print(f"after 5 kinds of calls more, in {name}: {counters['stats']['unique_graphs']} compiled")
