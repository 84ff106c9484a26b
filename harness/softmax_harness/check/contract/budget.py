"""What of the suite is put to a slow implementation: as much as fits into a time.

A fast one is asked everything. A slow one is asked fewer rows of each recipe, fewer of the cases,
fewer repeats, in such a way that each family, each class of lengths and each kind of case is there
as long as a single call fits into the time limit.
"""

from __future__ import annotations

import math
from collections.abc import Sized
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from softmax_harness.check.contract.case import Case
from softmax_harness.inputs.families import Recipe
from softmax_harness.subjects.pace import Pace
from softmax_harness.subjects.repeats import calls_of, elements_of
from softmax_harness.subjects.request import Fault, Request
from softmax_harness.subjects.subject import Subject
from softmax_harness.subjects.timed import timed_pace

# For all that is asked in a dtype: the time of the elements, in time limits, and that of the calls.
# More for these, since fewer rows save none of it.
_ELEMENT_LIMITS, _CALL_LIMITS = 2.0, 10.0
# What the first calls of shapes take besides, in time limits; more where less is asked than what
# shows every family, which has rows in some thirty shapes, beside what cases ask.
_SHAPE_LIMITS, _MOST_SHAPE_LIMITS, _FEWEST_SHAPES = 1.0, 8.0, 128
# What the parts of the contract have of it; the rest is for what a finding asks besides.
_SHARES = {
    "accuracy": 0.45,
    "layouts": 0.05,
    "axes": 0.1,
    "batches": 0.15,
    "permutations": 0.05,
    "shapes": 0.02,
    "integers": 0.03,
    "repeats": 0.1,
}
_FOR_A_WITNESS = 0.05
_FEWEST_TIMES = 2
_MOST_HALVINGS = 20  # no recipe has more rows
_MOST_ELEMENTS = 1 << 23  # the calls in one dtype have some ten million
# Of what takes many numbers for each logit they have some five million, in fewer rows that differ.
_MOST_ELEMENTS_OF_MANY_NUMBERS = 1 << 21


def pace_of(subject: Subject, limit: float) -> Pace:
    """How fast an implementation is within a time limit; raises `Ended` if it did not answer."""
    takes_many = subject.problem.operation.numbers_per_logit > 1
    most = _MOST_ELEMENTS_OF_MANY_NUMBERS if takes_many else _MOST_ELEMENTS
    return timed_pace(subject, limit, most, _ELEMENT_LIMITS * limit)


@dataclass
class Asked:
    """How much was put to an implementation, and how much it would have been to a fast one.

    Attributes
    ----------
    elements, calls : int
    of_elements, of_calls : int
    """

    elements: int = 0
    calls: int = 0
    of_elements: int = 0
    of_calls: int = 0

    def note(self, some: Sized, of_all: Sized) -> None:
        """Count what was put to it."""
        self.calls += len(some)
        self.of_calls += len(of_all)

    def note_recipes(self, some: list[Recipe], of_all: list[Recipe]) -> None:
        """Count what was put to it, with the elements."""
        elements, calls = _size(some)
        of_elements, of_calls = (elements, calls) if some is of_all else _size(of_all)
        self.elements += elements
        self.of_elements += of_elements
        self.calls += calls
        self.of_calls += of_calls

    def told(self, pace: Pace) -> str:
        """What was left out, in a sentence; empty where nothing was."""
        if (self.elements, self.calls) == (self.of_elements, self.of_calls):
            return ""
        parts = [f"{self.calls} of {self.of_calls} calls"]
        if self.of_elements:
            parts.insert(0, f"{self.elements:,} of {self.of_elements:,} elements")
        return f"judged on {' and '.join(parts)}, since it is slow: {pace.told}"


@dataclass(frozen=True)
class Room:
    """What may be asked: a share of the time for all that is asked in a dtype.

    Attributes
    ----------
    pace : Pace
    share : float
    of_elements : float
        The part of the time of the elements that may be taken.
    """

    pace: Pace
    share: float
    of_elements: float = 1.0

    @property
    def elements(self) -> float:
        """The elements that fit."""
        each, limit = self.pace.per_element, self.pace.limit
        return self.of_elements * self.share * _ELEMENT_LIMITS * limit / each if each else math.inf

    @property
    def calls(self) -> float:
        """The calls that fit, if each has a shape of its own."""
        each = self.pace.per_call / _CALL_LIMITS + self.pace.per_shape / self._shape_limits
        return self.share * self.pace.limit / each if each else math.inf

    def holds(self, elements: float, calls: float, shapes: float = 1) -> bool:
        """Whether so many elements in so many calls of so many shapes fit."""
        each = calls * self.pace.per_call / _CALL_LIMITS
        first = shapes * self.pace.per_shape / self._shape_limits
        return elements <= self.elements and each + first <= self.share * self.pace.limit

    @property
    def _shape_limits(self) -> float:
        fewest = _FEWEST_SHAPES * self.pace.per_shape / self.pace.limit
        return min(max(_SHAPE_LIMITS, fewest), _MOST_SHAPE_LIMITS)

    def part(self, share: float) -> Room:
        """A part of it."""
        return replace(self, share=share * self.share)


def room(pace: Pace, part: str) -> Room:
    """What a part of the contract may ask at a pace."""
    return Room(pace, _SHARES[part])


def room_for_a_witness(pace: Pace) -> Room:
    """What may be asked to make one witness smaller."""
    return Room(pace, _FOR_A_WITNESS)


