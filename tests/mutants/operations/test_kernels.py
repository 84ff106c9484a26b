"""`check` of every operation: faulty kernels fail for their reason, right ones pass."""

import importlib.util
import inspect
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import softmax_faults.operations
from softmax_faults.labels import listed
from softmax_harness.check.contract import Contract
from softmax_harness.check.contract.checking import verdict
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.subjects.call import answered
from softmax_harness.subjects.declaration import described
from softmax_harness.subjects.subject import Subject

from ..telling import telling_first

pytestmark = [pytest.mark.usefixtures("truths_kept"), pytest.mark.slow]
FOLDER = Path(softmax_faults.operations.__path__[0])
NAMES = (
    "logsumexp",
    "cross_entropy",
    "cross_entropy_gradient",
    "gradient",
    "softmax_masked",
    "softmax_temperature",
    "log_softmax",
)
DTYPES = ("float32", "float16", "float64")
# All but the repeats, of which nothing here but `structure.same_buffer` has a fault.
PARTS = ("accuracy", "layouts", "axes", "batches", "permutations", "shapes", "integers")
HALVES = (
    ("accuracy", "batches"),
    ("accuracy", "layouts", "axes", "permutations", "shapes", "integers"),
)


@dataclass(frozen=True)
class InThisProcess:
    """Calls a function in this process, on arrays laid out as is asked for."""

    function: object

    def serve(self, requests):
        """Make the calls."""
        with np.errstate(all="ignore"):
            return [answered(self.function, each.call, Exception) for each in requests]


def loaded(path):
    """A file as a module."""
    specification = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def functions(name):
    """The public functions of an operation's file."""
    module = loaded(FOLDER / f"{name}.py")
    own = [each for each in vars(module).values() if inspect.isfunction(each)]
    return [f for f in own if f.__module__ == module.__name__ and not f.__name__.startswith("_")]


def found_as(function):
    """As what its fault is found, and where."""
    return listed("Found as", function.__doc__)


def judged(function, operation, dtype, **how):
    """The verdict of `check` on a plain function of this process."""
    problem = Problem.of(OPERATIONS[operation], FORMATS[dtype])
    declaration = described(function.__name__, None, "", operation)
    subject = Subject(declaration, problem, InThisProcess(function), is_plain=True)
    return verdict(subject, Contract((dtype,), operation=operation, **how))


def one_of(names, place):
    """One of the names, the next at the next place."""
    return (names[place % len(names)],)


def is_right(function):
    return function.__name__.startswith("right")


def of_kernels(operation, *values, name, place=0):
    """A parameter of a test; those of an operation come in a row, and share what is true."""
    marks = pytest.mark.together(f"kernels of {operation}"), pytest.mark.place(place)
    return pytest.param(operation, *values, id=f"{operation}-{name}", marks=marks)


def taken_by(function):
    """The formats in which a right kernel is right: all, unless it says otherwise."""
    return listed("dtypes", function.__doc__) or (*DTYPES, "bfloat16")


ALL = [(name, function) for name in NAMES for function in functions(name)]
FAULTY = [
    of_kernels(name, function, name=function.__name__, place=place)
    for place, (name, function) in enumerate(ALL)
    if not is_right(function)
]
# Those of an operation in one format, the next in the next, each in a ninth of the contract: every
# second one has batches, which take as long as all else that is no accuracy, the others the rest.
RIGHT = [
    of_kernels(
        name, function, dtype, HALVES[place % 2], name=f"{function.__name__}-{dtype}", place=place
    )
    for place, (name, function) in enumerate(each for each in ALL if is_right(each[1]))
    for dtype in one_of(listed("dtypes", function.__doc__) or DTYPES, NAMES.index(name))
]


@pytest.mark.parametrize("operation", NAMES)
def test_there_are_enough_of_them(operation):
    right = [is_right(function) for name, function in ALL if name == operation]
    assert sum(right) >= 3 and len(right) - sum(right) >= 10


