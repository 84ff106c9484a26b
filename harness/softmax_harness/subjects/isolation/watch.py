"""Watches the state of the process, which a call must leave unchanged."""

from __future__ import annotations

import builtins
import math
import operator
import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np

from softmax_harness.ground.errors import FloatingPointEnvironment
from softmax_harness.ground.floating_point import check_floating_point_environment

# By name and as they are now: submodules that come with their first use are no change.
_FUNCTIONS = {
    module: tuple(
        name
        for name, value in vars(module).items()
        if callable(value) and not isinstance(value, ModuleType)
    )
    for module in (np, math, builtins, np.linalg, np.random)
}


class _Functions(tuple[Any, ...]):
    """Equal where each is the same object; what stands in its place may compare as it likes."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Functions) and all(map(operator.is_, self, other))

    def __ne__(self, other: object) -> bool:
        return not self == other


def _functions() -> _Functions:
    """Every function that others may call.

    It is asked for twice at each request, and so goes through them in C: by `map`, and without
    `id`, of which each call is an audit event.
    """
    found: list[Any] = []
    for module, names in _FUNCTIONS.items():
        found.extend(map(vars(module).get, names))
    return _Functions(found)


def _names_of_functions() -> Iterator[str]:
    """Their names, in the same order."""
    for module, names in _FUNCTIONS.items():
        yield from (f"{module.__name__}.{name}" for name in names)


def _floating_point() -> str:
    try:
        check_floating_point_environment()
    except FloatingPointEnvironment as error:
        return str(error)
    return "as it should be"


def _random() -> tuple[Any, ...]:
    state: dict[str, Any] = dict(np.random.get_state(legacy=False))
    words = [
        each.tobytes() if isinstance(each, np.ndarray) else each
        for each in state.pop("state").values()
    ]
    return random.getstate(), words, state


def _working_folder() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:
        return "one that is gone"


State = dict[str, Any]
_MODULES = "the modules that are imported"
_OTHERS = "a function of another module"
_WATCHED: dict[str, Callable[[], Any]] = {
    "NumPy's handling of floating-point errors": np.geterr,
    _OTHERS: _functions,
    "the environment variables": lambda: dict(os.environ),
    "the working folder": _working_folder,
    "the floating-point environment": _floating_point,
    "the state of the random generators": _random,
    "the module search path": lambda: list(sys.path),
    "the filters of warnings": lambda: list(warnings.filters),
    "NumPy's print options": np.get_printoptions,
    "the recursion limit": sys.getrecursionlimit,
    _MODULES: lambda: len(sys.modules),
}
# A library may set up the rest when it is imported; these would change what others compute.
_AT_IMPORT = ("NumPy's handling of floating-point errors", _OTHERS)


def state() -> State:
    """All that is watched, as it is now."""
    return {name: look() for name, look in _WATCHED.items()}


def changes(before: State) -> list[str]:
    """A line for each change since `before`; fewer things count if modules were imported."""
    after = state()
    imported = before[_MODULES] != after[_MODULES]
    return [
        f"changed {name}{_difference(*(_named(name, each[name]) for each in (before, after)))}"
        for name in (_AT_IMPORT if imported else _WATCHED)
        if before[name] != after[name]
    ]


def _named(name: str, value: Any) -> Any:
    """What is watched, where its parts have names by these."""
    if name != _OTHERS:
        return value
    return dict(zip(_names_of_functions(), map(id, value), strict=True))


def _difference(before: Any, after: Any) -> str:
    if not isinstance(before, dict):
        return ""
    names = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return f": {', '.join(sorted(names)[:3])}"
