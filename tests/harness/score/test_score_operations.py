"""score of every operation: any dimensions and axis, operands, one result a row, limits."""

import mpmath
import numpy as np
import pytest
from softmax_harness.ground.errors import BadData, UnknownName
from softmax_harness.judgement.outcomes import Outcome
from softmax_harness.operations import OPERATIONS, Arrangement, Policy
from softmax_harness.score import Files, held_to, judging, read_pair, score, score_document
from softmax_implementations import implementations

OURS = [
    each
    for operation in OPERATIONS
    for each in implementations(operation).values()
    if each.library is None and not each.expected_findings
]
IDS = [f"{each.operation}-{each.name}" for each in OURS]
SHAPE = (3, 4, 5)


@pytest.fixture
def saved(tmp_path):
    """Arrays as files, by name."""

    def save(**arrays):
        paths = {name: tmp_path / f"{name}.npy" for name in arrays}
        for name, array in arrays.items():
            np.save(paths[name], array)
        return paths

    return save


def arguments_of(operation, axis, dtype=np.float32):
    """The arguments of a call by name, its rows along an axis of `SHAPE`."""
    rng = np.random.default_rng(0)
    place = Arrangement(SHAPE, axis)
    rows = rng.normal(0, 3, (place.rows, SHAPE[axis])).astype(dtype)
    inputs = operation.inputs(rows, rng)
    names = [each.name for each in operation.operands]
    names = ["x", *names] if operation.takes_logits else names
    arguments = map(place.placed, operation.called_with(*inputs))
    return dict(zip(names, arguments, strict=True))


def files_of(paths, operation, **more):
    first, *others = [name for name in paths if name != "y"]
    operands = {name: paths[name] for name in others}
    return Files(paths[first], paths["y"], operation=operation, operands=operands, **more)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("each", OURS, ids=IDS)
def test_what_is_right_is_accurate_along_any_axis(saved, each, axis):
    operation = OPERATIONS[each.operation]
    if not operation.has_axis and axis != -1:
        pytest.skip("it has no axis")
    arguments = arguments_of(operation, axis)
    named = {"axis": axis} if operation.has_axis else {}
    with np.errstate(all="ignore"):
        y = np.asarray(each(*arguments.values(), **named))
    pair = read_pair(files_of(saved(**arguments, y=y), each.operation, axis=axis))
    scored = score(pair, Policy())
    assert scored.tally.elements == y.size and not scored.firsts
    document = score_document(scored)
    assert document["operation"] == each.operation and not np.isnan(document["max_ulp"])


def test_the_worst_loss_is_found_with_its_class(saved):
    x = np.random.default_rng(1).normal(0, 3, SHAPE)
    target = np.random.default_rng(2).integers(0, 4, (3, 5))
    y = implementations("cross_entropy")["compensated"](x, target, axis=1)
    y[2, 3] *= 1 + 1e-12
    paths = saved(x=x, target=target, y=y)
    document = score_document(score(read_pair(files_of(paths, "cross_entropy", axis=1)), Policy()))
    worst = document["worst"]
    assert worst["index"] == [2, 3] and worst["x"] is None
    assert worst["operands"] == {"target": target[2, 3]} and document["elements"] == 15
    with mpmath.workdps(40):
        row = [mpmath.mpf(value) for value in x[2, :, 3].tolist()]
        z = mpmath.log(mpmath.fsum(map(mpmath.exp, row))) - row[target[2, 3]]
        assert abs(mpmath.mpf(worst["exact"]) / z - 1) < 1e-24
        ulp = mpmath.mpf(2) ** (mpmath.floor(mpmath.log(z, 2)) - 52)
        assert worst["ulp"] == pytest.approx(float(abs(mpmath.mpf(y[2, 3]) - z) / ulp), rel=1e-9)
    assert f"target={target[2, 3]}@0" in worst["witness"]
    assert worst["explain"].endswith("--operation cross_entropy")


def attention(saved, lead=(2, 3), queries=4, keys=6, **more):
    rng = np.random.default_rng(0)
    q, k, v = (
        rng.standard_normal((*lead, length, depth)).astype(np.float32)
        for length, depth in ((queries, 8), (keys, 8), (keys, 2))
    )
    mask = rng.random((queries, keys)) < 0.7
    mask[:, 0] = True
    y = implementations("attention")["shifted"](q, k, v, more.get("mask", mask))
    return q, k, v, mask, y


