"""Whole calls become rows of the operation, and the results of rows those of the call."""

import numpy as np
import pytest
from softmax_faults.operations import attention_right
from softmax_harness.ground.errors import BadData
from softmax_harness.ground.formats import FORMATS
from softmax_harness.judgement.question import question
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.operations.attention import calls, shapes
from softmax_harness.operations.attention.masks import ORDERED
from softmax_harness.operations.attention.shapes import Call
from softmax_harness.operations.standards import default_standard

ATTENTION = OPERATIONS["attention"]
RIGHT = (
    attention_right.plain,
    attention_right.scale_on_both,
    attention_right.flash_base_2,
    attention_right.two_passes,
)


def plain(call):
    """Attention of a whole call."""
    s = np.matmul(call.q, np.swapaxes(call.k, -1, -2)).astype(float) / np.sqrt(call.q.shape[-1])
    s = np.where(call.seen, s, -np.inf)
    with np.errstate(invalid="ignore"):
        e = np.exp(s - s.max(axis=-1, keepdims=True))
        return np.matmul(e / e.sum(axis=-1, keepdims=True), call.v)


def drawn(leading, seed=0, queries=4, keys=6):
    rng = np.random.default_rng(seed)
    sizes = (queries, 5), (keys, 5), (keys, 2)
    return [rng.standard_normal((*leading, *size)) for size in sizes]


@pytest.mark.parametrize("causal", ["", *shapes.CAUSAL])
@pytest.mark.parametrize("leading", [(), (2,), (2, 3)])
def test_rows_have_what_the_call_has(leading, causal):
    q, k, v = drawn(leading)
    mask = np.random.default_rng(1).random((*leading[:1], *(1,) * len(leading[1:]), 1, 6)) < 0.8
    mask[..., 0] = True
    call = Call(q, k, v, mask, causal)
    results = []
    for x, operands in shapes.rows_of(call):
        rows = question(Problem.of(ATTENTION, FORMATS["float64"]), x, operands)
        np.testing.assert_array_equal(ATTENTION.effective_logits(x, operands), x)
        results.append(rows.truth.value)
        for shared, whole in ((operands[1], k), (operands[2], v)):
            assert shared.strides[0] == 0 and np.shares_memory(shared, whole)
    found = shapes.placed(results, call)
    assert found.shape == call.shape == (*leading, 4, 2)
    np.testing.assert_allclose(found, plain(call), rtol=1e-12)
    for one, other in zip(shapes.blocks_of(found, call), results, strict=True):
        np.testing.assert_array_equal(one, other)


def test_heads_may_share_keys():
    q, k, v = drawn((2, 3))
    call = Call(q, k[:, :1], v[:1, :1])
    assert call.shape == (2, 3, 4, 2) and len(list(shapes.rows_of(call))) == 6
    assert call.seen.all() and call.seen.shape == (2, 3, 4, 6)


def test_what_a_causal_mask_shows():
    assert shapes.causal_mask(2, 4, "upper-left").sum(axis=-1).tolist() == [1, 2]
    assert shapes.causal_mask(2, 4, "lower-right").sum(axis=-1).tolist() == [3, 4]
    assert shapes.causal_mask(3, 1, "lower-right").sum(axis=-1).tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    "change, said",
    [
        ({"q": np.ones(3)}, "at least two axes"),
        ({"k": np.ones((6, 4))}, r"q \(..., L, d\)"),
        ({"v": np.ones((5, 2))}, r"k \(..., S, d\)"),
        ({"mask": np.ones((3, 6), bool)}, "broadcasts to"),
        ({"causal": "left"}, "upper-left, lower-right"),
        ({"q": np.ones((3, 4, 5)), "k": np.ones((2, 6, 5))}, "that broadcast"),
    ],
)
def test_bad_arguments_are_one_clear_line(change, said):
    arguments = dict(zip("qkv", drawn(()), strict=True)) | change
    with pytest.raises(BadData, match=said):
        Call(**arguments)


def test_shapes_of_a_seed():
    count = 97  # two more than there are always
    found = calls.shapes(count, 1)
    assert found == calls.shapes(count, 1) != calls.shapes(count, 2)
    assert {each.mask for each in found} == {*calls.MASKS, *ORDERED}
    assert {each.causal for each in found} == {"", *shapes.CAUSAL}
    assert {64, 128} <= {each.d for each in found} and max(each.keys for each in found) > 128
    assert any(len(each.leading) == 2 for each in found) and any(not e.leading for e in found)


@pytest.mark.parametrize("dtype", FORMATS)
def test_right_kernels_pass_whole_calls(dtype):
    format = FORMATS[dtype]
    for place, shape in enumerate(calls.shapes(10, 0)):
        call = calls.call_of(shape, format, np.random.default_rng(place))
        assert call.shape == (*shape.leading, shape.queries, shape.c)
        assert call.q.dtype == format.dtype
        kernels = RIGHT
        own = [shapes.blocks_of(f(call.q, call.k, call.v, call.seen), call) for f in kernels]
        for block, (x, operands) in enumerate(shapes.rows_of(call)):
            asked = question(Problem.of(ATTENTION, format), x, operands)
            asked = asked.held_to(default_standard(ATTENTION, format))
            truth, limit = asked.truth, asked.limit_ulp
            for each in own:
                with np.errstate(invalid="ignore", over="ignore"):
                    y = each[block].astype(float)
                    error = np.abs((y - truth.rounded) / truth.ulp - truth.offset)
                    is_right = (error <= limit) | (y == truth.rounded) | np.isposinf(limit)
                assert (is_right | truth.fixed).all()
                assert np.isnan(y[truth.fixed]).all()
