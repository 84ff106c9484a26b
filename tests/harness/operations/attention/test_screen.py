"""The screen of attention against mpmath: it is right within its bound, and decides nearly all."""

import numpy as np
import pytest
from softmax_harness.ground.errors import ScreenIsWrong
from softmax_harness.ground.formats import FORMATS
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.operations.attention import distances, doubles, means, rounding
from softmax_harness.operations.attention import weights as weights_
from softmax_harness.operations.operation import Policy
from softmax_harness.truth import arbitrate, check_screen, exact_results

ATTENTION = OPERATIONS["attention"]


def block(family, dtype, n, rows, seed=0):
    """Logits as float64, and the operands made from them."""
    recipe = Recipe(FAMILIES[family], FORMATS[dtype], n, rows, seed)
    stored = recipe.block(0)
    operands = ATTENTION.make_operands(stored, recipe.random_operands(0))
    return stored.astype(float), operands


def screened(x, operands, format):
    fixed, expected = ATTENTION.special_values(x, Policy(), operands)
    return ATTENTION.screen(x, operands, fixed, expected, format)


def assert_within_its_bound(found, exact):
    own = ~found.undecided
    screen, right = found.truth.rows(own), exact.rows(own)
    free = right.fixed
    np.testing.assert_array_equal(screen.rounded, right.rounded)
    assert ((screen.ulp == right.ulp) | free).all()
    assert (np.abs(screen.offset - right.offset) <= found.error_ulp + 2.0**-53).all()


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize(
    "family", ["normal-1", "masked", "rising", "largest", "subnormal", "ties", "nan-in-row"]
)
def test_the_bound_holds_and_little_is_left_open(family, dtype):
    format, rows, open_ = FORMATS[dtype], 0, 0
    for n in (1, 2, 3, 9, 40, 130):
        x, operands = block(family, dtype, n, rows=8)
        found = screened(x, operands, format)
        assert_within_its_bound(found, arbitrate(Problem.of(ATTENTION, format), x, operands))
        assert found.error_ulp <= rounding.LARGEST_ERROR
        rows, open_ = rows + len(x), open_ + found.undecided.sum()
    assert open_ <= (0.5 if family in ("ties", "subnormal", "largest") else 0.15) * rows


@pytest.mark.parametrize("into, out", [("float32", "bfloat16"), ("float64", "float16")])
def test_it_rounds_to_a_narrower_format_too(into, out):
    x, operands = block("normal-10", into, 33, rows=12)
    problem = Problem.of(ATTENTION, FORMATS[out])
    assert_within_its_bound(screened(x, operands, FORMATS[out]), arbitrate(problem, x, operands))


@pytest.mark.parametrize("dtype", FORMATS)
def test_both_tiers_give_the_same(dtype):
    x, operands = block("normal-10", dtype, 20, rows=16)
    problem = Problem.of(ATTENTION, FORMATS[dtype])
    found = exact_results(problem, x, operands).truth
    exact = exact_results(problem, x, operands, "mpmath").truth
    np.testing.assert_array_equal(found.rounded, exact.rounded)
    np.testing.assert_array_equal(found.ulp[~exact.fixed], exact.ulp[~exact.fixed])


@pytest.mark.parametrize("dtype", FORMATS)
def test_next_to_a_power_of_two_the_side_is_known(dtype):
    """Of a weight of nearly 1, with what is lost beside it known by its sign alone."""
    format = FORMATS[dtype]
    for below in (-60.0, -3000.0):
        q, mask = np.ones((2, 1, 1)), np.ones((2, 1, 2), bool)
        k = np.array([[[0.0], [below]]] * 2)
        v = np.array([[[1.0], [0.0]], [[1.0], [2.0]]])
        operands = (*(format.stored(each) for each in (q, k, v)), mask)
        found = screened(np.zeros((2, 2)), operands, format)
        assert not found.undecided.any() and (found.truth.rounded == 1.0).all()
        assert found.truth.ulp.ravel().tolist() == [format.unit_roundoff, 2 * format.unit_roundoff]


@pytest.mark.parametrize("dtype", FORMATS)
def test_what_only_keys_far_below_have_values_of_is_nothing_or_stays_open(dtype):
    """Far enough, nothing but 0 is near; less far, a result may be a number."""
    format, far = FORMATS[dtype], np.array([-60.0, -700.0, -740.0, -2000.0, -1e5])
    q, k = np.ones((5, 1, 1)), np.zeros((5, 40, 1))
    k[:, 7] = far[:, None]
    v, mask = np.zeros((5, 40, 2)), np.ones((5, 1, 40), bool)
    v[:, 7], v[:, 3, 1] = [1.0, -1.0], 1.0
    operands = (*(each.astype(np.float64) for each in (q, k, v)), mask)
    found = screened(np.zeros((5, 40)), operands, format)
    exact = arbitrate(Problem.of(ATTENTION, format), np.zeros((5, 40)), operands)
    assert_within_its_bound(found, exact)
    assert not found.undecided[3:].any()


