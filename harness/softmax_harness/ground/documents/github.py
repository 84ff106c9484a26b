"""What GitHub Actions reads: workflow commands, shown as annotations, and the job's summary."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from softmax_harness.ground.errors import BadFolder


def shows_annotations() -> bool:
    """Whether this process runs in GitHub Actions."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def annotation(level: str, text: str, title: str = "", place: tuple[str, int] | None = None) -> str:
    """The workflow command that shows `text`, on one line; `level` is error, warning or notice.

    `place` is a file, from the root of the repository, and a line in it.
    """
    properties = {}
    if place is not None:
        properties = {"file": place[0], "line": str(place[1])}
    if title:
        properties["title"] = title
    told = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{level}{f' {told}' if told else ''}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def check_summary() -> None:
    """Refuse a summary that cannot be written, before any work is done for it."""
    if summary := _summary():
        there = summary if os.path.exists(summary) else summary.absolute().parent
        if os.path.isdir(summary) or not os.access(there, os.W_OK):
            raise _refused(summary, f"you may not write to {there}")


def add_to_summary(markdown: str) -> None:
    """Add a document to the summary of the job, whole; nothing is done elsewhere than there."""
    if summary := _summary():
        try:
            _append(summary, markdown.encode("utf-8"))
        except OSError as error:
            raise _refused(summary, str(error.strerror)) from None


def _append(path: Path, whole: bytes) -> None:
    with path.open("ab", buffering=0) as file:
        before, left = os.fstat(file.fileno()).st_size, memoryview(whole)
        try:
            while left:
                left = left[file.write(left) :]
        except OSError:
            with suppress(OSError):  # a device has no length
                file.truncate(before)
            raise


def _summary() -> Path | None:
    name = os.environ.get("GITHUB_STEP_SUMMARY")
    return Path(name) if name else None


def _refused(summary: Path, reason: str) -> BadFolder:
    return BadFolder(
        f"GITHUB_STEP_SUMMARY names {summary}, which cannot be written ({reason}): "
        "unset it, or name a file"
    )
