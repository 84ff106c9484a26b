"""asv's benchmarks of the implementations.

Two commits are compared by one judge. asv takes these files from the checkout for both commits,
and so must come what they measure with, `softmax_harness`: else a change of the benchmarks'
sizes would shift the parameters between the commits, and a change of the metric would look like
one of the implementations. What is measured, `softmax_implementations`, is the installed one.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
