"""Functions of arrays of other libraries are given them, and answer in them."""

import gc
import importlib.util
import warnings
from contextlib import nullcontext
from operator import attrgetter

import numpy as np
import pytest
from softmax_harness.ground.adapters import ADAPTERS
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.pytest_plugin import assert_softmax_accurate
from softmax_harness.subjects.arrays import OfArrays
from softmax_harness.subjects.call import answered
from softmax_harness.subjects.convention import Convention
from softmax_harness.subjects.isolation import Ended, Isolated, Limits, Request
from softmax_harness.subjects.isolation.process import _TIMES_TO_START

KERNELS = {
    "torch": """
import sys
import time

import torch
from softmax_implementations.registry import implementation


def softmax(x, axis=-1):
    assert isinstance(x, torch.Tensor) and x.device.type == "cpu"
    return torch.softmax(x, axis)


@implementation("declared", arrays="torch", device="cpu", dtypes=("float32",))
def declared(x, axis=-1):
    return softmax(x, axis)


def masked(x, mask, axis=-1):
    assert mask.dtype == torch.bool
    return softmax(x.masked_fill(~mask, -torch.inf), axis)


def loss(x, target, axis=-1):
    assert target.dtype == torch.int64
    picked = torch.log_softmax(x, axis).gather(axis, target.unsqueeze(axis))
    return -picked.squeeze(axis)


def in_place(x, axis=-1):
    return softmax(x.sub_(x.amax(axis, keepdim=True)), axis)


def shrinks(x, axis=-1):
    y = softmax(x, axis)
    x.resize_(0)
    return y


def same_memory(x, axis=-1):
    return x


def numpys(x, axis=-1):
    return softmax(x, axis).tolist()


def logs(x, axis=-1):
    print("compiling again", file=sys.stderr)
    return softmax(x, axis)


def prints(x, axis=-1):
    print("computing")
    return softmax(x, axis)


def compiles(x, axis=-1):
    if not hasattr(compiles, "is_warm"):
        compiles.is_warm = True
        time.sleep(2.5)
    return softmax(x, axis)
""",
    "jax": """
import jax
import jax.numpy as jnp
import numpy as np
from softmax_implementations.registry import implementation


def softmax(x, axis=-1):
    assert isinstance(x, jax.Array)
    return jax.nn.softmax(x, axis=axis)


@implementation(
    "declared", arrays="jax", device="cpu", dtypes=("float32",), capabilities=("empty", "axes")
)
def declared(x, axis=-1):
    return softmax(x, axis)


def masked(x, mask, axis=-1):
    assert mask.dtype == jnp.bool_
    return softmax(jnp.where(mask, x, -jnp.inf), axis)


def loss(x, target, axis=-1):
    assert jnp.issubdtype(target.dtype, jnp.integer)
    y = jax.nn.log_softmax(x, axis=axis)
    return -jnp.take_along_axis(y, jnp.expand_dims(target, axis), axis).squeeze(axis)
""",
}


OF_TORCH = Convention(None, "torch", "cpu")


@pytest.fixture(params=KERNELS)
def library(request):
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"needs {request.param}: pip install {request.param}, then run this file")
    return request.param


@pytest.fixture
def kernel(library, tmp_path):
    path = tmp_path / "kernel.py"
    path.write_text(KERNELS[library], encoding="utf-8")
    return path


def replies(path, name, library, *arguments, operation="softmax", output=None, **how):
    """What it answers to a call, with the arrays of a library on the processor."""
    format = FORMATS[arguments[0].dtype.name]
    problem = Problem.of(OPERATIONS[operation], format, output or format)
    limits, convention = Limits(20.0), Convention(None, library, "cpu")
    with Isolated(f"{path}:{name}", limits, convention) as process:
        process.load()
        (reply,) = process.serve([Request(problem, arguments, **how)])
    return reply


