"""Functions of arrays on a CUDA device: called in a process of their own, and ended there."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from softmax_harness import check
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.subjects.convention import Convention
from softmax_harness.subjects.isolation import Ended, Isolated, Limits, Request

pytestmark = pytest.mark.cuda

KERNELS = Path(__file__).with_name("cuda_kernels.py")
OF_LIBRARIES = """
def torch_softmax(x, axis=-1):
    import torch
    assert isinstance(x, torch.Tensor) and x.is_cuda
    return torch.softmax(x, axis)


def jax_softmax(x, axis=-1):
    import jax
    assert isinstance(x, jax.Array) and {each.platform for each in x.devices()} == {"gpu"}
    wide = x.astype("float32") if x.dtype.itemsize < 4 else x
    return jax.nn.softmax(wide, axis).astype(x.dtype)


def cupy_softmax(x, axis=-1):
    import cupy
    from cupyx.scipy.special import softmax
    assert isinstance(x, cupy.ndarray)
    wide = x.astype("float32") if x.dtype.itemsize < 4 else x
    return softmax(wide, axis=axis).astype(x.dtype)
"""


def needed(library):
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"needs {library}: pip install it for CUDA, then run this file")


@pytest.fixture
def kernels():
    needed("triton")
    return KERNELS


def request(shape=(4, 7), dtype="float32", **how):
    x = np.random.default_rng(0).normal(0, 3, shape).astype(FORMATS[dtype].dtype)
    return Request(Problem.of(OPERATIONS["softmax"], FORMATS[dtype]), (x,), **how)


def softmax(x):
    e = np.exp(x.astype(np.float64) - x.max(axis=-1, keepdims=True).astype(np.float64))
    return e / e.sum(axis=-1, keepdims=True)


def is_right(asked, reply):
    assert reply.faults == (), reply.faults
    error = np.abs(reply.y.astype(np.float64) - softmax(asked.x))
    return bool((error <= 8 * FORMATS[asked.dtype].unit_roundoff).all())


def isolated(path, name, library="torch", seconds=20.0):
    return Isolated(f"{path}:{name}", Limits(seconds), Convention(None, library, "cuda"))


@pytest.mark.parametrize("library", ["torch", "jax", "cupy"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_every_format_comes_and_goes(library, dtype, tmp_path):
    needed(library)
    path = tmp_path / "kernel.py"
    path.write_text(OF_LIBRARIES, encoding="utf-8")
    with isolated(path, f"{library}_softmax", library) as process:
        assert not hasattr(process.load(), "kind")
        for shape in [(4, 7), (3, 2000)]:
            asked = request(shape, dtype, times=3, threads=2)
            (reply,) = process.serve([asked])
            assert is_right(asked, reply)


@pytest.mark.parametrize("name", ["right", "waits", "graph", "compiled"])
def test_what_is_right_on_a_device_is_right(name, kernels):
    with isolated(kernels, name) as process:
        process.load()
        for shape in [(4, 7), (2, 300)]:
            asked = request(shape, times=3)
            (reply,) = process.serve([asked])
            assert is_right(asked, reply)


def test_a_result_that_is_not_waited_for_is_told(kernels):
    with isolated(kernels, "does_not_wait") as process:
        process.load()
        _, reply = process.serve([request(), request()])
    assert [each.kind for each in reply.faults] == ["unfinished"]
    assert "let the stream of the caller wait" in reply.faults[0].message
    assert (reply.y == 0).all()


def test_memory_that_a_graph_writes_again_is_told(kernels):
    with isolated(kernels, "graph_without_copy") as process:
        process.load()
        once, thrice = process.serve([request(), request(times=3)])
    assert is_right(request(), once)
    assert [each.kind for each in thrice.faults] == ["result_overwritten"]


BROKEN = {"writes_far_beyond": "illegal memory access", "asserts": "device-side assert"}


@pytest.mark.parametrize("name, told", BROKEN.items(), ids=BROKEN)
def test_a_broken_device_ends_its_process_and_the_next_has_a_whole_one(name, told, kernels):
    short, long = request(), request((2, 300))
    with isolated(kernels, name) as process:
        process.load()
        with pytest.raises(Ended) as ended:
            process.serve([short, long, short])
        assert len(ended.value.replies) == 1 and is_right(short, ended.value.replies[0])
        assert ended.value.fault.kind == "died" and told in ended.value.fault.message
        assert "\n" not in ended.value.fault.message
        assert "float32 of shape (2, 300)" in ended.value.told
        (reply,) = process.serve([short])
        assert is_right(short, reply)


def test_a_device_that_a_function_of_numpys_arrays_breaks_ends_its_process_too(kernels):
    with Isolated(f"{kernels}:moves_by_itself", Limits()) as process:
        process.load()
        with pytest.raises(Ended, match="illegal memory access"):
            process.serve([request((2, 300))])
        assert is_right(request(), process.serve([request()])[0])


def test_a_kernel_that_computes_for_ever_is_ended(kernels):
    with isolated(kernels, "hangs", seconds=2.0) as process:
        process.limits = Limits(20.0)
        process.load()
        process.serve([request()])
        process.limits = Limits(2.0)
        with pytest.raises(Ended) as ended:
            process.serve([request((2, 300))])
        assert ended.value.fault.kind == "timeout"
        process.limits = Limits(20.0)
        assert is_right(request(), process.serve([request()])[0])


def checked(command, kernels, name, *words):
    given = ("--arrays", "torch", "--device", "cuda", "--dtype", "float32")
    return command("check", f"{kernels}:{name}", *given, *words)


@pytest.mark.parametrize("name, told", BROKEN.items(), ids=BROKEN)
def test_check_has_one_finding_of_a_broken_device(name, told, kernels, command):
    done = checked(command, kernels, name)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    findings = [line for line in done.stdout.splitlines() if told in line]
    assert len(findings) == 1, done.stdout
    assert "died" in done.stdout and "when called with" in done.stdout


def test_check_tells_a_right_kernel_from_wrong_ones(kernels, command):
    few = ("--only", "axes", "--only", "repeats")
    done = checked(command, kernels, "right", *few)
    assert done.returncode == 0, done.stdout + done.stderr
    done = checked(command, kernels, "pads_with_zeros", "--only", "accuracy", "--fail-fast")
    assert done.returncode == 1 and "inaccurate" in done.stdout, done.stdout
    done = checked(command, kernels, "does_not_wait", "--fail-fast")
    assert done.returncode == 1 and "still computing" in done.stdout, done.stdout


def test_a_callable_of_this_process_is_checked_on_a_device():
    torch = pytest.importorskip("torch", reason="pip install torch for CUDA")
    wanted = {"arrays": "torch", "device": "cuda", "dtypes": "float32", "fail_fast": True}
    found = check(torch.softmax, only="accuracy", **wanted)
    assert "torch" in found.text


def test_a_callable_that_breaks_the_device_of_this_process_says_so(kernels, command, tmp_path):
    path = tmp_path / "breaks.py"
    path.write_text(
        "import sys\n"
        f"sys.path.append({str(kernels.parent)!r})\n"
        "from cuda_kernels import writes_far_beyond\n"
        "from softmax_harness import check\n"
        "from softmax_harness.ground.errors import HarnessError\n"
        "try:\n"
        "    check(writes_far_beyond, arrays='torch', device='cuda', dtypes='float32')\n"
        "except HarnessError as error:\n"
        "    print('told:', error)\n",
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, check=False)
    assert "told: called with float32 of shape" in done.stdout, done.stdout + done.stderr
    assert "illegal memory access" in done.stdout


def test_run_times_calls_until_the_device_has_done_them(command, tmp_path):
    needed("torch")
    path = tmp_path / "kernel.py"
    path.write_text(OF_LIBRARIES, encoding="utf-8")
    given = ("--arrays", "torch", "--device", "cuda", "--dtype", "float32", "--family", "normal-1")
    out = tmp_path / "out"
    done = command("run", f"{path}:torch_softmax", *given, "--time", "--asv", "none", "--out", out)
    assert done.returncode == 0, done.stdout + done.stderr
    timings = (out / "timings.csv").read_text(encoding="utf-8").splitlines()
    assert len(timings) > 1 and all("torch_softmax" in line for line in timings[1:])
