"""`softmax-harness bench` as a kernel author, and as a CI job, meets it."""

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap

import pytest

KERNEL = """
    import numpy as np

    def softmax(x, axis=-1):
        for _ in range({times}):
            e = np.exp(x - np.max(x, axis=axis, keepdims=True))
            y = e / np.sum(e, axis=axis, keepdims=True)
        return y * x.dtype.type({scale})
"""
PROJECT = """
    [build-system]
    requires = ["hatchling"]
    build-backend = "hatchling.build"

    [project]
    name = "their-kernel"
    version = "1"

    [tool.hatch.build.targets.wheel]
    packages = ["theirs"]
"""


# The command with fewer pairs than it offers, each of two processes: of 8 times out of four times
# the work, the sign test needs all.
FEW_PAIRS = """
from softmax_harness.cli import bench_verb, main
(pairs,) = (each for each in bench_verb.command.params if each.name == "pairs")
pairs.type.min = 4
main()
"""


def git(folder, *words):
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.example")
    words = ["git", *identity, *map(str, words)]
    return subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True).stdout


def commit(folder, **kernel):
    text = textwrap.dedent(KERNEL).format(**kernel)
    (folder / "theirs" / "kernels.py").write_text(text, encoding="utf-8")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", str(kernel))
    return git(folder, "rev-parse", "HEAD").strip()


@pytest.fixture(scope="module")
def origin(command, tmp_path_factory):
    """A repository with a package of its own and the template filled in; nothing committed."""
    folder = tmp_path_factory.mktemp("origin")
    git(folder, "init", "-q")
    (folder / "theirs").mkdir()
    (folder / "theirs" / "__init__.py").touch()
    (folder / "pyproject.toml").write_text(textwrap.dedent(PROJECT), encoding="utf-8")
    (folder / ".gitignore").write_text(".asv/\n__pycache__/\n", encoding="utf-8")
    done = command("bench", "--template", ".", cwd=folder)
    assert done.returncode == 0, done.stderr
    for name, old, new in (
        ("asv.conf.json", "your-project", "their-kernel"),
        ("benchmarks/softmax.py", "your_package", "theirs"),
    ):
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")
    return folder


def verdicts(document):
    return {
        re.search(r"[.](\w+)\(.*?, '?(\w[-\w]*)'?\)$", each["name"]).groups(): each["verdict"]
        for each in document["results"]
    }


LIBRARY = """
    #include <math.h>
    #include <stddef.h>

    void softmax_float32(const float *x, float *y, size_t rows, size_t n) {{
        for (size_t k = 0; k < rows; k++, x += n, y += n)
            for (int time = 0; time < {times}; time++) {{
                float top = x[0], sum = 0;
                for (size_t i = 1; i < n; i++) top = fmaxf(top, x[i]);
                for (size_t i = 0; i < n; i++) sum += y[i] = expf(x[i] - top);
                for (size_t i = 0; i < n; i++) y[i] = y[i] / sum * {scale}f;
            }}
    }}
"""
MAKEFILE = "libsoftmax.so: softmax.c\n\tcc -O2 -shared -fPIC -o $@ $< -lm\n"
DETACHED = ("checkout", "-q", "--detach")


def bench(folder, *words, **environment):
    """The command on two benchmarks, a time and an error."""
    options = ("--bench", r"time_softmax.*, 100\)|track_max_ulp.*normal-10", "--pairs", "4")
    return subprocess.run(
        [sys.executable, "-c", FEW_PAIRS, "bench", *map(str, words), *options],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | environment,
    )


@pytest.mark.slow
def test_slower_and_less_accurate_is_red_and_mended_is_green(command, origin, tmp_path):
    """A package and a library, in one test, since asv's environments are dear to make."""
    pytest.importorskip("asv", reason="pip install 'softmax-harness[asv]'")
    clone = cloned_as_in_ci(command, origin, tmp_path)
    its_package_is_judged(clone, tmp_path)
    if all(map(shutil.which, ("make", "cc"))):
        a_library_is_judged(command, clone / ".asv" / "env", tmp_path / "library")


def cloned_as_in_ci(command, origin, tmp_path):
    """A detached and shallow clone, into which CI has fetched the base by its hash."""
    base = commit(origin, times=1, scale=1)
    commit(origin, times=4, scale=1.001)
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--depth=1", origin.as_uri(), clone)
    git(clone, *DETACHED)
    done = command("bench", base, "HEAD", cwd=clone)
    assert done.returncode == 2 and "git fetch --unshallow" in done.stderr
    git(clone, "fetch", "-q", "--depth=1", "origin", base)
    return clone


