"""The softmaxes of this package, read from their files: what each computes, and its fault.

A function is public if its name does not begin with an underscore. Its docstring says on lines of
their own in which formats it is meant (``dtypes: float16``), as what kinds of finding its fault
shows (``Found as: inaccurate, nan.``), and to what standard a right one is held.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import softmax_faults.operations
import softmax_faults.softmax
from softmax_faults.labels import listed

_STEPS = "good"  # what the softmaxes share
_RIGHT = "right"  # the file of right softmaxes, and how names of right functions begin


@dataclass(frozen=True)
class Specimen:
    """A softmax, or another operation, of which it is known whether it is right.

    Attributes
    ----------
    name : str
    operation : str
    function : callable
        ``f(x, *operands, axis=-1)``, as any implementation is called.
    is_right : bool
    """

    name: str
    operation: str
    function: Callable[..., Any]
    is_right: bool

    @property
    def summary(self) -> str:
        """The first line of its docstring: what it does, or what is wrong with it."""
        return (self.function.__doc__ or "").strip().split("\n")[0]

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The formats in which it is meant; empty for any."""
        return listed("dtypes", self.function.__doc__)

    @property
    def kinds(self) -> tuple[str, ...]:
        """As what kinds of finding its fault shows; empty where that is not told."""
        return listed("Found as", self.function.__doc__)


def specimens(operation: str) -> list[Specimen]:
    """All of an operation, in the order of their files."""
    return [each for module in _modules(operation) for each in _of(module, operation)]


def _modules(operation: str) -> Iterator[ModuleType]:
    if operation == "softmax":
        names = (each.name for each in pkgutil.iter_modules(softmax_faults.softmax.__path__))
        package = softmax_faults.softmax.__name__
        yield from (
            importlib.import_module(f"{package}.{name}") for name in names if name != _STEPS
        )
        return
    package = softmax_faults.operations.__name__
    there = {each.name for each in pkgutil.iter_modules(softmax_faults.operations.__path__)}
    for name in (operation, f"{operation}_{_RIGHT}"):
        if name in there:
            yield importlib.import_module(f"{package}.{name}")


def _of(module: ModuleType, operation: str) -> Iterator[Specimen]:
    own = module.__name__.rpartition(".")[2]
    all_right = own == _RIGHT or own.endswith(f"_{_RIGHT}")
    for name, function in vars(module).items():
        if not inspect.isfunction(function) or function.__module__ != module.__name__:
            continue
        if not name.startswith("_"):
            yield Specimen(name, operation, function, all_right or name.startswith(_RIGHT))
