"""What stands above a report: what was run, when, on what, and what was not measured."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from softmax_reports.facts import listed
from softmax_reports.numbers import counted, in_order
from softmax_reports.section import LeftOut

if TYPE_CHECKING:
    from softmax_harness.run.results import Run


_PIP = "pip install "
_HASH = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{28}\b")  # as many digits as are told apart by


def header_of(run: Run) -> list[tuple[str, str]]:
    """Labels and texts; a command stands alone in its text."""
    info, options = run.info, run.info["options"]
    made: Mapping[str, Any] = info.get("made", {})
    environment = info["environment"]
    cores = counted(int(environment["cores"]), "core")
    told = {
        "measured": made.get("date", ""),
        "commit": _HASH.sub(r"\1", made.get("commit", "")),
        "machine": f"{environment['processor']}, {cores}, {environment['python']}",
        "suite": _suite(run, options),
        "command": made.get("command", ""),
    }
    return [(label, text) for label, text in told.items() if text]


def _suite(run: Run, options: Mapping[str, Any]) -> str:
    families = counted(run.results["family"].nunique(), "family", "families")
    names = counted(run.results["implementation"].nunique(), "implementation")
    return (
        f"{options['suite'] or 'inputs of a set'}, seed {options['seed']}: {names} in "
        f"{listed(in_order(run.results['dtype']))}, {families}"
    )


def left_out(run: Run) -> LeftOut | None:
    """What the run has no numbers of, and how to have them; None where nothing is left out."""
    unavailable = run.info.get("made", {}).get("unavailable", {})
    packages = [_packages(reason) for reason in unavailable.values()]
    libraries = list(dict.fromkeys(_library(each[0]) for each in packages if each))
    more = [
        *(f"{listed(names)}: {remedy}." for remedy, names in _by_remedy(unavailable).items()),
        *([] if "outputs" in run.info["options"] else _more(run)),
    ]
    if not more:
        return None
    command = _PIP + " ".join(dict.fromkeys(name for each in packages for name in each))
    return LeftOut(listed(libraries), command if libraries else "", more)


def _more(run: Run) -> list[str]:
    """What other options would have measured."""
    told = [] if "timings" in run.tables else ["Times: add --time."]
    measured = set(run.results["dtype"])
    declared = {dtype for each in run.info["implementations"].values() for dtype in each["dtypes"]}
    if others := in_order(declared - measured):
        told.append(f"{listed(others)}: add --dtype {others[0]}.")
    if run.info["options"]["suite"] == "quick":
        told.append("More and longer rows: add --suite standard.")
    return told


def _remedy(reason: str) -> str:
    return reason.rpartition(": ")[2]


def _packages(reason: str) -> list[str]:
    """What pip would install; nothing where another thing is lacking."""
    remedy = _remedy(reason)
    return remedy.removeprefix(_PIP).split() if remedy.startswith(_PIP) else []


def _library(package: str) -> str:
    """Its name without quotes and extras, which only a shell and pip need."""
    return package.strip("'\"").partition("[")[0]


def _by_remedy(unavailable: Mapping[str, str]) -> dict[str, list[str]]:
    """The names of what is lacking by what brings it."""
    found: dict[str, list[str]] = {}
    for name, reason in unavailable.items():
        found.setdefault(_remedy(reason), []).append(name.rpartition("/")[2])
    return {remedy: list(dict.fromkeys(names)) for remedy, names in found.items()}
