"""The two tiers of truth: screen fast, and let mpmath decide what the screen leaves open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.errors import ScreenIsWrong
from softmax_harness.operations import Operands, Problem, some_rows
from softmax_harness.operations.operation import Screen
from softmax_harness.operations.truth import Truth
from softmax_harness.truth.arbiter import arbitrate
from softmax_harness.truth.long_rows import error_ulp_of

TIERS = ("screened", "mpmath")


@dataclass(frozen=True)
class ExactResults:
    """The truth of a batch, and which tier it comes from.

    Attributes
    ----------
    truth : Truth
    confirmed : ndarray of bool, shape (rows,)
        Rows that mpmath judged; the others are the screen's.
    error_ulp : float
        Bound of the error of the other rows' `Truth.offset`, and of long ones', in ulp.
    """

    truth: Truth
    confirmed: NDArray[np.bool_]
    error_ulp: float


def exact_results(
    problem: Problem,
    x: NDArray[np.float64],
    operands: Operands = (),
    tier: str = "screened",
) -> ExactResults:
    """The truth of each row of x by the screen, if there is one, and by mpmath where it is open.

    Parameters
    ----------
    problem : Problem
        The truth is seen from its output format.
    x : ndarray of float64, shape (rows, n)
    operands : tuple of ndarray
        What the operation takes besides the logits.
    tier : {"screened", "mpmath"}
        ``mpmath`` takes everything to the arbiter.
    """
    operation = problem.operation
    if tier == "mpmath" or operation.screen is None or not x.shape[-1]:
        error = error_ulp_of(operation, x.shape[-1], problem.output_format)
        return ExactResults(arbitrate(problem, x, operands), np.ones(len(x), bool), error)
    found, open_ = _screened(operation.screen, problem, x, operands)
    confirm(found, open_, problem, x, operands)
    return found


def _screened(
    screen: Screen, problem: Problem, x: NDArray[np.float64], operands: Operands
) -> tuple[ExactResults, NDArray[np.int64]]:
    """What the screen finds, and the rows that it leaves open."""
    operands = tuple(_widened(each, x.shape) for each in operands)
    fixed, expected = problem.special_values(x, operands)
    screened = screen(x, operands, fixed, expected, problem.judged_format)
    found = ExactResults(screened.truth, np.zeros(len(x), bool), screened.error_ulp)
    return found, np.flatnonzero(screened.undecided)


def _widened(operand: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Numbers of each logit as float64: else they are converted where they are looked at."""
    is_of_logits = operand.shape == shape and operand.dtype.kind not in "biu"
    return operand.astype(np.float64, copy=False) if is_of_logits else operand


def check_screen(
    problem: Problem, x: NDArray[np.float64], operands: Operands, exact: Truth, where: str
) -> None:
    """Hold what the screen decides of each row of x against mpmath's `exact`.

    Raises
    ------
    ScreenIsWrong
        As `check_screened`.
    """
    if problem.operation.screen is not None:
        found, open_ = _screened(problem.operation.screen, problem, x, operands)
        found.confirmed[open_] = True  # which are not the screen's, and are not looked at
        check_screened(found, exact, where)


def check_screened(found: ExactResults, exact: Truth, where: str) -> None:
    """Hold the rows that the screen decided against mpmath's truth of the same rows.

    Raises
    ------
    ScreenIsWrong
        Where they differ by more than the screen's bound; `where` says what was judged.
    """
    own, screened, right = ~found.confirmed, found.truth, exact
    if not own.all():
        screened, right = found.truth.rows(own), exact.rows(own)
    same = are_same(screened, right, found.error_ulp)
    if not same.all():
        row = int(np.flatnonzero(own)[np.flatnonzero(~same.all(axis=-1))[0]])
        raise ScreenIsWrong(
            f"the screen differs from mpmath by more than {found.error_ulp:.3g} ulp on {where}, "
            f"row {row}; run with --truth mpmath, and please report this"
        )


def are_same(screened: Truth, exact: Truth, error_ulp: float) -> NDArray[np.bool_]:
    """Where the screen's truth is the exact one up to its error; anything is where it is fixed."""
    beyond = ~np.isfinite(exact.rounded) & ~np.isfinite(screened.rounded)
    same: NDArray[np.bool_] = (screened.rounded == exact.rounded) | beyond
    same &= screened.ulp == exact.ulp
    with np.errstate(invalid="ignore"):  # infinity less infinity
        difference = np.abs(screened.offset - exact.offset)
    # Both offsets are rounded, by 2**-54 up to 1/2. Beyond the largest number they may be of any
    # size, and are rounded by 2**-53 of it.
    size = np.maximum(np.abs(exact.offset), 1.0)
    slack = np.where(beyond, (error_ulp + 2.0**-52) * size, error_ulp + 2.0**-53)
    same &= (difference <= slack) | (beyond & (screened.offset == exact.offset))
    same |= screened.fixed
    return same


def confirm(
    found: ExactResults,
    rows: NDArray[np.int64],
    problem: Problem,
    x: NDArray[np.float64],
    operands: Operands,
) -> None:
    """Let mpmath judge some rows, in place."""
    rows = rows[~found.confirmed[rows]]
    if rows.size:
        own = some_rows(operands, rows)
        found.truth.replace_rows(rows, arbitrate(problem, x[rows], own))
        found.confirmed[rows] = True
