"""`Operation`: what each operation must define so that its results can be judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.errors import BadData, HarnessError
from softmax_harness.ground.formats import Format
from softmax_harness.operations.enclosure import Array, Enclosure
from softmax_harness.operations.long_sums import Rest
from softmax_harness.operations.operand import (
    Arrangement,
    Edge,
    Inputs,
    Operand,
    Operands,
    WholeCall,
)
from softmax_harness.operations.screen import Screened
from softmax_harness.operations.screen.difference import OfDifference
from softmax_harness.operations.steps import ExactSteps

# Numbers that no policy fixes a result to: neither 0, nor 1, 1/n or their logarithms, nor what a
# format ends with. A result that is not fixed may be any number, and these too.
ANYTHING = -(2.0**-1000)
"""What a policy asks for where it takes any result."""

ZERO_OR_NAN = -(2.0**-1001)
"""What is asked for where 0 and NaN are both right."""

INFINITY_OR_NAN = -(2.0**-1002)
"""What is asked for where +inf and NaN are both right."""

_TOLERANT = {ANYTHING: "anything", ZERO_OR_NAN: "0 or NaN", INFINITY_OR_NAN: "inf or NaN"}

_CHOSEN = {"nan": np.nan, "zero": 0.0, "any": ANYTHING}
_CHOICES = (*_CHOSEN, "uniform")
_SATURATION = "saturation"
_OF_SATURATION = ("overflow", "saturate", "any")


@dataclass(frozen=True)
class Policy:
    """Results of rows for which the operation is not defined, and results of no format.

    Each choice but the last is ``nan``, ``zero``, ``uniform`` (1/n each) or ``any``.

    Attributes
    ----------
    nan, positive_infinity : str
        For a row that holds a NaN or a +inf.
    all_masked : str or None
        For a row of nothing but -inf, or whose mask hides everything. None is ``nan``; where a
        mask hides everything, it is ``nan`` or ``zero``, whichever an implementation gives.
    zero_temperature : str or None
        For a row with a temperature of 0. None is ``any``. Once it is stated, temperatures below 0
        and at the ends of the format have to be right too.
    saturation : str
        For a result beyond the largest number of its format: ``overflow`` is what rounding to
        nearest gives, infinity, or NaN in a format without it; ``saturate`` is the largest number
        with the sign of the result, as many a conversion to a narrow format gives it, in place of
        infinity too; ``any`` is either.
    """

    nan: str = "nan"
    positive_infinity: str = "nan"
    all_masked: str | None = None
    zero_temperature: str | None = None
    saturation: str = "overflow"

    @classmethod
    def of(cls, given: Policy | Mapping[str, str] | str | None) -> Policy:
        """The policy that a caller gives: ``{"all_masked": "zero"}`` or ``"all-masked=zero"``."""
        if isinstance(given, Policy):
            return given
        texts = given.split(",") if isinstance(given, str) else ()
        if isinstance(given, Mapping):
            texts = [f"{name}={choice}" for name, choice in given.items()]
        return cls.parse(tuple(text.strip().replace("_", "-") for text in texts), "policy=")

    @classmethod
    def parse(cls, assignments: tuple[str, ...], where: str = "--policy ") -> Policy:
        """The policy given by texts such as ``all-masked=zero``; `where` it was given."""
        names = [field.name.replace("_", "-") for field in fields(cls)]
        chosen = {}
        for assignment in assignments:
            name, _, choice = assignment.partition("=")
            choices = _OF_SATURATION if name == _SATURATION else _CHOICES
            if name not in names or choice not in choices:
                raise HarnessError(
                    f"{where}{assignment!r}: expected NAME=CHOICE with NAME one of "
                    f"{', '.join(names)} and CHOICE one of {', '.join(choices)}"
                )
            chosen[name.replace("-", "_")] = choice
        return cls(**chosen)

    @property
    def assignments(self) -> tuple[str, ...]:
        """The texts from which `parse` makes it again."""
        chosen = {name.replace("_", "-"): choice for name, choice in vars(self).items()}
        return tuple(f"{name}={choice}" for name, choice in chosen.items() if choice is not None)

    @property
    def stated(self) -> tuple[str, ...]:
        """Those of the `assignments` that are not so by default."""
        usual = Policy().assignments
        return tuple(each for each in self.assignments if each not in usual)

    @staticmethod
    def result(choice: str | None, n: int) -> float:
        """What a choice asks for in a row of n logits."""
        return 1.0 / n if choice == "uniform" else _CHOSEN[choice or "nan"]


def is_tolerant(asked: Array) -> NDArray[np.bool_]:
    """Where special values ask for no number, but for one of several."""
    return np.isin(asked, list(_TOLERANT))


def as_numbers(asked: Array, fixed: NDArray[np.bool_]) -> Array:
    """Results as an implementation can give them: NaN where one of several is asked for.

    Parameters
    ----------
    asked : ndarray of float64
    fixed : ndarray of bool, of the same shape
        Where special values fix the results.
    """
    return np.where(fixed & is_tolerant(asked), np.nan, asked)


def asked_text(asked: float) -> str:
    """What a special value asks for, in words where it is no number."""
    return _TOLERANT.get(asked) or str(asked)


def _nothing(x: NDArray[Any], rng: np.random.Generator) -> Operands:
    return ()


def _logits(x: Array, operands: Operands) -> Array:
    return x


ErrorBound = Callable[[Array, Operands, Array, Array, Format], Array]
"""``error_bound(x, operands, z, ulp, format)``: the a priori bound of an algorithm in a format."""

Screen = Callable[[Array, Operands, NDArray[np.bool_], Array, Format], Screened]
"""``screen(x, operands, fixed, expected, format)``: the results enclosed in plain NumPy."""


LostByFlushing = Callable[[Array, Operands, Array, Format], Array]
"""``lost_by_flushing(x, operands, z, format)``: see `softmax_harness.operations.flushing`."""


LimitOfElements = Callable[..., Array]
"""As `CheapLimit.of_elements`."""


class Degenerate(NamedTuple):
    """What a kernel gives whose exponentials or whose sum are no numbers to work with any more.

    Attributes
    ----------
    of_lost_weight : float
        The result where the exponential that it is made of is 0: 0, or the logarithm of 0.
    of_infinite_sum : float
        The result of a finite exponential whose sum is infinite.
    """

    of_lost_weight: float
    of_infinite_sum: float


OF_WEIGHTS = Degenerate(of_lost_weight=0.0, of_infinite_sum=0.0)
"""Of results that are multiples of the weights, or sums of such."""


# How far above a cheap limit that `is_near` a limit may be: a test holds those of softmax to it.
TIMES_CHEAP, BEYOND_CHEAP = 4.0, 8.0


class CheapLimit(NamedTuple):
    """Limits that `Operation.error_bound` is nowhere below, and that cost next to nothing.

    What errs by less needs no look at the bound itself.

    Attributes
    ----------
    of_rows : callable
        ``of_rows(n, normal)`` gives a limit for each row of n logits, shape (rows,); `normal` says
        in which rows every result is surely a normal number.
    of_elements : callable or None
        ``of_elements(distance, z, ulp, n, format, *operands)`` gives a limit for each of some
        elements, whose logits lie `distance` below the largest of their row; `operands` are those
        with a number for each logit, their numbers at these elements. None where nothing more is
        known of an element than of its row.
    is_near : bool
        Whether no limit of an element in a row of two is above `TIMES_CHEAP` times that of
        `of_elements` and `BEYOND_CHEAP` ulp.
    of_operands : callable or None
        ``of_operands(normal, operands)`` gives limits of rows in which operands count, too, no less
        than `of_rows` does; None where these tell nothing.
    """

    of_rows: Callable[[int, NDArray[np.bool_]], Array]
    of_elements: LimitOfElements | None = None
    is_near: bool = False
    of_operands: Callable[[NDArray[np.bool_], Operands], Array] | None = None

    def of_whole_rows(self, n: int, normal: NDArray[np.bool_], operands: Operands) -> Array:
        """The limits of rows whose operands are known, from `of_operands` or `of_rows`."""
        if self.of_operands is None:
            return self.of_rows(n, normal)
        return self.of_operands(normal, operands)

    def of(
        self, distance: Array, z: Array, ulp: Array, n: int, format: Format, *operands: Array
    ) -> Array:
        """The limits of some elements, from `of_elements` or from what holds of their rows."""
        if self.of_elements is None:
            return self.of_rows(n, ulp > format.smallest_subnormal)
        return self.of_elements(distance, z, ulp, n, format, *operands)


class Choice(NamedTuple):
    """What a caller may choose of the shapes that an operation is asked in.

    Attributes
    ----------
    name : str
        As written after ``--``.
    told : str
        What it is, for the help of a command.
    is_flag : bool
        Whether it is chosen or not, and no number.
    """

    name: str
    told: str
    is_flag: bool = False


Fit = tuple[tuple[str, int], ...]
"""What was chosen, by name in alphabetical order; 1 for a flag."""


@dataclass(frozen=True)
class Operation:
    """A function of a row of logits, and of its operands, defined exactly.

    Attributes
    ----------
    name : str
        As written after ``--operation``.
    summary : str
        Its formula.
    enclose : callable
        ``enclose(x, operands, precision)`` takes one row of logits, float64 of shape (n,), and the
        row of each operand; it gives one `Enclosure` for each result of the row, of
        relative width about ``2**-precision`` or exact, and None for those that the policy fixes.
        Rising precision must decide each, see `softmax_harness.operations.balls.near_limit`.
    special_values : callable
        ``special_values(x, policy, operands)`` gives two arrays of the shape of the results, (rows,
        m): where the policy fixes the result, and to what (`ANYTHING` for anything).
    error_bound : callable
        ``error_bound(x, operands, z, ulp, format)`` gives the error bound of a well-made
        implementation that works in `format`, in units `ulp` of each result: the a priori bound of
        a careful algorithm.
    error_bound_of_slice : callable or None
        ``error_bound_of_slice(top, n)`` gives an `ErrorBound` for slices of a row of n logits, the
        largest of which is `top`. An operation that has it takes no operands and is softmax, and
        a long row of it is judged slice by slice.
    usual_bound : callable or None
        The same of the textbook form, of an operation where that is much less careful.
    narrowed_bound : callable or None
        The same of what kernels in use round to a `format` of 16 bits or fewer on the way, though
        they work in a wider one; None where that is nothing.
    input_sensitivity : callable or None
        ``input_sensitivity(x, operands, z, format)`` gives by how much half-ulp changes of the
        logits change
        each result, to first order: the absolute condition number times these changes. None for
        softmax, of which `softmax_harness.judgement.metrics.ulp` knows it.
    screen : callable or None
        A `Screen`: the same results as by `enclose`, much faster, up to an error that is proved;
        None where mpmath has to give every result.
    cheap_limit : CheapLimit or None
    theorem : callable or None
        ``theorem(name, x, z, ulp, format)`` gives the bound that a named theorem puts on an
        algorithm of this operation, in ulp; None where no theorem is known here.
    make_operands : callable
        ``make_operands(stored, rng)`` makes the operands of logits in their own format.
    operands : tuple of Operand
        What is known of each of the arrays that `make_operands` makes.
    takes_logits : bool
        Whether an implementation takes the logits, as its first argument; else they stand only for
        what the operands were made from.
    seeing_nothing : callable or None
        ``seeing_nothing(format)`` gives `Inputs` of one row in which a mask hides everything; None
        where there is no mask.
    effective_logits : callable
        ``effective_logits(x, operands)`` gives the logits whose exponentials are summed, by which
        outcomes
        and the order of results are judged.
    steps : ExactSteps or None
        How the results come about, step by step; None where only they are shown.
    reach : callable or None
        ``reach(operands)`` gives the least and the largest number, shape (rows, m) each, that a
        result may be where the error bound is infinite, since arithmetic may overflow there. None
        where any number may be.
    lost_by_flushing : callable or None
        A `LostByFlushing`: what each result may lose, in absolute terms, where subnormal numbers
        count as 0 on the way; infinite where nothing is owed. None where that is less than one of
        the smallest normal numbers.
    whole_calls : callable or None
        ``whole_calls(format, seed)`` gives each `WholeCall`, in shapes of the operation's own. None
        where rows share no operands.
    edges : callable or None
        ``edges(format)`` gives each `Edge` of its operands; None where they have none.
    numbers_per_logit : int
        About how many numbers of its arguments there are for each logit; of what takes many, fewer
        rows are judged.
    one_result : bool
        Whether a row has one result; an implementation then gives the shape without the axis.
    has_axis : bool
        Whether an implementation takes ``axis``.
    least, most : float
        No exact result lies outside of these.
    degenerate : Degenerate or None
        By which the cause is told of results that are lost; None where such results depend on an
        operand, too.
    is_distribution : bool
        Whether a row of results is one: that it sums to 1 and keeps order is then measured.
    is_softmax_of_effective_logits : bool
        Whether the results are exactly softmax of the effective logits, -inf being masked.
    sums_logits : bool
        Whether a result holds the sum of all logits as they are, and not only of exponentials.
    enclose_elements : callable or None
        ``enclose_elements(rest, values, precision)`` gives what `enclose` gives at some finite
        effective logits of a long row from its `softmax_harness.operations.long_sums.Rest` alone;
        None where a result depends on more than its own logit and that.
    choices : tuple of Choice
        What a caller may choose of the shapes of its inputs.
    fitted : callable or None
        ``fitted(operation, fit)`` gives the operation with inputs of what was chosen alone; None
        where there is no choice.
    fit : tuple of (str, int)
        What was chosen.
    left_out : tuple of str
        The arguments that an implementation is called without.
    is_ordered : bool
        Whether the entries of a row have places, by which a result goes: then they are not put to
        an implementation in another order.
    of_difference : OfDifference or None
        The results of rows of two logits from their difference, for those who judge billions of
        them; None where that is not known.
    """

    name: str
    summary: str
    enclose: Callable[[Array, Operands, int], Sequence[Enclosure | None]]
    special_values: Callable[[Array, Policy, Operands], tuple[NDArray[np.bool_], Array]]
    error_bound: ErrorBound
    input_sensitivity: Callable[[Array, Operands, Array, Format], Array] | None = None
    usual_bound: ErrorBound | None = None
    narrowed_bound: ErrorBound | None = None
    screen: Screen | None = None
    cheap_limit: CheapLimit | None = None
    theorem: Callable[[str | None, Array, Array, Array, Format], Array] | None = None
    make_operands: Callable[[NDArray[Any], np.random.Generator], Operands] = _nothing
    operands: tuple[Operand, ...] = ()
    takes_logits: bool = True
    seeing_nothing: Callable[[Format], Inputs] | None = None
    effective_logits: Callable[[Array, Operands], Array] = _logits
    steps: ExactSteps | None = None
    whole_calls: Callable[[Format, int], Iterator[WholeCall]] | None = None
    edges: Callable[[Format], Iterator[Edge]] | None = None
    numbers_per_logit: int = 1
    one_result: bool = False
    has_axis: bool = True
    least: float = -np.inf
    most: float = np.inf
    degenerate: Degenerate | None = None
    is_distribution: bool = False
    is_softmax_of_effective_logits: bool = False
    sums_logits: bool = False
    enclose_elements: Callable[[Rest, list[float], int], list[Enclosure]] | None = None
    error_bound_of_slice: Callable[[float, int], ErrorBound] | None = None
    of_difference: OfDifference | None = None
    reach: Callable[[Operands], tuple[Array, Array]] | None = None
    lost_by_flushing: LostByFlushing | None = None
    choices: tuple[Choice, ...] = ()
    fitted: Callable[[Operation, Mapping[str, int]], Operation] | None = None
    fit: Fit = ()
    left_out: tuple[str, ...] = ()
    is_ordered: bool = False

    def __reduce__(self) -> tuple[Callable[[str, Fit], Operation], tuple[str, Fit]]:
        """Another process finds it by its name: its functions need not cross over."""
        from softmax_harness.operations import operation_named

        return operation_named, (self.name, self.fit)

    def fitting(self, fit: Fit) -> Operation:
        """The same operation, asked in what was chosen alone.

        Raises
        ------
        BadData
            If it leaves no such choice.
        """
        if fit == self.fit:
            return self
        known = [each.name for each in self.choices]
        for name, _ in fit:
            if name not in known:
                expected = f"one of {', '.join(known)}" if known else "it without"
                raise BadData(f"--{name} was given, but {self.name} has none: expected {expected}")
        if wrong := [f"--{name} {value}" for name, value in fit if value < 1]:
            raise BadData(f"{wrong[0]}: expected at least 1")
        assert self.fitted is not None
        return replace(self.fitted(self, dict(fit)), fit=fit)

    @property
    def cost(self) -> int:
        """About how many times as long as softmax it takes to judge a logit.

        mpmath alone judges some fifty thousand a second, a screen some millions.
        """
        return self.numbers_per_logit * (1 if self.screen is not None else 64)

    def called_with(self, x: NDArray[Any], operands: Operands) -> Operands:
        """The arguments that an implementation is called with, as ``f(*arguments, axis=-1)``."""
        return (x, *operands) if self.takes_logits else operands

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of these arguments, in their order."""
        own = tuple(each.name for each in self.operands)
        return ("x", *own) if self.takes_logits else own

    @property
    def signature(self) -> str:
        """As an implementation is called: ``f(x, mask, axis=-1)``."""
        return f"f({', '.join((*self.parameters, *['axis=-1'] * self.has_axis))})"

    def inputs(self, stored: NDArray[Any], rng: np.random.Generator) -> Inputs:
        """Rows of logits with operands made for them."""
        return Inputs(stored, self.make_operands(stored, rng))

    @property
    def result_ndim(self) -> int:
        """Dimensions that the results of each row have in what an implementation gives back."""
        if not self.has_axis:
            return 2
        return 0 if self.one_result else 1

    @property
    def one_to_one(self) -> bool:
        """Whether a row has one result for each logit."""
        return self.has_axis and not self.one_result

    def shape_of_results(self, arguments: Operands, axis: int = -1) -> tuple[int, ...]:
        """The shape that an implementation gives back when it is called with these arguments."""
        first = arguments[0]
        if not self.has_axis:
            return (*first.shape[:-1], arguments[2].shape[-1])
        if self.one_result:
            return Arrangement(first.shape, axis).others
        return first.shape