@pytest.mark.parametrize("dtype", FORMATS)
def test_what_keys_far_below_have_is_nothing_beside_nearer_ones_without_values(dtype):
    format, q, k = FORMATS[dtype], np.ones((1, 1, 1)), np.zeros((1, 5, 1))
    k[0, 3:, 0] = -650.0, -2000.0
    v, mask = np.zeros((1, 5, 2)), np.ones((1, 1, 5), bool)
    v[0, 4], v[0, 0, 1] = 1.0, 5.0
    operands = (q, k, v, mask)
    found = screened(np.zeros((1, 5)), operands, format)
    exact = arbitrate(Problem.of(ATTENTION, format), np.zeros((1, 5)), operands)
    assert_within_its_bound(found, exact)
    assert not found.undecided.any() and found.truth.rounded[0, 0] == 0.0


@pytest.mark.parametrize("dtype", FORMATS)
def test_rows_that_share_keys_have_the_truth_of_rows_that_do_not(dtype):
    rng, format = np.random.default_rng(1), FORMATS[dtype]
    q, k, v = (
        rng.standard_normal(shape).astype(format.dtype)
        for shape in ((30, 1, 16), (1, 50, 16), (1, 50, 7))
    )
    mask = rng.random((30, 1, 50)) < 0.8
    shared = (q, *(np.broadcast_to(each, (30, *each.shape[1:])) for each in (k, v)), mask)
    x = np.zeros((30, 50))
    one, other = (
        screened(x, each, format)
        for each in (shared, (q, shared[1].copy(), shared[2].copy(), mask))
    )
    assert not (one.undecided | other.undecided).any()
    for name in ("rounded", "ulp"):
        np.testing.assert_array_equal(getattr(one.truth, name), getattr(other.truth, name))


def test_more_rows_than_the_workspace_holds():
    x, operands = block("normal-1", "float32", 1000, rows=70)
    found = screened(x, operands, FORMATS["float32"])
    few = slice(60, 62)
    exact = arbitrate(
        Problem.of(ATTENTION, FORMATS["float32"]), x[few], tuple(each[few] for each in operands)
    )
    np.testing.assert_array_equal(found.truth.rounded[few], exact.rounded)


def test_special_values_of_the_operands_are_the_policy_s():
    rng = np.random.default_rng(2)
    q, k, v = rng.standard_normal((6, 1, 4)), rng.standard_normal((6, 5, 4)), np.ones((6, 5, 2))
    mask = np.ones((6, 1, 5), bool)
    mask[:, 0, 4] = False
    q[0, 0, 1], k[1, 2, 0], v[2, 3, 1] = np.nan, np.nan, np.nan
    k[3, 1, 1], k[4, 4], v[4, 4] = np.inf, np.nan, np.inf  # the last of these are hidden
    mask[5] = False
    operands = (q, k, v, mask)
    policy = Policy(positive_infinity="zero")
    fixed, expected = ATTENTION.special_values(np.zeros((6, 5)), policy, operands)
    assert fixed.tolist() == [
        [True] * 2,
        [True] * 2,
        [False, True],
        [True] * 2,
        [False] * 2,
        [True] * 2,
    ]
    assert np.isnan(expected[fixed]).tolist() == [True] * 5 + [False] * 2 + [True] * 2
    found = screened(np.zeros((6, 5)), operands, FORMATS["float64"])
    assert found.truth.rounded[4].tolist() == [1.0, 1.0]


def of_the_first_column(exponent):
    """The exponents of columns of values, and of ones, with one of them wrong."""
    return exponent - (np.arange(exponent.shape[-1]) == 0)


LIES = [
    (distances, "vectors", lambda found: found._replace(exponent=found.exponent + 1)),
    (
        weights_,
        "two_sum",
        lambda found: (found[0] * (1 + 2.0**-33 * (found[0] < 0.9)), found[1]),
    ),
    (doubles, "square_root_inverse", lambda found: (found[0] * (1 + 2.0**-30), found[1])),
    (means, "values", lambda found: found._replace(exponent=of_the_first_column(found.exponent))),
]


@pytest.mark.parametrize("module, name, lie", LIES, ids=[name for _, name, _ in LIES])
def test_a_screen_that_lies_is_caught(module, name, lie, monkeypatch):
    """One wrong number in any stage differs from mpmath by more than the bound."""
    format = FORMATS["float32"]
    problem = Problem.of(ATTENTION, format)
    x, operands = block("normal-1", "float32", 20, rows=12)
    exact = arbitrate(problem, x, operands)
    check_screen(problem, x, operands, exact, "the honest one")
    true = getattr(module, name)
    monkeypatch.setattr(
        module, name, lambda *arguments, **options: lie(true(*arguments, **options))
    )
    with pytest.raises(ScreenIsWrong):
        check_screen(problem, x, operands, exact, "a lie")
