"""Results beyond the largest number of a format: infinite, NaN or the largest, by policy."""

import numpy as np
import pytest
from softmax_harness.ground.errors import HarnessError
from softmax_harness.ground.formats import FORMATS
from softmax_harness.judgement.measure import classified
from softmax_harness.judgement.outcomes import OUTCOMES
from softmax_harness.judgement.question import question
from softmax_harness.operations import OPERATIONS, Policy, Problem

# log_softmax of [0, -x, ...] in float32, whose results are numbers of a narrower format.
FAR = [-100.0, -1000.0, -70000.0, -np.inf]


def outcomes(y, dtype, saturation="overflow", x=FAR):
    """Of results at these logits, beside one of 0."""
    policy = Policy(saturation=saturation)
    own = FORMATS["float32"], FORMATS[dtype]
    asked = question(
        Problem(OPERATIONS["log_softmax"], *own, policy=policy),
        np.array([[0.0, *x]], np.float32),
    )
    y = np.array([[asked.truth.rounded[0, 0], *y]])
    _, codes = classified(asked.held_to("wide"), y)
    return [str(OUTCOMES[code]) for code in codes[0, 1:]]


GOOD, FAR_OFF, LOST = "correctly_rounded", "inaccurate", "overflow"
NAN, INF = np.nan, np.inf


@pytest.mark.parametrize(
    "dtype, y, saturation, expected",
    [
        ("float8_e4m3fn", [-104, NAN, NAN, NAN], "overflow", [GOOD] * 4),
        ("float8_e4m3fn", [-104, -448, -448, -448], "saturate", [GOOD] * 4),
        ("float8_e4m3fn", [-104, -448, NAN, -448], "any", [GOOD] * 4),
        ("float8_e4m3fn", [-104, NAN, -448, NAN], "any", [GOOD] * 4),
        ("float8_e4m3fn", [-104, -448, -448, -448], "overflow", [GOOD, *[FAR_OFF] * 2, "wrong"]),
        ("float8_e4m3fn", [-104, NAN, NAN, NAN], "saturate", [GOOD, *[LOST] * 2, "wrong"]),
        ("float8_e4m3fn", [-104, 448, 0, 448], "any", [GOOD, "range", "spurious", "wrong"]),
        ("float8_e5m2", [-96, -1024, -INF, -INF], "overflow", [GOOD] * 4),
        ("float8_e5m2", [-96, -1024, -57344, -57344], "overflow", [GOOD, GOOD, FAR_OFF, "wrong"]),
        ("float8_e5m2", [-96, -1024, -57344, -57344], "saturate", [GOOD] * 4),
        ("float8_e5m2", [-96, -1024, -INF, -INF], "saturate", [GOOD, GOOD, LOST, "wrong"]),
        ("float8_e5m2", [-96, -1024, -57344, -INF], "any", [GOOD] * 4),
        ("float16", [-100, -1000, -65504, -INF], "overflow", [GOOD, GOOD, FAR_OFF, GOOD]),
    ],
)
def test_what_is_right_and_what_is_not(dtype, y, saturation, expected):
    found = outcomes(y, dtype, saturation)
    assert all(part in whole for part, whole in zip(expected, found, strict=True)), found


def test_just_beyond_the_threshold_the_largest_number_is_within_the_limit_of_a_native_sum():
    """And infinity just below it, of an error that no longer fits into the format."""
    format = FORMATS["float16"]
    policy = Problem.of(OPERATIONS["log_softmax"], format)
    for x, y in ((-65510.0, -np.inf), (-65530.0, -65504.0)):
        asked = question(policy, np.array([[0.0, x]]).astype(np.float64))
        _, codes = classified(asked.held_to("native"), np.array([[-0.0, y]]))
        assert OUTCOMES[codes[0, 1]].is_good, x


def test_the_policy_has_its_own_choices():
    assert Policy.parse(("saturation=saturate",)).saturation == "saturate"
    with pytest.raises(HarnessError, match="overflow, saturate, any"):
        Policy.parse(("saturation=zero",))
