"""How much of the final error each step added, given its computed inputs.

Let F_k be the result if the first k steps are as computed and all later ones exact. F_0 is the
exact result and the last F is the computed output, so that the differences F_k - F_(k-1), one for
each step, add up to the whole error: nothing is counted twice and nothing is left over. Only the
entries that the result comes from are looked at. What comes before a step that is not known here is
counted together with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import mpmath
import numpy as np
from numpy.typing import NDArray

from softmax_harness.explain.meaning import Places, is_known, sources, taken_exactly
from softmax_harness.explain.trace import GIVEN, SELECT, Step
from softmax_harness.operations.elementary import exact_values

_BITS = 192
_MOST = 400  # steps that are followed
# Beyond these many binades apart an exponential is below every format.
_MOST_BINADES = 1200.0


@dataclass(frozen=True)
class Added:
    """What one step did to one element of the result.

    Attributes
    ----------
    step : Step
    computed : float or longdouble
        Its computed output, at the element or for the row.
    ulp : float
        F_k - F_(k-1) in ulp of the exact result; infinite or NaN from where the result is lost.
    with_earlier : bool
        Whether the steps before it are counted with it.
    """

    step: Step
    computed: Any
    ulp: float
    with_earlier: bool = False


class Followed(NamedTuple):
    """How one element of the result came about.

    Attributes
    ----------
    exactly : mpf
        The result if every step is taken exactly; the exact result where that is not known.
    added : list of Added
    """

    exactly: Any
    added: list[Added]


class _Wanted(NamedTuple):
    """What the result comes from, of the output of one step.

    Attributes
    ----------
    places : ndarray of int64
        The entries, ascending.
    inputs : list of ndarray of int64
        As `softmax_harness.explain.meaning.sources` gives them.
    shown : int
        The entry that stands for all, see `Added.computed`.
    """

    places: Places
    inputs: list[Places]
    shown: int


def attributed(steps: list[Step], index: int, z: Any, ulp: float) -> Followed | None:
    """What each step added to an element of the last one's output; None if they are too many.

    Parameters
    ----------
    steps : list of Step
        Up to the one that gave the result.
    index : int
        The element, counted flat.
    z : float
        The exact result, from which the error is counted where a step is not known.
    ulp : float
        Unit in which the additions are given.
    """
    with mpmath.workprec(_precision(steps)):
        wanted = _wanted(steps, index)
        if len(wanted) > _MOST:
            return None
        order = sorted(wanted)
        first = _first_known(steps, order)
        way = _Way(steps, wanted, order)
        results = [way.result(done) for done in range(first, len(order) + 1)]
        exactly = results[0] if first == 0 else mpmath.mpf(z)
        shares = [exactly, *results] if first else results
        named = order[max(first - 1, 0) :]
        added = [
            Added(
                steps[number],
                steps[number].output.ravel()[wanted[number].shown],
                float((after - before) / ulp),
                bool(first) and place == 0,
            )
            for place, (number, before, after) in enumerate(
                zip(named, shares, shares[1:], strict=False)
            )
        ]
        return Followed(exactly, [each for each in added if not _is_silent(each)])


def _is_silent(added: Added) -> bool:
    """Whether the step only passes on what it is given."""
    return added.step.function in (GIVEN, SELECT) and (added.ulp == 0 or bool(np.isnan(added.ulp)))


def _precision(steps: list[Step]) -> int:
    """Bits that hold every argument, and what is left of 1 - exp(-a) and log(1 + exp(-a))."""
    largest = 1.0
    for step in steps:
        if step.function is GIVEN:
            values = np.abs(step.output.astype(np.float64))
            largest = max(largest, float(values[np.isfinite(values)].max(initial=1.0)))
    return _BITS + int(np.log2(largest)) + 64 + int(min(3.0 * largest, _MOST_BINADES))


def _wanted(steps: list[Step], index: int) -> dict[int, _Wanted]:
    """What the result comes from, of each step that it depends on; the last step comes first."""
    last = len(steps) - 1
    asked: dict[int, list[Places]] = {last: [np.array([index])]}
    shown: dict[int, int] = {last: index}
    wanted: dict[int, _Wanted] = {}
    for number in range(last, -1, -1):
        if number not in asked or len(wanted) > _MOST:
            continue
        step, places = steps[number], np.unique(np.concatenate(asked[number]))
        places = places[places >= 0]
        if places.size == 0:
            continue
        known = step.function is not GIVEN and is_known(step)
        shapes = [_output(steps, each).shape for each in step.inputs]
        inputs = sources(step, shapes, places) if known else []
        own = int(np.searchsorted(places, shown.setdefault(number, _largest(step.output, places))))
        wanted[number] = _Wanted(places, inputs, shown[number])
        for source, come_from in zip(step.inputs, inputs, strict=bool(inputs)):
            if not isinstance(source, int):
                continue
            asked.setdefault(source, []).append(come_from.ravel())
            chosen = np.atleast_1d(come_from[own])
            if chosen.max() >= 0:
                shown.setdefault(source, _largest(steps[source].output, chosen))
    return wanted


def _largest(output: NDArray[Any], places: Places) -> int:
    """Of some entries the one that matters most: the largest, or one that is no number."""
    values = np.abs(output.ravel()[places].astype(np.float64))
    return int(places[int(np.argmax(np.where(np.isnan(values), np.inf, values)))])


def _output(steps: list[Step], source: Any) -> NDArray[Any]:
    return steps[source].output if isinstance(source, int) else source


def _first_known(steps: list[Step], order: list[int]) -> int:
    """How many of the steps in `order` come up to the last one that is not known."""
    unknown = [
        place
        for place, number in enumerate(order)
        if steps[number].function is not GIVEN and not is_known(steps[number])
    ]
    return unknown[-1] + 1 if unknown else 0


class _Way:
    """From the arguments to the result, as computed or exactly."""

    def __init__(self, steps: list[Step], wanted: dict[int, _Wanted], order: list[int]) -> None:
        self._steps, self._wanted, self._order = steps, wanted, order
        self._computed = {n: _exactly(steps[n].output, wanted[n].places) for n in order}

    def result(self, done: int) -> Any:
        """The result with the first `done` steps as computed and the others exact."""
        values = {number: self._computed[number] for number in self._order[:done]}
        for number in self._order[done:]:
            step = self._steps[number]
            if step.function is GIVEN:
                values[number] = self._computed[number]
            else:
                pairs = zip(step.inputs, self._wanted[number].inputs, strict=True)
                inputs = [self._entries(values, source, places) for source, places in pairs]
                values[number] = taken_exactly(step, inputs)
        return values[self._order[-1]][0]

    def _entries(self, values: dict[int, Any], source: Any, places: Places) -> Any:
        if not isinstance(source, int):
            return _exactly(source, places)
        if source not in values:  # of none of its entries the result is made
            return np.full(places.shape, None, object)
        at = np.searchsorted(self._wanted[source].places, np.maximum(places, 0))
        found = values[source][np.minimum(at, len(values[source]) - 1)]
        if (places < 0).any():
            found = np.where(places < 0, None, found)
        return found


def _exactly(array: NDArray[Any], places: Places) -> Any:
    """Some entries as mpf, None where the place is below 0."""
    values = np.empty(places.size, object)
    values[:] = exact_values(array.ravel()[np.maximum(places, 0).ravel()])
    values[places.ravel() < 0] = None
    return values.reshape(places.shape)
