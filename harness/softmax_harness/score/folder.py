"""A folder that ``inputs`` wrote beside a folder of the outputs computed from it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from softmax_harness.ground.errors import BadFolder
from softmax_harness.ground.manifest import MANIFEST, kind_of
from softmax_harness.score.pair import Files


def pairs_in(inputs: Path, outputs: Path) -> dict[str, Files]:
    """The pairs by the name of the outputs' file, in the order of the manifest.

    Raises
    ------
    BadFolder
        If `inputs` holds no inputs of this program, or outputs of some are missing.
    """
    entries = _entries(inputs)
    missing = [name for name in entries if not (outputs / name).is_file()]
    if missing:
        others = f" and {len(missing) - 1} others" if len(missing) > 1 else ""
        raise BadFolder(
            f"{outputs}: there is no {missing[0]}{others}: expected outputs for all that "
            f"{inputs / MANIFEST} names, under these names"
        )
    return {name: _files(inputs, outputs / name, entry) for name, entry in entries.items()}


def _entries(folder: Path) -> dict[str, dict[str, Any]]:
    told = f"{folder}: expected a folder that softmax-harness inputs wrote"
    if kind_of(folder) != "inputs":
        raise BadFolder(told)
    entries = json.loads((folder / MANIFEST).read_text(encoding="utf-8")).get("inputs")
    try:
        found = {entry["outputs"]: entry for entry in entries}
        named = [name for each in found.values() for name in each["arguments"].values()]
    except (TypeError, KeyError, AttributeError):
        raise BadFolder(f"{told}; its {MANIFEST} does not say what the files are") from None
    if not found or any(PurePosixPath(name).name != name for name in (*found, *named)):
        raise BadFolder(f"{told}; its {MANIFEST} names no files in it")
    return found


def _files(inputs: Path, outputs: Path, entry: dict[str, Any]) -> Files:
    first, *others = entry["arguments"].items()
    operands = {name: inputs / file for name, file in others}
    files = Files(inputs / first[1], outputs, entry["axis"], entry["operation"], operands)
    return replace(files, x_dtype=entry.get("dtype"))
