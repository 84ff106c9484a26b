"""Whether a tag, pyproject.toml, CITATION.cff and CHANGELOG.md name one version.

``python .github/release_version.py v1.2.3`` prints what the changelog says of that version, or says
what does not agree, and ends with 1.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

_HEADING = re.compile(r"^## (Unreleased|(\d+\.\d+\.\d+) \(\d{4}-\d{2}-\d{2}\))$", re.MULTILINE)


def declared(root: Path) -> str:
    """The version that pyproject.toml declares."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def disagreeing(root: Path, tag: str | None = None) -> list[str]:
    """A line for each place that names another version than pyproject.toml.

    Without a tag the changelog may begin with what is not released yet.
    """
    version = declared(root)
    cited = re.search(r"^version: (.+)$", (root / "CITATION.cff").read_text(), re.MULTILINE)
    lines = []
    if cited is None or cited[1] != version:
        lines.append(f"CITATION.cff: expected version: {version}, as pyproject.toml has it")
    first, *older = [found[2] for found in _HEADING.finditer(_changelog(root))]
    if first is None and version in older:
        lines.append(f"pyproject.toml: {version} is released already, see CHANGELOG.md")
    if first != version and (first is not None or tag is not None):
        lines.append(f"CHANGELOG.md: expected to begin with ## {version} (YYYY-MM-DD)")
    if tag is not None and tag != f"v{version}":
        lines.append(f"tag {tag}: expected v{version}, as pyproject.toml has it")
    return lines


def notes(root: Path) -> str:
    """What the changelog says of the newest version."""
    text = _changelog(root)
    first, *older = list(_HEADING.finditer(text))
    return text[first.end() : older[0].start() if older else None].strip()


def _changelog(root: Path) -> str:
    return (root / "CHANGELOG.md").read_text(encoding="utf-8")


def main() -> None:
    """Print the notes of the tag's version."""
    root, tag = Path(__file__).parents[1], sys.argv[1]
    if lines := disagreeing(root, tag):
        sys.exit("\n".join(lines))
    print(notes(root))


if __name__ == "__main__":
    main()
