"""The middle and the fine kernel by stages, what goes on to the full one, and lying kernels."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from softmax_harness.ground.errors import ScreenIsWrong
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations.screen import fine, full, light, masks, middle
from softmax_harness.operations.screen.batch import Stage, by_blocks
from softmax_harness.operations.screen.constants import N
from softmax_harness.operations.screen.sums import joined
from softmax_harness.operations.screen.workspace import Workspace

NAMES = [
    "log_softmax",
    "logsumexp",
    "cross_entropy",
    "cross_entropy_gradient",
    "gradient",
    "softmax_masked",
    "softmax_temperature",
]


def hard_arguments():
    rng = np.random.default_rng(1)
    near = np.arange(-100, 100) * np.log(2) / N
    parts = [rng.uniform(-700, 700, 1500), rng.normal(0, 1, 500), near, np.nextafter(near, -1)]
    return np.concatenate([*parts, 2.0 ** -np.arange(1.0, 300), [0.0, 700.0, -700.0]])[None]


@pytest.mark.parametrize("kernel, share", [(middle, 2.0**-77), (fine, 2.0**-91)])
@pytest.mark.parametrize("with_low", [False, True])
def test_exponentials_keep_their_share_of_the_bound(with_low, kernel, share):
    x = hard_arguments()
    low = np.random.default_rng(2).uniform(-0.5, 0.5, x.shape) * np.spacing(x) if with_low else None
    head, tail, q = kernel.exponentials(x, x.max(keepdims=True), low, None, Workspace(x.shape))
    assert np.abs(tail).max() < 2.0**-kernel.TAIL_BITS
    lows = np.zeros(x.shape) if low is None else low
    with mpmath.workprec(300):
        top = int(mpmath.floor(700 / mpmath.ln2))
        for v, more, h, t, e in zip(
            *(a[0].tolist() for a in (x, lows, head, tail, q)), strict=True
        ):
            found = mpmath.ldexp(mpmath.mpf(h) + mpmath.mpf(t), (e >> 52) + top)
            exact = mpmath.exp(mpmath.mpf(v) + mpmath.mpf(more))
            assert abs(found / exact - 1) < share


@pytest.mark.parametrize("kernel, share", [(middle, 2.0**-77), (fine, 2.0**-93)])
@pytest.mark.parametrize("n", [3, 1000, 70_000])
def test_the_sum_is_exact_but_for_one_rounding_of_each_term(n, kernel, share):
    rng = np.random.default_rng(3)
    head, tail = rng.uniform(1, 2, (1, n)), rng.uniform(-1, 1, (1, n))
    tail *= 2.0**-kernel.TAIL_BITS
    q = -(rng.integers(0, 60, (1, n)) << 52)
    columns = kernel.columns_of(head, tail, q, n, Workspace((1, n)))
    found = sum(Fraction(float(each[0, 0])) for each in columns)
    exact = Fraction(0)
    for h, t, e in zip(head[0].tolist(), tail[0].tolist(), q[0].tolist(), strict=True):
        exact += (Fraction(h) + Fraction(t)) / 2 ** -(e >> 52)
    assert abs(found / exact - 1) < Fraction(share)


def test_what_one_kernel_leaves_open_goes_to_the_next():
    asked = []

    def part_of(part, here, stage):
        rows = np.arange(9)[part]
        asked.append((stage.kernel, rows.tolist()))
        here.rounded[:], here.offset[:], here.ulp[:] = rows[:, None], 0.0, 1.0
        return rows % 3 == 0 if stage.kernel is middle else rows == 6

    fixed, expected = np.zeros((9, 2), bool), np.zeros((9, 2))
    fixed[3] = True
    stages = [Stage(middle, 2.0**-75), Stage(full, 2.0**-95)]
    found = by_blocks(2, fixed, expected, FORMATS["float64"], stages, part_of, elements=8)
    assert asked[-1] == (full, [0, 6]) and np.flatnonzero(found.undecided).tolist() == [6]
    assert found.truth.rounded[:, 0].tolist() == [0, 1, 2, 0, 4, 5, 6, 7, 8]
    assert found.error_ulp == 2.0**-22


def test_choices_without_a_branch_are_those_with_one():
    rng = np.random.default_rng(4)
    x, chosen = rng.normal(size=(5, 7)), rng.random((5, 7)) < 0.5
    x[0, :3] = np.nan, np.inf, -0.0
    column = rng.normal(size=(5, 1))
    for other in (-np.inf, 0.0, column):
        np.testing.assert_array_equal(masks.where(chosen, x, other), np.where(chosen, x, other))
    for value in (0.0, 2.0**-1074):
        own = x.copy()
        masks.put(own, masks.all_bits(chosen), value)
        np.testing.assert_array_equal(own, np.where(chosen, x, value))


def operands_of(name, x, rng):
    if name.startswith("cross_entropy"):
        return (x.argmin(axis=-1),)
    return {
        "gradient": (rng.normal(size=x.shape).astype(np.float32).astype(float),),
        "softmax_masked": (rng.random(x.shape) < 0.7,),
        "softmax_temperature": (np.full((len(x), 1), 0.75),),
    }.get(name, ())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_lying_kernel_is_caught_in_every_operation(name, dtype, monkeypatch, assert_agrees):
    """One term a little wrong: the values stay plausible, and the bound is a lie."""
    for kernel in (light, middle, fine, full):
        monkeypatch.setattr(kernel, "_exponentials", lying(kernel._exponentials))
    rng = np.random.default_rng(5)
    x = rng.normal(0, 1, (6, 9)).astype(dtype).astype(float)
    with pytest.raises(ScreenIsWrong):
        assert_agrees(name, x, operands_of(name, x, rng), FORMATS[dtype])


@pytest.mark.parametrize("kernel", [light, middle, fine, full])
@pytest.mark.parametrize("depth", [-13.0, -17.77])
def test_a_million_small_terms_of_one_value_are_summed_within_the_bound(kernel, depth):
    """All of them are rounded alike, and so add up to the worst there is."""
    n, size = 1 << 20, 1 << 15
    w, one, columns = Workspace((1, size)), np.zeros((1, 1)), []
    for piece in range(n // size):
        x = np.full((1, size), depth)
        x[0, 0] = 0.0 if piece == 0 else depth
        head, tail, q = kernel.exponentials(x, one, None, None, w)
        columns.append(kernel.columns_of(head, tail, q, n, w))
        w.give(head, tail, q.view(np.float64))
    found = sum(Fraction(float(each[0, 0])) for each in joined(columns))
    with mpmath.workprec(200):
        exact = 1 + (n - 1) * mpmath.exp(mpmath.mpf(depth))
        found = mpmath.mpf(found.numerator) / found.denominator
        assert abs(found / exact - 1) < kernel.RELATIVE_ERROR


def lying(honest):
    def exponentials(*given):
        head, tail, q = honest(*given)
        tail *= 1 + 2.0**-10
        return head, tail, q

    return exponentials
