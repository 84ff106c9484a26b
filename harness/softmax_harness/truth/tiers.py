"""The two tiers of truth: screen fast, and let mpmath decide what the screen leaves open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.errors import ScreenIsWrong
from softmax_harness.ground.formats import Format
from softmax_harness.operations import Operands, Operation, Policy
from softmax_harness.truth.arbiter import arbitrate
from softmax_harness.truth.screen import Screened, screen
from softmax_harness.truth.truth import Truth

Screen = Callable[[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64], Format], Screened]

SCREENS: dict[str, Screen] = {"softmax": screen}
TIERS = ("screened", "mpmath")


@dataclass(frozen=True)
class ExactResults:
    """The truth of a batch and how it is known.

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
    operation: Operation,
    x: NDArray[np.float64],
    format: Format,
    policy: Policy,
    tier: str = "screened",
    operands: Operands = (),
) -> ExactResults:
    """The truth of each row of x by the screen, if there is one, and by mpmath where it is open.

    Parameters
    ----------
    x : ndarray of float64, shape (rows, n)
    tier : {"screened", "mpmath"}
        ``mpmath`` takes everything to the arbiter.
    operands : tuple of ndarray
        What the operation takes besides the logits.
    """
    by_screen = SCREENS.get(operation.name)
    if tier == "mpmath" or by_screen is None:
        return ExactResults(
            arbitrate(operation, x, format, policy, operands), np.ones(len(x), bool), 0.0
        )
    screened = by_screen(x, *operation.special_values(x, policy, operands), format)
    found = ExactResults(screened.truth, np.zeros(len(x), bool), screened.error_ulp)
    confirm(found, np.flatnonzero(screened.undecided), operation, x, policy)
    return found


def check_screen(
    operation: Operation, x: NDArray[np.float64], exact: Truth, policy: Policy, where: str
) -> None:
    """Hold the screen's truth of each row of x against mpmath's.

    Raises
    ------
    ScreenIsWrong
        Where they differ by more than the screen's bound; `where` says what was judged.
    """
    found = exact_results(operation, x, exact.format, policy)
    own = ~found.confirmed
    screened, right = found.truth.rows(own), exact.rows(own)
    slack = found.error_ulp + 2.0**-53  # both offsets are rounded, at most 1/2
    same = (screened.rounded == right.rounded) | screened.fixed
    same &= (screened.ulp == right.ulp) | screened.fixed
    same &= np.abs(screened.offset - right.offset) <= slack
    if not same.all():
        row = int(np.flatnonzero(own)[np.flatnonzero(~same.all(axis=-1))[0]])
        raise ScreenIsWrong(
            f"the screen differs from mpmath by more than {slack:.3g} ulp on {where}, row {row}; "
            "run with --truth mpmath, and please report this"
        )


def confirm(
    found: ExactResults,
    rows: NDArray[np.int64],
    operation: Operation,
    x: NDArray[np.float64],
    policy: Policy,
) -> None:
    """Let mpmath judge some rows, in place."""
    rows = rows[~found.confirmed[rows]]
    if rows.size:
        found.truth.replace_rows(rows, arbitrate(operation, x[rows], found.truth.format, policy))
        found.confirmed[rows] = True