def test_attention_in_the_shapes_that_people_use(saved):
    q, k, v, mask, y = attention(saved)
    y[1, 2, 3, 1] *= np.float32(1.001)
    pair = read_pair(files_of(saved(q=q, k=k, v=v, mask=mask, y=y), "attention"))
    assert [rows for _, rows in pair.blocks()][0] == slice(0, 4)  # the queries of one head
    first = pair.inputs(slice(0, 4))
    assert not first.operands[1].strides[0] and first.operands[0].shape == (4, 1, 8)
    document = score_document(score(pair, Policy()))
    assert document["elements"] == y.size and document["worst"]["index"] == [1, 2, 3, 1]
    scores = (q[1, 2, 3].astype(float) @ k[1, 2].astype(float).T) / np.sqrt(8)
    e = np.where(mask[3], np.exp(scores), 0.0)
    exact = float(document["worst"]["exact"])
    assert exact == pytest.approx((e / e.sum()) @ v[1, 2, :, 1].astype(float), rel=1e-12)


def test_without_a_mask_all_is_seen_and_heads_may_share_keys(saved):
    q, k, v, _, _ = attention(saved)
    all_ = np.ones((4, 6), bool)
    y = implementations("attention")["shifted"](q, k[:, :1], v[:, :1], all_)
    pair = read_pair(files_of(saved(q=q, k=k[:, :1], v=v[:, :1], y=y), "attention"))
    assert not score(pair, Policy()).firsts


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("operation", ["logsumexp", "logsumexp_weighted"])
def test_a_sum_of_nothing_has_the_logarithm_minus_infinity(saved, operation, dtype, axis):
    x = np.empty((0, 3) if axis == 0 else (3, 0), dtype)
    operands = {"b": x} if operation == "logsumexp_weighted" else {}
    for value, outcome in ((-np.inf, "correctly_rounded"), (0.0, "wrong_special")):
        paths = saved(x=x, **operands, y=np.full(3, value, dtype))
        scored = score(read_pair(files_of(paths, operation, axis=axis)), Policy())
        document = score_document(scored, [held_to(scored, "max_ulp", 4.0)])
        assert document[outcome] == 3 and document["limits"][0]["holds"] == (value != 0.0)
        faults = document["firsts"].values()
        assert all(each["witness"] is each["explain"] is None for each in faults)


@pytest.mark.parametrize("dtype, is_shown", [("float16", True), ("float32", False)])
def test_an_operand_that_a_witness_would_round_is_not_explained(saved, dtype, is_shown):
    x = np.array([[0.0, 1.0]], np.float16)
    v = np.array([[1.0, 1 / 3]]).astype(dtype)
    paths = saved(x=x, v=v, y=np.zeros_like(x))
    document = score_document(score(read_pair(files_of(paths, "gradient")), Policy()))
    assert (document["worst"]["explain"] is not None) == is_shown
    assert (document["worst"]["witness"] is not None) == is_shown


@pytest.mark.parametrize("value, held", [(0.0, "zero"), (np.nan, "nan")])
def test_rows_that_see_nothing_are_nan_or_zero_throughout(saved, value, held):
    x = np.random.default_rng(0).normal(0, 3, (4, 5)).astype(np.float32)
    mask = np.ones((4, 5), bool)
    mask[1:3] = False
    with np.errstate(all="ignore"):
        y = implementations("softmax_masked")["minus-infinity"](x, mask)
    y[1:3] = value

    def judged(policy):
        return score(read_pair(files_of(saved(x=x, mask=mask, y=y), "softmax_masked")), policy)

    scored = judged(Policy())
    assert not scored.firsts and score_document(scored)["seeing_nothing"] == held
    assert score_document(scored)["sum_defect"] < 1e-6
    other = "nan" if held == "zero" else "zero"
    assert Outcome.WRONG_SPECIAL in judged(Policy.parse((f"all-masked={other}",))).firsts
    y[2] = 0.0 if held == "nan" else np.nan
    assert Outcome.WRONG_SPECIAL in judged(Policy()).firsts


