"""softmax-harness inputs: a suite's inputs as .npy files, for devices this process cannot call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np

from softmax_harness.cli import options
from softmax_harness.cli.suite_option import suite_option
from softmax_harness.ground.documents.as_json import json_text
from softmax_harness.ground.errors import BadData
from softmax_harness.ground.files import replacing
from softmax_harness.ground.floating_point import check_floating_point_environment
from softmax_harness.ground.manifest import MANIFEST
from softmax_harness.ground.npy import write_npy
from softmax_harness.inputs.families import Recipe
from softmax_harness.operations import (
    DEFAULT_OPERATION,
    OPERATIONS,
    Inputs,
    Operation,
    operation_named,
)
from softmax_harness.run.options import Options
from softmax_harness.run.selection import select


@click.command("inputs")
@click.option(
    "--operation", type=click.Choice(list(OPERATIONS)), default=DEFAULT_OPERATION, show_default=True
)
@options.dtypes
@options.families
@suite_option
@options.seed
@options.out("softmax-inputs")
def command(
    operation: str,
    dtypes: tuple[str, ...],
    families: tuple[str, ...],
    suite: str,
    seed: int,
    out: Path,
) -> None:
    """Write a suite's inputs as .npy files, a set for each dtype, family and n.

    A set has one file for each argument of a call; run.json says which, and under which name the
    outputs are expected. Compute Y from each X elsewhere, then judge it with softmax-harness score
    X.npy Y.npy, or all of them with softmax-harness score INDIR OUTDIR. Of a format of one byte the
    files hold the bits, as unsigned integers.

    Example: softmax-harness inputs --dtype float16 --family normal-10 --out inputs
    """
    about = operation_named(operation)
    asked = Options(("exact",), dtypes, families, operation, suite, seed)
    plan = select(asked).plan
    recipes = {_name(planned.recipe): planned.recipe for planned in plan}
    if len(recipes) < len(plan):
        raise BadData("two of the families would be written under one name: give them other names")
    read = [Path(name) for name in families if name.endswith(".npy")]
    files = [file for name in recipes for file in _files(about, name).values()]
    with replacing(out, "inputs", writes=(MANIFEST, *files), inputs=read) as folder:
        entries = [_written(folder, name, recipe, about) for name, recipe in recipes.items()]
        check_floating_point_environment()
        document = {
            "schema": 1,
            "options": {"suite": suite, "seed": seed, "operation": operation},
            "files": files,
            "inputs": entries,
        }
        (folder / MANIFEST).write_text(json_text(document), encoding="utf-8")
    click.echo(f"wrote {len(files)} files to {out}")


def _name(recipe: Recipe) -> str:
    stem = Path(recipe.family.name).stem
    return f"{recipe.format.name}-{stem}-n{recipe.n}.npy"


def _files(operation: Operation, name: str) -> dict[str, str]:
    """The file of each argument, by the argument's name; the first one's is that of the set."""
    arguments = [each.name for each in operation.operands]
    first, *others = ["x", *arguments] if operation.takes_logits else arguments
    stem = name.removesuffix(".npy")
    return {first: name} | {each: f"{stem}.{each}.npy" for each in others}


def _written(folder: Path, name: str, recipe: Recipe, operation: Operation) -> dict[str, Any]:
    """Write the files of a set, and say what they are."""
    blocks = [recipe.inputs(operation, start) for start in recipe.starts]
    whole = Inputs(
        np.concatenate([each.x for each in blocks]),
        tuple(map(np.concatenate, zip(*(each.operands for each in blocks), strict=True))),
    )
    files = _files(operation, name)
    arguments = dict(zip(files, operation.called_with(*whole), strict=True))
    for argument, values in arguments.items():
        write_npy(folder / files[argument], values)
    return {
        "operation": operation.name,
        "outputs": name,
        "arguments": files,
        "shapes": {argument: list(values.shape) for argument, values in arguments.items()},
        "dtypes": {argument: values.dtype.name for argument, values in arguments.items()},
        "axis": -1,
        "dtype": recipe.format.name,
        "family": recipe.family.name,
        "n": recipe.n,
        "rows": recipe.rows,
        "seed": recipe.seed,
    }
