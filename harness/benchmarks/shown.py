"""Prints the pattern of the benchmarks whose history the report shows, for ``asv run --bench``.

asv starts a process for each choice of parameters, also for one that it then skips: of a library
that is not installed, of a format that a run does not measure unless it is told to.
"""

import re

from softmax_harness.ground.formats import DEFAULT_DTYPES
from softmax_harness.subjects.named import available

LENGTH = 1000
"""Of the rows that the report compares softmaxes in."""


def pattern():
    """Times at `LENGTH` and largest errors of what can run here, in the formats of a run."""
    names = "|".join(re.escape(each.name) for each in available("softmax"))
    of = rf"\('({names})', '({'|'.join(DEFAULT_DTYPES)})', "
    return rf"^softmax[.]Softmax[.](time_softmax{of}{LENGTH}\)|track_max_ulp{of})"


if __name__ == "__main__":
    print(pattern())
