"""What GitHub Actions reads: workflow commands, shown as annotations, and the job's summary."""

from __future__ import annotations

import os


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


def add_to_summary(markdown: str) -> None:
    """Add a document to the summary of the job; nothing is done elsewhere than there."""
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with open(summary, "a", encoding="utf-8") as file:
            file.write(markdown)
