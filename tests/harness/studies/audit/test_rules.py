"""Rules accept what their text says, and texts that are no rule are refused."""

import numpy as np
import pytest
from softmax_harness.ground.errors import BadLimit
from softmax_harness.ground.formats import FORMATS
from softmax_harness.studies.audit.rule import parse_rule, steps_between

FLOAT16 = FORMATS["float16"]


def accepts(rule, y, golden, format=FLOAT16):
    return parse_rule(rule).accepts(np.atleast_2d(y), np.atleast_2d(golden), format)


@pytest.mark.parametrize(
    "rule",
    ["allclose(rtol=1e-2, atol=0)", "allclose(rtol=0, atol=3e-3)", "ulp(2 + 1)", "ulp(3*n+3)"],
)
def test_a_rule_accepts_what_is_near_and_nothing_else(rule):
    golden = np.array([0.25, 0.5, 0.125])
    near = golden * (1 + 2.0**-10)
    assert accepts(rule, near, golden)
    assert not accepts(rule, golden * 1.1, golden)
    assert not accepts(rule, [0.25, np.nan, 0.125], golden)
    assert not accepts(rule, [0.25, np.inf, 0.125], golden)


def test_allclose_takes_nan_for_nan_only_where_it_says_so():
    nan = [np.nan, np.nan]
    assert not accepts("allclose(rtol=1, atol=1)", nan, nan)
    assert accepts("allclose(rtol=1, atol=1, equal_nan=True)", nan, nan)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float8_e4m3fn", "float8_e5m2"])
def test_steps_are_those_between_bit_patterns(dtype):
    format = FORMATS[dtype]
    if format.package != "numpy":
        pytest.importorskip(format.package, reason="pip install 'softmax-harness[narrow]'")
    bits = np.dtype(f"i{format.dtype.itemsize}")
    end = np.inf if format.has_infinity else format.largest
    largest = int(np.array(end, format.dtype).view(bits))
    places = np.random.default_rng(0).integers(0, largest + 1, (2, 2000))
    places[:, :4] = [[0, 0, largest, 1], [1, largest, largest - 1, 0]]
    signs = np.random.default_rng(1).choice([-1.0, 1.0], places.shape)
    a, b = places.astype(bits).view(format.dtype).astype(np.float64) * signs
    np.testing.assert_array_equal(
        steps_between(a, b, format), np.abs(places[0] * signs[0] - places[1] * signs[1])
    )


def test_steps_to_nan_are_infinite_but_from_nan():
    nan, one = np.array([np.nan]), np.array([1.0])
    assert steps_between(nan, nan, FLOAT16) == 0
    assert steps_between(nan, one, FLOAT16) == np.inf


def test_a_function_of_a_file_judges_arrays_of_the_dtype(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(
        "def judge(y, golden):\n"
        "    assert y.dtype == 'float16'\n"
        "    return abs(y - golden).max() < 1\n"
        "def strict(y, golden):\n    assert (y == golden).all()\n"
        "def broken(y, golden):\n    raise KeyError('no')\n"
    )
    assert accepts(f"{path}:judge", [0.5], [0.25])
    assert not accepts(f"{path}:judge", [2.5], [0.25])
    assert accepts(f"{path}:strict", [0.25], [0.25])
    assert not accepts(f"{path}:strict", [0.5], [0.25])
    with pytest.raises(BadLimit, match="raised KeyError"):
        accepts(f"{path}:broken", [0.5], [0.25])


@pytest.mark.parametrize(
    "judge, told",
    [
        ("import sys; sys.exit(0)", "SystemExit"),
        ("return y == golden", "ValueError: The truth value"),
        ("import pytest; pytest.skip('not here')", "Skipped: not here"),
    ],
)
def test_a_function_that_neither_accepts_nor_rejects_is_refused(judge, told, tmp_path):
    path = tmp_path / "own.py"
    path.write_text(f"def judge(y, golden):\n    {judge}\n")
    with pytest.raises(BadLimit, match=f"raised {told}"):
        accepts(f"{path}:judge", [0.5, 0.5], [0.25, 0.5])
    path.write_text("import sys; sys.exit(0)\n")
    with pytest.raises(BadLimit, match="cannot be loaded: it raised SystemExit: 0"):
        parse_rule(f"{path}:judge")


def test_a_function_rejects_as_tests_do(tmp_path):
    path = tmp_path / "own.py"
    path.write_text("import pytest\ndef judge(y, golden):\n    pytest.fail('no')\n")
    assert not accepts(f"{path}:judge", [0.5], [0.5])


@pytest.mark.parametrize(
    "text",
    [
        "close",
        "allclose(1e-2)",
        "allclose(rtol=-1)",
        "allclose(rtol=nan)",
        "allclose(tol=1)",
        "allclose(rtol='a')",
        "ulp()",
        "ulp(m)",
        "ulp(1/0)",
        "ulp(0 - 1)",
        "ulp(__import__('os'))",
        "ulp(9**9**9**9)",
        "missing.py:judge",
    ],
)
def test_what_is_no_rule_is_refused_in_one_line(text):
    with pytest.raises(BadLimit) as error:
        parse_rule(text)
    assert "\n" not in str(error.value)
