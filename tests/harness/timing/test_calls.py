"""Times taken by asv's own runner, without a clone: of registered and of foreign softmaxes."""

import importlib.util
import json
import os
import sys
import tempfile
import threading
import time

import pytest
from softmax_harness.ground.errors import HarnessError
from softmax_harness.operations import OPERATIONS
from softmax_harness.run.options import Options
from softmax_harness.run.selection import select
from softmax_harness.subjects.declaration import Said
from softmax_harness.timing import calls, clock
from softmax_harness.timing.suite import suite
from softmax_harness.timing.tables import TIMINGS
from softmax_implementations import implementations

KERNEL = '''
import json
import resource
import time

import numpy as np


def softmax(x, axis=-1):
    """Writes its page faults into a file, those of the last call but the first."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    y = e / e.sum(axis=axis, keepdims=True)
    softmax.calls += 1
    if softmax.calls == 5:
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
        with open("faults.json", "w") as file:
            json.dump([faults, softmax.calls], file)
    return y


softmax.calls = 0


def compiled(x, axis=-1):
    """Takes long at its first call, and cannot do rows of 1000."""
    if x.shape[-1] == 1000:
        raise ValueError("no rows\\nof 1000")
    if not hasattr(compiled, "is_warm"):
        compiled.is_warm = True
        time.sleep(0.2)
    return softmax(x, axis)
'''


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with a kernel; one round of two lengths."""
    pytest.importorskip("asv_runner", reason="pip install 'softmax-harness[asv]'")
    (tmp_path / "kernel.py").write_text(KERNEL, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(calls, "ROUNDS", 2)
    monkeypatch.setattr(calls, "LENGTHS", (1000, 100_000))
    return tmp_path


def test_registered_and_foreign_softmaxes_are_timed_in_turns(here):
    told = []
    wanted = {"max-shifted": ["float64", "float32"], "kernel.py:softmax": ["float64"]}
    table = calls.time_calls(wanted, lambda *progress: told.append(progress))
    assert tuple(table.columns) == TIMINGS
    assert table[["implementation", "dtype", "n"]].to_numpy().tolist() == [
        ["kernel.py:softmax", "float64", 1000],
        ["kernel.py:softmax", "float64", 100_000],
        ["max-shifted", "float32", 1000],
        ["max-shifted", "float32", 100_000],
        ["max-shifted", "float64", 1000],
        ["max-shifted", "float64", 100_000],
    ]
    assert (table["seconds_q25"] <= table["seconds_median"]).all()
    assert (table["seconds_median"] <= table["seconds_q75"]).all()
    assert (table["seconds_q25"] > 0).all() and (table["repeats"] >= 2 * 3).all()
    assert (table["failure"] == "").all()
    assert told[0] == ("timing, round 1 of 2", 0, 12)
    assert told[-1] == ("timing, round 2 of 2", 11, 12)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator: run it on Linux")
def test_what_is_timed_uses_its_freed_memory_again(here):
    """Else each of three arrays of 800 kB would come in 195 new pages."""
    calls.time_calls({"kernel.py:softmax": ["float64"]}, lambda *progress: None)
    faults, number = json.loads((here / "faults.json").read_text())
    assert number == 5 and faults < 50


def test_start_up_is_no_part_of_a_time_and_a_failure_is_told(here, tmp_path, monkeypatch):
    """Nothing is written meanwhile that a killed process would leave."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    written = set()
    table = calls.time_calls(
        {"kernel.py:compiled": ["float32"]},
        lambda *progress: written.update(os.listdir(tmp_path / "tmp")),
    )
    assert not written
    failed, timed = table.iloc[0], table.iloc[1]
    assert failed["failure"] == "ValueError: no rows of 1000" and failed["repeats"] == 0
    assert failed[["seconds_median", "seconds_q25", "seconds_q75"]].isna().all()
    assert timed["seconds_q75"] < 0.2  # which the first call sleeps, and no other


