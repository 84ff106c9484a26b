"""What is declared about an implementation, or said by a command, holds: nothing is ignored."""

import textwrap

import numpy as np
import pytest
from softmax_harness.check.contract import Contract, checked
from softmax_harness.check.contract.promises import Limit
from softmax_harness.ground.errors import BadImplementation, BadLimit, HarnessError
from softmax_harness.subjects.declaration import Said
from softmax_implementations.registry import ExpectedFinding

KERNELS = """
    import ml_dtypes
    import numpy as np
    from softmax_implementations.registry import implementation

    def worked(x, axis, dtype):
        with np.errstate(all="ignore"):
            w = np.asarray(x).astype(dtype)
            e = np.exp(w - np.max(w, axis=axis, keepdims=True, initial=-np.inf))
            return np.asarray(e / np.sum(e, axis=axis, keepdims=True))

    def right(x, axis=-1):
        x = np.asarray(x)
        x = x.astype(np.float64) if x.dtype.kind in "iu" else x
        return worked(x, axis, np.float64).astype(x.dtype)

    def float32_of_int32(x, axis=-1):
        x = np.asarray(x)
        own = {np.dtype(np.int32): np.float32, np.dtype(np.int64): np.float64}
        return worked(x, axis, np.float64).astype(own.get(x.dtype, x.dtype))

    def native(x, axis=-1):
        return worked(x, axis, x.dtype)

    def narrowed(x, axis=-1):
        return worked(x, axis, np.float64).astype(ml_dtypes.bfloat16)

    def single_only(x, axis=-1):
        if x.dtype != np.float32:
            raise TypeError("float32 only")
        return right(x, axis)

    def four_percent_off(x, axis=-1):
        return (1.04 * worked(x, axis, np.float32)).astype(x.dtype)

    def zeros(x, axis=-1):
        return np.zeros_like(x)

    def without_tail(x, axis=-1):
        whole = x.shape[axis] // 16 * 16
        m = np.max(x[..., :whole], axis=axis, keepdims=True, initial=-np.inf)
        with np.errstate(all="ignore"):
            e = np.exp(x - m)
            return e / np.sum(e, axis=axis, keepdims=True)

    def of_no_use_at_768(x, axis=-1):
        return right(x, axis) * (0.5 if x.shape[axis] == 768 else 1)

    @implementation("one-percent", expected_findings=("inaccurate", "out_of_range"))
    def unsized(x, axis=-1):
        return (1.01 * worked(x, axis, np.float64)).astype(x.dtype)

    KNOWN = ("out_of_range", "wrong_special")

    @implementation("some-ulp", expected_findings=("inaccurate up to 300 ulp", *KNOWN))
    def sized(x, axis=-1):
        y = worked(x, axis, np.float64)
        return (y * (1 + 2.0**-17)).astype(x.dtype)

    @implementation("more", expected_findings=("inaccurate up to 40 ulp", *KNOWN))
    def more(x, axis=-1):
        return sized(x, axis)

    @implementation("eight-bits", output_dtype="float8_e9")
    def unknown_format(x, axis=-1):
        return x

    @implementation("log", operation="log_softmax")
    def of_another(x, axis=-1):
        return np.log(right(x, axis))

    @implementation("misspelt", limits={"max_ulps": 1})
    def misspelt(x, axis=-1):
        return right(x, axis)
"""
pytestmark = pytest.mark.usefixtures("truths_kept", "third_of_contract")
FEW = Contract(("float32",), ("accuracy",), families=("normal-1", "normal-10"))


@pytest.fixture(scope="module")
def verdict(tmp_path_factory):
    path = tmp_path_factory.mktemp("declared") / "kernels.py"
    path.write_text(textwrap.dedent(KERNELS), encoding="utf-8")

    def found(function, contract=FEW):
        (result,) = checked(f"{path}:{function}", contract)
        return result

    return found


def contract(dtype, **more):
    return Contract((dtype,), ("accuracy",), families=FEW.families, **more)


@pytest.mark.place(None)  # a third has none of the rows that tell
def test_the_output_format_of_a_plain_function_is_said(verdict):
    pytest.importorskip("ml_dtypes")
    (finding,) = verdict("narrowed").findings
    assert finding.kind == "wrong_dtype" and "--output-dtype bfloat16" in finding.message
    said = verdict("narrowed", contract("float32", said=Said("bfloat16")))
    assert (said.verdict, said.standard, said.reached) == ("pass", "wide", "wide")
    with pytest.raises(BadImplementation, match="leave out --output-dtype"):
        verdict("sized", contract("float32", said=Said("bfloat16")))


