"""Every operation's truth against python-flint's balls, at its limits and by its laws."""

import numpy as np
import pytest
from flint import arb, ctx
from softmax_harness.ground.formats import FORMATS
from softmax_harness.judgement.as_asked import is_as_asked
from softmax_harness.operations import (
    INFINITY_OR_NAN,
    OPERATIONS,
    ZERO_OR_NAN,
    Policy,
    Problem,
)
from softmax_harness.truth import arbitrate

FLOAT64 = FORMATS["float64"]
FLINT_BITS = 2600  # exp(-709) less 1 needs 1100, and as many again where a gradient cancels
FEWER_BITS = 640  # where logits are some tens apart: a ball that is too wide agrees with nothing


def balls(values):
    return [arb(float(each)) for each in np.asarray(values, float)]


def softmax_of(scores):
    """softmax of balls, minus infinity as None."""
    exps = [arb(0) if each is None else each.exp() for each in scores]
    total = sum(exps, arb(0))
    return [each / total for each in exps]


def logits(row):
    return [None if np.isneginf(each) else arb(float(each)) for each in row]


def log_sum(row):
    return sum((each.exp() for each in logits(row) if each is not None), arb(0)).log()


def gradient(row, v):
    s, v = softmax_of(logits(row)), balls(v)
    mean = sum((a * b for a, b in zip(s, v, strict=True)), arb(0))
    return [a * (b - mean) for a, b in zip(s, v, strict=True)]


def attention(row, q, k, v, mask):
    scores = [
        sum((a * b for a, b in zip(balls(q[0]), balls(key), strict=True)), arb(0))
        / arb(len(q[0])).sqrt()
        if seen
        else None
        for key, seen in zip(k, mask[0], strict=True)
    ]
    w = softmax_of(scores)
    return [
        sum((a * b for a, b in zip(w, balls(v[:, c]), strict=True)), arb(0))
        for c in range(v.shape[-1])
    ]


def attention_sink(row, q, k, v, mask, sink):
    scores = [
        sum((a * b for a, b in zip(balls(q[0]), balls(key), strict=True)), arb(0))
        / arb(len(q[0])).sqrt()
        if seen
        else None
        for key, seen in zip(k, mask[0], strict=True)
    ]
    w = softmax_of([*scores, arb(float(sink[0, 0]))])[:-1]
    return [
        sum((a * b for a, b in zip(w, balls(v[:, c]), strict=True)), arb(0))
        for c in range(v.shape[-1])
    ]


def log_softmax_gradient(row, v):
    v = balls(v)
    whole = sum(v, arb(0))
    return [a - s * whole for a, s in zip(v, softmax_of(logits(row)), strict=True)]


def log_softmax(row):
    whole = log_sum(row)
    return [each - whole for each in balls(row)]


def label_smoothing(row, target, smoothing):
    whole = log_sum(row)
    losses = [whole - each for each in balls(row)]
    eps = balls(smoothing)[0]
    return [(1 - eps) * losses[target] + eps * sum(losses, arb(0)) / len(losses)]


def logsumexp_weighted(row, b):
    terms = zip(balls(b), logits(row), strict=True)
    return [sum((w * e.exp() for w, e in terms), arb(0)).log()]


def cross_entropy_gradient(row, target):
    s = softmax_of(logits(row))
    s[target] -= 1
    return s


BY_FLINT = {
    "softmax": lambda row: softmax_of(logits(row)),
    "log_softmax": log_softmax,
    "logsumexp": lambda row: [log_sum(row)],
    "cross_entropy": lambda row, target: [log_sum(row) - arb(float(row[target]))],
    "cross_entropy_gradient": cross_entropy_gradient,
    "gradient": gradient,
    "attention": attention,
    "attention_sink": attention_sink,
    "log_softmax_gradient": log_softmax_gradient,
    "logsumexp_gradient": lambda row, g: [balls(g)[0] * each for each in softmax_of(logits(row))],
    "logsumexp_weighted": logsumexp_weighted,
    "label_smoothing": label_smoothing,
    "softmax_masked": lambda row, mask: softmax_of(
        [each if seen else None for each, seen in zip(logits(row), mask, strict=True)]
    ),
    "softmax_temperature": lambda row, t: softmax_of([e / arb(float(t[0])) for e in logits(row)]),
}


def test_every_operation_has_a_witness_here():
    assert set(BY_FLINT) == set(OPERATIONS)


