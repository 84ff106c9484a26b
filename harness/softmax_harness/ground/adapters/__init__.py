"""Arrays that other libraries take: made of NumPy's, and these of them, bit for bit.

A library is one module of this package, under the name by which it is imported; it is found by its
place here. None of them is imported before one of its arrays is met or asked for.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from typing import Any

from softmax_harness.ground.adapters.adapter import Adapter
from softmax_harness.ground.errors import unknown

__all__ = ["ADAPTERS", "Adapter", "adapter_named", "adapter_of", "lost_device", "set_environment"]


def _found() -> dict[str, Adapter]:
    modules = sorted(module.name for module in pkgutil.iter_modules(__path__))
    found = {name: importlib.import_module(f"{__name__}.{name}") for name in modules}
    return {name: module for name, module in found.items() if hasattr(module, "ROOTS")}


ADAPTERS = _found()
"""The adapter of each library, by its name."""


def adapter_named(name: str) -> Adapter:
    """The adapter of the library of that name; `UnknownName` with the nearest one otherwise."""
    if name not in ADAPTERS:
        raise unknown("library of arrays", name, ADAPTERS)
    return ADAPTERS[name]


def adapter_of(array: Any) -> Adapter | None:
    """The adapter of the library whose array it is, or of a class made from that; None of others.

    It is told by the names of the classes, so that no library is imported for it.
    """
    roots = {each.__module__.partition(".")[0] for each in type(array).__mro__}
    return next((each for each in ADAPTERS.values() if roots.intersection(each.ROOTS)), None)


def lost_device(device: str | None = None) -> str:
    """Why a device that libraries of this process use computes nothing more; empty where all do."""
    loaded = (each for name, each in ADAPTERS.items() if name in sys.modules)
    return next((told for each in loaded if (told := each.lost(device))), "")


def set_environment() -> None:
    """Set for this process what libraries read when they are loaded, but what is set already."""
    for each in ADAPTERS.values():
        for name, value in each.ENVIRONMENT.items():
            os.environ.setdefault(name, value)
