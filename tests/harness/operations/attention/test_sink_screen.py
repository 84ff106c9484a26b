"""The screen of attention with a sink: its distances and its results against mpmath."""

import mpmath
import numpy as np
import pytest
from softmax_harness.ground.errors import ScreenIsWrong
from softmax_harness.ground.formats import FORMATS
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.operations.attention import distances, means, screen
from softmax_harness.operations.attention.weights import precision_for, weights
from softmax_harness.operations.operation import Policy
from softmax_harness.truth import arbitrate, check_screen

SINK = OPERATIONS["attention_sink"]


def agrees(x, operands, format):
    """The screen is mpmath up to its bound; gives the rows that it leaves open."""
    problem = Problem.of(SINK, format)
    check_screen(problem, x, operands, arbitrate(problem, x, operands), "a sink")
    fixed, expected = SINK.special_values(x, Policy(), operands)
    return SINK.screen(x, operands, fixed, expected, format).undecided


def block(family, dtype, n, rows):
    recipe = Recipe(FAMILIES[family], FORMATS[dtype], n, rows, 0)
    stored = recipe.block(0)
    return stored.astype(float), SINK.make_operands(stored, recipe.random_operands(0))


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("family", ["normal-1", "masked", "largest", "subnormal", "ties"])
def test_the_bound_holds_and_little_is_left_open(family, dtype):
    rows, open_ = 0, 0
    for n in (1, 2, 9, 40):
        left = agrees(*block(family, dtype, n, rows=8), FORMATS[dtype])
        rows, open_ = rows + len(left), open_ + left.sum()
    if (family, dtype) != ("largest", "float64"):  # whose scores are beyond float64
        assert open_ <= (0.5 if family in ("ties", "subnormal", "largest") else 0.2) * rows


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sink", [-40.0, -0.3, 0.0, 5.0, 1e5, 1e-20])
def test_a_distance_keeps_its_bound(sink, dtype):
    """Of the keys and of the sink, whichever is the largest."""
    rng, precision = np.random.default_rng(3), precision_for(FORMATS[dtype])
    q, k = rng.standard_normal((4, 7)), rng.standard_normal((4, 6, 7))
    q, k = (each.astype(dtype).astype(float) for each in (q, k))
    sinks, seen = np.full((4, 1), sink), np.ones((4, 6), bool)
    own = (distances.vectors(each, precision.scores) for each in (q, k))
    scores = distances.scores(*own, precision.scores, 7)
    found = distances.distances(scores, seen, 7, sinks)
    with mpmath.workprec(400):
        for row in range(4):
            scores = [mpmath.fdot(q[row].tolist(), key) / mpmath.sqrt(7) for key in k[row].tolist()]
            scores.append(mpmath.mpf(sink))
            assert found.top[row] == max(range(7), key=scores.__getitem__)
            for j, score in enumerate(scores):
                if found.counted[row, j]:
                    pair = (float(each[row, j]) for each in (found.high, found.low))
                    error = sum(map(mpmath.mpf, pair)) - (score - max(scores))
                    assert abs(error) <= found.error[row, 0]
                else:
                    assert score - max(scores) < distances.DEEPEST + 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sink", [-1e4, -3.0, 0.4, 30.0, 300.0, 600.0, 639.0, 1e4])
def test_a_mean_beside_a_sink_keeps_its_bound_and_its_digits(sink, dtype):
    """However little the keys weigh beside it, as long as they count."""
    rng, precision, (n, c) = np.random.default_rng(7), precision_for(FORMATS[dtype]), (9, 2)
    q, k, v = (rng.standard_normal(shape) for shape in ((3, 5), (3, n, 5), (3, n, c)))
    v = np.abs(v) + 1.0  # of one sign: nothing cancels
    q, k, v = (each.astype(dtype).astype(float) for each in (q, k / 8.0, v * 2.0**9))
    own = (distances.vectors(each, precision.scores) for each in (q, k))
    scores = distances.scores(*own, precision.scores, 5)
    apart = distances.distances(scores, np.ones((3, n), bool), 5, np.full((3, 1), sink))
    w = weights(apart, precision)
    cut = means.sliced(w, precision.values, has_sink=True)
    sums = means.sums(cut.sliced, means.values(v, precision.values), precision.values)
    found = means.means(w, cut, apart, sums, precision.values)
    with mpmath.workprec(2000):
        for row, column in np.ndindex(3, c):
            own = [mpmath.fdot(q[row].tolist(), key) / mpmath.sqrt(5) for key in k[row].tolist()]
            e = [mpmath.exp(each - sink) for each in own]
            total = mpmath.fsum(e) + 1
            z = mpmath.fdot(e, v[row, :, column].tolist()) / total
            unit = mpmath.mpf(2) ** int(found.z.exponent[row, column])
            high, low, error = (unit * mpmath.mpf(float(each[row, column])) for each in found.z[:3])
            assert abs(high + low - z) <= error
            assert sink == 1e4 or error <= 2.0 ** (-85 if dtype == "float64" else -55) * abs(z)
            of_top = mpmath.exp(max(*own, sink) - sink)
            total /= of_top
            off = abs(sum(mpmath.mpf(float(each[row, 0])) for each in found.total) - total)
            assert off <= mpmath.mpf(float(found.total_error[row, 0])) * total


