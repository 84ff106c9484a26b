"""A whole run: the sweep, the experiments and the timings, gathered."""

from __future__ import annotations

from concurrent.futures import Executor

from softmax_harness.run.info import info_of
from softmax_harness.run.job import work
from softmax_harness.run.results import Run
from softmax_harness.run.selection import Selection
from softmax_harness.run.sweep import Progress, swept, unseen
from softmax_harness.run.tables import cell_tables, experiment_tables, timing_tables
from softmax_harness.run.witnessing import witness_table


def make_run(selection: Selection, executor: Executor, progress: Progress = unseen) -> Run:
    """Do all that is selected, on any executor; but for times the run is the same, bit for bit.

    Parameters
    ----------
    selection : Selection
        From `softmax_harness.run.selection.select`.
    executor : concurrent.futures.Executor
        Does the jobs: `softmax_harness.ground.workers.Here`, or another that can pickle.
    progress : callable, optional
        Called with what is done, elements judged or softmaxes timed, and their number in all.
    """
    begun = [(job.experiment, executor.submit(work, job)) for job in selection.experiments]
    cells, counts = swept(selection.plan, executor, progress)
    found = ((name, future.result()) for name, future in begun)
    tables = cell_tables(cells)
    tables["witnesses"] = witness_table(tables["results"], executor, selection.options.said)
    tables |= experiment_tables(found) | timing_tables(selection, progress)
    held = {name: table for name, table in tables.items() if len(table)}
    return Run(info_of(selection, cells, counts), held)
