"""Each stage of attention's screen keeps the error that it states, held against exact numbers."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations import Enclosure
from softmax_harness.operations.attention import (
    distances,
    doubles,
    means,
    rounding,
    slices,
    weights,
)
from softmax_harness.operations.attention.distances import DEEPEST
from softmax_harness.operations.screen.sums import two_sum
from softmax_harness.truth.arbiter import decide

PRECISIONS = [weights.precision_for(FORMATS[name]) for name in ("float32", "float64")]
BITS = 1500


def exactly(pair):
    """A pair of arrays as a list of fractions."""
    high, low = (np.ravel(each).tolist() for each in pair)
    return [Fraction(a) + Fraction(b) for a, b in zip(high, low, strict=True)]


def pairs(rng, count=400):
    high = rng.standard_normal(count) * 2.0 ** rng.integers(-20, 20, count)
    return two_sum(high, high * rng.uniform(-1, 1, count) * 2.0**-53)


def test_arithmetic_of_pairs_keeps_its_errors():
    rng = np.random.default_rng(0)
    a, b = pairs(rng), pairs(rng)
    for place in range(0, 400, 2):  # what nearly cancels
        b[0][place], b[1][place] = a[0][place] * (1 + 2.0**-50), 0.0
    x, y = exactly(a), exactly(b)
    found = exactly(two_sum(a[0], b[0]))
    assert found == [Fraction(p) + Fraction(q) for p, q in zip(a[0], b[0], strict=True)]
    for got, p, q in zip(exactly(doubles.difference(a, b)), x, y, strict=True):
        assert abs(got - (p - q)) <= 6 * max(abs(p), abs(q)) / 2**106
    for got, p, q in zip(exactly(doubles.product(a, b)), x, y, strict=True):
        assert abs(got - p * q) <= Fraction(doubles.PRODUCT_ERROR) * abs(p * q)
    for got, p, q in zip(exactly(doubles.quotient(a, b)), x, y, strict=True):
        assert abs(got - p / q) <= Fraction(doubles.PRODUCT_ERROR) * abs(p / q)
    for d in (*range(1, 40), 64, 80, 127, 128, 12345):
        high, low = doubles.square_root_inverse(d)
        with mpmath.workprec(BITS):
            exact = 1 / mpmath.sqrt(d)
            assert abs(mpmath.mpf(high) + mpmath.mpf(low) - exact) <= exact * mpmath.mpf(2) ** -104


@pytest.mark.parametrize("unit", [0, 400, -400])
@pytest.mark.parametrize("b_is", ["shared", "by rows", "by columns"])
@pytest.mark.parametrize("depth", [1, 8, 64, 127])
def test_products_of_slices_are_exact(depth, b_is, unit):
    rng = np.random.default_rng(depth)
    wide = 2.0 ** -rng.integers(0, 30, (2, 3, depth))
    a, b = rng.uniform(-1, 1, (2, 3, depth)) * wide
    bits = slices.bits_for(depth)
    cut_a = slices.sliced(a, bits, 2.0**-200)
    given = b * 2.0**unit
    cut_b = slices.sliced(given, bits, 2.0**-200, exponent=unit)
    assert (given == b * 2.0**unit).all()  # as they were
    assert cut_a.rest == cut_b.rest == 0
    assert (sum(cut_a.slices) == a).all() and (sum(cut_b.slices) == given).all()
    for place, (each, other) in enumerate(zip(cut_a.slices, cut_b.slices, strict=False)):
        for own in (each, other * 2.0**-unit):
            assert (own * 2.0 ** (bits + place * (bits + 1)) % 1 == 0).all()
            assert np.abs(own).max() <= 2.0 ** (-place * (bits + 1))
    # Each row with all of b, or with one of its own.
    stands = {
        "shared": lambda s: s.T,
        "by rows": lambda s: np.stack([s.T] * 3),
        "by columns": lambda s: np.stack([s] * 3).swapaxes(-1, -2),
    }[b_is]
    across = cut_b._replace(slices=[stands(s) for s in cut_b.slices])
    found = slices.parts(cut_a, across, 0.0, depth)
    assert found.missing == 0
    for i in range(3):
        for j in range(3):
            exact = sum(Fraction(p) * Fraction(q) for p, q in zip(a[i], b[j], strict=True))
            assert sum(Fraction(each[i, j]) for each in found.each) == exact


def test_products_of_one_size_are_one_part_where_integers_have_room():
    rng, depth = np.random.default_rng(1), 64
    a, b = rng.uniform(0.9, 1, (2, 5, depth))  # whose products are large and of one sign
    for room, due in ((1, 9), (4, 5)):  # of nine products there are 1, 2, 3, 2 and 1
        cuts = [slices.sliced(each, slices.bits_for(room * depth), 0.0) for each in (a, b)]
        of_b = cuts[1]._replace(slices=[each.T for each in cuts[1].slices])
        found = slices.parts(cuts[0], of_b, 0.0, depth).each
        assert len(found) == due
        for i, j in np.ndindex(5, 5):
            exact = sum(Fraction(p) * Fraction(q) for p, q in zip(a[i], b[j], strict=True))
            assert sum(Fraction(each[i, j]) for each in found) == exact


@pytest.mark.parametrize("least", [2.0**-40, 2.0**-64, 2.0**-100])
def test_what_slices_leave_out_is_bounded(least):
    rng = np.random.default_rng(3)
    n = 50
    w, low = pairs(rng, n)
    w, low = np.abs(w) / 2.0**30, np.where(w < 0, -low, low) / 2.0**30
    w, low = (each[None] for each in (w, low))
    v = (rng.standard_normal((n, 4)) / 8).clip(-1, 1)
    bits = slices.bits_for(n)
    cut = slices.sliced(w, bits, least, low)
    for total, each in zip(np.sum(cut.slices, axis=0)[0], exactly((w, low)), strict=True):
        assert cut.rest or Fraction(total) == each
    values = slices.sliced(v, bits, least)
    *found, error = slices.product(cut, values, least, n)
    for column, got in enumerate(exactly(found)):
        terms = zip(exactly((w, low)), v[:, column].tolist(), strict=True)
        assert abs(got - sum(a * Fraction(b) for a, b in terms)) <= Fraction(error)


def hard_rows(kind, rng, rows=3, n=24, d=9):
    """q (rows, d) and k (rows, n, d), as float64 of float32."""
    q, k = rng.standard_normal((rows, d)), rng.standard_normal((rows, n, d))
    q, k = q.astype(np.float32).astype(float), k.astype(np.float32).astype(float)
    if kind == "shifted":
        q[:, 2], k[:, :, 2] = 2.0**15, -(2.0**14)
    if kind == "deep":
        k[:, ::3] *= 2000.0
    if kind == "apart":  # every key of another magnitude
        k *= 2.0 ** -np.arange(n)[:, None]
    if kind == "huge":
        q, k = q * 2.0**400, k * 2.0**300
    if kind == "tiny":
        q, k = q * 2.0**-1000, k * 2.0**-30
    if kind == "equal":
        k[:] = k[:, :1]
    return q, k


KINDS = ("plain", "shifted", "deep", "apart", "huge", "tiny", "equal")


def apart_of(q, k, precision, seen=None, shared=False, all_count=False):
    seen = np.ones(k.shape[:2], bool) if seen is None else seen
    query = distances.vectors(q, precision.scores)
    keys = distances.vectors(k[0] if shared else k, precision.scores, all_count=all_count)
    found = distances.scores(query, keys, precision.scores, q.shape[-1])
    return distances.distances(found, seen, q.shape[-1])


@pytest.mark.parametrize("precision", PRECISIONS, ids=("light", "full"))
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("all_count", [True, False])
def test_distances_and_their_exponentials_keep_their_errors(kind, precision, all_count):
    rng = np.random.default_rng(5)
    q, k = hard_rows(kind, rng)
    seen = (rng.random(k.shape[:2]) < 0.8) | all_count
    seen[:, 1] = True
    found = apart_of(q, k, precision, seen, all_count=all_count)
    w = weights.weights(found, precision)
    exact = exact_distances(q, k, seen)
    with mpmath.workprec(BITS):
        for row in range(len(q)):
            error = mpmath.mpf(float(found.error[row, 0]))
            for key in np.flatnonzero(seen[row]):
                z, high, low = exact[row][key], found.high[row, key], found.low[row, key]
                if found.deep[row, key]:
                    assert mpmath.exp(z) <= found.heaviest[row, 0]
                    assert z <= found.farther[row, key] <= 0.0
                    continue
                assert high >= DEEPEST and abs(mpmath.mpf(high) + mpmath.mpf(low) - z) <= error
                e = mpmath.exp(z)
                off = abs(mpmath.mpf(w.high[row, key]) + mpmath.mpf(w.low[row, key]) - e)
                assert off <= e * mpmath.mpf(float(w.error[row, 0]))
    assert kind in ("huge", "shifted", "deep") or found.error.max() < 2.0**-90
    assert not w.high[~seen].any()


def exact_distances(q, k, seen):
    """(q.k - max q.k) / sqrt d of the keys that are seen, as mpf."""
    with mpmath.workprec(BITS):
        root = mpmath.sqrt(q.shape[-1])
        found = []
        for row, keys in zip(q.tolist(), k.tolist(), strict=True):
            own = [
                mpmath.fsum(mpmath.mpf(a) * mpmath.mpf(b) for a, b in zip(row, key, strict=True))
                for key in keys
            ]
            top = max(s for s, sees in zip(own, seen[len(found)], strict=True) if sees)
            found.append([(s - top) / root for s in own])
        return found


def test_what_all_scores_have_in_common_leaves_no_error():
    rng = np.random.default_rng(6)
    q, k = hard_rows("shifted", rng)
    assert apart_of(q, k, PRECISIONS[1]).error.max() < 2.0**-85


def test_shared_keys_give_what_each_row_s_own_give():
    rng = np.random.default_rng(7)
    q, k = hard_rows("plain", rng)
    k[:] = k[0]
    for precision in PRECISIONS:
        one, other = apart_of(q, k, precision, shared=True), apart_of(q, k, precision)
        assert (one.high == other.high).all() and (one.low == other.low).all()


@pytest.mark.parametrize("precision", PRECISIONS, ids=("light", "full"))
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("v_kind", ["normal", "one-hot", "offset", "constant", "large", "cancels"])
def test_means_keep_their_errors_in_both_ways(kind, precision, v_kind):
    rng = np.random.default_rng(8)
    q, k = hard_rows(kind, rng, rows=2, n=13)
    n, c = k.shape[1], 2
    v = {
        "normal": rng.standard_normal((2, n, c)),
        "one-hot": np.where(np.arange(n)[:, None] == rng.integers(0, n, (2, 1, c)), 1.0, 0.0),
        "offset": 100 + rng.standard_normal((2, n, c)),
        "constant": np.full((2, n, c), 1.1),
        "large": rng.standard_normal((2, n, c)) * 2.0**1000,
        "cancels": np.where(np.arange(n)[:, None] % 2 == 0, 1.0, -1.0) * np.ones((2, 1, c)),
    }[v_kind]
    apart = apart_of(q, k, precision)
    w = weights.weights(apart, precision)
    own = means.values(v, precision.values)
    cut = means.sliced(w, precision.values)
    sums = means.sums(cut.sliced, own, precision.values)
    first = means.means(w, cut, apart, sums, precision.values)
    place = tuple(each.ravel() for each in np.indices((2, c)))
    again = means.from_the_heaviest(place, w, apart, own, first)
    exact = exact_distances(q, k, np.ones(k.shape[:2], bool))
    with mpmath.workprec(BITS):
        for row, column in zip(*place, strict=True):
            e = [mpmath.exp(each) for each in exact[row]]
            values = [mpmath.mpf(each) for each in v[row, :, column].tolist()]
            z = mpmath.fdot(e, values) / mpmath.fsum(e)
            index = row * c + column
            for found, at in ((first.z, (row, column)), (again, (index,))):
                unit = mpmath.mpf(2) ** int(found.exponent[at])
                got = unit * (mpmath.mpf(float(found.high[at])) + mpmath.mpf(float(found.low[at])))
                off = abs(got - z) - abs(z) * mpmath.mpf(2) ** (20 - BITS)  # mpmath's own
                assert off <= unit * mpmath.mpf(float(found.error[at]))
            if v_kind == "constant":
                assert again.error[index] == again.low[index] == 0


@pytest.mark.parametrize("name", FORMATS)
def test_roundings_are_those_of_the_arbiter(name):
    format = FORMATS[name]
    rng = np.random.default_rng(9)
    p, count = format.precision, 3000
    high = rng.standard_normal(count) * 2.0 ** rng.integers(format.emin - p - 2, 3, count)
    with np.errstate(over="ignore"):
        near = high.astype(format.dtype).astype(float)
    spacing = format.ulp(near)
    # Numbers of the format, powers of two and middles, exactly and with a little more or less.
    kind = rng.integers(0, 5, count)
    high = np.choose(
        kind,
        [
            high,
            near,
            np.copysign(np.abs(near) + spacing / 2, near),
            2.0 ** np.round(np.log2(np.abs(high) + 1e-300)),
            0 * high,
        ],
    )
    low = rng.choice([0.0, 1.0, -1.0, 0.3], count) * np.abs(high) * 2.0**-60
    low = np.where(kind == 4, 0.0, low)
    exponent = np.zeros(count, np.int64)
    found = rounding.rounded(rounding.Enclosed(high, low, 0 * high, exponent), format)
    for place, exact in enumerate(exactly((high, low))):
        man, exp = exact.numerator, 1 - exact.denominator.bit_length()
        value, offset, k = decide(Enclosure(man, exp, 0), format)
        assert found.rounded[place] == value and found.ulp[place] == 2.0**k
        assert abs(found.offset[place] - offset) <= 2.0**-52
    assert not found.open.any()
    # An error that reaches over what lies there leaves it open, one that ends there does not.
    for error, open_ in ((np.abs(low) * 2, True), (np.abs(low), False)):
        at_edge = (kind == 2) & (low != 0) & (p < 53)
        found = rounding.rounded(rounding.Enclosed(high, low, error, exponent), format)
        assert (found.open[at_edge] == open_).all()


@pytest.mark.parametrize("name", FORMATS)
def test_results_beyond_the_largest_number_overflow(name):
    format = FORMATS[name]
    unit = 2.0**-format.precision  # of the last binade, whose numbers are below 1
    largest = format.largest_significand * unit
    fraction = np.array([largest, largest + 0.75 * unit, 1.5, -1.5, -largest])
    exponent, zeros = np.full(5, format.emax + 1), np.zeros(5)
    enclosed = rounding.Enclosed(fraction, zeros, zeros, exponent)
    found = rounding.rounded(enclosed, format)
    assert np.abs(found.rounded[[0, 4]]).tolist() == [format.largest] * 2
    assert np.array_equal(np.abs(found.rounded[1:4]), [format.overflow_value] * 3, equal_nan=True)
    assert np.signbit(found.rounded).tolist() == [False] * 3 + [True] * 2
    if format.emax < 1000:  # what is beyond is a float64
        assert found.offset[1:3].tolist() == [0.75, (1.5 - largest) / unit]
        assert found.offset[3] == -found.offset[2]
    assert (found.offset[[0, 4]] == 0).all() and not found.open.any()
    found = rounding.rounded(enclosed, format.saturating)
    assert (np.abs(found.rounded) == format.largest).all() and (found.offset == 0).all()
