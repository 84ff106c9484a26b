"""The names that a folder of implementations declares, read from its source, nothing imported.

asv hands a benchmark its parameters by their index in the list. A list made from the installed
registry differs between two commits, and the same index then means two implementations. So the
list comes from the files of the checkout, which is one and the same for both.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from softmax_harness.ground.errors import BadFolder, BadImplementation
from softmax_harness.operations import DEFAULT_OPERATION

_DECORATOR = "implementation"
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
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Call) and _called_name(node.func) == _DECORATOR:
            yield _operation(node), _first_argument(node, path)


def _operation(call: ast.Call) -> str:
    given = [word.value for word in call.keywords if word.arg == "operation"]
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
