"""`check` of kernels that work in float32: how they convert to a format of one byte decides.

The right conversions pass, each wrong one fails for its reason, whatever is computed.
"""

import inspect

import numpy as np
import pytest
from softmax_faults.labels import listed
from softmax_harness.check.contract import Contract
from softmax_harness.check.contract.checking import verdict
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations import OPERATIONS, Policy, Problem
from softmax_harness.subjects.subject import Subject
from softmax_implementations import Implementation, implementations

pytest.importorskip("ml_dtypes", reason="pip install 'softmax-harness[narrow]'")
from softmax_faults import conversions

pytestmark = pytest.mark.usefixtures("truths_kept")

OF_A_BYTE = [name for name, format in FORMATS.items() if format.precision < 8]
OPERATIONS_TRIED = ("softmax", "log_softmax", "attention")
FAMILIES = ("equal", "normal-10", "nan-in-row", "largest", "sweep-pairs", "hard")
BEYOND = ("nan-in-row", "largest", "uniform-wide")  # of which some results are too large
ALL = [
    function
    for name, function in vars(conversions).items()
    if inspect.isfunction(function) and not name.startswith("_")
]
WRONG = [each for each in ALL if each is not conversions.nearest]


def kernel_of(convert, operation, dtype):
    """The careful form in float32, and the conversion."""
    name = {"softmax": "max-shifted", "log_softmax": "compensated", "attention": "shifted"}
    careful = implementations(operation)[name[operation]]

    def kernel(*arguments, **named):
        floats = (a if a.dtype == bool else a.astype(np.float32) for a in arguments)
        y = np.asarray(careful(*floats, **named), np.float32)
        return convert(y, FORMATS[dtype].dtype)

    return kernel


def judged(convert, operation, dtype, saturation="overflow", families=FAMILIES, **declared):
    """The verdict of `check` on its accuracy, called in this process."""
    about, format = OPERATIONS[operation], FORMATS[dtype]
    policy = Policy(saturation=saturation)
    declaration = Implementation(
        convert.__name__,
        kernel_of(convert, operation, dtype),
        (dtype,),
        operation=operation,
        **declared,
    )
    subject = Subject.here(declaration, Problem(about, format, format, policy=policy))
    contract = Contract(
        (dtype,), ("accuracy",), policy=policy, families=families, operation=operation
    )
    return verdict(subject, contract)


def tried():
    """Each wrong conversion in each operation in which it shows, in one format after another."""
    for start, function in enumerate(WRONG):
        seen_in = listed("Seen in", function.__doc__) or OPERATIONS_TRIED
        for place, operation in enumerate(seen_in, start):
            dtype = OF_A_BYTE[place % len(OF_A_BYTE)]
            yield pytest.param(function, operation, dtype, id=f"{function.__name__}-{operation}")


@pytest.mark.parametrize("dtype", OF_A_BYTE)
@pytest.mark.parametrize("operation", OPERATIONS_TRIED)
def test_a_conversion_to_nearest_passes(operation, dtype):
    result = judged(conversions.nearest, operation, dtype)
    assert result.verdict == "pass" and result.elements > 300, result.findings


@pytest.mark.parametrize("convert, operation, dtype", list(tried()))
def test_a_wrong_conversion_fails_for_the_right_reason(convert, operation, dtype):
    limits = {"not_correctly_rounded": 0} if "limit" in listed("Found as", convert.__doc__) else {}
    result = judged(convert, operation, dtype, limits=limits)
    assert result.verdict == "fail"
    kinds = {finding.kind for finding in result.findings}
    assert kinds & {*listed("Found as", convert.__doc__)}, result.findings


@pytest.mark.parametrize("dtype", OF_A_BYTE)
def test_the_policy_says_whether_results_saturate(dtype):
    for saturation, passes in (("saturate", False), ("overflow", True), ("any", True)):
        result = judged(conversions.nearest, "log_softmax", dtype, saturation, BEYOND)
        assert (result.verdict == "pass") == passes, (saturation, result.findings)
        assert passes or {each.kind for each in result.findings} <= {"overflow", "wrong_special"}
    for saturation in ("saturate", "any"):
        result = judged(conversions.saturated, "log_softmax", dtype, saturation, BEYOND)
        assert result.verdict == "pass", (saturation, result.findings)
