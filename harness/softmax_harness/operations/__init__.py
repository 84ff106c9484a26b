"""The operations that can be judged: a file here with `OPERATION` is found by its place."""

import importlib
import pkgutil
from functools import lru_cache

from softmax_harness.ground.errors import unknown
from softmax_harness.operations.enclosure import Enclosure
from softmax_harness.operations.operand import (
    Arrangement,
    Edge,
    Inputs,
    Operand,
    Operands,
    WholeCall,
    joined,
    some_rows,
    taken,
    widened,
    with_classes,
)
from softmax_harness.operations.operation import (
    ANYTHING,
    INFINITY_OR_NAN,
    ZERO_OR_NAN,
    Choice,
    Fit,
    Operation,
    Policy,
    as_numbers,
    asked_text,
    is_tolerant,
)
from softmax_harness.operations.problem import Problem

__all__ = [
    "ANYTHING",
    "INFINITY_OR_NAN",
    "DEFAULT_OPERATION",
    "OPERATIONS",
    "ZERO_OR_NAN",
    "Arrangement",
    "Choice",
    "Edge",
    "Enclosure",
    "Fit",
    "Inputs",
    "Operand",
    "Operands",
    "Operation",
    "Policy",
    "Problem",
    "WholeCall",
    "as_numbers",
    "asked_text",
    "is_tolerant",
    "joined",
    "operation_named",
    "parted",
    "qualified",
    "some_rows",
    "taken",
    "widened",
    "with_classes",
]

# What the operations are made of; these need not be loaded to see that they define none.
_OTHER = (
    "balls",
    "bounds",
    "elementary",
    "enclosure",
    "flushing",
    "long_sums",
    "operand",
    "operation",
    "problem",
    "relative_exp",
    "rows",
    "screen",
    "standards",
    "steps",
    "truth",
)


def _found() -> dict[str, Operation]:
    """softmax, then the others in alphabetical order."""
    names = sorted(each.name for each in pkgutil.iter_modules(__path__) if each.name not in _OTHER)
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    found = [each.OPERATION for each in modules if hasattr(each, "OPERATION")]
    return {each.name: each for each in sorted(found, key=lambda each: each.name != "softmax")}


OPERATIONS = _found()
# What is computed where nothing else is said.
DEFAULT_OPERATION = next(iter(OPERATIONS))


def qualified(operation: str, name: str) -> str:
    """An implementation where those of several operations stand together: ``logsumexp/naive``.

    Of `DEFAULT_OPERATION` the name alone.
    """
    return name if operation == DEFAULT_OPERATION else f"{operation}/{name}"


def parted(name: str) -> tuple[str, str]:
    """The operation, and the name that an implementation has among those of it; see `qualified`.

    The path of a file is none of an operation's, wherever it begins.
    """
    operation, _, own = name.partition("/")
    if own and operation in OPERATIONS and ":" not in own:
        return operation, own
    return DEFAULT_OPERATION, name


def operation_named(name: str, fit: Fit = ()) -> Operation:
    """The operation of that name; `UnknownName` with the nearest one otherwise.

    Parameters
    ----------
    fit : tuple of (str, int)
        As `Operation.fitting` takes it.
    """
    if name not in OPERATIONS:
        raise unknown("operation", name, OPERATIONS)
    return _fitting(name, fit) if fit else OPERATIONS[name]


@lru_cache(maxsize=64)  # so that what is asked of one again is known to be the same
def _fitting(name: str, fit: Fit) -> Operation:
    return OPERATIONS[name].fitting(fit)
