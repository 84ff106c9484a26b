"""The screens of both gradients: the moment stage by stage, what cancels, against the arbiter."""

import mpmath
import numpy as np
import pytest
from softmax_harness.ground.errors import ScreenIsWrong
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations.screen import (
    batch,
    full,
    gradients,
    light,
    moments,
    near,
    others,
)
from softmax_harness.operations.screen.moments import Moment, Vector
from softmax_harness.operations.screen.others import Rows
from softmax_harness.operations.screen.workspace import Workspace

FLOAT64 = FORMATS["float64"]


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("name", ["cross_entropy_gradient", "gradient"])
def test_the_screen_is_mpmath_on_every_family(name, dtype, assert_agrees_on_every_family):
    assert_agrees_on_every_family(name, dtype)


@pytest.mark.parametrize("kernel", [light, full])
@pytest.mark.parametrize("kind", ["normal", "about 100", "of every scale", "of one likely entry"])
def test_the_moment_is_right_relative_to_its_terms(kind, kernel):
    rng = np.random.default_rng(2)
    x, v = rng.normal(0, 20, (8, 40)), rng.normal(0, 1, (8, 40))
    if kind == "about 100":
        v += 100.0
    if kind == "of every scale":
        v *= 2.0 ** rng.integers(-300, 300, v.shape)
    if kind == "of one likely entry":
        v = (np.arange(40) == rng.integers(0, 40, (8, 1))).astype(float)
    rows, w, everything = Rows.of(x, kernel), Workspace(x.shape), slice(0, 40)
    vector = Vector.of(rows, v)
    assert not vector.open.any()
    terms, c = rows.exponentials(everything, w), vector.differences(rows, everything, w)
    own = [each[rows.at_top(everything)][:, None] for each in terms[:2]]
    found = Moment.of(c, terms, rows, w)
    with mpmath.workprec(1500):
        for row in range(8):
            top = x[row].max()
            unit = sum(mpmath.mpf(float(each[row, 0])) for each in own)
            exact = [unit * mpmath.exp(mpmath.mpf(each) - top) for each in x[row].tolist()]
            of_top = mpmath.mpf(v[row, x[row].argmax()])
            apart = [mpmath.mpf(each) - of_top for each in v[row].tolist()]
            products = [t * a for t, a in zip(exact, apart, strict=True)]
            exponent = int(found.sum.exponent[row, 0] + vector.exponent[row, 0])
            parts = (found.sum.head[row, 0], found.sum.tail[row, 0])
            value = mpmath.ldexp(sum(mpmath.mpf(float(each)) for each in parts), exponent)
            size = mpmath.fsum(abs(each) for each in products)
            stated = mpmath.ldexp(mpmath.mpf(float(found.size[row, 0])), exponent)
            assert size <= stated <= 1.01 * size
            share = moments._MOMENT_ERROR / 2 * kernel.RELATIVE_ERROR
            assert abs(value - mpmath.fsum(products)) <= share * size


def test_what_cancels_is_left_to_mpmath_or_exactly_zero(assert_agrees):
    x = np.array([[0.0, 1.0, 1.0], [0.1, 0.7, -3.0], [3.0, 1.0, 1.0]])
    v = np.array([[0.0, 1.0, -1.0], [5.1, 5.1, 5.1], [1.0, 1.0, 3.0]])
    left = assert_agrees("gradient", x, (v,), FLOAT64)
    assert left.tolist() == [True, False, False]


@pytest.mark.parametrize("dtype", FORMATS)
def test_one_unlikely_entry_is_all_there_is(dtype, assert_agrees):
    """The mean is its share alone, however small."""
    x = np.array([[0.0, -30.0, -1.0, -80.0], [0.0, -10.0, -1.0, -600.0]])
    for column in range(4):
        v = np.zeros((2, 4))
        v[:, column] = 3.0
        assert not assert_agrees("gradient", x, (v,), FORMATS[dtype]).any()


