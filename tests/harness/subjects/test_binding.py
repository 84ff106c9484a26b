"""Arguments bound by name: only where every name is there, and in another order."""

import functools
import math

import numpy as np
import pytest
from softmax_harness.operations import OPERATIONS
from softmax_harness.subjects.binding import bound, parameters_of
from softmax_harness.subjects.meant import hint_of

NAMES = ("x", "target")


def in_order(x, target, axis=-1):
    return x, target


def other_names(logits, labels, axis=-1):
    return logits, labels


def swapped(target, x, axis=-1):
    return x, target


def by_keyword(x, *, target, axis=-1):
    return x, target


def more_between(x, weight=None, target=None, axis=-1):
    return x, target


def one_missing(labels, x, axis=-1):
    return labels, x


@pytest.mark.parametrize("function", [in_order, other_names, swapped, by_keyword, more_between])
def test_each_argument_comes_where_it_belongs(function):
    assert bound(function, NAMES)("the logits", "the class", axis=0) == ("the logits", "the class")


@pytest.mark.parametrize("function", [in_order, other_names, one_missing, math.hypot])
def test_what_is_in_order_or_names_nothing_is_left_alone(function):
    assert bound(function, NAMES) is function


def test_a_partial_keeps_what_it_was_given():
    assert bound(functools.partial(swapped, axis=1), NAMES)("x", "t") == ("x", "t")


def test_each_operation_has_a_signature():
    assert OPERATIONS["softmax"].signature == "f(x, axis=-1)"
    assert OPERATIONS["softmax_masked"].signature == "f(x, mask, axis=-1)"
    assert OPERATIONS["attention"].signature == "f(q, k, v, mask)"


def operand_by_its_name(a, axis=None, target=None, keepdims=False):
    return a, target


def test_an_operand_has_its_own_name_though_the_logits_have_another():
    assert bound(operand_by_its_name, NAMES)("x", "t", axis=1) == ("x", "t")


def attends(q, k, v, mask=None):
    return q


def test_what_needs_more_is_told_that_the_operation_may_be_another():
    with pytest.raises(TypeError, match="needs q, k, v, and was called with x: an axis"):
        bound(attends, ("x",))("x", axis=-1)


def sees_all(q, k, v):
    return q


def test_what_takes_fewer_is_told_how_it_is_called_without_a_mask():
    told = "takes q, k, v, and was called with q, k, v, mask: --operation .* --no-mask leaves out"
    with pytest.raises(TypeError, match=told):
        bound(sees_all, ("q", "k", "v", "mask"))("q", "k", "v", "mask")
    assert bound(lambda *these, axis=-1: these, NAMES)("x", "t") == ("x", "t")


def masked(scores, *, mask, scale=1.0):
    return scores


def weighed(x, v, axis=-1):
    return x


def says_nothing():
    return 0


says_nothing.__signature__ = "none"


@pytest.mark.parametrize(
    "name, function, asked, expected",
    [
        ("k.py:cross_entropy", in_order, "softmax", "cross_entropy"),
        ("k.py:f", in_order, "softmax", ""),  # or its gradient
        ("k.py:f", masked, "softmax", "softmax_masked"),
        ("k.py:f", attends, "softmax_masked", "attention"),
        ("k.py:attention", sees_all, "softmax", "attention"),
        ("k.py:f", weighed, "softmax", ""),
        ("k.py:gradient", weighed, "softmax", "gradient"),
        ("k.py:Kernels.gradient", other_names, "softmax", "gradient"),
        ("k.py:softmax", masked, "softmax", "softmax_masked"),
        ("k.py:softmax", masked, "softmax_masked", ""),
        ("k.py:softmax", in_order, "cross_entropy", ""),
        ("k.py:log_softmax", in_order, "softmax", ""),  # which needs more
        ("scipy.special:logsumexp", says_nothing, "softmax", "logsumexp"),
        ("k.py:f", says_nothing, "softmax", ""),
    ],
)
def test_what_it_may_compute_is_told_where_one_other_operation_fits(
    name, function, asked, expected
):
    hint = f"; if it computes {expected}, give --operation {expected}" if expected else ""
    assert hint_of(name, parameters_of(function), asked) == hint


def without_axis(x, target):
    return x, target


def swapped_without_axis(target, x):
    return x, target


@pytest.mark.parametrize("function", [without_axis, swapped_without_axis])
@pytest.mark.parametrize("axis", [-1, 1])
def test_what_takes_no_axis_is_called_along_the_last(function, axis):
    x = np.zeros((2, 3))
    found = bound(function, NAMES)(x, "the class", axis=axis)
    assert found[0] is x and found[1] == "the class"


def test_what_takes_no_axis_says_so_for_another():
    with pytest.raises(TypeError, match="has no parameter axis, and was asked for axis 0"):
        bound(without_axis, NAMES)(np.zeros((2, 3)), "the class", axis=0)
