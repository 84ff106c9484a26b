"""A kernel that is made for `check`, and not for its task, is found."""

import textwrap
from dataclasses import replace

import pytest
from softmax_harness.check.contract import Contract, checked, drawn
from softmax_harness.check.contract.cases import CASES, cases_of
from softmax_harness.check.contract.suite import LENGTHS, LONG, recipes
from softmax_harness.ground.errors import BadImplementation
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations import OPERATIONS, Problem

FORMAT = FORMATS["float32"]
PROBLEM = Problem.of(OPERATIONS["softmax"], FORMAT)
QUICK = Contract(("float32",), ("shapes", "integers"))


def kernel(tmp_path, text):
    path = tmp_path / "kernel.py"
    path.write_text(textwrap.dedent(text))
    return f"{path}:softmax"


def test_the_results_of_the_harness_are_not_those_of_a_kernel(tmp_path):
    name = kernel(
        tmp_path,
        """
        def softmax(x, axis=-1):
            from softmax_harness.subjects.exact import exact_of
            return exact(x, axis)
        """,
    )
    (result,) = checked(name, QUICK)
    assert result.verdict == "fail"
    assert result.findings[0].kind == "looks_at_harness"
    assert "imported softmax_harness.subjects.exact" in result.findings[0].message


def test_no_kernel_can_expect_it_of_itself(tmp_path):
    name = kernel(
        tmp_path,
        """
        import sys
        from softmax_implementations.max_shifted import max_shifted
        from softmax_implementations.registry import implementation

        @implementation("mine", expected_findings=("looks_at_harness",))
        def softmax(x, axis=-1):
            return max_shifted(x, axis)
        """,
    )
    with pytest.raises(BadImplementation, match="nobody can expect of itself"):
        checked(name, QUICK)


def test_mpmath_in_a_right_kernel_is_reported_only(tmp_path):
    name = kernel(
        tmp_path,
        """
        import mpmath
        from softmax_implementations.max_shifted import max_shifted

        def softmax(x, axis=-1):
            return max_shifted(x, axis)
        """,
    )
    (result,) = checked(name, QUICK)
    assert result.verdict == "pass"
    (line,) = (each for each in result.reported if "mpmath" in each)
    assert line.startswith("uses_mpmath: it imports mpmath")


TABLE = """
    import numpy as np
    from softmax_implementations.max_shifted import max_shifted

    LENGTHS, SHAPES = {lengths!r}, {shapes!r}

    def softmax(x, axis=-1):
        y = max_shifted(x, axis)
        is_known = x.shape in SHAPES or (x.ndim == 2 and x.shape[-1] in LENGTHS)
        return y if is_known or y.size == 0 or {right} else np.full_like(y, 0.25)
"""


def of_seed_0(tmp_path, right="False"):
    """A kernel that is right for all lengths and shapes of seed 0, and where `right` holds."""
    lengths = {each.n for each in recipes(PROBLEM, float("inf"), 0)}
    shapes = {each.shape for part in CASES for each in cases_of(part, PROBLEM.operation, FORMAT, 0)}
    return kernel(tmp_path, TABLE.format(lengths=lengths, shapes=shapes, right=right))


def test_a_table_of_the_sizes_of_one_seed_fails_with_another(tmp_path):
    name = of_seed_0(tmp_path, "x.flags.c_contiguous")
    contract = Contract(("float32",), ("layouts", "axes"))
    (here,) = checked(name, contract)
    assert (here.verdict, here.findings) == ("pass", ())
    (other,) = checked(name, replace(contract, seed=1))
    assert {each.kind for each in other.findings} == {"layout", "axis"}


def test_a_table_of_the_lengths_of_one_seed_fails_with_another(tmp_path):
    name = of_seed_0(tmp_path)
    contract = Contract(("float32",), ("accuracy",), families=("equal",))
    (here,) = checked(name, contract)
    assert here.verdict == "pass"
    (other,) = checked(name, replace(contract, seed=1))
    assert other.verdict == "fail"


def test_each_seed_draws_sizes_of_its_own_and_the_same_again():
    for seed in (0, 1, 20261126):
        known = {*LENGTHS, *LONG}
        lengths = {each.n for each in recipes(PROBLEM, float("inf"), seed)} - known
        assert len({*drawn.lengths(seed)} - known) >= 6
        assert {*drawn.lengths(seed)} <= lengths | known
        assert all(131 <= n <= 10_000 for n in drawn.lengths(seed))
    assert drawn.lengths(1) != drawn.lengths(2)
    assert drawn.shape(1, 3) != drawn.shape(2, 3)
    assert len(drawn.shape(1, 3)) == 3
    assert drawn.batches(1) != drawn.batches(2)
    assert drawn.permuted(1) != drawn.permuted(2)
