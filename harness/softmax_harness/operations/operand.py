"""Operands: what an operation takes besides the logits, and how they follow the logits about."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import FORMATS, Format

_NANS = 0.02  # the share of rows with one, where an operand has any
_OF_TWO_CLASSES = 0.06  # the share of rows that have two, where an operand has any
# The share of calls whose operands are those of most users, and that of square ones.
_USUAL, _USUAL_OF_SQUARES = 0.06, 0.5
_USUAL_AT_ENDS, _ENDS = 0.06, 3
_MOST_ROWS = 64
_BEYOND = 0.03  # the share of rows of numbers whose sum exceeds the format
# Of powers of two the share that are anywhere in the format, and how far from 1, since products of
# several are taken in float64.
_FAR, _FARTHEST = 0.25, 300

Operands = tuple[NDArray[Any], ...]
"""One array for each operand, each with a leading axis of rows."""


class Operand(NamedTuple):
    """What is known of an operand beside its numbers.

    Attributes
    ----------
    name : str
        The parameter of an implementation that takes it.
    ndim : int
        Dimensions that it has for each row.
    entries : int or None
        The one of these dimensions along which it has one entry for each logit; None where it has
        none.
    is_class : bool
        Whether it says which logit of the row is meant, by its place.
    kind : str
        ``float`` for numbers in the format of the logits, ``bool`` or ``int``.
    absent : float or None
        What each entry is where a call leaves the operand out; None where it has to be given.
    """

    name: str
    ndim: int
    entries: int | None = None
    is_class: bool = False
    kind: str = "float"
    absent: float | None = None


class Inputs(NamedTuple):
    """Rows of logits and of their operands.

    Attributes
    ----------
    x : ndarray, shape (rows, n)
    operands : tuple of ndarray
    """

    x: NDArray[Any]
    operands: Operands = ()

    def rows(self, chosen: NDArray[Any] | slice) -> Inputs:
        """Some of the rows."""
        return Inputs(self.x[chosen], some_rows(self.operands, chosen))

    def row(self, place: int) -> Inputs:
        """One row, still with its axis of rows."""
        return self.rows(slice(place, place + 1))

    @property
    def size(self) -> int:
        """How many numbers they are, those of the operands included."""
        return self.x.size + sum(each.size for each in self.operands)

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells them from all other inputs."""
        arrays = self.x, *self.operands
        return tuple((a.shape, a.dtype.name, own_rows(a).tobytes()) for a in arrays)

    @property
    def fingerprint(self) -> tuple[Any, ...]:
        """What the same inputs have in common, and few others: less than the `key` by far."""
        arrays = self.x, *self.operands
        return (*((each.shape, each.dtype.name) for each in arrays), self.x.tobytes())

    def has_bits_of(self, other: Inputs) -> bool:
        """Whether these are the same, bit by bit; inputs of one fingerprint."""
        pairs = zip(self.operands, other.operands, strict=True)
        return all(np.array_equal(_bits(own), _bits(its)) for own, its in pairs)


class WholeCall(NamedTuple):
    """A call whose rows share operands.

    Attributes
    ----------
    told : str
        What is particular about it.
    arguments : tuple of ndarray
    blocks : tuple of Inputs
        Its rows, in the order of the results; what all of a block share are views.
    """

    told: str
    arguments: Operands
    blocks: tuple[Inputs, ...]


def own_rows(array: NDArray[Any]) -> NDArray[Any]:
    """The rows of an operand, or the one that all share: a view with a stride of 0 along them."""
    return array[:1] if len(array) and array.strides[0] == 0 else array


def _bits(array: NDArray[Any]) -> NDArray[Any]:
    own = own_rows(array)
    return own.view(f"u{own.dtype.itemsize}")


def some_rows(operands: Operands, chosen: NDArray[Any] | slice) -> Operands:
    """Some rows of each operand: a view again where all share one."""
    return tuple(map(partial(_some, chosen=chosen), operands))


def _some(array: NDArray[Any], chosen: NDArray[Any] | slice) -> NDArray[Any]:
    if array.strides[0] or isinstance(chosen, slice):
        return array[chosen]
    count = len(np.arange(len(array))[chosen])
    return np.broadcast_to(array[0], (count, *array.shape[1:]))


def joined(several: Sequence[Inputs]) -> Inputs:
    """The rows of inputs, one after another, whose operands have the same shapes."""
    if len(several) == 1:
        return several[0]
    arrays = zip(*((each.x, *each.operands) for each in several), strict=True)
    x, *operands = (np.concatenate(each) for each in arrays)
    return Inputs(x, tuple(operands))