@pytest.fixture(autouse=True)
def many_bits():
    before, ctx.prec = ctx.prec, FLINT_BITS
    yield
    ctx.prec = before


def assert_agree(found, truth, row):
    """RN(z), its ulp and the remainder are those of the balls."""
    format = truth.format
    for place, z in enumerate(found):
        if truth.fixed[row, place]:
            continue
        r, offset = float(truth.rounded[row, place]), float(truth.offset[row, place])
        k = int(truth.ulp_exponent[row, place])
        if r == offset == 0.0:
            assert z.contains(0)
            continue
        ulp = arb(2) ** k
        if not np.isfinite(r):
            half = arb(2) ** (format.largest_spacing_exponent - 1)
            assert abs(z) > arb(format.largest) + half * (1 - arb(2) ** -60)
            beyond = (z - arb(float(truth.nearest[row, place]))) / ulp
            assert np.isinf(offset) or abs(beyond - arb(offset)) < 1e-15 * abs(beyond)
            continue
        error = (z - arb(r)) / ulp
        assert not abs(error) > arb(0.5)
        assert float(abs(error - arb(offset)).upper()) < 1e-15
        assert not abs(z) > ulp * arb(2) ** format.precision
        # "not below", since a ball cannot be seen to equal a power of two.
        assert k == format.spacing_exponent or not abs(z) < ulp * arb(2) ** (format.precision - 1)


# Of the formats of one byte each operation has one, the next the next.
OF_A_BYTE = [name for name, format in FORMATS.items() if format.precision < 8]
HELD = [
    (name, dtype)
    for place, name in enumerate(OPERATIONS)
    for dtype in FORMATS
    if dtype not in OF_A_BYTE or dtype == OF_A_BYTE[place % len(OF_A_BYTE)]
]


@pytest.mark.parametrize("name, dtype", HELD)
def test_the_truth_agrees_with_ball_arithmetic_to_the_last_bit(name, dtype):
    operation, format = OPERATIONS[name], FORMATS[dtype]
    rng = np.random.default_rng(7)
    more = 8 if operation.result_ndim == 0 else 1  # a loss is one number for each row
    for scale, rows, n in ((1.0, 24, 33), (10.0, 24, 9), (100.0, 18, 3), (0.01, 12, 2)):
        shape = (more * rows, n)
        stored = rng.normal(0, scale, shape).astype(format.dtype)
        stored[::4, 0] = stored[::4, 1]  # equal entries are counted together
        operands = operation.make_operands(stored, rng)
        x = stored.astype(float)
        truth = arbitrate(Problem.of(operation, format), x, operands)
        ctx.prec = FLINT_BITS if scale > 10 else FEWER_BITS
        for row in range(len(x)):
            found = BY_FLINT[name](x[row], *(each[row] for each in operands))
            assert_agree(found, truth, row)


def of(name, x, *operands, format=FLOAT64):
    return arbitrate(Problem.of(OPERATIONS[name], format), np.array([x], float), operands)


def test_next_to_a_representable_number_the_side_is_known():
    far = [0.0, -1e300]
    half_an_ulp = 2.0**-54
    up = of("logsumexp", [half_an_ulp * (1 + 2.0**-52), -1e300])
    assert up.rounded[0, 0] == half_an_ulp * (1 + 2.0**-52)
    assert of("logsumexp", far).rounded[0, 0] == 0 and of("logsumexp", far).offset[0, 0] > 0
    below = of("log_softmax", [0.0, -1024.0, -1e300]).rounded[0]
    assert below.tolist() == [-0.0, -1024.0, -1e300]
    # Above 1024 in magnitude, by exp(-1024): the ulp is that of the binade above.
    assert of("log_softmax", [0.0, -1024.0]).ulp[0, 1] == 2.0**-42
    assert of("cross_entropy", [0.0, -(2.0**300)], np.array([1])).ulp[0, 0] == 2.0**248


def test_next_to_a_rounding_tie_the_side_is_known():
    # a - x is 2**53 + 1, a tie of float64; the logarithm of the sum lies on one side of it.
    x = [1.0, -(2.0**53)]
    assert of("cross_entropy", x, np.array([1])).rounded[0, 0] == 2.0**53 + 2
    assert of("log_softmax", x).rounded[0, 1] == -(2.0**53 + 2)


