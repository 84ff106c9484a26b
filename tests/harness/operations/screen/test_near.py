"""The Jacobian where nothing is far apart: the mean and the products against mpmath."""

import mpmath
import numpy as np
import pytest
from softmax_harness.ground.errors import ScreenIsWrong
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations.screen import fine, light, middle, near
from softmax_harness.operations.screen.batch import Stage
from softmax_harness.operations.screen.others import Rows
from softmax_harness.operations.screen.workspace import Workspace
from softmax_harness.operations.truth import Truth

FLOAT64 = FORMATS["float64"]
KINDS = (
    *("normal", "about 100", "of one entry", "of one size", "large", "constant", "zeros"),
    *("rows of every scale", "entries of every scale"),
)


def vectors(kind, shape, rng):
    v = rng.normal(0, 1, shape)
    return {
        "normal": v,
        "about 100": v + 100.0,
        "of one entry": (np.arange(shape[1]) == rng.integers(0, shape[1], (len(v), 1))) * 1.0,
        "of one size": -1.0 - rng.random(shape),
        "large": v * 2.0**290,
        "constant": np.full(shape, 5.1),
        "zeros": np.zeros(shape),
        "rows of every scale": v * 2.0 ** np.array([[-690], [0], [690]]),
        "entries of every scale": v * 2.0 ** rng.integers(-1070, 690, shape),
    }[kind]


def exact_results(x, v):
    """s and m of a row, in mpmath."""
    s = [mpmath.exp(mpmath.mpf(each)) for each in x.tolist()]
    total = mpmath.fsum(s)
    s = [each / total for each in s]
    return s, mpmath.fdot(s, [mpmath.mpf(each) for each in v.tolist()])


def empty_truth(shape):
    rounded, offset, ulp = np.empty((3, *shape))
    return Truth(FLOAT64, rounded, offset, ulp, np.zeros(shape, bool))


@pytest.mark.parametrize("kernel", [middle, fine])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", [0.3, 3.0, 20.0])
def test_the_mean_and_the_products_keep_their_bounds(kind, kernel, scale, monkeypatch):
    rng = np.random.default_rng(2)
    x, means, given = rng.normal(0, scale, (3, 60)), [], []
    x.sort(axis=-1)
    x[:, -2] = x[:, -1] - 0.5  # nothing saturates
    v = vectors(kind, x.shape, rng)
    of_mean, of_rounded = near._mean, near.rounded

    def mean(sums, numbers, kernel):
        means.append((of_mean(sums, numbers, kernel), numbers))
        return means[0][0]

    def rounded(head, tail, *others, **options):
        given.extend((head.copy(), tail.copy()))
        return of_rounded(head, tail, *others, **options)

    monkeypatch.setattr(near, "_mean", mean)
    monkeypatch.setattr(near, "rounded", rounded)
    rows = Rows.of(x, kernel)
    assert near.gradient_near(rows, v, empty_truth(x.shape), Stage(kernel, 2.0**-50)) is not None
    ((found, numbers),) = means
    with mpmath.workprec(400):
        for row in range(3):
            s, m = exact_results(x[row], v[row])
            error = mpmath.mpf(float(found.error[row, 0]))
            scale = mpmath.ldexp(1, int(numbers.grid.shift[row, 0]))
            base = v[row, -1] if numbers.from_top[row, 0] else 0.0
            m = (m - mpmath.mpf(float(base))) * scale
            own = mpmath.mpf(float(found.head[row, 0])) + mpmath.mpf(float(found.rest[row, 0]))
            assert abs(own - m) <= error
            if numbers.is_zero[row, 0]:
                assert own == 0 and error == 0
                continue
            for column in range(60):
                c = mpmath.mpf(float(v[row, column])) - mpmath.mpf(float(base))
                z = s[column] * (c * scale - m)
                z_found = sum(mpmath.mpf(float(each[row, column])) for each in given)
                of_all = near._PRODUCT_ERROR + 2.0 * kernel.RELATIVE_ERROR
                assert abs(z_found - z) <= abs(z) * of_all + s[column] * error
    largest = 2.0**numbers.grid.exponent
    assert found.error.max() <= largest * (2.0**-70 if kernel is middle else 2.0**-83)


