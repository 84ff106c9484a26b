"""Families of inputs: made again from their recipe, in every format, and true to their reason."""

import io
import math

import numpy as np
import pandas as pd
import pytest
from softmax_harness.check.contract.suite import recipes
from softmax_harness.ground.formats import FORMATS
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.inputs.families.neighbours import numbers_from
from softmax_harness.inputs.families.real import attention, digits
from softmax_harness.inputs.families.thresholds import thresholds
from softmax_harness.inputs.suites import SUITES
from softmax_harness.operations import OPERATIONS, Problem

BY_PLACE = [family for family in FAMILIES.values() if family.by_place]
RANDOM = [each for each in FAMILIES.values() if not each.by_place and each.rows is None]
SMALL = [family for family in FAMILIES.values() if family.suite == "quick"]


def recipe(family, format, n=33, rows=12, seed=0):
    return Recipe(family, format, (family.lengths or (n,))[0], family.rows or rows, seed)


@pytest.mark.parametrize("format", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("family", SMALL, ids=lambda family: family.name)
def test_a_recipe_makes_the_same_rows_again(family, format):
    first, second = recipe(family, format).block(0), recipe(family, format).block(0)
    assert first.dtype == format.dtype and first.tobytes() == second.tobytes()
    assert first.shape == (len(first), recipe(family, format).n)


def test_no_name_is_a_missing_value_to_pandas():
    table = pd.DataFrame({"family": list(FAMILIES)})
    again = pd.read_csv(io.StringIO(table.to_csv(index=False)))
    assert list(again["family"]) == list(FAMILIES)


def test_another_seed_makes_other_rows():
    family, format = FAMILIES["normal-1"], FORMATS["float64"]
    first, second = (recipe(family, format, seed=seed).block(0) for seed in (0, 1))
    assert (first != second).all()


def test_blocks_are_independent_of_each_other():
    whole = Recipe(FAMILIES["normal-1"], FORMATS["float32"], 4096, 40, 0)
    assert whole.rows_per_block == 16 and list(whole.starts) == [0, 16, 32]
    assert whole.block(16).tobytes() == list(whole.blocks())[1].tobytes()


@pytest.mark.parametrize("family", BY_PLACE, ids=lambda family: family.name)
def test_rows_that_differ_by_place_do_so_however_few_fit_a_block(family):
    """As `make` gives them in one; of 40,000 entries one row fills a block."""
    whole = Recipe(family, FORMATS["float32"], (family.lengths or (40_000,))[-1], 12, 0)
    made = family.make(whole.format, whole.n, whole.rows, whole.random_logits(0))
    assert np.array_equal(np.concatenate([*whole.blocks()]), made.astype("f4"), equal_nan=True)


class NoChance:
    """A generator of random numbers that gives the same one each time."""

    def normal(self, loc, scale, size=None):
        return np.full(size or (), loc + scale)

    def uniform(self, low, high, size=None):
        return np.full(size or (), (low + high) / 2)

    def random(self, size=None):
        return np.full(size or (), 0.5)

    def integers(self, low, high=None, size=None):
        return np.full(size or (), 0 if high is None else low)

    def choice(self, values, size=None):
        return np.full(size or (), values[0])


@pytest.mark.parametrize("family", RANDOM, ids=lambda family: family.name)
def test_rows_that_do_not_differ_by_place_are_alike_but_for_chance(family):
    made = family.make(FORMATS["float32"], (family.lengths or (33,))[0], 12, NoChance())
    assert (made == made[:1]).all()


@pytest.mark.parametrize("n", [8, 257, 32769])
def test_check_puts_both_kinds_of_peaks_into_rows_of_every_length(n):
    problem = Problem.of(OPERATIONS["softmax"], FORMATS["float32"])
    (planned,) = (each for each in recipes(problem, math.inf, 0, ("peaks",)) if each.n == n)
    x = np.concatenate([*planned.blocks()])
    is_past_overflow = x.max(axis=1) > math.log(FORMATS["float32"].largest)
    assert is_past_overflow.any() and not is_past_overflow.all()
    if n <= 257:
        for rows in (x[is_past_overflow], x[~is_past_overflow]):
            assert {*rows.argmax(axis=1)} == {*range(n)}


def test_check_puts_either_kind_of_peaks_into_the_longest_rows():
    problem = Problem.of(OPERATIONS["softmax"], FORMATS["float32"])
    planned = [each for each in recipes(problem, math.inf, 0, ("peaks",)) if each.n > 100_000]
    largest = [float(np.max([*each.blocks()])) for each in planned]
    is_past_overflow = np.array(largest) > math.log(FORMATS["float32"].largest)
    assert is_past_overflow.sum() >= 3 and (~is_past_overflow).sum() >= 2, largest


def test_lengths_stand_on_both_sides_of_every_vector_width():
    asked = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 1000, 4096}
    assert asked <= set(SUITES["quick"].lengths) and 32000 in SUITES["standard"].lengths


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_thresholds_are_met_from_both_sides_one_float_apart(name):
    format = FORMATS[name]
    tops = np.unique(recipe(FAMILIES["exp-thresholds"], format, n=2).block(0)[:, 0].astype(float))
    for edge in thresholds(format):
        near = tops[np.abs(tops - edge) <= 4 * abs(edge) * 2.0**-format.precision * 2]
        assert len(near) == 3 and near.min() < edge < near.max()
        assert format.next_after(near[0], math.inf) == near[1]
        assert format.next_after(near[1], math.inf) == near[2]


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_offsets_go_to_the_edge_of_the_format(name):
    format = FORMATS[name]
    for family, sign in (("offset-positive", 1), ("offset-negative", -1)):
        x = sign * recipe(FAMILIES[family], format).block(0).astype(float)
        assert x.max() > 0.5 * format.largest and np.isfinite(x).all()
        assert (x > math.log(format.largest)).any() and (x < math.log(format.largest)).any()


