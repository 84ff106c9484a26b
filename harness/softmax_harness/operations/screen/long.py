"""A row longer than the workspace, piece by piece; it needs memory only for the results."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from softmax_harness.operations.screen.arguments import Distance, distance, too_far, tops, unmasked
from softmax_harness.operations.screen.constants import TABLE_BITS, constants
from softmax_harness.operations.screen.rounding import rounded
from softmax_harness.operations.screen.sums import joined
from softmax_harness.operations.screen.workspace import BLOCK_ELEMENTS, Array, bits_of, workspace
from softmax_harness.operations.truth import Truth


def screen_row(
    x: Array, truth: Truth, kernel: ModuleType, apart: Distance | None, error: float
) -> NDArray[np.int64]:
    """Screen one row, x and the arrays of `truth` of shape (1, n); which elements stay undecided.

    First the exponentials of each piece, which wait where the results will stand, and the columns
    of their sum, which add up to those of the whole row; then the quotients.
    """
    n = x.shape[-1]
    parts = [(x[:, piece], truth.columns(piece)) for piece in pieces(n)]
    masked = bool(truth.fixed.any())
    top = np.max([tops(some, here.fixed) if masked else some.max() for some, here in parts])
    top = np.full((1, 1), top)
    bottom = np.inf
    for some, here in parts:
        numbers = unmasked(some, here.fixed, top)[0] if masked else some
        bottom = min(bottom, float(numbers.min()))
    if apart is None and too_far(top, np.array([bottom])):
        apart = distance
    columns = []
    for some, here in parts:
        columns.append(_exponentials(some, here, top, masked, apart, n, kernel))
    inverse = kernel.inverse(joined(columns))
    if float(top[0, 0]) == bottom:
        return np.arange(n)
    open_ = [
        piece.start + _quotients(truth.columns(piece), inverse, kernel, error)
        for piece in pieces(n)
    ]
    return np.concatenate(open_)


def unit_of(top: float) -> int:
    """k where the kernels give exp(x) in units of 2**k, for a row whose largest logit is `top`."""
    return int(np.rint(top * constants().per_ln2)) >> TABLE_BITS


def pieces(n: int) -> Iterator[slice]:
    """Of one length but for the last, so that they share a workspace."""
    count = -(-n // BLOCK_ELEMENTS)
    size = -(-n // count)
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


def _exponentials(
    x: Array,
    here: Truth,
    top: Array,
    masked: bool,
    apart: Distance | None,
    n: int,
    kernel: ModuleType,
) -> list[Array]:
    """The columns of a piece's sum; what they are the sum of goes to the arrays of `here`."""
    weights = low = None
    if masked:
        x, weights = unmasked(x, here.fixed, top)
    if apart is not None:
        x, low = apart(x, top)
        top = np.zeros_like(top)
    w = workspace((1, x.shape[-1]))
    head, tail, q = kernel.exponentials(x, top, low, weights, w)
    columns: list[Array] = kernel.columns_of(head, tail, q, n, w)
    here.rounded[:], here.offset[:], bits_of(here.ulp)[:] = head, tail, q
    w.give(head, tail, q.view(np.float64))
    return columns


def _quotients(
    here: Truth, inverse: tuple[Array, Array], kernel: ModuleType, error: float
) -> NDArray[np.int64]:
    """Round what `_exponentials` left in `here` over the whole sum; the places that stay open."""
    w = workspace((1, here.ulp.shape[-1]))
    head, tail, q = w.take(), w.take(), bits_of(w.take())
    head[:], tail[:], q[:] = here.rounded, here.offset, bits_of(here.ulp)
    head, tail = kernel.scaled(head, tail, inverse, w)
    open_ = rounded(head, tail, q, here, error, w)
    return np.flatnonzero(open_ & ~here.fixed)


@dataclass(frozen=True)
class SummedRow:
    """A long row whose sum is known, and any part of which can be screened alone.

    Attributes
    ----------
    kernel : module
    top : float
        The largest logit.
    is_far : bool
        Whether distances from it are what the kernel takes, see `too_far`.
    columns : list of ndarray, shape (1, 1)
        The sum, as `kernel.inverse` takes it.
    """

    kernel: ModuleType
    top: float
    is_far: bool
    columns: list[Array]

    @staticmethod
    def is_beyond(top: float, bottom: float) -> bool:
        """What `is_far` is, of a row from `bottom` to `top`."""
        return too_far(np.array([top]), np.array([bottom]))

    def screen(self, x: Array, here: Truth) -> NDArray[np.int64]:
        """Screen a part, x and the arrays of `here` of shape (1, some); what stays undecided."""
        top, fixed, weights, low = np.full((1, 1), self.top), here.fixed, None, None
        if fixed.any():
            x, weights = unmasked(x, fixed, top)
        if self.is_far:
            x, low = distance(x, top)
            top = np.zeros_like(top)
        w = workspace(x.shape)
        head, tail, q = self.kernel.exponentials(x, top, low, weights, w)
        if weights is not None:  # what will be overwritten must not be deep, which takes longer
            head += 1.0 - weights
        head, tail = self.kernel.scaled(head, tail, self.kernel.inverse(self.columns), w)
        open_ = rounded(head, tail, q, here, self.kernel.RELATIVE_ERROR, w)
        return np.flatnonzero(open_ & ~fixed)
