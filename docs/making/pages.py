"""Writes the pages that are made of the code's own words, and of texts that stand elsewhere.

They lie in ``docs/_made``, are not kept, and are made again whenever the site is built.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
from softmax_harness.cli import TASKS, commands
from softmax_harness.ground.formats import FORMATS, Format
from softmax_harness.inputs.families import FAMILIES
from softmax_harness.inputs.suites import SUITES
from softmax_harness.judgement.metrics import METRICS
from softmax_harness.judgement.outcomes import Outcome
from softmax_harness.operations import OPERATIONS
from softmax_harness.studies.reproduce import PAPERS
from softmax_harness.subjects.catalogue import catalogue
from softmax_reports.sections.glossary import OUTCOME_WORDS, WORDS

# Texts that stand beside what they are about, and the page that each becomes.
BROUGHT = {
    "CHANGELOG.md": "changelog",
    "CONTRIBUTING.md": "contributing",
    "examples/c/README.md": "c",
    "examples/plugin/README.md": "plugin",
    "implementations/README.md": "implementation",
    "implementations/elsewhere/README.md": "elsewhere",
}
_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:|#)([^)#]+)(#[^)]*)?\)")


def write(docs: Path, root: Path) -> None:
    """All of them, into ``docs/_made``; `root` is the repository's."""
    made = docs / "_made"
    made.mkdir(parents=True, exist_ok=True)
    texts = {name: brought(root, source) for source, name in BROUGHT.items()}
    texts |= {"commands": command_page(), "facts": facts_page()}
    pages = {f"{name}.md": text for name, text in texts.items()} | {"words.txt": words()}
    for name, text in pages.items():
        path = made / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:  # Sphinx goes by dates
            path.write_text(text, encoding="utf-8")


def brought(root: Path, source: str) -> str:
    """A text of the repository whose links lead to pages of the site, or else to nothing."""

    def linked(found: re.Match[str]) -> str:
        words, target, anchor = found.groups()
        place = os.path.normpath(Path(source).parent / target)
        if place in BROUGHT:
            return f"[{words}]({BROUGHT[place]}.md)"
        if place.startswith("docs/"):
            return f"[{words}](../{place.removeprefix('docs/')}{anchor or ''})"
        return f"{words} (`{place}`)"

    return _LINK.sub(linked, (root / source).read_text(encoding="utf-8"))


def command_page() -> str:
    """The help of every verb, by task."""
    lines = ["# Commands and options", ""]
    lines += [_plain(commands.help or ""), "", "`softmax-harness --version` tells the version.", ""]
    for task, verbs in TASKS.items():
        lines += [f"## {task}", ""]
        for verb in verbs:
            lines += _verb_lines(verb)
    return "\n".join(lines)


def _verb_lines(verb: str) -> Iterator[str]:
    context = click.Context(commands, info_name="softmax-harness")
    command = commands.get_command(context, verb)
    own = click.Context(command, info_name=verb, parent=context)
    yield from (f"### {verb}", "", f"    {command.get_usage(own).removeprefix('Usage: ')}", "")
    yield from (_plain(command.help or ""), "")
    for parameter in command.get_params(own):
        record = parameter.get_help_record(own)
        if record is not None and record[1]:  # arguments are told of above
            yield from (f"`{record[0]}`", f": {_escaped(record[1])}", "")


def _plain(text: str) -> str:
    """A docstring of click as Markdown: examples are code, ``\\b`` keeps lines as they are."""
    parts = []
    for part in text.split("\n\n"):
        head, sign, example = part.partition("softmax-harness ")
        if part.startswith("\b"):
            parts.append("\n".join(f"    {line}" for line in part.splitlines()[1:]))
        elif head.startswith("Example") or (sign and head.rstrip().endswith(":")):
            parts.append(f"{_escaped(head.strip())}\n\n    {sign}{' '.join(example.split())}")
        else:
            parts.append(_escaped(part))
    return "\n\n".join(parts)


def _escaped(text: str) -> str:
    """Text in which nothing is taken for Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>|#$])", r"\\\1", " ".join(text.split()))


def words() -> str:
    """The glossary that each report has, for the glossary of the site to include."""
    told = ((f"{word}\n  {_escaped(text)}\n") for word, text in sorted(WORDS.items()))
    return "\n".join(("```{glossary}", *told)).rstrip() + "\n```\n"


def facts_page() -> str:
    """Tables of what there is: what the code knows, in its own words."""
    tables = {
        "Operations": (("operation", "called as", "exactly"), _operations()),
        "Implementations": (("name", "formats", "is"), _implementations()),
        "Formats": (("format", "also called", "from", "to", "beyond", "u"), _formats()),
        "Outcomes": (("outcome", "means", "is"), _outcomes()),
        "Metrics": (("metric", "unit", "is"), _metrics()),
        "Families of inputs": (
            ("family", "is"),
            ((f"`{n}`", f.reason) for n, f in FAMILIES.items()),
        ),
        "Suites": (("suite", "lengths of rows"), _suites()),
        "Published figures": (("name", "publication", "measures"), _papers()),
    }
    lines = ["# What there is", "", "`softmax-harness list` prints most of this.", ""]
    for title, (head, rows) in tables.items():
        lines += [f"## {title}", "", *_table(head, rows), ""]
    return "\n".join(lines)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    head = list(head)
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for row in rows:
        cells = (cell if cell.startswith("`") else _escaped(cell) for cell in row)
        yield f"| {' | '.join(cells)} |"


def _operations() -> Iterator[tuple[str, ...]]:
    for name, operation in OPERATIONS.items():
        yield f"`{name}`", f"`{operation.signature}`", operation.summary


def _implementations() -> Iterator[tuple[str, ...]]:
    for name, each in catalogue().items():
        own = "all" if {*each.dtypes} == {*FORMATS} else ", ".join(each.dtypes)
        yield f"`{name}`", own, each.summary.replace("`", "")  # as in the docstring of a function


def _formats() -> Iterator[tuple[str, ...]]:
    for name, each in FORMATS.items():
        yield (f"`{name}`", ", ".join(each.aliases), *_range(each))


def _range(format: Format) -> tuple[str, ...]:
    numbers = f"{format.smallest_subnormal:.4g}", f"{format.largest:.6g}"
    beyond = "infinity" if format.has_infinity else "NaN"
    return *numbers, beyond, f"{format.unit_roundoff:.3g}"


def _outcomes() -> Iterator[tuple[str, ...]]:
    for each in Outcome:
        kinds = {"good": each.is_good, "broken": each.is_broken, "underflow": each.is_underflow}
        own = ", ".join(kind for kind, is_so in kinds.items() if is_so)
        yield f"`{each}`", OUTCOME_WORDS[each], own


def _metrics() -> Iterator[tuple[str, ...]]:
    for each in METRICS:
        yield f"`{each.name}`", each.unit, each.summary


def _suites() -> Iterator[tuple[str, ...]]:
    for name, suite in SUITES.items():
        yield f"`{name}`", ", ".join(map(str, suite.lengths))


def _papers() -> Iterator[tuple[str, ...]]:
    for name, paper in PAPERS.items():
        yield f"`{name}`", paper.title, paper.measures
