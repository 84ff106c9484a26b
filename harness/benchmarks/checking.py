"""How long `check` takes for one implementation in one dtype, beyond the start of its processes.

``python harness/benchmarks/checking.py`` prints it; asv tracks it.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from softmax_harness.ground.formats import DEFAULT_DTYPES


def seconds(dtype, parts):
    """The fastest of three checks of max-shifted."""
    from softmax_harness.check.contract import Contract, checked

    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        checked("max-shifted", Contract((dtype,), parts))
        best = min(best, time.perf_counter() - start)
    return best


class Check:
    """The whole suite, less the part that is little but start-up."""

    timeout = 300
    params = DEFAULT_DTYPES
    param_names = ("dtype",)
    unit = "seconds"

    def track_beyond_start_up(self, dtype):
        """Seconds."""
        from softmax_harness.check.contract import PARTS

        return seconds(dtype, PARTS) - seconds(dtype, ("shapes",))


if __name__ == "__main__":
    for dtype in DEFAULT_DTYPES:
        print(f"{dtype}: {Check().track_beyond_start_up(dtype):.2f} s beyond start-up")
