"""The jobs that confirm: the maxima of one recipe, judged by mpmath."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from softmax_harness.inputs.families import Recipe
from softmax_harness.judgement.aggregate import Extreme, Tally
from softmax_harness.judgement.maxima import Answered, confirmed_maxima
from softmax_harness.operations import Inputs, Problem
from softmax_harness.run.job import NamedRecipe
from softmax_harness.subjects.declaration import Said
from softmax_harness.subjects.named import subject_named

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
        return confirmed(self.problem, self.inputs.recipe, self.tallies, said=self.said)


def confirmed(
    problem: Problem,
    recipe: Recipe,
    tallies: Mapping[str, Tally],
    answered: Sequence[Answered] = (),
    said: Said = _NOTHING,
) -> Confirmed:
    """The maxima of these tallies of a recipe.

    The implementations, of which the command said `said`, are called again for blocks of which it
    is not known what was `answered`.
    """

    def outputs(name: str, start: int, inputs: Inputs) -> NDArray[np.float64] | None:
        return subject_named(name, problem, said).call(*inputs).values

    exact, elements = confirmed_maxima(problem, recipe, tallies, answered, outputs)
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
