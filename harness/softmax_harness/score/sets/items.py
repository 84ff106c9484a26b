"""What the manifest of a set says: each item is the inputs of one recipe."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from softmax_harness.ground.arrays import in_file
from softmax_harness.ground.errors import BadFolder, HarnessError
from softmax_harness.ground.formats import FORMATS
from softmax_harness.ground.manifest import MANIFEST, kind_of
from softmax_harness.ground.text import printable
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.operations import Operation, operation_named
from softmax_harness.run.job import NamedRecipe

SCHEMA = 2
INDEX = "index.txt"
FOREIGN = re.compile(r"[^\w.+-]")  # characters that stand in no name of an item
_NAME = re.compile(r"[\w.+-]+(:[\w.+-]+)?")  # of a file, and of an array in it


@dataclass(frozen=True)
class Argument:
    """An argument of a call.

    Attributes
    ----------
    file : str
        In the folder of the set; ``m.safetensors:x`` is an array in a file.
    dtype : str
    shape : tuple of int
    sha256 : str
        Of its numbers, see `softmax_harness.ground.arrays.digest`.
    """

    file: str
    dtype: str
    shape: tuple[int, ...]
    sha256: str


@dataclass(frozen=True)
class Item:
    """The inputs of one recipe, and what is to come back.

    Attributes
    ----------
    name : str
        Of the outputs: the name of their file but for its ending, or of their array in a file.
    operation, family, dtype : str
    n, rows, seed, axis : int
    arguments : dict of str to Argument
        By name, in the order of a call.
    shape : tuple of int
        Of the outputs.
    """

    name: str
    operation: str
    family: str
    dtype: str
    n: int
    rows: int
    seed: int
    axis: int
    arguments: Mapping[str, Argument]
    shape: tuple[int, ...]

    @cached_property
    def recipe(self) -> Recipe:
        """By which the inputs are made again, bit for bit; `BadData` if a family's file is gone."""
        return NamedRecipe(self.family, self.dtype, self.n, self.rows, self.seed).recipe

    @property
    def about(self) -> Operation:
        """What is computed of them."""
        return operation_named(self.operation)

    def document(self) -> dict[str, Any]:
        """As the manifest has it."""
        return asdict(self)


@dataclass(frozen=True)
class InputSet:
    """A folder of inputs.

    Attributes
    ----------
    folder : Path
    items : tuple of Item
    options : dict
        What was asked for: suite, seed, operation, families.
    """

    folder: Path
    items: tuple[Item, ...]
    options: Mapping[str, Any]

    @property
    def operation(self) -> str:
        """What is computed of all items."""
        return self.items[0].operation

    @property
    def seed(self) -> int:
        """Of all items."""
        return self.items[0].seed

    @property
    def files(self) -> list[Path]:
        """The files that are there."""
        arguments = (each for item in self.items for each in item.arguments.values())
        paths = (in_file(self.folder / each.file)[0] for each in arguments)
        return [self.folder / MANIFEST, *dict.fromkeys(paths)]

    @property
    def dtypes(self) -> list[str]:
        """The formats of the inputs, in their order."""
        return list(dict.fromkeys(each.dtype for each in self.items))

    def of(self, dtype: str) -> list[Item]:
        """The items in one format."""
        return [each for each in self.items if each.dtype == dtype]


def read_set(folder: Path) -> InputSet:
    """The set in a folder.

    Raises
    ------
    BadFolder
        If there is none, or one that another version wrote, or its manifest names files elsewhere.
    """
    told = f"{folder}: expected a folder that softmax-harness inputs wrote"
    if kind_of(folder) != "inputs":
        raise BadFolder(told)
    document = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    if document["schema"] != SCHEMA:
        raise BadFolder(f"{told}, of schema {SCHEMA}, not {document['schema']!r}: write it again")
    try:
        items = tuple(map(_item, document["inputs"]))
        _check(items)
        return InputSet(folder, items, dict(document["options"]))
    except (TypeError, KeyError, ValueError, AttributeError, HarnessError) as error:
        reason = printable(" ".join(str(error).split()))
        raise BadFolder(
            f"{told}; its {MANIFEST} does not say what the files are ({type(error).__name__}: "
            f"{reason})"
        ) from None


def _item(document: dict[str, Any]) -> Item:
    arguments = {
        name: Argument(**(each | {"shape": _shape(each["shape"])}))
        for name, each in document["arguments"].items()
    }
    return Item(**(document | {"arguments": arguments, "shape": _shape(document["shape"])}))


def _shape(given: Any) -> tuple[int, ...]:
    if not all(type(each) is int and each >= 0 for each in given):
        raise ValueError(f"the shape {given!r}")
    return tuple(given)


def _check(items: tuple[Item, ...]) -> None:
    """Refuse names that lead out of the folder, and items that are not whole."""
    names = [each.name for each in items]
    if not names or len(set(names)) < len(names):
        raise ValueError("no inputs, or two of one name")
    for item in items:
        files = [argument.file for argument in item.arguments.values()]
        for name in (item.name, *files):
            if name == ".." or not _NAME.fullmatch(name):
                raise ValueError(f"the name {name!r}: expected one of a file in this folder")
        if (item.operation, item.seed, item.axis) != (items[0].operation, items[0].seed, -1):
            raise ValueError(f"{item.name} has another operation, seed or axis than the others")
        numbers = (item.n, item.rows, item.seed)
        if not all(type(each) is int for each in numbers) or item.n < 1 or item.rows < 1:
            raise ValueError(f"{item.name} has {item.rows!r} rows of {item.n!r}, seed {item.seed}")
        if item.family not in FAMILIES and not item.family.endswith(".npy"):
            raise ValueError(f"{item.name} is of no family that is known, {item.family}")
        if item.dtype not in FORMATS or tuple(item.arguments) != item.about.parameters:
            raise ValueError(f"{item.name} of {item.dtype}, with {', '.join(item.arguments)}")
