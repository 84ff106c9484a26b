"""The suite of `run --time`; what it times stands in the environment of the process."""

from softmax_harness.timing.calls import callable_named, wanted_here
from softmax_harness.timing.suite import suite

_names, _dtypes, _lengths = wanted_here()
Softmax = suite(*_names, find=callable_named, dtypes=tuple(_dtypes), lengths=tuple(_lengths))
