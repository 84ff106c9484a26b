"""Whole domains: which rows they hold, and that their maxima are exact."""

import numpy as np
import pytest
from flint import arb, ctx, fmpq
from softmax_harness.ground.errors import BadData, BadImplementation
from softmax_harness.ground.formats import FORMATS
from softmax_harness.ground.workers import Here
from softmax_harness.inputs.witness import parse
from softmax_harness.judgement.outcomes import OUTCOMES
from softmax_harness.operations import OPERATIONS
from softmax_harness.studies.exhaustive.domain import Domain, Numbers, domain_of
from softmax_harness.studies.exhaustive.make import Asked, exhausted, tasks
from softmax_harness.subjects.named import implementation_named


def _all(dtype):
    numbers = Numbers(FORMATS[dtype])
    return numbers.at(0, numbers.count)


@pytest.mark.parametrize("dtype", [name for name in FORMATS if not name.startswith("float64")])
def test_the_numbers_of_a_format_are_all_finite_ones_in_order(dtype):
    format = FORMATS[dtype]
    numbers = Numbers(format)
    if dtype == "float32":
        ends = [*numbers.at(0, 3), *numbers.at(numbers.count - 3, numbers.count)]
        middle = numbers.at(numbers.count // 2 - 2, numbers.count // 2 + 2).tolist()
        assert ends[0] == -format.largest and ends[-1] == format.largest
        assert middle == [-format.smallest_subnormal, -0.0, 0.0, format.smallest_subnormal]
        assert numbers.count == 2 * (255 << 23)
        return
    bits = 8 * format.dtype.itemsize
    every = np.arange(1 << bits, dtype=np.int64).astype(f"u{bits // 8}").view(format.dtype)
    with np.errstate(invalid="ignore"):  # not every NaN is quiet
        finite = every.astype(np.float64)
    finite = np.sort(finite[np.isfinite(finite)])
    assert np.array_equal(_all(dtype).astype(np.float64), finite)


@pytest.mark.parametrize("kind", ["pairs", "triples", "differences"])
def test_units_hold_every_line_once(kind):
    domain = Domain(kind, FORMATS["float8_e4m3fn"])
    edges = [0, *(stop for _, stop in domain.units)]
    assert [(a, b) for a, b in zip(edges, edges[1:], strict=False)] == domain.units
    assert edges[-1] == domain.lines


def test_a_line_of_triples_has_two_first_numbers():
    domain = Domain("triples", FORMATS["float8_e4m3fn"])
    count, every = domain.numbers.count, _all("float8_e4m3fn")
    assert domain.firsts(3 * count + 5).tolist() == [every[3], every[5]]
    assert np.array_equal(domain.lasts(3 * count + 5), every)


def _exhausted(*names, **how):
    return exhausted(tasks(Asked(names, **how)), Here(), lambda *told: None)


def _errors_by_flint(x, y, format):
    """|y - z|/ulp(z) of each element of pairs by ball arithmetic that is not ours."""
    found = np.empty(y.shape)
    for place, row in enumerate(x.tolist()):
        exact = [arb(fmpq(*each.as_integer_ratio())) for each in row]
        total = sum((each.exp() for each in exact), arb(0))
        for index, each in enumerate(exact):
            z = each.exp() / total
            binade = int((z.log() / arb(2).log()).floor().unique_fmpz() or 0)
            if row[0] == row[1]:
                z, binade = arb(fmpq(1, 2)), -1
            ulp = arb(2) ** (max(binade, format.emin) - format.precision + 1)
            found[place, index] = float(abs(arb(float(y[place, index])) - z) / ulp)
    return found


def test_all_pairs_of_a_small_format_agree_with_other_arithmetic():
    before, ctx.prec = ctx.prec, 300
    every, format = _all("float8_e5m2"), FORMATS["float8_e5m2"]
    near = every[np.abs(every.astype(np.float64)) <= 8]  # of the others exp is too far from 1
    x = np.stack(np.meshgrid(near, near, indexing="ij"), axis=-1).reshape(-1, 2)
    y = implementation_named("wide").function(x).astype(np.float64)
    try:
        errors = _errors_by_flint(x.astype(np.float64), y, format)
    finally:
        ctx.prec = before
    (found,) = _exhausted("wide", dtypes=("float8_e5m2",))
    top = x.astype(np.float64) == x.astype(np.float64).max(axis=-1, keepdims=True)
    assert found.found.rows == every.size**2
    for name, chosen in (("larger", top), ("smaller", ~top)):
        assert abs(found.maxima[name].value - errors[chosen].max()) < 1e-12


def test_each_maximum_stands_at_its_witness():
    found = _exhausted("wide", "exact", dtypes=("float8_e4m3fn",))
    for each in found:
        for name in ("larger", "smaller"):
            maximum = each.maxima[name]
            witness = parse(maximum.witness)
            y = implementation_named(each.task.implementation).function(witness.block)
            assert y.astype(np.float64)[0].tolist() == list(maximum.y)
        assert each.found.elements == 2 * each.found.rows == sum(each.found.outcomes)
    assert found[1].found.not_correctly_rounded == 0
    assert found[1].maxima["larger"].value <= 0.5


def test_rows_of_three_and_an_operation_of_one_result():
    (found,) = _exhausted("wide", dtypes=("float8_e5m2",), operation="logsumexp")
    assert found.found.rows == found.found.elements == 248**2
    assert "smaller" not in found.maxima and "sum_defect" not in found.maxima


@pytest.mark.parametrize("axis", [0, -1])
def test_either_axis_gives_rows_of_float16_their_due(axis):
    (found,) = _exhausted("max-shifted", inputs="differences", axis=axis)
    outcomes = dict(zip(OUTCOMES, found.found.outcomes, strict=True))
    assert found.found.rows == 63488
    assert outcomes["accurate"] == found.found.not_correctly_rounded == 17360
    assert 1.43 < found.maxima["larger"].value < 1.44


def test_what_cannot_be_exhausted_is_refused():
    softmax = OPERATIONS["softmax"]
    with pytest.raises(BadData, match="take differences"):
        domain_of("pairs", FORMATS["float32"], softmax)
    with pytest.raises(BadData, match="more than logits"):
        domain_of(None, FORMATS["float16"], OPERATIONS["cross_entropy"])
    with pytest.raises(BadData, match="in reasonable time"):
        domain_of("pairs", FORMATS["float16"], OPERATIONS["log_softmax"])
    with pytest.raises(BadImplementation, match="does not declare float8_e5m2"):
        tasks(Asked(("max-shifted",), ("float8_e5m2",)))
