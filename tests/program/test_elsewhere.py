"""A program in C answers a set from an empty folder, by the lines that its document gives."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


@pytest.fixture
def lines(root):
    """The lines of the document, in their order."""
    text = (root / "implementations" / "elsewhere" / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^    (.+)$", text, re.MULTILINE)


@pytest.mark.skipif(COMPILER is None, reason="no compiler of C is here: install gcc or clang")
@pytest.mark.skipif(sys.platform == "win32", reason="the lines are for a shell: run it elsewhere")
def test_a_program_in_c_does_as_its_document_says(called, lines, root, tmp_path):
    source = root / "implementations" / "elsewhere" / "softmax.c"
    shutil.copy(source, tmp_path)
    score, written = None, None
    for line in lines:
        words = line.split()
        if words[0] == "softmax-harness":
            few = ("--family", "normal-10,ties") if words[1] == "inputs" else ()
            done = called(*words[1:], *few, cwd=tmp_path)
            assert done.returncode == 0, done.stdout + done.stderr
            written, score = done, words[1] == "score"
        else:
            line = line.replace("cc ", f"{COMPILER} ", 1) if words[0] == "cc" else line
            done = subprocess.run(line, shell=True, cwd=tmp_path, capture_output=True, text=True)
            assert done.returncode == 0 and not done.stderr, done.stderr
    assert score and "reached rounded" in written.stdout
    assert written.stdout.splitlines()[-1].startswith("verdict: pass, 36 of 36 outputs judged")
    assert Path(tmp_path / "report" / "report.html").exists()


def test_the_program_has_the_length_that_is_said(root):
    folder = root / "implementations" / "elsewhere"
    (said,) = re.findall(r"(\d+) lines of C", (folder / "README.md").read_text(encoding="utf-8"))
    lines = (folder / "softmax.c").read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line and not line.startswith("/*")]) == int(said)
