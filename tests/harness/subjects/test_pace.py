"""How fast an implementation is: what is timed, and what follows for calls in groups."""

import os
import sys
from dataclasses import replace

import numpy as np
import pytest
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.subjects import timed
from softmax_harness.subjects.declaration import described
from softmax_harness.subjects.isolation import Ended, Isolated, Limits
from softmax_harness.subjects.pace import Pace
from softmax_harness.subjects.request import Reply
from softmax_harness.subjects.subject import Subject
from softmax_harness.subjects.timed import timed_pace
from softmax_harness.subjects.waiting import waited

from .asked import request


def subject(caller):
    problem = Problem.of(OPERATIONS["softmax"], FORMATS["float64"])
    return Subject(described("mine", {"dtypes": ("float64",)}, ""), problem, caller)


class Clocked:
    """Answers at once; its calls take, by a clock of its own, what `seconds` says."""

    def __init__(self, seconds, monkeypatch):
        self.now, self.seconds, self.shapes = 0.0, seconds, []
        monkeypatch.setattr(timed.time, "perf_counter", lambda: self.now)
        monkeypatch.setattr(timed, "waited", lambda: 0.0)

    def serve(self, requests):
        for each in requests:
            self.now += self.seconds(each.x, each.x.shape not in self.shapes)
            self.shapes.append(each.x.shape)
        return [Reply(each.x) for each in requests]


class Crowded(Clocked):
    """Waits for a processor most of that time, as on a machine that has much else to do."""

    def waited(self):
        return 0.9 * self.now


def timed_of(seconds, monkeypatch):
    clocked = Clocked(seconds, monkeypatch)
    return timed_pace(subject(clocked), 20.0, 1 << 23, 40.0), clocked


def test_a_fast_one_is_timed_no_further(monkeypatch):
    pace, clocked = timed_of(lambda x, is_new: 3e-4 + 1e-7 * x.size, monkeypatch)
    assert pace == Pace()
    assert len(clocked.shapes) == 5


def test_who_waits_for_a_processor_is_not_slow(monkeypatch):
    crowded = Crowded(lambda x, is_new: 3e-3 + 1e-5 * x.size, monkeypatch)
    assert timed_pace(subject(crowded), 20.0, 1 << 23, 40.0) == Pace()
    crowded = Crowded(lambda x, is_new: 1e-4 * x.size, monkeypatch)
    pace = timed_pace(subject(crowded), 20.0, 1 << 23, 40.0)
    assert pace.per_element == pytest.approx(1e-4, rel=0.1)  # it may have to wait again


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone tells")
def test_a_process_tells_what_it_waited():
    before = waited()
    assert 0.0 <= before <= waited()
    assert waited(os.getpid()) >= 0.0 == waited(2**22 + 1)


@pytest.mark.parametrize("each", [1e-5, 5e-5, 1e-3, 1e-2])
def test_what_an_element_takes_is_told(monkeypatch, each):
    pace, _ = timed_of(lambda x, is_new: each * x.size, monkeypatch)
    assert pace.per_element == pytest.approx(each, rel=0.1)
    assert pace.per_call == pytest.approx(0.0, abs=1e-9)


def test_what_a_call_takes_is_no_matter_of_its_elements(monkeypatch):
    pace, _ = timed_of(lambda x, is_new: 0.4, monkeypatch)
    assert (pace.per_element, pace.per_call) == (0.0, pytest.approx(0.4))


def test_compiling_for_each_shape_is_what_its_first_call_takes(monkeypatch):
    pace, _ = timed_of(lambda x, is_new: 0.5 * is_new + 0.001 + 1e-7 * x.size, monkeypatch)
    assert pace.per_shape == pytest.approx(0.5, rel=1e-3)
    assert pace.per_call == pytest.approx(0.001)
    assert pace.per_element == pytest.approx(1e-7)


@pytest.mark.parametrize("pauses", [[0.3, 0.3], [0, 0, 0, 2.0], [0, 0.02, 0.1, 0.03, 0.02, 0.02]])
def test_pauses_of_the_machine_make_nobody_slow(monkeypatch, pauses):
    left = iter(pauses)
    pace, _ = timed_of(lambda x, is_new: 3e-4 + 1e-8 * x.size + next(left, 0.0), monkeypatch)
    assert pace == Pace()


def test_timing_what_is_very_slow_ends_soon(monkeypatch):
    pace, clocked = timed_of(lambda x, is_new: 0.3 * x.size, monkeypatch)
    assert pace.per_element == pytest.approx(0.3)
    assert clocked.now < 60.0


def sizes(pace, count, elements):
    x = np.zeros((1, elements))
    return [len(some) for some in pace.portions([request(x)] * count)]


def test_groups_of_calls_end_well_within_the_limit():
    assert sizes(Pace(), 70, 10) == [32, 32, 6]
    assert sizes(Pace(per_call=1.0, limit=20.0), 12, 10) == [5, 5, 2]
    assert sizes(Pace(per_element=1e-3, limit=20.0), 6, 2000) == [2, 2, 2]
    assert sizes(Pace(per_element=1.0, limit=20.0), 2, 2000) == [1, 1]


def test_repeats_count_with_every_call_of_theirs():
    often = replace(request(np.zeros((3, 33))), times=1000, threads=4)
    pace = Pace(per_element=1e-5, limit=20.0)  # some 1.4 s for each
    assert [len(some) for some in pace.portions([often] * 4)] == [3, 1]


def test_the_pace_is_told_in_words():
    assert Pace(0.0, 4.84e-5, 20.0).told == "48 µs an element"
    assert Pace(0.25, 1.04e-4, 20.0).told == "100 µs an element and 250 ms a call"
    assert Pace(2.0, 1e-9, 20.0).told == "2 s a call"
    compiling = Pace(1e-3, 1e-5, 20.0, 0.5)
    assert compiling.told == "10 µs an element, 1 ms a call and 500 ms a new shape"
    assert Pace().allows(1000, 1 << 30)


HANGING = """
    import time
    from pathlib import Path

    def softmax(x, axis=-1):
        if x.shape == (1, 20):
            Path(__file__).with_name("hung").open("a").write("x")
            time.sleep(1000)
        return x.copy()
"""


@pytest.fixture
def hanging(tmp_path):
    path = tmp_path / "kernel.py"
    path.write_text("\n".join(line[4:] for line in HANGING.splitlines()))
    return path


def test_of_a_group_the_call_that_hangs_is_blamed_once(hanging):
    asked = [request(np.zeros((1, n))) for n in range(1, 33)]
    with (
        Isolated(f"{hanging}:softmax", Limits(0.5)) as process,
        pytest.raises(Ended, match=r"did not end within 0\.5 s") as ended,
    ):
        subject(process).ask(asked)
    assert ended.value.told == "when called with float64 of shape (1, 20)"
    assert len(ended.value.replies) == 19
    assert hanging.with_name("hung").read_text() == "x"


def test_what_ended_in_a_group_and_not_alone_costs_no_reply(tmp_path):
    path = tmp_path / "kernel.py"
    path.write_text(
        "import os\ncalls = 0\ndef softmax(x, axis=-1):\n    global calls\n    calls += 1\n"
        "    if calls == 4:\n        os._exit(3)\n    return x + calls\n"
    )
    asked = [request(np.zeros((1, n))) for n in range(1, 7)]
    with Isolated(f"{path}:softmax", Limits()) as process:
        replies = subject(process).ask(asked)
    assert [each.y.shape for each in replies] == [(1, n) for n in range(1, 7)]
    assert [each.y[0, 0] for each in replies] == [1, 2, 3, 1, 2, 3]
