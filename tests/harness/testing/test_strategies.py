"""Hypothesis draws from the families, for every operation and format."""

import sys

import numpy as np
import pytest
from hypothesis import find as found
from hypothesis import given, settings
from softmax_harness.ground.errors import HarnessError
from softmax_harness.ground.formats import FORMATS
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.operations import OPERATIONS
from softmax_harness.testing import assert_close, exact, strategies

FEW = settings(max_examples=15, database=None)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_exact_results_of_what_is_drawn_are_close(operation):
    @FEW
    @given(strategies.arguments(operation, "float32", max_rows=2, max_n=20))
    def check(arguments):
        taken = dict(arguments)
        x = taken.pop("x", None)
        assert_close(exact(x, operation=operation, **taken), x, operation=operation, **taken)

    check()


@pytest.mark.parametrize("dtype", FORMATS)
def test_values_sizes_and_families_are_as_asked_for(dtype):
    @FEW
    @given(strategies.logits(dtype, max_rows=3, max_n=40, allow_nan=False, allow_infinity=False))
    def check(x):
        assert x.dtype == FORMATS[dtype].dtype and x.flags.writeable
        assert 1 <= x.shape[0] <= 3 and 1 <= x.shape[1] <= 40
        assert np.isfinite(x.astype(np.float64)).all()

    check()


@pytest.mark.parametrize("name", ["digits", "steps"])
def test_rows_of_a_fixed_set_are_its_own(name):
    family, format = FAMILIES[name], FORMATS["float64"]
    whole = np.concatenate([*Recipe(family, format, family.lengths[0], family.rows, 0).blocks()])

    @settings(FEW, max_examples=5)
    @given(strategies.logits("float64", families=[name], max_rows=2))
    def check(x):
        assert all((row == whole).all(-1).any() for row in x)

    check()


def test_a_failure_shrinks_to_a_small_row():
    def is_wrong(x):
        with np.errstate(all="ignore"):
            e = np.exp(x)
            try:
                assert_close(e / e.sum(-1, keepdims=True), x)
            except AssertionError:
                return True
        return False

    drawn = strategies.logits("float32", families=["normal-100"])
    x = found(drawn, is_wrong, settings=settings(FEW, max_examples=50))
    assert x.shape[0] == 1 and x.shape[1] <= 40


REFUSED = {
    "no dtype is named 'int8'": lambda: strategies.logits("int8"),
    "no family is named 'tie'": lambda: strategies.logits(families=["tie"]),
    "max_n=1: digits have longer": lambda: strategies.logits(families=["digits"], max_n=1),
    "max_rows=0, max_n=256": lambda: strategies.logits(max_rows=0),
    "no operation is named 'sofmax'": lambda: strategies.arguments("sofmax"),
}


@pytest.mark.parametrize("message, call", REFUSED.items(), ids=REFUSED)
def test_what_cannot_be_drawn_is_refused_at_once(message, call):
    with pytest.raises(HarnessError) as caught:
        call()
    assert message in str(caught.value)


def test_without_hypothesis_it_is_told_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(HarnessError, match="pip install hypothesis"):
        strategies.logits()