def test_gradients_next_to_a_power_of_two_have_their_side():
    v = np.array([[1.0, 2.0, 7.0]])
    truth = of("gradient", [0.0, 0.0, -1e300], v)
    assert truth.rounded[0].tolist() == [-0.25, 0.25, 0.0]
    # z = -1/4 + t (m N1 - 2 N0 R) / m**3 with N0 = -1, N1 = 1 - 7 and R = 1 in units of t: below.
    assert truth.offset[0, 0] < 0 and truth.ulp[0, 0] == 2.0**-54
    loss = of("cross_entropy_gradient", [0.0, 0.0, -1e300], np.array([0]))
    assert loss.rounded[0].tolist() == [-0.5, 0.5, 0.0]
    # -(1 + t) / (2 + t) is below -1/2 in value; softmax of the other, 1 / (2 + t), is below 1/2.
    assert loss.ulp[0].tolist() == [2.0**-53, 2.0**-54, 2.0**-1074]
    assert of("cross_entropy_gradient", [0.0, -1e300], np.array([1])).ulp[0, 1] == 2.0**-53


def test_where_the_first_order_cancels_the_second_has_the_side():
    # z_3 = (1 + t) / (2 + t)**2 with t = exp(-1e300): below 1/4 by t**2 / 16.
    truth = of("gradient", [0.0, -1e300, 0.0], np.array([[0.0, 0.0, 1.0]]))
    assert truth.rounded[0, 2] == 0.25 and truth.offset[0, 2] < 0
    # Values that agree but for the least likely: its exponential alone is what is left.
    truth = of("gradient", [0.0, -1.0, -1e5], np.array([[5.0, 5.0, 6.0]]))
    assert truth.rounded[0, 0] == 0.0 and truth.offset[0, 0] < 0
    loss = of("cross_entropy_gradient", [0.0, -1.0, -1e300], np.array([2]))
    assert loss.rounded[0, 2] == -1.0 and loss.ulp[0, 2] == 2.0**-53


def test_what_cancels_exactly_is_zero():
    # Scores 0, 1, 1 with values 0, 1, -1 (NUMERICS.md section 4).
    q, mask = np.array([[[1.0]]]), np.ones((1, 1, 3), bool)
    k, v = np.array([[[0.0], [1.0], [1.0]]]), np.array([[[0.0], [1.0], [-1.0]]])
    truth = of("attention", [0.0, 1.0, 1.0], q, k, v, mask)
    assert truth.rounded[0, 0] == truth.offset[0, 0] == 0.0
    constant = of("gradient", [0.1, 0.7, -3.0], np.full((1, 3), 5.1))
    assert (constant.rounded == 0).all() and (constant.offset == 0).all()
    thirds = of("attention", [0.0] * 3, q, 0 * k, np.array([[[1.0], [1.0], [2.0]]]), mask)
    assert thirds.rounded[0, 0] == 4 / 3


@pytest.mark.parametrize("dtype", FORMATS)
def test_laws(dtype):
    format = FORMATS[dtype]
    rng = np.random.default_rng(3)
    x = np.round(rng.normal(0, 4, (30, 12)) * 8) / 8
    target = rng.integers(0, 12, 30)
    v = np.round(rng.normal(0, 1, (30, 12)) * 8) / 8

    def value(name, x, *operands):
        return arbitrate(Problem.of(OPERATIONS[name], FLOAT64), x, operands).value

    shifted = x + 16.0
    for name, operands in (("log_softmax", ()), ("cross_entropy", (target,)), ("gradient", (v,))):
        assert (value(name, x, *operands) == value(name, shifted, *operands)).all()
    np.testing.assert_allclose(value("logsumexp", shifted), value("logsumexp", x) + 16, rtol=1e-15)
    np.testing.assert_allclose(np.exp(value("log_softmax", x)), value("softmax", x), rtol=1e-13)
    assert (value("log_softmax", x) < 0).all() and (value("cross_entropy", x, target) > 0).all()
    for name, operands in (("gradient", (v,)), ("cross_entropy_gradient", (target,))):
        np.testing.assert_allclose(value(name, x, *operands).sum(axis=-1), 0, atol=1e-15)
    assert (value("gradient", x, v) == value("gradient", x, v + 2)).all()
    one, none = np.ones((30, 1)), np.zeros((30, 1))
    assert (value("logsumexp_gradient", x, one) == value("softmax", x)).all()
    assert (value("label_smoothing", x, target, none) == value("cross_entropy", x, target)).all()
    plain = value("logsumexp", x)
    assert (value("logsumexp_weighted", x, np.ones(x.shape)) == plain).all()
    at_class = -(np.arange(12) == target[:, None]).astype(float)
    loss = value("cross_entropy_gradient", x, target)
    assert (value("log_softmax_gradient", x, at_class) == loss).all()
    one = np.ones((30, 1))
    assert (value("softmax_temperature", x, one) == value("softmax", x)).all()
    doubled = arbitrate(
        Problem.of(OPERATIONS["softmax_temperature"], format), 2 * x, (2 * one,)
    ).value
    assert (doubled == arbitrate(Problem.of(OPERATIONS["softmax"], format), x).value).all()