def taken(inputs: Inputs, about: tuple[Operand, ...], order: NDArray[np.int64]) -> Inputs | None:
    """The entries of each row in another order, or only some of them, with their operands.

    Parameters
    ----------
    order : ndarray of int, shape (rows, m)
        The places of the entries that each row then has.

    Returns
    -------
    Inputs or None
        None where an entry is left out that a class means.
    """
    operands = []
    for each, operand in zip(inputs.operands, about, strict=True):
        if operand.is_class:
            found = order == each[:, None]
            if not found.any(axis=-1).all():
                return None
            operands.append(found.argmax(axis=-1).astype(each.dtype))
        elif operand.entries is None:
            operands.append(each)
        else:
            along = operand.entries + 1
            shape = [1] * each.ndim
            shape[0], shape[along] = order.shape
            operands.append(np.take_along_axis(each, order.reshape(shape), axis=along))
    return Inputs(np.take_along_axis(inputs.x, order, axis=-1), tuple(operands))


def widened(inputs: Inputs, about: tuple[Operand, ...], n: int) -> Inputs:
    """The same rows with n entries each: masked ones follow, beside which operands are 0."""
    more = n - inputs.x.shape[-1]
    operands = []
    for each, operand in zip(inputs.operands, about, strict=True):
        added = [(0, 0)] * each.ndim
        if operand.entries is not None:
            added[operand.entries + 1] = (0, more)
        operands.append(np.pad(each, added))
    x = np.pad(inputs.x, ((0, 0), (0, more)), constant_values=-np.inf)
    return Inputs(x, tuple(operands))


def of_some_calls(
    values: NDArray[Any], usual: NDArray[Any], rng: np.random.Generator, *, is_square: bool = False
) -> NDArray[Any]:
    """Of some calls what nearly all users' calls have throughout: a kernel may know these.

    Of some others that in the first rows, the last and the middle one alone, by which it may know
    them wrongly. Of none with more rows than users' smallest calls have, unless they are square:
    many cases have the same few rows, and all of these would be blind.

    Parameters
    ----------
    is_square : bool
        Whether a call has as many rows as entries, where it matters: so few do that more are taken.
    """
    drawn, share = rng.random(), _USUAL_OF_SQUARES if is_square else _USUAL
    if len(values) > _MOST_ROWS and not is_square:
        return values
    if drawn < share:
        return usual
    if drawn > 1.0 - _USUAL_AT_ENDS and len(values) > 2 * _ENDS:
        values = values.copy()
        middle = len(values) // 2
        for some in (slice(_ENDS), slice(middle, middle + 1), slice(-_ENDS, None)):
            values[some] = usual[some]
    return values


