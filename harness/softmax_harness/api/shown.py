"""Results that print well, in a terminal and in a notebook."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from softmax_harness.ground.errors import BadData, BadLimit, unknown
from softmax_harness.ground.formats import dtype_name

if TYPE_CHECKING:
    import pandas as pd

_MOST_ROWS = 60  # of a table in a notebook


class Shown(ABC):
    """A result with a text and a table."""

    @property
    @abstractmethod
    def text(self) -> str:
        """What the verb prints."""

    @property
    @abstractmethod
    def table(self) -> pd.DataFrame:
        """The numbers."""

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        """For a notebook: nothing in it, whatever it is named, becomes markup."""
        table = self.table.to_html(max_rows=_MOST_ROWS, escape=True, index=False)
        return f"<pre>{escape(self.text)}</pre>\n{table}"


def names(given: str | Sequence[str]) -> tuple[str, ...]:
    """One name or several; several may stand in one text between commas, as in a command."""
    if not isinstance(given, (str, Sequence)):
        raise BadData(f"{given!r} was given: expected names")
    texts = given.split(",") if isinstance(given, str) else given
    return tuple(text.strip() for text in texts if text.strip())


def dtype_names(given: str | Sequence[str]) -> tuple[str, ...]:
    """The formats by their own names, where aliases such as fp16 are given."""
    return tuple(map(dtype_name, names(given)))


def limit_texts(limits: Mapping[str, float] | None) -> list[str]:
    """Limits as the command writes them: ``max_ulp=2``."""
    return [f"{metric}={number}" for metric, number in (limits or {}).items()]


def fit_in(shapes: Mapping[str, int] | None) -> tuple[tuple[str, int], ...]:
    """What was chosen of shapes, as the options of the command write it: ``head-dim``.

    Raises
    ------
    BadLimit
        If a size is no whole number above 0.
    """
    given = {name.replace("_", "-"): value for name, value in (shapes or {}).items()}
    for name, value in given.items():
        if not isinstance(value, (bool, int)):
            raise BadLimit(
                f"shapes: {name}={value!r}: expected a whole number, at least 1, or True"
            )
    return tuple((name, int(value)) for name, value in given.items() if value is not False)


def check_whole(least: int, **given: int | None) -> None:
    """Refuse what is no whole number, that one or more; None stands for the default."""
    for name, number in given.items():
        is_whole = isinstance(number, int) and not isinstance(number, bool)
        if number is not None and not (is_whole and number >= least):
            raise BadLimit(f"{name}={number!r}: expected a whole number, {least} or more")


def known(kind: str, given: tuple[str, ...], all_known: Sequence[str]) -> tuple[str, ...]:
    """Names that are all known; `UnknownName` with the nearest one otherwise."""
    for name in given:
        if name not in all_known:
            raise unknown(kind, name, all_known)
    return given
