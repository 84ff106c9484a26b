"""A row longer than the workspace, piece by piece; it needs memory only for the results."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import numpy as np

from softmax_harness.operations.screen.arguments import Distance, distance, too_far, tops, unmasked
from softmax_harness.operations.screen.rounding import rounded
from softmax_harness.operations.screen.sums import joined
from softmax_harness.operations.screen.workspace import BLOCK_ELEMENTS, Array, bits_of, workspace
from softmax_harness.operations.truth import Truth


def screen_row(
    x: Array, truth: Truth, kernel: ModuleType, apart: Distance | None, error: float
) -> bool:
    """Screen one row, x and the arrays of `truth` of shape (1, n); True if it stays undecided.

    First the exponentials of each piece, which wait where the results will stand, and the columns
    of their sum, which add up to those of the whole row; then the quotients.
    """
    n = x.shape[-1]
    pieces = [(x[:, piece], truth.columns(piece)) for piece in _pieces(n)]
    masked = bool(truth.fixed.any())
    top = np.max([tops(some, here.fixed) if masked else some.max() for some, here in pieces])
    top = np.full((1, 1), top)
    bottom = np.inf
    for some, here in pieces:
        numbers = unmasked(some, here.fixed, top)[0] if masked else some
        bottom = min(bottom, float(numbers.min()))
    if apart is None and too_far(top, np.array([bottom])):
        apart = distance
    columns = []
    for some, here in pieces:
        columns.append(_exponentials(some, here, top, masked, apart, n, kernel))
    inverse = kernel.inverse(joined(columns))
    undecided = float(top[0, 0]) == bottom
    for _, here in pieces:
        undecided |= _quotients(here, inverse, kernel, error)
    return undecided


def _pieces(n: int) -> Iterator[slice]:
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


def _quotients(here: Truth, inverse: tuple[Array, Array], kernel: ModuleType, error: float) -> bool:
    """Round what `_exponentials` left in `here` over the whole sum; True where that is open."""
    w = workspace((1, here.ulp.shape[-1]))
    head, tail, q = w.take(), w.take(), bits_of(w.take())
    head[:], tail[:], q[:] = here.rounded, here.offset, bits_of(here.ulp)
    head, tail = kernel.scaled(head, tail, inverse, w)
    open_ = rounded(head, tail, q, here, error, w)
    return bool((open_ & ~here.fixed).any())