def test_the_gradient_is_the_limit_of_differences():
    rng = np.random.default_rng(5)
    x, v, step = rng.normal(0, 2, (4, 9)), rng.normal(0, 1, (4, 9)), 2.0**-20
    ahead, behind = (
        arbitrate(Problem.of(OPERATIONS["softmax"], FLOAT64), x + sign * step * v).value
        for sign in (1, -1)
    )
    exact = arbitrate(Problem.of(OPERATIONS["gradient"], FLOAT64), x, (v,)).value
    np.testing.assert_allclose((ahead - behind) / (2 * step), exact, atol=1e-10)


SPECIAL = {
    "log_softmax": [[-np.inf, 0.0], [np.nan] * 2, [np.nan] * 2, [np.nan] * 2],
    "logsumexp": [[1.0], [np.nan], [np.inf], [-np.inf]],
    "cross_entropy": [[np.inf], [np.nan], [np.nan], [np.nan]],
    "cross_entropy_gradient": [[-1.0, 1.0], [np.nan] * 2, [np.nan] * 2, [np.nan] * 2],
    "gradient": [[0.0, 0.0], [np.nan] * 2, [np.nan] * 2, [np.nan] * 2],
}


@pytest.mark.parametrize("name", SPECIAL)
def test_special_values(name):
    x = np.array([[-np.inf, 1.0], [np.nan, np.inf], [np.inf, 1.0], [-np.inf, -np.inf]])
    operands = {
        "cross_entropy": (np.zeros(4, int),),
        "cross_entropy_gradient": (np.zeros(4, int),),
        "gradient": (np.ones((4, 2)),),
    }.get(name, ())
    truth = arbitrate(Problem.of(OPERATIONS[name], FLOAT64), x, operands)
    np.testing.assert_array_equal(truth.rounded + 0.0, np.array(SPECIAL[name]))


