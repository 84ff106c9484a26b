"""The theorems: what they promise holds for the algorithms that declare them, and is not idle."""

import math

import mpmath
import numpy as np
import pytest
from softmax_harness.ground.formats import FORMATS
from softmax_harness.judgement.measure import classified, measure
from softmax_harness.judgement.outcomes import Outcome
from softmax_harness.judgement.question import question
from softmax_harness.operations import OPERATIONS, Problem, elementary
from softmax_harness.operations.bounds import (
    error_bound,
    error_bound_at_least,
    lambert_w,
    least_error_bound,
    native,
    shifted,
    theorem,
)
from softmax_harness.subjects.catalogue import catalogue
from softmax_harness.subjects.subject import Subject
from softmax_harness.truth import TIERS
from softmax_implementations import implementations

CASES = [
    (each, dtype)
    for each in catalogue().values()
    if each.bound
    for dtype in each.dtypes
    if dtype in ("float16", "float32", "float64")
]
IDS = [f"{each.name}-{dtype}" for each, dtype in CASES]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_the_points_that_float64_suspects_have_the_largest_errors_of_all(monkeypatch, dtype):
    errors = elementary.elementary_errors.__wrapped__
    found = errors(FORMATS[dtype])
    monkeypatch.setattr(elementary, "_suspects", lambda x, *about: x[np.isfinite(x)])
    assert errors(FORMATS[dtype]) == found


@pytest.mark.parametrize("n", [2, 3, 10, 1000, 10**6])
def test_lambert_w_is_mpmaths(n):
    assert lambert_w(n) == pytest.approx(float(mpmath.lambertw((n - 1) / mpmath.e)), rel=1e-13)


@pytest.mark.parametrize("n", [2, 5, 100])
def test_w_is_the_largest_mean_distance_from_the_maximum(n):
    """W bounds the sum of z_j (a - x_j), and is reached with all but one logit equal."""

    def mean_distance(gaps):
        weights = np.exp(-gaps)
        return float((weights * gaps).sum() / weights.sum())

    spread = np.linspace(0, 12, 4001)
    reached = max(mean_distance(np.array([0.0, *[gap] * (n - 1)])) for gap in spread)
    assert reached == pytest.approx(lambert_w(n), rel=1e-4)
    rng = np.random.default_rng(n)
    for _ in range(200):
        gaps = rng.exponential(rng.uniform(0.1, 5), n)
        assert mean_distance(gaps - gaps.min()) <= lambert_w(n)


@pytest.mark.parametrize("each, dtype", CASES, ids=IDS)
def test_no_error_exceeds_its_theorem(each, dtype):
    rng = np.random.default_rng(5)
    format = FORMATS[dtype]
    for n in (2, 17, 100, 700):
        for scale in (0.3, 3.0, 30.0):
            x = rng.normal(rng.normal(0, scale), scale, (8, n)).astype(dtype)
            problem = Problem.of(OPERATIONS["softmax"], format)
            subject = Subject.here(each, problem)
            measured = measure(subject, question(problem, x), 8 * n, True)
            rows = measured.by_row
            known = np.isfinite(rows.max_ulp) & np.isfinite(rows.bound_ulp)
            assert (rows.max_ulp[known] <= rows.bound_ulp[known]).all()


def test_the_printed_log_sum_exp_bound_is_violated_and_ours_is_not():
    x = np.array([[1000.0, 1000.0]], np.float32)
    y = implementations()["log-sum-exp"](x).astype(float)
    u = FORMATS["float32"].unit_roundoff
    a, lse = 1000.0, 1000.0 + math.log(2)
    printed = 1 + abs(a - lse) + abs(lse + 2 - a)
    relative = abs(y[0, 0] - 0.5) / 0.5 / u
    assert printed < 5
    assert relative > 480
    z, ulp = np.full((1, 2), 0.5), np.full((1, 2), 2.0**-24)
    ours = theorem("log-sum-exp", x.astype(float), z, ulp, FORMATS["float32"])
    assert relative <= ours[0, 0] * 2.0**-24 / 0.5 / u < 2200


