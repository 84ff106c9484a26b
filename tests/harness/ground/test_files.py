"""Writing that fails or is killed at any moment leaves what was there, and nothing half-written."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from softmax_harness.ground import files
from softmax_harness.ground.errors import BadFolder
from softmax_harness.ground.files import check_file, check_writable, replacing, replacing_file

OLD = '{"schema": 1, "options": {}, "sha256": {"results": "0"}}'


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
    before = found(target)

    def refusing(given):
        def refused(self, other):
            if self.name in ("fresh", "results.csv") or self.name.startswith("."):
                raise OSError(errno.EACCES, "Permission denied")
            return given(self, other)

        return refused

    monkeypatch.setattr(Path, "rename", refusing(Path.rename))
    monkeypatch.setattr(Path, "replace", refusing(Path.replace))
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
    assert all(name.removeprefix("run/")[0] == "." for name in after.keys() - before.keys())
    write(target)
    assert found(target)["score.json" if write is write_file else "run/results.csv"][:3] == "new"


@posix
@pytest.mark.parametrize("moves", [1, 2, 3])
def test_what_a_kill_between_two_moves_leaves_the_next_one_replaces(tmp_path, moves):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.json").write_text(OLD.replace("}}", '}, "files": ["gone.csv"]}'))
    (folder / "gone.csv").write_text("old")
    (folder / "notes.txt").write_text("mine")
    fault = (
        "replace, done = Path.replace, []\n"
        "def killing(self, other):\n"
        f"    if len(done) == {moves}: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    done.append(other)\n"
        "    return replace(self, other)\n"
        "Path.replace = killing"
    )
    done = in_a_process(write_run, tmp_path, fault)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert json.loads((folder / "run.json").read_text())["options"] == {}
    write_run(tmp_path)
    assert found(folder).keys() == {"run.json", "results.csv", "notes.txt"}


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


NAMED = '{"schema": 2, "options": {}, "sha256": {"results": "0"}, "files": ["a.csv", "figures/b"]}'


@pytest.fixture
def held(tmp_path):
    """A folder with a run, one of whose files is gone, and with what others put there."""
    folder = tmp_path / "run"
    for name in (".git/config", "figures/mine.svg", "figures/b", "a.csv", "notes.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("old")
    (folder / "run.json").write_text(NAMED)
    return folder


def write_new(folder, *names):
    with replacing(folder) as fresh:
        for name in ("run.json", *names):
            (fresh / name).parent.mkdir(exist_ok=True)
            (fresh / name).write_text(OLD if name == "run.json" else "new")


def test_only_what_the_manifest_names_is_replaced(held):
    inode = held.stat().st_ino
    write_new(held, "results.csv", "figures/c.svg")
    others = {".git/config": "old", "figures/mine.svg": "old", "notes.txt": "old"}
    written = {"results.csv": "new", "figures/c.svg": "new"}
    after = found(held)
    assert json.loads(after.pop("run.json"))["files"] == sorted(written)
    assert after == others | written
    assert held.stat().st_ino == inode  # a shell that is in it stays in it
    write_new(held, "results.csv")
    assert found(held).keys() == {*others, "results.csv", "run.json"}


def test_a_file_of_another_is_not_replaced(held):
    (held / "linked.csv").symlink_to(held / "notes.txt")
    for name in ("notes.txt", "figures/mine.svg", "linked.csv"):
        before = found(held)
        with pytest.raises(BadFolder, match=f"{name} would be replaced"):
            write_new(held, "a.csv", name)
        with pytest.raises(BadFolder, match=f"{name} would be replaced"):
            check_writable(held, writes=[name])
        assert found(held) == before


def test_a_run_from_before_manifests_had_its_report_and_the_figures_in_it(held):
    (held / "run.json").write_text(OLD)
    (held / "report.md").write_text("![a](figures/a.svg)")
    for name in ("report.html", "results.csv", "figures/a.svg"):
        (held / name).write_text("old")
    before = found(held)
    write_new(held)
    gone = {"report.html", "report.md", "results.csv", "figures/a.svg"}
    assert before.keys() - found(held).keys() == gone


def test_a_manifest_names_nothing_outside_its_folder(held):
    outside = held.parent / "outside"
    outside.write_text("old")
    (held / "run.json").write_text(NAMED.replace("a.csv", "../outside"))
    write_new(held)
    (held / "run.json").write_text(NAMED.replace("a.csv", str(outside)))
    write_new(held)
    assert outside.read_text() == "old"


@pytest.mark.parametrize("info", [OLD, '{"schema": 9, "options": {}}', "[]", "{"])
def test_only_what_the_same_kind_of_command_wrote_is_written_into(tmp_path, info):
    (tmp_path / "run.json").write_text(info)
    with pytest.raises(BadFolder, match=r"something other than inputs, such as run\.json"):
        check_writable(tmp_path, "inputs")


def test_what_a_command_reads_it_does_not_replace(held):
    with pytest.raises(BadFolder, match="is read by this command"):
        check_writable(held, inputs=[held / "a.csv"])
    check_writable(held, inputs=[held / "notes.txt"])


def test_a_link_to_a_folder_stays_a_link(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    write_new(link, "a.csv")
    write_new(link, "b.csv")
    assert link.is_symlink() and found(real).keys() == {"run.json", "b.csv"}
    link.unlink()
    link.symlink_to("nowhere")
    with pytest.raises(BadFolder, match="is a link to nothing"):
        check_writable(link)


@posix
def test_what_a_killed_process_left_is_taken_away_and_what_is_used_is_not(target):
    in_a_process(write_run, target, MOMENTS["before it gets its name"])
    (target / ".run-abcdefgh").mkdir()  # with such a name, and of another
    with replacing(target / "run") as fresh:
        left = [path for path in target.rglob(".run-*") if path != target / ".run-abcdefgh"]
        assert left == [fresh.parent]
        with replacing(target / "run"):
            assert fresh.is_dir()
    assert list(target.rglob(".run-*")) == [target / ".run-abcdefgh"]


@posix
def test_a_name_that_is_too_long_is_refused_at_once(tmp_path):
    for name in ("x" * 250, "x" * 300, f"{'x' * 300}/run"):
        with pytest.raises(BadFolder, match="cannot be written: File name too long"):
            check_writable(tmp_path / name)
    with pytest.raises(BadFolder, match="more than 50 folders are missing"):
        check_writable(tmp_path / ("x/" * 1500))
    with pytest.raises(BadFolder, match="cannot be written: File name too long"):
        check_file(tmp_path / ("x" * 300))
    replacing_file(tmp_path / ("x" * 255), "new")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["new"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_device_is_one_clear_error():
    with pytest.raises(BadFolder, match="/dev/full cannot be written: No space left on device"):
        replacing_file(Path("/dev/full"), "new")


def test_numpy_says_otherwise_that_a_disk_is_full(tmp_path):
    with pytest.raises(BadFolder, match="No space left on device"), replacing(tmp_path / "run"):
        raise OSError("1000 requested and 12 written")


def test_a_folder_that_goes_while_it_is_written_is_one_clear_error(tmp_path):
    with pytest.raises(BadFolder, match="No such file"), replacing(tmp_path / "run") as fresh:
        shutil.rmtree(fresh.parent)
        (fresh / "a.csv").write_bytes(b"new")
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "run"):
        (tmp_path / "another").read_text()  # which is no matter of the folder


@posix
def test_a_pipe_is_written_to(tmp_path):
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    replacing_file(pipe, "new")
    reader.join(timeout=10)
    assert read == ["new"] and pipe.is_fifo()
