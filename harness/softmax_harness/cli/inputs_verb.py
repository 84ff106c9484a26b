"""softmax-harness inputs: a suite's inputs as .npy files, for devices this process cannot call."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from softmax_harness.cli import options
from softmax_harness.cli.suite_option import suite_option
from softmax_harness.ground.documents.as_json import json_text
from softmax_harness.ground.errors import BadData
from softmax_harness.ground.files import replacing
from softmax_harness.ground.floating_point import check_floating_point_environment
from softmax_harness.ground.manifest import MANIFEST
from softmax_harness.inputs.families import Recipe
from softmax_harness.run.options import Options
from softmax_harness.run.selection import select


@click.command("inputs")
@options.dtypes
@options.families
@suite_option
@options.seed
@options.out("softmax-inputs")
def command(
    dtypes: tuple[str, ...], families: tuple[str, ...], suite: str, seed: int, out: Path
) -> None:
    """Write a suite's inputs as .npy files, one for each dtype, family and n.

    Compute Y from each X elsewhere, then judge it with softmax-harness score X.npy Y.npy.

    Example: softmax-harness inputs --dtype float16 --family normal-10 --out inputs
    """
    plan = select(Options(("exact",), dtypes, families, suite=suite, seed=seed)).plan
    recipes = {_name(planned.recipe): planned.recipe for planned in plan}
    if len(recipes) < len(plan):
        raise BadData("two of the families would be written under one name: give them other names")
    read = [Path(name) for name in families if name.endswith(".npy")]
    with replacing(out, "inputs", writes=(MANIFEST, *recipes), inputs=read) as folder:
        for name, recipe in recipes.items():
            rows = np.concatenate(list(recipe.blocks()))
            np.save(folder / name, rows, allow_pickle=False)
        check_floating_point_environment()
        document = {
            "schema": 1,
            "options": {"suite": suite, "seed": seed},
            "files": list(recipes),
        }
        (folder / MANIFEST).write_text(json_text(document), encoding="utf-8")
    click.echo(f"wrote {len(recipes)} files to {out}")


def _name(recipe: Recipe) -> str:
    stem = Path(recipe.family.name).stem
    return f"{recipe.format.name}-{stem}-n{recipe.n}.npy"
