"""A callable of the test's own process, judged by another: what is asked, found and told."""

import os
import shlex
import sys
from dataclasses import replace

import numpy as np
import pytest
from softmax_harness import pytest_plugin
from softmax_harness.check.asserted import asserted
from softmax_harness.check.asserted.client import CLIENT
from softmax_harness.check.asserted.messages import Verdict
from softmax_harness.check.contract import Checked, Finding
from softmax_harness.ground.errors import HarnessError
from softmax_harness.inputs import witness
from softmax_harness.pytest_plugin import assert_softmax_accurate
from softmax_harness.subjects.isolation import Fault
from softmax_implementations.registry import Implementation

FEW = {"families": ("normal-10",)}


def shifted(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def unshifted(x, axis=-1):
    e = np.exp(x)
    return e / e.sum(axis=axis, keepdims=True)


def failure(f, *given, **options):
    with pytest.raises(AssertionError) as raised:
        assert_softmax_accurate(f, *given, **options)
    return raised.value


def shown(message):
    """The lines below a finding, by their first word."""
    lines = [line.split(maxsplit=1) for line in message.splitlines() if line.startswith("  ")]
    return dict(lines[::-1])


@pytest.mark.parametrize("dtype", ["float16", "float32", np.float64])
def test_an_accurate_one_passes_on_the_whole_suite(dtype):
    longest = 65504 if dtype == "float16" else None  # beyond it a sum of float16 is infinite
    assert_softmax_accurate(shifted, dtype, largest_n=longest, standard="native")


def test_a_dtype_of_numpy_s_is_one_too():
    assert_softmax_accurate(shifted, np.dtype("float32"), **FEW)


def test_in_16_bits_a_wider_type_is_expected_and_a_kernel_4_percent_off_is_found():
    wide = assert_softmax_accurate
    wide(lambda x: shifted(x.astype(np.float32)).astype(x.dtype), "float16", families=("normal-1",))
    failure(shifted, "float16", families=("normal-1",), largest_n=1000)
    pytest.importorskip("ml_dtypes")

    def off(x):
        return (1.04 * shifted(x.astype(np.float32))).astype(x.dtype)

    failure(off, "bfloat16", families=("normal-1",), standard="wide")


def test_another_output_format_is_said():
    def doubled(x):
        return shifted(x.astype(np.float64))

    assert_softmax_accurate(doubled, "float32", families=("normal-1",), output_dtype=np.float64)
    assert "--output-dtype float64" in str(failure(doubled, "float32", families=("normal-1",)))


def test_bfloat16():
    pytest.importorskip("ml_dtypes")
    assert_softmax_accurate(lambda x: shifted(x.astype(np.float32)).astype(x.dtype), "bfloat16")


def test_a_failure_tells_witness_exact_and_computed_value():
    message = str(failure(unshifted, families=("exp-thresholds",)))
    assert message.startswith("unshifted is not an accurate softmax in float32: ")
    found = shown(message)
    place = witness.parse(found["witness"])
    row = place.block[place.row]
    assert len(row) <= 2
    with np.errstate(all="ignore"):
        assert found["computed"] == repr(float(unshifted(row)[place.index]))
    assert np.isclose(float(found["exact"]), shifted(row.astype(float))[place.index])
    assert len(found["exact"].split("e")[0]) >= 25 or float(found["exact"]) in (0.0, 1.0)
    assert "limit" in found["error"]
    words = shlex.split(found["softmax-harness"])
    assert words[:2] == ["explain", found["witness"]]
    assert words[2] == "--implementation" and words[3].endswith(":unshifted")


def test_a_limit_is_in_place_of_the_bound_and_shows_the_smallest_row_beyond_it():
    def off(x):
        y = shifted(x)
        return np.where(y < 0.25, y * x.dtype.type(1 + 1e-4), y)

    assert "inaccurate" in str(failure(off, **FEW))
    assert_softmax_accurate(off, limit=4000, **FEW)
    message = str(failure(off, limit=100, **FEW))
    assert "beyond its limit of 100" in message
    found = shown(message)
    assert witness.parse(found["witness"]).block.shape == (1, 2)
    assert float(found["error"].split()[0]) > 100


def test_limits_by_metric():
    assert_softmax_accurate(shifted, limit={"sum_defect": 1e-3}, **FEW)
    message = str(failure(shifted, limit={"sum_defect": 1e-9}, **FEW))
    assert "sum_defect" in message and "limit 1e-09" in message


def test_special_values_and_subnormals_as_agreed():
    def masked_to_zero(x):
        return np.where((x == -np.inf).all(-1, keepdims=True), 0, shifted(x))

    assert "wrong_special" in str(failure(masked_to_zero, families=["all-masked"]))
    assert_softmax_accurate(masked_to_zero, families=["all-masked"], policy={"all-masked": "zero"})

    def flushes(x):
        y = shifted(x)
        return np.where(y < np.finfo(y.dtype).tiny, y.dtype.type(0), y)

    assert "flushed_subnormal" in str(failure(flushes))
    assert_softmax_accurate(flushes, without=["subnormals"])


def test_no_longer_row_than_it_takes():
    def short(x):
        assert x.shape[-1] <= 100
        return shifted(x)

    assert "AssertionError" in str(failure(short, families=["equal"]))
    assert_softmax_accurate(short, families=["equal"], largest_n=100)


def test_what_is_declared_holds():
    known = Implementation("mine", unshifted, expected_findings=("overflow", "wrong_special"))
    options = {"families": ["positive-infinity", "normal-1"], "dtype": "float64"}
    assert_softmax_accurate(known, **options)
    only_single = Implementation("single", shifted, dtypes=("float32",))
    assert "supports only float32" in str(failure(only_single, "float64", **FEW))


def test_an_exception_is_told_and_is_the_cause():
    def bad(x):
        raise KeyError("no such kernel")

    error = failure(bad)
    assert "raised KeyError: 'no such kernel'" in str(error)
    assert isinstance(error.__cause__, KeyError)


def test_an_exit_is_told_and_ends_nothing():
    """A script would end with 0, and have judged nothing."""

    def leaves(x):
        raise SystemExit(0)

    error = failure(leaves)
    assert "raised SystemExit: 0" in str(error)
    assert isinstance(error.__cause__, SystemExit)


@pytest.mark.parametrize(
    "f, part",
    [
        (lambda x: x[0], "returned shape (5,) for an input of shape (3, 5)"),
        (lambda x: shifted(x.astype(float)), "returned float64 where float32 was expected"),
        (lambda x: shifted(x).tolist(), "returned list where an ndarray was expected"),
        (lambda x, axis: np.exp(x, out=x), "changed its input"),
    ],
)
def test_a_call_that_gives_something_else_is_told(f, part):
    assert part in str(failure(f, **FEW))


def test_numpys_warnings_do_not_count():
    with np.errstate(all="raise"):
        for family in ("normal-100", "exp-thresholds", "all-masked", "nan-in-row"):
            with pytest.raises(FloatingPointError):
                shifted(np.float32([[0, -1000], [np.nan, 0]]))
            assert_softmax_accurate(shifted, families=(family,))


@pytest.mark.parametrize(
    "given, part",
    [
        ({"dtype": "float33"}, "did you mean float32?"),
        ({"families": ["normal-11"]}, "did you mean normal-1"),
        ({"limit": -1}, "expected METRIC=NUMBER"),
        ({"policy": {"masked": "zero"}}, "all-masked"),
    ],
)
def test_a_wrong_request_is_said_and_the_judge_goes_on(given, part):
    with pytest.raises(HarnessError, match=r"expected") as raised:
        assert_softmax_accurate(shifted, **given)
    assert part in str(raised.value)
    assert_softmax_accurate(shifted, **FEW)


class Stop(BaseException):
    """What ends a test from within a call, as pytest.skip does."""


def test_what_ends_a_test_passes_through_and_the_next_one_is_judged():
    def stops(x):
        raise Stop

    with pytest.raises(Stop):
        assert_softmax_accurate(stops)
    assert_softmax_accurate(shifted, **FEW)


def test_nothing_foreign_crosses_over():
    """A result of a class that only this process has comes to the judge as a plain array."""

    class Mine(np.ndarray):
        pass

    assert_softmax_accurate(lambda x: shifted(x).view(Mine), **FEW)


def test_a_judge_that_dies_is_said_and_another_takes_its_place():
    def kills(x):
        CLIENT._process.kill()
        CLIENT._process.wait()
        return shifted(x)

    with pytest.raises(RuntimeError, match="ended before it answered"):
        assert_softmax_accurate(kills, **FEW)
    assert_softmax_accurate(shifted, **FEW)


def test_it_ends_when_it_is_told_to():
    assert_softmax_accurate(shifted, **FEW)
    process = CLIENT._process
    CLIENT.close()
    assert process.returncode is not None
    if sys.platform != "win32":
        with pytest.raises(ProcessLookupError):
            os.kill(process.pid, 0)
    CLIENT.close()


def test_who_is_too_slow_for_the_whole_suite_is_told_at_the_end(monkeypatch):
    class Reporter:
        lines = []

        def section(self, title):
            self.lines.append(title)

        write_line = section

    pytest_plugin.pytest_terminal_summary(Reporter())
    assert Reporter.lines == []
    monkeypatch.setattr(asserted, "SLOW", ["mine float32: judged on 3 of 9 calls"])
    pytest_plugin.pytest_terminal_summary(Reporter())
    assert Reporter.lines == ["softmax-harness", "mine float32: judged on 3 of 9 calls"]


def test_a_slow_verdict_says_on_how_much_it_is(monkeypatch):
    slow = "judged on 3 of 9 calls, since it is slow: 1 s a call"
    faults = (Fault("inaccurate", "gives 1.0"),)
    monkeypatch.setattr(asserted, "SLOW", [])
    monkeypatch.setattr(CLIENT, "verdict", lambda *given: Verdict(3, faults, slow))
    with pytest.raises(AssertionError, match=f"inaccurate on 3 elements; {slow}"):
        assert_softmax_accurate(lambda x, axis=-1: x)
    assert asserted.SLOW[0].endswith(f"float32: {slow}")


def test_a_finding_on_what_no_command_finds_is_shown_without_it():
    finding = Finding("overflow", "gives nan", witness="float32:0x1p+0@0", replay="check it")
    result = Checked("<lambda>", "float32", "fail", (finding, replace(finding, witness="")))
    first, second = asserted._unnamed(result).findings
    assert first.replay == "softmax-harness explain float32:0x1p+0@0" and second.replay == ""
