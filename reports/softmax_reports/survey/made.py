"""On what a survey was made, and the surprises that stand beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from softmax_reports.facts import listed
from softmax_reports.numbers import counted
from softmax_reports.section import Paragraph, Section, Table
from softmax_reports.survey.read import Survey


def header(survey: Survey) -> list[tuple[str, str]]:
    """When, on what and of how many libraries it was made."""
    about, machine = survey.about, survey.about["machine"]
    cores = counted(int(machine["cores"]), "core")
    return [
        ("measured", about["date"]),
        ("machine", f"{machine['processor']}, {cores}, {machine['python']}"),
        ("packages", f"{len(about['libraries'])}: {listed(sorted(about['libraries']))}"),
    ]


def environment(survey: Survey) -> Section:
    """Versions, processor, and every setting."""
    about = survey.about
    machine = about["machine"]
    text = (
        f"Measured on {about['date']} on {machine['processor']}, "
        f"{counted(int(machine['cores']), 'core')}, "
        f"{machine['platform']}, {machine['python']}; NumPy found {', '.join(machine['simd'])}. "
        "Each library was called with one thread unless a row says more. Nothing is waived."
    )
    versions = Table(
        "Libraries",
        ("library", "version", "NumPy beside it", "seconds"),
        [
            (name, found["version"], found["numpy"], f"{found['seconds']:.0f}")
            for name, found in about["libraries"].items()
        ],
        numeric_from=3,
    )
    told = " ".join(f"{k}={v}" for k, v in _default(about).items())
    settings = Table(
        f"Settings that may change answers, beside the default: {told}",
        ("library", "setting", "variables"),
        [
            (name, setting, " ".join(_changed(variables, default)))
            for name, found in about["libraries"].items()
            for default in [found["settings"][""]]
            for setting, variables in found["settings"].items()
            if setting
        ],
        numeric_from=9,
    )
    others = settings if settings.rows else Paragraph(f"Set for all: {told}.")
    devices = Table(
        "On which device, and how each library is set there",
        ("library", "what", "is"),
        [
            (name, what, value)
            for name, found in about["libraries"].items()
            for what, value in found.get("device", {}).items()
        ],
        numeric_from=9,
    )
    failed = [Paragraph(f"Not measured: {name}: {told}.") for name, told in about["failed"].items()]
    return Section(
        "On what this was measured",
        [Paragraph(text), versions, *[devices] * bool(devices.rows), others, *failed],
    )


def _changed(variables: Mapping[str, str], default: Mapping[str, str]) -> list[str]:
    """What a setting has beside the default one, in order."""
    return sorted(f"{name}={value}" for name, value in variables.items() - default.items())


def _default(about: dict[str, Any]) -> dict[str, str]:
    """The variables of the default setting, which is the same for all."""
    first = next(iter(about["libraries"].values()))
    return dict(first["settings"][""])


def is_of_device(survey: Survey) -> bool:
    """Whether it was made on a device."""
    return any(found.get("device") for found in survey.about["libraries"].values())


def surprises(folder: Path, survey: Survey) -> Section | None:
    """The surprises, one line each, from the texts in a folder; None where there are none.

    Those of a device are named after it: ``cuda_*.md``.
    """
    rows = []
    for path in sorted(folder.glob("*.md")):
        if path.name.startswith("cuda_") != is_of_device(survey):
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        title = lines[0].removeprefix("# ")
        witness = next(
            (each.removeprefix("Witness: ") for each in lines if "Witness: " in each), ""
        )
        script = f"{path.stem}.py" if path.with_suffix(".py").is_file() else ""
        rows.append((title, witness, script))
    if not rows:
        return None
    text = (
        "Each has a text for the library’s maintainers in reports/survey/surprises, and a script "
        "that shows it without this harness."
    )
    table = Table("Surprises", ("what", "witness", "script"), rows, numeric_from=9)
    return Section("Surprises", [Paragraph(text), table])
