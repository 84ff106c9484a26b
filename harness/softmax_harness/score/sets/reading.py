"""Reads what came back for an item, and whether its inputs are still as they were written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.arrays import Told, digest, in_file, is_raw, read_array
from softmax_harness.ground.errors import BadData
from softmax_harness.ground.formats import FORMATS
from softmax_harness.ground.text import printable
from softmax_harness.operations import Inputs
from softmax_harness.score.sets.items import Argument, Item
from softmax_harness.score.sets.outputs import Returned
from softmax_harness.score.values import check_rounded
from softmax_harness.subjects.request import Fault

_UNREADABLE = "unreadable"


def outputs_of(item: Item, back: Returned, output_dtype: str | None) -> NDArray[Any] | Fault:
    """The outputs of an item, shape (rows, m), memory-mapped; or why they cannot be judged.

    They are in the format of the inputs, or in `output_dtype`, whose numbers a wider type may hold.
    """
    if item.name in back.refused:
        return Fault(_UNREADABLE, printable(back.refused[item.name]))
    first, *others = back.paths[item.name]
    if others:
        names = printable(" and ".join(str(each) for each in (first, *others)))
        return Fault(_UNREADABLE, f"{names} are outputs of {item.name}: leave one of them")
    try:
        found = _read(first, item, output_dtype)
    except BadData as error:
        found = Fault(_UNREADABLE, str(error))
    return replace(found, message=printable(found.message)) if isinstance(found, Fault) else found


def _read(path: Path, item: Item, output_dtype: str | None) -> NDArray[Any] | Fault:
    expected = output_dtype or item.dtype
    y = read_array(path, Told(expected, item.shape if is_raw(path) else None)).view(np.ndarray)
    if y.shape != item.shape:
        told = f"{path}: shape {list(y.shape)}; expected {list(item.shape)}"
        return Fault("wrong_shape", told)
    if y.dtype.name != expected and (output_dtype is None or y.dtype.name not in FORMATS):
        hint = f" (or say --y-dtype {y.dtype} of all)" if y.dtype.name in FORMATS else ""
        return Fault("wrong_dtype", f"{path}: outputs of {y.dtype}; expected {expected}{hint}")
    if y.dtype.name != expected:
        check_rounded(y, FORMATS[expected], str(path))
    return y.reshape(item.rows, -1)


def blocks_of(item: Item) -> list[Inputs] | Fault:
    """The inputs of an item, block by block, as they were written; or that they are no longer so.

    They are made again: what a kernel wrote over its inputs is of no account.
    """
    operation, recipe = item.about, item.recipe
    blocks = [recipe.inputs(operation, start) for start in recipe.starts]
    called = [operation.called_with(*each) for each in blocks]
    for place, (name, argument) in enumerate(item.arguments.items()):
        if digest(each[place] for each in called) != argument.sha256:
            return _others(f"{item.name}: {name} is made in another way than when it was written")
    # Of arrays that are not there but for their shape.
    whole = tuple(np.broadcast_to(0.0, (item.rows, *each.shape[1:])) for each in called[0])
    if operation.shape_of_results(whole) != item.shape:
        return _others(f"{item.name}: its outputs have another shape than {list(item.shape)}")
    return blocks


def _others(told: str) -> Fault:
    return Fault(
        "other_inputs",
        f"{told}, by another version or with another file of a family: write the inputs again",
    )


def changed(folder: Path, item: Item) -> Fault | None:
    """That an input is no longer as it was written, such as by a kernel that worked in place."""
    for argument in item.arguments.values():
        path = folder / argument.file
        if in_file(path)[0].is_file() and not _is_as_written(path, argument):
            return Fault(
                "input_changed",
                f"{path} has changed since it was written; outputs are judged by what it held",
            )
    return None


def _is_as_written(path: Path, argument: Argument) -> bool:
    try:
        values = read_array(path, Told(argument.dtype, argument.shape))
    except BadData:
        return False
    return digest([values]) == argument.sha256
