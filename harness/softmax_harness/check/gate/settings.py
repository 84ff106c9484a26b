"""The settings of a project: the table ``[tool.softmax-harness]`` of its pyproject.toml."""

from __future__ import annotations

import datetime
import difflib
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from softmax_harness.check.contract.promises import Limit, parsed_limit
from softmax_harness.check.gate.tolerance import Tolerance
from softmax_harness.check.gate.waiver import Waiver
from softmax_harness.ground.adapters import ADAPTERS
from softmax_harness.ground.errors import BadSettings, unknown
from softmax_harness.ground.formats import ALIASES, FORMATS, dtype_name
from softmax_harness.inputs.families import FAMILIES
from softmax_harness.operations import DEFAULT_OPERATION, OPERATIONS
from softmax_harness.operations.standards import STANDARDS
from softmax_harness.subjects.declaration import Said
from softmax_harness.subjects.specification import simplest

_NAME = "softmax-harness"
_TABLE = f"[tool.{_NAME}]"
# What is as near to the name is a slip of the pen.
_ALIKE = 0.85
_SLIPS = 2
_OF_IMPLEMENTATIONS = tuple(name for name in vars(Said()) if name not in ("fit", "policy"))
_OF_OPERATIONS = ("implementations", "dtypes", "limits", "waivers")
_DTYPES = (*FORMATS, *ALIASES)
# What the suite judges: a limit in another family would hold nowhere.
_JUDGED = [family.name for family in FAMILIES.values() if family.check is not None]


@dataclass(frozen=True)
class Settings:
    """The settings of a project.

    Attributes
    ----------
    implementations, dtypes : tuple of str
        What is checked if nothing is named; empty where the project does not say.
    said : dict of str to Said
        What it says of implementations that have a table of their own, by name.
    limits : tuple of Limit
    waivers : tuple of Waiver
    baseline : Path or None
        The baseline, relative to the working folder or absolute.
    tolerance : Tolerance
        What may be worse than in the baseline.
    strict : bool or None
        Whether what an implementation declares as known about itself counts as a finding; None
        where the project does not say: of what is built in it does not, of all others it does.
    folder : Path or None
        Where the settings were found.
    operations : dict of str to Settings
        Of other operations than softmax, with the baseline, the tolerance and the strictness of
        the project.
    """

    implementations: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    baseline: Path | None = None
    tolerance: Tolerance = Tolerance()
    strict: bool | None = None
    folder: Path | None = None
    operations: dict[str, Settings] = field(default_factory=dict)
    said: dict[str, Said] = field(default_factory=dict)

    def of(self, operation: str) -> Settings:
        """What the project says of an operation."""
        if operation == DEFAULT_OPERATION:
            return self
        return self.operations.get(operation) or self._shared()

    def _shared(self) -> Settings:
        """What holds for every operation of the project."""
        return Settings(
            baseline=self.baseline,
            tolerance=self.tolerance,
            strict=self.strict,
            folder=self.folder,
        )

    @property
    def named_operations(self) -> tuple[str, ...]:
        """The operations of which it names implementations; softmax where it names none."""
        own = (DEFAULT_OPERATION,) if self.implementations or not self.operations else ()
        return (*own, *self.operations)


def found_settings(start: Path) -> Settings:
    """The settings of the nearest pyproject.toml that has the table, in `start` or above it.

    Raises
    ------
    BadSettings
        If the table holds something that is not a setting, or its name is misspelt.
    """
    for folder in (start, *start.parents):
        path = folder / "pyproject.toml"
        if path.is_file() and (table := _table(path)) is not None:
            return _Reader(path).settings(table)
    return Settings()


