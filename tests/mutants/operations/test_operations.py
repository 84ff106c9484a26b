"""Who checks the checker of other operations: faulty kernels fail for their reason, right pass."""

import importlib.util
import inspect
import re
from pathlib import Path

import pytest
import softmax_faults.operations
from softmax_harness.ground.formats import FORMATS

FOLDER = Path(softmax_faults.operations.__path__[0])
FAMILIES = ("normal-1", "normal-10", "masked", "rising", "uniform-wide", "offset-negative")
LENGTHS = (1, 2, 8, 33, 100, 300)


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


def listed(label, function):
    """The words after ``label:`` in a docstring."""
    found = re.search(rf"{label}: ([\w, ]+)", function.__doc__)
    return tuple(found[1].split(", ")) if found else ()


def questions(dtype, seed=0):
    """What attention is asked."""
    for n in LENGTHS[::-1]:
        for family in FAMILIES:
            yield judging.asked("attention", family, dtype, n, seed=seed)


FAULTY = functions(FOLDER / "attention.py")
RIGHT = functions(FOLDER / "attention_right.py")


def test_there_are_enough_of_them():
    assert len(FAULTY) >= 10 and len(RIGHT) >= 4


@pytest.mark.parametrize("function", FAULTY, ids=lambda each: each.__name__)
def test_a_faulty_attention_fails_for_the_right_reason(function):
    kinds = {*listed("Found as", function)}
    for dtype in listed("dtypes", function) or ("float32",):
        blocks = (judging.judged(function, asked) for asked in questions(dtype))
        assert any(kinds & {*found.kinds()} for found in blocks), dtype


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("function", RIGHT, ids=lambda each: each.__name__)
def test_a_right_attention_passes(function, dtype):
    for asked in questions(dtype):
        found = judging.judged(function, asked)
        assert not found.is_fault.any(), (found.kinds(), found.worst(found.kinds()[0]))