def test_rows_that_are_zero_are_decided():
    x, v = np.array([[0.0, 1.0], [0.0, 1.0]]), np.array([[3.3, 3.3], [1.0, 2.0]])
    here = empty_truth(x.shape)
    open_ = near.gradient_near(Rows.of(x, fine), v, here, Stage(fine, 2.0**-68))
    assert not open_.any()
    assert (here.rounded[0] == 0.0).all() and (here.offset[0] == 0.0).all()
    assert (here.ulp[0] == FLOAT64.smallest_subnormal).all()


@pytest.mark.parametrize(
    "x, v",
    [
        ([0.0, 260.0], [1.0, 2.0]),  # a logit far away
        ([0.0, np.inf], [1.0, 2.0]),
        ([0.0, 1.0], [2.0**710, 1.0]),
        ([0.0, 1.0], [2.0**-710, 2.0**-712]),
        ([0.0, 60.0], [1.0, -3.0]),  # saturated
        ([-1.7e308, 1.7e308], [1.7e308, -1.7e308]),
    ],
)
def test_what_is_far_apart_is_not_for_it(x, v):
    x, v = np.array([x]), np.array([v])
    stage = Stage(fine, 2.0**-68)
    assert near.gradient_near(Rows.of(x, fine), v, empty_truth(x.shape), stage) is None


def test_kernels_that_do_not_tell_their_tails_bits_are_not_for_it():
    rows, v = Rows.of(np.zeros((1, 3)), light), np.array([[1.0, -2.0, 0.5]])
    coarse = Stage(light, 2.0**-31)
    assert near.gradient_near(rows, v, empty_truth((1, 3)), coarse) is None


def test_most_rows_of_a_grid_stay_as_they_are():
    largest = np.array([[1.0], [3.0], [0.0], [2.0], [2.0**40], [2.0**-30]])
    grid = near.Grid.of(largest)
    assert (grid.shift[:4] == 0).all() and (grid.shift[4:] != 0).all()
    multiplied = largest * 2.0**grid.shift
    assert multiplied.max() <= 2.0**grid.exponent
    assert multiplied[multiplied > 0].min() >= 2.0 ** (grid.exponent - 7)


def test_memory_is_given_back(monkeypatch):
    """In each way that it may end."""
    w = Workspace((1, 3))
    monkeypatch.setattr(near, "workspace", lambda shape: w)
    free = len(w._free)
    stage, x = Stage(fine, 2.0**-68), np.array([[0.0, 1.0, 2.0]])
    for v in ([1.0, 2.0, -1.0], [1.0, 1.1, 1.2], [0.0, 0.0, 0.0], [1.0, 0.0, 1e300]):
        near.gradient_near(Rows.of(x, fine), np.array([v]), empty_truth(x.shape), stage)
        assert len(w._free) == free
    saturated = Rows.of(np.array([[0.0, 1.0, 90.0]]), fine)
    near.gradient_near(saturated, np.array([[1.0, 2.0, -1.0]]), empty_truth(x.shape), stage)
    assert len(w._free) == free


def test_a_lying_mean_is_caught(monkeypatch, assert_agrees):
    rng = np.random.default_rng(6)
    x, v = rng.normal(0, 1, (20, 9)), rng.normal(0, 1, (20, 9))
    honest = near._mean

    def lying(*given):
        found = honest(*given)
        return found._replace(rest=found.rest + 2.0**-62)

    monkeypatch.setattr(near, "_mean", lying)
    with pytest.raises(ScreenIsWrong):
        assert_agrees("gradient", x, (v,), FLOAT64)


def test_lying_products_are_caught(monkeypatch, assert_agrees):
    rng = np.random.default_rng(6)
    x, v = rng.normal(0, 1, (20, 9)), rng.normal(0, 1, (20, 9))
    honest = near.rounded

    def lying(head, tail, *others, **options):
        return honest(head, tail + head * 2.0**-62, *others, **options)

    monkeypatch.setattr(near, "rounded", lying)
    with pytest.raises(ScreenIsWrong):
        assert_agrees("gradient", x, (v,), FLOAT64)
