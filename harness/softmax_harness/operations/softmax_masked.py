"""softmax_masked: softmax of the entries that a mask keeps, 0 for the others.

A row with nothing to keep is softmax's row of nothing but -inf: NaN throughout, or 0 throughout
where the implementation gives that, as `Policy.all_masked` says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.operations import cross_entropy_gradient, long_sums, softmax, steps
from softmax_harness.operations.attention.masks import ORDERED, inside, ordered
from softmax_harness.operations.enclosure import Array, Enclosure
from softmax_harness.operations.operand import Inputs, Operand, Operands, WholeCall, of_some_calls
from softmax_harness.operations.operation import (
    ANYTHING,
    OF_WEIGHTS,
    ZERO_OR_NAN,
    Operation,
    Policy,
)
from softmax_harness.operations.screen import Screened, screen_masked
from softmax_harness.operations.screen.masks import where
from softmax_harness.operations.steps import ExactStep, ExactSteps

_BLOCKS = (8, 16, 32, 64, 128)  # in which kernels work, and which they may skip
_LARGEST_COUNT = 65536
_WINDOWS, _WINDOW = 0.5, 3
_FEW = 8  # entries up to which batches are not taken for squares, as nearly all of them would be
# Of whole calls.
_OF_MODELS, _SCALE, _WIDE, _SEEN = 1, 3.0, 20, 0.7
# By what a row is to be that sees nothing, what one may be that sees nothing but -inf.
_OF_NOTHING_BUT_INFINITY = {"zero": ZERO_OR_NAN, "uniform": ANYTHING}


def masks(stored: NDArray[Any], rng: np.random.Generator) -> Operands:
    """True for what is kept: at random, at either end, all but a block, one, all or nothing.

    In some calls each row sees all up to its own place, or the last few of these: causal masks and
    windows, one after another in batches of squares.
    """
    rows, n = stored.shape
    place, first = np.arange(n), rng.integers(0, n + 1, (rows, 1))
    block = first + rng.choice(_BLOCKS, (rows, 1))
    kinds = (
        rng.random((rows, n)) < 2 / 3,
        place < first,
        place >= first,
        (place < first) | (place >= block),
        place == np.minimum(first, n - 1),
        np.ones((rows, n), bool),
        np.zeros((rows, n), bool),
    )
    kind = rng.choice(len(kinds), (rows, 1), p=(0.3, 0.15, 0.15, 0.15, 0.1, 0.05, 0.1))
    behind = np.arange(rows)[:, None] % max(n, 1) - place
    causal, window = behind >= 0, (behind >= 0) & (behind < _WINDOW)
    usual = window if rng.random() < _WINDOWS else causal
    is_square = n > _FEW and rows % n == 0
    mask = of_some_calls(np.choose(kind, kinds), usual, rng, is_square=is_square)
    if n > _LARGEST_COUNT:
        mask[:1] = place > 0  # as many seen as 16 bits, or a sum in float16, cannot hold
    return (mask,)


def whole_calls(format: Format, seed: int) -> Iterator[WholeCall]:
    """Scores of heads in batches, (..., L, S), with masks as models have them."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, _OF_MODELS]))
    for told, shape, seen in (
        ("causal", (1, 67, 67), np.tri(67, dtype=bool)),
        ("causal", (2, 3, 33, 33), np.tri(33, dtype=bool)),
        ("causal but for a hole", (2, 21, 21), np.tri(21, dtype=bool) & _all_but(21, 21)),
        ("a window", (1, 300, 300), np.tri(300, dtype=bool) & ~np.tri(300, k=-_WIDE, dtype=bool)),
        ("causal but for a hole", (1, 16, 64), np.tri(16, 64, 48, dtype=bool) & _all_but(16, 64)),
        (
            "padding of each batch",
            (3, 2, 16, 40),
            rng.integers(1, 41, (3, 1, 1, 1)) > np.arange(40),
        ),
        (
            "padding of each batch in front",
            (3, 2, 7, 40),
            rng.integers(1, 21, (3, 1, 1, 1)) <= np.arange(40),
        ),
        ("padding of many heads", (2, 12, 5, 24), np.arange(24) < np.full((2, 1, 1, 1), 17)),
        (
            "padding of each batch of many heads",
            (2, 12, 5, 70),
            np.arange(70) < np.array([17, 61]).reshape(2, 1, 1, 1),
        ),
        ("a window behind a cache", (2, 16, 64), np.tri(16, 64, 48, dtype=bool) & ~_before(16, 64)),
        *((kind, (2, 40, 40), ordered(kind, 40, 40)) for kind in ORDERED),
        ("tree", (1, 2, 11, 60), ordered("tree", 11, 60)),
        ("span", (1, 260, 260), ordered("span", 260, 260)),
        ("causal", (6, 2, 6, 6), np.tri(6, dtype=bool)),  # as many batches as queries and keys
        ("a mask of each head", (2, 4, 9, 48), rng.random((2, 4, 9, 48)) < _SEEN),
        ("hidden inside", (1, 130, 140), inside(130, 140, rng)),
    ):
        x, n = format.stored(rng.normal(0.0, _SCALE, shape)), shape[-1]
        mask = np.ascontiguousarray(np.broadcast_to(seen, shape))
        inputs = Inputs(x.reshape(-1, n), (mask.reshape(-1, n),))
        yield WholeCall(f"scores {shape}, {told}", (x, mask), (inputs,))


