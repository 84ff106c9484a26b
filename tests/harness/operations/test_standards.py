"""An implementation is held to what it declares, but never to a standard that allows anything."""

import numpy as np
import pytest
from softmax_harness.ground.formats import FORMATS
from softmax_harness.judgement.measure import classified, question
from softmax_harness.judgement.outcomes import Outcome
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.operations.standards import default_standard, held_to

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
