"""What the tests of all rooms share."""

import importlib
import os
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack, chdir, contextmanager, nullcontext
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from unittest.mock import patch

# The hundreds of processes of the tests do no linear algebra: OpenBLAS starts no threads in them.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Each finds compiled what another has imported before it. Where the environment forbids that, each
# would compile NumPy, pandas and Matplotlib for itself.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Memory that is given back to the system is cleared by it before it is had again, which takes long.
os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(1 << 29))
os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(1 << 25))

# What they install is compiled where it is used.
os.environ.setdefault("PIP_NO_COMPILE", "1")

import pytest
from hypothesis import HealthCheck, settings
from softmax_harness.check.contract import accuracy, parts, repeats, suite, truths
from softmax_harness.check.contract.truths import keep_truths, kept_truths
from softmax_harness.cli import main
from softmax_harness.inputs.families import FAMILIES, Recipe, planes
from softmax_harness.inputs.suites import SUITES
from softmax_harness.operations import OPERATIONS, Inputs

HAS_CUDA = Path("/dev/nvidiactl").exists()
NEEDS_CUDA = (
    "needs a CUDA device: run python -m pytest -m cuda where nvidia-smi lists one, with torch, "
    "triton, jax and cupy for CUDA"
)


def pytest_addoption(parser):
    """Offer to ask right kernels all that `check` asks."""
    told = "ask right kernels the whole contract, not a ninth of it each"
    parser.addoption("--whole-contract", action="store_true", help=told)


def pytest_configure(config):
    """Say what the marks of the tests mean."""
    config.addinivalue_line("markers", "slow: takes long, and so begins before the others")
    config.addinivalue_line("markers", "together(name): needs the truths that others of it need")
    config.addinivalue_line("markers", "cuda: needs a CUDA device, and is skipped where none is")
    config.addinivalue_line("markers", "place(number): of this test among those of its kind")
    if getattr(config.option, "numprocesses", None):
        # In a new environment its processes would each compile them, at the same time.
        for name in ("hypothesis", "jinja2", "matplotlib.pyplot", "pandas", "scipy.special"):
            importlib.import_module(name)


def pytest_collection_modifyitems(items):
    """The slow ones first, so that several processes end together; what shares truths in a row."""
    if not HAS_CUDA:
        for item in items:
            if item.get_closest_marker("cuda"):
                item.add_marker(pytest.mark.skip(reason=NEEDS_CUDA))
    firsts = {}
    for place, item in enumerate(items):
        firsts.setdefault(_shared_by(item), place)
    items.sort(key=lambda i: (i.get_closest_marker("slow") is None, firsts[_shared_by(i)]))


