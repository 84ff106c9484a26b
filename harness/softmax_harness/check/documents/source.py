"""Where the function of a name is written, read from its file alone: nothing of it is executed."""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path
from typing import NamedTuple

from softmax_harness.subjects.specification import resolved

_Defined = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Place(NamedTuple):
    """A line of a file.

    Attributes
    ----------
    file : str
        From the root of its repository, with slashes.
    line : int
    """

    file: str
    line: int


def place_of(name: str) -> Place | None:
    """Where the function of a name is defined; None where that is no file of this repository."""
    module, _, attribute = resolved(name).rpartition(":")
    path = Path(module) if module.endswith(".py") else _file_of(module)
    if path is None or not path.is_file():
        return None
    path = path.resolve()
    root = _root_of(path)
    if not path.is_relative_to(root):
        return None
    return Place(path.relative_to(root).as_posix(), _line_in(path, attribute))


def _file_of(module: str) -> Path | None:
    """The file of a module, by name; packages are not imported to find it."""
    if not module:
        return None
    parts = module.split(".")
    for folder in (*sys.path, os.getcwd()):
        place = Path(folder, *parts)
        for path in (place.with_name(f"{parts[-1]}.py"), place / "__init__.py"):
            if path.is_file():
                return path
    return None


def _root_of(path: Path) -> Path:
    """The root of the repository that a file is in.

    Of files that were checked out without git, as GitHub's runner names it, or else the working
    folder.
    """
    roots = (each for each in path.parents if (each / ".git").exists())
    return next(roots, Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd()).resolve())


def _line_in(path: Path, attribute: str) -> int:
    """The line where a name is defined; the first one where it cannot be told."""
    try:
        body = ast.parse(path.read_bytes()).body
    except SyntaxError as error:
        return error.lineno or 1
    except (OSError, ValueError, RecursionError, MemoryError):
        return 1
    line = 1
    for part in attribute.split("."):
        found = [each for each in body if part in _names_of(each)]
        if not found:
            break
        line = found[-1].lineno  # the last definition counts
        body = found[-1].body if isinstance(found[-1], ast.ClassDef) else []
    return line


def _names_of(statement: ast.stmt) -> list[str]:
    """What a statement defines, assigns or imports."""
    if isinstance(statement, _Defined):
        return [statement.name]
    if isinstance(statement, ast.Assign):
        return [each.id for each in statement.targets if isinstance(each, ast.Name)]
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return [statement.target.id]
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return [each.asname or each.name for each in statement.names]
    return []
