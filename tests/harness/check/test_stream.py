"""Blocks are asked for while others are judged, by one thread, which ends before anything else."""

import time
from contextlib import closing

from softmax_harness.check.contract import accuracy
from softmax_harness.check.contract.accuracy import Stream
from softmax_harness.ground.formats import FORMATS
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.subjects.catalogue import catalogue
from softmax_harness.subjects.subject import Subject


class Slow:
    """Makes its calls slowly, and tells whether it is at one."""

    def __init__(self, caller):
        self.caller, self.is_busy, self.calls = caller, False, 0

    def serve(self, requests):
        self.is_busy, self.calls = True, self.calls + 1
        time.sleep(0.1)  # long enough for the stream to be closed while a call is made
        replies = self.caller.serve(requests)
        self.is_busy = False
        return replies


def test_no_call_is_made_any_more_when_it_is_closed(monkeypatch):
    monkeypatch.setattr(accuracy, "_ELEMENTS_TOGETHER", 1)
    held, answered = [], Stream._answered

    def kept(stream):
        """The same, which somebody else refers to, as a tracer or an exception may."""
        held.append(answered(stream))
        return held[-1]

    monkeypatch.setattr(Stream, "_answered", kept)
    plain = Subject.here(
        catalogue()["max-shifted"], Problem.of(OPERATIONS["softmax"], FORMATS["float32"])
    )
    slow = Slow(plain.caller)
    subject = Subject(plain.declaration, plain.problem, slow)
    recipes = [Recipe(FAMILIES["normal-10"], FORMATS["float32"], n, 4, 0) for n in (5, 6, 7, 8)]
    with closing(iter(Stream(subject, recipes, True))) as blocks:
        next(blocks)
    calls = slow.calls
    assert not slow.is_busy and calls < len(recipes)
    time.sleep(0.3)  # three calls long: one still under way would be seen
    assert slow.calls == calls
