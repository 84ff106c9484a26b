"""A run brought to its folder, with its report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from softmax_harness.ground.files import replacing
from softmax_harness.run.provenance import provenance
from softmax_harness.run.results import Run, read, write

from softmax_reports.page import write_report


def write_run(run: Run, folder: Path) -> None:
    """Write a run into a folder, in place of an earlier one, with its report.

    Where it comes from is noted, unless it says so itself, as one that was merged does.
    """
    made = run.info.get("made") or provenance(run.info["options"])
    with replacing(folder) as fresh:
        write(replace(run, info=run.info | {"made": made}), fresh)
        write_report(read(fresh), fresh)  # as report will, from what is on disk
