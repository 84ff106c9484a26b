"""Ends commands at moments spread over their whole time, and looks at what they leave.

    python tests/program/interrupt_everything.py --moments 30

For each verb and signal, a folder holds files of a user's beside the results of an earlier command.
The command is started there and ended at a moment: by SIGINT to its whole group, as a terminal
sends it, or by SIGTERM or SIGKILL to itself alone. Five seconds later no process of it may be left,
each file of the user's is as it was, and each result is the earlier one or a new one, whole. What
it left beside these is counted too, and is a fault unless it was killed. `bench` finds its
environments made: making them takes most of a minute. With ``--verb environments`` it makes them
at each moment. Linux alone can tell all this.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from softmax_harness.run import results

SECONDS = 5.0
SIGNALS = {"INT": signal.SIGINT, "TERM": signal.SIGTERM, "KILL": signal.SIGKILL}
CODES = {"INT": 130, "TERM": 143, "KILL": -signal.SIGKILL}
COMMAND = (sys.executable, "-c", "from softmax_harness.cli import main; main()")
# What a killed command leaves of this kind, the next one takes away.
UNTIL_NEXT = ("scratch beside", "in TMPDIR")
TAG = "SOFTMAX_HARNESS_MOMENT"

# A kernel with a process of its own, as one with a pool or a compile server has.
KERNEL = """
import subprocess
import numpy as np

sleep = subprocess.Popen(["sleep", "1000"])

def softmax(x, axis=-1):
    with np.errstate(all="ignore"):
        e = np.exp(x - x.max(axis=axis, keepdims=True, initial=-np.inf))
        return e / e.sum(axis=axis, keepdims=True)
"""
LIBRARY = """
#include <math.h>
#include <stddef.h>
void softmax_float32(const float *x, float *y, size_t rows, size_t n) {
    for (size_t k = 0; k < rows; k++, x += n, y += n) {
        float top = x[0], sum = 0;
        for (size_t i = 1; i < n; i++) top = fmaxf(top, x[i]);
        for (size_t i = 0; i < n; i++) sum += y[i] = expf(x[i] - top);
        for (size_t i = 0; i < n; i++) y[i] /= sum;
    }
}
"""
MAKEFILE = "libsoftmax.so: softmax.c\n\tsleep 1\n\tcc -O2 -shared -fPIC -o $@ $< -lm\n"
FAMILY = ("--dtype", "float32", "--family", "normal-10")
DOCUMENTS = ("--json", "c.json", "--junit", "c.xml", "--markdown", "c.md")
CHECK = (
    *("check", "max-shifted", "kernel.py:softmax", "--dtype", "float32", "--only", "layouts"),
    *("--baseline", "b.json", "--update-baseline", *DOCUMENTS),
)
SCORE = ("score", "x.npy", "y.npy", "--json", "s.json")
RUN = ("run", "max-shifted", "kernel.py:softmax", *FAMILY, "--jobs", "2", "--out", "out")
INPUTS = ("inputs", "--dtype", "float16,float32", "--family", "normal-10", "--out", "in")
TEMPLATE = (
    *("bench", "--template", ".", "libsoftmax.so:softmax_float32"),
    *("--signature", "f32 rows,n"),
)
BENCH = (
    *("bench", "base", "head", "--bench", "track_max_ulp|time_softmax.*, 100[)]"),
    *("--build", "make # {moment}", "--json", "n.json", "--markdown", "n.md"),
)


@dataclass(frozen=True)
class Verb:
    """What is ended: the earlier commands, and the one that is ended among their results."""

    earlier: tuple[tuple[str, ...], ...]
    words: tuple[str, ...]
    results: tuple[str, ...]


VERBS = {
    "run": Verb(((*RUN, "--seed", "1"),), RUN, ("out",)),
    "times": Verb(((*RUN, "--seed", "1"),), (*RUN, "--time"), ("out",)),
    "report": Verb((RUN,), ("report", "out"), ("out",)),
    "inputs": Verb(((*INPUTS, "--seed", "1"),), INPUTS, ("in",)),
    "score": Verb((SCORE,), SCORE, ("s.json",)),
    "check": Verb((CHECK,), CHECK, ("b.json", "c.json", "c.xml", "c.md")),
    "bench": Verb((TEMPLATE,), BENCH, ("n.json", "n.md")),
    "environments": Verb((TEMPLATE,), BENCH, ("n.json", "n.md")),
}
_DEFAULT = [name for name in VERBS if name != "environments"]


@dataclass
class Left:
    """What commands that were ended have left, by kind; the first of each is told."""

    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)
    codes: Counter[int] = field(default_factory=Counter)

    def add(self, kind: str, told: str) -> None:
        self.counts[kind] += 1
        self.first.setdefault(kind, told)


def environment(place: Path, tag: str) -> dict[str, str]:
    temporary = place / "tmp"
    temporary.mkdir(exist_ok=True)
    return os.environ | {TAG: tag, "TMPDIR": str(temporary), "OPENBLAS_NUM_THREADS": "1"}


def prepared(name: str, place: Path) -> Path:
    """A folder with a user's files and the results of the earlier commands."""
    folder = place / "before"
    folder.mkdir()
    (folder / "kernel.py").write_text(KERNEL, encoding="utf-8")
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    if name == "score":
        write_arrays(folder)
    if name in ("bench", "environments"):
        write_repository(folder)
    for words in VERBS[name].earlier:
        done = subprocess.run(
            [*COMMAND, *words], cwd=folder, env=environment(place, "earlier"), capture_output=True
        )
        assert done.returncode in (0, 1), done.stderr.decode()
    for result in VERBS[name].results:
        if (folder / result).is_dir():
            (folder / result / "Y.npy").write_text("hours of device time", encoding="utf-8")
            (folder / result / ".git").mkdir()
            (folder / result / ".git" / "config").write_text("mine", encoding="utf-8")
    return folder


