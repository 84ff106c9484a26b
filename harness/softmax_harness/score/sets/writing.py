"""Writes a set: the inputs of a suite, their manifest, and an index that any language can read."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from softmax_harness.check.contract.suite import recipes as recipes_of_check
from softmax_harness.ground.arrays import KINDS, digest
from softmax_harness.ground.documents.as_json import json_text
from softmax_harness.ground.errors import BadData
from softmax_harness.ground.formats import format_named
from softmax_harness.ground.manifest import MANIFEST
from softmax_harness.inputs.families import Recipe
from softmax_harness.inputs.suites import SUITES
from softmax_harness.operations import Operation, Problem, operation_named
from softmax_harness.run.options import Options
from softmax_harness.run.selection import select
from softmax_harness.score.sets.items import FOREIGN, INDEX, SCHEMA, Argument, Item

CHECK = "check"
SUITE_NAMES = (*SUITES, CHECK)


def suite_of(
    suite: str, operation: str, dtypes: Sequence[str], families: tuple[str, ...], seed: int
) -> dict[str, Recipe]:
    """The recipes of a suite by the names of the files in which they are written.

    Raises
    ------
    HarnessError
        If a name is of nothing, or two families would be written under one name.
    """
    if suite != CHECK:
        asked = Options(("exact",), tuple(dtypes), families, operation, suite, seed)
        return _named(planned.recipe for planned in select(asked).plan)
    problems = [
        Problem.of(operation_named(operation), format_named(name)) for name in dict.fromkeys(dtypes)
    ]
    for problem in problems:
        _ = problem.input_format.dtype  # says here what to install for one that NumPy lacks
    return _named(
        recipe
        for problem in problems
        for recipe in recipes_of_check(problem, math.inf, seed, families)
    )


def _named(recipes: Iterable[Recipe]) -> dict[str, Recipe]:
    """Each recipe once; one of the same family and length as another is named by its rows, too."""
    found: dict[str, Recipe] = {}
    for recipe in recipes:
        stem = FOREIGN.sub("_", Path(recipe.family.name).stem)
        name = f"{recipe.format.name}-{stem}-n{recipe.n}"
        if name in found and found[name].rows != recipe.rows:
            name = f"{name}-rows{recipe.rows}"
        other = found.setdefault(name, recipe)
        if other.family.name != recipe.family.name:
            raise BadData(
                f"{other.family.name} and {recipe.family.name} would be written under one name: "
                "give them other names"
            )
    return found


def file_names(recipes: Iterable[str], operation: Operation, kind: str) -> list[str]:
    """The files of a set, but for the manifest."""
    files = (file.partition(":")[0] for name in recipes for file in _files(operation, name, kind))
    return [INDEX, *dict.fromkeys(files)]


def _files(operation: Operation, name: str, kind: str) -> list[str]:
    """The file of each argument; the first one's is that of the item."""
    about = KINDS[kind]
    if about.holds_many:
        return [f"{name}{about.suffix}:{each}" for each in operation.parameters]
    _, *others = operation.parameters
    return [f"{name}{about.suffix}", *(f"{name}.{each}{about.suffix}" for each in others)]


def write_set(
    folder: Path,
    recipes: dict[str, Recipe],
    operation: Operation,
    options: dict[str, object],
    progress: Callable[[str, int, int], None],
) -> None:
    """Write the files of a set into a new folder.

    Parameters
    ----------
    folder : Path
    recipes : dict of str to Recipe
        As of `suite_of`.
    operation : Operation
    options : dict
        What was asked for: ``format``, a kind of file, among it.
    progress : callable
        Called with what is done, how many are written, and their number in all.
    """
    kind, items = str(options["format"]), list[Item]()
    for name, recipe in recipes.items():
        items.append(_written(folder, name, recipe, operation, kind))
        progress("writing", len(items), len(recipes))
    document = {
        "schema": SCHEMA,
        "options": options,
        "files": file_names(recipes, operation, kind),
        "inputs": [each.document() for each in items],
    }
    (folder / INDEX).write_text("".join(_index_lines(items)), encoding="utf-8")
    (folder / MANIFEST).write_text(json_text(document), encoding="utf-8")


def _written(folder: Path, name: str, recipe: Recipe, operation: Operation, kind: str) -> Item:
    """Write the files of an item, and say what they are."""
    blocks = [operation.called_with(*recipe.inputs(operation, each)) for each in recipe.starts]
    whole = tuple(np.concatenate(own) for own in zip(*blocks, strict=True))
    values = dict(zip(operation.parameters, whole, strict=True))
    files = dict(zip(operation.parameters, _files(operation, name, kind), strict=True))
    if KINDS[kind].holds_many:
        KINDS[kind].write(folder / f"{name}{KINDS[kind].suffix}", values)
    else:
        for each, own in values.items():
            KINDS[kind].write(folder / files[each], {each: own})
    arguments = {
        each: Argument(files[each], own.dtype.name, own.shape, digest([own]))
        for each, own in values.items()
    }
    given = (operation.name, recipe.family.name, recipe.format.name)
    size = (recipe.n, recipe.rows, recipe.seed, -1)
    return Item(name, *given, *size, arguments, operation.shape_of_results(whole))


def _index_lines(items: list[Item]) -> Iterator[str]:
    """A line for each argument: its file, its dtype, its shape."""
    for item in items:
        for each in item.arguments.values():
            yield " ".join((each.file, each.dtype, *map(str, each.shape))) + "\n"
