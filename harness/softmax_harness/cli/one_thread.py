"""Imported before NumPy by verbs that use no linear algebra: OpenBLAS then starts no threads.

They cost a tenth of the start and judge nothing, and a process with threads forks less safely.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