def softmax(x):
    e = np.exp(x.astype(np.float64) - x.max(axis=-1, keepdims=True).astype(np.float64))
    return e / e.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_every_format_comes_and_goes_without_loss(library, kernel, dtype):
    if FORMATS[dtype].package != "numpy":
        pytest.importorskip(FORMATS[dtype].package)
    x = np.random.default_rng(0).normal(0, 3, (4, 7)).astype(FORMATS[dtype].dtype)
    reply = replies(kernel, "softmax", library, x, times=3, threads=2)
    assert reply.faults == () and reply.y.dtype == x.dtype
    error = np.abs(reply.y.astype(np.float64) - softmax(x))
    assert (error <= 4 * FORMATS[dtype].unit_roundoff).all()


@pytest.mark.parametrize("layout", ["every-other", "fortran", "reversed", "read-only", "broadcast"])
def test_layouts_are_handed_on(library, kernel, layout):
    x = np.zeros((4, 6), np.float32) + np.arange(6, dtype=np.float32)
    reply = replies(kernel, "softmax", library, x, layout=layout)
    assert reply.faults == ()
    np.testing.assert_allclose(reply.y, softmax(x), rtol=1e-6)


def test_operands_are_arrays_too(library, kernel):
    x = np.random.default_rng(0).normal(0, 3, (4, 7)).astype(np.float32)
    mask = np.arange(28).reshape(4, 7) % 3 > 0
    y = replies(kernel, "masked", library, x, mask, operation="softmax_masked").y
    np.testing.assert_allclose(y, softmax(np.where(mask, x, -np.inf)), rtol=1e-5)
    target = np.array([0, 6, 3, 3])
    y = replies(kernel, "loss", library, x, target, operation="cross_entropy").y
    np.testing.assert_allclose(y, -np.log(softmax(x)[np.arange(4), target]), rtol=1e-4)


def test_a_declaration_is_enough_and_the_command_need_not_say_it(called, library, kernel):
    words = ("--dtype", "float32", "--only", "shapes", "--only", "repeats")
    done = called("check", f"{kernel}:declared", *words)
    assert done.returncode == 0 and done.stdout.startswith("pass "), done.stdout + done.stderr
    other = "torch" if library == "jax" else "jax"
    done = called("check", f"{kernel}:declared", *words, "--arrays", other)
    assert done.returncode == 2 and f"leave out --arrays {other}" in done.stderr


def test_the_command_says_which_arrays_and_its_findings_say_it_again(called, library, kernel):
    words = ("check", f"{kernel}:softmax", "--arrays", library, "--device", "cpu")
    done = called(*words, "--dtype", "float32", "--standard", "rounded", "--fail-fast")
    assert done.returncode == 1
    assert f"--arrays {library} --device cpu" in done.stdout
    done = called("check", f"{kernel}:softmax", "--arrays", library, "--device", "tpu:7")
    assert done.returncode == 1 and "has no device 'tpu:7' here" in done.stderr, done.stderr


def test_a_test_may_assert_it_of_a_function_of_arrays(library):
    module = importlib.import_module(library)
    softmax = {"torch": "softmax", "jax": "nn.softmax"}[library]
    function = attrgetter(softmax)(module)
    names = {"torch": "dim", "jax": "axis"}

    def kernel(x, axis=-1):
        return function(x, **{names[library]: axis})

    given = {"families": ("normal-10",), "largest_n": 8, "arrays": library, "device": "cpu"}
    assert_softmax_accurate(kernel, dtype="float32", **given)
    with pytest.raises(AssertionError, match="limit"):
        assert_softmax_accurate(kernel, dtype="float32", limit={"max_ulp": 0.5}, **given)
    with warnings.catch_warnings():  # of files that a library has left open, in no other test
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def torch_alone(library):
    if library != "torch":
        pytest.skip("only tensors can be written to")


