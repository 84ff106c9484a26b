"""What is watched in the process of an implementation."""

import sys

import numpy as np
import pytest
from softmax_harness.subjects.isolation import watch


class EqualToAll:
    """Stands for anything, and says that it is the same."""

    def __call__(self, *given):
        return given

    def __eq__(self, other):
        return True


@pytest.mark.parametrize("other", [EqualToAll(), np.ones(3), None])
def test_another_object_in_the_place_of_a_function_is_a_change(other, monkeypatch):
    before = watch.state()
    assert not watch.changes(before)
    monkeypatch.setattr(np, "hypot", other)
    assert watch.changes(before) == ["changed a function of another module: numpy.hypot"]


def test_what_is_watched_raises_few_audit_events():
    """A hook is called at each: there are a thousand functions, and two looks at each request."""
    seen, is_on = [], [True]
    sys.addaudithook(lambda event, given: seen.append(event) if is_on[0] else None)
    watch.state()
    is_on[0] = False
    assert len(seen) < 50
