"""What a published result must state about itself so that it can be measured again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figure:
    """A published number beside the one that was measured.

    Attributes
    ----------
    setting : str
        What it was measured on.
    published, found : float
    others : mapping of str to float
        The same setting, measured in other ways.
    """

    setting: str
    published: float
    found: float
    others: Mapping[str, float] = field(default_factory=dict)

    @property
    def difference(self) -> float:
        """By what part of the published number the measured one is larger."""
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
    """

    name: str
    title: str
    address: str
    measures: str
    measured: Callable[[int], Sequence[Figure]]
    within: float = 0.1
    notes: tuple[str, ...] = ()

    def holds(self, figure: Figure) -> bool:
        """Whether a figure is reproduced."""
        return abs(figure.difference) <= self.within
