"""The steps of a call cross over from the process of an implementation as plain bytes."""

import json

import numpy as np
import pytest
from softmax_harness.subjects.isolation import wire
from softmax_harness.subjects.isolation.channel import Answer
from softmax_harness.subjects.trace import UNKNOWN, Traced, steps_of


def kernel(x, axis=-1):
    """With steps of every kind: ufuncs, reductions, choices, conversions and what is not known."""
    y = x.astype(np.float64)
    y[..., 0] = 0.0
    e = np.exp(np.where(y > 1, y, -y) - np.max(y, axis=axis, keepdims=True))
    return np.cumsum(e, axis=axis) / np.add.reduce(e, axis=axis, keepdims=True, initial=0.5)


def test_steps_are_the_same_on_the_other_side():
    steps = steps_of(kernel, (np.arange(6, dtype=np.float32).reshape(2, 3),), {"axis": -1})
    read = wire.steps_in(wire.encoded(Traced(steps)))
    assert len(read) == len(steps) > 8
    for own, other in zip(steps, read, strict=True):
        assert (other.name, other.method) == (own.name, own.method)
        assert other.function == (own.function if own.method != UNKNOWN else own.name)
        assert np.array_equal(other.output, own.output) and other.output.dtype == own.output.dtype
        assert len(other.inputs) == len(own.inputs) and other.keywords.keys() == own.keywords.keys()
    assert wire.steps_in(wire.encoded(Traced(None))) is None


def step(**changed):
    array = {"dtype": "float64", "shape": [1], "start": 0}
    plain = {"function": "exp", "is_ufunc": True, "method": "__call__", "inputs": [array]}
    return plain | {"keywords": {}, "output": array, "places": None} | changed


@pytest.mark.parametrize(
    "told",
    [
        step(function="save"),
        step(function="__import__"),
        step(function=3),
        step(output={"dtype": "object", "shape": [1], "start": 0}),
        step(output={"dtype": "float64", "shape": [9], "start": 0}),
        step(output={"dtype": "no type", "shape": [1], "start": 0}),
        {"function": "exp"},
    ],
)
def test_what_is_no_step_is_garbled(told):
    numbers = memoryview(np.zeros(1).tobytes())
    with pytest.raises(wire.Garbled):
        wire.steps_in(Answer(json.dumps({"steps": [told]}).encode(), numbers))
    right = Answer(json.dumps({"steps": [step()]}).encode(), numbers)
    assert wire.steps_in(right)[0].function is np.exp
