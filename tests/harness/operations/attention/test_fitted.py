"""Attention in chosen shapes alone: what is asked has them, and is judged as it is everywhere."""

import pickle

import numpy as np
import pytest
from softmax_harness.check.contract import Contract
from softmax_harness.check.contract.checking import verdict
from softmax_harness.ground.errors import BadData
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations import OPERATIONS, Problem, operation_named
from softmax_harness.operations.calls import rows_of
from softmax_harness.subjects.call import answered
from softmax_harness.subjects.declaration import Said, described
from softmax_harness.subjects.meant import fit_of
from softmax_harness.subjects.subject import Subject
from softmax_harness.truth.arbiter import arbitrate
from softmax_harness.truth.tiers import are_same, exact_results

NAMES = [name for name, each in OPERATIONS.items() if each.choices]
FITS = [
    {"head-dim": 64},
    {"queries": 3},
    {"causal": 1},
    {"no-mask": 1},
    {"causal": 1, "queries": 4},
    {"causal": 1, "head-dim": 33, "no-mask": 1, "queries": 2},
]


def fit_in(chosen):
    return tuple(sorted(chosen.items()))


@pytest.mark.parametrize("chosen", FITS, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_rows_and_whole_calls_have_what_was_chosen(name, chosen):
    operation = operation_named(name, fit_in(chosen))
    assert pickle.loads(pickle.dumps(operation)) is operation
    rng = np.random.default_rng(0)
    rows = operation.make_operands(rng.standard_normal((5, 40)).astype(np.float32), rng)
    calls = [each.arguments for each in operation.whole_calls(FORMATS["float32"], 0)]
    assert len(calls) > 30
    for q, k, v, mask, *_ in (rows, *calls):
        queries, keys = q.shape[-2], k.shape[-2]
        assert queries == chosen.get("queries", queries)
        assert {q.shape[-1], k.shape[-1], v.shape[-1]} == {64, 33} & {chosen.get("head-dim")} or (
            "head-dim" not in chosen
        )
        if "causal" in chosen:
            assert (mask == np.tri(queries, keys, keys - queries, dtype=bool)).all()
        elif "no-mask" in chosen:
            assert mask.all()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("chosen", FITS, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_the_screen_and_mpmath_are_those_of_each_query_alone(name, chosen, dtype):
    format, rng = FORMATS[dtype], np.random.default_rng(1)
    problem = Problem.of(operation_named(name, fit_in(chosen)), format)
    x = format.stored(3.0 * rng.standard_normal((4, 6)))
    operands = problem.operation.make_operands(x, rng)
    exact = arbitrate(problem, x.astype(float), operands)
    screened = exact_results(problem, x.astype(float), operands)
    assert are_same(screened.truth, exact, screened.error_ulp).all()
    own = rows_of(OPERATIONS[name], operands, -1).inputs
    alone = arbitrate(Problem.of(OPERATIONS[name], format), own.x.astype(float), own.operands)
    assert np.array_equal(alone.rounded.reshape(exact.rounded.shape), exact.rounded, equal_nan=True)
    assert np.array_equal(alone.fixed.reshape(exact.fixed.shape), exact.fixed)


def full(q, k, v, mask):
    s = np.matmul(q.astype(float), np.swapaxes(k, -1, -2).astype(float)) / np.sqrt(q.shape[-1])
    s = np.where(mask, s, -np.inf)
    top = s.max(-1, keepdims=True)
    e = np.exp(s - np.where(np.isneginf(top), 0, top))
    return (np.matmul(e, v.astype(float)) / e.sum(-1, keepdims=True)).astype(q.dtype)


def order(q, k, late=0):
    queries, keys = q.shape[-2], k.shape[-2]
    return np.tri(queries, keys, keys - queries + late, dtype=bool)


def causal(q, k, v):
    return full(q, k, v, order(q, k))


def unmasked(q, k, v):
    return full(q, k, v, np.ones((q.shape[-2], k.shape[-2]), bool))


def of_one_size(q, k, v, mask):
    if q.shape[-1] != 64:
        raise ValueError("heads of 64 alone")
    return full(q, k, v, mask)


def in_blocks(q, k, v):
    if q.shape[-2] != 8:
        raise ValueError("blocks of 8 queries alone")
    return causal(q, k, v)


def a_key_late(q, k, v):
    return full(q, k, v, order(q, k, -1) | (np.arange(k.shape[-2]) == 0))


def third_of_a_block(q, k, v):
    y = in_blocks(q, k, v)
    y[..., 3, :] = y[..., 2, :]
    return y


class _InThisProcess:
    def __init__(self, function):
        self._function = function

    def serve(self, requests):
        with np.errstate(all="ignore"):
            return [answered(self._function, each.call, Exception) for each in requests]


def judged(function, chosen, **how):
    fit = fit_in(chosen)
    problem = Problem.of(operation_named("attention", fit), FORMATS["float32"])
    declaration = described(function.__name__, None, "", "attention")
    subject = Subject(declaration, problem, _InThisProcess(function), is_plain=True)
    contract = Contract(("float32",), operation="attention", said=Said(fit=fit), **how)
    return verdict(subject, contract)


PARTS = ("layouts", "batches", "permutations")


@pytest.mark.slow
@pytest.mark.parametrize(
    "function, chosen, parts",
    [
        (unmasked, {"no-mask": 1}, ("accuracy", "layouts")),
        (causal, {"causal": 1, "no-mask": 1}, PARTS),
        (of_one_size, {"head-dim": 64}, ("accuracy",)),
        (in_blocks, {"causal": 1, "no-mask": 1, "queries": 8}, ("layouts", "permutations")),
    ],
)
def test_right_kernels_pass_in_the_shapes_that_they_take(function, chosen, parts):
    result = judged(function, chosen, parts=parts)
    assert result.verdict == "pass", result.findings


@pytest.mark.slow
@pytest.mark.parametrize(
    "function, chosen, part",
    [
        (a_key_late, {"causal": 1, "no-mask": 1}, "batches"),
        (third_of_a_block, {"causal": 1, "no-mask": 1, "queries": 8}, "accuracy"),
    ],
)
def test_faulty_kernels_fail_there(function, chosen, part):
    result = judged(function, chosen, parts=(part,), fail_fast=True)
    assert result.verdict == "fail" and result.findings


def test_a_function_without_a_mask_is_called_without_one():
    attention, sink = OPERATIONS["attention"], OPERATIONS["attention_sink"]
    plain = {"q": True, "k": True, "v": True}
    assert fit_of((), plain, attention) == (("no-mask", 1),)
    assert fit_of((("causal", 1),), plain, attention) == (("causal", 1), ("no-mask", 1))
    assert fit_of((), plain | {"sink": True}, sink) == (("no-mask", 1),)
    for other in (plain | {"mask": True}, plain | {"attn_mask": False}, plain | {"m": True}, {}):
        assert fit_of((), other, attention) == ()


def test_what_cannot_be_chosen_is_one_line():
    with pytest.raises(BadData, match="--head-dim was given, but softmax has none"):
        operation_named("softmax", (("head-dim", 64),))
    with pytest.raises(BadData, match="expected one of head-dim, queries, causal, no-mask"):
        operation_named("attention", (("heads", 2),))
    with pytest.raises(BadData, match="--queries 0: expected at least 1"):
        operation_named("attention", (("queries", 0),))
