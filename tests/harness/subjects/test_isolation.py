"""Foreign code in a process of its own: what crosses the border, and what does not."""

import sys
import textwrap
import threading
from multiprocessing import Pipe

import numpy as np
import pytest
from softmax_harness.ground.errors import BadImplementation, UnknownName
from softmax_harness.subjects.isolation import (
    Ended,
    Fault,
    Isolated,
    Limits,
    blame,
    channel,
    fresh,
    watch,
)
from softmax_harness.subjects.isolation.environment import NoRoom
from softmax_harness.subjects.layouts import LAYOUTS
from softmax_harness.subjects.named import check_name, implementation_named

from .asked import reply_of, request

KERNEL = """
    import os
    import numpy as np
    from softmax_implementations.registry import implementation

    @implementation("mine", dtypes=("float32",), capabilities=("axes",), largest_n={"float32": 10})
    def declared(x, axis=-1):
        '''Declared.'''
        return x

    def flags(x, axis=-1):
        '''Tells how its input lies in memory.'''
        told = [x.flags.c_contiguous, x.flags.writeable, x.flags.aligned, x.ctypes.data % 64 == 0]
        y = np.zeros(x.shape, x.dtype)
        y.ravel()[: 4 + x.ndim] = [*told, *(stride / x.itemsize for stride in x.strides)]
        return y

    def clears(x, axis=-1):
        y = x + 0
        x[...] = 0
        return y

    calls = []

    def clears_and_raises(x, axis=-1):
        calls.append(0)
        y = x + 0
        if len(calls) == 1:
            x[...] = 0
            raise ValueError
        return y

    def once(x, axis=-1):
        if os.path.exists(f"{__file__}.{x.shape[0]}"):
            os._exit(7)
        return x

    class Holder:
        def method(x, axis=-1):
            return x

    number = 3
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    path = tmp_path_factory.mktemp("kernels") / "kernel.py"
    path.write_text(textwrap.dedent(KERNEL), encoding="utf-8")
    return path


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_reach_the_call_as_they_are(kernel, layout):
    x = np.random.default_rng(0).normal(size=(6, 8, 10)).astype(np.float32)
    here = LAYOUTS[layout](x)
    with Isolated(f"{kernel}:flags", Limits()) as process:
        (reply,) = process.serve([request(x, layout=layout)])
    contiguous, writeable, aligned, _, *strides = reply.y.ravel()[:7].tolist()
    assert strides == [stride / 4 for stride in here.strides]
    assert contiguous == here.flags.c_contiguous
    assert writeable == here.flags.writeable
    assert aligned == here.flags.aligned
    same_along = {"broadcast": 0, "repeated": -2, "expanded": -1, "one-number": 1}
    if layout in same_along:
        assert here.strides[same_along[layout]] == 0
    else:
        assert np.array_equal(here, x)


@pytest.mark.parametrize("size", [10, 10_000])  # in the pickle, and behind it
def test_each_of_several_calls_has_the_same_numbers_whatever_is_written_to_them(kernel, size):
    x = np.arange(size, dtype=np.float32)
    with Isolated(f"{kernel}:clears", Limits()) as process:
        replies = process.serve([request(x, layout=None) for _ in range(2)])
    for reply in replies:
        assert (reply.y == x).all()
        assert [fault.kind for fault in reply.faults] == ["input_changed"]


def test_what_a_call_that_raises_has_written_to_is_put_back(kernel):
    x = np.arange(10_000, dtype=np.float32)
    with Isolated(f"{kernel}:clears_and_raises", Limits()) as process:
        first, second = process.serve([request(x, layout=None) for _ in range(2)])
    assert first.refused and (second.y == x).all()


def test_what_several_calls_have_is_sent_once():
    ours, theirs = Pipe()
    x, y = np.arange(10_000.0), np.arange(10_000.0)
    sender = threading.Thread(target=channel.send, args=(ours, [(x, y), (x,), {"x": x}]))
    sender.start()
    (first, other), (second,), last = channel.received(theirs)
    sender.join()
    assert first is second is last["x"] and first is not other
    assert (first == x).all() and (other == y).all()


@pytest.mark.parametrize("size", [0, 10, 300_000])
def test_the_numbers_of_an_answer_are_received_as_they_are(size):
    ours, theirs = Pipe()
    y = np.arange(float(size))
    sent = channel.Answer(b"a line", channel.bytes_of(y))
    sender = threading.Thread(target=channel.send_answer, args=(ours, sent))
    sender.start()
    line, numbers = channel.received_answer(theirs, most=size * 8 + 6)
    sender.join()
    assert line == b"a line" and np.array_equal(np.frombuffer(numbers), y)
    assert not numbers.readonly


@pytest.mark.parametrize("most", [5, 8, 85])
def test_an_answer_that_is_too_long_is_none(most):
    ours, theirs = Pipe()
    channel.send_answer(ours, channel.Answer(b"a line", channel.bytes_of(np.zeros(10))))
    with pytest.raises(OSError):
        channel.received_answer(theirs, most)


def test_what_has_no_size_in_front_is_no_answer():
    ours, theirs = Pipe()
    ours.send_bytes(b"short")
    with pytest.raises(OSError):
        channel.received_answer(theirs, most=100)


def test_what_is_declared_crosses_the_border(kernel):
    with Isolated(f"{kernel}:declared", Limits()) as process:
        found = process.load()
    assert found.summary == "Declared."
    assert found.declared["largest_n"] == {"float32": 10}
    assert implementation_named(f"{kernel}:declared").dtypes == ("float32",)


def test_a_process_that_ended_is_followed_by_a_fresh_one(kernel):
    x = np.zeros((2, 3))
    mark = kernel.with_name("kernel.py.2")
    with Isolated(f"{kernel}:once", Limits()) as process:
        assert process.serve([request(x)])[0].y is not None
        mark.touch()
        with pytest.raises(Ended, match="exit code 7") as ended:
            process.serve([request(x)])
        assert ended.value.told == "when called with float64 of shape (2, 3)"
        mark.unlink()
        assert process.serve([request(x)])[0].y is not None


def test_calls_within_their_limit_have_one_for_all_together(tmp_path):
    path = tmp_path / "slow.py"
    path.write_text("import time\ndef f(x, axis=-1):\n    time.sleep(0.4)\n    return x.copy()\n")
    with Isolated(f"{path}:f", Limits(20.0, total=1.0)) as process:
        for _ in range(2):
            process.renew()
            with pytest.raises(Ended, match="more than 1 s in all") as ended:
                for _ in range(5):
                    process.serve([request(np.zeros((2, 3)))])
            assert ended.value.fault.kind == "timeout"


def test_a_method_of_a_class_can_be_named(kernel):
    with Isolated(f"{kernel}:Holder.method", Limits()) as process:
        assert not isinstance(process.load(), Fault)


@pytest.mark.parametrize(
    "name, told",
    [
        ("kernel.py", "names no function"),
        ("gone.py:f", "no such file"),
        ("a b:c", "no module"),
        (":f", "names no function"),
        ("kernel.py:flag", "no function of kernel.py is named 'flag': expected Holder, "),
        ("kernel.py:flag", "did you mean flags?"),
        ("kernel.py:number", "is a int, not a function"),
        ("no_such_package.kernels:f", "there is no module 'no_such_package'"),
    ],
)
def test_a_name_of_nothing_is_refused_in_one_line(kernel, monkeypatch, name, told):
    monkeypatch.chdir(kernel.parent)
    with pytest.raises(BadImplementation) as refused:
        implementation_named(name)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_name_of_no_form_is_one_of_the_registered():
    with pytest.raises(UnknownName, match="did you mean max-shifted"):
        check_name("max-shiftd")


def test_an_implementation_of_a_missing_library_says_how_to_get_it(tmp_path):
    path = tmp_path / "needs.py"
    path.write_text("import no_such_library\ndef f(x, axis=-1): return x\n")
    found = implementation_named(f"{path}:f")
    assert found.unavailable == "it needs no_such_library: pip install no_such_library"


def test_a_missing_file_beside_the_kernel_is_not_to_be_installed(tmp_path):
    (tmp_path / "helper.py").touch()
    path = tmp_path / "needs.py"
    path.write_text("import helper\ndef f(x, axis=-1): return x\n")
    told = implementation_named(f"{path}:f").unavailable
    assert "helper, which lies beside needs.py" in told
    assert f"PYTHONPATH={tmp_path}" in told and "pip" not in told


ONCE = """
    import os
    import numpy as np
    from pathlib import Path
    mark = Path(__file__).with_suffix(".loaded")
    if mark.exists():
        raise RuntimeError("device is in use")
    mark.touch()

    def good(x, axis=-1):
        if x.ndim == 1:
            os._exit(5)
        return x.copy()
