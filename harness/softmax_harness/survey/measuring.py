"""Measures one library in one setting, unit by unit: what an environment's own Python runs.

``python -m softmax_harness.survey.measuring LIBRARY SETTING FOLDER DEVICE OPERATION`` keeps each
unit in the folder as soon as it is measured, and passes over those that are there. An empty device
is the processor, an empty operation stands for all.
"""

from __future__ import annotations

import importlib.metadata
import os
import sys
import time
from pathlib import Path
from typing import Any

from softmax_implementations import Implementation
from softmax_implementations.registry import LIBRARY_DTYPES

from softmax_harness.ground.environment import environment
from softmax_harness.ground.formats import FORMATS, Format
from softmax_harness.ground.memory import keep_freed_memory
from softmax_harness.operations import OPERATIONS, Operation
from softmax_harness.subjects.catalogue import catalogue
from softmax_harness.survey.callers import close
from softmax_harness.survey.device import card, facts, setting_named
from softmax_harness.survey.planned import Setting
from softmax_harness.survey.probed import (
    flushed_from,
    is_probed,
    nan_places,
    special_answers,
)
from softmax_harness.survey.stored import Key, keep, kept, stamp, versions
from softmax_harness.survey.unit import Variant, surveyed, variants
from softmax_harness.survey.ways import PLAIN

# What this project recommends stands beside the libraries.
OURS = "softmax-harness"
_OUR_NAMES = ("accurate", "max-shifted")
DTYPES = LIBRARY_DTYPES


def is_of(found: Implementation, library: str, device: str) -> bool:
    """Whether an implementation is one of a library, on a kind of device or on the processor."""
    if library == OURS:
        return found.name in _OUR_NAMES and not device
    return found.library == library and _kind(found.device) == device


def _kind(device: str | None) -> str:
    kind = (device or "").partition(":")[0]
    return "" if kind == "cpu" else kind


def offered(
    library: str, operation: Operation, format: Format, device: str = ""
) -> list[Implementation]:
    """What a library has of an operation in a format, as far as it can run here."""
    return [
        each
        for each in catalogue(operation.name).values()
        if is_of(each, library, device) and format.name in each.dtypes and not each.unavailable
    ]


def measure_all(
    library: str, setting: Setting, folder: Path, device: str = "", only: str = ""
) -> int:
    """Measure what is not kept yet, of one operation where it is named; how many units it was."""
    os.environ.update(setting.environment)  # before any library is loaded
    folder.mkdir(parents=True, exist_ok=True)
    number = 0
    for operation in OPERATIONS.values() if not only else (OPERATIONS[only],):
        names: list[str] = []
        for format in (FORMATS[name] for name in DTYPES):
            found = offered(library, operation, format, device)
            key = Key(library, setting.name, operation.name, format.name)
            own = stamp(setting, (each.function.__module__ for each in found), card(device))
            asked = found and (not setting.name or is_probed(operation))
            if not asked or kept(folder, key, own):
                continue
            content = _unit(operation, format, found, setting)
            about = {"version": version_of(library), "device": facts(library, device)}
            keep(folder, key, own, content | about)
            number += 1
            names += [each.name for each in found]
            print(f"{key.file.removesuffix('.json')}: {len(content['rows'])} rows", flush=True)
        close(list(dict.fromkeys(names)), operation.name)
    return number


def _unit(
    operation: Operation, format: Format, found: list[Implementation], setting: Setting
) -> dict[str, Any]:
    begun = time.monotonic()
    in_a_setting = bool(setting.name)
    asked = variants(operation, format, found, in_a_setting)
    rows = list(surveyed(operation, format, asked, in_a_setting))
    probes = [] if in_a_setting or not is_probed(operation) else _probed(operation, asked)
    return {
        "rows": rows,
        "probes": probes,
        "environment": environment() | {"packages": versions()},
        "settings": dict(setting.environment),
        "seconds": round(time.monotonic() - begun, 2),
    }


def _probed(operation: Operation, asked: list[Variant]) -> list[dict[str, Any]]:
    """What no table of errors tells, of each implementation called plainly."""
    found = []
    for variant in asked:
        if variant.way != PLAIN:
            continue
        about = {"implementation": variant.implementation}
        found += [about | each for each in special_answers(variant.subject, operation)]
        found.append(about | nan_places(variant.subject))
        if operation.is_distribution:
            found.append(about | {"input": "gaps"} | flushed_from(variant.subject))
    return found


def version_of(library: str) -> str:
    """The version of a library by the name under which it is imported."""
    names = importlib.metadata.packages_distributions().get(library, [library])
    return versions().get(names[0].lower(), "")


if __name__ == "__main__":
    keep_freed_memory()
    chosen, name, place, kind, operation = sys.argv[1:]
    measure_all(chosen, setting_named(chosen, name, kind), Path(place), kind, operation)
