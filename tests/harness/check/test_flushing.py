"""What flushes subnormal results to 0 is told so, with its size, even where that is allowed."""

import numpy as np
import pytest
from softmax_harness.check.contract.elements import asked_of, judge
from softmax_harness.check.contract.flushing import Flushing
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.subjects.named import subject_named


@pytest.mark.parametrize("flushes", [True, False])
def test_flushed_results_are_counted_where_they_are_no_fault(flushes):
    problem = Problem.of(OPERATIONS["softmax"], FORMATS["float32"])
    subject = subject_named("max-shifted", problem)
    x = np.array([[0.0, -90.0, -95.0, -200.0], [0.0, -1.0, -2.0, -3.0]], np.float32)
    asked, y = asked_of(subject, x), np.array(subject.call(x).values)
    y[y < FORMATS["float32"].smallest_normal] = 0.0
    seen = Flushing()
    seen.see(judge(asked, y, flushes))
    told = [(kind, text.split(" ulp")[0]) for kind, text in seen.reported]
    worst = np.exp(-90.0) / 2.0**-149
    expected = f"takes subnormal numbers for 0: 2 results are wrong for that, up to {worst:.4g}"
    assert told == ([("flushed_subnormal", expected)] if flushes else [])
