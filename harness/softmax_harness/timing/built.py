"""Where `softmax-harness bench` has built the revision that is timed."""

from __future__ import annotations

import importlib.machinery
import os
import sys
from pathlib import Path

from softmax_harness.ground.errors import BadFolder, HarnessError

FOLDER = "SOFTMAX_HARNESS_BUILT"
"""The environment variable that tells it to the processes that time."""


def built_file(name: str) -> str:
    """The path of a file of the revision that is timed, such as a library that its build made.

    Raises
    ------
    HarnessError
        Where nothing was built: it is known only to the processes of ``softmax-harness bench``.
    BadFolder
        Where this revision has no such file.
    """
    if FOLDER not in os.environ:
        raise HarnessError(
            f"built_file({name!r}) was called outside softmax-harness bench, which alone says "
            "where a revision was built"
        )
    folder = Path(os.environ[FOLDER])
    if not (folder / name).exists():
        there = ", ".join(sorted(each.name for each in folder.glob("[!.]*")))
        raise BadFolder(
            f"the build has left no {name!r} in its folder, which holds {there or 'nothing'}"
        )
    return str(folder / name)


def library_file(name: str) -> str:
    """The path of a shared library that is timed: of the build, installed with a package, or here.

    Parameters
    ----------
    name : str
        Such as ``build/libsoftmax.so``, or ``package/kernels.so`` of a package, whose build may
        have put the name of the Python that it is for before the suffix.

    Raises
    ------
    BadFolder
        Where there is none.
    """
    if FOLDER in os.environ:
        return built_file(name)
    stem = Path(name).with_suffix("")
    names = [name, *(f"{stem}{suffix}" for suffix in importlib.machinery.EXTENSION_SUFFIXES)]
    for folder in ("", *sys.path):
        for each in names:
            if (path := Path(folder, each)).is_file():
                return str(path)
    raise BadFolder(
        f"there is no {name!r}, neither here nor in an installed package: build it first, or name "
        "it as package/lib.so"
    )
