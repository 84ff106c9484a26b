"""The pytest plugin in a project that has packages of our folders' names."""

import os
import subprocess
import sys
import textwrap

import pytest

TESTS = """
    import os

    import harness
    import numpy as np
    import pytest
    import reports
    from softmax_harness.pytest_plugin import assert_softmax_accurate
    from tests.kernel import naive, shifted

    def test_right():
        assert_softmax_accurate(shifted, "float32", families=["normal-10"])

    def test_wrong():
        assert_softmax_accurate(naive, families=["normal-10", "exp-thresholds"])

    def test_fixture(softmax_harness):
        scale = 1.0
        softmax_harness(lambda x: shifted(scale * x), limit={"sum_defect": 1e-3}, families=["ties"])

    def test_whose_they_are():
        assert harness.OURS and reports.OURS
        from softmax_harness.check.asserted.client import CLIENT
        with open("judges.txt", "a") as file:
            print(CLIENT._process.pid if CLIENT._process else "none", file=file)
"""
KERNEL = """
    import numpy as np

    def shifted(x):
        e = np.exp(x - x.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)

    def naive(x, axis=-1):
        e = np.exp(x)
        return e / e.sum(axis, keepdims=True)
"""


@pytest.fixture
def project(tmp_path):
    """A project with packages named tests, harness and reports, which stand first on its path."""
    for name in ("tests", "harness", "reports"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("OURS = True\n", encoding="utf-8")
    for name, text in (("test_kernel.py", TESTS), ("kernel.py", KERNEL)):
        (tmp_path / "tests" / name).write_text(textwrap.dedent(text), encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\nfilterwarnings = ["error"]\n', encoding="utf-8"
    )
    return tmp_path


def run(project, *words, program=("-m", "pytest", "-p", "no:cacheprovider")):
    outer = ("PYTEST_XDIST", "PYTEST_CURRENT", "PYTEST_ADDOPTS")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(outer)}
    return subprocess.run(
        [sys.executable, *program, *words],
        check=False,
        capture_output=True,
        text=True,
        cwd=project,
        env=environment,
    )


@pytest.mark.parametrize("how", [(), ("-n", "2"), ("--import-mode=importlib", "-s")])
def test_it_judges_there_and_leaves_no_process(project, how):
    done = run(project, "-q", *how)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 3 passed" in done.stdout, done.stdout
    for part in (
        "naive is not an accurate softmax in float32",
        "  witness   float32:",
        "  exact     ",
    ):
        assert part in done.stdout
    assert "  computed  nan" in done.stdout
    assert "asserted.py" not in done.stdout  # the traceback ends at the line of the test
    if sys.platform != "win32":
        judges = (project / "judges.txt").read_text().split()
        for judge in judges:
            if judge != "none":
                with pytest.raises(ProcessLookupError):
                    os.kill(int(judge), 0)


def test_the_fixture_is_listed(project):
    done = run(project, "--fixtures", "-q")
    assert "softmax_harness" in done.stdout and "assert_softmax_accurate" in done.stdout


def test_pytest_loads_it_and_nothing_of_what_it_needs(project):
    """Every project that the harness is installed for pays for the import of the plugin."""
    program = (
        "import sys, pytest; before = {*sys.modules}; import softmax_harness.pytest_plugin;"
        "print(*sorted({*sys.modules} - before))"
    )
    done = run(project, program=("-c", program))
    loaded = ["softmax_harness"]
    loaded += [f"softmax_harness.{each}" for each in ("api", "api.lazily", "pytest_plugin")]
    assert done.stdout.split() == loaded
    (project / "tests" / "test_kernel.py").write_text(
        "import sys\n"
        "def test_what_is_loaded():\n"
        "    assert 'softmax_harness.pytest_plugin' in sys.modules\n"
        "    assert not {'numpy', 'mpmath', 'pandas', 'matplotlib'} & sys.modules.keys()\n",
        encoding="utf-8",
    )
    done = run(project, "-q")
    assert done.returncode == 0, done.stdout