def test_limits_are_held_and_a_lost_result_breaks_any(saved):
    x = np.random.default_rng(0).normal(0, 3, (4, 5)).astype(np.float32)
    y = implementations("logsumexp")["log1p"](x)
    scored = score(read_pair(files_of(saved(x=x, y=y), "logsumexp")), Policy())
    assert held_to(scored, "max_ulp", 2).holds and not held_to(scored, "max_ulp", 0.1).holds
    assert held_to(scored, "not_correctly_rounded", 0).value == np.sum(scored.tally.outcomes[1:])
    y[1] = np.nan
    lost = held_to(
        score(read_pair(files_of(saved(x=x, y=y), "logsumexp")), Policy()), "max_ulp", 1e9
    )
    assert not lost.holds and "1 result is lost" in lost.told


def test_many_processes_judge_as_one_does(saved, monkeypatch):
    x = np.random.default_rng(0).normal(0, 3, (70, 41)).astype(np.float32)
    target = np.random.default_rng(1).integers(0, 41, 70)
    y = implementations("cross_entropy")["from-logits"](x, target)
    pair = read_pair(files_of(saved(x=x, target=target, y=y), "cross_entropy"))
    alone = score_document(score(pair, Policy()))
    monkeypatch.setattr(judging, "_WORTH_PROCESSES", 1)
    monkeypatch.setattr(judging, "usable_cores", lambda: 2)
    assert score_document(score(pair, Policy())) == alone


def test_outputs_in_a_wider_type_are_judged_in_their_own(saved):
    x = np.random.default_rng(0).normal(0, 3, (4, 5)).astype(np.float32)
    y = implementations()["wide"](x).astype(np.float16)
    paths = saved(x=x, y=y.astype(np.float32), bits=y.view(np.uint16))
    for name in ("y", "bits"):
        pair = read_pair(Files(paths["x"], paths[name], y_dtype="float16"))
        assert score_document(score(pair, Policy()))["not_correctly_rounded"] == 0
    paths = saved(x=x, y=implementations()["wide"](x))
    with pytest.raises(BadData, match="is no float16"):
        read_pair(Files(paths["x"], paths["y"], y_dtype="float16"))


X = np.zeros((4, 5), np.float32)
BAD = {
    "no class": ("cross_entropy", {}, (4,), "expected --operand target=FILE.npy"),
    "class outside": ("cross_entropy", {"target": np.full(4, 5)}, (4,), "holds 5: expected 0 to 4"),
    "class ignored": (
        "cross_entropy",
        {"target": np.full(4, -100)},
        (4,),
        "holds -100: .*leave out the rows",
    ),
    "floats as class": (
        "cross_entropy",
        {"target": np.zeros(4)},
        (4,),
        r"target\.astype\(np\.int64\)",
    ),
    "class of other rows": (
        "cross_entropy",
        {"target": np.zeros(3, int)},
        (4,),
        r"expected \(4,\)",
    ),
    "one result for each": ("logsumexp", {}, (4, 5), r"expected \(4,\)"),
    "additive mask": (
        "softmax_masked",
        {"mask": X},
        (4, 5),
        r"True where a logit is seen: mask\.astype\(bool\) of 0 and 1, mask == 0 where",
    ),
    "gradient of bools": (
        "gradient",
        {"v": X == 0},
        (4, 5),
        r"of bool: expected floats, such as v\.astype\(np\.float32\)",
    ),
    "mask of bits": ("softmax_masked", {"mask": np.full((4, 5), 3)}, (4, 5), "0 to 1"),
    "temperature of each": (
        "softmax_temperature",
        {"temperature": X},
        (4, 5),
        r"expected \(4, 1\)",
    ),
    "no keys": ("attention", {}, (4, 5), "--operand k=FILE.npy"),
}


@pytest.mark.parametrize("operation, operands, shape, message", BAD.values(), ids=BAD)
def test_what_does_not_fit_is_one_line(saved, operation, operands, shape, message):
    paths = saved(x=X, **operands, y=np.zeros(shape, np.float32))
    with pytest.raises(BadData, match=message):
        read_pair(files_of(paths, operation))


