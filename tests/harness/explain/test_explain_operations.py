"""explain of every operation: its exact steps, its operands, each step's share of the error."""

import mpmath
import numpy as np
import pytest
from softmax_harness.explain.given import logits_of, with_operands
from softmax_harness.explain.row import Explained, account, figured, literal
from softmax_harness.explain.text import explained_text
from softmax_harness.ground.errors import BadData, UnknownName
from softmax_harness.ground.formats import FORMATS
from softmax_harness.inputs.witness import parse
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.subjects.subject import Subject
from softmax_implementations import Implementation, implementations

PLAIN = ("max-shifted", "naive", "wide")  # the other softmaxes have tests of their own
CASES = [
    (each, dtype)
    for operation in OPERATIONS
    for each in implementations(operation).values()
    if each.library is None and (operation != "softmax" or each.name in PLAIN)
    # Where the root of d is a constant of few bits, any number of them may be.
    for dtype in ("float32", "float64", *["float16"] * operation.startswith("attention"))
]
IDS = [f"{each.operation}-{each.name}-{dtype}" for each, dtype in CASES]
ROWS = [np.array([3.0, -1.25, 0.7, 2.9, -8.0]), np.linspace(-9.0, 9.0, 17) ** 2 / 8]


def explained(row, operation, dtype="float32", **given):
    problem = Problem.of(OPERATIONS[operation], FORMATS[dtype])
    witness = literal(np.array(row, dtype=float), problem)
    return Explained(with_operands(witness, given, 1, 0))


def here(implementation, row):
    return Subject.here(implementation, row.problem)


def text_of(row, *subjects):
    return explained_text(row, [(each, account(each, row)) for each in subjects])


