"""`accurate` comes as near to the exact result as it says, by the truth of the harness."""

import numpy as np
import pytest
from softmax_harness.ground.formats import FORMATS
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.judgement.measure import classified
from softmax_harness.judgement.outcomes import OUTCOMES
from softmax_harness.judgement.question import question
from softmax_harness.operations import OPERATIONS, Problem
from softmax_implementations import implementations, two_words
from softmax_implementations.accurate import accurate

LIMITS = {"float16": 0.501, "bfloat16": 0.501, "float32": 0.501, "float64": 0.51}
CHOSEN = ("normal-10", "uniform-wide", "result-thresholds", "steps", "offset-negative", "hard")


def judged(x, dtype, softmax=accurate):
    format = FORMATS[dtype]
    asked = question(Problem.of(OPERATIONS["softmax"], format), x).held_to("wide")
    return classified(asked, softmax(x).astype(np.float64))


@pytest.fixture(scope="module", params=["accurate", "accurate-numba"])
def softmax(request):
    """Each of the two, the second where numba is installed."""
    if request.param == "accurate-numba":
        reason = "numba is not installed: pip install 'softmax-harness[fast]' has this run"
        pytest.importorskip("numba", reason=reason)
    return implementations()[request.param].function


@pytest.mark.parametrize("dtype", LIMITS)
@pytest.mark.parametrize("family", CHOSEN)
def test_its_largest_error_is_what_it_says(family, dtype, softmax):
    about = FAMILIES[family]
    n = about.lengths[0] if about.lengths else 300
    recipe = Recipe(about, FORMATS[dtype], n, about.rows or 50, 0)
    batch, codes = judged(recipe.block(0), dtype, softmax)
    assert all(OUTCOMES[code].is_good for code in np.unique(codes))
    assert np.nanmax(batch.absolute) <= LIMITS[dtype]


def test_subnormal_results_are_rounded_once(softmax):
    x = np.zeros((64, 2))
    x[:, 1] = -np.linspace(708.0, 746.0, 64)
    batch, _ = judged(np.repeat(x, 3, axis=0), "float64", softmax)
    assert np.nanmax(batch.absolute) <= LIMITS["float64"]


def test_a_long_row_is_added_up_in_parts(monkeypatch):
    x = np.random.default_rng(0).normal(0, 5, (2, 1000))
    whole = accurate(x)
    monkeypatch.setattr(two_words, "_PART", 64)
    batch, _ = judged(x, "float64")
    assert np.max(batch.absolute) <= LIMITS["float64"]
    np.testing.assert_allclose(accurate(x), whole, rtol=2.0**-52)
