"""`softmax-harness check` as a user, and as a CI job, meets it."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

KERNELS = """
    import os
    import time
    import numpy as np
    from softmax_implementations import implementation

    def good(x, axis=-1):
        x = np.asarray(x)
        x = x.astype(np.float64) if x.dtype.kind in "iu" else x
        with np.errstate(all="ignore"):
            e = np.exp(x - np.max(x, axis=axis, keepdims=True, initial=-np.inf))
            return np.asarray(e / np.sum(e, axis=axis, keepdims=True))

    def no_shift(x, axis=-1):
        with np.errstate(all="ignore"):
            e = np.exp(x)
            return e / np.sum(e, axis=axis, keepdims=True)

    def single_only(x, axis=-1):
        if x.dtype != np.float32:
            raise TypeError("float32 only")
        return good(x, axis)

    def along_the_last(x):
        return good(x)

    def cross_entropy(x, target, axis=-1):
        return x

    @implementation("own-judge", capabilities=("integers",), expected_findings=("integers",))
    def own_judge(x, axis=-1):
        return good(x, axis).astype(x.dtype)

    def dies(x, axis=-1):
        os._exit(3)

    def slow(x, axis=-1):
        time.sleep(0.1)
        return good(x, axis)

    def hangs(x, axis=-1):
        while True:
            pass
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A repository with a kernel and with packages of our folders' names."""
    folder = tmp_path_factory.mktemp("theirs")
    (folder / "kernels.py").write_text(textwrap.dedent(KERNELS), encoding="utf-8")
    for package in ("harness", "reports", "tests", "implementations"):
        (folder / package).mkdir()
        (folder / package / "__init__.py").write_text("raise RuntimeError('theirs')\n")
    for module in ("rich", "click", "mpmath", "numpy"):
        (folder / f"{module}.py").write_text("raise RuntimeError('not this one')\n")
    return folder


@pytest.fixture(scope="module")
def installed():
    """The command as it is installed, which does not put the working folder first."""
    return os.path.join(os.path.dirname(sys.executable), "softmax-harness")


@pytest.fixture(scope="module")
def check(ninth_command, repository):
    def run(*words):
        argv = [*ninth_command, "check", *map(str, words)]
        return subprocess.run(argv, check=False, capture_output=True, text=True, cwd=repository)

    return run


@pytest.fixture
def checked(called, repository, truths_kept, ninth_of_contract):
    """The same in this process, for what needs none of its own."""
    return lambda *words: called("check", *words, cwd=repository)


@pytest.fixture(scope="module")
def document(check, repository, once):
    """Three kernels in one call."""

    def make(folder):
        names = ("kernels:good", "kernels.py:no_shift", "kernels.py:dies")
        options = ("--dtype", "float32", "--only", "accuracy")
        done = check(*names, *options, "--json", folder / "check.json")
        assert done.returncode == 1, done.stderr
        assert "Traceback" not in done.stderr

    return json.loads((once("check", make) / "check.json").read_text(encoding="utf-8"))


def test_each_has_its_verdict_whatever_the_others_do(document):
    verdicts = {each["implementation"]: each["verdict"] for each in document["results"]}
    assert verdicts == {
        "kernels:good": "pass",
        "kernels.py:no_shift": "fail",
        "kernels.py:dies": "fail",
    }


def test_the_document_has_the_fields_that_others_rely_on(document):
    assert document["schema"] == 1
    for result in document["results"]:
        assert {"implementation", "dtype", "operation", "verdict", "findings"} <= result.keys()
        for finding in result["findings"]:
            fields = {"kind", "message", "metric", "value", "limit", "witness", "replay"}
            assert fields <= finding.keys()
    (dead,) = document["results"][2]["findings"]
    assert dead["kind"] == "died" and "exit code 3" in dead["message"]