# Files that need the same truths, which each process of pytest keeps for itself.
_TOGETHER = {
    f"tests/{file}": group
    for group, files in (
        ("softmax", ("implementations/test_contract.py", "mutants/test_mutants.py")),
        ("others", ("implementations/test_operations.py", "mutants/operations/test_kernels.py")),
    )
    for file in files
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Files one by one, but those together that need the same truths."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Together(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file = super()._split_scope(nodeid)
            return _TOGETHER.get(file, file)

    return Together(config, log)


def _shared_by(item):
    """The name under which others need the same truths; a test's own where none do."""
    mark = item.get_closest_marker("together")
    return item.nodeid if mark is None else mark.args[0]


# How long an example takes is no matter of a test: these machines are shared.
settings.register_profile("any-time", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-time")


@pytest.fixture(scope="session")
def root():
    """The project's root."""
    return Path(__file__).parents[1]


@pytest.fixture(scope="session")
def truths_kept():
    """The suite's inputs and their truth are found once for all that are checked in a process."""
    longest = suite.LONG[-1]
    make = Recipe._whole_block
    kept = lru_cache(4096)(make)  # blocks: the suite in four dtypes has half as many

    def block(recipe, start):
        return make(recipe, start) if recipe.n > longest else kept(recipe, start).copy()

    given = Recipe.inputs
    kept_inputs = lru_cache(4096)(
        lambda recipe, name, start: given(recipe, OPERATIONS[name], start)
    )

    def inputs(recipe, operation, start):
        if recipe.n > longest or OPERATIONS.get(operation.name) is not operation:
            return given(recipe, operation, start)
        x, operands = kept_inputs(recipe, operation.name, start)
        return Inputs(x.copy(), tuple(each.copy() for each in operands))

    keep_truths(48 << 20)  # elements, of some 45 bytes each: the suite in four dtypes has less
    with patch.multiple(Recipe, _whole_block=block, inputs=inputs):
        yield
    keep_truths(0)


@pytest.fixture
def few_shrunk(request):
    """Each ninth test has the witnesses of findings made small, which no kind depends on.

    Which of them, the test's own mark says: ``place(7)``. The first of each nine is none of them,
    since one has a row of 65,537, which mpmath takes seconds to judge.
    """
    (place,) = request.node.get_closest_marker("place").args
    with nullcontext() if place % 9 == 1 else patch.object(accuracy, "smallest", lambda *of: None):
        yield


@pytest.fixture
def third_of_contract(request):
    """Each third set of rows that the suite asks, and each third of the other calls.

    Which of the three thirds, a mark says, ``place(7)``, the first where there is none; all of
    them ``place(None)``.
    """
    with one_of_parts(request, 3):
        yield


@pytest.fixture
def ninth_of_contract(request):
    """As `third_of_contract`, for what is right: many such kernels have every part in turn.

    All of it where pytest is called with ``--whole-contract``, as one job of CI does.
    """
    with nullcontext() if request.config.getoption("whole_contract") else one_of_parts(request, 9):
        yield


@pytest.fixture
def long_axes():
    """Of the cases of the contract those along an axis of more than 300."""
    cases_of = parts.cases_of

    def long_ones(*of):
        return tuple(each for each in cases_of(*of) if each.shape[each.arrangement.axis] > 300)

    with patch.object(parts, "cases_of", long_ones):
        yield


@contextmanager
def one_of_parts(request, count):
    """Meanwhile the contract has one of so many parts of its rows, cases and repeats."""
    mark = request.node.get_closest_marker("place")
    place = 0 if mark is None else mark.args[0]
    some = slice(None) if place is None else slice(place % count, None, count)
    recipes, cases_of, requests = parts.recipes, parts.cases_of, repeats.requests
    with (
        patch.multiple(
            parts,
            recipes=lambda *of: list(recipes(*of))[some],
            cases_of=lambda *of: cases_of(*of)[some],
        ),
        patch.object(repeats, "requests", lambda *of: requests(*of)[some]),
    ):
        yield


@pytest.fixture(scope="session")
def command():
    """The command as a user types it, in a process of its own: ``command("list")``."""

    def run(*words, cwd=None, environment=None, timeout=None):
        argv = [sys.executable, "-c", "from softmax_harness.cli import main; main()", *words]
        return subprocess.run(
            list(map(str, argv)),
            check=False,
            capture_output=True,
            text=True,
            cwd=cwd,
            env=os.environ | (environment or {}),
            timeout=timeout,
        )

    return run


NINTH = """
from softmax_harness.check.contract import parts
from softmax_harness.cli import main
recipes, cases_of = parts.recipes, parts.cases_of
parts.recipes = lambda *of: list(recipes(*of))[::9]
parts.cases_of = lambda *of: cases_of(*of)[::9]
main()
"""


@pytest.fixture(scope="session")
def ninth_command():
    """The words that begin the command, for which the contract has a ninth of rows and cases.

    As where it is installed, the working folder is not searched first.
    """
    return [sys.executable, "-P", "-c", NINTH]


@pytest.fixture(scope="session")
def once(tmp_path_factory):
    """What is dear to make is made once for all processes of pytest: ``once("run", make)``.

    ``make(folder)`` fills a folder, which is given back and must be left as it is.
    """
    top = tmp_path_factory.getbasetemp()
    shared = top.parent if "PYTEST_XDIST_WORKER" in os.environ else top

    def made(name, make):
        folder = shared / f"once-{name}"
        with held(shared / f"once-{name}.lock"):
            if not folder.exists():
                half = tmp_path_factory.mktemp(name) / "half"
                half.mkdir()
                make(half)
                half.rename(folder)
        return folder

    return made


@pytest.fixture(scope="session")
def kernels(root, once):
    """The library of the C functions of tests/harness/subjects/kernels.c."""
    if shutil.which("cc") is None:
        pytest.skip("needs a C compiler: install gcc or clang as cc")

    def make(folder):
        source = root / "tests" / "harness" / "subjects" / "kernels.c"
        words = ["cc", "-O1", "-shared", "-fPIC", "-pthread", "-o", folder / "kernels.so"]
        subprocess.run([*words, source, "-lm"], check=True)

    return once("kernels", make) / "kernels.so"


@contextmanager
def held(lock, seconds=600):
    """While the folder `lock` is there, whoever asks for it waits."""
    for _ in range(10 * seconds):
        try:
            lock.mkdir()
            break
        except FileExistsError:
            time.sleep(0.1)
    else:
        raise TimeoutError(f"{lock} is held for more than {seconds} s")
    try:
        yield
    finally:
        lock.rmdir()


@pytest.fixture
def called(capfd):
    """The command in this process, for what needs none of its own: ``called("list")``."""

    def run(*words, cwd="."):
        capfd.readouterr()
        code = code_of_command(words, cwd)
        return subprocess.CompletedProcess(words, code, *capfd.readouterr())

    return run


def code_of_command(words, cwd="."):
    """Run the command in this process, and give its exit code; what it keeps is forgotten."""
    argv = ["softmax-harness", *map(str, words)]
    with ExitStack() as here:
        here.enter_context(patch.object(sys, "argv", argv))
        here.enter_context(patch.dict(os.environ))
        here.enter_context(patch.object(truths._Here, "truths", kept_truths()))
        here.enter_context(chdir(cwd))
        ended = here.enter_context(pytest.raises(SystemExit))
        main()
    return ended.value.code or 0


@pytest.fixture(scope="session")
def run_here():
    """Makes a run in this process: ``run_here(*options, cwd=folder)``."""

    def run(*options, cwd="."):
        assert code_of_command(("run", *options, "--jobs", "1"), cwd) == 0

    return run


@contextmanager
def coarse_planes():
    """Meanwhile the phase maps have a third of their rows in this process."""
    rows = 21
    coarse = {each.name: replace(each, rows=rows) for each in planes.FAMILIES}
    with patch.object(planes, "_ROWS", rows), patch.dict(FAMILIES, coarse):
        yield


def few_lengths():
    """Meanwhile the quick suite has four of its lengths in this process."""
    quick = SUITES["quick"]
    return patch.dict(SUITES, quick=replace(quick, lengths=(1, 17, 100, 1000)))


@pytest.fixture
def coarse_maps():
    """For tests that make inputs of `run_folder` again."""
    with coarse_planes():
        yield


@pytest.fixture(scope="session")
def run_folder(run_here, once):
    """A run with its report: seven softmaxes on a few families in two dtypes.

    The exact one, and those of which the report concludes something: see
    tests/reports/contradicted.py. Its phase maps are coarse, its lengths few.
    """

    def make(folder):
        names = ("exact", "naive", "max-shifted", "wide", "scipy")
        names += ("log-sum-exp", "shifted-log-sum-exp")
        families = "normal-1,normal-10,masked,offset-plane,scale-plane,digits,attention"
        options = ("--dtype", "float16,float32", "--family", families, "--asv", "none")
        with coarse_planes(), few_lengths():
            run_here(*names, *options, "--out", folder / "out")

    return once("run", make) / "out"
