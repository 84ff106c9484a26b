"""The two tiers of truth: screen fast, and let mpmath decide what the screen leaves open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.errors import ScreenIsWrong
from softmax_harness.operations import Operands, Problem
from softmax_harness.operations.truth import Truth
from softmax_harness.truth.arbiter import arbitrate

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
        Bound of the error of the other rows' `Truth.offset`, in ulp.
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
    if tier == "mpmath" or operation.screen is None:
        return ExactResults(arbitrate(problem, x, operands), np.ones(len(x), bool), 0.0)
    fixed, expected = problem.special_values(x, operands)
    screened = operation.screen(x, operands, fixed, expected, problem.judged_format)
    found = ExactResults(screened.truth, np.zeros(len(x), bool), screened.error_ulp)
    confirm(found, np.flatnonzero(screened.undecided), problem, x, operands)
    return found


def check_screen(
    problem: Problem, x: NDArray[np.float64], operands: Operands, exact: Truth, where: str
) -> None:
    """Hold the screen's truth of each row of x against mpmath's.

    Raises
    ------
    ScreenIsWrong
        Where they differ by more than the screen's bound; `where` says what was judged.
    """
    found = exact_results(problem, x, operands)
    own, screened, right = ~found.confirmed, found.truth, exact
    if not own.all():
        screened, right = found.truth.rows(own), exact.rows(own)
    slack = found.error_ulp + 2.0**-53  # both offsets are rounded, at most 1/2
    beyond = ~np.isfinite(right.rounded) & ~np.isfinite(screened.rounded)
    same = (screened.rounded == right.rounded) | screened.fixed | beyond
    same &= (screened.ulp == right.ulp) | screened.fixed
    with np.errstate(invalid="ignore"):  # infinity less infinity
        difference = np.abs(screened.offset - right.offset)
    # Beyond the largest number an offset may be of any size.
    same &= (difference <= slack * np.maximum(np.abs(right.offset), 1.0)) | (
        beyond & (screened.offset == right.offset)
    )
    if not same.all():
        row = int(np.flatnonzero(own)[np.flatnonzero(~same.all(axis=-1))[0]])
        raise ScreenIsWrong(
            f"the screen differs from mpmath by more than {slack:.3g} ulp on {where}, row {row}; "
            "run with --truth mpmath, and please report this"
        )


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
        own = tuple(each[rows] for each in operands)
        found.truth.replace_rows(rows, arbitrate(problem, x[rows], own))
        found.confirmed[rows] = True
