"""What a unit may lose that takes subnormal numbers for 0: what one loses, and not much more."""

import numpy as np
import pytest
from softmax_harness.check.contract.elements import judge
from softmax_harness.ground.formats import FORMATS
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.judgement.question import question
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.testing import assert_close

DTYPES = ("float32", "float64")
ROWS = 256
FAMILIES_HELD = (
    *("normal-10", "near-pairs", "subnormal", "steps", "masked", "nan-in-row", "dominant"),
    *("result-thresholds", "exp-thresholds", "hard"),
)


class Unit:
    """Arithmetic in one format, each operand and each result of which is flushed."""

    def __init__(self, dtype):
        self.smallest = FORMATS[dtype].smallest_normal

    def flushed(self, a):
        return np.where(np.abs(a) < self.smallest, a.dtype.type(0), a)

    def __call__(self, function, *arguments, **how):
        return self.flushed(function(*map(self.flushed, arguments), **how))

    def softmax(self, x):
        e = self(np.exp, self(np.subtract, x, x.max(axis=-1, keepdims=True)))
        return self(np.divide, e, self.total(e))

    def total(self, a):
        return self(np.sum, a, axis=-1, keepdims=True)


def gradient(unit, x, v):
    s = unit.softmax(x)
    mean = unit.total(unit(np.multiply, s, v))
    return unit(np.multiply, s, unit(np.subtract, v, mean))


def log_softmax_gradient(unit, x, v):
    return unit(np.subtract, v, unit(np.multiply, unit.softmax(x), unit.total(v)))


def logsumexp_gradient(unit, x, g):
    return unit(np.multiply, unit.softmax(x), g)


def logsumexp_weighted(unit, x, b):
    counts = unit.flushed(b) != 0
    top = np.where(counts, x, -np.inf).max(axis=-1, keepdims=True)
    top = np.where(np.isfinite(top), top, x.dtype.type(0))
    e = np.where(counts, unit(np.exp, unit(np.subtract, x, top)), x.dtype.type(0))
    return unit(np.add, top, unit(np.log, unit.total(unit(np.multiply, b, e))))[:, 0]


def softmax_temperature(unit, x, temperature):
    return unit.softmax(unit(np.divide, x, temperature))


def attention(unit, q, k, v, mask):
    products = unit(np.multiply, q, k)
    root = np.sqrt(q.dtype.type(q.shape[-1]))
    scores = unit(np.divide, unit(np.sum, products, axis=-1), root)
    s = unit.softmax(np.where(mask[:, 0], scores, -np.inf).astype(q.dtype))
    return unit(np.sum, unit(np.multiply, s[:, :, None], v), axis=1)[:, None]


KERNELS = {
    each.__name__: each
    for each in (
        gradient,
        log_softmax_gradient,
        logsumexp_gradient,
        logsumexp_weighted,
        softmax_temperature,
        attention,
    )
}


def asked(operation, dtype, family, n):
    problem = Problem.of(OPERATIONS[operation], FORMATS[dtype])
    recipe = Recipe(FAMILIES[family], FORMATS[dtype], n, ROWS, 0)
    return question(problem, *recipe.inputs(problem.operation, 0)).held_to("native")


def answered(operation, dtype, about):
    arguments = about.operation.called_with(about.stored, about.operands)
    with np.errstate(all="ignore"):
        return KERNELS[operation](Unit(dtype), *arguments)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("operation", KERNELS)
def test_what_a_flushing_unit_loses_is_allowed_to_it_alone(operation, dtype):
    lost = 0
    for family in FAMILIES_HELD:
        for n in (2, 17):
            about = asked(operation, dtype, family, n)
            y = answered(operation, dtype, about)
            held, flushing = (judge(about, y, flushes) for flushes in (False, True))
            assert not flushing.is_fault.any(), flushing.told(*np.argwhere(flushing.is_fault)[0])
            lost += held.is_fault.sum()
    # The weights of sums in float64 lie within 2**300 of 1, and nothing is subnormal there.
    assert lost > 5 or (operation, dtype) == ("logsumexp_weighted", "float64")


@pytest.mark.parametrize("wrong", [lambda y: y * 1.001, np.negative, np.zeros_like])
@pytest.mark.parametrize("operation", KERNELS)
def test_what_is_wrong_for_other_reasons_is_no_flushing(operation, wrong):
    about = asked(operation, "float32", "normal-10", 17)
    y = wrong(about.truth.rounded)
    held, flushing = (judge(about, y, flushes) for flushes in (False, True))
    assert flushing.is_fault.sum() > 0.8 * held.is_fault.sum()


def test_of_rows_without_subnormal_numbers_nothing_may_be_lost():
    x, b = np.zeros((2, 2), np.float32), np.array([[0, 0], [1, -1]], np.float32)
    problem = Problem.of(OPERATIONS["logsumexp_weighted"], FORMATS["float32"])
    judged = judge(question(problem, x, (b,)), np.full((2, 1), 5.0), flushes=True)
    assert judged.is_fault.all()


def test_values_that_no_key_has_are_no_flushing_however_large_the_scores():
    about = asked("attention", "float32", "largest", 17)
    y = about.truth.rounded * 1000.0  # scores overflow, and any mean of what is seen is accepted
    held, flushing = (judge(about, y, flushes) for flushes in (False, True))
    assert held.kinds() == ["out_of_range"]
    assert np.array_equal(flushing.codes, held.codes)


def test_assert_close_allows_it_where_it_is_said():
    x, g = np.array([[-97.7, 0.0]], np.float32), np.array([[2.0**30]], np.float32)
    y = np.array([[0.0, 2.0**30]], np.float32)
    assert_close(y, x, operation="logsumexp_gradient", g=g, without="subnormals")
    with pytest.raises(AssertionError, match="1 spurious_underflow"):
        assert_close(y, x, operation="logsumexp_gradient", g=g)
    with pytest.raises(AssertionError, match="1 / 2"):
        y[0, 1] *= 1.01
        assert_close(y, x, operation="logsumexp_gradient", g=g, without="subnormals")
