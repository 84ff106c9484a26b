"""Tallies of parts add up to the tally of the whole; the percentile is exact."""

from dataclasses import replace

import numpy as np
import pytest
from softmax_harness.ground.formats import FORMATS
from softmax_harness.judgement.aggregate import kept_for_percentile, tally
from softmax_harness.judgement.metrics import batch_of
from softmax_harness.judgement.outcomes import classify
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.truth import arbitrate
from softmax_implementations import implementations


def batches(cuts):
    x = np.random.default_rng(1).normal(0, 20, (60, 40)).astype(np.float32)
    y = implementations()["naive"](x)
    x, y = x.astype(float), y.astype(float)
    for part in np.split(np.arange(60), cuts):
        truth = arbitrate(Problem.of(OPERATIONS["softmax"], FORMATS["float32"]), x[part])
        yield batch_of(x[part], y[part], truth)


def added(cuts):
    total, keep = None, kept_for_percentile(60 * 40)
    for batch in batches(cuts):
        part = tally(batch, classify(batch, 4.0), np.full(batch.y.shape, 9.0), keep)
        total = part if total is None else total.add(part, keep)
    return total


@pytest.mark.parametrize("cuts", [[10], [1, 2, 3, 59], list(range(1, 60))])
def test_parts_add_up_to_the_whole(cuts):
    whole, total = added([]), added(cuts)
    assert total.elements == 2400 and total.rows == 60
    assert (total.outcomes == whole.outcomes).all() and total.outcomes.sum() == 2400
    assert (total.histogram == whole.histogram).all()
    assert total.extremes == whole.extremes and total.sums == whole.sums
    assert total.p99_ulp == whole.p99_ulp and total.bound_ulp == 9.0
    assert total.mean_ulp == pytest.approx(whole.mean_ulp, rel=1e-13)


def test_percentile_is_numpys_of_all_errors():
    (batch,) = batches([])
    errors = np.abs(batch.ulp_error[~np.isnan(batch.ulp_error)])
    assert added([7, 20]).p99_ulp == pytest.approx(np.percentile(errors, 99), rel=1e-13)
    assert added([]).mean_ulp == pytest.approx(errors.mean(), rel=1e-13)


def candidates_of(x, y):
    batch = batch_of(x, y, arbitrate(Problem.of(OPERATIONS["softmax"], FORMATS["float64"]), x))
    found = tally(batch, classify(batch, 4.0), np.full((1, 1), np.nan), 3)
    return found.add(found, 3).extremes


def test_a_maximum_below_0_is_kept():
    """Outputs that sum to more than 1 have a negative divergence."""
    found = candidates_of(np.array([[0.0, 1e-9]]), np.array([[0.5, 0.5000001]]))["kl_divergence"]
    assert found.value == pytest.approx(-1e-7, rel=0.1) and found.row == 0


def test_an_error_beyond_all_numbers_is_kept():
    found = candidates_of(np.array([[0.0, -5000.0]]), np.array([[1.0, 1.0]]))["max_ulp"]
    assert found.value == np.inf and found.row == 0


def test_the_mean_of_errors_whose_sum_is_beyond_float64_is_a_number():
    """In gradient of float64 an ulp may be 2**-1074, and a result 2**-50."""
    (batch,) = batches([])
    errors = np.array([[1.0, 1.0, -1.0, 1.0]]) * 1.5e308
    huge = replace(batch, y=batch.y[:1, :4], ulp_error=errors)
    found = tally(huge, np.full((1, 4), 3, np.int8), np.full((1, 1), np.nan), 3, metrics=())
    assert found.mean_ulp == 1.5e308 and found.bias_ulp == 0.75e308
    assert found.add(found, 3).mean_ulp == 1.5e308