def test_an_interrupt_while_a_request_begins_leaves_nobody_waiting(here, monkeypatch):
    """The thread that gives a benchmark up would else hold the command up for two minutes."""
    started = threading.Timer.start
    timers = []

    def interrupted(timer):
        started(timer)
        timers.append(timer)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Timer, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        calls.time_calls({"max-shifted": ["float32"]}, lambda *progress: None)
    assert timers and all(timer.daemon and timer.finished.is_set() for timer in timers)


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="Windows has no groups of processes")
def test_what_a_timed_kernel_has_started_ends_with_its_process(here):
    starts = "import subprocess\nsleep = subprocess.Popen(['sleep', '600'])\n"
    starts += "open('pids', 'a').write(f'{sleep.pid} ')\n"
    (here / "starting.py").write_text(starts + KERNEL, encoding="utf-8")
    calls.time_calls({"starting.py:softmax": ["float32"]}, lambda *progress: None)
    pids = [int(pid) for pid in (here / "pids").read_text().split()]
    assert pids
    until = time.monotonic() + 5
    while left := [pid for pid in pids if is_alive(pid)]:
        assert time.monotonic() < until, left
        time.sleep(0.02)


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_neighbours_in_time_are_of_one_dtype_and_length():
    each = [(name, dtype, n) for name in "abc" for dtype in ("f", "g") for n in (1, 10)]
    forwards, backwards = (calls._in_turns(each, way) for way in (False, True))
    assert [call[0] for call in forwards] == list("abc" * 4)
    assert [call[0] for call in backwards] == list("cba" * 4)
    assert [call[1:] for call in forwards] == [call[1:] for call in backwards]


def test_as_many_begin_at_once_as_there_are_cores(monkeypatch):
    """And what fails as it begins is told of its first call."""
    told = []

    class Fake:
        def __init__(self, name):
            self.name = name

        def send(self, request):
            told.append(f"{request['name']} begins")

        def receive(self):
            told.append(f"{self.name} has begun")
            return {"error": "no"} if self.name == "b" else {"samples": [1.0]}

    monkeypatch.setattr(calls, "usable_cores", lambda: 2)
    firsts = {name: (name, "float32", 10) for name in "abc"}
    requests = {call: {"name": name} for name, call in firsts.items()}
    failed = calls._begun({name: Fake(name) for name in "abc"}, firsts, requests)
    assert failed == {firsts["b"]: {"error": "no"}}
    assert told == [
        "a begins", "b begins", "a has begun", "b has begun", "c begins", "c has begun"
    ]  # fmt: skip


def test_without_asvs_runner_nothing_is_timed_and_it_is_said_at_once(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "asv_runner" else found(name)
    )
    with pytest.raises(HarnessError, match=r"asv_runner is not .*: pip install 'softmax-harn"):
        select(Options(("max-shifted",), time=True))


