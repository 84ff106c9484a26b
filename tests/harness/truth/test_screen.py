"""The screen: every stage against exact numbers, its bound on hard rows, and its lies caught."""

import tracemalloc
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from softmax_harness.ground.errors import ScreenIsWrong
from softmax_harness.ground.formats import FORMATS
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.judgement.maxima import confirmed_maxima
from softmax_harness.operations import OPERATIONS, Policy, Problem
from softmax_harness.operations.screen import LONGEST_ROW, batch, fine, full, light, screen
from softmax_harness.operations.screen.constants import TABLE_BITS, N, constants
from softmax_harness.operations.screen.long import screen_row
from softmax_harness.operations.screen.reduction import reduced
from softmax_harness.operations.screen.workspace import BLOCK_ELEMENTS, Workspace, bits_of
from softmax_harness.run.job import work
from softmax_harness.run.measuring import measuring_jobs
from softmax_harness.truth import Truth, arbitrate, exact_results

SOFTMAX = OPERATIONS["softmax"]
KERNELS = [pytest.param(each, id=each.__name__.split(".")[-1]) for each in (light, fine, full)]


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
    fixed, expected = SOFTMAX.special_values(x, Policy(), ())
    screened, exact = screen(x, fixed, expected, format), arbitrate(Problem.of(SOFTMAX, format), x)
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
    tie = np.array([[0.0, 2.0**-24]])
    problem = Problem.of(SOFTMAX, FORMATS["float32"])
    assert (exact_results(problem, tie).truth.rounded == arbitrate(problem, tie).rounded).all()
    subnormal = np.zeros((1, 1 << 15))  # 1/n is one of float16, exactly
    fixed = np.zeros(subnormal.shape, bool)
    assert screen(subnormal, fixed, subnormal, FORMATS["float16"]).undecided.all()


@pytest.mark.parametrize("dtype", FORMATS)
def test_equal_logits_are_decided_whether_their_share_is_a_number_of_the_format_or_not(dtype):
    format = FORMATS[dtype]
    problem = Problem.of(SOFTMAX, format)
    for n in (*range(2, 41), 1023, 1024, 4096):
        x = np.full((1, n), -2.5)
        x[0, : n // 3] = -np.inf
        fixed, expected = problem.special_values(x, ())
        found, exact = screen(x, fixed, expected, format), arbitrate(problem, x)
        assert not found.undecided.any()
        assert (found.truth.rounded == exact.rounded).all() and (found.truth.ulp == exact.ulp).all()
        assert (np.abs(found.truth.offset - exact.offset) <= found.error_ulp).all()


def test_rows_beyond_the_proved_length_are_left_open(monkeypatch):
    assert LONGEST_ROW == 2**26 - 1
    monkeypatch.setattr(batch, "LONGEST_ROW", 999)
    x = np.random.default_rng(0).normal(size=(1, 1000))
    fixed = np.zeros(x.shape, bool)
    assert screen(x, fixed, np.zeros(x.shape), FORMATS["float32"]).undecided.all()


def long_row(kind, rng):
    """A row of some hundred distinct values, which mpmath sums by how often each occurs."""
    n = 3 * BLOCK_ELEMENTS + 12_345
    scale, offset = {"far apart": (900, 0), "offset": (40, 1e3)}.get(kind, (3, 0))
    values = offset + scale * rng.standard_normal(300)
    if kind == "small terms":  # which add up to far more than the large ones
        values = np.concatenate([[9.0], -6.0 + 1e-3 * values])
        return values[np.append(0, rng.integers(1, 301, n - 1))][None]
    x = values[rng.integers(0, 300, n)][None]
    return np.where(rng.random(x.shape) < 0.4, -np.inf, x) if kind == "masked" else x


@pytest.mark.parametrize("name", ["bfloat16", "float32", "float64"])
@pytest.mark.parametrize("kind", ["usual", "small terms", "masked", "far apart", "offset"])
def test_the_bound_holds_in_rows_that_come_in_pieces(name, kind):
    format = FORMATS[name]
    x = long_row(kind, np.random.default_rng(5)).astype(format.dtype).astype(float)
    fixed, expected = SOFTMAX.special_values(x, Policy(), ())
    screened, exact = screen(x, fixed, expected, format), arbitrate(Problem.of(SOFTMAX, format), x)
    assert not screened.undecided.any()
    truth = screened.truth
    assert (truth.rounded == exact.rounded).all() and (truth.ulp == exact.ulp).all()
    assert (np.abs(truth.offset - exact.offset) <= screened.error_ulp + 2.0**-53).all()


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_long_row_of_distinct_values_is_right_to_the_bound(kernel):
    """Against the sum of a million exponentials as balls of 140 bits."""
    flint = pytest.importorskip("flint", reason="pip install python-flint")
    name = "float32" if kernel is light else "float64"
    x = np.random.default_rng(6).normal(0, 3, (1, (1 << 20) + 1)).astype(name).astype(float)
    truth = Truth(FORMATS[name], *np.empty((3, *x.shape)), np.zeros(x.shape, bool))
    screen_row(x, truth, kernel, None, kernel.RELATIVE_ERROR)
    precision, flint.ctx.prec = flint.ctx.prec, 140
    try:
        total = flint.arb(0)
        for value in x[0].tolist():
            total += flint.arb(value).exp()
        for place in [0, 77_777, 1 << 20, int(x.argmax()), int(x.argmin())]:
            z = flint.arb(x[0, place]).exp() / total
            found = flint.arb(truth.rounded[0, place]) + flint.arb(truth.offset[0, place]) * (
                flint.arb(truth.ulp[0, place])
            )
            # The offset is itself a float64 of at most 1/2.
            slack = kernel.RELATIVE_ERROR * z + 2.0**-54 * flint.arb(truth.ulp[0, place])
            assert abs(found - z) < slack + flint.arb(truth.ulp[0, place]) * 2.0**-100
    finally:
        flint.ctx.prec = precision


def test_a_long_row_takes_little_memory_beside_its_results():
    n = 1 << 22
    x, fixed = np.random.default_rng(0).normal(size=(1, n)), np.zeros((1, n), bool)
    screen(x[:, : 1 << 17], fixed[:, : 1 << 17], x[:, : 1 << 17], FORMATS["float64"])
    tracemalloc.start()
    screen(x, fixed, x, FORMATS["float64"])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * x.nbytes + (16 + 4) * 8 * BLOCK_ELEMENTS * 1.1


@pytest.mark.parametrize("kernel, dtype", [(light, "float32"), (fine, "float64")])
def test_a_lying_screen_is_caught(kernel, dtype, monkeypatch):
    """One wrong coefficient: the values stay plausible, and the bound is a lie."""
    recipe = Recipe(FAMILIES["normal-1"], FORMATS[dtype], 100, 20, 0)
    problem = Problem.of(SOFTMAX, recipe.format)
    (job,) = measuring_jobs(problem, recipe, ("max-shifted",), "screened")
    tallies = work(job).tallies
    confirmed_maxima(problem, recipe, tallies)
    honest = kernel._exponentials

    def lying(*given):
        head, tail, q = honest(*given)
        tail *= 1 + 2.0**-20
        return head, tail, q

    monkeypatch.setattr(kernel, "_exponentials", lying)
    with pytest.raises(ScreenIsWrong, match="normal-1, n = 100"):
        confirmed_maxima(problem, recipe, tallies)
