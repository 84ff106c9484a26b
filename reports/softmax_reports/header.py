"""What stands above a report: what was run, when, on what, and what was not measured."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from softmax_reports.facts import listed
from softmax_reports.numbers import counted, in_order

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
        "not measured": " ".join(_left_out(run, options, made)),
    }
    return [(label, text) for label, text in told.items() if text]


def _suite(run: Run, options: Mapping[str, Any]) -> str:
    families = counted(run.results["family"].nunique(), "family", "families")
    names = counted(run.results["implementation"].nunique(), "implementation")
    return (
        f"{options['suite'] or 'inputs of a set'}, seed {options['seed']}: {names} in "
        f"{listed(in_order(run.results['dtype']))} on {families}"
    )


def _left_out(run: Run, options: Mapping[str, Any], made: Mapping[str, Any]) -> list[str]:
    """What the run has no numbers of, and how to have them."""
    told = [
        f"{listed(names)} ({remedy})."
        for remedy, names in _by_remedy(made.get("unavailable", {})).items()
    ]
    if "outputs" in options:
        return told
    if "timings" not in run.tables:
        told.append("Times (add --time).")
    measured = set(run.results["dtype"])
    declared = {dtype for each in run.info["implementations"].values() for dtype in each["dtypes"]}
    if others := in_order(declared - measured):
        told.append(f"{listed(others)} (add --dtype {others[0]}).")
    if options["suite"] == "quick":
        told.append("More and longer rows (add --suite standard).")
    return told


def _by_remedy(unavailable: Mapping[str, str]) -> dict[str, list[str]]:
    """The names of what is lacking by what brings it; all that pip brings comes by one command."""
    packages, found = dict[str, None](), dict[str, list[str]]()
    for name, reason in unavailable.items():
        remedy = reason.rpartition(": ")[2]
        if remedy.startswith(_PIP):
            packages |= dict.fromkeys(remedy.removeprefix(_PIP).split())
            remedy = _PIP
        found.setdefault(remedy, []).append(name.rpartition("/")[2])
    named = {remedy: list(dict.fromkeys(names)) for remedy, names in found.items()}
    return {
        _PIP + " ".join(packages) if remedy == _PIP else remedy: names
        for remedy, names in named.items()
    }
