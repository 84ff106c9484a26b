"""Processes that are forks of a template: as good as fresh ones, and none outlives its parent."""

import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest
from softmax_harness.subjects.isolation import (
    Ended,
    Fault,
    Isolated,
    Limits,
    forked,
    fresh,
)
from softmax_harness.subjects.named import implementation_named

from .asked import gone, is_there, reply_of, request, said

STARTERS = """
    import os, subprocess, sys, time
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context
    import numpy as np

    SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]

    def told(x, *pids):
        y = np.zeros(x.shape)
        y[: len(pids)] = pids
        return y

    def pool(x, axis=-1, kept=[]):
        kept.append(ProcessPoolExecutor(2, get_context("fork")))
        done = [kept[0].submit(time.sleep, 0.01) for _ in range(4)]
        [each.result() for each in done]
        return told(x, *kept[0]._processes)

    def program(x, axis=-1, kept=[]):
        kept.append(subprocess.Popen(SLEEP, start_new_session=True))
        return told(x, kept[0].pid)

    def orphan(x, axis=-1):
        ours, theirs = os.pipe()
        if not os.fork():
            os.write(theirs, str(subprocess.Popen(SLEEP).pid).encode())
            os._exit(0)
        os.wait()
        return told(x, int(os.read(ours, 20)))

    def hidden(x, axis=-1):
        ours, theirs = os.pipe()
        if not os.fork():
            os.setsid()
            os.write(theirs, str(subprocess.Popen(SLEEP).pid).encode())
            os._exit(0)
        os.wait()
        return told(x, int(os.read(ours, 20)))

    def dies(x, axis=-1):
        pool(x)
        os._exit(5)

    def none(x, axis=-1):
        return told(x, os.getppid())
"""


@pytest.fixture(scope="module")
def starters(tmp_path_factory):
    path = tmp_path_factory.mktemp("starters") / "starters.py"
    path.write_text(textwrap.dedent(STARTERS), encoding="utf-8")
    return path


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells which processes there are")
@pytest.mark.parametrize("name, count", [("pool", 2), ("program", 1), ("orphan", 1), ("none", 0)])
def test_processes_that_a_kernel_leaves_behind_are_told_and_end(starters, name, count):
    with Isolated(f"{starters}:{name}", Limits()) as process:
        (reply,) = process.serve([request(np.zeros(4))])
        faults = process.left_behind()
    pids = [int(each) for each in reply.y if each]
    if not count:
        assert faults == []
        return
    told = f"left {count} process{'es' if count > 1 else ''} behind"
    assert faults == [Fault("side_effect", told)]
    if name == "program":  # in a session of its own: it ends with the template, later
        os.kill(pids[0], signal.SIGKILL)
    assert all(gone(pid) for pid in pids)


@pytest.mark.skipif(sys.platform != "linux", reason="they end with the template")
def test_a_template_takes_with_it_what_hid_itself(starters, monkeypatch):
    monkeypatch.setattr(forked._Here, "template", None)
    replies = [reply_of(starters, name, np.zeros(4)) for name in ("hidden", "program")]
    forked._Here.template.end()
    assert all(gone(int(reply.y[0])) for reply in replies)


LOOKS = """
    import numpy as np
    import os, random, sys

    def told(x, text):
        y = np.zeros(x.shape)
        y[: len(text)] = [ord(each) for each in text]
        return y

    def once(x, axis=-1):
        np.seen = getattr(np, "seen", 0) + 1
        return told(x, str(np.seen))

    def folder(x, axis=-1):
        return told(x, os.getcwd())

    def variable(x, axis=-1):
        return told(x, os.environ.get("TOLD", "none"))

    def searched(x, axis=-1):
        return told(x, "yes" if "/told" in sys.path else "no")

    def number(x, axis=-1):
        return told(x, str(os.getpid()))

    def parent(x, axis=-1):
        return told(x, str(os.getppid()))

    def drawn(x, axis=-1):
        return told(x, f"{random.random()} {np.random.random()}")

    def dies(x, axis=-1):
        os.abort()
"""


@pytest.fixture(scope="module")
def looks(tmp_path_factory):
    path = tmp_path_factory.mktemp("looks") / "looks.py"
    path.write_text(textwrap.dedent(LOOKS), encoding="utf-8")
    return path


def said_afresh(path, function):
    """The same, from a process that has just begun."""
    with Isolated(f"{path}:{function}", Limits()) as process:
        return said(process)


def test_an_implementation_sees_nothing_of_the_one_before(looks):
    assert said_afresh(looks, "once") == said_afresh(looks, "once") == "1"
    assert not hasattr(np, "seen")


def test_random_states_are_of_their_own(looks):
    random.seed(1)
    np.random.seed(1)
    drawn = [said_afresh(looks, "drawn").split() for _ in range(3)]
    assert len({each for pair in drawn for each in pair}) == 6