def test_the_simpler_forms_of_the_shifted_bound_would_be_violated():
    """Without its subnormal term the bound says 224 u on float16 rows that err by far more."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-8, 8, (40, 200)).astype(np.float16)
    asked = question(Problem.of(OPERATIONS["softmax"], FORMATS["float16"]), x)
    y = implementations()["max-shifted"](x).astype(float)
    z = asked.truth.value
    relative = np.abs(y - z) / z / FORMATS["float16"].unit_roundoff
    assert relative.max() > 224
    setting = native(FORMATS["float16"], 199.0)
    ulp = asked.truth.ulp
    limit = shifted(asked.x.max(axis=-1, keepdims=True), asked.x, z, ulp, setting)
    assert (np.abs(y - z) / ulp <= limit).all()


def test_there_is_no_bound_where_the_format_cannot_count_the_terms():
    x = np.zeros((1, 2**11 + 1))
    z, ulp = np.full(x.shape, 1 / x.size), np.full(x.shape, 2.0**-24)
    assert np.isinf(theorem("shifted", x, z, ulp, FORMATS["float16"])).all()
    assert np.isfinite(error_bound(x, z, ulp, FORMATS["float16"])).all()
    assert np.isnan(theorem(None, x, z, ulp, FORMATS["float16"])).all()


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("scale", [0.1, 3.0, 100.0])
def test_the_cheap_limit_is_nowhere_above_the_limit(dtype, scale):
    format = FORMATS[dtype]
    x = format.stored(np.random.default_rng(0).normal(0, scale, (20, 100)))
    asked = question(Problem.of(OPERATIONS["softmax"], format), x)
    z, ulp = asked.truth.value, asked.truth.ulp
    limit = error_bound(asked.x, z, ulp, format)
    least = error_bound_at_least(asked.x.max(axis=-1, keepdims=True) - asked.x, z, ulp, 100, format)
    assert (least <= limit * (1 + 1e-12)).all()
    # and near enough to be of use, where there is a limit
    assert ((least >= 0.2 * limit) | np.isinf(limit)).all()
    assert (least_error_bound(100, z >= format.smallest_normal) <= least * (1 + 1e-12)).all()


def test_half_a_smallest_subnormal_is_owed_in_float64_too():
    """It is no float64 itself, but half an ulp of what is judged."""
    x = np.array([[0.0, -744.0, -745.0]])
    asked = question(Problem.of(OPERATIONS["softmax"], FORMATS["float64"]), x)
    z, ulp = asked.truth.value, asked.truth.ulp
    assert (error_bound(x, z, ulp, FORMATS["float64"]) >= 0.5).all()
    assert (error_bound_at_least(-x, z, ulp, 3, FORMATS["float64"]) >= 0.5).all()


@pytest.mark.parametrize("dtype", [name for name, each in FORMATS.items() if each.precision > 4])
@pytest.mark.parametrize("standard", ["rounded", "wide", "native"])
def test_a_result_however_far_below_the_format_has_a_limit(dtype, standard):
    """Its bound is that of 0: what a screen knows of its size is no size."""
    format = FORMATS[dtype]
    depths = [-(10.0**power) for power in range(2, 300, 7) if 10.0**power < format.largest]
    x = np.array([[0.0, depth] for depth in (*depths, -format.largest)])
    problem = Problem.of(OPERATIONS["softmax"], format)
    y = np.tile([1.0, 8.0 * format.smallest_subnormal], (len(x), 1))
    for tier in TIERS:
        asked = question(problem, format.stored(x), tier=tier).held_to(standard)
        lost = asked.truth.rounded[:, 1] == 0
        assert lost.any() and np.isfinite(asked.limit_ulp[lost]).all()
        assert (classified(asked, y)[1][lost, 1] == Outcome.INACCURATE.code).all()