@pytest.mark.parametrize("dtype", FORMATS)
def test_a_sink_that_takes_nearly_all_or_nothing_is_decided(dtype):
    format, rng = FORMATS[dtype], np.random.default_rng(4)
    q, k = rng.standard_normal((6, 1, 4)), rng.standard_normal((6, 5, 4))
    v, mask = rng.uniform(0.5, 1.0, (6, 5, 3)), np.ones((6, 1, 5), bool)
    sink = np.array([-1000.0, -50.0, -9.0, 9.0, 15.0, 30.0])[:, None, None]
    operands = tuple(format.stored(each) for each in (q, k, v))
    left = agrees(np.zeros((6, 5)), (*operands, mask, format.stored(sink)), format)
    assert not left.any()


def test_a_sink_of_minus_infinity_is_left_to_mpmath():
    x, (q, k, v, mask, sink) = block("normal-1", "float32", 5, rows=3)
    mask, sink, k = np.ones_like(mask), np.array(sink), np.array(k)
    sink[0], k[1, 2, 0] = -np.inf, np.inf
    operands = (q, k, v, mask, sink)
    fixed, expected = SINK.special_values(x, Policy(), operands)
    found = SINK.screen(x, operands, fixed, expected, FORMATS["float32"])
    assert found.undecided.tolist() == [True, False, False] and fixed[1].all()


def test_rows_that_share_keys_have_the_truth_of_rows_that_do_not():
    rng, format = np.random.default_rng(1), FORMATS["float32"]
    q, k, v, sink = (
        rng.standard_normal(shape).astype(np.float32)
        for shape in ((30, 1, 16), (1, 50, 16), (1, 50, 7), (30, 1, 1))
    )
    mask, x = rng.random((30, 1, 50)) < 0.8, np.zeros((30, 50))
    shared = [np.broadcast_to(each, (30, *each.shape[1:])) for each in (k, v)]
    copies = [each.copy() for each in shared]
    fixed, expected = SINK.special_values(x, Policy(), (q, *shared, mask, sink))
    one, other = (
        SINK.screen(x, (q, *each, mask, sink), fixed, expected, format) for each in (shared, copies)
    )
    assert not (one.undecided | other.undecided).any()
    np.testing.assert_array_equal(one.truth.rounded, other.truth.rounded)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("family", ["normal-1", "masked", "subnormal"])
def test_rows_whose_keys_are_cut_one_by_one_keep_the_bound(family, dtype, monkeypatch):
    """Of which some have fewer parts than others that are judged with them."""
    monkeypatch.setattr(screen, "_MORE", 1e-6)
    x, operands = block(family, dtype, 20, rows=12)
    left = agrees(x, operands, FORMATS[dtype])
    assert not left.all()


def test_scores_of_blocks_with_fewer_parts_are_the_same_scores():
    rng = np.random.default_rng(6)
    q, k = rng.standard_normal((4, 7)), rng.standard_normal((4, 6, 7))
    q[:2], k[:2] = np.rint(q[:2]), np.rint(k[:2])
    several = [
        distances.scores(
            *(distances.vectors(each[part], 2.0**-140) for each in (q, k)), 2.0**-140, 7
        )
        for part in (slice(0, 2), slice(2, 4))
    ]
    one, other = several
    assert len(one.each) < len(other.each)
    found = distances.joined(several)
    assert found.missing == max(one.missing, other.missing)
    for part, own in ((slice(0, 2), one), (slice(2, 4), other)):
        np.testing.assert_array_equal(found.exponent[part], own.exponent)
        got, due = ([each[part] for each in found.each], own.each)
        np.testing.assert_array_equal(got[: len(due)], due)
        assert not np.any(got[len(due) :])


def test_a_screen_that_lies_about_the_sink_is_caught(monkeypatch):
    x, operands = block("normal-1", "float32", 20, rows=12)
    true = distances._score
    monkeypatch.setattr(
        distances,
        "_score",
        lambda *given: (found := true(*given))._replace(high=found.high + 2.0**-30),
    )
    with pytest.raises(ScreenIsWrong):
        agrees(x, operands, FORMATS["float32"])
