"""The jobs that confirm: the maxima of one recipe, judged by mpmath."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from softmax_harness.inputs.families import Recipe
from softmax_harness.judgement.aggregate import Extreme, Tally
from softmax_harness.judgement.maxima import confirmed_maxima
from softmax_harness.operations import Problem
from softmax_harness.run.job import NamedRecipe
from softmax_harness.subjects.declaration import Said

_NOTHING = Said()


@dataclass(frozen=True)
class Confirmed:
    """The maxima of some implementations as mpmath has them.

    Attributes
    ----------
    candidates : dict
        By the name of the implementation, as in `Tally`.
    elements : int
        How many elements of the inputs mpmath judged.
    """

    candidates: dict[str, dict[str, tuple[Extreme, ...]]]
    elements: int


@dataclass(frozen=True)
class Confirming:
    """A job: let mpmath judge the rows in which a maximum of a recipe may stand.

    Attributes
    ----------
    problem : Problem
    inputs : NamedRecipe
    tallies : dict of str to Tally
        Of the whole recipe, by the name of the implementation; what they hold of every single
        element is left out.
    said : Said
        What was said about the implementations.
    """

    problem: Problem
    inputs: NamedRecipe
    tallies: Mapping[str, Tally]
    said: Said = _NOTHING

    def do(self) -> Confirmed:
        """The maxima, and how much was judged for them."""
        exact, elements = confirmed_maxima(
            self.problem, self.inputs.recipe, dict(self.tallies), self.said
        )
        return Confirmed({name: each.candidates for name, each in exact.items()}, elements)


def confirming_job(
    problem: Problem, recipe: Recipe, tallies: Mapping[str, Tally], said: Said = _NOTHING
) -> Confirming:
    """The job that confirms the maxima of these tallies of a recipe."""
    light = {name: _without_elements(tally) for name, tally in tallies.items()}
    return Confirming(problem, NamedRecipe.of(recipe), light, said)


def _without_elements(tally: Tally) -> Tally:
    """What decides about maxima: the rest would be most of what is sent."""
    return replace(tally, largest=tally.largest[:0], histogram=tally.histogram[:0])