def test_with_fail_fast_one_finding_is_told_as_it_is_without(checked, document, repository):
    options = ("--dtype", "float32", "--only", "accuracy", "--json", "fast.json")
    done = checked("kernels.py:no_shift", "--fail-fast", *options)
    assert done.returncode == 1, done.stderr
    fast = json.loads((repository / "fast.json").read_text(encoding="utf-8"))
    assert fast["options"]["fail_fast"] and not document["options"]["fail_fast"]
    (finding,) = fast["results"][0]["findings"]
    first, *others = document["results"][1]["findings"]
    assert (finding["kind"], finding["witness"]) == (first["kind"], first["witness"]) and others


def test_what_ends_early_is_no_baseline(checked):
    words = ("--fail-fast", "--baseline", "baseline.json", "--update-baseline")
    done = checked("kernels:good", *words)
    assert done.returncode == 2 and "leave one out" in done.stderr


def test_the_command_of_a_finding_shows_it_again(document, installed, repository):
    (finding,) = [each for each in document["results"][1]["findings"] if each["kind"] == "overflow"]
    program, *words = shlex.split(finding["replay"])
    assert program == "softmax-harness" and finding["witness"] in words
    done = subprocess.run(
        [installed, *words], check=False, capture_output=True, text=True, cwd=repository
    )
    assert done.returncode == 0, done.stderr
    assert "kernels.py:no_shift" in done.stdout and "nan" in done.stdout


def test_the_built_in_ones_pass(checked):
    # On the whole suite in every dtype: tests/implementations/test_contract.py.
    parts = ("--only", "accuracy", "--only", "shapes")
    done = checked("naive", "max-shifted", "log-sum-exp", "--dtype", "float32", *parts)
    assert done.returncode == 0, done.stdout
    assert not re.search("^fail", done.stdout, re.MULTILINE)
    assert re.search("^pass +naive float32", done.stdout, re.MULTILINE)
    assert "declared as known: " in done.stdout


def test_a_function_without_an_axis_is_judged_along_the_last(checked):
    done = checked(
        "kernels:along_the_last", "--dtype", "float64", "--only", "axes", "--only", "shapes"
    )
    assert done.returncode == 0, done.stdout
    assert "reported only: axis" in done.stdout and "has no parameter axis" in done.stdout


def test_a_function_of_another_operation_is_told_which(checked):
    done = checked("kernels.py:cross_entropy", "--dtype", "float32", "--only", "accuracy")
    assert done.returncode == 1 and "needs x, target, and was called with x" in done.stdout
    assert "; if it computes cross_entropy, give --operation cross_entropy" in done.stdout


@pytest.mark.parametrize("part", ["axes", "integers", "shapes"])
def test_what_answers_no_call_passes_no_part(checked, part):
    done = checked("kernels.py:cross_entropy", "--dtype", "float32", "--only", part)
    assert done.returncode == 1 and "at its first call; if it computes" in done.stdout


def test_a_dtype_that_is_refused_is_not_supported(checked):
    done = checked("kernels:single_only", "--only", "accuracy")
    assert done.returncode == 0, done.stdout
    assert re.findall(r"^(\w+) +kernels:single_only (\w+)", done.stdout, re.MULTILINE) == [
        ("unsupported", "float16"),
        ("pass", "float32"),
        ("unsupported", "float64"),
    ]


def test_a_hang_is_ended_at_its_time_limit(check):
    done = check("kernels:hangs", "--dtype", "float32", "--time-limit", "1")
    assert done.returncode == 1
    assert done.stdout.count("timeout: ") == 1 and "within 1 s" in done.stdout


def test_calls_that_are_slow_together_are_ended_at_the_limit_for_all(check):
    done = check("kernels:slow", "--dtype", "float32", "--time-limit", "60", "--total-time", "2")
    assert done.returncode == 1
    assert done.stdout.count("timeout: took more than 2 s in all, and was stopped") == 1


def test_a_limit_is_held(checked):
    words = ("kernels:good", "--dtype", "float32", "--only", "accuracy")
    assert checked(*words, "--limit", "max_ulp=1000").returncode == 0
    done = checked(*words, "--limit", "max_ulp=0.6")
    assert done.returncode == 1
    assert "limit: max_ulp is" in done.stdout and "beyond its limit of 0.6" in done.stdout


