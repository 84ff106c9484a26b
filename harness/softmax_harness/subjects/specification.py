"""The ways to name an implementation, and how the function of a name is found.

A registered name; ``package.module:function``; ``path/to/file.py:function``;
``path/to/lib.so:symbol``; an entry point of the group ``softmax_harness.implementations``.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from softmax_harness.ground.errors import BadImplementation, unknown
from softmax_harness.subjects.native.library import (
    FORM,
    check_symbol,
    is_library,
    names_symbol,
)

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "softmax_harness.implementations"
_REGISTRY = "softmax_implementations"
_OF_OTHER_NAMES = frozenset(":/")  # of functions and files, and of what is registered


@cache
def entry_points() -> dict[str, EntryPoint]:
    """The entry points that other distributions offer, by name.

    Looked up once: it reads a file of every installed package, and a run asks for every block.
    """
    import importlib.metadata  # by which a process that only calls is not to be delayed

    return {each.name: each for each in importlib.metadata.entry_points(group=GROUP)}


def _entry_point(name: str) -> EntryPoint | None:
    """The entry point of that name; of most names one can see that they are none of one."""
    return None if _OF_OTHER_NAMES.intersection(name) else entry_points().get(name)


def resolved(name: str) -> str:
    """What a name stands for: the function of an entry point, or itself."""
    found = _entry_point(name)
    return name if found is None else found.value


def is_foreign(name: str) -> bool:
    """Whether a name means a function outside of the registry."""
    is_of_file = name.endswith(".py") or is_library(name)
    return ":" in name or is_of_file or _entry_point(name) is not None


def loaded_as(name: str, operation: str) -> str:
    """The name by which a process finds an implementation: ``gradient/wide`` if registered."""
    return name if is_foreign(name) else f"{operation}/{name}"


def package_of(name: str) -> str:
    """The package that a name is of; the name of a file where it is of a file."""
    if not is_foreign(name):
        return _REGISTRY
    place = resolved(name).rpartition(":")[0]
    is_file = place.endswith(".py") or is_library(place)
    return Path(place).stem if is_file else place.partition(".")[0]


def simplest(name: str) -> str:
    """The name as it is kept and compared: ``./kernel.py:softmax`` is ``kernel.py:softmax``.

    So is the file under its whole path, if it lies in the working folder.
    """
    place, _, function = name.rpartition(":")
    if not (place.endswith(".py") or is_library(place)):
        return name
    path, here = Path(place), Path.cwd()
    inside = path.relative_to(here) if path.is_relative_to(here) else path
    return f"{inside.as_posix()}:{function}"


def check_form(name: str) -> None:
    """Refuse what cannot name a function, before any process is started for it.

    A name with a line break or the like would write lines of its own among the verdicts.
    """
    if not name.isprintable():
        raise BadImplementation(f"{name!r}: expected a name without line breaks and the like")
    if _entry_point(name) is not None:
        return
    place, _, function = name.rpartition(":")
    if name.endswith(".py") or is_library(name):
        raise BadImplementation(f"{name!r} names no function: expected {name}:FUNCTION")
    if names_symbol(name):
        check_symbol(name)
    elif not place or not all(part.isidentifier() for part in function.split(".")):
        raise BadImplementation(
            f"{name!r} names no function: expected package.module:function, "
            f"path/to/file.py:function or {FORM}"
        )
    elif place.endswith(".py") and not Path(place).is_file():
        raise BadImplementation(f"{place}: no such file; expected path/to/file.py:function")


def loaded(name: str) -> Callable[..., Any]:
    """The function of that name, its module executed here.

    Raises
    ------
    BadImplementation
        If there is no such module or function.
    """
    _working_folder_last()
    place, _, attribute = resolved(name).rpartition(":")
    module = _from_file(Path(place)) if place.endswith(".py") else _from_name(place)
    found: Any = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            functions = sorted(_functions(module)) or ["a file that defines a function"]
            raise BadImplementation(str(unknown(f"function of {place}", attribute, functions)))
        found = getattr(found, part)
    if isinstance(found, type):
        raise BadImplementation(f"{name} is a class; expected a function, or an instance of it")
    if not callable(found):
        raise BadImplementation(f"{name} is a {type(found).__name__}, not a function")
    return found  # type: ignore[no-any-return]


def remedy(name: str, package: str) -> str:
    """What to do about a package that the module of that name lacks."""
    place = name.rpartition(":")[0]
    folder = Path(place).parent
    if place.endswith(".py") and (
        (folder / package).is_dir() or (folder / f"{package}.py").exists()
    ):
        return (
            f", which lies beside {Path(place).name}, but the folder of a checked file is not "
            f"searched: run the command in {folder}, or with PYTHONPATH={folder}"
        )
    return f": pip install {package}"


def _functions(module: ModuleType) -> list[str]:
    """What is not private: functions and classes of its own, and objects that can be called."""
    return [
        name
        for name, value in vars(module).items()
        if callable(value)
        and not name.startswith("_")
        and (getattr(value, "__module__", None) == module.__name__ or _is_made_here(value))
    ]


def _is_made_here(value: Any) -> bool:
    """Whether it is an object that can be called, and no function that was imported."""
    return not inspect.isroutine(value) and type(value).__module__ != "numpy"


def _working_folder_last() -> None:
    """So that nothing that lies there hides an installed package."""
    here = os.getcwd()
    sys.path[:] = [each for each in sys.path if each not in ("", here)] + [here]


def _from_file(path: Path) -> ModuleType:
    name = f"implementation_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise BadImplementation(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _from_name(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise BadImplementation(
            f"there is no module {error.name!r} here; expected an installed package, or one in the "
            f"working folder"
        ) from None
