"""logsumexp_gradient: z_i = g s_i, s = softmax(x), g one number a row: what passes back through it.

Laws: a row sums to g; g = 1 gives softmax.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format, format_of
from softmax_harness.operations import (
    bounds,
    cross_entropy_gradient,
    flushing,
    not_finite,
    rows,
    softmax,
    steps,
)
from softmax_harness.operations.balls import Ball, enclosure, exact, product, quotient, total
from softmax_harness.operations.enclosure import Array, Enclosure
from softmax_harness.operations.operand import (
    Operand,
    Operands,
    of_some_calls,
    powers_of_two,
    with_nans,
)
from softmax_harness.operations.operation import ANYTHING, OF_WEIGHTS, Operation, Policy
from softmax_harness.operations.screen import Screened
from softmax_harness.operations.screen.batch import Chosen, Stage, by_blocks, kernels_of, put_exact
from softmax_harness.operations.screen.gradients import equal_shares, relative_error, sum_and_terms
from softmax_harness.operations.screen.others import Rows
from softmax_harness.operations.screen.passed_back import Sum, at_largest
from softmax_harness.operations.screen.rounding import rounded
from softmax_harness.operations.screen.workspace import Bits
from softmax_harness.operations.steps import ExactSteps
from softmax_harness.operations.truth import Truth

_LEAST = -1500
_MEANS = 0.06  # of the calls
_SMALLEST_NORMAL = 2.0**-1022


def incoming(stored: NDArray[Any], rng: np.random.Generator) -> Operands:
    """g of each row, shape (rows, 1), in the format of the logits: normal, 1 or -1, 0, large.

    Some are far from 1, a few NaN.
    The mean over a batch of b rows passes back 1 / b, a sum 1; each in all rows of some calls.
    """
    shape = len(stored), 1
    kinds = (
        rng.standard_normal(shape),
        rng.choice([-1.0, 1.0], shape),
        1.0 / rng.integers(1, 4097, shape),
        np.zeros(shape),
        2.0 ** rng.integers(-12, 13, shape) * rng.choice([-3.0, 1.0], shape),
        powers_of_two(format_of(stored), shape, rng, 2) * rng.choice([-1.5, 1.0], shape),
    )
    kind = rng.choice(len(kinds), shape, p=(0.3, 0.1, 0.2, 0.05, 0.2, 0.15))
    g = of_some_calls(with_nans(np.choose(kind, kinds), stored, rng), np.ones(shape), rng)
    if rng.random() < _MEANS:
        g = np.full(shape, 1.0 / max(len(stored), 1))
    return (format_of(stored).stored(g),)


def enclose(x: Array, operands: Operands, precision: int) -> list[Enclosure | None]:
    """g t_i / S, t = exp(x - a), S = sum of t; 0 if g is.

    At the largest logit, m of them, it is g / m less what `rows.weighted_mean` tells the side of.
    The others are no more than g / 2, and next to that only as far as logits differ.
    """
    row = rows.distinct_logits(x)
    g = exact(float(operands[0][0]))
    terms = rows.weights(row.values, precision)
    if g.is_zero:
        distinct = [Enclosure(0, 0, 0)] * len(terms)
    else:
        denominator = total([Ball(row.most, 0), rows.rest(terms, row.counts, precision)], precision)
        distinct = [
            enclosure(quotient(product(g, term, precision), denominator, precision))
            for term in terms[:-1]
        ]
        alone = [*[Ball(0, 0)] * len(distinct), g]
        distinct.append(rows.weighted_mean(alone, row.counts, terms, precision))
    return [distinct[place] if place >= 0 else None for place in row.place.tolist()]


def special_values(x: Array, policy: Policy, operands: Operands) -> tuple[NDArray[np.bool_], Array]:
    """g times what softmax has there; NaN if g is."""
    fixed, expected = softmax.special_values(x, policy)
    g = operands[0].astype(np.float64)
    if not fixed.any():
        return not_finite.with_operand((fixed, expected), policy, x.shape[-1], g)
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = np.where(expected == 0.0, 0.0, expected * g)
    special = fixed, np.where(expected == ANYTHING, ANYTHING, np.where(fixed, scaled, 0.0))
    return not_finite.with_operand(special, policy, x.shape[-1], g)


def error_bound(x: Array, operands: Operands, z: Array, ulp: Array, format: Format) -> Array:
    """|g| times the bound of a well-made softmax, and the rounding of the product.

    The product may come before the quotient, fl(fl(g e) / s): it has as many relative errors, and
    where g e is subnormal half an eta, divided by the computed s, beside that of the quotient.
    """
    least = bounds.least_sum(x.shape[-1], format)
    etas = 0.5 + (0.5 / least if least > 0.0 else np.inf)
    g = np.abs(operands[0].astype(np.float64))
    s = rows.sums(x, format).softmax
    s_ulp = format.ulp(s)
    with np.errstate(invalid="ignore", over="ignore"):
        # In ulp throughout: so few of the smallest subnormals are no number of float64.
        of_s = bounds.error_bound(x, s, s_ulp, format) * (s_ulp / ulp)
        own = format.unit_roundoff * (np.abs(z) / ulp)
        own += etas * bounds.in_ulp(format.smallest_subnormal, ulp)
        of_product = np.where(g == 0.0, 0.0, g * of_s)
        return np.asarray(of_product * (1.0 + 2.0**-6) + own)


def input_sensitivity(x: Array, operands: Operands, z: Array, format: Format) -> Array:
    """|g| times softmax's."""
    g = np.abs(operands[0].astype(np.float64))
    return np.asarray(g * cross_entropy_gradient.input_sensitivity(x, (), z, format))


