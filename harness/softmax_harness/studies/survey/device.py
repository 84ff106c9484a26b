"""What is known of the device on which a library computes, and how the library is set there.

A library tells of itself in a process of its own: the one that asks computes the truth.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

from softmax_harness.ground.environment import gpus
from softmax_harness.ground.errors import HarnessError
from softmax_harness.studies.survey.planned import Setting, settings_of

_MODULE = "softmax_harness.studies.survey.device"
# Kernels are compiled in the process that calls them; JAX leaves memory to others.
_SET = {
    "OMP_NUM_THREADS": "1",
    "TORCHINDUCTOR_COMPILE_THREADS": "1",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
}
_SECONDS = 300


def settings_on(device: str, library: str) -> tuple[Setting, ...]:
    """Those of a library on the processor; on a device the default alone.

    What else can be set there is set by an implementation, for itself.
    """
    return (Setting("", _SET),) if device else settings_of(library)


def setting_named(library: str, name: str, device: str) -> Setting:
    """The setting of that name."""
    return next(each for each in settings_on(device, library) if each.name == name)


def card(device: str) -> dict[str, str]:
    """Device, driver and compute capability of the first card; empty for the processor.

    Raises
    ------
    HarnessError
        If a device is asked for where NVIDIA's driver tells of none.
    """
    if not device:
        return {}
    if not gpus():
        raise HarnessError(
            f"--device {device}: nvidia-smi tells of no card here; run it where it does"
        )
    return gpus()[0]


@cache
def facts(library: str, device: str) -> dict[str, str]:
    """The card, and what a library says of itself there; empty for the processor."""
    if not device:
        return {}
    command = [sys.executable, "-m", _MODULE, library]
    asked = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_SECONDS)
    own: dict[str, str] = json.loads(asked.stdout.splitlines()[-1])
    return card(device) | own


def _torch() -> dict[str, Any]:
    import torch

    backends = torch.backends
    return {
        "CUDA": torch.version.cuda,
        "cuDNN": backends.cudnn.version(),
        "torch.backends.cuda.matmul.allow_tf32": backends.cuda.matmul.allow_tf32,
        "torch.backends.cudnn.allow_tf32": backends.cudnn.allow_tf32,
        "float32_matmul_precision": torch.get_float32_matmul_precision(),
        "flash attention": backends.cuda.flash_sdp_enabled(),
        "memory-efficient attention": backends.cuda.mem_efficient_sdp_enabled(),
        "cuDNN attention": backends.cuda.cudnn_sdp_enabled(),
        "math attention": backends.cuda.math_sdp_enabled(),
        "16-bit sums in math attention": backends.cuda.fp16_bf16_reduction_math_sdp_allowed(),
    }


def _triton() -> dict[str, Any]:
    import torch
    import triton

    target = triton.runtime.driver.active.get_current_target()
    return {"torch beside it": torch.__version__, "CUDA": torch.version.cuda, "target": target}


def _jax() -> dict[str, Any]:
    import jax

    return {
        "platform": jax.devices("cuda")[0].client.platform_version.replace("\n", " "),
        "jax_default_matmul_precision": jax.config.jax_default_matmul_precision,
        "jaxlib": __import__("jaxlib").__version__,
    }


def _cupy() -> dict[str, Any]:
    import cupy

    used = cupy._core.get_reduction_accelerators()
    return {"CUDA": cupy.cuda.runtime.runtimeGetVersion(), "reduction accelerators": used}


_OF: dict[str, Callable[[], dict[str, Any]]] = {
    "torch": _torch,
    "triton": _triton,
    "jax": _jax,
    "cupy": _cupy,
}

if __name__ == "__main__":
    print(json.dumps({name: str(value) for name, value in _OF[sys.argv[1]]().items()}))
