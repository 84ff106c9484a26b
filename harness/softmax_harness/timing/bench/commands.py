"""How a revision is built: by pip into its environment, or by commands in its own folder."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

PACKAGED = ("pyproject.toml", "setup.py")
_OTHERS = {
    "Makefile": ("make",),
    "makefile": ("make",),
    "GNUmakefile": ("make",),
    "CMakeLists.txt": ("cmake -S . -B build -DCMAKE_BUILD_TYPE=Release", "cmake --build build"),
}


def guessed(folder: Path) -> tuple[str, ...]:
    """The commands that build what is in `folder`, by the files there; none for what pip builds."""
    if any((folder / name).is_file() for name in PACKAGED):
        return ()
    for name, commands in _OTHERS.items():
        if (folder / name).is_file():
            return commands
    return ()


def of_shell(command: str) -> str:
    """A command for asv that gives a line to the shell; asv itself knows neither ``&&`` nor ``$``.

    asv puts values in place of what stands in braces; doubled ones are left alone.
    """
    line = command.replace("{", "{{").replace("}", "}}")
    shell = ("cmd", "/c") if os.name == "nt" else ("sh", "-c")
    return shlex.join([*shell, line])


def build_by(config: Any, command: str) -> None:
    """Let asv's configuration build by a line of the shell, whatever it said before."""
    config.build_command = [of_shell(command)]
    config.install_command = config.uninstall_command = []


def stays_in_its_folder(config: Any) -> bool:
    """Whether a revision is used where it was built, and not installed into its environment."""
    return bool(config.install_command == [])


def advice(folder: Path) -> str:
    """What to do where pip was to build what it cannot."""
    if any((folder / name).is_file() for name in PACKAGED):
        return ""
    build = " && ".join(guessed(folder)) or "COMMAND"
    return (
        f"; it has no {' and no '.join(PACKAGED)}, which pip needs: to build it otherwise, say "
        f"how, such as --build {shlex.quote(build)}"
    )
