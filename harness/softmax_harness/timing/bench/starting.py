"""The template for a kernel author: asv's configuration, and a benchmark of two lines."""

from __future__ import annotations

import shutil
from pathlib import Path

from softmax_harness.ground.errors import BadFolder

TEMPLATE = Path(__file__).with_name("template")


def write_template(folder: Path) -> list[Path]:
    """Copy the template into `folder`; what is there already is refused, not replaced."""
    files = sorted(path for path in TEMPLATE.rglob("*") if path.suffix in (".json", ".py"))
    copies = [folder / path.relative_to(TEMPLATE) for path in files]
    for copy in copies:
        if copy.exists():
            raise BadFolder(f"{copy} is there already: the template would replace it")
    try:
        for path, copy in zip(files, copies, strict=True):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    except OSError as error:
        raise BadFolder(f"{folder} cannot be written: {error.strerror}") from None
    return copies
