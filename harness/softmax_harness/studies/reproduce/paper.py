"""What a published result must state about itself so that it can be measured again."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figure:
    """A published number beside the one that was measured.

    Attributes
    ----------
    setting : str
        What it was measured on.
    published : float or None
        None where the publication gives no number that can be compared.
    found : float
    others : mapping of str to float
        The same setting, measured in other ways.
    is_bound : bool
        Whether the published number only bounds what is measured.
    """

    setting: str
    published: float | None
    found: float
    others: Mapping[str, float] = field(default_factory=dict)
    is_bound: bool = False

    @property
    def difference(self) -> float | None:
        """By what part of the published number the measured one is larger; None without one."""
        if self.published is None:
            return None
        if self.published == 0.0:
            return 0.0 if self.found == 0.0 else math.inf
        return self.found / self.published - 1.0


@dataclass(frozen=True)
class Paper:
    """A published result.

    Attributes
    ----------
    name : str
        As written after ``softmax-harness reproduce``.
    title, address : str
        Of the publication.
    measures : str
        What its figures are, and their unit.
    measured : callable
        ``measured(seed)`` measures them.
    within : float
        Up to this part of a published number the measured one reproduces it.
    notes : tuple of str
        What is not as in the publication, and why numbers differ.
    columns : tuple of str
        What the published and the measured numbers are called.
    """

    name: str
    title: str
    address: str
    measures: str
    measured: Callable[[int], Sequence[Figure]]
    within: float = 0.1
    notes: tuple[str, ...] = ()
    columns: tuple[str, str] = ("published", "found")

    def holds(self, figure: Figure) -> bool:
        """Whether a figure is reproduced; one that stands beside none is."""
        difference = figure.difference
        if difference is None:
            return True
        return difference <= 0.0 if figure.is_bound else abs(difference) <= self.within
