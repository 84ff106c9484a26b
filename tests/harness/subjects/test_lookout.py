"""An implementation that looks at the harness in whose process it runs is noticed."""

import sys
import textwrap

import numpy as np
import pytest
from softmax_harness.subjects.isolation import Isolated, Limits

from .asked import request

HEAD = """
    import ctypes, gc, importlib, inspect, os, runpy, subprocess, sys, threading
    import numpy as np
    from collections import namedtuple
    from softmax_implementations.max_shifted import max_shifted as right
"""
LOOKING = {
    "imports it": ("import softmax_harness", "imported softmax_harness"),
    "imports a part": (
        "from softmax_harness.subjects.exact import exact_of",
        "imported softmax_harness.subjects.exact",
    ),
    "imports it by importlib": (
        "importlib.import_module('softmax_harness.ground.text')",
        "imported softmax_harness.ground.text",
    ),
    "imports it in a thread": (
        "name = 'softmax_harness.ground.text'\n"
        "thread = threading.Thread(target=importlib.import_module, args=[name])\n"
        "thread.start(); thread.join()",
        "imported softmax_harness.ground.text",
    ),
    "imports it in text": (
        "exec('import softmax_harness.ground.text')",
        "imported softmax_harness.ground.text",
    ),
    "imports it in a fork": (
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    import softmax_harness.ground.text\n"
        "    os._exit(0)\n"
        "os.waitpid(pid, 0)",
        "imported softmax_harness.ground.text",
    ),
    "runs it": (
        "runpy.run_module('softmax_harness.ground.text')",
        "imported softmax_harness.ground",
    ),
    "looks for it among the modules": (
        "sys.modules.get('softmax_harness.subjects.request')",
        "looked for the module softmax_harness.subjects.request",
    ),
    "asks whether it is there": (
        "'softmax_harness' in sys.modules",
        "looked for the module softmax_harness",
    ),
    "asks where it is": (
        "importlib.util.find_spec('softmax_harness')",
        "looked for the module softmax_harness",
    ),
    "reads its files": (
        "open(right.__code__.co_filename.replace('implementations/', 'harness/', 1)\n"
        "     .replace('softmax_implementations/max_shifted', 'softmax_harness/truth/arbiter'))",
        "opened a file of softmax_harness: arbiter.py",
    ),
    "reads the memory of its parent": (
        "open(f'/proc/{os.getppid()}/mem', 'rb').close()",
        "opened the memory of a process",
    ),
    "asks what its parent has in memory": (
        "os.close(os.open(f'/proc/./{os.getppid()}/maps', os.O_RDONLY))",
        "opened the memory of a process",
    ),
    "reads its own memory": ("open('/proc/self/mem', 'rb')", "opened the memory of a process"),
    "reads memory by the C library": (
        "ctypes.CDLL(None).process_vm_readv",
        "asked for process_vm_readv",
    ),
    "traces": ("ctypes.CDLL(None)['ptrace']", "asked for ptrace"),
    "searches objects": (
        "[each for each in gc.get_objects() if 'softmax_harness' in type(each).__module__]",
        "searched the objects of its process (gc.get_objects)",
    ),
    "searches its callers": (
        "sys._getframe(1).f_back.f_locals",
        "looked at the frames of what calls it (sys._getframe)",
    ),
    "inspects its callers": (
        "[each.frame.f_globals for each in inspect.stack()]",
        "looked at the frames of what calls it (sys._getframe)",
    ),
    "searches its callers by an exception": (
        "try:\n"
        "    1 / 0\n"
        "except ZeroDivisionError as error:\n"
        "    error.__traceback__.tb_frame.f_back",
        "looked at the frames of what calls it (tb_frame)",
    ),
    "starts it": (
        "subprocess.run([sys.executable, '-c', 'import softmax_harness.ground.text'])",
        "started a process with softmax_harness in its command",
    ),
}
INNOCENT = {
    "imports much": "import decimal, fractions, multiprocessing, unittest.mock",
    "makes classes": (
        "namedtuple('Two', 'a b')(1, 2)\n"
        "import dataclasses, enum, typing\n"
        "dataclasses.make_dataclass('Three', ['a'])\n"
        "enum.Enum('Four', 'a b')"
    ),
    "warns and logs": (
        "import logging, traceback, warnings\n"
        "warnings.warn('slow')\n"
        "logging.getLogger('kernel').debug('slow', stack_info=True)\n"
        "try:\n"
        "    1 / 0\n"
        "except ZeroDivisionError:\n"
        "    traceback.format_exc()"
    ),
    "asks where code is": "inspect.getmodule(np.exp), inspect.getsource(inspect.getmodule)",
    "lists the modules": (
        "sorted(sys.modules), set(sys.modules), dict(sys.modules)\n"
        "[getattr(each, '__file__', None) for each in list(sys.modules.values())]\n"
        "assert 'numpy' in sys.modules and 'nothing' not in sys.modules"
    ),
    "pickles": "import pickle\npickle.loads(pickle.dumps([np.arange(3), namedtuple]))",
    "counts its memory": "open('/proc/self/maps').read(), open('/proc/meminfo').read()",
    "frees memory": "gc.collect(), gc.get_stats()",
    "calls C": "ctypes.CDLL(None).getpid()",
    "starts a process": "subprocess.run(['true'])",
}


