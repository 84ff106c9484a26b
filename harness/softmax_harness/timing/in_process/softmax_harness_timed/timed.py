"""The suite of `run --time`; what it times stands in the environment of the process."""

from functools import partial

from softmax_harness.timing.calls import callable_named, wanted_here
from softmax_harness.timing.suite import suite

_wanted = wanted_here()
Softmax = suite(
    *_wanted["names"],
    find=partial(callable_named, operation=_wanted["operation"], said=_wanted["said"]),
    dtypes=tuple(_wanted["dtypes"]),
    lengths=tuple(_wanted["lengths"]),
    operation=_wanted["operation"],
)