def write_arrays(folder: Path) -> None:
    x = np.random.default_rng(0).normal(0, 3, (300_000, 10)).astype(np.float32)
    e = np.exp(x - x.max(-1, keepdims=True))
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", e / e.sum(-1, keepdims=True))


def write_repository(folder: Path) -> None:
    def git(*words: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@b.example")
        subprocess.run(["git", *identity, *words], cwd=folder, check=True)

    git("init", "-q")
    (folder / "Makefile").write_text(MAKEFILE, encoding="utf-8")
    for name in ("base", "head"):
        (folder / "softmax.c").write_text(f"{LIBRARY}// {name}\n", encoding="utf-8")
        git("add", "Makefile", "softmax.c")
        git("commit", "-qm", name)
        git("tag", name)
    (folder / "n.json").write_text("{}", encoding="utf-8")
    (folder / "n.md").write_text("earlier\n", encoding="utf-8")


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file, but for those of asv's environments, and what Python compiles.

    Python leaves that beside the benchmarks of a repository whoever imports them.
    """
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not {".asv", "__pycache__"}.intersection(path.parts)
    }


def tagged(tag: str) -> list[str]:
    """The processes that are there with this tag in their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"{TAG}={tag}".encode() in (path / "environ").read_bytes().split(b"\0"):
                found.append((path / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:200])
    return found


def started(name: str, place: Path, folder: Path, tag: str) -> subprocess.Popen[bytes]:
    words = [word.format(moment=tag) for word in VERBS[name].words]
    if name == "bench":  # whose environments are shared, since it finds them made
        settings = folder / "asv.conf.json"
        text = settings.read_text(encoding="utf-8")
        shared = place.parent / "asv"
        settings.write_text(text.replace('".asv/env"', f'"{shared}"'), encoding="utf-8")
    with (place / "said").open("wb") as said:
        return subprocess.Popen(
            [*COMMAND, *words],
            cwd=folder,
            env=environment(place, tag),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )


def duration(name: str, place: Path) -> float:
    """The seconds of the command where nobody ends it: the second time, as bench has it."""
    for turn in range(2):
        folder = copied(place)
        began = time.monotonic()
        code = started(name, place, folder, f"{place.name}-whole-{turn}").wait()
        assert code in (0, 1), (place / "said").read_text(encoding="utf-8")
        if name != "bench":
            break
    return time.monotonic() - began


def copied(place: Path) -> Path:
    shutil.rmtree(place / "now", ignore_errors=True)
    shutil.copytree(place / "before", place / "now", symlinks=True)
    return place / "now"


def ended_at(moment: float, name: str, sent: str, place: Path, left: Left) -> None:
    """End the command at the moment, in seconds, and look at what it leaves."""
    folder = copied(place)
    shutil.rmtree(place / "tmp", ignore_errors=True)
    before = digests(folder)
    tag = f"{place.name}-{sent}-{moment:.3f}-{random.random()}"
    process = started(name, place, folder, tag)
    time.sleep(moment)
    if process.poll() is None:
        # A terminal's goes to all of the group, the others' to the command.
        (os.killpg if sent == "INT" else os.kill)(process.pid, SIGNALS[sent])
    told = f"at {moment:.2f} s"
    for process_left in waited_for(process, tag):
        left.add("processes left", f"{told}: {process_left}")
    left.codes[process.wait()] += 1
    # Before Python has begun, and when it ends, the signal itself ends it.
    if process.returncode not in (0, 1, CODES[sent], -SIGNALS[sent]):
        said = (place / "said").read_text(encoding="utf-8", errors="replace")[-300:]
        left.add("another exit code", f"{told}: {process.returncode}, {said}")
    said = (place / "said").read_text(encoding="utf-8", errors="replace")
    if process.returncode != -SIGNALS[sent] and "Traceback" in said:
        left.add("tracebacks", f"{told}: {said[said.index('Traceback') :][:2000]}")
    for kind, what in faults(name, folder, before):
        left.add(kind, f"{told}: {what}")
    for path in (place / "tmp").iterdir():
        left.add("in TMPDIR", f"{told}: {path.name}")


def waited_for(process: subprocess.Popen[bytes], tag: str) -> list[str]:
    """What is left five seconds after the signal, and is then ended."""
    until = time.monotonic() + SECONDS
    with suppress(subprocess.TimeoutExpired):
        process.wait(SECONDS)
    while (left := tagged(tag)) and time.monotonic() < until:
        time.sleep(0.05)
    for path in Path("/proc").glob("[0-9]*") if left else ():
        with suppress(OSError):
            if f"{TAG}={tag}".encode() in (path / "environ").read_bytes().split(b"\0"):
                os.kill(int(path.name), signal.SIGKILL)
    return left


def faults(name: str, folder: Path, before: dict[str, str]) -> Iterator[tuple[str, str]]:
    after = digests(folder)
    own = {each for each in before if not is_result(name, each)}
    for each in sorted(own):
        if name == "bench" and each == "asv.conf.json":
            continue  # which this script has changed
        if after.get(each) != before[each]:
            yield "files of the user's changed", each
    for each in sorted(set(before) - own - set(after)):
        yield "results gone", each
    for each in sorted(set(after) - own):
        if is_result(name, each) and after[each] != before.get(each):
            if not is_whole(folder / each):
                yield "results half-written", each
        elif not is_result(name, each) and not each.startswith("out.units/"):  # finished units
            yield "scratch beside", each.partition("/")[0]
    if name in ("run", "times", "report"):
        try:
            results.read(folder / "out")
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it
            yield "results unreadable", str(error)


def is_result(name: str, path: str) -> bool:
    first, _, rest = path.partition("/")
    mine = rest == "Y.npy" or rest.startswith((".git/", "."))
    return first in VERBS[name].results and not mine


def is_whole(path: Path) -> bool:
    text = path.read_bytes()
    try:
        if path.suffix == ".json":
            json.loads(text)
        elif path.suffix in (".xml", ".svg"):
            ElementTree.fromstring(text)
        elif path.suffix == ".npy":
            np.load(path)
        elif path.suffix == ".html":
            return text.rstrip().endswith(b"</html>")
        else:
            return text.endswith(b"\n")
    except (ValueError, ElementTree.ParseError):
        return False
    return True


def measured(name: str, sent: str, moments: int, place: Path, seconds: float) -> Left:
    """End the command at so many moments, one in each equal part of its time."""
    draw = random.Random(f"{name} {sent}")
    left = Left()
    for part in range(moments):
        ended_at(seconds * (part + draw.random()) / moments, name, sent, place, left)
    return left


def main() -> None:
    """Print a line for each verb and signal, and what was left; exit 1 if anything was."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moments", type=int, default=30)
    parser.add_argument("--verb", choices=VERBS, action="append")
    parser.add_argument("--signal", choices=SIGNALS, action="append")
    given = parser.parse_args()
    failed = False
    # In the background of a shell it is ignored, which what is started would inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as top:
        for name in given.verb or _DEFAULT:
            place = Path(top) / name
            place.mkdir()
            prepared(name, place)
            seconds = duration(name, place)
            for sent in given.signal or SIGNALS:
                left = measured(name, sent, given.moments, place, seconds)
                passing = UNTIL_NEXT if sent == "KILL" else ()
                failed |= bool(set(left.counts).difference(passing))
                codes = ", ".join(f"{code}: {count}" for code, count in sorted(left.codes.items()))
                print(f"{name} {sent}: {given.moments} moments of {seconds:.1f} s; codes {codes}")
                for kind, count in left.counts.items():
                    print(f"  {count} {kind}, such as {left.first[kind]}", flush=True)
                sys.stdout.flush()
    sys.exit(failed)


if __name__ == "__main__":
    main()
