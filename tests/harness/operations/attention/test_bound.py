"""The error bound of attention: no looser than needed, infinite where an honest kernel overflows.

That it holds is tested of every right kernel in softmax_faults.operations.
"""

import numpy as np
import pytest
from softmax_harness.check.contract.elements import judge
from softmax_harness.ground.formats import FORMATS
from softmax_harness.judgement.question import question
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.operations.standards import limit_ulp
from softmax_implementations.attention import shifted

ATTENTION = OPERATIONS["attention"]


def asked(q, k, v, dtype, mask=None):
    """A question about rows of the given operands."""
    format = FORMATS[dtype]
    q, k, v = (np.asarray(each, np.float64).astype(format.dtype) for each in (q, k, v))
    mask = np.ones((len(q), 1, k.shape[1]), bool) if mask is None else mask
    return question(
        Problem.of(ATTENTION, format), np.zeros(k.shape[:2], format.dtype), (q, k, v, mask)
    )


def limits(found, standard="native"):
    """The bound of a standard, in ulp."""
    truth = found.truth
    return limit_ulp(
        ATTENTION, standard, found.x, found.operands, truth.value, truth.ulp, truth.format
    )


def ratio(found):
    """The largest error of the plain form, in units of its bound."""
    with np.errstate(all="ignore"):
        y = shifted(*found.operands)[:, 0].astype(float)
    error = np.abs((y - found.truth.rounded) / found.truth.ulp - found.truth.offset)
    return float((error / limits(found)).max())


def test_it_is_within_a_factor_of_what_is_seen():
    """Where roundings are random, and where they all go one way: of sums of equal terms."""
    rng = np.random.default_rng(1)
    shapes = (400, 1, 1), (400, 2, 1), (400, 2, 2)
    assert 1.0 > ratio(asked(*(rng.standard_normal(shape) for shape in shapes), "float32")) > 0.1
    for n in (33, 300, 3000):
        v = np.broadcast_to(rng.uniform(1.0, 2.0, (20, 1, 3)), (20, n, 3))
        equal = asked(np.ones((20, 1, 1)), np.ones((20, n, 1)), v, "float32")
        assert 1.0 > ratio(equal) > 0.03


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_is_infinite_where_honest_products_overflow(dtype):
    largest = FORMATS[dtype].largest
    q, k, v = np.ones((3, 1, 2)), np.ones((3, 3, 2)), np.ones((3, 3, 1))
    k[0] *= largest
    v[1] *= largest / 2
    bound = limits(asked(q, k, v, dtype))[:, 0]
    assert np.isinf(bound[:2]).all() and bound[2] < 10


def test_scores_of_float16_overflow_only_where_they_are_worked_in_it():
    q, k, v = np.full((1, 1, 2), 300.0), np.full((1, 3, 2), 300.0), np.ones((1, 3, 1))
    found = asked(q, k, v, "float16")
    assert np.isinf(limits(found, "native")).all() and (limits(found, "wide") < 2).all()


def test_no_result_may_leave_the_range_of_what_is_seen():
    """At scores of 1e9 a float32 kernel knows no weight; its result is a mean of values still."""
    q, k = np.full((1, 1, 1), 2.0**15), np.array([[[2.0**15], [2.0**15 * (1 + 2.0**-23)], [0.0]]])
    v = np.array([[[1.0], [3.0], [9.0]]])
    mask = np.array([[[True, True, False]]])
    found = asked(q, k, v, "float32", mask)
    allowed = limits(found) * found.truth.ulp
    assert 1.9 < allowed[0, 0] < 2.3


def test_what_is_added_to_nothing_is_not_rounded():
    v = np.array([[[1.1], [1.1], [1.1]]])
    mask = np.array([[[False, True, False]]])
    found = asked(np.ones((1, 1, 4)), np.ones((1, 3, 4)), v, "float32", mask)
    assert limits(found)[0, 0] < 10


def test_a_moving_maximum_is_allowed_for():
    n = 160
    v = np.linspace(1, 2, n)[None, :, None]
    bounds = []
    for rise in (0.0, 0.02):
        k = (rise * np.arange(n) + 1.0)[None, :, None]
        bounds.append(limits(asked(np.ones((1, 1, 1)), k, v, "float32"))[0, 0])
    assert bounds[1] > bounds[0]


def test_shared_keys_have_the_bound_of_copies():
    rng = np.random.default_rng(0)
    q, k, v = rng.standard_normal((5, 1, 8)), rng.standard_normal((1, 9, 8)), rng.random((1, 9, 2))
    copies = asked(q, np.repeat(k, 5, axis=0), np.repeat(v, 5, axis=0), "float32")
    shared = tuple(np.broadcast_to(each[:1], each.shape) for each in copies.operands[1:3])
    truth = copies.truth
    operands = (copies.operands[0], *shared, copies.operands[3])
    again = ATTENTION.error_bound(copies.x, operands, truth.value, truth.ulp, truth.format)
    np.testing.assert_allclose(again, limits(copies), rtol=1e-12)
    moved = ATTENTION.input_sensitivity(copies.x, operands, truth.value, truth.format)
    np.testing.assert_allclose(moved, copies.input_sensitivity, rtol=1e-12)


def test_what_overflows_there_is_no_fault_and_elsewhere_an_overflow():
    q, k, v = np.ones((2, 1, 2)), np.ones((2, 3, 2)), np.ones((2, 3, 1))
    k[0] *= FORMATS["float32"].largest
    found = asked(q, k, v, "float32")
    for given in (np.nan, np.inf):
        judged = judge(found, np.full((2, 1), given), flushes=False)
        assert judged.is_fault.ravel().tolist() == [False, True]
    assert judged.kinds() == ["overflow"]


def test_a_query_that_sees_nothing_is_held_to_the_policy_whatever_overflows():
    q, k, v = np.ones((1, 1, 2)), np.full((1, 3, 2), FORMATS["float32"].largest), np.ones((1, 3, 1))
    found = asked(q, k, v, "float32", np.zeros((1, 1, 3), bool))
    assert judge(found, np.full((1, 1), 5.0), flushes=False).kinds() == ["wrong_special"]
    assert not judge(found, np.full((1, 1), np.nan), flushes=False).is_fault.any()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_weights_may_be_rounded_as_matrix_units_take_them_and_no_more(dtype):
    """The larger one of two weights, cut by an ulp of its own and by four of these."""
    found = asked(np.ones((1, 1, 1)), np.array([[[1.0], [0.0]]]), np.array([[[1.0], [0.0]]]), dtype)
    limit, ulp = limits(found, "wide")[0, 0], found.truth.ulp[0, 0]
    rounded = found.truth.value[0, 0] * found.truth.format.unit_roundoff / ulp
    assert 0.5 + rounded < limit < 0.5 + 1.2 * rounded
