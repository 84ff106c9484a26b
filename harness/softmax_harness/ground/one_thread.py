"""NumPy in one thread, in processes that judge.

Judging multiplies many small matrices. OpenBLAS shares each among threads, which then wait for one
another at full speed: half of the processor time of a check of attention. They cost a tenth of the
start too, and a process with threads forks less safely.
"""

import os
import sys

_THREADS = "OPENBLAS_NUM_THREADS"


def load_numpy_in_one_thread() -> None:
    """Import NumPy so that its OpenBLAS starts no threads, unless it is loaded or threads are set.

    The environment is as before afterwards: implementations that have processes of their own get as
    many threads there as where they are used. Those of this project are called in this process.
    """
    if "numpy" in sys.modules or _THREADS in os.environ:
        return
    os.environ[_THREADS] = "1"
    try:
        import numpy  # noqa: F401 - OpenBLAS looks at the environment when it is loaded
    finally:
        del os.environ[_THREADS]
