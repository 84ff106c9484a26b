"""Judges softmaxes: how wrong they are, where they overflow or underflow, how fast they are.

    import softmax_harness

    print(softmax_harness.score(y, x))
    print(softmax_harness.explain(2.0, 1.0, 0.1))
    print(softmax_harness.check(my_softmax))
    print(softmax_harness.run("max-shifted", dtypes="float32"))

Each does what the verb of that name does in the command, and gives back what can be printed, shown
in a notebook, and taken as a table. `softmax_harness.testing` is for tests. Nothing is loaded
before it is used.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from softmax_harness.api.checking import check
    from softmax_harness.api.explaining import explain
    from softmax_harness.api.running import run
    from softmax_harness.api.scoring import score

    __version__: str

__all__ = ["__version__", "check", "explain", "run", "score", "testing"]

_FUNCTIONS = {
    "check": "softmax_harness.api.checking",
    "explain": "softmax_harness.api.explaining",
    "run": "softmax_harness.api.running",
    "score": "softmax_harness.api.scoring",
}


class _Package(ModuleType):
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
        return sorted(__all__)


sys.modules[__name__].__class__ = _Package
