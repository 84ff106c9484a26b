"""What stands above a report: what was run, when, on what, and what was not measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from softmax_reports.facts import listed
from softmax_reports.numbers import counted, in_order

if TYPE_CHECKING:
    from softmax_harness.run.results import Run


def header_of(run: Run) -> list[tuple[str, str]]:
    """Labels and texts; a command stands alone in its text."""
    info, options = run.info, run.info["options"]
    made: Mapping[str, Any] = info.get("made", {})
    environment = info["environment"]
    cores = counted(int(environment["cores"]), "core")
    told = {
        "measured": made.get("date", ""),
        "commit": made.get("commit", ""),
        "command": made.get("command", ""),
        "machine": f"{environment['processor']}, {cores}, {environment['python']}",
        "suite": _suite(run, options),
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
        f"{name} ({reason.rpartition(': ')[2]})."
        for name, reason in _one_each(made.get("unavailable", {})).items()
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


def _one_each(unavailable: Mapping[str, str]) -> dict[str, str]:
    """The names of what lacks the same library, once."""
    found: dict[str, list[str]] = {}
    for name, reason in unavailable.items():
        found.setdefault(reason, []).append(name.rpartition("/")[2])
    return {listed(list(dict.fromkeys(names))): reason for reason, names in found.items()}