def test_what_is_done_to_a_tensor_is_done_to_the_input(library, kernel):
    torch_alone(library)
    x = np.random.default_rng(0).normal(0, 3, (4, 7)).astype(np.float32)
    kinds = [each.kind for each in replies(kernel, "in_place", library, x).faults]
    assert kinds == ["input_changed"]
    # Where the tensor has memory of its own, since the library takes no such strides.
    backwards = replies(kernel, "in_place", library, x, layout="reversed")
    assert [each.kind for each in backwards.faults] == ["input_changed"]
    still = replies(kernel, "in_place", library, x, layout="read-only")
    assert "read-only" in still.faults[0].message
    (fault,) = replies(kernel, "shrinks", library, x).faults
    assert (fault.kind, "to one of shape (0,)" in fault.message) == ("input_changed", True)
    (fault,) = replies(kernel, "same_memory", library, x).faults
    assert fault.kind == "result_overwritten"
    (fault,) = replies(kernel, "numpys", library, x).faults
    assert (fault.kind, fault.message.split()[1]) == ("wrong_type", "list")


def test_a_library_may_log_what_it_does_and_a_kernel_may_not_print(library, kernel):
    torch_alone(library)
    x = np.zeros((2, 3), np.float32)
    problem = Problem.of(OPERATIONS["softmax"], FORMATS["float32"])
    for name, kinds in (("logs", []), ("prints", ["printed"])):
        with Isolated(f"{kernel}:{name}", Limits(), OF_TORCH) as process:
            process.load()
            process.serve([Request(problem, (x,))])
            (reply,) = process.serve([Request(problem, (x,))])
        assert [each.kind for each in reply.faults] == kinds


def test_the_first_call_may_compile(library, kernel):
    torch_alone(library)
    x = np.zeros((2, 3), np.float32)
    problem = Problem.of(OPERATIONS["softmax"], FORMATS["float32"])
    asked = Request(problem, (x,))
    with Isolated(f"{kernel}:compiles", Limits(20.0, total=2.0), OF_TORCH) as process:
        process.load()
        process.limits = Limits(2.0, total=2.0)
        assert process.serve([asked])[0].faults == ()
        assert process.serve([asked])[0].faults == ()
    assert _TIMES_TO_START * 2.0 > 2.5


class Wrapped:
    """An array of a library with one device, on which nothing is done before someone waits."""

    def __init__(self, x):
        self.x = x.copy()


class FakeLibrary:
    """What an adapter does, with a note of each step."""

    ROOTS, IS_WRITABLE = (__name__.partition(".")[0],), True

    def __init__(self):
        self.steps = []

    def from_numpy(self, x, device=None):
        self.steps.append(("to", device))
        return Wrapped(x)

    def to_numpy(self, array):
        return array.x

    def synchronize(self, result, device):
        self.steps.append(("waits", device))

    def enabled(self, arguments):
        return nullcontext()


@pytest.fixture
def fake(monkeypatch):
    library = FakeLibrary()
    monkeypatch.setitem(ADAPTERS, "fake", library)
    return library


def test_arrays_are_made_before_what_is_timed_and_the_device_is_waited_for(fake):
    def function(x, axis=-1):
        fake.steps.append("called")
        return x

    call = Request(
        Problem.of(OPERATIONS["softmax"], FORMATS["float32"]), (np.zeros((2, 3), np.float32),)
    ).call
    timed = OfArrays(function, "fake", "there").alone(call)
    assert fake.steps == [("to", "there")]
    timed()
    timed()
    assert fake.steps[1:] == ["called", ("waits", "there")] * 2


def test_a_device_of_its_own_hides_no_change_of_the_input(fake):
    def function(x, axis=-1):
        x.x[0] = 7
        return Wrapped(np.ones((2, 3), np.float32))

    call = Request(
        Problem.of(OPERATIONS["softmax"], FORMATS["float32"]), (np.zeros((2, 3), np.float32),)
    ).call
    reply = answered(OfArrays(function, "fake", None), call)
    assert [each.kind for each in reply.faults] == ["input_changed"]
    assert (reply.y == 1).all()


class Late(FakeLibrary):
    """A library whose device goes on computing until it is waited for."""

    def to_numpy(self, array):
        return array.x.copy()  # as from a device

    def synchronize(self, result, device):
        result.x[...] = 1


