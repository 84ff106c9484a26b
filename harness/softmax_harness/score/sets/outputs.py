"""Which outputs have come back into a folder, and what else is there."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from softmax_harness.ground import safetensors
from softmax_harness.ground.arrays import in_file
from softmax_harness.ground.errors import BadData, BadFolder
from softmax_harness.ground.safetensors import tensors_in
from softmax_harness.ground.text import printable

_OUTPUTS = "y"  # how the array of outputs is called in a file beside others


@dataclass
class Returned:
    """What a folder holds.

    Attributes
    ----------
    folder : Path
    paths : dict of str to list of Path
        Where the outputs of each name may lie; more than one is one too many.
    refused : dict of str to str
        Why a file of a name is not read.
    others : list of str
        What is of no name that is asked for.
    """

    folder: Path
    paths: dict[str, list[Path]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)

    @property
    def files(self) -> list[Path]:
        """The files in which outputs lie."""
        paths = (in_file(each)[0] for own in self.paths.values() for each in own)
        return list(dict.fromkeys(paths))

    def add(self, name: str, path: Path) -> None:
        """Note where outputs of a name lie."""
        self.paths.setdefault(name, []).append(path)


def returned(folder: Path, names: Collection[str]) -> Returned:
    """The outputs of these names in a folder: files of a name, whatever their ending, or arrays.

    Raises
    ------
    BadFolder
        If there is no such folder.
    """
    found = Returned(folder)
    try:
        there = sorted(os.scandir(folder), key=lambda each: each.name)
    except OSError as error:
        raise BadFolder(f"{folder}: {error.strerror}; expected a folder of outputs") from None
    for each in there:
        if not each.name.startswith("."):
            _note(found, each, names)
    return found


def _note(found: Returned, entry: os.DirEntry[str], names: Collection[str]) -> None:
    path = found.folder / entry.name
    stem = entry.name.rpartition(".")[0]
    name = next((each for each in (stem, entry.name) if each in names), None)
    if entry.is_symlink() and not path.resolve().is_relative_to(found.folder.resolve()):
        if name is None:
            found.others.append(printable(entry.name))
        else:
            found.refused[name] = f"{entry.name} is a link out of {found.folder}: copy the file"
    elif not entry.is_file():
        found.others.append(printable(entry.name))
    elif path.suffix == safetensors.SUFFIX:
        _note_arrays(found, path, name, names)
    elif name is None:
        found.others.append(printable(entry.name))
    else:
        found.add(name, path)


def _note_arrays(found: Returned, path: Path, name: str | None, names: Collection[str]) -> None:
    """Of a file of arrays named as an item, the outputs; of any, arrays of the names of items."""
    try:
        there = [*tensors_in(path)]
    except BadData as error:
        if name is None:
            found.others.append(printable(path.name))
        else:
            found.refused[name] = str(error)
        return
    if name is not None:
        own = next((each for each in (name, _OUTPUTS) if each in there), None)
        own = there[0] if own is None and len(there) == 1 else own
        if own is None:
            told = f"{path}: {len(there)} arrays; expected one, or one named {_OUTPUTS}"
            found.refused[name] = told
        else:
            there.remove(own)
            found.add(name, Path(f"{path}:{own}"))
    for tensor in there:
        if tensor in names:
            found.add(tensor, Path(f"{path}:{tensor}"))
        else:
            found.others.append(printable(f"{path.name}:{tensor}"))