def test_vectors_out_of_range_are_left_to_mpmath(assert_agrees):
    x = np.random.default_rng(1).normal(size=(4, 3))
    v = np.array(
        [[1e300, -1e300, 1e290], [1.7e308, -1.7e308, 0], [1e200, 1e-200, 0], [1e-320, 0, 0]]
    )
    left = assert_agrees("gradient", x, (v,), FLOAT64)
    assert left.tolist() == [False, True, True, False]


@pytest.mark.parametrize("dtype", FORMATS)
def test_masked_entries_have_no_say(dtype, assert_agrees):
    x = np.array([[0.0, -np.inf, 2.0, -1.0], [-np.inf, 5.0, -90.0, 4.0]])
    v = np.array([[1.0, 100.0, 0.5, 0.25], [1e4, 2.0, 3.0, -1.0]])
    assert not assert_agrees("gradient", x, (v,), FORMATS[dtype]).any()
    for target in (0, 2, 3):
        operands = (np.full(2, target),)
        assert not assert_agrees("cross_entropy_gradient", x, operands, FORMATS[dtype]).any()


@pytest.mark.parametrize("dtype", FORMATS)
def test_saturated_rows_are_decided(dtype, assert_agrees):
    x = np.array([[0.0, -gap, -gap - 1.0] for gap in (5.0, 20.0, 50.0, 100.0, 700.0, 1500.0, 3e4)])
    for target in (0, 1):
        operands = (np.full(len(x), target),)
        assert not assert_agrees("cross_entropy_gradient", x, operands, FORMATS[dtype]).any()
    v = np.tile([1.0, 2.0, -1.0], (len(x), 1))
    assert not assert_agrees("gradient", x, (v,), FORMATS[dtype]).any()


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_rows_in_pieces(dtype, monkeypatch, assert_agrees):
    for module in (batch, others):
        monkeypatch.setattr(module, "BLOCK_ELEMENTS", 300)
    rng = np.random.default_rng(5)
    values = rng.normal(0, 3, 100).astype(dtype).astype(float)
    place = rng.integers(0, 100, (1, 2001))
    x, v = values[place], rng.choice([1.0, 2.5, -3.0], place.shape)
    x[0, [5, 1000]] = -np.inf, 6.0
    for target in (1000, 1):
        operands = (np.array([target]),)
        assert not assert_agrees("cross_entropy_gradient", x, operands, FORMATS[dtype]).any()
    assert not assert_agrees("gradient", x, (v,), FORMATS[dtype]).any()


def test_a_lying_moment_and_a_lying_rest_are_caught(monkeypatch, assert_agrees):
    rng = np.random.default_rng(6)
    x, v = rng.normal(0, 1, (20, 9)), rng.normal(0, 1, (20, 9))
    honest = Moment.over

    def lying(self, inverse):
        mean = honest(self, inverse)
        return Moment(mean.sum._replace(tail=mean.sum.tail * (1 + 2.0**-4)), mean.size)

    monkeypatch.setattr(Moment, "over", lying)
    monkeypatch.setattr(near, "are_near", lambda rows: False)
    with pytest.raises(ScreenIsWrong):
        assert_agrees("gradient", x, (v,), FLOAT64)
    minus = gradients._minus
    monkeypatch.setattr(
        gradients, "_minus", lambda *given: minus(*given)._replace(tail=minus(*given).tail * 1.01)
    )
    with pytest.raises(ScreenIsWrong):
        assert_agrees("cross_entropy_gradient", x, (x.argmax(axis=-1),), FLOAT64)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("far", [3.0, 1e3, 2e4])
def test_where_v_is_the_same_throughout_the_gradient_is_0(dtype, far, assert_agrees):
    """Also where it is so in every row, and whatever lies how far apart."""
    format, rng = FORMATS[dtype], np.random.default_rng(3)
    x = format.stored(rng.normal(0, 1, (5, 9)) * far).astype(float)
    v = np.broadcast_to(np.array([[1.0], [1.0], [-3.0], [0.0], [256.0]]), x.shape)
    assert not assert_agrees("gradient", x, (format.stored(v),), format).any()
