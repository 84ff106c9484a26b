"""The screen: every stage against exact numbers, its bound on hard rows, and its lies caught."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from softmax_harness.errors import ScreenIsWrong
from softmax_harness.families import FAMILIES, Recipe
from softmax_harness.formats import FORMATS
from softmax_harness.maxima import confirmed_maxima
from softmax_harness.operations import OPERATIONS, Policy
from softmax_harness.sweep import jobs_of, work
from softmax_harness.truth import judge, known
from softmax_harness.truth.screen import full, light, screen
from softmax_harness.truth.screen.constants import TABLE_BITS, N, constants
from softmax_harness.truth.screen.reduction import reduced
from softmax_harness.truth.screen.workspace import Workspace, bits_of

SOFTMAX = OPERATIONS["softmax"]
KERNELS = [pytest.param(light, id="light"), pytest.param(full, id="full")]


def test_the_table_is_exact_to_its_last_piece():
    c = constants()
    with mpmath.workprec(300):
        for j in range(0, N, 97):
            exact = mpmath.power(2, mpmath.mpf(j) / N)
            pieces = [mpmath.mpf(each[j]) for each in (c.nearest, c.low)]
            assert abs(sum(pieces) / exact - 1) < mpmath.mpf(2) ** -105
            assert abs(mpmath.mpf(c.high[j]) + mpmath.mpf(c.rest[j]) - exact) < mpmath.mpf(2) ** -78
            assert Fraction(c.high[j]) * 2**25 % 1 == 0
        total = sum(mpmath.mpf(piece) for piece in c.ln2)
        assert abs(total * N / mpmath.ln2 - 1) < mpmath.mpf(2) ** -130
    for piece, bits in zip(c.ln2, (27, 27, 28), strict=False):
        assert Fraction(piece).numerator.bit_length() <= bits


def hard_arguments():
    rng = np.random.default_rng(1)
    near = np.arange(-200, 200) * np.log(2) / N
    return np.concatenate(
        [
            rng.uniform(-700, 700, 3000),
            rng.normal(0, 1, 1000),
            rng.normal(0, 1e-5, 500),
            2.0 ** -np.arange(1.0, 1000),
            np.nextafter(near, -1),
            near,
            np.array([0.0, 700.0, -700.0, 5e-324]),
        ]
    )[None]


def test_the_reduction_is_exact():
    x, c = hard_arguments(), constants()
    w = Workspace(x.shape)
    k, r, shifted = reduced(x, c, w)
    first, second = Fraction(c.ln2[0]), Fraction(c.ln2[1])
    for x_i, k_i, r_i in zip(x[0].tolist(), k[0].tolist(), r[0].tolist(), strict=True):
        assert Fraction(r_i) == Fraction(x_i) - int(k_i) * (first + second)
        assert abs(r_i) < 2.0**-15.4
    assert ((bits_of(shifted)[0] & (N - 1)) == k[0].astype(np.int64) % N).all()
    assert TABLE_BITS == 14


@pytest.mark.parametrize("kernel", KERNELS)
def test_exponentials_keep_their_share_of_the_bound(kernel):
    x, c = hard_arguments(), constants()
    head, tail, q = kernel._exponentials(
        x, x.max(axis=-1, keepdims=True), None, c, Workspace(x.shape)
    )
    with mpmath.workprec(400):
        top = max(mpmath.floor(mpmath.mpf(v) / mpmath.ln2) for v in x[0].tolist())
        errors = [
            abs(
                mpmath.ldexp(mpmath.mpf(h) + mpmath.mpf(t), (e >> 52) + int(top)) / mpmath.exp(v)
                - 1
            )
            for v, h, t, e in zip(*(a[0].tolist() for a in (x, head, tail, q)), strict=True)
        ]
    # The rest of the bound belongs to the sum and the division.
    assert max(errors) < kernel.RELATIVE_ERROR / 8


def mixed(rng, n, low, high):
    """Half of each row around 0, half between `low` and `high`."""
    return np.where(
        rng.random((10, n)) < 0.5, rng.normal(size=(10, n)), rng.uniform(low, high, (10, n))
    )


def rows_of(kind, rng):
    """Rows that lean on every stage: ranges, offsets, cancellation, masks, deep underflow."""
    n = 60
    return {
        "narrow": rng.normal(0, 0.01, (10, n)),
        "wide": rng.normal(0, 200, (10, n)),
        "offset": rng.normal(1e6, 30, (10, n)),
        "tiny beside huge": np.where(rng.random((10, n)) < 0.5, 1e-9, 1000 + rng.random((10, n))),
        "descending": np.sort(rng.uniform(-740, 0, (10, n)))[:, ::-1].copy(),
        "masked": np.where(rng.random((10, n)) < 0.4, -np.inf, rng.normal(0, 5, (10, n))),
        "deep": np.concatenate([np.zeros((10, 1)), rng.uniform(-1e4, -700, (10, n - 1))], axis=1),
        "dominant": np.concatenate([np.full((10, 1), 50.0), rng.normal(0, 3, (10, n - 1))], axis=1),
        "hardly normal": mixed(rng, n, -712, -700),
        "subnormal": mixed(rng, n, -750, -709),
        "pairs": rng.normal(0, 1e-3, (300, 2)),
        "long": rng.normal(0, 3, (1, 20_000)),
    }[kind]


KINDS = [
    "narrow",
    "wide",
    "offset",
    "masked",
    "deep",
    "hardly normal",
    "subnormal",
    "dominant",
    "pairs",
    "long",
    "descending",
] + ["tiny beside huge"]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_bound_holds_and_little_is_left_open(name, kind):
    format = FORMATS[name]
    with np.errstate(over="ignore"):
        x = rows_of(kind, np.random.default_rng(2)).astype(format.dtype).astype(float)
    fixed, expected = SOFTMAX.special_values(x, Policy())
    screened, exact = screen(x, fixed, expected, format), judge(SOFTMAX, x, format)
    decided = ~screened.undecided
    # Just below the normal numbers a float64 sum is rounded to halves before it is to a whole.
    hard = ("offset", "tiny beside huge", "narrow", "deep", "hardly normal")
    assert decided.mean() > 0.8 or kind in hard
    truth = screened.truth.rows(decided)
    right = exact.rows(decided)
    assert (truth.rounded == right.rounded)[~np.isnan(right.rounded)].all()
    assert (truth.ulp == right.ulp).all()
    assert (np.abs(truth.offset - right.offset) <= screened.error_ulp + 2.0**-53).all()


def test_what_no_enclosure_decides_is_left_to_mpmath():
    equal, tie = np.zeros((1, 8)), np.array([[0.0, 2.0**-24]])
    for x in (equal, tie):
        fixed = np.zeros(x.shape, bool)
        assert screen(x, fixed, np.zeros(x.shape), FORMATS["float32"]).undecided.all() or x is tie
        truth = known(SOFTMAX, x, FORMATS["float32"], Policy())
        exact = judge(SOFTMAX, x, FORMATS["float32"])
        assert (truth.truth.rounded == exact.rounded).all()
    assert screen(
        np.zeros((1, 2)), np.zeros((1, 2), bool), np.zeros((1, 2)), FORMATS["float64"]
    ).undecided[0]


def test_rows_beyond_the_proved_length_are_left_open():
    x = np.random.default_rng(0).normal(size=(1, (1 << 20) + 1))
    fixed = np.zeros(x.shape, bool)
    assert screen(x, fixed, np.zeros(x.shape), FORMATS["float32"]).undecided.all()


@pytest.mark.parametrize("kernel, dtype", [(light, "float32"), (full, "float64")])
def test_a_lying_screen_is_caught(kernel, dtype, monkeypatch):
    """One wrong coefficient: the values stay plausible, and the bound is a lie."""
    recipe = Recipe(FAMILIES["normal-1"], FORMATS[dtype], 100, 20, 0)
    (job,) = jobs_of("softmax", recipe, ("max-shifted",), "screened")
    parts, _ = work(job)
    tallies = {name: tally for name, (tally, _, _) in parts.items()}
    confirmed_maxima("softmax", recipe, tallies)
    honest = kernel._exponentials

    def lying(*given):
        head, tail, q = honest(*given)
        tail *= 1 + 2.0**-20
        return head, tail, q

    monkeypatch.setattr(kernel, "_exponentials", lying)
    with pytest.raises(ScreenIsWrong, match="normal-1, n = 100"):
        confirmed_maxima("softmax", recipe, tallies)
