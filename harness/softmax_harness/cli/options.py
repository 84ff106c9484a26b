"""Options that several verbs share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any

import click

from softmax_harness.cli.completing import of_dtypes, of_families, of_implementations
from softmax_harness.ground.adapters import ADAPTERS
from softmax_harness.ground.errors import BadData
from softmax_harness.ground.formats import (
    DEFAULT_DTYPES,
    OTHER_DTYPES,
    dtype_name,
    format_named,
)
from softmax_harness.operations import OPERATIONS, Choice, Policy
from softmax_harness.operations.standards import STANDARDS
from softmax_harness.subjects.declaration import Said
from softmax_harness.subjects.native.signature import EXAMPLE

PATH = click.Path(path_type=Path)


def names(
    context: click.Context, parameter: click.Parameter, value: tuple[str, ...]
) -> tuple[str, ...]:
    """What is written between the commas of an option that may be given several times, each once.

    Raises
    ------
    BadData
        If the option is given and names nothing.
    """
    found = [name.strip() for text in value for name in text.split(",") if name.strip()]
    source = context.get_parameter_source(parameter.name or "")
    if not found and source is click.core.ParameterSource.COMMANDLINE:
        raise BadData(
            f"{parameter.opts[0]} '{value[-1]}': expected names between commas; leave "
            f"{parameter.opts[0]} out for its default"
        )
    return tuple(dict.fromkeys(found))


def dtype_names(
    context: click.Context, parameter: click.Parameter, value: tuple[str, ...]
) -> tuple[str, ...]:
    """The formats between the commas by their own names, where aliases such as fp16 are given."""
    return tuple(dict.fromkeys(map(dtype_name, names(context, parameter, value))))


def _operands(
    context: click.Context, parameter: click.Parameter, value: tuple[str, ...]
) -> dict[str, str]:
    """What is written after each name; `BadData` where there is no name, or one twice."""
    found: dict[str, str] = {}
    for text in value:
        name, sign, own = text.partition("=")
        if not (name and sign and own) or name in found:
            raise BadData(f"--operand {text}: expected NAME=WHAT, each name once")
        found[name] = own
    return found


def _policy(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> Policy:
    return Policy.parse(value)


dtypes = click.option(
    "--dtype",
    "dtypes",
    multiple=True,
    default=DEFAULT_DTYPES,
    show_default=True,
    callback=dtype_names,
    shell_complete=of_dtypes,
    help=f"Formats, separated by commas; {', '.join(OTHER_DTYPES)} and short names such as fp16 "
    "are taken too.",
)
families = click.option(
    "--family",
    "families",
    multiple=True,
    callback=names,
    shell_complete=of_families,
    help="Families, or .npy files, separated by commas.  [default: all of the suite]",
)
seed = click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Seed of all random inputs.",
)


class _SeedOfDay(click.IntRange):
    """A seed, or ``today``: a new one each day, the same all over the world."""

    name = "seed"

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> Any:
        if value == TODAY:
            return seed_of_today()
        return super().convert(value, parameter, context)


TODAY = "today"


def seed_of_today() -> int:
    """The date in UTC as a number, such as 20300131."""
    return int(datetime.now(UTC).strftime("%Y%m%d"))


seed_of_day = click.option(
    "--seed",
    type=_SeedOfDay(0),
    default=0,
    show_default=True,
    metavar="INTEGER|today",
    help="Seed of all random inputs; today is the date in UTC, such as 20300131. A baseline "
    "compares errors of equal seeds only.",
)
policy = click.option(
    "--policy",
    multiple=True,
    callback=_policy,
    metavar="LINE=nan|zero|uniform|any",
    help="What a special value shall give: nan, positive-infinity, all-masked or "
    "zero-temperature; the last has temperatures below 0 checked too. Or saturation=overflow, "
    "saturate or any: what a result beyond the largest number gives.",
)


def operands(metavar: str, example: str) -> Callable[[Any], Any]:
    """What an operation takes besides logits; the metavar says what stands for it."""
    return click.option(
        "--operand",
        "operands",
        multiple=True,
        callback=_operands,
        metavar=metavar,
        help=f"What the operation takes besides the logits, such as {example}.",
    )


def own_dtype(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """The format's own name; `UnknownName` where there is none."""
    return None if value is None else format_named(value).name


implementations = click.argument(
    "implementations", nargs=-1, metavar="[IMPL]...", shell_complete=of_implementations
)
output_dtype = click.option(
    "--output-dtype",
    shell_complete=of_dtypes,
    metavar="DTYPE",
    callback=own_dtype,
    help="Format of the results of a function that declares nothing.  [default: its input's]",
)
standard = click.option(
    "--standard",
    type=click.Choice(STANDARDS),
    help="Standard of accuracy.  [default: what is declared; else wide in formats of 16 bits, "
    "native in float32 and float64; usual-wide and usual for logarithms]",
)
signature = click.option(
    "--signature",
    metavar="TEXT",
    help=f"How the function of a shared library, path/to/lib.so:symbol, is called: {EXAMPLE}.",
)
_arrays = click.option(
    "--arrays",
    type=click.Choice(list(ADAPTERS)),
    help="The library whose arrays a function takes, which declares nothing.  [default: NumPy]",
)
_device = click.option(
    "--device",
    metavar="NAME",
    help="Where these arrays lie, such as cuda.  [default: where the library puts them]",
)
_OF_CALLS = (output_dtype, signature, _arrays, _device)


def _saying(
    *given: Callable[[Callable[..., None]], Callable[..., None]],
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Options that say something about implementations, handed on together as `said`."""

    def decorated(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def collected(*words: Any, **values: Any) -> None:
            # A policy is no option of this group, though what is said keeps it.
            names = [name for name in vars(Said()) if name in values and name != "policy"]
            own = {name: values.pop(name) for name in names}
            chosen = {name: values.pop(_parameter(name), None) for name in _CHOICES}
            fit = tuple((name, int(value)) for name, value in chosen.items() if value)
            function(*words, said=Said(**own, fit=fit), **values)

        command: Callable[..., None] = collected
        for option in reversed(given):
            command = option(command)
        return command

    return decorated


_CHOICES = {each.name: each for about in OPERATIONS.values() for each in about.choices}


def _parameter(name: str) -> str:
    return name.replace("-", "_")


def _of_choice(choice: Choice) -> Callable[[Any], Any]:
    """The option of what a caller may choose of the shapes of some operations."""
    names = [name for name, each in OPERATIONS.items() if choice in each.choices]
    told = f"{choice.told} Of {' and '.join(names)}."
    if choice.is_flag:
        return click.option(f"--{choice.name}", _parameter(choice.name), is_flag=True, help=told)
    return click.option(f"--{choice.name}", type=click.IntRange(1), help=told)


_OF_INPUTS = tuple(map(_of_choice, _CHOICES.values()))
said = _saying(*_OF_CALLS, standard, *_OF_INPUTS)
said_of_functions = _saying(*_OF_CALLS, standard)
said_of_calls = _saying(*_OF_CALLS, *_OF_INPUTS)


def out(default: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The folder to write."""
    return click.option(
        "--out",
        type=PATH,
        default=default,
        show_default=True,
        help="The folder to write. Of what it holds, only files of an earlier run are replaced; "
        "without any, a folder that is not empty is refused.",
    )
