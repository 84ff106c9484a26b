"""Writing that fails or is killed at any moment leaves what was there, and nothing half-written."""

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from softmax_harness.ground import files
from softmax_harness.ground.errors import BadFolder
from softmax_harness.ground.files import replacing, replacing_file

OLD = '{"schema": 1, "options": {}}'


@pytest.fixture(params=["something was there", "nothing was there"])
def target(request, tmp_path):
    """A file, or a folder with a run, that is written or not yet; and what it holds."""
    if request.param == "nothing was there":
        return tmp_path
    (tmp_path / "score.json").write_text(OLD)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text(OLD)
    return tmp_path


def found(folder):
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def write_file(folder):
    replacing_file(folder / "score.json", "new" * 100_000)


def write_run(folder):
    with replacing(folder / "run") as fresh:
        (fresh / "results.csv").write_text("new" * 100_000)
        (fresh / "run.json").write_text(OLD)


WRITERS = [write_file, write_run]


@pytest.mark.parametrize("write", WRITERS)
def test_a_name_that_cannot_be_given_is_one_clear_error(target, write, monkeypatch):
    """The last step fails: everything is written, and os.replace or os.rename refuses."""
    before, rename = found(target), Path.rename

    def refused(self, other):
        if self.name == "fresh" or self.name.startswith("."):
            raise OSError(errno.EACCES, "Permission denied")
        return rename(self, other)

    monkeypatch.setattr(Path, "rename", refused)
    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(BadFolder, match="cannot be written: Permission denied"):
        write(target)
    assert found(target) == before


PROGRAM = """
import os, resource, signal, sys
from pathlib import Path
sys.path[:0] = {paths!r}
from test_files import write_file, write_run
{fault}
{write}(Path({folder!r}))
"""
ROOM_FOR_LITTLE = "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))"
KILLED = "lambda *given, **named: os.kill(os.getpid(), signal.SIGKILL)"
MOMENTS = {
    "before anything is written": f"os.fdopen = Path.open = Path.write_text = {KILLED}",
    "in the middle of writing": f"signal.signal(signal.SIGXFSZ, signal.SIG_DFL); {ROOM_FOR_LITTLE}",
    "before it gets its name": f"Path.rename = Path.replace = {KILLED}",
}
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits and signals")


def in_a_process(write, folder, fault):
    paths = [*sys.path, str(Path(__file__).parent)]
    program = PROGRAM.format(paths=paths, fault=fault, write=write.__name__, folder=str(folder))
    return subprocess.run([sys.executable, "-c", program], check=False, capture_output=True)


@posix
@pytest.mark.parametrize("write", WRITERS)
def test_a_disk_without_room_is_one_clear_error(target, write):
    """The system takes the first thousand bytes of a file and refuses the rest."""
    before = found(target)
    done = in_a_process(write, target, ROOM_FOR_LITTLE)
    assert b"BadFolder" in done.stderr and b"cannot be written: File too large" in done.stderr
    assert found(target) == before
    assert errno.ENOSPC in files._NO_ROOM  # which a full disk says instead


@posix
@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_process_killed_while_it_writes_leaves_nothing_half_written(target, write, moment):
    before = found(target)
    done = in_a_process(write, target, MOMENTS[moment])
    assert done.returncode in (-signal.SIGKILL, -signal.SIGXFSZ), done.stderr.decode()
    after = found(target)
    for name in ("score.json", "run/run.json", "run/results.csv"):
        assert after.get(name) == before.get(name)
    # What is left has a name of its own, which no command reads and no pattern finds.
    assert all(name.startswith(".") for name in after.keys() - before.keys())
    write(target)
    assert found(target)["score.json" if write is write_file else "run/results.csv"][:3] == "new"


def test_the_file_has_no_name_until_it_is_whole(tmp_path):
    """Where the system has nameless files, a killed process leaves none at all."""
    with files._named_when_whole(tmp_path / "x") as file:
        file.write(b"half")
        file.flush()
        names = [path.name for path in tmp_path.iterdir()]
    assert names in ([], ["x"]) and (tmp_path / "x").read_bytes() == b"half"


def test_a_link_stays_a_link(tmp_path):
    there, link = tmp_path / "there.json", tmp_path / "link.json"
    there.write_text("old")
    link.symlink_to(there)
    replacing_file(link, "new")
    assert link.is_symlink() and there.read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.json", "there.json"]


@posix
def test_a_pipe_is_written_to(tmp_path):
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    replacing_file(pipe, "new")
    reader.join(timeout=10)
    assert read == ["new"] and pipe.is_fifo()