def test_every_operation_is_timed_with_its_operands(here, monkeypatch):
    """Of attention, which has some numbers for each logit, on fewer rows."""
    monkeypatch.setattr(calls, "ROUNDS", 1)
    monkeypatch.setattr(calls, "LENGTHS", (100,))
    for operation, name in (("cross_entropy", "from-logits"), ("attention", "shifted")):
        (row,) = calls.time_calls({name: ["float32"]}, lambda *progress: None, operation).iloc
        assert tuple(row[["operation", "implementation"]]) == (operation, name)
        assert row["failure"] == "" and row["seconds_median"] > 0
        logits = 100 * max(1, 1000 // OPERATIONS[operation].numbers_per_logit)
        assert row["ns_per_element"] == pytest.approx(1e9 * row["seconds_median"] / logits)


def test_the_clock_reads_again_where_it_waited_meanwhile(monkeypatch):
    """Else a sample that begins so would be too short by the wait, and the least of all."""
    waits, readings = iter([1.0, 5.0, 5.0]), iter([10.0, 14.25])
    monkeypatch.setattr(clock, "_waited", lambda counter: next(waits))
    monkeypatch.setattr(clock.time, "perf_counter", lambda: next(readings))
    now = clock.seconds()
    monkeypatch.undo()
    assert now == 14.25 - 5.0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a child is forked, as asv's forkserver does")
def test_the_clock_goes_on_and_knows_its_own_process():
    before, start = clock.seconds(), time.perf_counter()
    while time.perf_counter() < start + 0.01:
        pass
    passed = clock.seconds() - before
    assert 0 < passed <= time.perf_counter() - start + 0.001
    clock._counter(os.getpid(), 0)
    held = clock._counter.cache_info().currsize
    child = os.fork()
    if child == 0:
        misses = clock._counter.cache_info().misses
        clock.seconds()
        os._exit(clock._counter.cache_info().misses == misses)
    assert held == 1 and os.waitpid(child, 0)[1] == 0


def test_a_suite_of_another_operation_calls_with_its_operands():
    """One that has them in another order is called by name; a worse one errs more."""

    def smoothed(target, smoothing, x, axis=-1):
        right = implementations("label_smoothing")["compensated"]
        return right(x, target, smoothing, axis=axis)

    def worse(x, target, smoothing, axis=-1):
        return smoothed(target, smoothing, x, axis) * x.dtype.type(1.01)

    found = {"right": smoothed, "worse": worse}
    made = suite(*found, find=found.get, operation="label_smoothing")()
    for name in found:
        made.time_softmax(name, "float32", 10)
    right, wrong = (made.track_max_ulp(name, "float32", "normal-10") for name in found)
    assert right < 16 and wrong > 1e4


def test_asv_tells_the_suites_of_a_file_apart(tmp_path, monkeypatch):
    discovery = pytest.importorskip(
        "asv_runner.discovery", reason="pip install 'softmax-harness[asv]'"
    )
    folder = tmp_path / "two_suites"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "file.py").write_text(
        "from softmax_harness.timing import suite\n"
        'Softmax = suite("naive", dtypes=("float32",))\n'
        'Losses = suite("exact", dtypes=("float64",), operation="cross_entropy")\n',
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    names = [each.name for each in discovery.disc_benchmarks("two_suites")]
    assert len(set(names)) == len(names) == 6
    for name, dtype in (("Softmax", "float32"), ("Losses", "float64")):
        found = discovery.get_benchmark_from_name(str(folder), f"file.{name}.track_max_ulp")
        assert found.params[1] == [repr(dtype)]


# Half an ulp of x - max x, which is at most 2^7 in normal-10, in ulp of its exponential: 2^7 - 1
# times 2^-24 of 2^-23 at most, and the roundings that come after.
SHIFTED = 2**6 + 4


def test_a_function_of_a_library_is_timed_and_judged_by_its_signature(kernels):
    pytest.importorskip("asv_runner", reason="pip install 'softmax-harness[asv]'")
    names = [f"{kernels}:{name}" for name in ("right", "beyond", "gone")]
    made = suite(*names, signature="f32 rows,n", lengths=(10,))()
    assert made.time_softmax.params[1:] == [["float32"], [10]]
    right, beyond, gone = names
    made.time_softmax(right, "float32", 10)
    made.peakmem_softmax(right, "float32")
    assert made.track_max_ulp(right, "float32", "normal-10") < SHIFTED
    with pytest.raises(HarnessError, match="wrote beyond its result y"):
        made.track_max_ulp(beyond, "float32", "normal-10")
    with pytest.raises(NotImplementedError, match="has no .*gone"):
        made.time_softmax(gone, "float32", 10)
    with pytest.raises(HarnessError, match="say by --signature"):
        suite(right)
    loss = suite(f"{kernels}:logsumexp", signature="f32 x,n -> f32", operation="logsumexp")()
    loss.time_softmax(f"{kernels}:logsumexp", "float32", 10)
    assert loss.track_max_ulp(f"{kernels}:logsumexp", "float32", "normal-10") < 2


def test_a_run_times_a_function_of_a_library(here, kernels):
    name, said = f"{kernels}:right", Said(signature="f32 rows,n")
    table = calls.time_calls({name: ["float32"], "max-shifted": ["float32"]}, ignored, said=said)
    own = table[table["implementation"] == name]
    assert (own["failure"] == "").all() and (own["seconds_median"] > 0).all() and len(own) == 2


def test_a_function_of_arrays_is_timed_with_them(tmp_path, monkeypatch):
    pytest.importorskip("asv_runner", reason="pip install 'softmax-harness[asv]'")
    pytest.importorskip("torch", reason="pip install torch, then run this file")
    kernel = "import torch\n\ndef softmax(x):\n    return torch.softmax(x, -1)\n"
    (tmp_path / "of_tensors.py").write_text(kernel, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    name = "of_tensors:softmax"
    made = suite(name, arrays="torch", device="cpu", dtypes=("float32",), lengths=(10,))()
    made.time_softmax(name, "float32", 10)
    assert made.track_max_ulp(name, "float32", "normal-10") < SHIFTED


def ignored(*progress):
    """Progress that nobody looks at."""
