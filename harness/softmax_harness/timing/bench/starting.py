"""The template for a kernel author: asv's configuration, and a benchmark of two lines."""

from __future__ import annotations

from pathlib import Path

from softmax_harness.ground.errors import BadFolder
from softmax_harness.ground.files import replacing_file

TEMPLATE = Path(__file__).with_name("template")


def write_template(folder: Path) -> list[Path]:
    """Copy the template into `folder`; what is there already is refused, not replaced."""
    files = sorted(path for path in TEMPLATE.rglob("*") if path.suffix in (".json", ".py"))
    copies = [folder / path.relative_to(TEMPLATE) for path in files]
    try:
        for copy in copies:
            if copy.exists() or copy.is_symlink():
                raise BadFolder(f"{copy} is there already: the template would replace it")
        _copy(files, copies)
    except OSError as error:
        raise BadFolder(f"{folder} cannot be written: {error.strerror}") from None
    return copies


def _copy(files: list[Path], copies: list[Path]) -> None:
    """Copy all files, or none."""
    made: list[Path] = []
    try:
        for path, copy in zip(files, copies, strict=True):
            copy.parent.mkdir(parents=True, exist_ok=True)
            replacing_file(copy, path.read_bytes())
            made.append(copy)
    except BaseException:
        for copy in made:
            copy.unlink()
        raise
