"""The environments of the survey: libraries that cannot be installed together have one each.

An environment is a folder of ``--environments`` made from ``requirements/survey/NAME.txt``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from softmax_harness.operations import OPERATIONS
from softmax_harness.studies.survey.device import setting_named, settings_on
from softmax_harness.studies.survey.measuring import OURS, is_of
from softmax_harness.subjects.catalogue import catalogue

# The libraries of each, by the names under which they are imported; the slowest begin first.
LIBRARIES: dict[str, tuple[str, ...]] = {
    "tensorflow": ("tensorflow",),
    "arrays": ("jax", "torch", "scipy", "onnxruntime", "sklearn", "numba", OURS),
    "paddle": ("paddle",),
    "openvino": ("openvino",),
}
# Those that have implementations on a device, by its kind.
ON_DEVICE: dict[str, dict[str, tuple[str, ...]]] = {
    "cuda": {"cuda": ("torch", "triton", "jax", "cupy")}
}
_MODULE = "softmax_harness.studies.survey.measuring"
_BAD_LINES = 12
# Where torch.compile keeps what it made. It finds there what was made for another instruction set
# (ATEN_CPU_CAPABILITY), and computes nonsense with it: torch_compile_other_cpu.py.
_COMPILED = "TORCHINDUCTOR_CACHE_DIR"


@dataclass(frozen=True)
class Task:
    """A library in a setting, for a process of its own.

    Attributes
    ----------
    python : Path
        Of the environment.
    library, setting : str
    device : str
        Its kind, such as ``cuda``; empty for the processor.
    operation : str
        The only one that is measured; empty for all.
    """

    python: Path
    library: str
    setting: str
    device: str = ""
    operation: str = ""

    @property
    def name(self) -> str:
        """As it is told."""
        return " ".join(filter(None, (self.library, self.setting, self.operation)))


def tasks(environments: Path, only: tuple[str, ...] = (), device: str = "") -> list[Task]:
    """What there is to do, of some libraries alone where these are named.

    On a device each operation is a task of its own: the machine has cores for many.
    """
    return [
        Task(environments / group / "bin" / "python", library, setting.name, device, operation)
        for group, libraries in (ON_DEVICE[device] if device else LIBRARIES).items()
        for library in libraries
        if not only or library in only
        for setting in settings_on(device, library)
        for operation in (_measured(library, device) if device else ("",))
    ]


def _measured(library: str, device: str) -> list[str]:
    """The operations of which a library has implementations on a device."""
    return [
        name
        for name in OPERATIONS
        if any(is_of(each, library, device) for each in catalogue(name).values())
    ]


def done(todo: list[Task], units: Path, jobs: int) -> Iterator[tuple[Task, str]]:
    """Do all, some at a time; what failed of each task, empty where nothing did."""
    with ThreadPoolExecutor(jobs) as pool:
        yield from zip(todo, pool.map(lambda task: _done(task, units), todo), strict=True)


def _done(task: Task, units: Path) -> str:
    if not task.python.is_file():
        return f"there is no environment {task.python.parents[1]}; make survey makes it"
    about = [task.library, task.setting, str(units), task.device, task.operation]
    command = [str(task.python), "-m", _MODULE, *about]
    # From its start: NumPy, which is loaded before a library is, reads its own once.
    given = os.environ | setting_named(task.library, task.setting, task.device).environment
    with TemporaryDirectory() as own:
        given[_COMPILED] = own
        ended = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False, env=given)
    if ended.returncode == 0:
        return ""
    told = ended.stderr.strip().splitlines()
    print("\n".join(told[-_BAD_LINES:]), file=sys.stderr)
    return told[-1] if told else f"it ended with exit code {ended.returncode}"
