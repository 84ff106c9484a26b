"""Who checks the checker of other operations: faulty kernels fail for their reason, right pass."""

import importlib.util
import inspect
from pathlib import Path

import pytest
import softmax_faults.operations
from softmax_faults.labels import listed

FOLDER = Path(softmax_faults.operations.__path__[0])
FAMILIES = ("normal-1", "normal-10", "masked", "rising", "uniform-wide", "offset-negative")
LENGTHS = (1, 2, 8, 33, 100, 300)
# Of attention the length of the vectors follows from that of the rows: long ones and odd ones.
MORE_LENGTHS = (3, 16, 63, 64, 93, 97, 124)


def loaded(path):
    """A file as a module."""
    specification = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


judging = loaded(Path(__file__).with_name("judging.py"))


def functions(path):
    """The public functions of a file."""
    module = loaded(path)
    own = [each for each in vars(module).values() if inspect.isfunction(each)]
    return [f for f in own if f.__module__ == module.__name__ and not f.__name__.startswith("_")]


def questions(operation, dtype, families=FAMILIES, lengths=LENGTHS):
    """What an operation is asked."""
    for n in lengths[::-1]:
        for family in families:
            yield judging.asked(operation, family, dtype, n)


def kernels(operation):
    """The faulty kernels of an operation, and the right ones; no faults of whole calls."""
    own = functions(FOLDER / f"{operation}.py")
    own = [each for each in own if " in " not in "".join(listed("Found as", each.__doc__))]
    right = FOLDER / f"{operation}_right.py"
    if right.exists():
        return own, functions(right)
    named = [each.__name__.startswith("right") for each in own]
    faulty = [each for each, is_right in zip(own, named, strict=True) if not is_right]
    return faulty, [each for each, is_right in zip(own, named, strict=True) if is_right]


# The other operations are asked all of the contract: see test_kernels.py.
NAMES = (
    "attention",
    "attention_sink",
    "label_smoothing",
    "logsumexp_weighted",
    "log_softmax_gradient",
    "logsumexp_gradient",
)
KERNELS = {name: kernels(name) for name in NAMES}


def each_of(place):
    """The faulty kernels, or the right ones, of each operation."""
    return [
        pytest.param(name, function, id=f"{name}-{function.__name__}")
        for name in NAMES
        for function in KERNELS[name][place]
    ]


@pytest.mark.parametrize("operation", NAMES)
def test_there_are_enough_of_them(operation):
    faulty, right = KERNELS[operation]
    assert len(faulty) >= 10 and len(right) >= 3


@pytest.mark.parametrize("operation, function", each_of(0))
def test_a_faulty_kernel_fails_for_the_right_reason(operation, function):
    kinds = {*listed("Found as", function.__doc__)}
    families = listed("families", function.__doc__) or FAMILIES
    for dtype in listed("dtypes", function.__doc__) or ("float32",):
        asked = questions(operation, dtype, families, (*MORE_LENGTHS, *LENGTHS))
        blocks = (judging.judged(function, each) for each in asked)
        assert any(kinds & {*found.kinds()} for found in blocks), dtype


@pytest.mark.parametrize("dtype", ["float8_e5m2", "float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("operation, function", each_of(1))
def test_a_right_kernel_passes(operation, function, dtype):
    for asked in questions(operation, dtype):
        found = judging.judged(function, asked)
        assert not found.is_fault.any(), (found.kinds(), found.worst(found.kinds()[0]))
