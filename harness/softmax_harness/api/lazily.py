"""The package as a module that loads its functions when they are first asked for."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

_FUNCTIONS = {
    "check": "softmax_harness.api.checking",
    "explain": "softmax_harness.api.explaining",
    "run": "softmax_harness.api.running",
    "score": "softmax_harness.api.scoring",
}


class Package(ModuleType):
    """Packages inside have the names of the functions: what is asked for here is the function.

    An import of ``softmax_harness.score.pair`` would bind the package ``score`` here. It is found
    without that.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _FUNCTIONS and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        if name in _FUNCTIONS:
            value = getattr(importlib.import_module(_FUNCTIONS[name]), name)
        elif name == "testing":
            value = importlib.import_module("softmax_harness.testing")
        elif name == "__version__":
            from importlib.metadata import version

            value = version("softmax-harness")
        else:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        setattr(self, name, value)
        return value

    def __dir__(self) -> list[str]:
        return sorted(self.__all__)
