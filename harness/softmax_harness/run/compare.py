"""Two runs, cell by cell: what got better, worse, new or is gone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from softmax_harness.ground.errors import BadFolder, unknown
from softmax_harness.judgement.outcomes import FAULTS
from softmax_harness.run.results import KEYS, Run
from softmax_harness.subjects.declaration import Said

CHANGES = ("worse", "better", "new", "gone")
METRICS = ("max_ulp", "mean_ulp")
# Means of one and the same run agree to 1e-9 whichever tier judged it, maxima to the bit.
_SAME = 1e-9
_NAMES = 3  # that a message lists

_Cells = dict[tuple[Any, ...], Any]


@dataclass(frozen=True)
class Change:
    """How one number of a cell changed, or the whole cell.

    Attributes
    ----------
    change : str
        One of `CHANGES`.
    cell : tuple
        Operation, implementation, dtype, family and n.
    what : str
        The column; ``""`` for a cell that is new or gone.
    before, now : float or None
    witness : str
        Of the largest error of the cell as it is now.
    """

    change: str
    cell: tuple[Any, ...]
    what: str = ""
    before: float | None = None
    now: float | None = None
    witness: str = ""


@dataclass(frozen=True)
class Compared:
    """Two runs and what changed from one to the other.

    Attributes
    ----------
    called : tuple of str
        What the command calls them.
    before, now : Run
    changes : list of Change
    name : str
        What the second run calls its implementation where one stands against another; else ``""``.
    """

    called: tuple[str, str]
    before: Run
    now: Run
    changes: list[Change]
    name: str = ""


@dataclass(frozen=True)
class Side:
    """A run to compare, or one implementation of it.

    Attributes
    ----------
    folder : Path
    name : str
        The implementation; ``""`` for all.
    """

    folder: Path
    name: str = ""

    @classmethod
    def of(cls, text: str) -> Side:
        """``FOLDER`` or ``FOLDER:IMPLEMENTATION``; either may hold colons."""
        parts = text.split(":")
        splits = [(":".join(parts[:at]), ":".join(parts[at:])) for at in range(len(parts), 0, -1)]
        for folder, name in splits:
            if Path(folder).is_dir():
                return cls(Path(folder), name)
        return cls(Path(text))


def one_against_another(first: Run, second: Run, names: tuple[str, str]) -> tuple[Run, Run]:
    """The runs with one implementation of each alone, under a name that both have.

    Raises
    ------
    BadFolder
        If a name is missing, or no run has an implementation of it.
    """
    if not all(names):
        raise BadFolder(
            f"only {names[0] or names[1]} was named: expected A B, or A:IMPL B:IMPL for one "
            "implementation against another"
        )
    called = names[0] if names[0] == names[1] else f"{names[0]} → {names[1]}"
    one, other = (
        _only(run, name, called) for run, name in zip((first, second), names, strict=True)
    )
    return one, other


def _only(run: Run, name: str, called: str) -> Run:
    own = run.results[run.results["implementation"] == name]
    if own.empty:
        raise unknown("implementation of the run", name, sorted({*run.results["implementation"]}))
    return Run(run.info, {"results": own.assign(implementation=called)})


def _written(option: Any) -> str:
    """An option as a message writes it; shapes as a command does."""
    if not isinstance(option, dict):
        return str(option)
    return " ".join(Said(fit=tuple(option.items())).words_of_fit)


def changes(first: Run, second: Run) -> list[Change]:
    """Every change from the first run to the second, the worse ones first.

    Raises
    ------
    BadFolder
        If their inputs were made from different seeds or in different shapes, or held to different
        standards, or if they have no cell in common.
    """
    for name, called in (("seed", "seed"), ("standard", "standard"), ("fit", "shape")):
        one, other = (run.info["options"].get(name) for run in (first, second))
        if one != other:
            texts = ["none" if each is None else _written(each) for each in (one, other)]
            raise BadFolder(
                f"the runs used different {called}s, {texts[0]} and {texts[1]}: make one of them "
                f"again with the {called} of the other"
            )
    before, now = (_by_cell(run) for run in (first, second))
    # Where nothing is compared nothing is worse, and who asks by the exit code would not notice.
    if not any(_is_same(before[cell], now[cell]) for cell in before.keys() & now.keys()):
        raise BadFolder(f"the runs have no cell in common{_apart(before, now)}")
    found = [Change("gone", cell) for cell in before if cell not in now]
    for cell, row in now.items():
        if cell not in before or not _is_same(before[cell], row):
            found.append(Change("new", cell))
        else:
            found += _changes_of(cell, before[cell], row)
    return sorted(found, key=lambda each: CHANGES.index(each.change))


def _by_cell(run: Run) -> _Cells:
    rows = run.results.to_dict("records")
    return {tuple(row[key] for key in KEYS): row for row in rows}


def _is_same(before: Any, now: Any) -> bool:
    """Whether what is measured of one cell twice has the same inputs."""
    return bool(before["rows"] == now["rows"])


def _apart(before: _Cells, now: _Cells) -> str:
    """Why two runs have no cell in common, and what to do."""
    if not before or not now:
        return f": the {'second' if before else 'first'} is empty; make it again"
    for place, key in enumerate(KEYS):
        one, other = ({cell[place] for cell in cells} for cells in (before, now))
        if not one & other:
            hint = ", or name one implementation of each, A:IMPL B:IMPL" * (key == "implementation")
            return (
                f": {key} {_several(one)} in the first, {_several(other)} in the second; expected "
                f"runs of the same{hint}"
            )
    if before.keys() & now.keys():
        return ": each has another number of rows; expected runs of the same suite and families"
    return "; expected runs of the same implementations, dtypes and families"


def _several(names: set[Any]) -> str:
    """The first few of some names."""
    shown = ", ".join(map(str, sorted(names)[:_NAMES]))
    return f"{shown}, ..." if len(names) > _NAMES else shown


def _changes_of(cell: tuple[Any, ...], before: Any, now: Any) -> Iterator[Change]:
    witness = "" if pd.isna(now["witness"]) else str(now["witness"])
    for what in (*FAULTS, *METRICS):
        old, new = float(before[what]), float(now[what])
        change = _change(old, new)
        if change:
            yield Change(change, cell, what, old, new, witness)


def _change(old: float, new: float) -> str:
    """NaN, where nothing had an error in ulp, is no number to compare: outcomes tell that."""
    if math.isnan(old) or math.isnan(new):
        return ""
    if abs(new - old) <= _SAME * max(abs(old), abs(new)):
        return ""
    return "worse" if new > old else "better"
