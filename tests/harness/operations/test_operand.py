"""Operands follow the logits about: into arrays of any shape and axis, and into other orders."""

import numpy as np
import pytest
from softmax_harness.ground.formats import FORMATS
from softmax_harness.inputs import witness
from softmax_harness.inputs.written import literal_text
from softmax_harness.operations import OPERATIONS, Arrangement, Inputs, Problem, taken

FORMAT = FORMATS["float32"]
SHAPES = [((5,), 0), ((3, 5), -1), ((3, 5), 0), ((2, 3, 4), 1), ((2, 3, 4), -3)]


def inputs_of(operation, rows=6, n=5):
    rng = np.random.default_rng(0)
    return OPERATIONS[operation].inputs(rng.normal(size=(rows, n)).astype(np.float32), rng)


@pytest.mark.parametrize("shape, axis", SHAPES)
def test_rows_are_found_again_in_arrays_of_any_shape(shape, axis):
    place, n = Arrangement(shape, axis), shape[axis]
    rows = np.arange(place.rows * n).reshape(place.rows, n)
    placed = place.placed(rows)
    assert placed.shape == shape
    assert np.array_equal(place.as_rows(placed, 1), rows)
    classes = np.arange(place.rows)
    assert place.placed(classes).shape == place.others
    assert np.array_equal(place.as_rows(place.placed(classes), 0), classes)


def test_a_single_number_is_a_row_of_one():
    place = Arrangement(())
    assert place.placed(np.array([[2.0]])).shape == () == place.placed(np.array([3])).shape
    assert place.as_rows(np.array(2.0), 1).shape == (1, 1)


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name != "logsumexp"])
def test_another_order_of_the_entries_is_the_same_question(operation):
    """What each entry has beside it goes with it, and a class means the same logit."""
    about, inputs = OPERATIONS[operation], inputs_of(operation)
    order = np.argsort(np.random.default_rng(1).random(inputs.x.shape), axis=-1)
    moved = taken(inputs, about.operands, order)
    x, y = (each.x.astype(np.float64) for each in (inputs, moved))
    problem = Problem.of(about, FORMAT)
    fixed, expected = problem.special_values(x, inputs.operands)
    for row in np.flatnonzero(~fixed.any(axis=-1)).tolist():
        own, other = (
            about.enclose(a[row], tuple(each[row] for each in given.operands), 100)
            for a, given in ((x, inputs), (y, moved))
        )
        if about.one_to_one:
            own = [own[place] for place in order[row].tolist()]
        assert [each.man * 2.0**each.exp for each in own] == pytest.approx(
            [each.man * 2.0**each.exp for each in other]
        )


def test_a_class_cannot_be_left_out():
    inputs = Inputs(np.array([[1.0, 2.0, 3.0]]), (np.array([1]),))
    about = OPERATIONS["cross_entropy"].operands
    assert taken(inputs, about, np.array([[0, 2]])) is None
    kept = taken(inputs, about, np.array([[2, 1]]))
    assert kept.x.tolist() == [[3.0, 2.0]] and kept.operands[0].tolist() == [1]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_witness_holds_the_operands(operation):
    problem = Problem.of(OPERATIONS[operation], FORMAT)
    row = inputs_of(operation, n=3).row(0)
    found = witness.parse(literal_text(problem, row, 0), operation)
    assert np.array_equal(found.block, row.x)
    for given, made in zip(found.operands, row.operands, strict=True):
        assert given.dtype.kind == made.dtype.kind and np.array_equal(given, made)


@pytest.mark.parametrize(
    "text, message",
    [
        ("float32:1,2;target=2@0", "target=2: expected the place of one of the 2 logits"),
        ("float32:1,2;mask=1,0@0", "expected target"),
        ("float32:1,2;target=1,0@0", "expected one number"),
        ("float32:1,2;target=x@0", "'x' is not a number: expected the place of a logit as target"),
    ],
)
def test_operands_that_do_not_fit_are_refused(text, message):
    with pytest.raises(witness.BadData, match=message.replace("[", "\\[")):
        witness.parse(text, "cross_entropy")