def test_the_sign_of_a_weighted_sum_is_exact():
    """0 only where what is left cancels exactly; beside 1e-300 of a logit it does not."""
    x = [[0.0, 0.0, -1e300], [0.0, -1e-300, -np.inf], [0.0, -1e-300, 0.0], [1.0, np.nan, np.inf]]
    b = [[1.0, -1.0, 3.0], [1.0, -1.0, 5.0], [-1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    problem = Problem.of(OPERATIONS["logsumexp_weighted"], FLOAT64)
    truth = arbitrate(problem, np.array(x), (np.array(b),))
    assert truth.fixed[:, 0].tolist() == [False, False, True, True]
    assert truth.rounded[0, 0] == -1e300
    np.testing.assert_allclose(truth.rounded[1, 0], np.log(1e-300), rtol=1e-15)
    assert np.isnan(truth.rounded[2, 0]) and truth.rounded[3, 0] == -np.inf
    infinite = arbitrate(problem, np.array([[np.inf, 0.0]] * 2), (np.array([[1.0, -9], [-1, 9]]),))
    assert infinite.rounded[0, 0] == np.inf and np.isnan(infinite.rounded[1, 0])


def test_a_weight_of_1_next_to_which_all_is_nothing_is_no_work():
    truth = of("logsumexp_weighted", [0.0, -1e38], np.array([[1.0, 3.0]]))
    assert truth.rounded[0, 0] == 0.0 and truth.offset[0, 0] > 0


def test_a_sink_takes_weight_and_counts_with_the_keys_that_it_equals():
    q, k, v = np.array([[[2.0, 0, 0, 0]]]), np.zeros((1, 2, 4)), np.ones((1, 2, 1))
    seen, hidden = np.ones((1, 1, 2), bool), np.zeros((1, 1, 2), bool)
    k[0, :, 0] = 3.0, 3.0  # scores of 3, which the sink has too
    found = of("attention_sink", [0.0, 0.0], q, k, v, seen, np.array([[[3.0]]]))
    assert found.rounded[0, 0] == 2 / 3
    zero = of("attention_sink", [0.0, 0.0], 0 * q, k, v, seen, np.array([[[1.0]]]))
    np.testing.assert_allclose(zero.rounded[0, 0], 2 / (2 + np.e), rtol=1e-15)
    far = of("attention_sink", [0.0, 0.0], q, k, v, seen, np.array([[[-1e300]]]))
    assert far.rounded[0, 0] == 1.0 and far.offset[0, 0] < 0
    assert of("attention_sink", [0.0, 0.0], q, k, v, hidden, np.ones((1, 1, 1))).rounded == 0.0


def test_what_passes_back_lies_on_its_side_of_a_number():
    far = [0.0, -1e300]
    passed = of("log_softmax_gradient", far, np.array([[-1.0, 0.0]]))
    assert passed.rounded[0].tolist() == [0.0, 0.0] and (passed.offset[0] * [-1, 1] > 0).all()
    passed = of("log_softmax_gradient", far, np.array([[1.0, 2.0]]))
    assert passed.rounded[0].tolist() == [-2.0, 2.0]
    assert passed.offset[0, 0] > 0 and passed.offset[0, 1] < 0
    third = of("logsumexp_gradient", [0.0, 0.0, 0.0, -1e300], np.array([[3.0]]))
    assert third.rounded[0, 0] == 1.0 and third.offset[0, 0] < 0
    smoothed = of("label_smoothing", [0.0, -4.0 * 2**60], np.array([0]), np.array([[1.0]]))
    assert smoothed.rounded[0, 0] == 2.0**61 and smoothed.offset[0, 0] > 0


def test_a_mask_hides_whatever_stands_behind_it():
    x, kept = np.array([[np.nan, 1.0, np.inf], [0.0, 0.0, 0.0]]), np.array([[0, 1, 0], [0, 0, 0]])
    truth = arbitrate(Problem.of(OPERATIONS["softmax_masked"], FLOAT64), x, (kept.astype(bool),))
    np.testing.assert_array_equal(truth.rounded, [[0, 1, 0], [np.nan] * 3])


def test_an_infinite_loss_times_0_is_infinite_or_nan():
    x = np.array([[-np.inf, 1.0, 2.0]] * 4)
    target, eps = np.array([0, 0, 0, 1]), np.array([[1.0], [0.5], [0.0], [1.0]])
    fixed, expected = OPERATIONS["label_smoothing"].special_values(x, Policy(), (target, eps))
    assert fixed.all()
    np.testing.assert_array_equal(expected[:, 0], [INFINITY_OR_NAN, np.inf, np.inf, np.inf])
    taken = is_as_asked(np.array([[np.inf], [np.nan], [-np.inf], [3.0]]), expected[:1])
    np.testing.assert_array_equal(taken[:, 0], [True, True, False, False])


def test_what_is_hidden_in_a_row_that_is_not_defined_is_0_or_nan():
    x = np.array([[np.nan, 1.0, 2.0], [-np.inf, 1.0, 2.0], [1.0, 1.0, 2.0]])
    mask = np.array([[True, False, True], [True, False, False], [True, False, False]])
    of = OPERATIONS["softmax_masked"].special_values
    _, expected = of(x, Policy(), (mask,))
    np.testing.assert_array_equal(expected[0], [np.nan, ZERO_OR_NAN, np.nan])
    np.testing.assert_array_equal(expected[1], [np.nan, ZERO_OR_NAN, ZERO_OR_NAN])
    np.testing.assert_array_equal(expected[2, 1:], [0.0, 0.0])
    zero = Policy(all_masked="zero")
    np.testing.assert_array_equal(of(x, zero, (mask,))[1][1], [ZERO_OR_NAN] * 3)
    np.testing.assert_array_equal(of(x, zero, (np.zeros_like(mask),))[1], np.zeros((3, 3)))


def test_beyond_the_largest_number_the_rounding_is_infinite():
    half = FORMATS["float16"]
    truth = of("log_softmax", [65504.0, -65504.0], format=half)
    assert truth.rounded[0].tolist() == [-0.0, -np.inf]
    assert of("logsumexp", [65504.0] * 65504, format=half).rounded[0, 0] == 65504.0
    assert of("logsumexp", [1.7e308] * 2).rounded[0, 0] == 1.7e308
