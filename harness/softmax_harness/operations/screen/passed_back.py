"""The screen of what passes back through log_softmax: v_i - s_i V, V the sum of v.

Where v_i is 0 the result is -s_i V, however small. At the largest logit 1 - s is the sum of the
others over that of all, so that (v_i - V) + V (1 - s_i) cancels nothing where v_i = V, as for the
one class of a saturated loss. Elsewhere v_i and s_i V may cancel: rows in which they do by more
than the bound allows stay open.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.operations.screen.batch import Chosen, Screened, Stage, by_blocks
from softmax_harness.operations.screen.gradients import sum_and_terms
from softmax_harness.operations.screen.moments import kernel_of, relative_error
from softmax_harness.operations.screen.others import Parts, Rows
from softmax_harness.operations.screen.rounding import Closer, rounded
from softmax_harness.operations.screen.sums import exact_product, two_sum
from softmax_harness.operations.screen.workspace import Array
from softmax_harness.operations.truth import Truth

_SMALLEST, _LARGEST = 2.0**-300, 2.0**300  # v beyond, but for 0, stays open: nothing underflows
_LEAST = -1500  # what has no larger exponent is next to nothing in every format


class Sum(NamedTuple):
    """V of each row as two float64, and a bound of their error; shape (rows, 1) each."""

    head: Array
    tail: Array
    error: Array

    @classmethod
    def of(cls, v: Array) -> Sum:
        """By halves, each addition with its exact rounding error.

        These are added to 2**-46 of their absolute values: by NumPy in pairs, and level by level.
        """
        total = v
        tail, size = np.zeros((len(v), 1)), np.zeros((len(v), 1))
        while total.shape[-1] > 1:
            half = total.shape[-1] // 2
            sums, lost = two_sum(total[:, :half], total[:, half : 2 * half])
            total = np.concatenate([sums, total[:, 2 * half :]], axis=-1)
            tail += lost.sum(axis=-1, keepdims=True)
            size += np.abs(lost).sum(axis=-1, keepdims=True)
        head, rest = two_sum(total, tail)
        return cls(head, rest, 2.0**-46 * size)


class _Result(NamedTuple):
    """Results 2**exponent (head + tail), and bounds of their errors, in the same units."""

    head: Array
    tail: Array
    exponent: NDArray[np.int64]
    error: Array


def log_softmax_gradient(
    x: Array, v: Array, fixed: NDArray[np.bool_], expected: Array, format: Format
) -> Screened:
    """v_i - s_i V, x and v of shape (rows, n)."""
    allowed = relative_error(format)
    own_error = 4.0 * kernel_of(format).RELATIVE_ERROR  # of s, of 1 - s, and of products with V

    def screen_part(part: Chosen, here: Truth, stage: Stage) -> NDArray[np.bool_]:
        rows, own = Rows.of(x[part], stage.kernel), v[part]
        total = Sum.of(own)
        size = np.where(own == 0.0, 1.0, np.abs(own))
        within = (size > _SMALLEST) & (size < _LARGEST)
        undecided = rows.single | ~within.all(axis=-1) | (total.head == 0.0)[:, 0]
        usable = np.where(undecided[:, None], 1.0, own)
        total = Sum(*(np.where(undecided[:, None], 1.0, each) for each in total))
        parts, pieces = sum_and_terms(rows)
        inverse = stage.kernel.inverse(list(parts.whole))
        for piece, terms, w in pieces:
            head, tail = stage.kernel.scaled(terms[0], terms[1], inverse, w)
            q, of_piece = terms[2], here.columns(piece)
            share = _product((head, tail), total)
            result = _less(usable[:, piece], share, q >> 52, own_error, total, head)
            at_top = rows.at_top(piece)
            _put(
                result, at_top, _at_top(usable[:, piece], at_top, total, parts, inverse, own_error)
            )
            uncertain = result.error > allowed * np.abs(result.head)
            head[:], tail[:] = result.head, result.tail
            np.left_shift(np.maximum(result.exponent, _LEAST), 52, out=q)
            open_ = rounded(head, tail, q, of_piece, allowed, w, _closer(result), below_one=False)
            undecided |= ((open_ | uncertain) & ~of_piece.fixed).any(axis=-1)
        return _without_zeros(here, own, undecided)

    return by_blocks(
        x.shape[-1], fixed, expected, format, [Stage(kernel_of(format), allowed)], screen_part
    )


def _closer(result: _Result) -> Closer:
    """The error of each result, where the one that all are allowed decides nothing."""
    error = result.error.ravel()
    return lambda flat: (0.0, error[flat])


def _product(a: tuple[Array, Array], total: Sum) -> tuple[Array, Array]:
    """a V as two float64, its error below 2**-103 of it."""
    p, e = exact_product(a[0], np.broadcast_to(total.head, a[0].shape))
    return p, e + (a[0] * total.tail + a[1] * total.head)


def _less(
    v: Array,
    share: tuple[Array, Array],
    exponent: NDArray[np.int64],
    own_error: float,
    total: Sum,
    s: Array,
) -> _Result:
    """v - 2**exponent share; where v is 0 in units of that power, elsewhere of 1."""
    zero = v == 0.0
    shift = np.where(zero, 0, exponent).astype(np.int32)
    head, rest = two_sum(v, -np.ldexp(share[0], shift))
    error = np.ldexp(own_error * np.abs(share[0]) + s * total.error, shift)
    error += np.where(zero, 0.0, 2.0**-104 * np.abs(v) + 2.0**-1070)
    tail = rest - np.ldexp(share[1], shift)
    return _Result(head, tail, np.where(zero, exponent, 0), error)


def _at_top(
    v: Array,
    at_top: tuple[NDArray[np.int64], NDArray[np.int64]],
    total: Sum,
    parts: Parts,
    inverse: tuple[Array, Array],
    own_error: float,
) -> _Result:
    """(v - V) + V (1 - s) of the largest logits, 1 - s = rest / S; shape (some rows, 1)."""
    row, _ = at_top
    some = Sum(*(each[row] for each in total))
    head, tail, exponent = parts.rest.head[row], parts.rest.tail[row], parts.rest.exponent[row]
    p, e = exact_product(head, inverse[0][row])
    share = _product((p, e + (head * inverse[1][row] + tail * inverse[0][row])), some)
    apart, lost = two_sum(v[at_top][:, None], -some.head)
    apart, lost = two_sum(apart, lost - some.tail)
    alone = (apart == 0.0) & (some.error == 0.0)
    shift = np.where(alone, 0, exponent).astype(np.int32)
    total_head, rest = two_sum(apart, np.ldexp(share[0], shift))
    error = np.ldexp(own_error * np.abs(share[0]), shift) + some.error
    error += np.where(alone, 0.0, 2.0**-103 * np.abs(apart) + 2.0**-1070)
    tail = rest + (lost + np.ldexp(share[1], shift))
    return _Result(total_head, tail, np.where(alone, exponent, 0), error)


def _put(result: _Result, at: tuple[NDArray[np.int64], NDArray[np.int64]], other: _Result) -> None:
    for whole, part in zip(result, other, strict=True):
        whole[at] = part[:, 0]


def _without_zeros(here: Truth, v: Array, undecided: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What stays open but for rows in which v is 0 throughout: so are the results, exactly."""
    nothing = np.flatnonzero(~v.any(axis=-1))
    here.rounded[nothing] = here.offset[nothing] = 0.0
    here.ulp[nothing] = here.format.smallest_subnormal
    undecided[nothing] = False
    return undecided