@pytest.mark.parametrize("kind", [Late, FakeLibrary])
def test_a_result_that_is_still_computed_is_told(kind, monkeypatch):
    monkeypatch.setitem(ADAPTERS, "fake", kind())

    def function(x, axis=-1):
        return Wrapped(np.zeros((2, 3), np.float32))

    call = Request(
        Problem.of(OPERATIONS["softmax"], FORMATS["float32"]), (np.zeros((2, 3), np.float32),)
    ).call
    reply = answered(OfArrays(function, "fake", None), call)
    assert [each.kind for each in reply.faults] == ["unfinished"] * (kind is Late)
    assert (reply.y == 0).all()


class OnDevice(FakeLibrary):
    """A library that gives copies of what lies on its device."""

    def to_numpy(self, array):
        return array.x.copy()


def test_memory_on_a_device_that_a_later_call_writes_to_is_told(monkeypatch):
    monkeypatch.setitem(ADAPTERS, "fake", OnDevice())
    one = Wrapped(np.zeros((2, 3), np.float32))

    def static(x, axis=-1):
        one.x[...] = x.x
        return one

    def fresh(x, axis=-1):
        return Wrapped(x.x)

    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    call = Request(Problem.of(OPERATIONS["softmax"], FORMATS["float32"]), (x,), times=3).call
    for function, kinds in ((static, ["result_overwritten"]), (fresh, [])):
        reply = answered(OfArrays(function, "fake", None), call)
        assert [each.kind for each in reply.faults] == kinds


BROKEN = """
import sys
from types import ModuleType


class CUDA:
    lost = False

    @classmethod
    def is_initialized(cls):
        return True

    @classmethod
    def synchronize(cls):
        if cls.lost:
            raise RuntimeError("CUDA error: an illegal memory access\\nwas encountered")


torch = sys.modules["torch"] = ModuleType("torch")
torch.cuda = CUDA


def softmax(x, axis=-1):
    if x.shape[-1] > 5:
        CUDA.lost = True
    CUDA.synchronize()
    return x


def raises(x, axis=-1):
    raise ValueError("no such shape")
"""


def test_a_device_that_a_call_has_broken_ends_the_process(tmp_path):
    path = tmp_path / "kernel.py"
    path.write_text(BROKEN, encoding="utf-8")
    problem = Problem.of(OPERATIONS["softmax"], FORMATS["float32"])
    short, long = (Request(problem, (np.zeros((2, n), np.float32),)) for n in (3, 7))
    with Isolated(f"{path}:softmax", Limits()) as process:
        process.load()
        with pytest.raises(Ended, match="DeviceLost: CUDA error: an illegal memory") as ended:
            process.serve([short, long, short])
        assert len(ended.value.replies) == 1 and ended.value.fault.kind == "died"
        assert "of shape (2, 7)" in ended.value.told
        assert process.serve([short])[0].y is not None
    with Isolated(f"{path}:raises", Limits()) as process:
        process.load()
        (reply,) = process.serve([short])
    assert [each.kind for each in reply.faults] == ["raised"]


def test_processes_leave_memory_and_cores_to_others(tmp_path, monkeypatch):
    monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "as it was")
    path = tmp_path / "kernel.py"
    path.write_text(
        "import os\n"
        "def f(x, axis=-1):\n"
        "    names = ('TORCHINDUCTOR_COMPILE_THREADS', 'XLA_PYTHON_CLIENT_PREALLOCATE')\n"
        "    raise ValueError([os.environ[name] for name in names])\n",
        encoding="utf-8",
    )
    problem = Problem.of(OPERATIONS["softmax"], FORMATS["float32"])
    with Isolated(f"{path}:f", Limits()) as process:
        process.load()
        (reply,) = process.serve([Request(problem, (np.zeros((2, 3), np.float32),))])
    assert "['1', 'as it was']" in reply.faults[0].message


def test_what_hangs_at_its_first_call_is_ended(tmp_path):
    path = tmp_path / "kernel.py"
    path.write_text("import time\ndef f(x, axis=-1): time.sleep(60)\n", encoding="utf-8")
    problem = Problem.of(OPERATIONS["softmax"], FORMATS["float32"])
    with Isolated(f"{path}:f", Limits(0.3)) as process, pytest.raises(Ended, match=r"0\.3 s"):
        process.load()
        process.serve([Request(problem, (np.zeros((2, 3), np.float32),))])
