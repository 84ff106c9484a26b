"""How much of the final error each step added, given its computed inputs.

Let F_k be the result if the first k steps are as computed and all later ones exact. F_0 is the
exact result and the last F is the computed output, so that the differences F_k - F_(k-1), one for
each step, add up to the whole error: nothing is counted twice and nothing is left over. Only the
entries that the result comes from are looked at. What comes before a step that is not known here is
counted together with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import mpmath
import numpy as np
from numpy.typing import NDArray

from softmax_harness.explain.meaning import Places, is_known, sources, taken_exactly
from softmax_harness.operations.elementary import exact_values
from softmax_harness.operations.truth import Truth
from softmax_harness.subjects.trace import GIVEN, SELECT, Step

_BITS = 192
_AGREES = 1e-9
_MOST = 400  # steps that are followed
_COARSE, _FEW = 2.0**16, 2.0**6
# What constants err by that an implementation brings along, such as 1 / sqrt(d).
_CONSTANTS = Step("constants", GIVEN, (), {}, np.zeros(()))
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


def attributed(steps: list[Step], index: int, truth: Truth, element: int) -> list[Added] | str:
    """What each step added to an element of the last one's output, or why that cannot be said.

    Parameters
    ----------
    steps : list of Step
        Up to the one that gave the result.
    index : int
        The element, counted flat.
    truth : Truth
        Of the row, shape (1, m).
    element : int
        Where it stands in `truth`.
    """
    with mpmath.workprec(_precision(steps)):
        wanted = _wanted(steps, index)
        if len(wanted) > _MOST:
            return "they are too many"
        way = _Way(steps, wanted)
        z, ulp = _exact_result(truth, element)
        first = _first_known(steps, way.order)
        results = [way.result(done) for done in range(first, len(way.order) + 1)]
        shares = [(steps[number], way.shown(number)) for number in way.order[first:]]
        if first:  # what is not known takes the place of all that comes before it
            shares.insert(0, (steps[way.order[first - 1]], way.shown(way.order[first - 1])))
            results.insert(0, z)
        elif abs(results[0] - z) > way.reach_of_constants(_AGREES * _size(z, ulp)):
            return "taken exactly, their result is not"
        elif way.has_constants and abs(results[0] - z) > _AGREES * ulp:
            shares.insert(0, (_CONSTANTS, way.largest_constant()))
            results.insert(0, z)
        added = [
            Added(step, shown, float((after - before) / ulp), bool(first) and place == 0)
            for place, ((step, shown), before, after) in enumerate(
                zip(shares, results, results[1:], strict=False)
            )
        ]
        return [each for each in added if not _is_silent(each)]


def _size(z: Any, ulp: Any) -> Any:
    """Beside which a difference counts; what is exactly 0 may be what cancels of all bits."""
    return max(abs(z), ulp) if z else max(mpmath.mpf(2) ** (-_BITS // 2), ulp)


def _exact_result(truth: Truth, element: int) -> tuple[Any, Any]:
    """z and its ulp."""
    parts = (truth.rounded[0, element], truth.offset[0, element], truth.ulp[0, element])
    rounded, offset, ulp = (mpmath.mpf(float(each)) for each in parts)
    return rounded + offset * ulp, ulp


def _is_silent(added: Added) -> bool:
    """Whether the step only passes on what it is given."""
    if added.step is _CONSTANTS:
        return False
    return added.step.function in (GIVEN, SELECT) and (added.ulp == 0 or bool(np.isnan(added.ulp)))


def _precision(steps: list[Step]) -> int:
    """Bits that hold every argument, and what is left of 1 - exp(-a) and log(1 + exp(-a))."""
    largest = 1.0
    for step in steps:
        if step.function == GIVEN:
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
        known = step.function != GIVEN and is_known(step)
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
        if steps[number].function != GIVEN and not is_known(steps[number])
    ]
    return unknown[-1] + 1 if unknown else 0


class _Way:
    """From the arguments to the result, as computed or exactly."""

    def __init__(self, steps: list[Step], wanted: dict[int, _Wanted]) -> None:
        self.order = sorted(wanted)
        self._steps, self._wanted = steps, wanted
        self._computed = {n: _exactly(steps[n].output, wanted[n].places) for n in self.order}

    def shown(self, number: int) -> Any:
        """The computed output of a step that stands for all that is wanted of it."""
        return self._steps[number].output.ravel()[self._wanted[number].shown]

    def result(self, done: int, instead: tuple[int, int] | None = None) -> Any:
        """The result with the first `done` steps as computed and the others exact.

        `instead` names a step and an input of it, a constant, that is taken an ulp larger.
        """
        values = {number: self._computed[number] for number in self.order[:done]}
        for number in self.order[done:]:
            step = self._steps[number]
            if step.function == GIVEN:
                values[number] = self._computed[number]
                continue
            inputs = [
                self._entries(values, _larger(source) if (number, at) == instead else source, own)
                for at, (source, own) in enumerate(
                    zip(step.inputs, self._wanted[number].inputs, strict=True)
                )
            ]
            values[number] = taken_exactly(step, inputs)
        return values[self.order[-1]][0]

    @cached_property
    def _constants(self) -> list[tuple[int, int]]:
        """The step and input of each constant that may be the rounding of another number."""
        return [
            (number, at)
            for number in self.order
            for at, source in enumerate(self._steps[number].inputs)
            if not isinstance(source, int) and _may_be_rounded(source)
        ]

    @property
    def has_constants(self) -> bool:
        """Whether it has any that may be the rounding of another number."""
        return bool(self._constants)

    def reach_of_constants(self, least: Any) -> Any:
        """By how much the result changes when each constant changes by an ulp, or `least`.

        A constant may err by more: a sum that was taken out of sight is rounded several times.
        """
        exactly = self.result(0)
        by = mpmath.fsum(abs(self.result(0, each) - exactly) for each in self._constants)
        return max(by, least)

    def largest_constant(self) -> Any:
        """The constant that is largest."""
        sources = [self._steps[number].inputs[at] for number, at in self._constants]
        return max((np.ravel(each)[0] for each in sources), key=abs)

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


def _may_be_rounded(constant: NDArray[Any]) -> bool:
    """Whether it is more than a few bits: such as 1 / sqrt(d), and not 0.5 or -infinity."""
    if constant.dtype.kind in "biu" or constant.size != 1:
        return False
    value = float(constant.ravel()[0])
    # Any number of 16 bits is a multiple of some 2**-24: there few bits are few of its own.
    scaled = np.frexp(value)[0] * _FEW if constant.dtype.itemsize == 2 else value * _COARSE
    return bool(np.isfinite(value)) and scaled != np.floor(scaled)


def _larger(constant: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(constant + np.spacing(constant))


def _exactly(array: NDArray[Any], places: Places) -> Any:
    """Some entries as mpf, None where the place is below 0."""
    values = np.empty(places.size, object)
    values[:] = exact_values(array.ravel()[np.maximum(places, 0).ravel()])
    values[places.ravel() < 0] = None
    return values.reshape(places.shape)