def lost_by_flushing(x: Array, operands: Operands, z: Array, format: Format) -> Array:
    """|g| s_i where s_i is flushed, and a few of the smallest normal numbers."""
    least, s = flushing.least_kept(format), flushing.weights(x)
    g = np.abs(operands[0].astype(np.float64))
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(g * flushing.where_flushed(s, least) + flushing.SINGLE * least)


def screened(
    x: Array, operands: Operands, fixed: NDArray[np.bool_], expected: Array, format: Format
) -> Screened:
    """The exponentials as two float64 times the significand of g over their sum.

    What that adds to softmax's roundings is below 2**-5 of the kernel's error. The exponent of g is
    added; what lies below 2**-1500 is next to nothing in every format. At the largest logit it is g
    less g times the sum of the others over that of all: next to a power of two, only that tells the
    side. If g is 0, so is the result, exactly.
    """
    g = not_finite.without(operands[0].astype(np.float64))
    zero = g == 0.0
    significand, exponent = np.frexp(np.where(zero, 1.0, g))
    exponent = exponent.astype(np.int64)
    stages = [
        Stage(each, relative_error(each) + 2.0**-5 * each.RELATIVE_ERROR)
        for each in kernels_of(format)
    ]

    def screen_part(part: Chosen, here: Truth, stage: Stage) -> NDArray[np.bool_]:
        kernel, error = stage
        logits = Rows.of(x[part], kernel)
        undecided = logits.single
        parts, pieces = sum_and_terms(logits)
        less_g = Sum(-significand[part], *np.zeros((2, len(undecided), 1)))
        inverse = kernel.inverse(list(parts.whole))
        nothing = np.zeros((len(undecided), 1))
        share = kernel.times_inverse(inverse, (significand[part], nothing))
        for piece, terms, w in pieces:
            head, tail = kernel.scaled(terms[0], terms[1], share, w)
            q = terms[2]
            _raise(q, exponent[part])
            of_piece = here.columns(piece)
            open_ = rounded(head, tail, q, of_piece, error, w, below_one=False)
            at = logits.at_top(piece)
            none = np.broadcast_to(0.0, open_.shape)
            top, _ = at_largest(none, at, less_g, parts, inverse, 4.0 * kernel.RELATIVE_ERROR)
            # In units of 1, since no significand is 0.
            top = top._replace(q=exponent[part][at[0]] << 52)
            open_[at] = top.rounded_to(of_piece, at, error)
            undecided |= (open_ & ~of_piece.fixed).any(axis=-1)
        equal, shares = equal_shares(logits, undecided)
        z = g[part][equal] * shares
        is_exact = (np.abs(z) >= _SMALLEST_NORMAL) | (shares == 1.0) | (shares == 0.0)
        is_number = (is_exact & (format.nearest(z) == z)).all(axis=-1)
        put_exact(here, equal[is_number], z[is_number], undecided)
        put_exact(here, zero[part, 0], 0.0, undecided)
        return undecided

    return by_blocks(x.shape[-1], fixed, expected, format, stages, screen_part)


def _raise(q: Bits, exponent: Bits) -> None:
    """Add exponents of rows to those of their entries, which are in units of `FIELD`."""
    if (int(q.min()) >> 52) + int(exponent.min()) >= _LEAST:
        q += exponent << 52
        return
    q >>= 52
    q += exponent
    np.maximum(q, _LEAST, out=q)
    q <<= 52


OPERATION = Operation(
    "logsumexp_gradient",
    "z_i = g softmax(x)_i",
    enclose,
    special_values,
    error_bound,
    input_sensitivity,
    screen=screened,
    cheap_limit=softmax.OPERATION.cheap_limit,
    make_operands=incoming,
    steps=ExactSteps(steps.normalised, "g s"),
    operands=(Operand("g", 1),),
    lost_by_flushing=lost_by_flushing,
    degenerate=OF_WEIGHTS,
)