def test_what_is_not_done_with_integers_is_told_and_no_fault_of_an_axis(verdict):
    found = verdict(
        "float32_of_int32", Contract(("float32",), ("integers",), without=("integers",))
    )
    assert found.verdict == "pass", found.findings


def test_each_default_standard_is_held_and_the_strictest_is_told(verdict):
    assert verdict("right").reached in ("rounded", "wide") and verdict("right").standard == "native"
    assert verdict("right", contract("float32", said=Said(standard="wide"))).verdict == "pass"
    assert verdict("native").reached == "native"
    missed = verdict("native", contract("float32", said=Said(standard="wide")))
    assert (missed.verdict, missed.standard, missed.reached) == ("fail", "wide", "native")
    assert verdict("native", contract("float16")).standard == "wide"
    assert verdict("native", contract("float16")).verdict == "fail"
    native = contract("float16", said=Said(standard="native"))
    assert verdict("native", native).verdict == "pass"
    with pytest.raises(HarnessError, match="standard of softmax"):
        verdict("right", contract("float32", said=Said(standard="usual")))


@pytest.mark.place(None)  # a third has none of the rows that tell
def test_a_16_bit_kernel_that_is_some_percent_off_is_found(verdict):
    pytest.importorskip("ml_dtypes")
    assert verdict("four_percent_off", contract("bfloat16")).findings[0].kind == "inaccurate"
    assert verdict("right", contract("bfloat16")).verdict == "pass"


@pytest.mark.parametrize("names, verdict_", [(True, "fail"), (False, "unsupported")])
def test_a_dtype_asked_for_by_name_and_refused_is_a_fault(tmp_path, names, verdict_):
    path = tmp_path / "kernels.py"
    path.write_text(textwrap.dedent(KERNELS), encoding="utf-8")
    asked = Contract(("float16", "float32"), ("shapes",), names_dtypes=names)
    refused, answered = checked(f"{path}:single_only", asked)
    assert (refused.verdict, answered.verdict) == (verdict_, "pass")


def test_an_expected_inaccuracy_has_a_size_and_what_exceeds_it_is_news(verdict):
    assert verdict("sized").verdict == "pass"
    (unsized,) = [each for each in verdict("unsized").findings if each.kind == "inaccurate"]
    assert "known only with a size" in unsized.message
    (more,) = [each for each in verdict("more").findings if each.kind == "inaccurate"]
    assert "known up to 40 ulp" in more.message and more.worst > 40


def test_limits_of_other_operations_hold_too(tmp_path):
    path = tmp_path / "logs.py"
    path.write_text(
        "import numpy as np\n"
        "from softmax_implementations.registry import implementation\n"
        "@implementation('log', operation='log_softmax', limits={'max_ulp': 1})\n"
        "def usual(x, axis=-1):\n"
        "    with np.errstate(all='ignore'):\n"
        "        d = x - x.max(axis=axis, keepdims=True)\n"
        "        return d - np.log(np.exp(d).sum(axis=axis, keepdims=True))\n",
        encoding="utf-8",
    )
    (found,) = checked(f"{path}:usual", Contract(("float32",), operation="log_softmax"))
    (limit,) = [each for each in found.findings if each.kind == "limit"]
    assert limit.value > 1e6 and limit.limit == 1 and found.reached in ("", "usual")
    asked = Contract(("float32",), operation="log_softmax", limits=(Limit("sum_defect", 1.0),))
    with pytest.raises(BadLimit, match="sum_defect is not measured of log_softmax"):
        checked(f"{path}:usual", asked)


def test_a_limit_that_was_asked_for_is_not_waived_by_the_kernel_without_a_size(tmp_path):
    path = tmp_path / "kernel.py"
    path.write_text(
        "import numpy as np\n"
        "from softmax_implementations.registry import implementation\n"
        "@implementation('own', expected_findings=('limit',), dtypes=('float32',))\n"
        "def own(x, axis=-1):\n"
        "    with np.errstate(all='ignore'):\n"
        "        e = np.exp(x - x.max(axis=axis, keepdims=True))\n"
        "        return e / e.sum(axis=axis, keepdims=True)\n",
        encoding="utf-8",
    )
    asked = contract("float32", limits=(Limit("max_ulp", 0.6),))
    (found,) = checked(f"{path}:own", asked)
    (limit,) = found.findings
    assert limit.kind == "limit" and "known only with a size" in limit.message


