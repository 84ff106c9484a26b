"""Measures one library in one setting, unit by unit: what an environment's own Python runs.

``python -m softmax_harness.studies.survey.measuring LIBRARY SETTING FOLDER DEVICE OPERATION`` keeps
each unit in the folder as soon as it is measured, and passes over those that are there. An empty
device is the processor, an empty operation stands for all.
"""

from __future__ import annotations

import importlib.metadata
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from softmax_implementations import Implementation
from softmax_implementations.registry import FLOAT8_DTYPES, LIBRARY_DTYPES

from softmax_harness.ground.environment import environment
from softmax_harness.ground.formats import FORMATS, Format
from softmax_harness.ground.memory import keep_freed_memory
from softmax_harness.operations import OPERATIONS, Operation
from softmax_harness.studies.survey import refused
from softmax_harness.studies.survey.callers import close
from softmax_harness.studies.survey.device import card, facts, setting_named
from softmax_harness.studies.survey.planned import Setting
from softmax_harness.studies.survey.probed import (
    flushed_from,
    is_probed,
    nan_places,
    special_answers,
)
from softmax_harness.studies.survey.stored import Key, keep, kept, stamp, versions
from softmax_harness.studies.survey.unit import Variant, surveyed, variants
from softmax_harness.studies.survey.ways import PLAIN
from softmax_harness.subjects.catalogue import catalogue

# What this project recommends stands beside the libraries.
OURS = "softmax-harness"
_OUR_NAMES = ("accurate", "max-shifted")
DTYPES = (*FLOAT8_DTYPES, *LIBRARY_DTYPES)


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
    return [each for each in _own(library, operation, device) if format.name in each.dtypes]


def _own(library: str, operation: Operation, device: str) -> list[Implementation]:
    return [
        each
        for each in catalogue(operation.name).values()
        if is_of(each, library, device) and not each.unavailable
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
            unit = _Unit.of(library, operation, format, device, setting)
            key = Key(library, setting.name, operation.name, format.name)
            own = stamp(setting, unit.modules, card(device))
            if not unit.asked or kept(folder, key, own):
                continue
            content = unit.measured()
            about = {"version": version_of(library), "device": facts(library, device)}
            keep(folder, key, own, content | about)
            number += 1
            names += [each.name for each in unit.asked]
            print(f"{key.file.removesuffix('.json')}: {len(content['rows'])} rows", flush=True)
        close(list(dict.fromkeys(names)), operation.name)
    return number


@dataclass(frozen=True)
class _Unit:
    """What is asked of a library in one operation, format and setting.

    Attributes
    ----------
    operation : Operation
    format : Format
    setting : Setting
    found : list of Implementation
        Those that take the format.
    others : list of Implementation
        Those that do not, which are asked what they say to it.
    """

    operation: Operation
    format: Format
    setting: Setting
    found: list[Implementation]
    others: list[Implementation]

    @classmethod
    def of(
        cls, library: str, operation: Operation, format: Format, device: str, setting: Setting
    ) -> _Unit:
        """Beside the default setting, and of what takes more than logits, less is asked."""
        found = offered(library, operation, format, device)
        others = [each for each in _own(library, operation, device) if each not in found]
        if setting.name and not is_probed(operation):
            found = []
        if setting.name or not is_probed(operation):
            others = []
        return cls(operation, format, setting, found, others)

    @property
    def asked(self) -> list[Implementation]:
        """All that are called."""
        return [*self.found, *self.others]

    @property
    def modules(self) -> list[str]:
        """Those that decide what the unit holds, beside what decides all units."""
        own = [each.function.__module__ for each in self.asked]
        return own + [refused.__name__] * bool(self.others)

    def measured(self) -> dict[str, Any]:
        """Rows, probes, and on what they were made."""
        begun = time.monotonic()
        in_a_setting = bool(self.setting.name)
        asked = variants(self.operation, self.format, self.found, in_a_setting)
        rows = list(surveyed(self.operation, self.format, asked, in_a_setting))
        probes = [] if in_a_setting or not is_probed(self.operation) else self._probes(asked)
        return {
            "rows": rows,
            "probes": probes,
            "environment": environment() | {"packages": versions()},
            "settings": dict(self.setting.environment),
            "seconds": round(time.monotonic() - begun, 2),
        }

    def _probes(self, asked: list[Variant]) -> list[dict[str, Any]]:
        refusals = refused.refusals(self.operation, self.format, self.others)
        return [*_probed(self.operation, asked), *refusals]


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
