"""Pairs judged by their difference are what they are judged as rows of any length."""

import numpy as np
import pytest
from softmax_harness.ground.formats import FORMATS
from softmax_harness.judgement.outcomes import OUTCOMES, Outcome
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.operations.operation import BEYOND_CHEAP, TIMES_CHEAP
from softmax_harness.operations.standards import cheap_limit_of, limit_ulp, standards_of
from softmax_harness.studies.exhaustive.domain import Domain
from softmax_harness.studies.exhaustive.pairs import Pairs
from softmax_harness.studies.exhaustive.rows import judged_rows
from softmax_harness.subjects.named import implementation_named, subject_of

SOFTMAX = OPERATIONS["softmax"]


def _computed(name, problem, x):
    """What an implementation gives for columns, whatever formats it declares."""
    declaration = implementation_named(name, problem.operation.name)
    return subject_of(declaration, problem).ask([_request(problem, x)])[0].values


def _request(problem, x):
    from softmax_harness.subjects.request import Request

    return Request(problem, (x,))


def _both(name, operation, dtype, kind, firsts, seconds, spoil=None, standard="native"):
    """The same lines judged in both ways."""
    problem = Problem.of(OPERATIONS[operation], FORMATS[dtype], axis=0)
    fast, rows, results = Pairs(problem, standard, Domain(kind, FORMATS[dtype])), [], []
    for first in firsts:
        x = np.stack([np.full(seconds.shape, first, seconds.dtype), seconds])
        y = _computed(name, problem, x)
        if spoil is not None:
            spoil(y)
        fast.judge(float(first), seconds.astype(np.float64), (y[0], y[1]))
        rows.append(x.T)
        results.append(y.T)
    slow = judged_rows(problem, standard, np.concatenate(rows), np.concatenate(results))
    return fast.found(), slow


def _told(found, merges):
    """The outcomes by name; those of nearest numbers together where that is asked for."""
    told = dict(zip(OUTCOMES, found.outcomes, strict=True))
    if merges:
        told[Outcome.CORRECTLY_ROUNDED] += told.pop(Outcome.INHERENT_UNDERFLOW)
    return told


def _assert_same(fast, slow, merges=False):
    assert fast.rows == slow.rows
    assert _told(fast, merges) == _told(slow, merges)
    for name in ("larger", "smaller", "sum_defect"):
        ours, theirs = getattr(fast, name), getattr(slow, name)
        assert bool(ours) == bool(theirs)
        if ours:
            close = fast.blur + slow.blur + 1e-14 * theirs[0].value
            assert abs(ours[0].value - theirs[0].value) <= close


def _some(dtype, count, rng):
    """Numbers of a format, ascending: of every size, near each other, and the first ones."""
    numbers = Domain("pairs", FORMATS[dtype]).numbers
    places = np.unique(rng.integers(0, numbers.count, count))
    return np.concatenate([numbers.at(place, place + 1) for place in places.tolist()])


@pytest.mark.parametrize("name", ["max-shifted", "naive", "log-sum-exp"])
def test_every_pair_of_a_small_format(name):
    numbers = Domain("pairs", FORMATS["float8_e5m2"]).numbers
    every = numbers.at(0, numbers.count)
    _assert_same(*_both(name, "softmax", "float8_e5m2", "pairs", every, every))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("standard", ["native", "wide", "rounded"])
def test_some_lines_of_a_format_of_16_bits(dtype, standard):
    rng = np.random.default_rng(3)
    seconds, near = _some(dtype, 700, rng), FORMATS[dtype].stored(np.linspace(-20, 20, 500))
    seconds = np.unique(np.concatenate([seconds, near]).astype(np.float64)).astype(near.dtype)
    firsts = [*_some(dtype, 4, rng), *FORMATS[dtype].stored(np.array([0.0, 3.5, -8.25, 11.0]))]
    for name in ("naive", "max-shifted"):
        found = _both(name, "softmax", dtype, "pairs", firsts, seconds, standard=standard)
        _assert_same(*found)


@pytest.mark.parametrize("operation", ["softmax", "log_softmax"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0, -1.0, 2.0])
def test_results_that_are_no_softmax(operation, value):
    seconds = np.sort(_some("float32", 600, np.random.default_rng(8)))

    def spoil(y):
        y[0, ::3] = value
        y[:, ::5] = value
        y[1, ::7] *= 1.5

    name = {"softmax": "naive", "log_softmax": "shifted"}[operation]
    standard = {"softmax": "native", "log_softmax": "usual"}[operation]
    zero = [np.float32(0.0)]
    found = _both(name, operation, "float32", "differences", zero, seconds, spoil, standard)
    # A logarithm below float64's own range seems to be 0 to the screen of all rows.
    _assert_same(*found, merges=operation == "log_softmax")


def test_no_limit_is_far_above_the_cheap_one():
    for dtype in ("float16", "bfloat16", "float32"):
        format = FORMATS[dtype]
        distance = np.concatenate([[0.0], np.geomspace(1e-6, 200.0, 4000)])
        x = np.stack([np.zeros(distance.shape), -distance], axis=-1)
        s = np.exp(-distance) / (1.0 + np.exp(-distance))
        z = np.stack([1.0 - s, s], axis=-1)
        ulp = format.ulp(z)
        for standard in standards_of(SOFTMAX):
            if standard == "rounded":
                continue
            limit = limit_ulp(SOFTMAX, standard, x, (), z, ulp, format)
            cheap = cheap_limit_of(SOFTMAX, standard, format)
            assert cheap.is_near
            below = np.stack([np.zeros(distance.shape), distance], axis=-1)
            least = cheap.of(below, z, ulp, 2, format)
            assert (limit <= TIMES_CHEAP * least + BEYOND_CHEAP).all()
            assert (limit >= least * (1 - 1e-9)).all()
