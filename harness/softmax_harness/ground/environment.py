"""What a run was made on: versions, processor, the instructions NumPy chose, and GPUs."""

from __future__ import annotations

import os
import platform
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

# What decides a result where it is there, as pip names it: what judges, then what is judged.
_PACKAGES = (
    *("softmax-harness", "numpy", "mpmath", "pandas", "scipy", "ml_dtypes"),
    *("torch", "triton", "jax", "jaxlib", "cupy-cuda12x", "cupy-cuda13x", "numba"),
    *("onnxruntime", "openvino", "paddlepaddle", "scikit-learn", "tensorflow"),
)
_DRIVER = Path("/dev/nvidiactl")
_GPUS = ("nvidia-smi", "--query-gpu=name,driver_version,compute_cap", "--format=csv,noheader")
_OF_A_GPU = ("device", "driver", "compute capability")


def environment() -> dict[str, Any]:
    """Versions of what computes, and of what it computes on; nothing that names the machine."""
    cards = [f"{card['device']}, driver {card['driver']}" for card in gpus()]
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": usable_cores(),
        "simd": _simd(),
        "packages": {name: version for name in _PACKAGES if (version := _version(name))},
    } | ({"GPUs": cards} if cards else {})


def usable_cores() -> int:
    """Cores that this process may use, which can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _version(package: str) -> str | None:
    import importlib.metadata  # which loads a parser of mail, for the one verb that asks

    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


@cache
def gpus() -> tuple[dict[str, str], ...]:
    """Device, driver, compute capability of NVIDIA's cards; none where its tool does not tell."""
    if not _DRIVER.exists():
        return ()
    try:
        told = subprocess.run(_GPUS, capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return ()
    cards = (map(str.strip, line.split(",")) for line in told.stdout.splitlines())
    return tuple(dict(zip(_OF_A_GPU, card, strict=True)) for card in cards)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _simd() -> list[str]:
    """The instruction sets found by NumPy beyond its baseline, which decide the bits of exp."""
    shown: Any = np.show_config(mode="dicts")
    found: list[str] = shown.get("SIMD Extensions", {}).get("found", [])
    return found
