"""The manifest of a folder that a command wrote: run.json, which names the other files."""

from __future__ import annotations

import json
import re
from pathlib import Path, PurePosixPath
from typing import Any

from softmax_harness.ground.documents.as_json import json_text

MANIFEST = "run.json"
# A run that was written before manifests named files had these, and the figures of its report.
_REPORT = ("report.html", "report.md")
_FIGURE = re.compile(r"\((figures/[\w.-]+\.svg)\)")


def kind_of(folder: Path) -> str | None:
    """What a command wrote into `folder`: ``"run"``, ``"inputs"``, or None for anything else."""
    info = _read(folder)
    if "schema" not in info or "options" not in info:
        return None
    if isinstance(info.get("sha256"), dict):
        return "run"
    return "inputs" if isinstance(info.get("files"), list) else None


def names_in(folder: Path) -> set[str]:
    """The files in `folder` that the manifest names, and the manifest, relative to `folder`.

    A link or a folder that stands where a file was written is not one of them.
    """
    if kind_of(folder) is None:
        return set()
    names = {MANIFEST, *_listed(folder, _read(folder))}
    return {name for name in names if _is_inside(name) and is_plain_file(folder / name)}


def is_plain_file(path: Path) -> bool:
    """Whether a file stands there, and no link to one."""
    return path.is_file() and not path.is_symlink()


def written_in(fresh: Path) -> list[str]:
    """All files that were just written into `fresh` but the manifest; listed ones come first."""
    found = {path.relative_to(fresh).as_posix() for path in fresh.rglob("*") if path.is_file()}
    found.discard(MANIFEST)
    listed = [name for name in dict.fromkeys(_read(fresh).get("files", [])) if name in found]
    return [*listed, *sorted(found.difference(listed))]


def manifest_text(fresh: Path, names: list[str]) -> str:
    """The manifest in `fresh`, which names these files instead."""
    return json_text(_read(fresh) | {"files": names})


def _listed(folder: Path, info: dict[str, Any]) -> list[str]:
    if isinstance(info.get("files"), list):
        return [name for name in info["files"] if isinstance(name, str)]
    try:
        report = (folder / "report.md").read_text(encoding="utf-8")
    except (OSError, ValueError):
        report = ""
    return [*(f"{name}.csv" for name in info["sha256"]), *_REPORT, *_FIGURE.findall(report)]


def _is_inside(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return bool(parts) and not Path(name).is_absolute() and ".." not in parts


def _read(folder: Path) -> dict[str, Any]:
    try:
        info = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return info if isinstance(info, dict) else {}
