"""Units as they are kept: one file each, under a key that holds all that its numbers depend on."""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from softmax_harness.ground.environment import environment
from softmax_harness.ground.errors import BadData
from softmax_harness.ground.files import replacing_file
from softmax_harness.studies.survey.planned import Setting

SCHEMA = 1
# What decides the numbers of a unit beside the library: what is asked, and how it is called. The
# truth and the metrics are held by their own tests, and the version of the package stands in a key.
_MEASURING = ("planned.py", "ways.py", "unit.py", "probed.py")


@dataclass(frozen=True)
class Key:
    """What a unit is of.

    Attributes
    ----------
    library, setting, operation, dtype : str
    """

    library: str
    setting: str
    operation: str
    dtype: str

    @property
    def file(self) -> str:
        """The name of its file."""
        told = "-".join(filter(None, (self.library, self.setting, self.operation, self.dtype)))
        return "".join(c if c.isalnum() or c in "-._=" else "_" for c in told) + ".json"


@cache
def versions() -> dict[str, str]:
    """The version of every package that is installed here."""
    found = importlib.metadata.distributions()
    return dict(sorted((each.metadata["Name"].lower(), each.version) for each in found))


def _code(modules: Iterable[str]) -> str:
    """A digest of what is asked and of the modules that are asked, without comments and layout."""
    own = [Path(__file__).with_name(name) for name in _MEASURING]
    theirs = [Path(str(sys.modules[name].__file__)) for name in sorted(set(modules))]
    digest = hashlib.sha256()
    for path in (*own, *theirs):
        digest.update(_without_words(path).encode())
    return digest.hexdigest()


def _without_words(path: Path) -> str:
    """A module as it is parsed, but for its docstrings."""
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value = ast.Constant(None)
    return ast.dump(tree)


def stamp(setting: Setting, modules: Iterable[str], card: Mapping[str, str] | None = None) -> str:
    """A digest of all that the numbers of a unit depend on, apart from what its key says.

    Parameters
    ----------
    setting : Setting
    modules : iterable of str
        The names of those in which what is measured is defined.
    card : mapping of str to str, optional
        What is known of the device.
    """
    here = environment() | {"packages": versions()}  # whichever of them it would tell by itself
    about = [SCHEMA, here, dict(setting.environment), _code(modules)]
    if card:
        about.append(dict(card))
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


def kept(folder: Path, key: Key, stamp: str) -> bool:
    """Whether the unit is there, measured with the same libraries on the same processor."""
    path = folder / key.file
    if not path.is_file():
        return False
    try:
        return bool(json.loads(path.read_text(encoding="utf-8"))["stamp"] == stamp)
    except (ValueError, KeyError, TypeError):
        return False


def keep(folder: Path, key: Key, stamp: str, content: Mapping[str, Any]) -> None:
    """Write a unit; the file is whole or not there."""
    text = json.dumps({"stamp": stamp, **vars(key), **content}, default=_plain)
    replacing_file(folder / key.file, text)


def _plain(value: Any) -> float | None:
    """A number of NumPy's as one of Python's, and pandas' missing one as None."""
    return None if value is pd.NA else float(value)


def all_kept(folder: Path) -> list[dict[str, Any]]:
    """Every unit in a folder, in the order of their names.

    Raises
    ------
    BadData
        If there are none.
    """
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise BadData(f"{folder}: no unit was measured there; run make survey")
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]