OF_SINKS = "mask (..., L, S) and sink (..., L, 1)"
BAD_CALLS = {
    "sink of each key": ({"sink": (2, 3, 4, 6)}, OF_SINKS),
    "sink of a key for all": ({"sink": (4, 6)}, OF_SINKS),
    "sink of another axis": ({"sink": (2, 3, 6)}, OF_SINKS),
    "sink of each head": ({"sink": (3,)}, f"{OF_SINKS}, at least two axes each"),
    "no numbers of a sink": ({"sink": (2, 3, 4, 0)}, OF_SINKS),
    "sinks of other queries": ({"sink": (5, 1)}, OF_SINKS),
    "a mask of one key": ({"mask": (4, 1)}, OF_SINKS),
    "other heads": ({"mask": (5, 1, 4, 6)}, f"{OF_SINKS}, with axes before these that broadcast"),
    "values of other keys": ({"v": (2, 3, 5, 2)}, "v (..., S, c)"),
    "no components": ({"q": (2, 3, 4, 0), "k": (2, 3, 6, 0)}, "with d at least 1"),
    "other components": ({"k": (2, 3, 6, 7)}, "k (..., S, d)"),
    "one key without an axis": ({"k": (8,)}, "at least two axes each"),
}


@pytest.mark.parametrize("changed, message", BAD_CALLS.values(), ids=BAD_CALLS)
def test_a_whole_call_that_does_not_fit_is_one_line(saved, changed, message):
    shapes = {
        "q": (2, 3, 4, 8),
        "k": (2, 3, 6, 8),
        "v": (2, 3, 6, 2),
        "mask": (4, 6),
        "sink": (2, 3, 4, 1),
    } | changed
    arrays = {
        name: np.ones(shape, bool if name == "mask" else np.float32)
        for name, shape in shapes.items()
    }
    paths = saved(**arrays, y=np.ones((2, 3, 4, 2), np.float32))
    with pytest.raises(BadData) as caught:
        read_pair(files_of(paths, "attention_sink"))
    told = str(caught.value)
    assert message in told and "\n" not in told and "expected q (..., L, d), " in told


def test_without_a_mask_keys_that_lack_an_axis_are_one_line(saved):
    paths = saved(q=X, k=X[0], v=X, y=X)
    with pytest.raises(BadData, match="at least two axes each"):
        read_pair(files_of(paths, "attention"))


@pytest.mark.parametrize("operation", ["cross_entropy", "label_smoothing"])
def test_a_class_of_a_row_of_nothing_is_one_line(saved, operation):
    smoothing = {"smoothing": np.zeros((4, 1))} if operation == "label_smoothing" else {}
    paths = saved(x=X[:, :0], target=np.zeros(4, int), **smoothing, y=np.zeros(4))
    with pytest.raises(BadData, match="the rows have none: expected logits"):
        read_pair(files_of(paths, operation))


def test_an_operand_of_another_operation_is_refused(saved):
    paths = saved(x=X, v=X, y=X)
    with pytest.raises(UnknownName, match="no operand of softmax_masked is named 'v'"):
        read_pair(files_of(paths, "softmax_masked"))


def test_operands_are_broadcast(saved):
    x = np.random.default_rng(0).normal(0, 3, SHAPE).astype(np.float32)
    mask = np.array([True, False, True, True, False])
    y = implementations("softmax_masked")["minus-infinity"](x, mask)
    assert not score(
        read_pair(files_of(saved(x=x, mask=mask, y=y), "softmax_masked")), Policy()
    ).firsts
    T = np.array(0.7, np.float32)
    y = implementations("softmax_temperature")["shifted-first"](x, T)
    paths = saved(x=x, temperature=T, y=y)
    assert not score(read_pair(files_of(paths, "softmax_temperature")), Policy()).firsts


@pytest.mark.parametrize(
    "name, given",
    [("softmax_temperature", {"temperature": 0.0}), ("logsumexp_gradient", {"g": np.inf})],
)
def test_where_anything_is_right_there_is_no_error(saved, name, given):
    ((operand, value),) = given.items()
    arrays = {"x": np.ones((2, 3), np.float32), operand: np.full((2, 1), value, np.float32)}
    paths = saved(**arrays, y=np.full((2, 3), 7.0, np.float32))
    scored = score(read_pair(files_of(paths, name)), Policy())
    document = score_document(scored, [held_to(scored, "max_ulp", 4.0)])
    assert document["correctly_rounded"] == 6 and document["worst"] is None
    assert all(np.isnan(document[key]) for key in ("max_ulp", "mean_ulp", "p99_ulp"))
    assert document["limits"][0]["holds"]
