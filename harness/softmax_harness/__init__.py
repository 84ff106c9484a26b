"""Judges softmaxes: how wrong they are, where they overflow or underflow, how fast they are.

    import softmax_harness

    print(softmax_harness.score(y, x))
    print(softmax_harness.explain(2.0, 1.0, 0.1))
    print(softmax_harness.check(my_softmax))
    print(softmax_harness.run("max-shifted", dtypes="float32"))

Each does what the verb of that name does in the command, and gives back what can be printed, shown
in a notebook, and taken as a table. `softmax_harness.testing` is for tests. Nothing is loaded
before it is used.
"""

import sys
from typing import TYPE_CHECKING

from softmax_harness.api.lazily import Package

if TYPE_CHECKING:
    from softmax_harness.api.checking import check
    from softmax_harness.api.explaining import explain
    from softmax_harness.api.running import run
    from softmax_harness.api.scoring import score

    __version__: str

__all__ = ["__version__", "check", "explain", "run", "score", "testing"]

sys.modules[__name__].__class__ = Package
