"""Kills a run at random moments, starts it again each time, and compares what it ends in.

    python tests/program/go_on_after_kills.py --kills 20

The run and its workers are killed, which leaves them no moment to clean up, until so many kills are
made; whenever a run comes to its end, all that it wrote is compared with what the same run wrote
that nobody killed, byte for byte. It then begins anew in an empty folder.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

COMMAND = (sys.executable, "-c", "from softmax_harness.cli import main; main()")
RUN = (
    *("run", "max-shifted", "naive", "--dtype", "float16,float32"),
    *("--family", "normal-1,normal-10,masked,digits", "--jobs", "2"),
)
SMALL = ("run", "max-shifted", "--dtype", "float16", "--family", "normal-10", "--jobs", "1")


@dataclass
class Seen:
    """What was seen of a run that is killed again and again.

    Attributes
    ----------
    kills, ends : int
        How often it was killed, and how often it came to its end.
    found : list of int
        How many finished units each start found.
    faults : list of str
        What differs from the run that nobody killed.
    """

    kills: int = 0
    ends: int = 0
    found: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def files(folder: Path) -> dict[str, bytes]:
    """What a run wrote; the report tells when it was made, and so is none of it."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.csv"))}


def started(words: tuple[str, ...], out: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, *words, "--out", str(out)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def killed_again_and_again(words: tuple[str, ...], kills: int, place: Path, seed: int) -> Seen:
    """Kill the command so many times, and let it end at last."""
    draw, seen = random.Random(seed), Seen()
    began = time.monotonic()
    assert started(words, place / "whole").wait() == 0, "the run ended with an error"
    seconds, whole = time.monotonic() - began, files(place / "whole")
    turn = 0
    while seen.kills < kills or not seen.ends:
        out = place / f"out-{turn}"
        units = place / f"out-{turn}.units"
        seen.found.append(len(list(units.glob("*.unit"))) if units.is_dir() else 0)
        process = started(words, out)
        moment = seconds * draw.uniform(0.1, 1.0) if seen.kills < kills else None
        with suppress(subprocess.TimeoutExpired):
            process.wait(moment)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            seen.kills += 1
            continue
        seen.ends += 1
        turn += 1
        if process.returncode != 0:
            seen.faults.append(f"exit code {process.returncode}")
        elif files(out) != whole:
            names = [name for name, data in files(out).items() if whole.get(name) != data]
            seen.faults.append(f"other bytes in {', '.join(names) or 'files that lack'}")
        if units.exists():
            seen.faults.append(f"{units.name} is left")
    return seen


def main() -> None:
    """Print what was seen; exit with 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        seen = killed_again_and_again(RUN, given.kills, Path(place), given.seed)
    print(f"killed {seen.kills} times, came to its end {seen.ends} times")
    print(f"units found at each start: {seen.found}")
    print("\n".join(seen.faults) or "every end was the same, byte for byte")
    sys.exit(1 if seen.faults else 0)


if __name__ == "__main__":
    main()