"""


def test_what_can_be_loaded_only_once_is_a_fault_of_it(tmp_path):
    path = tmp_path / "once.py"
    path.write_text(textwrap.dedent(ONCE))
    with Isolated(f"{path}:good", Limits()) as process:
        assert process.serve([request(np.zeros((2, 3)))])[0].y is not None
        with pytest.raises(Ended, match="exit code 5"):
            process.serve([request(np.zeros(3))])
        for _ in range(2):
            with pytest.raises(Ended, match="device is in use") as ended:
                process.serve([request(np.zeros((2, 3)))])
            assert ended.value.fault.kind == "raised"
            assert ended.value.told == "when it was loaded in a fresh process"


def test_a_module_that_dies_when_it_is_loaded_is_refused_in_one_line(tmp_path):
    path = tmp_path / "dies.py"
    path.write_text("import os\nos._exit(7)\n")
    with pytest.raises(BadImplementation, match="died: exit code 7, when it was loaded"):
        implementation_named(f"{path}:f")


def test_foreign_code_in_the_workers_of_a_run_ends_with_them(command, kernel, tmp_path):
    words = ("run", f"{kernel}:declared", "--dtype", "float32", "--family", "ties", "--jobs", "2")
    done = command(*words, "--asv", "none", "--out", tmp_path / "out", timeout=120)
    assert done.returncode == 0, done.stderr


ODD = {
    "texts": "raise RuntimeError('\\ud800\\x1b[31m\\n second')",
    "no_folder": "d = tempfile.mkdtemp(); os.chdir(d); os.rmdir(d); return x.copy()",
    "no_text": "raise type('Odd', (Exception,), {'__str__': lambda self: 1 / 0})()",
}


@pytest.mark.parametrize("name", ODD)
def test_odd_behaviour_is_a_fault_and_no_failure_of_ours(tmp_path, name):
    path = tmp_path / "odd.py"
    path.write_text(f"import os, tempfile\ndef odd(x, axis=-1):\n    {ODD[name]}\n")
    with Isolated(f"{path}:odd", Limits()) as process:
        (reply,) = process.serve([request(np.zeros((2, 3)))])
    assert {fault.kind for fault in reply.faults} <= {"raised", "side_effect"}
    assert reply.faults
    assert all(fault.message.isprintable() for fault in reply.faults)


LIARS = """
    import json, os, struct, time
    import numpy as np
    from softmax_implementations.registry import implementation

    class Liar(np.ndarray):
        shape = property(lambda self: self.told)
        dtype = property(lambda self: np.dtype("float64"))

        def __array_function__(self, *given):
            return True

    class Payload:
        def __reduce__(self):
            return exec, ("import os; os._exit(0)",)

    class Text(str):
        def splitlines(self):
            return [Payload()]

    def liar(y, x):
        y = y.view(Liar)
        y.told = x.shape
        return y

    def other_shape(x, axis=-1):
        return liar(np.zeros(7), x)

    def other_dtype(x, axis=-1):
        return liar(np.zeros(x.shape, np.float32), x)

    def payload(x, axis=-1):
        return liar(np.full(x.shape, Payload(), object), x)

    def right_after_all(x, axis=-1):
        return liar(x.astype(">f8"), x)

    def no_array(x, axis=-1):
        class Claims:
            __class__ = np.ndarray
            shape, dtype = x.shape, x.dtype
        return Claims()

    def long_message(x, axis=-1):
        raise type("E" * 10**6, (Exception,), {})("m" * 10**8)

    def odd_message(x, axis=-1):
        raise type("Odd", (Exception,), {"__str__": lambda self: Text("told")})

    def pipes():
        for name in os.listdir("/proc/self/fd"):
            try:
                if os.readlink(f"/proc/self/fd/{name}").startswith("socket:"):
                    yield int(name)
            except OSError:
                pass

    def closes(x, axis=-1):
        for each in pipes():
            os.close(each)
        return x.copy()

    def writes(x, data):
        for each in pipes():
            os.write(each, data)
        return x.copy()

    def garbage(x, axis=-1):
        return writes(x, b"\\xff" * 100)

    def half_an_answer(x, axis=-1):
        writes(x, struct.pack("!i", 100))
        time.sleep(1000)  # no more comes, and waiting takes nothing of the processor

    def endless_answer(x, axis=-1):
        return writes(x, struct.pack("!i", 2**31 - 1))

    def forged(x, axis=-1):
        answer = json.dumps({"replies": [[True, [[1, 2]]]]}).encode()
        return writes(x, struct.pack("!i", len(answer)) + answer)

    @implementation("odd", limits={"max_ulp": np.float64(3), "max_relative": np.int64(2)})
    def numbers(x, axis=-1):
        return x

    @implementation("worse", limits={"max_ulp": Payload()})
    def no_numbers(x, axis=-1):
        return x