@pytest.mark.parametrize("text", ["", "inaccurate up to", "inaccurate up to some ulp", "a b"])
def test_an_expected_finding_that_cannot_be_read_is_refused(text):
    with pytest.raises(ValueError, match="expected KIND"):
        ExpectedFinding.parse(text)


@pytest.mark.parametrize(
    "function, told",
    [
        ("unknown_format", "declares output_dtype 'float8_e9'"),
        ("of_another", "computes log_softmax, not softmax: give --operation log_softmax"),
        ("misspelt", "expected METRIC=NUMBER"),
    ],
)
def test_what_cannot_hold_is_one_line(verdict, function, told):
    with pytest.raises(HarnessError) as refused:
        verdict(function)
    assert told in str(refused.value) and "\n" not in str(refused.value)


def test_a_kernel_that_never_ran_is_not_told_that_it_overflows(verdict):
    found = verdict("zeros", Contract(("float32",), ("accuracy",)))
    assert found.cause.startswith("every result is 0")
    assert {"overflow", "bias"}.isdisjoint({each.kind for each in found.findings})


@pytest.mark.place(None)  # the cause shows in lengths that follow each other
def test_a_tail_that_is_left_out_is_one_cause(verdict):
    found = verdict("without_tail", Contract(("float32",), ("accuracy",)))
    assert found.cause == "wrong unless n is a multiple of 16"


def test_subnormal_numbers_that_count_as_0_are_one_cause(tmp_path):
    path = tmp_path / "kernel.py"
    path.write_text(
        "import numpy as np\n"
        "def flushed(x, g, axis=-1):\n"
        "    with np.errstate(all='ignore'):\n"
        "        e = np.exp(x - x.max(axis=axis, keepdims=True))\n"
        "        s = e / e.sum(axis=axis, keepdims=True)\n"
        "        return g * np.where(s < 2.0**-126, np.float32(0), s)\n",
        encoding="utf-8",
    )
    asked = Contract(("float32",), ("accuracy",), operation="logsumexp_gradient")
    (found,) = checked(f"{path}:flushed", asked)
    assert "spurious_underflow" in {each.kind for each in found.findings}
    assert found.cause.endswith("check --without subnormals")


@pytest.mark.place(None)  # 768 is in one third
def test_one_length_that_is_wrong_is_told(verdict):
    contract = Contract(("float32",), ("accuracy",), families=("equal", "peaks"))
    assert verdict("of_no_use_at_768", contract).cause == "wrong only in rows of 768"


def test_a_zero_within_the_bound_of_a_loss_is_accurate(tmp_path):
    path = tmp_path / "loss.py"
    path.write_text(
        "import numpy as np\n"
        "def loss(x, target, axis=-1):\n"
        "    a = x.max(axis=axis, keepdims=True)\n"
        "    with np.errstate(all='ignore'):\n"
        "        log = np.log(np.exp(x - a).sum(axis=axis))\n"
        "        t = np.take_along_axis(x - a, np.expand_dims(target, axis), axis)\n"
        "        return log - t.squeeze(axis)\n",
        encoding="utf-8",
    )
    (found,) = checked(f"{path}:loss", Contract(("float32",), operation="cross_entropy"))
    assert {each.kind for each in found.findings} <= {"wrong_special", "nan"}
    assert found.standard == "usual"


@pytest.mark.place(None)  # the largest results are in one third
def test_the_worst_finding_comes_first(verdict):
    kinds = [each.kind for each in verdict("zeros", Contract(("float32",), ("accuracy",))).findings]
    assert kinds[0] == "spurious_underflow"
    sizes = [each.worst for each in verdict("unsized").findings if each.worst is not None]
    assert sizes == sorted(sizes, reverse=True) and np.isfinite(sizes).all()


def test_what_is_no_matter_of_size_has_no_limit(verdict):
    for finding in verdict("unsized").findings:
        assert (finding.limit is None) == (finding.kind != "inaccurate")
        assert finding.limit is None or finding.limit < finding.value < 1e7