@pytest.mark.parametrize("name", ["float8_e4m3fn", "float16", "bfloat16", "float32", "float64"])
def test_neighbours_follow_each_other_on_the_float_line(name):
    format = FORMATS[name]
    x = recipe(FAMILIES["neighbours"], format, n=9).block(0).astype(float)
    assert (x[:, 0] == 0).all() and (x[:, 1:] > -format.largest).all()
    for row in x[:, 1:]:
        assert [format.next_after(each, -math.inf) for each in row[:-1]] == row[1:].tolist()
    near = recipe(FAMILIES["near-equal"], format).block(0).astype(float)
    assert near.shape[1] == 4096 and ((near.max(axis=1) / near.min(axis=1)) < 3.0).all()
    apart = [format.next_after(low, math.inf) for low in near.min(axis=1)]
    assert (near.max(axis=1) >= apart).all()


def test_numbers_are_counted_through_subnormals_and_up_to_the_largest():
    format = FORMATS["float16"]
    whole = numbers_from(format, np.array([format.smallest_subnormal]), 31 * 1024 + 5)[0]
    bits = np.minimum(np.arange(1, 31 * 1024 + 6), 31 * 1024 - 1).astype(np.uint16)
    assert (whole == bits.view(np.float16).astype(float)).all()


def test_check_puts_a_nan_at_each_place_of_short_rows():
    problem = Problem.of(OPERATIONS["softmax"], FORMATS["float32"])
    planned = list(recipes(problem, math.inf, 0, ("nan-at-each-place",)))
    assert [each.n for each in planned] == [*range(2, 34), 64, 100]
    for each in planned:
        assert (np.isnan(each.block(0)) == np.eye(each.n, dtype=bool)).all()


def test_real_logits_are_what_their_readme_says():
    logits, labels, is_test = digits()
    assert logits.shape == (1797, 10) and labels.shape == is_test.shape == (1797,)
    assert round((logits.argmax(axis=1) == labels)[is_test].mean(), 3) == 0.916
    scores = attention().scores
    assert scores.shape[1] == 24 and np.isneginf(scores).any(axis=1).all()
    assert not np.isneginf(scores).all(axis=1).any()


def test_what_counts_nothing_alone_counts_together_in_a_long_tail():
    x = FAMILIES["long-tail"].make(FORMATS["float32"], 4097, 6, np.random.default_rng(0))
    terms = np.sort(np.exp(x - x.max(axis=-1, keepdims=True)), axis=-1)
    others = terms[:, :-1].sum(axis=-1)
    assert terms[0, -2] < 2.0**-27 and (others > 40 * 2.0**-24).all() and (others < 1.0).all()
