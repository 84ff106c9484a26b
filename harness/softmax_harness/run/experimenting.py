"""The jobs that experiment: one experiment, in one format where it compares implementations."""

from __future__ import annotations

from dataclasses import dataclass

from softmax_harness.ground.formats import FORMATS
from softmax_harness.run.experiments import EXPERIMENTS, Row
from softmax_harness.subjects.declaration import Said
from softmax_harness.subjects.named import implementation_named


@dataclass(frozen=True)
class Experimenting:
    """A job: the rows of an experiment's table.

    Attributes
    ----------
    experiment : str
        Its name.
    implementations, dtypes : tuple of str
        Names of those that are put to it; none where it tells of none.
    said : Said
        What was said about the implementations.
    """

    experiment: str
    implementations: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    said: Said = Said()

    def do(self) -> list[Row]:
        """The rows, in order."""
        experiment = EXPERIMENTS[self.experiment]
        operation = experiment.operation
        named = [implementation_named(name, operation, self.said) for name in self.implementations]
        return experiment.rows(named, [FORMATS[name] for name in self.dtypes])
