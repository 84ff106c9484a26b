"""Which elements of a line are surely within the limit of a standard, and which surely beyond."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.judgement.perhaps_beyond import LIMIT_ROUNDING
from softmax_harness.operations import Problem
from softmax_harness.operations.operation import BEYOND_CHEAP, TIMES_CHEAP
from softmax_harness.operations.standards import cheap_limit_of, limit_ulp
from softmax_harness.studies.exhaustive.line import Some
from softmax_harness.studies.exhaustive.side import Array, Places


class Held(NamedTuple):
    """Which elements are surely within the limit, and which surely beyond it."""

    within: NDArray[np.bool_]
    beyond: NDArray[np.bool_]


class Limits:
    """The limits of a standard for rows of two logits.

    Parameters
    ----------
    problem : Problem
    standard : str
    blur : float
        What an error in ulp may be wrong by.
    """

    def __init__(self, problem: Problem, standard: str, blur: float) -> None:
        self._operation, self._format = problem.operation, problem.output_format
        self._standard, self._blur = standard, blur
        self._cheap = cheap_limit_of(self._operation, standard, self._format)

    def held(self, some: Some, asked: NDArray[np.bool_]) -> Held:
        """What holds of those that are asked for."""
        found = Held(np.zeros(asked.shape, bool), np.zeros(asked.shape, bool))
        places = np.flatnonzero(asked)
        if self._operation.cheap_limit is not None and places.size:
            places = self._held_cheaply(some, places, found)
        if places.size:
            limit, error = self._limit(some, places), some.error[places]
            slack = self._blur + LIMIT_ROUNDING * limit
            found.within[places[error <= limit - slack]] = True
            found.beyond[places[error > limit + slack]] = True
        return found

    def _held_cheaply(self, some: Some, places: Places, found: Held) -> Places:
        """Note what the cheap limits decide; what they leave open."""
        assert self._cheap is not None
        about = (some.distance[places], some.z[places], some.ulp[places])
        cheap, error = self._cheap.of(*about, 2, self._format), some.error[places]
        within = error <= (1.0 - LIMIT_ROUNDING) * cheap - self._blur
        found.within[places[within]] = True
        if not self._cheap.is_near:
            return places[~within]
        # Mostly the zeros of a sum that overflowed, which need no limit.
        beyond = error > TIMES_CHEAP * cheap + BEYOND_CHEAP
        found.beyond[places[beyond]] = True
        return places[~within & ~beyond]

    def _limit(self, some: Some, places: Places) -> Array:
        x = some.part.x(some.places[places])
        z, ulp = (np.stack([each, each], axis=-1) for each in (some.z[places], some.ulp[places]))
        found = limit_ulp(self._operation, self._standard, x, (), z, ulp, self._format)
        return found[:, some.part.column(some.side)]