def fitting_recipes(plan: list[Recipe], room: Room) -> list[Recipe]:
    """The recipes, as they are or with fewer rows, that fit.

    Half of the elements are for one row of as many recipes as possible, the rest for as many rows
    of these as possible: each second, fourth, eighth, so that checks of nearly the same pace ask
    the same rows.
    """
    if _holds(room, plan):
        return plan
    labels = [(each.family.name, each.n.bit_length()) for each in plan]
    asked = [_Asking(each.n, own, _shapes(each)) for each, own in zip(plan, labels, strict=True)]
    # What is left of the calls is for the other blocks of these recipes.
    kept = [plan[place] for place in _chosen(asked, replace(room.part(0.8), of_elements=0.6))]
    for exponent in range(_MOST_HALVINGS):
        thin = [_thinned(each, 1 << exponent, room) for each in kept]
        if _holds(room, thin):
            return thin
    return thin


def _holds(room: Room, some: list[Recipe]) -> bool:
    shapes = {shape for each in some for shape in _shapes(each)}
    return room.holds(*_size(some), len(shapes))


def _size(some: list[Recipe]) -> tuple[int, int]:
    """How many elements they are, in how many calls."""
    elements = sum(each.elements for each in some)
    return elements, sum(len(each.starts) for each in some)


def _shapes(recipe: Recipe) -> frozenset[Any]:
    """The shapes of its calls."""
    left = (recipe.rows - start for start in recipe.starts)
    return frozenset((min(recipe.rows_per_block, rows), recipe.n, recipe.step) for rows in left)


def too_slow(some: list[Recipe], plan: list[Recipe]) -> list[tuple[Fault, str]]:
    """A fault where not every family is judged: or else whoever sleeps in each call would pass."""
    families, judged = ({each.family.name for each in those} for those in (plan, some))
    if families == judged:
        return []
    told = f"is too slow to be judged: rows of {len(judged)} of {len(families)} families fit into"
    return [(Fault("timeout", f"{told} its time; give it more by --time-limit"), "")]


def _thinned(recipe: Recipe, step: int, room: Room) -> Recipe:
    """The recipe with each step-th row, or still fewer where a block is too much for one call."""
    block = recipe.n * min(recipe.rows_per_block, recipe.rows)
    while step < recipe.rows and not room.pace.allows(1, block // step):
        step *= 2
    return replace(recipe, step=min(step, recipe.rows))


def fitting_cases(cases: list[Case], room: Room) -> list[Case]:
    """The cases that fit: the smallest of each kind and number of axes, then other small ones.

    Each whole call is one of its own kind: no two show the same.
    """
    asked = [
        _Asking(
            each.size,
            (each.kind if each.arguments is None else each.told, len(each.shape), each.layouts),
            frozenset({(each.shape, each.axis)}),
        )
        for each in cases
    ]
    shapes = {shape for each in asked for shape in each.shapes}
    if room.holds(sum(each.size for each in asked), len(cases), len(shapes)):
        return cases
    return [cases[place] for place in _chosen(asked, room)]


class _Asking(NamedTuple):
    """What may be asked: its elements, what it is an example of, and the shapes of its calls."""

    size: int
    labels: tuple[Any, ...]
    shapes: frozenset[Any]


def _chosen(asked: list[_Asking], room: Room) -> list[int]:
    """The places of what fits, in order; the smallest first that bears any label at its place.

    Those that are first of a label at the first place come before those of the second.
    """
    by_size = sorted(range(len(asked)), key=lambda place: asked[place].size)
    first_with: dict[tuple[int, Any], int] = {}
    for place in by_size:
        for label in enumerate(asked[place].labels):
            first_with.setdefault(label, place)
    firsts = [place for (_, _), place in sorted(first_with.items(), key=lambda each: each[0][0])]
    chosen: set[int] = set()
    shapes: frozenset[Any] = frozenset()
    elements = 0
    for place in dict.fromkeys([*firsts, *by_size]):
        each = asked[place]
        more = elements + each.size, len(chosen) + 1, len(shapes | each.shapes)
        if room.pace.allows(1, each.size) and room.holds(*more):
            chosen.add(place)
            shapes |= each.shapes
            elements += each.size
    return sorted(chosen)


def fitting_repeats(requests: list[Request], room: Room) -> list[Request]:
    """The requests, or such of fewer rows and fewer repeats, a part of the room each.

    Of those that are too large even so the smallest that fit.
    """
    own = room.part(1 / len(requests))
    thin = [_fewer(each, own) for each in requests]
    sizes = [(elements_of(each), calls_of(each), 1) for each in thin]
    chosen: set[int] = set()
    taken = np.zeros(3)
    for place in sorted(range(len(thin)), key=sizes.__getitem__):
        elements, calls, _ = sizes[place]
        if room.pace.allows(calls, elements) and room.holds(*(taken + sizes[place])):
            chosen.add(place)
            taken += sizes[place]
    return [thin[place] for place in sorted(chosen)]


def _fewer(request: Request, room: Room) -> Request:
    rows = len(request.x) if _has_rows_first(request) else 1
    while not room.holds(elements_of(request), calls_of(request)) and (
        rows > 1 or request.times > _FEWEST_TIMES
    ):
        if rows > 1:
            rows //= 2
            arguments = tuple(each[:rows] for each in request.arguments)
            request = replace(request, arguments=arguments)
        times = max(request.times // 2, _FEWEST_TIMES)
        request = replace(request, times=min(times, request.times))
    return request


def _has_rows_first(request: Request) -> bool:
    """Whether a part of the first axis of each argument is a call of fewer rows."""
    own = 1 if request.problem.operation.takes_logits else 2  # axes that a row has in it
    axis = -1 if request.problem.axis is None else request.problem.axis
    return request.x.ndim > own and axis % request.x.ndim != 0