def its_package_is_judged(clone, tmp_path):
    base = git(clone, "rev-parse", "FETCH_HEAD").strip()
    summary = tmp_path / "summary.md"
    files = ("--json", tmp_path / "red.json", "--markdown", tmp_path / "red.md")
    done = bench(clone, base, "HEAD", *files, GITHUB_STEP_SUMMARY=str(summary))
    assert done.returncode == 1, done.stdout + done.stderr
    document = json.loads((tmp_path / "red.json").read_text())
    assert verdicts(document) == {
        ("time_softmax", "100"): "slower",
        ("track_max_ulp", "normal-10"): "less accurate",
    }
    assert document["base"]["commit"] == base
    assert all(each["ratio"] > 1.5 for each in document["results"] if each["unit"] == "s")
    assert done.stdout.splitlines()[-1].startswith("fail: ")
    assert "slower" in summary.read_text() == (tmp_path / "red.md").read_text()

    commit(clone, times=1, scale=1)
    (clone / "theirs" / "kernels.py").write_text("raise RuntimeError('not committed')")
    done = bench(clone, base, "HEAD")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("same") == 3  # two lines and their count
    assert "note: uncommitted changes" in done.stdout
    assert sorted(each.name for each in (clone / ".asv" / "env").iterdir()) == [
        "bench-base",
        "bench-head",
    ]


def a_library_is_judged(command, environments, folder):
    """As the README says it, but that the environments are there already."""
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "Makefile").write_text(MAKEFILE, encoding="utf-8")
    for name, values in (
        ("base", {"times": 1, "scale": 1.0}),
        ("head", {"times": 4, "scale": 1.1}),
    ):
        text = textwrap.dedent(LIBRARY).format(**values)
        (folder / "softmax.c").write_text(text, encoding="utf-8")
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", name)
        git(folder, "tag", name)
    given = ("libsoftmax.so:softmax_float32", "--signature", "f32 rows,n")
    assert command("bench", "--template", ".", *given, cwd=folder).returncode == 0
    settings = folder / "asv.conf.json"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace(".asv/env", environments.as_posix()), encoding="utf-8")

    done = bench(folder, "base", "head")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 less accurate, 1 slower" in done.stdout.splitlines()[-1]
    (folder / "softmax.c").write_text("no C", encoding="utf-8")
    git(folder, "commit", "-qam", "broken")
    own = 'case "$TMPDIR" in */tmp) test -d "$TMPDIR"/../judge;; *) false;; esac'
    build = f"{own} && make CFLAGS=-O1 && test -e libsoftmax.so"
    done = bench(folder, "head", "HEAD", "--build", build)
    assert done.returncode == 2 and done.stdout == ""
    assert re.search(r"could not build HEAD .*: softmax\.c:1:1: error: ", done.stderr), done.stderr
    assert "no C" in done.stderr  # all that the compiler said


def test_requests_that_cannot_be_met_are_one_line(called, tmp_path):
    def refused(*words):
        done = called("bench", *words, cwd=tmp_path)
        assert done.returncode == 2, done.stderr
        assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
        return done.stderr

    assert "not in a git repository" in refused("a", "b")
    git(tmp_path, "init", "-q")
    assert "softmax-harness bench --template" in refused("a", "b")
    assert called("bench", "--template", ".", cwd=tmp_path).returncode == 0
    assert ", 1000," in (tmp_path / "benchmarks" / "softmax.py").read_text()
    assert "there already" in refused("--template", ".")
    assert "say by --signature" in refused("--template", "new", "lib.so:softmax")
    assert "is none of x, y" in refused("--template", "new", "lib.so:f", "--signature", "f32 m")
    assert "stands in the benchmark" in refused("a", "b", "--signature", "f32 rows,n")
    assert "expected one" in refused("--template", "new", "a:b", "c:d")
    assert "expected what to time" in refused("--template", "new", "kernels")
    assert "no commit is named 'a'" in refused("a", "b")
    assert "expected two, BASE HEAD" in refused("a")
    assert "--pairs" in refused("a", "b", "--pairs", "3")
    assert "gone" in refused("a", "b", "--json", "gone/out.json")


def test_without_asv_it_is_said_how_to_get_it(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "asv.conf.json").write_text("{}")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "one")
    program = "import sys; sys.modules['asv'] = None; from softmax_harness.cli import main; main()"
    words = [sys.executable, "-c", program, "bench", "HEAD", "HEAD"]
    done = subprocess.run(words, check=False, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert "pip install 'softmax-harness[asv]'" in done.stderr
