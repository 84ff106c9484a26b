"""A survey as it lies on disk."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from softmax_harness.ground.errors import BadFolder

# The input of a probe, as the file has it, by which a library was asked for such a format.
NOT_DECLARED = "a format that is not declared"


@dataclass(frozen=True)
class Survey:
    """A survey.

    Attributes
    ----------
    about : dict
        The contents of survey.json.
    results, probes, bits : DataFrame
        Its tables; empty texts are empty, not missing.
    """

    about: dict[str, Any]
    results: pd.DataFrame
    probes: pd.DataFrame
    bits: pd.DataFrame

    @property
    def operations(self) -> list[str]:
        """What was surveyed, that of most libraries first."""
        count = self.results.groupby("operation", sort=False)["library"].nunique()
        return [str(name) for name in count.sort_values(ascending=False, kind="stable").index]

    @property
    def refusals(self) -> pd.DataFrame:
        """Of `probes` what was said to formats that are not declared."""
        return self.probes[self.probes["input"] == NOT_DECLARED]

    def version(self, library: str) -> str:
        """The library with its version."""
        found = self.about["libraries"][library]["version"]
        return f"{library} {found}".strip()


def read(folder: Path) -> Survey:
    """The survey in a folder; `BadFolder` where there is none."""
    path = folder / "survey.json"
    if not path.is_file():
        raise BadFolder(f"{folder}: no survey.json there; expected a folder that make survey wrote")
    about = json.loads(path.read_text(encoding="utf-8"))
    texts = ("setting", "way", "faults", "where", "answer", "expected", "right", "against")
    tables = []
    for name in ("results", "probes", "bits"):
        path = folder / f"{name}.csv"
        numbers = [each for each in pd.read_csv(path, nrows=0) if each not in texts]
        # An answer "nan" is a word, and no missing one.
        missing = dict.fromkeys(numbers, ["", "nan"])
        tables.append(pd.read_csv(path, keep_default_na=False, na_values=missing))
    return Survey(about, *tables)
