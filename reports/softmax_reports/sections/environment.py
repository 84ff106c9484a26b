"""What the run was made with, and how to make it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from softmax_reports.numbers import digits, whole
from softmax_reports.section import Paragraph, Section, Table

if TYPE_CHECKING:
    from softmax_harness.run.results import Run


def environment(run: Run) -> Section:
    """Versions, processor, options, and the errors of exp and log that the bounds rest on."""
    info = run.info
    counts, options = info["counts"], info["options"]
    parts: list[Paragraph | Table] = [
        Paragraph(
            f"Rows of {whole(counts['elements'])} logits in all were judged {_for_whom(info)}. The "
            f"screen, whose error is bounded, judged {whole(counts['screened'])} of these. mpmath "
            f"judged {whole(counts['escalated'])}, at a precision that rises until the rounding is "
            f"decided. mpmath also judged {whole(counts['confirmed'])} again, to confirm every "
            "maximum. The same options give the same results.csv, bit for bit, on "
            "the same processor with the same versions."
        ),
        Table("Environment", ("what", "value"), _pairs(info["environment"]), numeric_from=9),
        Table("Options", ("option", "value"), _pairs(options), numeric_from=9),
        Table(
            "Errors of NumPy’s exp and log on this machine, the largest at 4,096 points each, "
            "and at least those of a correct rounding",
            ("dtype", "exp, relative", "exp, in subnormal spacings", "log, relative"),
            [
                (name, digits(each["exp"]), digits(each["exp_subnormal"]), digits(each["log"]))
                for name, each in info["elementary_errors"].items()
            ],
        ),
        Table(
            "Families of inputs",
            ("family", "why"),
            sorted((name, reason) for name, reason in info["families"].items()),
            numeric_from=9,
        ),
    ]
    if parts_of_it := info.get("parts"):
        columns = ("command", "date", "processor")
        rows = [tuple(each[name] for name in columns) for each in parts_of_it]
        parts.append(Table("Runs that were merged", columns, rows, numeric_from=9))
    if info["faults"]:
        rows = [(name, "; ".join(faults)) for name, faults in info["faults"].items()]
        parts.append(Table("Faults of calls", ("implementation", "fault"), rows, numeric_from=9))
    return Section("Environment", parts)


def _for_whom(info: dict[str, Any]) -> str:
    if "parts" in info:
        return "in the runs that were merged, each for the implementations of its own run"
    return "for each implementation that supports their dtype"


def _pairs(values: dict[str, Any]) -> list[tuple[str, ...]]:
    """Names and values; what was not given is left out."""
    given = {name: each for name, each in values.items() if each is not None and each is not False}
    return [(name.replace("_", " "), _shown(value)) for name, value in given.items()]


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        # In order, also because a text that begins with this program's name is a command.
        return ", ".join(f"{name} {each}" for name, each in sorted(value.items()))
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "all"
    return "yes" if value is True else str(value)