def powers_of_two(
    format: Format, shape: tuple[int, ...], rng: np.random.Generator, room: int
) -> NDArray[np.float64]:
    """Powers of two far from 1, as gradients of a scaled loss have them, and small ones.

    Most are from about the root of the smallest number on, and within 2**40. Some are any in which
    the format has numbers, subnormal ones too, to 2**-room of the largest, and within 2**300.
    """
    highest = format.emax - room
    near, far = (
        np.exp2(rng.integers(least, max(most, least + 1), shape).astype(np.float64))
        for least, most in (
            (max(format.emin // 2, -40), min(highest, 40)),
            (max(format.emin - format.precision + 1, -_FARTHEST), min(highest, _FARTHEST)),
        )
    )
    return np.where(rng.random(shape) < _FAR, far, near)


def some_beyond(
    values: NDArray[np.float64], x: NDArray[Any], format: Format, rng: np.random.Generator
) -> NDArray[np.float64]:
    """A few rows with numbers so large that sums and differences of them exceed the format.

    Half of these have one sign. Only of a format in whose wider one all is worked, and which holds
    such sums: in the others any kernel may overflow. And only beside finite logits: 0, for one that
    is masked, times infinity is no number.

    Parameters
    ----------
    values, x : ndarray, shape (rows, n)
    """
    if not format.is_narrow or format.wider is None or FORMATS[format.wider].emax <= format.emax:
        return values
    drawn = np.flatnonzero(rng.random(len(values)) < _BEYOND)
    drawn = drawn[np.isfinite(x[drawn].astype(np.float64)).all(axis=-1)]
    shape = len(drawn), values.shape[-1]
    size, sign = rng.uniform(0.3, 1.0, shape), rng.choice((-1.0, 1.0), shape)
    sign[::2] = sign[::2, :1]
    given = values.copy()
    given[drawn] = format.largest * size * sign
    return given


def by_kind(
    kind: NDArray[np.int64], kinds: Sequence[Callable[[NDArray[np.int64]], NDArray[Any]]], n: int
) -> NDArray[np.float64]:
    """Rows of n numbers, each as the function of its kind makes it, which is asked for these alone.

    Parameters
    ----------
    kind : ndarray of int, shape (rows,)
        The place of the function in `kinds`.
    """
    made = np.empty((len(kind), n))
    for place, make in enumerate(kinds):
        rows = np.flatnonzero(kind == place)
        if rows.size:
            made[rows] = make(rows)
    return made


def some_of_two_classes(values: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """In some rows 1 at one place, -1 at another and 0 elsewhere: the sum is 0, the row is not.

    Parameters
    ----------
    values : ndarray, shape (rows, n)
    """
    if values.shape[-1] < 2:
        return values
    drawn = np.flatnonzero(rng.random(len(values)) < _OF_TWO_CLASSES)
    first = rng.integers(0, values.shape[-1], len(drawn))
    second = (first + rng.integers(1, values.shape[-1], len(drawn))) % values.shape[-1]
    given = values.copy()
    given[drawn] = 0.0
    given[drawn, first], given[drawn, second] = 1.0, -1.0
    return given


def with_nans(values: NDArray[Any], x: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """In some rows with finite logits, a NaN beside the largest: no result may hide it.

    Parameters
    ----------
    values : ndarray, shape (rows, n) or (rows, 1)
    x : ndarray, shape (rows, n)
    """
    if not x.shape[-1]:
        return values
    drawn = np.flatnonzero(rng.random(len(x)) < _NANS)
    logits = x[drawn].astype(np.float64)
    finite = np.isfinite(logits).all(axis=-1)
    if not finite.any():
        return values
    places = np.argmax(logits[finite], axis=-1) if values.shape[-1] > 1 else 0
    given = values.copy()
    given[drawn[finite], places] = np.nan
    return given


def with_classes(inputs: Inputs, dtype: type[np.signedinteger[Any]]) -> Inputs:
    """The same inputs with their classes as integers of a type."""
    operands = (each.astype(dtype) if each.dtype.kind == "i" else each for each in inputs.operands)
    return Inputs(inputs.x, tuple(operands))


@dataclass(frozen=True)
class Arrangement:
    """How rows stand in arrays of more dimensions, along an axis of the logits.

    Attributes
    ----------
    shape : tuple of int
        Of the logits; ``()`` for a single number.
    axis : int
        The axis of the operation.
    """

    shape: tuple[int, ...]
    axis: int = -1

    @property
    def others(self) -> tuple[int, ...]:
        """The shape without the axis."""
        place = self.axis % max(len(self.shape), 1)
        return self.shape[:place] + self.shape[place + 1 :]

    @property
    def _is_last(self) -> bool:
        return self.axis in (-1, len(self.shape) - 1)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return math.prod(self.others)

    def placed(self, rows: NDArray[Any]) -> NDArray[Any]:
        """An array of rows, shape (rows, ...), as a call of this shape takes it."""
        if not self.shape:
            return rows.reshape(())
        whole = rows.reshape((*self.others, *rows.shape[1:]))
        is_along = rows.ndim == 2 and not self._is_last
        return np.array(np.moveaxis(whole, -1, self.axis) if is_along else whole, order="C")

    def as_rows(self, placed: NDArray[Any], ndim: int) -> NDArray[Any]:
        """What `placed` was made of, where each row has `ndim` dimensions."""
        if not self.shape:
            return placed.reshape((1,) * (ndim + 1))
        is_along = ndim == 1 and not self._is_last
        moved = np.moveaxis(placed, self.axis, -1) if is_along else placed
        own = moved.shape[moved.ndim - ndim :]
        return np.ascontiguousarray(moved).reshape((self.rows, *own))


class Edge(NamedTuple):
    """Operands of which implementations make different things, with rows that show what.

    Attributes
    ----------
    told : str
        What is particular about the operands.
    inputs : Inputs
    policy : str or None
        The field of `Policy` which says, once it is stated, that these are asked for; None where
        nothing does.
    """

    told: str
    inputs: Inputs
    policy: str | None