def test_a_process_begins_where_its_parent_is_now(looks, tmp_path, monkeypatch):
    said_afresh(looks, "once")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOLD", "changed")
    monkeypatch.syspath_prepend("/told")
    assert said_afresh(looks, "folder") == str(tmp_path)
    assert said_afresh(looks, "variable") == "changed"
    assert said_afresh(looks, "searched") == "yes"
    monkeypatch.undo()
    assert said_afresh(looks, "folder") == os.getcwd() != str(tmp_path)
    assert said_afresh(looks, "variable") == "none"
    assert said_afresh(looks, "searched") == "no"


def test_a_file_that_is_new_is_found(tmp_path, monkeypatch):
    """Of a folder that was searched before, with no look at when it was changed."""
    monkeypatch.chdir(tmp_path)
    for number in range(3):
        (tmp_path / f"new_{number}.py").write_text("def f(x, axis=-1): return x\n")
        assert implementation_named(f"new_{number}:f").unavailable is None


def test_a_signal_is_told_by_its_name(looks):
    with Isolated(f"{looks}:dies", Limits()) as process, pytest.raises(Ended, match="SIGABRT"):
        said(process)


def test_processes_at_once_are_apart(looks):
    with (
        Isolated(f"{looks}:once", Limits()) as one,
        Isolated(f"{looks}:once", Limits()) as other,
        Isolated(f"{looks}:number", Limits()) as number,
    ):
        assert [said(one), said(one), said(other), said(one)] == ["1", "2", "1", "3"]
        other.close()
        assert [said(one), said(other)] == ["4", "1"]
        pid = int(said(number))
        assert pid != os.getpid()
        assert is_there(pid)
    assert not is_there(pid)


linux = pytest.mark.skipif(sys.platform != "linux", reason="forks of a template: Linux alone")


@linux
def test_processes_are_forks_of_one_template(looks):
    parents = {said_afresh(looks, "parent") for _ in range(3)}
    assert len(parents) == 1
    assert parents != {str(os.getpid())}


@linux
def test_a_template_that_died_is_replaced(looks):
    with Isolated(f"{looks}:parent", Limits()) as process:
        first = int(said(process))
        os.kill(first, signal.SIGKILL)
        assert gone(first)
        with pytest.raises(Ended, match="died"):
            said(process)
        second = int(said(process))
    assert second != first
    assert said_afresh(looks, "parent") == str(second)


@linux
def test_a_process_outlives_the_thread_that_began_it(looks):
    os.kill(int(said_afresh(looks, "parent")), signal.SIGKILL)  # so that the thread begins another
    with Isolated(f"{looks}:once", Limits()) as process:
        thread = threading.Thread(target=said, args=[process])
        thread.start()
        thread.join()
        time.sleep(0.2)
        assert said(process) == "2"


PARENT = """
import os, signal, sys
from multiprocessing import get_context

from asked import said
from softmax_harness.subjects.isolation import Isolated, Limits

path, end = sys.argv[1:]

def begin():
    pair = Isolated(f"{path}:number", Limits()), Isolated(f"{path}:parent", Limits())
    print(*map(said, pair), flush=True)
    return pair

one, other = begin()
if end == "fork":
    process = get_context("fork").Process(target=begin)
    process.start()
    process.join()
    said(one)
if end == "interrupt":
    with one, other:
        os.kill(os.getpid(), signal.SIGINT)
if end == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
"""


@linux
@pytest.mark.parametrize("end", ["leave", "interrupt", "fork", "kill"])
def test_nothing_is_left_when_the_parent_ends(looks, end):
    search = os.pathsep.join([os.path.dirname(__file__), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", PARENT, str(looks), end],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": search},
        timeout=60,
    )
    pids = [int(each) for each in done.stdout.split()]
    assert len({*pids}) == (4 if end == "fork" else 2), done.stderr
    if end == "kill":
        assert all(gone(pid) for pid in pids)
    else:  # it has waited for them
        assert not any(is_there(pid) for pid in pids)


NO_TEMPLATE = {
    "none": (fresh, "can_fork", lambda: False),
    "one that ends at once": (forked, "_command", lambda descriptor: [sys.executable, "-c", ""]),
}


@pytest.mark.parametrize("name", NO_TEMPLATE)
def test_without_a_template_a_process_is_spawned(looks, monkeypatch, name):
    monkeypatch.setattr(forked._Here, "template", None)
    monkeypatch.setattr(*NO_TEMPLATE[name])
    with Isolated(f"{looks}:parent", Limits()) as process:
        assert said(process) == str(os.getpid())
    with Isolated(f"{looks}:dies", Limits()) as process, pytest.raises(Ended, match="SIGABRT"):
        said(process)
