"""Ended at any moment, a command leaves no process, and every file as it was or whole."""

import importlib.util
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody lists processes")


@pytest.fixture(scope="module")
def interrupts(root):
    """The script that does this at many moments."""
    path = root / "tests" / "program" / "interrupt_everything.py"
    spec = importlib.util.spec_from_file_location("interrupt_everything", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.mark.parametrize("name, sent", [("inputs", "TERM"), ("score", "KILL"), ("check", "INT")])
def test_at_some_moments_of_some_commands(interrupts, tmp_path, name, sent):
    """All moments of all: ``python tests/program/interrupt_everything.py``."""
    place = tmp_path / name
    place.mkdir()
    interrupts.prepared(name, place)
    left = interrupts.measured(name, sent, 2, place, seconds=1.5)
    assert not left.counts, left.first


def test_what_is_left_is_seen(interrupts, tmp_path):
    """A command that leaves a process, a half-written result, and none of the user's files."""
    folder = interrupts.prepared("inputs", tmp_path)
    before = interrupts.digests(folder)
    (folder / "notes.txt").unlink()
    (folder / "in" / "Y.npy").write_text("lost", encoding="utf-8")
    (folder / "in" / "run.json").write_text("{", encoding="utf-8")
    (folder / ".in-scratch").write_text("", encoding="utf-8")
    assert list(interrupts.faults("inputs", folder, before)) == [
        ("files of the user's changed", "in/Y.npy"),
        ("files of the user's changed", "notes.txt"),
        ("scratch beside", ".in-scratch"),
        ("results half-written", "in/run.json"),
    ]
    with interrupts.subprocess.Popen(
        ["sleep", "600"], env={interrupts.TAG: "seen"}, start_new_session=True
    ) as process:
        assert interrupts.tagged("seen") == ["sleep 600 "]
        process.kill()
