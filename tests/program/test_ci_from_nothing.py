"""From nothing to a red CI on a planted accuracy fault, and to a green one after the fix."""

import os
import shutil
import subprocess
import textwrap

import pytest

RIGHT = """
    import numpy as np

    def softmax(x, axis=-1):
        '''The kernel of this repository.'''
        x = np.asarray(x)
        x = x.astype(np.float64) if x.dtype.kind in "iu" else x
        with np.errstate(all="ignore"):
            e = np.exp(x - np.max(x, axis=axis, keepdims=True, initial=-np.inf))
            return np.asarray(e / np.sum(e, axis=axis, keepdims=True))
"""
SETTINGS = """
    [project]
    name = "theirs"
    version = "1"

    [tool.softmax-harness]
    implementations = ["kernel.py:softmax"]
    dtypes = ["float32"]
    baseline = "softmax-baseline.json"
"""
# A fault that every check finds, and one that stays within the bound of a well-made softmax, so
# that nothing but the baseline shows it.
FAULTS = (
    ("x - np.max(x, axis=axis, keepdims=True, initial=-np.inf)", "x", "overflow"),
    (
        "e / np.sum(e, axis=axis, keepdims=True)",
        "e * (1 / np.sum(e, axis=axis, keepdims=True))",
        "regression",
    ),
)


@pytest.fixture
def repository(tmp_path):
    """A git repository with a kernel of its own and one table of settings."""
    if shutil.which("git") is None:
        pytest.skip("there is no git here")
    return started(tmp_path / "theirs")


@pytest.fixture
def check(ninth_command):
    """The command of the CI job, on accuracy: of the other parts it tells in the same way."""

    def run(folder, *words, environment=None):
        return subprocess.run(
            [*ninth_command, "check", "--only", "accuracy", *words],
            check=False,
            capture_output=True,
            text=True,
            cwd=folder,
            env=os.environ | (environment or {}),
        )

    return run


@pytest.fixture
def accepted(repository, check):
    """The same with a baseline that was taken and committed."""
    taken = check(repository, "--update-baseline")
    assert taken.returncode == 0, taken.stdout + taken.stderr
    commit(repository, "What is accepted")
    return repository


def started(folder):
    folder.mkdir()
    (folder / "kernel.py").write_text(textwrap.dedent(RIGHT), encoding="utf-8")
    (folder / "pyproject.toml").write_text(textwrap.dedent(SETTINGS), encoding="utf-8")
    (folder / ".gitignore").write_text("__pycache__/\n", encoding="utf-8")
    git(folder, "init", "-q")
    commit(folder, "A kernel")
    return folder


def git(folder, *words):
    identity = ("-c", "user.name=They", "-c", "user.email=they@example.org")
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    outer = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    subprocess.run(["git", *identity, *words], check=True, cwd=folder, env=outer | own)


def commit(folder, message):
    git(folder, "add", "--all")
    git(folder, "commit", "-q", "-m", message)


def test_without_a_baseline_it_says_how_to_take_one(repository, check):
    done = check(repository)
    assert done.returncode == 2
    assert "--update-baseline" in done.stderr and done.stderr.strip().count("\n") == 0


@pytest.mark.slow
def test_red_on_each_fault_and_green_after_the_fix(accepted, check, tmp_path):
    summary = tmp_path / "summary.md"
    runner = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    for before, after, kind in FAULTS:
        kernel = accepted / "kernel.py"
        text = kernel.read_text(encoding="utf-8")
        assert before in text
        kernel.write_text(text.replace(before, after), encoding="utf-8")
        commit(accepted, "Faster")
        it_is_red(check(accepted, environment=runner), kind, summary)
        git(accepted, "revert", "--no-edit", "HEAD")
        summary.unlink()

    green = check(accepted, environment=runner)
    assert green.returncode == 0, green.stdout + green.stderr
    assert "::error" not in green.stdout
    assert "1 of 1 pass" in summary.read_text(encoding="utf-8")


def it_is_red(red, kind, summary):
    assert red.returncode == 1, red.stdout + red.stderr
    assert f"  {kind}: " in red.stdout and "witness float32:" in red.stdout
    assert f"::error file=kernel.py,line=4,title=kernel.py%3Asoftmax float32 {kind}::" in red.stdout
    assert f"**{kind}** in kernel.py:softmax, float32" in summary.read_text(encoding="utf-8")
    kinds = [line.split(":")[0].strip() for line in red.stdout.splitlines() if line[:2] == "  "]
    assert kind != "regression" or kinds[0] == "regression"
