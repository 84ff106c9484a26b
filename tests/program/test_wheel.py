"""The built wheel works where there is no clone."""

import os
import subprocess
import sys
import zipfile

import pytest


@pytest.fixture(scope="module")
def site(root, tmp_path_factory):
    """The unpacked wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    words = (
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(folder),
        str(root),
    )
    subprocess.run([sys.executable, "-m", *words], check=True, capture_output=True, text=True)
    (wheel,) = folder.glob("softmax_harness-*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


def test_run_works_without_a_clone(site, tmp_path):
    program = "import softmax_harness.cli as c; print(c.__file__); c.main()"
    options = ("--family", "normal-1,digits", "--dtype", "float16", "--out", str(tmp_path / "out"))
    done = subprocess.run(
        [sys.executable, "-c", program, "run", "wide", *options],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(site)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(site))
    assert (tmp_path / "out" / "report.html").is_file()


def test_it_holds_its_packages_and_nothing_that_others_own(site):
    tops = {path.name for path in site.iterdir() if not path.name.endswith(".dist-info")}
    own = ("harness", "implementations", "faults", "reports")
    assert tops == {f"softmax_{name}" for name in own}


FIVE_LINES = """
import numpy as np
from softmax_harness.testing import assert_close
x = np.linspace(-4.0, 4.0, 1000, dtype=np.float32)
def test_right(): assert_close(np.exp(x) / np.exp(x).sum(), x)
def test_wrong(): assert_close(1.04 * np.exp(x) / np.exp(x).sum(), x)
"""


def test_arrays_are_asserted_without_a_clone(site, tmp_path):
    (tmp_path / "test_five_lines.py").write_text(FIVE_LINES)
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "test_five_lines.py"]
    environment = os.environ | {"PYTHONPATH": str(site)}
    done = subprocess.run(
        words, check=False, capture_output=True, text=True, cwd=tmp_path, env=environment
    )
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "Mismatched elements: 1000 / 1000 (100.0%)" in done.stdout
    assert (site / "softmax_harness" / "py.typed").is_file()
