"""The settings of a project: the table ``[tool.softmax-harness]`` of its pyproject.toml."""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from softmax_harness.check.contract.promises import Limit, parsed_limit
from softmax_harness.check.gate.waiver import Waiver
from softmax_harness.ground.errors import BadSettings, unknown
from softmax_harness.ground.formats import FORMATS
from softmax_harness.inputs.families import FAMILIES

_TABLE = "[tool.softmax-harness]"


@dataclass(frozen=True)
class Settings:
    """The settings of a project.

    Attributes
    ----------
    implementations, dtypes : tuple of str
        What is checked if nothing is named; empty where the project does not say.
    limits : tuple of Limit
    waivers : tuple of Waiver
    baseline : Path or None
        The baseline, relative to the working folder or absolute.
    folder : Path or None
        Where the settings were found.
    """

    implementations: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    baseline: Path | None = None
    folder: Path | None = None


def found_settings(start: Path) -> Settings:
    """The settings in the nearest pyproject.toml of `start` and the folders above; none if none.

    Raises
    ------
    BadSettings
        If the table holds something that is not a setting.
    """
    for folder in (start, *start.parents):
        path = folder / "pyproject.toml"
        if path.is_file():
            return _read(path)
    return Settings()


def _read(path: Path) -> Settings:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSettings(f"{path}: cannot be read as TOML ({error})") from None
    tools = document.get("tool")
    table = tools.get("softmax-harness") if isinstance(tools, dict) else None
    return Settings() if table is None else _Reader(path).settings(table)


@dataclass(frozen=True)
class _Reader:
    """Turns a table into settings; each error names the file and the key."""

    path: Path
    _keys: tuple[str, ...] = field(
        default=("implementations", "dtypes", "baseline", "limits", "waivers"), init=False
    )

    def settings(self, table: Any) -> Settings:
        """The settings of the whole table."""
        if not isinstance(table, dict):
            raise self._error(_TABLE, table, "a table")
        self._check_keys(table, self._keys, _TABLE)
        baseline = table.get("baseline")
        if baseline is not None and not isinstance(baseline, str):
            raise self._error("baseline", baseline, "the path of a file")
        return Settings(
            self._words(table, "implementations"),
            self._words(table, "dtypes"),
            tuple(self._limit(each) for each in self._tables(table, "limits")),
            tuple(self._waiver(each) for each in self._tables(table, "waivers")),
            None if baseline is None else self.path.parent / baseline,
            self.path.parent,
        )

    def _words(self, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
        words = table.get(key, [])
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise self._error(key, words, "a list of strings")
        return tuple(words)

    def _tables(self, table: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
        tables = table.get(key, [])
        if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
            raise self._error(
                key, tables, f"tables, each begun with [[tool.softmax-harness.{key}]]"
            )
        return tables

    def _limit(self, table: dict[str, Any]) -> Limit:
        places = {key: table.get(key) for key in ("implementation", "dtype", "family")}
        metrics = {key: value for key, value in table.items() if key not in places}
        if len(metrics) != 1:
            raise self._error("limits", table, "one metric in each, such as max_ulp = 4")
        ((name, number),) = metrics.items()
        for key, value in places.items():
            if value is not None and not isinstance(value, str):
                raise self._error(f"limits: {key}", value, "a string")
        self._check_named("limits", "dtype", places["dtype"], FORMATS)
        self._check_named("limits", "family", places["family"], FAMILIES)
        return parsed_limit(f"{name}={number}", f"{self.path}: limits", **places)

    def _waiver(self, table: dict[str, Any]) -> Waiver:
        known = ("kind", "implementation", "dtype", "reason", "expires")
        self._check_keys(table, known, "waivers")
        for key in ("kind", "reason"):
            if not isinstance(table.get(key), str) or not table[key].strip():
                raise self._error(f"waivers: {key}", table.get(key), "a string that is not empty")
        for key in ("implementation", "dtype"):
            if not isinstance(table.get(key, ""), str):
                raise self._error(f"waivers: {key}", table[key], "a string")
        self._check_named("waivers", "dtype", table.get("dtype"), FORMATS)
        expires = table.get("expires")
        if type(expires) is not datetime.date:
            raise self._error("waivers: expires", expires, "a date such as 2030-01-31, unquoted")
        return Waiver(
            table["kind"], table["reason"], expires, table.get("implementation"), table.get("dtype")
        )

    def _check_keys(self, table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
        for key in table:
            if key not in known:
                raise BadSettings(f"{self.path}: {where}: {unknown('setting', key, known)}")

    def _check_named(self, where: str, kind: str, name: str | None, known: Iterable[str]) -> None:
        """Refuse a name of nothing, under which a limit or a waiver would hold nowhere."""
        if name is not None and name not in (known := [*known]):
            raise BadSettings(f"{self.path}: {where}: {unknown(kind, name, known)}")

    def _error(self, key: str, given: Any, expected: str) -> BadSettings:
        return BadSettings(f"{self.path}: {key} is {given!r}: expected {expected}")
