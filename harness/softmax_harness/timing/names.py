"""The names that a folder of implementations declares, read from its source, nothing imported.

asv hands a benchmark its parameters by their index in the list. A list made from the installed
registry differs between two commits, and the same index then means two implementations. So the
list comes from the files of the checkout, which is one and the same for both.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

from softmax_harness.ground.errors import BadFolder, BadImplementation
from softmax_harness.operations import DEFAULT_OPERATION

_DECORATOR = "implementation"
_OPERATION = "operation"
_NOT_IMPLEMENTATIONS = ("__init__.py", "registry.py")


def declared_names(folder: Path, operation: str = DEFAULT_OPERATION) -> list[str]:
    """Every name that ``@implementation(...)`` gives in the files of `folder`, sorted.

    Raises
    ------
    BadFolder
        Where there is no such folder.
    BadImplementation
        Where a name is not written out as a string, so that no reader could tell it.
    """
    if not folder.is_dir():
        raise BadFolder(f"{folder} is no folder: expected one that holds implementations")
    files = sorted(path for path in folder.glob("*.py") if path.name not in _NOT_IMPLEMENTATIONS)
    return sorted(
        {name for path in files for what, name in _declared_in(path) if what == operation}
    )


def _declared_in(path: Path) -> Iterator[tuple[str, str]]:
    """Operation and name of each declaration."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    helpers = {each.name: each for each in tree.body if _passes_its_name_on(each)}
    within = {node for helper in helpers.values() for node in ast.walk(helper)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node not in within:
            called = _called_name(node.func)
            if called == _DECORATOR or called in helpers:
                yield _operation(node, helpers.get(called or "")), _first_argument(node, path)


def _passes_its_name_on(node: ast.stmt) -> TypeGuard[ast.FunctionDef]:
    """Whether it is a function that declares under the name that it is given first.

    A file that declares several of one kind has one: ``def declared(name, **more): return
    implementation(name, dtypes=DTYPES, **more)``. The names stand where it is called.
    """
    if not isinstance(node, ast.FunctionDef) or not node.args.args:
        return False
    first = node.args.args[0].arg
    calls = (each.value for each in node.body if isinstance(each, ast.Return))
    return any(
        isinstance(call, ast.Call)
        and _called_name(call.func) == _DECORATOR
        and bool(call.args)
        and isinstance(call.args[0], ast.Name)
        and call.args[0].id == first
        for call in calls
    )


def _operation(call: ast.Call, helper: ast.FunctionDef | None) -> str:
    """The operation that a call names, in the place that a helper has for it or by its keyword."""
    places = [] if helper is None else [each.arg for each in helper.args.args]
    given = [value for place, value in zip(places, call.args, strict=False) if place == _OPERATION]
    given += [word.value for word in call.keywords if word.arg == _OPERATION]
    if given and isinstance(given[0], ast.Constant):
        return str(given[0].value)
    return DEFAULT_OPERATION


def _called_name(function: ast.expr) -> str | None:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else None


def _first_argument(call: ast.Call, path: Path) -> str:
    given = [*call.args[:1], *(word.value for word in call.keywords if word.arg == "name")]
    if given and isinstance(given[0], ast.Constant) and isinstance(given[0].value, str):
        return given[0].value
    raise BadImplementation(
        f"{path}:{call.lineno}: the name of an implementation is computed: write it out as a "
        "string, since the benchmarks read it without running the file"
    )