@pytest.mark.parametrize("each, dtype", CASES, ids=IDS)
def test_what_the_steps_add_is_the_whole_error(each, dtype):
    for values in ROWS:
        row = explained(values, each.operation, dtype)
        found = account(here(each, row), row)
        if found.reason and ("fixes" in found.reason or each.name == "minus-1e4"):
            continue  # which exactly is no masked softmax
        assert found.reason == "" and found.added
        total = sum(step.ulp for step in found.added)
        assert total == pytest.approx(found.ulp[found.index], rel=1e-6, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_last_exact_step_is_the_result_and_each_step_leads_to_it(operation):
    row = explained(ROWS[0], operation)
    truth = row.truth
    assert len(row.steps) > 1 and all(each.title for each in row.steps)
    last = np.array([float(value) for value in row.steps[-1].values])
    assert np.allclose(last, truth.value[0], rtol=1e-14, atol=0)
    drawn = figured(row)
    assert drawn[-1][0] == operation and all(len(values) for _, values in drawn)


def test_the_exact_steps_of_a_loss():
    row = explained([2.0, 1.0, 0.5], "cross_entropy", target="1")
    titles = [each.title for each in row.steps]
    assert titles == ["exponentiate", "sum", "logarithm", "subtract x_t"]
    with mpmath.workdps(30):
        total = mpmath.fsum(map(mpmath.exp, (2, 1, 0.5)))
        assert abs(row.steps[1].values[0] / total - 1) < 1e-27
        assert abs(row.steps[-1].values[0] / (mpmath.log(total) - 1) - 1) < 1e-27


def test_operands_are_named_and_those_that_are_given_are_taken():
    text = text_of(explained([2.0, 1.0, 0.5], "cross_entropy", target="2"))
    assert "target: 2\n" in text
    row = explained([2.0, 1.0], "gradient", v="0x1p-1,-3")
    assert row.operands[0].tolist() == [0.5, -3.0] and "v: 0.5  -3.0\n" in text_of(row)
    text = text_of(explained([0.0, 0.0], "attention", q="1,2", k="3,4/5,6", v="1/2", mask="1,1"))
    assert "q: 1.0  2.0\nk: 3.0  4.0 / 5.0  6.0\nv: 1.0 / 2.0\nmask: 1  1\n" in text


def test_an_operation_without_logits_needs_none():
    given = {"q": "1,2", "k": "3,4/5,6/7,8", "v": "1/2/3"}
    assert len(logits_of(given, OPERATIONS["attention"])) == 3
    with pytest.raises(BadData, match="expected --q, --k, --v"):
        logits_of({"q": "1,2"}, OPERATIONS["attention"])


@pytest.mark.parametrize(
    "operation, given, message",
    [
        ("cross_entropy", {"target": "2"}, "from 0"),
        ("gradient", {"v": "1,2,3"}, "one for each of the 2 logits"),
        ("attention", {"q": "1,2,3"}, r"expected q \(..., L, d\)"),
        ("softmax_temperature", {"temperature": "1,2"}, "temperature has the shape"),
    ],
)
def test_operands_that_do_not_fit_are_told(operation, given, message):
    with pytest.raises(BadData, match=message):
        explained([1.0, 2.0], operation, **given)


@pytest.mark.parametrize(
    "sizes, message",
    [((0, 2), "with d at least 1"), ((2, 0), "such a row has no results")],
    ids=["no components", "no columns of v"],
)
def test_a_query_without_numbers_is_told(tmp_path, sizes, message):
    shapes = {"q": (1, sizes[0]), "k": (2, sizes[0]), "v": (2, sizes[1]), "mask": (1, 2)}
    given = {}
    for name, shape in shapes.items():
        given[name] = str(tmp_path / f"{name}.npy")
        np.save(given[name], np.ones(shape))
    with pytest.raises(BadData, match=message):
        explained([0.0, 0.0], "attention", **given)


def test_operands_in_files_are_of_one_row_or_of_all(tmp_path):
    np.save(tmp_path / "t.npy", np.array([0, 2, 1]))
    np.save(tmp_path / "one.npy", np.array(2))
    problem = Problem.of(OPERATIONS["cross_entropy"], FORMATS["float32"])
    block = np.arange(9, dtype=np.float32).reshape(3, 3)
    witness = literal(np.zeros(3), problem)
    witness = type(witness)(problem, block, 1, None)
    all_ = with_operands(witness, {"target": str(tmp_path / "t.npy")}, 3, 0)
    assert (
        all_.block is not None and len(all_.block) == 3 and all_.operands[0].tolist() == [0, 2, 1]
    )
    one = with_operands(witness, {"target": str(tmp_path / "one.npy")}, 3, 0)
    assert one.block.tolist() == [[3.0, 4.0, 5.0]] and one.operands[0].tolist() == [2]
    np.save(tmp_path / "t.npy", np.array([0, 2]))
    with pytest.raises(BadData, match="2 rows: expected 1 or 3"):
        with_operands(witness, {"target": str(tmp_path / "t.npy")}, 3, 0)


def test_a_witness_with_operands_is_replayed():
    row = Explained(parse("float32:0x1p+0,0x1.8p+1;target=1@0", "cross_entropy"))
    assert "target: 1\n" in text_of(row)
    assert row.truth.value[0, 0] == pytest.approx(np.log1p(np.exp(-2.0)), rel=1e-15)


def test_a_step_that_is_not_known_is_told_with_its_share():
    def by_einsum(x, v, axis=-1):
        """The textbook form, its sum by einsum."""
        e = np.exp(x - np.max(x, axis=axis, keepdims=True))
        s = e / np.sum(e, axis=axis, keepdims=True)
        return s * (v - np.einsum("ij,ij->i", s, v)[:, None])

    row = explained(ROWS[0], "gradient")
    found = account(here(Implementation("own", by_einsum, operation="gradient"), row), row)
    assert found.added[0].with_earlier and found.added[0].step.name == "numpy.einsum"
    total = sum(step.ulp for step in found.added)
    assert total == pytest.approx(found.ulp[found.index], rel=1e-6, abs=1e-9)
    shown = explained_text(row, [(here(Implementation("own", by_einsum), row), found)])
    assert "numpy.einsum, and all before it" in shown


def test_a_wrong_kernel_of_an_operation_is_told_so():
    def other_sign(x, target, axis=-1):
        """The loss with the other sign."""
        e = np.exp(x - np.max(x, axis=axis, keepdims=True))
        log = np.log(e / np.sum(e, axis=axis, keepdims=True))
        return np.take_along_axis(log, target[:, None], axis=axis)[:, 0]

    row = explained([2.0, 1.0, 0.5], "cross_entropy")
    found = account(here(Implementation("own", other_sign, operation="cross_entropy"), row), row)
    assert "their result is not cross_entropy" in found.reason


def test_a_row_that_sees_nothing_may_be_nan_or_zero():
    def zero(x, mask, axis=-1):
        """0 throughout, where nothing is seen."""
        e = np.exp(np.where(mask, x, -np.inf))
        total = np.sum(e, axis=axis, keepdims=True)
        return e / np.where(total > 0, total, 1)

    row = explained([2.0, 1.0], "softmax_masked", mask="0,0")
    found = account(here(Implementation("own", zero, operation="softmax_masked"), row), row)
    assert "policy decides this row" in text_of(row)
    assert found.y.tolist() == [0.0, 0.0] and "policy" in found.reason


def test_an_operand_of_another_operation_is_refused():
    from softmax_harness.explain.given import check_operands

    with pytest.raises(UnknownName, match="operand of gradient"):
        check_operands({"target": "1"}, OPERATIONS["gradient"])
    with pytest.raises(BadData, match="takes logits alone"):
        check_operands({"target": "1"}, OPERATIONS["softmax"])


@pytest.mark.parametrize(
    "operation, name, text, expected",
    [
        ("softmax_temperature", "temperature", "0.5", 0.5),
        ("softmax_temperature", "temperature", "1e1", 10.0),
        ("softmax_temperature", "temperature", "0x1.8p+1", 3.0),
        ("cross_entropy", "target", "10", 10),
    ],
)
def test_an_operand_is_decimal_unless_it_says_otherwise(operation, name, text, expected):
    row = explained(np.arange(12.0), operation, **{name: text})
    assert row.witness.operands[0].ravel().tolist() == [expected]


def test_a_mask_may_be_written_as_true_and_false():
    row = explained([2.0, 1.0, 0.1], "softmax_masked", mask="true,False, True")
    assert row.witness.operands[0].tolist() == [[True, False, True]]
    with pytest.raises(BadData, match="'yes' is not a number: expected 0 or 1 in mask"):
        explained([2.0, 1.0], "softmax_masked", mask="yes,no")
    with pytest.raises(BadData, match="'true' is not a number: expected one such as 1.5"):
        explained([2.0, 1.0], "gradient", v="true,1")


def test_a_mask_of_other_numbers_than_0_and_1_is_refused():
    with pytest.raises(BadData, match="other than 0 and 1: expected 1 for what is seen"):
        explained([1.0, 2.0, 3.0], "softmax_masked", mask="0,-inf,0")


@pytest.mark.parametrize(
    "operation, row, given, title, expected",
    [
        ("logsumexp_weighted", [1e-45, 0.0], {"b": "1,-1"}, "sum", 1e-45),
        ("logsumexp_weighted", [0.0, 1e-30, 0.0], {"b": "1,1,-2"}, "sum", 1e-30),
        ("logsumexp", [0.0, -700.0], {}, "logarithm", np.exp(-700.0)),
        ("gradient", [0.0, 1e-30], {"v": "1,-1"}, "s.v", -5e-31),
        ("gradient", [1.0, 1.0, 2.0], {"v": "1,-1,0"}, "s.v", 0.0),
    ],
)
def test_a_step_that_cancels_is_exact_too(operation, row, given, title, expected):
    steps = {
        each.title: each.values for each in explained(row, operation, "float64", **given).steps
    }
    assert float(steps[title][0]) == pytest.approx(expected, rel=1e-14, abs=0.0)
