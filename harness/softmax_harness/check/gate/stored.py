"""The file of a baseline: sorted JSON, a line for each cell, to be committed and read in a diff."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from softmax_harness.check.contract.finding import Key
from softmax_harness.check.contract.summaries import RecipeSummary
from softmax_harness.check.gate.baseline import Baseline, Entry
from softmax_harness.ground.errors import BadBaseline
from softmax_harness.ground.files import replacing_file
from softmax_harness.operations import DEFAULT_OPERATION
from softmax_harness.subjects.specification import simplest

SCHEMA = 2
_ONE_MACHINE = 1  # the schema that had one entry, of one machine
_SAID = ("standard", "output_dtype")
_INFINITE = "inf"  # JSON has no such number
_UNREADABLE = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    OverflowError,
    RecursionError,
)


def read(path: Path) -> Baseline:
    """The baseline in a file.

    Raises
    ------
    BadBaseline
        If there is none, or one that cannot be read.
    """
    if not path.is_file():
        raise BadBaseline(
            f"{path}: no such baseline; make it with softmax-harness check --baseline {path} "
            "--update-baseline"
        )
    try:
        document = json.loads(
            path.read_text(encoding="utf-8"), parse_constant=_refused, object_pairs_hook=_once
        )
        schema = document["schema"]
        if schema not in (SCHEMA, _ONE_MACHINE):
            raise BadBaseline(
                f"{path}: schema {schema!r}, expected {SCHEMA}; delete it and "
                "take it again with --update-baseline"
            )
        entries = {}
        for name, by_dtype in document["results"].items():
            for dtype, stored in by_dtype.items():
                own = [stored] if schema == _ONE_MACHINE else stored
                entries[_key(name, dtype, own[0])] = tuple(map(_entry, own))
        return Baseline(_number(document["seed"], int), entries)
    except _UNREADABLE as error:
        told = " ".join(str(error).split())
        raise BadBaseline(
            f"{path}: the baseline cannot be read ({type(error).__name__}: {told}); delete it and "
            "take it again with --update-baseline"
        ) from None


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is no number of JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The pairs of an object, each key once: of two that are the same one would not count."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} stands there twice")
        found[key] = value
    return found


def _key(label: str, dtype: str, document: dict[str, Any]) -> Key:
    """What an entry is about; the operation stands in it where that is not the default."""
    operation = str(document.get("operation", DEFAULT_OPERATION))
    return Key(operation, simplest(label.removeprefix(f"{operation}/")), dtype)


def _entry(document: dict[str, Any]) -> Entry:
    cells = {
        name: RecipeSummary(
            name, _error(cell["max_ulp"]), _error(cell["mean_ulp"]), _words(cell["outcomes"]), ""
        )
        for name, cell in document["cells"].items()
    }
    taken_on = {key: str(value) for key, value in document["taken_on"].items()}
    said = (str(document.get(key, "")) for key in _SAID)
    return Entry(taken_on, _words(document["findings"]), cells, *said)


def _number(given: Any, *kinds: type) -> Any:
    if type(given) not in kinds or not 0 <= given < math.inf:
        raise ValueError(f"{given!r} is no number that can stand there")
    return given


def _error(given: Any) -> float:
    return math.inf if given == _INFINITE else float(_number(given, int, float))


def _words(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise ValueError(f"{given!r} is no list of words")
    return tuple(given)


@contextmanager
def alone_at(path: Path) -> Iterator[None]:
    """Nobody else who asks this way reads or replaces the file meanwhile, where folders lock.

    The folder is locked, not the file, which is replaced; nothing is left behind.
    """
    with ExitStack() as stack:
        # Windows has no such module, and some network file systems lock no folder.
        with suppress(ImportError, OSError):
            import fcntl

            descriptor = os.open(path.resolve().parent, os.O_RDONLY)
            stack.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


def to_update(path: Path, seed: int) -> Baseline:
    """The baseline in a file, or an empty one, into which results with that seed are taken up.

    Raises
    ------
    BadBaseline
        If it is of another seed, or cannot be read.
    """
    old = read(path) if path.exists() else Baseline(seed, {})
    if old.seed != seed:
        raise BadBaseline(
            f"{path} was written with --seed {old.seed}, but these results are of --seed {seed}: "
            "use the same seed, or another file"
        )
    return old


def update(path: Path, seed: int, accepting: Callable[[Baseline], Baseline]) -> None:
    """Take up results by `accepting`, and keep what the file says of others."""
    with alone_at(path):
        replacing_file(path, text_of(accepting(to_update(path, seed))))


def text_of(baseline: Baseline) -> str:
    """The file: sorted, and a line for each cell."""
    return "\n".join(_lines(baseline)) + "\n"


def _lines(baseline: Baseline) -> Iterator[str]:
    yield "{"
    yield f' "schema": {SCHEMA},'
    yield f' "seed": {baseline.seed},'
    yield ' "results": {'
    names = sorted({key.label for key in baseline.entries})
    for name in names:
        yield f"  {json.dumps(name)}: {{"
        own = {key.dtype: key for key in sorted(baseline.entries) if key.label == name}
        for dtype, key in (dtypes := dict(sorted(own.items()))).items():
            yield f"   {json.dumps(dtype)}: ["
            yield from _entries_lines(baseline.entries[key], key.operation)
            yield "   ]" + _comma(dtype, list(dtypes))
        yield "  }" + _comma(name, names)
    yield " }"
    yield "}"


def _entries_lines(entries: tuple[Entry, ...], operation: str) -> Iterator[str]:
    by_machine = {json.dumps(each.taken_on, sort_keys=True): each for each in entries}
    for machine in (machines := sorted(by_machine)):
        yield "    {"
        if operation != DEFAULT_OPERATION:
            yield f'     "operation": {json.dumps(operation)},'
        yield f'     "taken_on": {machine},'
        yield from _entry_lines(by_machine[machine])
        yield "    }" + _comma(machine, machines)


def _entry_lines(entry: Entry) -> Iterator[str]:
    for key in _SAID:
        if value := getattr(entry, key):
            yield f"     {json.dumps(key)}: {json.dumps(value)},"
    yield f'     "findings": {json.dumps(entry.findings)},'
    yield '     "cells": {'
    for name in (names := sorted(entry.cells)):
        cell = entry.cells[name]
        numbers = {
            "max_ulp": _written(cell.max_ulp),
            "mean_ulp": _written(cell.mean_ulp),
            "outcomes": cell.outcomes,
        }
        yield f"      {json.dumps(name)}: {json.dumps(numbers)}{_comma(name, names)}"
    yield "     }"


def _written(error: float) -> float | str:
    return float(f"{error:.9g}") if error < math.inf else _INFINITE


def _comma(each: str, all_: list[str]) -> str:
    return "" if each == all_[-1] else ","
