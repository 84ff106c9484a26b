"""score: outputs computed elsewhere, of any layout, judged as the document promises."""

import json

import mpmath
import numpy as np
import pytest
from softmax_harness.judgement.outcomes import OUTCOMES
from softmax_implementations import implementations


@pytest.fixture
def score(called, tmp_path):
    def scored(x, y, *options):
        np.save(tmp_path / "x.npy", x)
        np.save(tmp_path / "y.npy", y)
        out = tmp_path / "score.json"
        done = called("score", tmp_path / "x.npy", tmp_path / "y.npy", "--json", out, *options)
        assert done.returncode == 0, done.stderr
        return json.loads(out.read_text())

    return scored


def exact(x, axis):
    with mpmath.workdps(50):
        rows = np.moveaxis(x, axis, -1)
        values = np.empty(rows.shape, object)
        for place in np.ndindex(rows.shape[:-1]):
            exponentials = [mpmath.exp(mpmath.mpf(float(v))) for v in rows[place]]
            total = mpmath.fsum(exponentials)
            values[place] = [e / total for e in exponentials]
        return np.moveaxis(values, -1, axis)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_the_worst_element_is_found_along_any_axis(score, axis):
    x = np.random.default_rng(0).normal(0, 3, (4, 5, 6)).astype(np.float32)
    y = np.asfortranarray(implementations()["max-shifted"](x, axis=axis))
    y[2, 3, 4] *= np.float32(1.001)
    document = score(x, y, "--axis", axis)
    z = exact(x, axis)
    with mpmath.workdps(50):
        binade = mpmath.floor(mpmath.log(z[2, 3, 4], 2))
        error = abs(mpmath.mpf(float(y[2, 3, 4])) - z[2, 3, 4]) / mpmath.mpf(2) ** (binade - 23)
    worst = document["worst"]
    assert worst["index"] == [2, 3, 4] and document["elements"] == 120
    assert worst["ulp"] == document["max_ulp"] == pytest.approx(float(error), rel=1e-9)
    assert float.fromhex(worst["x"]) == x[2, 3, 4] and float.fromhex(worst["y"]) == y[2, 3, 4]
    with mpmath.workdps(50):
        assert abs(mpmath.mpf(worst["exact"]) / z[2, 3, 4] - 1) < 1e-24
    assert sum(document[name] for name in OUTCOMES) == 120
    assert document["not_correctly_rounded"] == 120 - document["correctly_rounded"]


def test_the_inputs_keep_their_own_format(score):
    x = np.array([[0.1, 0.2, 0.7]])
    y = implementations()["wide"](x).astype(np.float16)
    document = score(x, y)
    assert document["dtype"] == "float16" and document["max_ulp"] <= 0.5
    assert document["not_correctly_rounded"] == 0


def test_lost_elements_are_outcomes_with_a_place(score):
    x = np.array([[1000.0, 0.0], [0.0, 1.0]], np.float32)
    y = np.array([[np.nan, 0.0], [0.3, 0.7]], np.float32)
    document = score(x, y)
    assert document["overflow"] == 1 and document["inherent_underflow"] == 1
    assert document["firsts"]["overflow"]["index"] == [0, 0]
    assert document["worst"]["index"][0] == 1
    document = score(x[:1], np.full((1, 2), np.nan, np.float32))
    assert document["max_ulp"] == "nan" and document["worst"] is None


def test_the_policy_can_be_relaxed(score):
    x = np.full((1, 3), -np.inf, np.float32)
    zeros = np.zeros((1, 3), np.float32)
    assert score(x, zeros)["wrong_special"] == 3
    assert score(x, zeros, "--policy", "all-masked=zero")["correctly_rounded"] == 3
    assert score(x, zeros, "--policy", "all-masked=any")["correctly_rounded"] == 3


def test_scalars_vectors_and_integers(score):
    assert score(np.array(3.0), np.array(1.0))["correctly_rounded"] == 1
    x = np.array([1, 2, 3])
    assert score(x, implementations()["wide"](x.astype(float)))["max_ulp"] < 0.51


def test_bfloat16_as_numpy_saves_it(score):
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="pip install ml_dtypes")
    x = np.array([[0.0, 1.0, 2.0]], ml_dtypes.bfloat16)
    y = implementations()["wide"](x.astype(float)).astype(ml_dtypes.bfloat16)
    document = score(x, y)
    assert document["dtype"] == "bfloat16" and document["max_ulp"] <= 0.5


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_any_outputs_are_judged_without_a_warning(score, dtype):
    """Warnings are errors in these tests, and so end the command."""
    largest = np.finfo(dtype).max
    x = np.zeros((7, 4), dtype)
    x[5], x[6] = largest, -largest
    for value in (0.0, largest, -largest, np.nan, np.inf):
        assert score(x, np.full(x.shape, value, dtype))["elements"] == 28
    mixed = np.resize(np.array([largest, -largest, np.inf, 0.0, 1.0], dtype), x.shape)
    document = score(x, mixed)
    assert document["rows"] == 7 and document["max_ulp"] != "nan"
