"""Which part of the time of `softmax-harness score` goes where: one process, part by part."""

import time
from contextlib import ExitStack, contextmanager
from unittest import mock

import numpy as np
from softmax_harness.ground.memory import keep_freed_memory
from softmax_harness.judgement import question
from softmax_harness.judgement.metrics import Metric
from softmax_harness.operations import Policy
from softmax_harness.score import Files, Pair, judging, read_pair, score_document

READING = "reading both files"
SCREEN = "the screen"
CONFIRMATION = "mpmath for the maxima, and the document"
GROUPS = {
    "max_ulp": "errors in ulp and against the input's rounding",
    "max_ulp_probable": "errors in ulp and against the input's rounding",
    "max_vs_input_rounding": "errors in ulp and against the input's rounding",
    "sum_defect": "row sums and distances between distributions",
    "total_variation": "row sums and distances between distributions",
    "kl_divergence": "row sums and distances between distributions",
    "order_inversions": "order of the outputs",
    "argmax_flips": "order of the outputs",
    "wrongly_zero": "order of the outputs",
}
OUTCOMES = "errors of the elements and their outcomes"
TALLY = "sums, percentile and histogram"
PROCESSES = "everything else"


class _Clock:
    """Seconds of each part, those of the parts called inside of it left out."""

    def __init__(self):
        self.seconds = {}
        self._inside = [0.0]

    @contextmanager
    def part(self, name):
        self._inside.append(0.0)
        start = time.perf_counter()
        try:
            yield
        finally:
            whole = time.perf_counter() - start
            own = whole - self._inside.pop()
            self._inside[-1] += whole
            self.seconds[name] = self.seconds.get(name, 0.0) + own

    def timed(self, function, name):
        """`function` as part `name`, which may be a function of its arguments."""

        def call(*given, **named):
            with self.part(name(*given) if callable(name) else name):
                return function(*given, **named)

        return call


def _copied(rows_of):
    """What `rows_of` gives, read now: as it is mapped, whatever looks first would read it."""

    def read(*given):
        return np.array(rows_of(*given))

    return read


def seconds_by_part(x_path, y_path, repeats=4):
    """Seconds of each part of judging a pair of files, each the least of a few passes.

    All in this process, start-up aside.
    """
    passes = [_one_pass(x_path, y_path) for _ in range(repeats)]
    return {name: min(each[name] for each in passes) for name in passes[0]}


def _one_pass(x_path, y_path):
    keep_freed_memory()
    clock = _Clock()
    with ExitStack() as patched:

        def wrap(owner, name, part, function=None):
            found = clock.timed(function or getattr(owner, name), part)
            patched.enter_context(mock.patch.object(owner, name, found))

        wrap(Pair, "_rows_of", READING, _copied(Pair._rows_of))
        wrap(question, "exact_results", SCREEN)
        wrap(judging, "classified", OUTCOMES)
        wrap(judging, "tally", TALLY)
        wrap(Metric, "deciding", lambda metric, *given: GROUPS[metric.name])
        wrap(judging._Arbiter, "confirmed", CONFIRMATION)
        patched.enter_context(mock.patch.object(judging, "usable_cores", lambda: 1))
        with clock.part(PROCESSES):
            scored = judging.score(read_pair(Files(x_path, y_path)), Policy())
        with clock.part(CONFIRMATION):
            score_document(scored)
    return clock.seconds