def _table(path: Path) -> Any:
    """What stands under the name of the table; None where nothing does."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadSettings(f"{path}: cannot be read as TOML ({error})") from None
    tools = document.get("tool")
    tools = tools if isinstance(tools, dict) else {}
    # Even beside one of the right name, such as a table below it, whose name is right.
    for place, names in (("", document), ("tool.", [each for each in tools if each != _NAME])):
        for name in names:
            if _is_like_ours(name):
                raise BadSettings(f"{path}: [{place}{name}] is no table of ours: write {_TABLE}")
    return tools.get(_NAME)


def _is_like_ours(name: str) -> bool:
    is_as_long = abs(len(name) - len(_NAME)) <= _SLIPS
    return is_as_long and difflib.SequenceMatcher(None, name.lower(), _NAME).ratio() >= _ALIKE


def _simplest(name: str | None) -> str | None:
    return None if name is None else simplest(name)


@dataclass(frozen=True)
class _Reader:
    """Turns a table into settings; each error names the file and the key."""

    path: Path
    _keys: tuple[str, ...] = field(
        default=(
            "implementations",
            "dtypes",
            "baseline",
            "limits",
            "waivers",
            "tolerance",
            "strict",
            "operations",
        ),
        init=False,
    )

    def settings(self, table: Any) -> Settings:
        """The settings of the whole table."""
        if not isinstance(table, dict):
            raise self._error(_TABLE, table, "a table")
        self._check_keys(table, self._keys, _TABLE)
        baseline = table.get("baseline")
        if baseline is not None and not isinstance(baseline, str):
            raise self._error("baseline", baseline, "the path of a file")
        strict = table.get("strict")
        if strict is not None and not isinstance(strict, bool):
            raise self._error("strict", strict, "true or false")
        found = Settings(
            baseline=None if baseline is None else self.path.parent / baseline,
            tolerance=self._tolerance(table.get("tolerance", {})),
            strict=strict,
            folder=self.path.parent,
        )
        operations = self._operations(table.get("operations", {}), found)
        return replace(self._named(table, found), operations=operations)

    def _named(self, table: Mapping[str, Any], shared: Settings) -> Settings:
        """The settings with what a table names, and what it asks of that."""
        named = {"implementations": self._names(table)} if "implementations" in table else {}
        return replace(
            shared,
            implementations=tuple(map(simplest, self._words(named, "implementations"))),
            said=self._said(table),
            dtypes=self._words(table, "dtypes"),
            limits=tuple(self._limit(each) for each in self._tables(table, "limits")),
            waivers=tuple(self._waiver(each) for each in self._tables(table, "waivers")),
        )

    def _names(self, table: Mapping[str, Any]) -> Any:
        """The names of the implementations, of which each stands alone or in a table."""
        given = table["implementations"]
        if not isinstance(given, list):
            return given
        return [each.get("name") if isinstance(each, dict) else each for each in given]

    def _said(self, table: Mapping[str, Any]) -> dict[str, Said]:
        """What the tables among the implementations say beside their names."""
        found = {}
        given = table.get("implementations", [])
        for each in (each for each in given if isinstance(each, dict)):
            self._check_keys(each, ("name", *_OF_IMPLEMENTATIONS), "implementations")
            for key, value in each.items():
                if not isinstance(value, str):
                    raise self._error(f"implementations: {key}", value, "a string")
            self._check_named("implementations", "dtype", each.get("output_dtype"), _DTYPES)
            self._check_named("implementations", "standard", each.get("standard"), STANDARDS)
            self._check_named("implementations", "library", each.get("arrays"), ADAPTERS)
            said = Said(**{key: value for key, value in each.items() if key != "name"})
            said.check_concerns([each.get("name", "")])
            found[simplest(each.get("name", ""))] = said
        return found

    def _operations(self, tables: Any, shared: Settings) -> dict[str, Settings]:
        """The settings of each operation that has a table of its own."""
        if not isinstance(tables, dict) or not all(isinstance(t, dict) for t in tables.values()):
            given = f"tables, such as [{_TABLE[1:-1]}.operations.log_softmax]"
            raise self._error("operations", tables, given)
        for name, table in tables.items():
            others = [each for each in OPERATIONS if each != DEFAULT_OPERATION]
            self._check_named("operations", "operation", name, others)
            self._check_keys(table, _OF_OPERATIONS, f"operations.{name}")
        return {name: self._named(table, shared) for name, table in tables.items()}

    def _words(self, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
        if key not in table:
            return ()
        words = table[key]
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            example = '{name = "lib.so:softmax", signature = "f32 rows,n"}'
            also = f", or of tables such as {example}" * (key == "implementations")
            raise self._error(key, words, f"a list of strings{also}")
        if not words:
            raise self._error(key, words, "a name at least; without the key all are checked")
        return tuple(words)

    def _tolerance(self, table: Any) -> Tolerance:
        if not isinstance(table, dict):
            raise self._error("tolerance", table, "a table such as {relative = 0.05, ulp = 0.5}")
        self._check_keys(table, Tolerance._fields, "tolerance")
        for key, number in table.items():
            if type(number) not in (int, float) or not 0 <= number < math.inf:
                raise self._error(f"tolerance: {key}", number, "a number, 0 or more")
        return Tolerance(**table)

    def _tables(self, table: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
        tables = table.get(key, [])
        if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
            raise self._error(
                key, tables, f"tables, each begun with [[tool.softmax-harness.{key}]]"
            )
        return tables

    def _limit(self, table: dict[str, Any]) -> Limit:
        table = _with_own_dtype(table)
        places = {key: table.get(key) for key in ("implementation", "dtype", "family")}
        metrics = {key: value for key, value in table.items() if key not in places}
        if len(metrics) != 1:
            raise self._error("limits", table, "one metric in each, such as max_ulp = 4")
        ((name, number),) = metrics.items()
        for key, value in places.items():
            if value is not None and not isinstance(value, str):
                raise self._error(f"limits: {key}", value, "a string")
        self._check_named("limits", "dtype", places["dtype"], FORMATS)
        self._check_named("limits", "family", places["family"], _JUDGED)
        places["implementation"] = _simplest(places["implementation"])
        return parsed_limit(f"{name}={number}", f"{self.path}: limits", **places)

    def _waiver(self, table: dict[str, Any]) -> Waiver:
        table = _with_own_dtype(table)
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
        name = _simplest(table.get("implementation"))
        return Waiver(table["kind"], table["reason"], expires, name, table.get("dtype"))

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


def _with_own_dtype(table: dict[str, Any]) -> dict[str, Any]:
    """The table, whose dtype has its own name where an alias such as fp16 is written."""
    dtype = table.get("dtype")
    return table | {"dtype": dtype_name(dtype)} if isinstance(dtype, str) else table
