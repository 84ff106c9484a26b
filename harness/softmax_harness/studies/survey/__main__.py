"""What ``make survey`` runs: every library in its environment, then the tables and the page.

``python -m softmax_harness.studies.survey --environments DIR --out DIR [--device cuda] [--jobs N]
[--only LIBRARY]``.
Units that are measured already, with the same versions on the same processor, are kept.
"""

from __future__ import annotations

import argparse
import datetime
import resource
import sys
from pathlib import Path

from softmax_harness.ground.errors import HarnessError
from softmax_harness.studies.survey.environments import LIBRARIES, ON_DEVICE, done, tasks
from softmax_harness.studies.survey.gathered import about, tables, write
from softmax_harness.studies.survey.stored import all_kept

_GROUPS = [group for each in (LIBRARIES, *ON_DEVICE.values()) for group in each.values()]
_KNOWN = list(dict.fromkeys(name for group in _GROUPS for name in group))


def main() -> int:
    """The exit code: 1 where a library could not be measured, 2 where the request was wrong."""
    parser = argparse.ArgumentParser(prog="python -m softmax_harness.studies.survey")
    parser.add_argument("--environments", type=Path, required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--device", default="", choices=list(ON_DEVICE))
    parser.add_argument("--jobs", type=int, default=2, metavar="N")
    parser.add_argument("--only", action="append", default=[], choices=_KNOWN, metavar="LIBRARY")
    given = parser.parse_args()
    units = given.environments / "-".join(filter(None, ("units", given.device)))
    failed: dict[str, str] = {}
    todo = tasks(given.environments, tuple(given.only), given.device)
    for task, told in done(todo, units, given.jobs):
        print(f"{task.name}: {told or 'done'}", flush=True)
        if told:
            failed[task.name] = told
    try:
        found = all_kept(units)
    except HarnessError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    given.out.mkdir(parents=True, exist_ok=True)
    write(tables(found), about(found, failed, f"{datetime.date.today()}"), given.out)
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"processor time: {spent.ru_utime + spent.ru_stime:.0f} s; tables in {given.out}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
