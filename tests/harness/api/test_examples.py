"""The examples in the documentation of what is public."""

import doctest
import importlib

import pytest

MODULES = (
    *(f"softmax_harness.api.{name}" for name in ("checking", "explaining", "running", "scoring")),
    *("softmax_harness.testing", "softmax_harness.testing.strategies"),
)


@pytest.mark.parametrize("name", MODULES)
def test_each_example_gives_what_it_says(name):
    module = importlib.import_module(name)
    done = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert done.attempted and not done.failed