@pytest.mark.parametrize("operation, function", FAULTY)
@pytest.mark.usefixtures("few_shrunk")
def test_a_faulty_kernel_fails_for_the_right_reason(operation, function):
    (dtype, *_) = listed("dtypes", function.__doc__) or ("float32",)
    families = listed("families", function.__doc__)  # those that find what comes late, to save time
    named = found_as(function)
    parts = ("accuracy",) if families else telling_first(PARTS, named)
    result = judged(function, operation, dtype, fail_fast=True, parts=parts, families=families)
    assert result.verdict == "fail"
    kinds = {finding.kind for finding in result.findings}
    assert not named or kinds & {*named}, result.findings


# Where formats differ most: rounding twice, masks, the ends of exp's domain, a moving maximum.
FAMILIES = ("normal-10", "near-ties", "rising", "masked", "offset-positive", "uniform-wide")


@pytest.mark.parametrize("dtype", (*DTYPES, "bfloat16"))
@pytest.mark.parametrize("operation", NAMES)
@pytest.mark.usefixtures("third_of_contract")
def test_right_kernels_pass_in_each_format(operation, dtype):
    """All of an operation, which share what is true, on the families that tell formats apart."""
    if dtype == "bfloat16":
        pytest.importorskip("ml_dtypes", reason="pip install ml_dtypes")
    for name, function in ALL:
        if name == operation and is_right(function) and dtype in taken_by(function):
            found = judged(function, operation, dtype, parts=("accuracy",), families=FAMILIES)
            assert found.verdict == "pass", (function.__name__, found.findings)
            assert found.elements > 300


@pytest.mark.parametrize("operation, function, dtype, parts", RIGHT)
@pytest.mark.usefixtures("ninth_of_contract")
def test_a_right_kernel_passes(operation, function, dtype, parts):
    result = judged(function, operation, dtype, parts=parts)
    assert result.verdict == "pass", result.findings


@pytest.mark.parametrize("seed", [1, 3])
@pytest.mark.parametrize("operation", NAMES)
@pytest.mark.usefixtures("long_axes")
def test_a_sum_one_by_one_along_another_axis_passes_with_other_seeds_too(operation, seed):
    """As NumPy adds there; of softmax see tests/implementations/test_contract.py."""
    right = next(function for name, function in ALL if name == operation and is_right(function))
    result = judged(right, operation, "float32", parts=("axes",), seed=seed)
    assert result.verdict == "pass", result.findings


def of_structure():
    """Each third fault apart from the numbers, of the first right kernel of each operation."""
    for place, name in enumerate(NAMES):
        right = next(function for owner, function in ALL if owner == name and is_right(function))
        for fault in functions("structure")[place % 3 :: 3]:
            yield of_kernels(name, right, fault, name=fault.__name__)


OF_ONE_PART = [
    of_kernels(name, each, name=each.__name__)
    for name in OPERATIONS
    if (FOLDER / f"{name}.py").exists()
    for each in functions(name)
    if " in " in "".join(found_as(each))
]


@pytest.mark.parametrize("operation, function", OF_ONE_PART)
def test_a_fault_that_one_part_of_the_contract_shows_is_found_there(operation, function):
    kind, part = found_as(function)[0].split(" in ")
    result = judged(function, operation, "float32", fail_fast=True, parts=(part,))
    assert kind in {finding.kind for finding in result.findings}


@pytest.mark.parametrize("operation, right, fault", list(of_structure()))
def test_a_fault_apart_from_the_numbers_is_found_in_its_part(operation, right, fault):
    def kernel(*arguments, axis=-1):
        return fault(right, *arguments, axis=axis)

    kinds, part = re.search(r"Found as: ([\w, ]+) in (\w+)", fault.__doc__).groups()
    result = judged(kernel, operation, "float32", fail_fast=True, parts=(part,))
    assert {*kinds.split(", ")} & {finding.kind for finding in result.findings}