def test_what_was_asked_for_by_name_and_not_judged_is_not_green(checked):
    done = checked("max-shifted", "--dtype", "bfloat16", "--only", "shapes")
    assert done.returncode == 1
    assert "max-shifted was not checked: unsupported in bfloat16" in done.stderr


def test_what_is_built_in_is_checked_where_nothing_else_is_and_it_is_said(check):
    done = check("--dtype", "float32", "--only", "shapes")
    assert done.returncode == 0, done.stdout
    assert "note: nothing of this project was checked" in done.stdout


def test_what_a_kernel_says_itself_waives_nothing_that_the_project_does_not_bear(checked):
    words = ("kernels:own_judge", "--dtype", "float32", "--only", "integers")
    done = checked(*words)
    assert done.returncode == 1 and "  integers: " in done.stdout
    assert "declares this as known itself" in done.stdout
    assert checked(*words, "--no-strict").returncode == 0


def test_what_is_built_in_may_declare_what_is_known_unless_strict(checked):
    words = ("naive", "--dtype", "float16", "--only", "accuracy")
    assert checked(*words).returncode == 0
    assert checked(*words, "--strict", "--fail-fast").returncode == 1


def test_the_seed_of_today_is_told_and_takes_no_baseline(checked):
    today = datetime.now(UTC).strftime("%Y%m%d")
    done = checked("kernels:good", "--dtype", "float32", "--only", "shapes", "--seed", "today")
    assert done.returncode == 0 and f"note: seed {today}" in done.stdout
    done = checked("kernels:good", "--baseline", "b.json", "--update-baseline", "--seed", "today")
    assert done.returncode == 2 and "equal seeds" in done.stderr


@pytest.mark.parametrize(
    "words, part",
    [
        (["gone.py:f"], "gone.py: no such file"),
        (["kernels.py"], "expected kernels.py:FUNCTION"),
        (["kernels:goood"], "did you mean good?"),
        (["max-shiftd"], "did you mean max-shifted?"),
        (["max-shifted", "--dtype", "float23"], "did you mean float32?"),
        (["max-shifted", "--limit", "ulp=2"], "expected METRIC=NUMBER"),
        (["max-shifted", "--only", "speed"], "speed"),
        (["max-shifted", "--json", "gone/check.json"], "gone"),
        (["max-shifted", "--time-limit", "0"], "0"),
        (["kernels:good", "--dtype", "float32", "--time-limit", "1e-6"], "no implementation can"),
    ],
)
def test_a_wrong_request_is_one_line(checked, repository, words, part):
    before = sorted(repository.iterdir())
    done = checked(*words)
    assert done.returncode == 2
    assert part in done.stderr and "Traceback" not in done.stderr
    assert done.stderr.strip().count("\n") == 0
    assert sorted(repository.iterdir()) == before


def test_killed_at_any_moment_it_leaves_no_half_written_file_and_no_process(
    installed, repository, tmp_path
):
    def killed_after(seconds):
        folder = tmp_path / f"{seconds}"
        folder.mkdir()
        target = folder / "check.json"
        target.write_text('{"old": true}')
        words = ("check", "kernels:good", "--dtype", "float32", "--only", "shapes")
        process = subprocess.Popen(
            [installed, *words, "--json", target],
            cwd=repository,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"SOFTMAX_HARNESS_TEST": str(folder)},
        )
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert [each.name for each in folder.iterdir()] == ["check.json"]
        json.loads(target.read_text(encoding="utf-8"))
        return str(folder)

    with ThreadPoolExecutor(2) as executor:
        folders = list(executor.map(killed_after, [0.1 + 0.15 * step for step in range(6)]))
    if sys.platform == "linux":
        for _ in range(50):
            left = [folder for folder in folders if _somebody_knows(folder)]
            if not left:
                break
            time.sleep(0.1)
        assert not left


def _somebody_knows(text):
    """Whether a process has `text` in its environment."""
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                if text.encode() in file.read() and name != str(os.getpid()):
                    return True
        except OSError:
            continue
    return False
