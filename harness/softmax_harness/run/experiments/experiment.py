"""What an experiment must state about itself so that a run can hold it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from softmax_implementations import Implementation

from softmax_harness.ground.formats import Format
from softmax_harness.operations import DEFAULT_OPERATION

Row = dict[str, Any]


def _any_format(format: Format) -> bool:
    return True


@dataclass(frozen=True)
class Experiment:
    """What an implementation's errors do to real work.

    Attributes
    ----------
    name : str
        That of its table.
    place : int
        Where its table stands among those of a run.
    rows : callable
        ``rows(implementations, formats)`` gives the rows of the table, those of one format after
        those of another.
    operations : tuple of str
        The operations that a run must be of; the implementations of the first are put to it.
    families : tuple of str
        The families of inputs that the run must have in a format.
    takes : callable
        ``takes(format)`` says whether it can be made in a format.
    compares : bool
        Whether its rows are of implementations and formats; it is made once where they are not.
    """

    name: str
    place: int
    rows: Callable[[Sequence[Implementation], Sequence[Format]], list[Row]]
    operations: tuple[str, ...] = (DEFAULT_OPERATION,)
    families: tuple[str, ...] = ()
    takes: Callable[[Format], bool] = _any_format
    compares: bool = True

    @property
    def operation(self) -> str:
        """The operation whose implementations are put to it."""
        return self.operations[0]

    def table(
        self, implementations: Sequence[Implementation] = (), formats: Sequence[Format] = ()
    ) -> pd.DataFrame:
        """Its table, made here and now, of the formats that it takes."""
        taken = [format for format in formats if self.takes(format)]
        return pd.DataFrame(self.rows(implementations, taken))
