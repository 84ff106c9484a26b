"""What is checked, and whether limits and waivers speak of anything that is there."""

from __future__ import annotations

from pathlib import Path

from softmax_harness.check.gate.settings import Settings
from softmax_harness.ground.errors import BadSettings, HarnessError, unknown
from softmax_harness.operations import DEFAULT_OPERATION
from softmax_harness.subjects.catalogue import catalogue
from softmax_harness.subjects.named import check_name
from softmax_harness.subjects.specification import entry_points, simplest


def nothing_of_the_project(operation: str) -> str:
    """The note on a check for which nothing was named."""
    table = "tool.softmax-harness"
    if operation != DEFAULT_OPERATION:
        table += f".operations.{operation}"
    return (
        "nothing of this project was checked, only what is built in: name implementations, or list "
        f"them in [{table}] of pyproject.toml"
    )


def check_names(given: tuple[str, ...], settings: Settings, operation: str) -> tuple[str, ...]:
    """The names that are checked: those that are given, or else those of the settings.

    Raises
    ------
    UnknownName, BadImplementation
        If one of those that are given names no implementation.
    BadSettings
        If one in the settings does not.
    """
    given = tuple(map(simplest, given))
    for name in given:
        check_name(name, operation)
    if not given:
        for name in settings.implementations:
            _check_setting(name, settings, operation)
    _check_spoken_of(given, settings, operation)
    return given or settings.implementations


def _check_setting(name: str, settings: Settings, operation: str) -> None:
    try:
        check_name(name, operation)
    except HarnessError as error:
        elsewhere = settings.folder not in (None, Path.cwd())
        hint = f"; paths count from {settings.folder}: run the command there" if elsewhere else ""
        raise BadSettings(f"{_file(settings)}: {error}{hint}") from None


def _check_spoken_of(given: tuple[str, ...], settings: Settings, operation: str) -> None:
    """Refuse a limit or a waiver for what nothing is named, under which it would hold nowhere."""
    named = dict.fromkeys((*settings.implementations, *given))
    for where, several in (("limits", settings.limits), ("waivers", settings.waivers)):
        for each in several:
            name = each.implementation
            if name is None or name in {*named, *catalogue(operation), *entry_points()}:
                continue
            known = [*named] or [*catalogue(operation)]
            raise BadSettings(
                f"{_file(settings)}: {where}: {unknown('implementation', name, known)}"
            )


def _file(settings: Settings) -> str:
    return str((settings.folder or Path()) / "pyproject.toml")
