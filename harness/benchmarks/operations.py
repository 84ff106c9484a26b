"""Time, peak memory and error of every implementation of the other operations, by asv."""

from pathlib import Path

from softmax_harness.ground.formats import DEFAULT_DTYPES
from softmax_harness.operations import DEFAULT_OPERATION, OPERATIONS, parted
from softmax_harness.timing import declared_names, suite
from softmax_implementations import implementations

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDER = CHECKOUT / "implementations" / "softmax_implementations"
NAMES = [
    f"{operation}/{name}"
    for operation in OPERATIONS
    if operation != DEFAULT_OPERATION
    for name in declared_names(FOLDER, operation)
]


def found(name):
    """The installed implementation; None where there is none of that name."""
    operation, own = parted(name)
    return implementations(operation).get(own)


Softmax = suite(*NAMES, find=found, dtypes=DEFAULT_DTYPES, lengths=(10, 1000))