def _before(queries: int, keys: int) -> NDArray[np.bool_]:
    """What lies before a window, whose last query sees the last keys."""
    return np.tri(queries, keys, keys - queries - _WIDE, dtype=bool)


def _all_but(queries: int, keys: int) -> NDArray[np.bool_]:
    """All are seen but one key by one query."""
    mask = np.ones((queries, keys), bool)
    mask[queries // 4, keys // 8] = False
    return mask


def seeing_nothing(format: Format) -> Inputs:
    """Three logits, all hidden."""
    return Inputs(np.zeros((1, 3), format.dtype), (np.zeros((1, 3), bool),))


def masked(x: Array, operands: Operands) -> Array:
    """The logits with -inf where the mask keeps nothing."""
    return where(operands[0], x, -np.inf)


def enclose(x: Array, operands: Operands, precision: int) -> list[Enclosure | None]:
    """softmax of what is kept."""
    return softmax.enclose_row(masked(x, operands), (), precision)


def special_values(x: Array, policy: Policy, operands: Operands) -> tuple[NDArray[np.bool_], Array]:
    """softmax's, of what is kept: what the mask hides does not count, NaN included.

    Where a row that sees something is NaN, what it does not see is 0, as anywhere, or NaN, which
    the sum of the row makes of it. Where a row that sees nothing is to be 0, one that
    sees nothing but -inf may be 0 or as softmax has it; where it is to be uniform, the latter may
    be anything, since a finite number that stands for -inf gives what is hidden a share.
    """
    if x.shape[-1] > 1 and np.isfinite(x).all():
        hidden, expected = ~operands[0].astype(bool), np.zeros(x.shape)
        expected[hidden.all(axis=-1)] = policy.result(policy.all_masked, x.shape[-1])
        return hidden, expected
    logits, mask = masked(x, operands), operands[0]
    fixed, expected = softmax.special_values(logits, policy)
    sees = mask.any(axis=-1, keepdims=True)
    open_ = np.isnan(expected) & ~mask & sees
    if open_.any():
        expected = np.where(open_, ZERO_OR_NAN, expected)
    if policy.all_masked in _OF_NOTHING_BUT_INFINITY:
        of_nothing = (logits == -np.inf).all(axis=-1, keepdims=True) & sees
        due = _OF_NOTHING_BUT_INFINITY[policy.all_masked]
        expected = np.where(of_nothing, due, expected)
    return fixed, expected


def error_bound(x: Array, operands: Operands, z: Array, ulp: Array, format: Format) -> Array:
    """softmax's."""
    return softmax.error_bound(masked(x, operands), (), z, ulp, format)


def input_sensitivity(x: Array, operands: Operands, z: Array, format: Format) -> Array:
    """softmax's."""
    return cross_entropy_gradient.input_sensitivity(masked(x, operands), (), z, format)


def exact_steps(logits: Sequence[Any], operands: Operands) -> list[ExactStep]:
    """softmax's, of what is kept."""
    return steps.summed(steps.kept(logits, operands[0]))


def screened(
    x: Array, operands: Operands, fixed: NDArray[np.bool_], expected: Array, format: Format
) -> Screened:
    """softmax's, of what is kept."""
    return screen_masked(x, fixed, expected, format)


OPERATION = Operation(
    "softmax_masked",
    "z_i = exp(x_i) / sum exp(x_j) over what the mask keeps",
    enclose,
    special_values,
    error_bound,
    input_sensitivity,
    screen=screened,
    cheap_limit=softmax.OPERATION.cheap_limit,
    make_operands=masks,
    operands=(Operand("mask", 1, entries=0, kind="bool"),),
    whole_calls=whole_calls,
    seeing_nothing=seeing_nothing,
    effective_logits=masked,
    steps=ExactSteps(exact_steps, "normalise"),
    least=0.0,
    most=1.0,
    is_distribution=True,
    degenerate=OF_WEIGHTS,
    is_softmax_of_effective_logits=True,
    enclose_elements=long_sums.enclose_values,
)