def noticed(tmp_path, code, is_at_import):
    """What is noticed of a kernel that does something in its call or when it is loaded."""
    lines = textwrap.dedent(HEAD).splitlines()
    body = code.splitlines()
    call = [] if is_at_import else [f"    {line}" for line in body]
    lines += [*(body if is_at_import else []), "def softmax(x, axis=-1):", *call]
    lines += ["    return right(x, axis=axis)"]
    path = tmp_path / "kernel.py"
    path.write_text("\n".join(lines))
    with Isolated(f"{path}:softmax", Limits()) as process:
        loaded = process.load()
        (reply,) = process.serve([request(np.zeros((2, 3)))])
    assert reply.y is not None
    return [
        fault.message
        for fault in (loaded.faults if is_at_import else reply.faults)
        if fault.kind == "looks_at_harness"
    ]


linux = pytest.mark.skipif(sys.platform != "linux", reason="has /proc, fork and these calls")


@linux
@pytest.mark.parametrize("name", LOOKING)
def test_who_looks_in_a_call_is_told(tmp_path, name):
    code, told = LOOKING[name]
    assert any(each.startswith(told) for each in noticed(tmp_path, code, is_at_import=False))


@pytest.mark.parametrize("name", ["imports it", "looks for it among the modules"])
def test_who_looks_when_it_is_loaded_is_told(tmp_path, name):
    code, told = LOOKING[name]
    assert any(each.startswith(told) for each in noticed(tmp_path, code, is_at_import=True))


@linux
@pytest.mark.parametrize("name", INNOCENT)
def test_what_honest_kernels_do_is_nothing(tmp_path, name):
    assert noticed(tmp_path, INNOCENT[name], is_at_import=False) == []


def test_its_process_holds_no_truth_and_nothing_by_name(tmp_path):
    path = tmp_path / "kernel.py"
    path.write_text(
        "import sys\n"
        "def softmax(x, axis=-1):\n"
        "    names = [each for each in sys.modules if 'harness' in each or 'mpmath' in each]\n"
        "    return x + len(names)\n"
    )
    with Isolated(f"{path}:softmax", Limits()) as process:
        (reply,) = process.serve([request(np.zeros((2, 3)))])
    assert not reply.y.any()
    assert reply.faults == ()


@pytest.mark.parametrize("name", ["exact", "log_softmax/exact"])
def test_what_the_harness_itself_offers_may_use_it(name):
    with Isolated(name, Limits()) as process:
        assert process.load().faults == ()
        assert process.reports() == []


@pytest.mark.parametrize("place", ["at import", "in a call"])
def test_mpmath_in_a_kernel_is_reported(tmp_path, place):
    path = tmp_path / "kernel.py"
    first, later = ("import mpmath", "pass") if place == "at import" else ("pass", "import mpmath")
    path.write_text(f"{first}\ndef softmax(x, axis=-1):\n    {later}\n    return x.copy()\n")
    with Isolated(f"{path}:softmax", Limits()) as process:
        (reply,) = process.serve([request(np.zeros((2, 3)))])
        (report,) = process.reports()
    assert reply.faults == ()
    assert report.kind == "uses_mpmath"
