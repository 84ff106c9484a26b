"""PyTorch: torch.compile answers nonsense with what it keeps of another ATEN_CPU_CAPABILITY."""

import os
import subprocess
import sys
import tempfile
from importlib.metadata import version

CODE = """
import torch
f = torch.compile(torch.softmax, dynamic=True)
torch.manual_seed(0)
sums = f(torch.randn(3, 1003), -1).sum(-1)
print(torch.backends.cpu.get_cpu_capability(), "sums of rows:", sums.tolist())
"""
print("torch", version("torch"))
for capabilities in (("avx2",), ("avx512", "avx2")):
    with tempfile.TemporaryDirectory() as cache:
        for name in capabilities:
            given = {"ATEN_CPU_CAPABILITY": name, "TORCHINDUCTOR_CACHE_DIR": cache}
            subprocess.run([sys.executable, "-c", CODE], env=os.environ | given, check=True)
