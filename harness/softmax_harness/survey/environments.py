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

from softmax_harness.survey.measuring import OURS
from softmax_harness.survey.planned import setting_named, settings_of

# The libraries of each, by the names under which they are imported; the slowest begin first.
LIBRARIES = {
    "tensorflow": ("tensorflow",),
    "arrays": ("jax", "torch", "scipy", "onnxruntime", "sklearn", "numba", OURS),
    "paddle": ("paddle",),
    "openvino": ("openvino",),
}
_MODULE = "softmax_harness.survey.measuring"
_BAD_LINES = 12


@dataclass(frozen=True)
class Task:
    """A library in a setting, for a process of its own.

    Attributes
    ----------
    python : Path
        Of the environment.
    library, setting : str
    """

    python: Path
    library: str
    setting: str

    @property
    def name(self) -> str:
        """As it is told."""
        return " ".join(filter(None, (self.library, self.setting)))


def tasks(environments: Path, only: tuple[str, ...] = ()) -> list[Task]:
    """What there is to do, of some libraries alone where these are named."""
    return [
        Task(environments / group / "bin" / "python", library, setting.name)
        for group, libraries in LIBRARIES.items()
        for library in libraries
        if not only or library in only
        for setting in settings_of(library)
    ]


def done(todo: list[Task], units: Path, jobs: int) -> Iterator[tuple[Task, str]]:
    """Do all, some at a time; what failed of each task, empty where nothing did."""
    with ThreadPoolExecutor(jobs) as pool:
        yield from zip(todo, pool.map(lambda task: _done(task, units), todo), strict=True)


def _done(task: Task, units: Path) -> str:
    if not task.python.is_file():
        return f"there is no environment {task.python.parents[1]}; make survey makes it"
    command = [str(task.python), "-m", _MODULE, task.library, task.setting, str(units)]
    # From its start: NumPy, which is loaded before a library is, reads its own once.
    given = os.environ | setting_named(task.library, task.setting).environment
    ended = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False, env=given)
    if ended.returncode == 0:
        return ""
    told = ended.stderr.strip().splitlines()
    print("\n".join(told[-_BAD_LINES:]), file=sys.stderr)
    return told[-1] if told else f"it ended with exit code {ended.returncode}"
