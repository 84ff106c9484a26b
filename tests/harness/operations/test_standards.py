"""An implementation is held to what it declares, but never to a standard that allows anything."""

import numpy as np
import pytest
from softmax_harness.ground.formats import FORMATS
from softmax_harness.inputs.families.hard import hard_rows
from softmax_harness.judgement.measure import classified
from softmax_harness.judgement.outcomes import Outcome
from softmax_harness.judgement.question import question
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.operations.standards import (
    cheap_limit_of,
    default_standard,
    held_to,
    standards_of,
)

LOGARITHMS = ("log_softmax", "logsumexp")


@pytest.mark.parametrize("name", LOGARITHMS)
@pytest.mark.parametrize("declared", ["usual", "native"])
def test_nan_passes_under_no_standard_that_a_logarithm_of_a_byte_is_held_to(name, declared):
    pytest.importorskip("ml_dtypes", reason="pip install ml_dtypes")
    operation = OPERATIONS[name]
    for format in (FORMATS["float8_e4m3fn"], FORMATS["float8_e5m2"]):
        asked = question(Problem.of(operation, format), format.stored(np.full((1, 2), 8.0)))
        nan = np.full(asked.truth.rounded.shape, np.nan)
        held = asked.held_to(held_to(declared, operation, format))
        _, codes = classified(held, nan)
        assert not np.isin(codes, [Outcome.CORRECTLY_ROUNDED.code, Outcome.ACCURATE.code]).any()


def test_elsewhere_what_is_declared_holds():
    for name in ("softmax", *LOGARITHMS):
        operation = OPERATIONS[name]
        for format in FORMATS.values():
            assert held_to(None, operation, format) == default_standard(operation, format)
            assert held_to("wide", operation, format) == "wide"
            if format.precision > 4 or name == "softmax":
                assert held_to("native", operation, format) == "native"


@pytest.mark.parametrize("standard, is_borne", [("native", True), ("wide", False)])
def test_a_weighted_sum_past_the_format_is_borne_where_it_is_added_in_it(standard, is_borne):
    """A sum of 70000 in float16, whose logarithm, 11.2, is a number of it."""
    format = FORMATS["float16"]
    weights = np.array([[35000.0, 35000.0]], np.float16)
    problem = Problem.of(OPERATIONS["logsumexp_weighted"], format)
    asked = question(problem, np.zeros((1, 2), np.float16), (weights,)).held_to(standard)
    codes = classified(asked, np.array([[np.inf]]))[1]
    assert (codes[0, 0] == Outcome.ACCURATE.code) == is_borne


WITH_CHEAP_LIMITS = [
    name for name, operation in OPERATIONS.items() if operation.cheap_limit is not None
]


@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("name", WITH_CHEAP_LIMITS)
def test_cheap_limits_are_nowhere_above_those_of_their_standard(name, dtype):
    """On every kind of row, of one entry and of many, and where logits lie far apart."""
    operation, format = OPERATIONS[name], FORMATS[dtype]
    rng = np.random.default_rng(3)
    for n in (1, 2, 7, 100, 1000):
        stored = format.stored(np.concatenate([hard_rows(format, n, 96, rng), far(n, rng)]))
        asked = question(Problem.of(operation, format), *operation.inputs(stored, rng))
        x, z, ulp = asked.effective_logits, asked.truth.value, asked.truth.ulp
        operands = [each for each in asked.operands if each.shape == x.shape]
        judged = ~asked.truth.fixed
        normal = ulp.min(axis=-1) > format.smallest_subnormal
        for standard in standards_of(operation):
            limit = asked.held_to(standard).limit_ulp
            cheap = cheap_limit_of(operation, standard, format)
            with np.errstate(all="ignore"):
                distance = x.max(axis=-1, keepdims=True) - x
                least = cheap.of(distance, z, ulp, n, format, *operands)
            # Of a result next to 0 the limit may be beyond float64.
            assert not np.isnan(limit[judged & (ulp > 1e-290)]).any(), (standard, n)
            held = judged & ~np.isnan(limit)
            told = held & ~np.isnan(least)  # which is beyond whatever it is held against
            assert (least <= limit * (1 + 1e-9))[told].all(), (standard, n)
            of_rows = cheap.of_whole_rows(n, normal, asked.operands)[:, None]
            of_rows = np.broadcast_to(of_rows, limit.shape)
            assert (of_rows <= limit * (1 + 1e-9))[held].all(), (standard, n)


def far(n, rng):
    """Logits of every scale up to 1000."""
    return rng.normal(0.0, 1.0, (32, n)) * 10.0 ** rng.uniform(-3.0, 3.0, (32, 1))
