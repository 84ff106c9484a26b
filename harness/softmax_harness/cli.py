"""The command softmax-harness."""

from __future__ import annotations

import difflib
import json
import platform
import sys
from pathlib import Path

import click
import mpmath
import numpy as np
from softmax_implementations import Implementation, implementations
from softmax_reports.page import write_report

from softmax_harness.errors import BadFolder, HarnessError, UnknownName
from softmax_harness.explain import explain_row, parsed_row
from softmax_harness.formats import format_named
from softmax_harness.sweep import LIMIT_ULP, sweep


@click.group()
def commands() -> None:
    """Judge softmax implementations against mpmath."""


@commands.command("list")
def list_() -> None:
    """List implementations and their dtypes. Example: softmax-harness list"""
    for each in implementations().values():
        click.echo(f"{each.name:22} {', '.join(each.dtypes):28} {each.summary}")


@commands.command()
@click.argument("names", nargs=-1, metavar="[IMPL]...")
@click.option("--dtype", default="float16,float32,float64", show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--out", default="softmax-report", show_default=True, type=click.Path(path_type=Path))
def run(names: tuple[str, ...], dtype: str, seed: int, out: Path) -> None:
    """Measure and write a report. Example: softmax-harness run max-shifted --dtype float32"""
    dtypes = tuple(format_named(name).name for name in dtype.split(","))
    chosen = _chosen(names)
    if not any(name in each.dtypes for each in chosen for name in dtypes):
        raise UnknownName(
            f"none of {', '.join(each.name for each in chosen)} takes {dtype}: "
            "see softmax-harness list for the dtypes of each"
        )
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / "run.json").exists())):
        raise BadFolder(f"{out} holds something other than a run: name another folder with --out")
    table = sweep(chosen, dtypes, seed)
    out.mkdir(parents=True, exist_ok=True)
    environment = {
        "schema": 1,
        "seed": seed,
        "limit_ulp": LIMIT_ULP,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "mpmath": mpmath.__version__,
        "machine": platform.machine(),
    }
    (out / "run.json").write_text(json.dumps(environment, indent=1) + "\n")
    table.to_csv(out / "results.csv", index=False)
    write_report(table, environment, out)
    click.echo(f"wrote {out / 'report.html'}")


@commands.command(context_settings={"ignore_unknown_options": True})
@click.argument("numbers", nargs=-1, required=True)
@click.option("--dtype", default="float64", show_default=True)
def explain(numbers: tuple[str, ...], dtype: str) -> None:
    """Show the three steps of one row. Example: softmax-harness explain 2.0 1.0 0.1"""
    click.echo(explain_row(parsed_row(numbers), format_named(dtype)))


def _chosen(names: tuple[str, ...]) -> list[Implementation]:
    known = implementations()
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UnknownName(
                f"no implementation is named {name!r}: expected {', '.join(known)}{hint}"
            )
    return [known[name] for name in names] or list(known.values())


def main() -> None:
    """Run the command; a request that cannot be met is one line and exit code 2."""
    try:
        commands()
    except HarnessError as error:
        click.echo(f"softmax-harness: {error}", err=True)
        sys.exit(2)


