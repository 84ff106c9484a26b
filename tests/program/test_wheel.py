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


def test_it_holds_three_packages_and_nothing_that_others_own(site):
    tops = {path.name for path in site.iterdir() if not path.name.endswith(".dist-info")}
    assert tops == {"softmax_harness", "softmax_implementations", "softmax_reports"}
