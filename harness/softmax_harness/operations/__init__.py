"""The mathematical operations that can be judged: a file here with `OPERATION` is found by its place."""

import importlib
import pkgutil

from softmax_harness.operations.operation import Enclosure, Operands, Operation, Policy

__all__ = ["OPERATIONS", "Enclosure", "Operands", "Operation", "Policy"]

_OTHER = ("balls", "bounds", "operation", "rows")


def _found() -> dict[str, Operation]:
    """softmax, then the others in alphabetical order."""
    names = sorted(each.name for each in pkgutil.iter_modules(__path__) if each.name not in _OTHER)
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    found = [each.OPERATION for each in modules if hasattr(each, "OPERATION")]
    return {each.name: each for each in sorted(found, key=lambda each: each.name != "softmax")}


OPERATIONS = _found()