"""


@pytest.fixture(scope="module")
def liars(tmp_path_factory):
    path = tmp_path_factory.mktemp("liars") / "liars.py"
    path.write_text(textwrap.dedent(LIARS), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "name, kind, told",
    [
        ("other_shape", "wrong_shape", "returned shape (7,)"),
        ("other_dtype", "wrong_dtype", "returned float32"),
        ("payload", "wrong_dtype", "returned object"),
        ("no_array", "wrong_type", "returned Claims"),
        ("long_message", "raised", "raised EEE"),
        ("odd_message", "raised", "raised Odd: told"),
    ],
)
def test_what_a_result_says_of_itself_is_not_believed(liars, name, kind, told):
    reply = reply_of(liars, name, np.zeros((2, 3)))
    (fault,) = reply.faults
    assert (reply.y, fault.kind) == (None, kind)
    assert told in fault.message
    assert len(fault.message) < 1000


def test_a_result_of_a_class_of_its_own_is_judged_by_its_numbers(liars):
    x = np.arange(6.0).reshape(2, 3)
    reply = reply_of(liars, "right_after_all", x)
    assert reply.faults == () and type(reply.y) is np.ndarray
    assert reply.y.dtype == x.dtype and reply.y.dtype.isnative
    assert np.array_equal(reply.y, x)


@pytest.mark.skipif(sys.platform != "linux", reason="it finds the pipe by way of /proc")
@pytest.mark.parametrize(
    "name", ["closes", "garbage", "half_an_answer", "endless_answer", "forged"]
)
def test_who_breaks_the_pipe_of_the_judge_has_died(liars, monkeypatch, name):
    monkeypatch.setattr(fresh, "_SECONDS_OF_AN_ANSWER", 0.1)
    with pytest.raises(Ended) as ended:
        reply_of(liars, name, np.zeros((2, 3)), Limits(2.0))
    assert ended.value.fault.kind == ("timeout" if name == "half_an_answer" else "died")


def test_declarations_cross_the_border_as_plain_data(liars):
    assert implementation_named(f"{liars}:numbers").limits == {"max_ulp": 3, "max_relative": 2}
    with pytest.raises(BadImplementation, match="cannot hold a Payload"):
        implementation_named(f"{liars}:no_numbers")


def test_an_idle_process_that_dies_is_noticed(tmp_path):
    path = tmp_path / "timer.py"
    path.write_text(
        "import os, threading\n"
        "def timer(x, axis=-1):\n"
        "    threading.Timer(0.1, os._exit, [4]).start()\n"
        "    return x.copy()\n"
    )
    x = np.zeros((2, 3))
    with Isolated(f"{path}:timer", Limits()) as process:
        with pytest.raises(Ended, match="died"):
            for _ in range(100_000):
                process.serve([request(x)])
        assert process.serve([request(x)])[0].y is not None


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone limits memory as it is used")
def test_what_ends_everything_is_no_fault_of_an_implementation():
    fault = Fault("died", "its process died")
    assert blame(fault, Limits()) is fault
    with pytest.raises(NoRoom, match="--memory-limit 1,") as refused:
        blame(fault, Limits(memory=1 << 20))
    assert "\n" not in str(refused.value)


def test_what_a_module_lacks_is_no_matter_of_limits():
    fault = Fault("unavailable", "it needs what is not there")
    assert blame(fault, Limits(memory=1 << 20)) is fault


def test_a_function_that_was_replaced_is_told_by_name(monkeypatch):
    before = watch.state()
    assert watch.changes(before) == []
    monkeypatch.setattr(np.linalg, "norm", np.linalg.det)
    monkeypatch.delattr(np, "exp")
    (told,) = watch.changes(before)
    assert told == "changed a function of another module: numpy.exp, numpy.linalg.norm"


def test_a_number_that_was_drawn_is_told():
    before = watch.state()
    np.random.random()
    assert watch.changes(before) == ["changed the state of the random generators"]
