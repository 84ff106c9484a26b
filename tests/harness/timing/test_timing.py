"""asv itself times and tracks two commits of a copy of the project; tables tell them apart."""

import json
import os
import re
import subprocess
import sys

import pytest
from softmax_harness.ground.errors import BadImplementation
from softmax_harness.timing import declared_names, read_history, read_timings
from softmax_reports.facts import TIMED_N

asv = pytest.importorskip("asv", reason="pip install 'softmax-harness[asv]'")


def run(folder, *words):
    environment = os.environ | {"HOME": str(folder), "USERPROFILE": str(folder)}
    identity = {
        f"GIT_{who}_{what}": "a@b.example"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    done = subprocess.run(
        list(map(str, words)),
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment | identity,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def timed(root, tmp_path_factory):
    """A repository of two commits, the second with a worse max-shifted, each measured by asv."""
    folder = tmp_path_factory.mktemp("repository")
    run(folder, "git", "clone", "-q", root, ".")
    source = folder / "implementations" / "softmax_implementations" / "max_shifted.py"
    pattern = "time_softmax.*max-shifted.*float32.*, 1000[)]|track_max_ulp.*max-shifted.*float32"
    for commit in range(2):
        if commit:
            text = source.read_text(encoding="utf-8")
            worse = text.replace(
                "return np.asanyarray(e /", "return np.asanyarray(e * x.dtype.type(1.001) /"
            )
            assert worse != text
            source.write_text(worse, encoding="utf-8")
            run(folder, "git", "commit", "-qam", "worse")
        # What is measured is the installed package; here the copy's own goes before it.
        ours = str(source.parents[1])
        program = f"import sys; sys.path[:0] = [{ours!r}]; import asv.main; asv.main.main()"
        asv_command = (sys.executable, "-c", program)
        run(folder, *asv_command, "machine", "--yes")
        os.environ["ASV_PYTHONPATH"] = str(source.parents[1])
        options = (
            "--python=same",
            "--set-commit-hash",
            "HEAD",
            "--quick",
            "--launch-method",
            "spawn",
        )
        run(folder, *asv_command, "run", *options, "--bench", pattern)
        del os.environ["ASV_PYTHONPATH"]
    return folder


def test_the_tables_hold_both_commits(timed, monkeypatch):
    monkeypatch.setenv("HOME", str(timed))
    history = read_history(timed / "asv.conf.json")
    commits = run(timed, "git", "log", "--format=%H", "-2").split()
    assert list(dict.fromkeys(history["commit"])) == commits[::-1]
    errors = history[history["measure"] == "max_ulp"].pivot_table(
        index="family", columns="commit", values="value"
    )
    assert (errors[commits[0]] > errors[commits[1]] + 1000).all()
    timings = read_timings(timed / "asv.conf.json")
    assert set(timings["commit"]) == {commits[0]}
    assert (timings["ns_per_element"] > 0).all() and "max-shifted" in set(timings["implementation"])


def test_no_results_are_empty_tables(tmp_path):
    assert read_timings(tmp_path / "gone").empty and read_history(tmp_path / "gone").empty


def test_names_are_read_where_a_file_declares_by_a_function_of_its_own(tmp_path):
    (tmp_path / "several.py").write_text(
        "def _declared(name, operation='softmax', **more):\n"
        "    return implementation(name, operation=operation, library='x', **more)\n"
        "@_declared('one')\ndef f(x): ...\n"
        "@_declared('two', 'logsumexp')\ndef g(x): ...\n"
        "@_declared('three', operation='logsumexp')\ndef h(x): ...\n"
    )
    assert declared_names(tmp_path) == ["one"]
    assert declared_names(tmp_path, "logsumexp") == ["three", "two"]


def test_names_are_read_without_running_the_files(tmp_path):
    (tmp_path / "one.py").write_text(
        'import gone\n@implementation("one", dtypes=())\ndef one(x): ...\n'
    )
    (tmp_path / "two.py").write_text('@registry.implementation(name="two")\ndef two(x): ...\n')
    assert declared_names(tmp_path) == ["one", "two"]
    (tmp_path / "three.py").write_text("@implementation(NAME)\ndef three(x): ...\n")
    with pytest.raises(BadImplementation, match=r"three\.py:1"):
        declared_names(tmp_path)


def test_what_asv_installs_is_what_the_lock_pins(root):
    text = re.sub(
        r"^\s*//.*$", "", (root / "asv.conf.json").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    wanted = json.loads(text)["matrix"]["req"]
    lock = (root / "requirements" / "dev.txt").read_text(encoding="utf-8")
    for name, (version,) in wanted.items():
        package = name.removeprefix("pip+").replace("_", "-")
        assert re.search(rf"^{package}=={re.escape(version)}\b", lock, re.MULTILINE), name


def test_asv_finds_the_benchmarks_where_only_the_run_time_is_installed(root):
    """What ``make report`` has: no scipy, which the harness's own benchmarks compare with."""
    program = (
        "import sys; sys.modules['scipy'] = None;"
        "import harness.benchmarks.softmax, harness.benchmarks.judging as own;"
        "own.Screen().time_screen('float32', 8)"
    )
    run(root, sys.executable, "-c", program)


def test_make_report_adds_to_the_history_what_it_shows(root):
    recipe = (root / "Makefile").read_text(encoding="utf-8")
    (script,) = re.findall(r'--bench "\$\$\(\$\(BIN\)/python (.*?)\)"', recipe)
    pattern = run(root, sys.executable, script).strip()
    time = "softmax.Softmax.time_softmax('wide', 'float32', {})"
    assert re.search(pattern, time.format(TIMED_N))
    assert re.search(pattern, "softmax.Softmax.track_max_ulp('wide', 'float32', 'normal-10')")
    assert not re.search(pattern, time.format(10_000))
    assert not re.search(pattern, time.format(TIMED_N).replace("float32", "float8_e5m2"))
    # Asked for in a process of its own: other tests register what is there in theirs alone.
    program = (
        "import json; from softmax_harness.subjects.catalogue import catalogue;"
        "print(json.dumps({each.name: each.unavailable for each in catalogue().values()}))"
    )
    for name, unavailable in json.loads(run(root, sys.executable, "-c", program)).items():
        found = re.search(pattern, time.format(TIMED_N).replace("wide", name))
        assert (found is None) == (unavailable is not None), name
    assert not re.search(pattern, "judging.Screen.time_screen")
    assert "softmax-harness run --time" in recipe
