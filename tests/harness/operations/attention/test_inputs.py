"""The operands that attention is judged on hold what breaks its kernels, in every format."""

from itertools import product

import numpy as np
import pytest
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations import OPERATIONS
from softmax_harness.operations.attention import hard_scores, masks, values
from softmax_harness.operations.attention.bound import error_bound
from softmax_harness.operations.attention.shapes import scores

QUERIES = OPERATIONS["attention"].make_operands


def made(dtype, n, rows=16, seed=0):
    """Operands of normal logits."""
    rng = np.random.default_rng([seed, n])
    stored = rng.normal(0, 3, (rows, n)).astype(FORMATS[dtype].dtype)
    return QUERIES(stored, rng)


@pytest.mark.parametrize("dtype", FORMATS)
def test_shapes_types_and_ranges(dtype):
    format = FORMATS[dtype]
    for n in (0, 1, 2, 17, 300):
        for seed in range(12):
            q, k, v, mask = made(dtype, n, 4, seed)
            assert q.shape[:2] == (4, 1) and k.shape == (4, n, q.shape[-1])
            assert v.shape[:2] == (4, n) and mask.shape == (4, 1, n) and mask.dtype == bool
            assert q.dtype == k.dtype == v.dtype == format.dtype
            for each in (q, k, v):
                assert not np.isinf(each.astype(float)).any()
    depths = {made(dtype, n, 1)[0].shape[-1] for n in range(1, 131)}
    assert {64, 128} <= depths and any(d % 2 and d > 8 for d in depths)
    assert made(dtype, 5000, 2)[0].shape[-1] == 4  # long rows have few numbers for each logit


@pytest.mark.parametrize("dtype", FORMATS)
def test_a_few_calls_have_nans_that_are_seen(dtype):
    """In q, in a key and in a value, the largest score's among them, of rows that see something."""
    calls, found = 0, np.zeros(3, int)
    for seed in range(200):
        *numbers, mask = made(dtype, 9, seed=seed)
        has = [np.isnan(each.astype(float)).any(axis=-1) for each in numbers]
        calls += any(each.any() for each in has)
        found += [each.sum() for each in has]
        for each in has[1:]:
            assert mask[:, 0][each].all()
    assert 4 <= calls <= 24 and found.min() >= 4


def test_the_same_seed_makes_the_same_operands():
    for one, other in zip(made("float32", 33), made("float32", 33), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("dtype", FORMATS)
def test_scores_lie_in_every_decade_and_about_every_stand_in(dtype):
    tops = []
    for seed in range(40):
        own = scores(made(dtype, 9, seed=seed))
        tops += own.max(axis=-1)[np.isfinite(own).any(axis=-1)].tolist()
    tops = np.array(tops)
    for low, high in ((-1e4, -1e3), (-1e5, -1e4), (-1e6, -1e5), (1e3, 1e6)):
        if FORMATS[dtype].largest < 1e3:  # of which there are no such products
            continue
        assert ((tops > low) & (tops < high)).sum() >= 5
    for stand_in in hard_scores.STAND_INS:
        if -stand_in <= FORMATS[dtype].largest:
            assert ((tops < stand_in) & (tops > 5.5 * stand_in)).sum() >= 3


def test_logits_that_are_not_finite_are_hidden():
    stored = np.array([[0.0, np.nan, 1.0], [np.inf, 2.0, -np.inf]] * 20, np.float32)
    mask = QUERIES(stored, np.random.default_rng(0))[3][:, 0]
    assert not mask[::2, 1].any() and not mask[1::2, ::2].any() and mask[1::2, 1].any()


def test_maxima_come_late_by_more_than_a_threshold_of_8_in_base_2():
    rng = np.random.default_rng(0)
    for block in (16, 32, 64, 128):
        risen = hard_scores.risen(np.zeros((400, 512)), rng).reshape(400, -1, block)
        rises = np.diff(risen.max(axis=-1), axis=-1) * np.log2(np.e)
        assert (rises > 8).any(axis=-1).sum() >= 10


def test_masks_hide_tiles_at_the_ends_and_between_prefixes_windows_and_all():
    seen = masks.masks(2000, 256, np.random.default_rng(0))
    for width in (16, 32, 64, 128):
        tiles = seen.reshape(2000, -1, width).any(axis=-1)
        partly = tiles.any(axis=-1)
        assert (partly & ~tiles[:, 0] & tiles[:, -1]).sum() >= 20
        assert (partly & tiles[:, 0] & ~tiles[:, -1]).sum() >= 20
        if width < 128:
            between = tiles[:, 0] & tiles[:, -1] & ~tiles[:, 1:-1].any(axis=-1)
            assert between.sum() >= 10
    count = seen.sum(axis=-1)
    assert (count == 0).any() and (count == 1).sum() >= 50 and (count == 256).sum() >= 500
    is_prefix = (np.diff(seen.astype(int), axis=-1) <= 0).all(axis=-1) & (count > 0) & (count < 256)
    assert is_prefix.sum() >= 100


@pytest.mark.parametrize("dtype", FORMATS)
def test_values_are_of_every_scale(dtype):
    format = FORMATS[dtype]
    v = values.values((2000, 40, 3), format, np.random.default_rng(0))
    size = np.abs(v).max(axis=(1, 2))
    # What one pass in the format adds up stays finite, so that no honest kernel overflows, nor one
    # that rescales where the maximum has risen by 8, where the format has powers of two for it.
    most = format.largest / (2.0**12 if format.emax > 100 else 1.0)
    assert np.exp(8) < 2.0**12
    for low, high in ((1e-4, 1e-2), (1.5, 5.0), (1900, 2100), (most / 200, most)):
        assert ((size > low) & (size < high)).sum() >= 15
    assert (np.abs(v).sum(axis=1)[size > 3000] <= most).all()
    assert (v == v[:, :1]).all(axis=(1, 2)).sum() >= 50
    one_hot = ((v == 0) | (v == 1)).all(axis=(1, 2))
    assert one_hot.sum() >= 50 and (v[one_hot].sum(axis=1) == 1).all()


def test_hidden_values_would_show():
    rng = np.random.default_rng(0)
    hidden = rng.random((50, 20)) < 0.3
    v = np.ones((50, 20, 1))
    found = values.poisoned(v, hidden, FORMATS["float32"], rng)
    assert (found[~hidden] == 1).all() and (found[hidden] > 60).mean() > 0.3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_honest_kernel_overflows_on_hardly_any(dtype):
    endless = judged = 0
    for n, seed in product(range(36, 50), range(10)):
        operands = made(dtype, n, seed=seed)
        z = np.ones((16, operands[2].shape[-1]))
        bound = error_bound(np.zeros((16, n)), operands, z, z, FORMATS[dtype])
        rows = np.isinf(bound).any(axis=-1)
        endless, judged = endless + rows.sum(), judged + rows.size
    assert endless < 0.02 * judged
