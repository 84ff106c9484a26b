"""The arbiter against python-flint's balls, and at structures that defeat precision."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, ctx
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations import OPERATIONS, Policy, Problem
from softmax_harness.operations.softmax import enclose
from softmax_harness.truth import arbiter, arbitrate
from softmax_harness.truth.rounding import decide

SOFTMAX = OPERATIONS["softmax"]


def arb_softmax(row):
    exps = [arb(float(v)).exp() for v in row]
    total = sum(exps, arb(0))
    return [e / total for e in exps]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("scale", [1.0, 10.0, 100.0])
def test_rounding_and_offset_agree_with_ball_arithmetic(name, scale):
    ctx.prec = 600
    format = FORMATS[name]
    x = np.random.default_rng(7).normal(0, scale, (20, 33)).astype(np.float16).astype(float)
    truth = arbitrate(Problem.of(SOFTMAX, format), x)
    for row in range(len(x)):
        for z, r, offset, k in zip(
            arb_softmax(x[row]),
            truth.rounded[row],
            truth.offset[row],
            truth.ulp_exponent[row],
            strict=True,
        ):
            ulp = arb(2) ** int(k)
            error = (z - arb(float(r))) / ulp
            assert abs(error) < arb(0.5)
            assert float(abs(error - arb(float(offset))).upper()) < 1e-15
            assert z < ulp * arb(2) ** format.precision
            assert int(k) == format.spacing_exponent or z >= ulp * arb(2) ** (format.precision - 1)


@pytest.mark.parametrize("name", FORMATS)
def test_equal_rows_give_one_over_n(name):
    truth = arbitrate(Problem.of(SOFTMAX, FORMATS[name]), np.full((1, 100_000), 3.0))
    assert abs(truth.value[0, 0] - 1e-5) < 1e-20


def test_exact_tie_rounds_to_even():
    """1/n midway between 0 and the smallest subnormal: in float16 of 2**25 equal entries.

    They are given as a value and how often it occurs, as the arbiter sees a row; in a format of
    four bits, of which the smallest number is 2**-9, a row of 2**10 entries goes all the way.
    """
    (enclosure,) = enclose(np.zeros(1), np.array([2**25]), 75)
    assert decide(enclosure, FORMATS["float16"]) == (0.0, 0.5, -24)
    narrow = replace(FORMATS["float16"], name="four bits", precision=4, emin=-6, emax=8)
    truth = arbitrate(Problem.of(SOFTMAX, narrow), np.zeros((1, 2**10)))
    assert (truth.rounded == 0).all() and (truth.offset == 0.5).all()


def test_no_precision_resolves_one_minus_exp_of_minus_1e300():
    truth = arbitrate(
        Problem.of(SOFTMAX, FORMATS["float64"]), np.array([[0.0, -1e300], [1.7e308, -1.7e308]])
    )
    assert truth.rounded.tolist() == [[1.0, 0.0], [1.0, 0.0]]
    assert (truth.ulp_exponent[:, 0] == -53).all()


def test_special_values_follow_the_policy():
    x = np.array([[np.nan, 1], [np.inf, 1], [-np.inf, -np.inf], [-np.inf, 1]])
    truth = arbitrate(
        Problem.of(SOFTMAX, FORMATS["float32"], policy=Policy.parse(("all-masked=zero",))), x
    )
    assert np.isnan(truth.rounded[:2]).all()
    assert truth.rounded[2:].tolist() == [[0, 0], [0, 1]]


def test_equal_rows_are_decided_once_and_all_have_the_results(monkeypatch):
    decided = []
    of_row = arbiter._decided_row
    monkeypatch.setattr(
        arbiter, "_decided_row", lambda *given: (decided.append(given[1]), of_row(*given))[1]
    )
    x = np.array([[0.0, 1.0, 2.0], [3.0, 1.0, 2.0], [0.0, 1.0, 2.0], [0.0, 1.0, -np.inf]])
    found = arbitrate(Problem.of(OPERATIONS["softmax"], FORMATS["float64"]), x)
    assert len(decided) == 3
    alone = arbitrate(Problem.of(OPERATIONS["softmax"], FORMATS["float64"]), x[2:3])
    for name in ("rounded", "offset", "ulp", "fixed"):
        assert np.array_equal(getattr(found, name)[2], getattr(alone, name)[0])
        assert np.array_equal(getattr(found, name)[2], getattr(found, name)[0])


def test_rows_that_differ_in_an_operand_alone_are_not_equal():
    x = np.array([[0.0, 1.0, 2.0]] * 2)
    found = arbitrate(
        Problem.of(OPERATIONS["cross_entropy"], FORMATS["float64"]), x, (np.array([0, 2]),)
    )
    assert found.rounded[0, 0] != found.rounded[1, 0]


def test_where_a_result_cancels_its_remainder_is_known_all_the_same():
    """Of next to equal logits and a constant v, log_softmax's gradient is -v (x_i - mean x)."""
    x = np.array([[1.125 * 2.0**-128, -(2.0**-131), 2.0**-133]])
    problem = Problem.of(OPERATIONS["log_softmax_gradient"], FORMATS["bfloat16"])
    truth = arbitrate(problem, x, (np.full((1, 3), 0.25),))
    own = [Fraction(each) for each in x[0]]
    for place, each in enumerate(own):
        z = -(each - sum(own) / 3) / 4
        rounded, ulp = (Fraction(float(of[0, place])) for of in (truth.rounded, truth.ulp))
        assert truth.offset[0, place] == pytest.approx(float((z - rounded) / ulp), rel=1e-12)
