"""What a run was made on: versions, processor, and the instructions NumPy chose."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import numpy as np

_PACKAGES = ("softmax-harness", "numpy", "mpmath", "pandas", "scipy", "ml_dtypes")


def environment() -> dict[str, Any]:
    """Versions of what computes, and of what it computes on; nothing that names the machine."""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": usable_cores(),
        "simd": _simd(),
        "packages": {name: version for name in _PACKAGES if (version := _version(name))},
    }


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
