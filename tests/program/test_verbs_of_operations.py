"""explain and score take every operation, from the command's line to its exit code."""

import json
import re
import shlex

import numpy as np
import pytest
from softmax_implementations import implementations


def test_a_broken_limit_ends_with_1_and_is_in_the_document(called, tmp_path):
    x = np.random.default_rng(0).normal(0, 3, (4, 5)).astype(np.float32)
    target = np.array([0, 1, 2, 3])
    y = implementations("cross_entropy")["compensated"](x, target)
    for name, values in (("x", x), ("t", target), ("y", y)):
        np.save(tmp_path / f"{name}.npy", values)
    words = ("score", "x.npy", "y.npy", "--operation", "cross_entropy", "--operand", "target=t.npy")
    done = called(*words, "--limit", "max_ulp=2", cwd=tmp_path)
    assert done.returncode == 0 and "limit: max_ulp is" in done.stdout, done.stderr
    assert "target = " in done.stdout
    words += ("--limit", "max_ulp=0.001", "--json", "score.json")
    done = called(*words, cwd=tmp_path)
    assert done.returncode == 1 and "but at most 0.001 is allowed" in done.stdout
    (limit,) = json.loads((tmp_path / "score.json").read_text())["limits"]
    assert limit["metric"] == "max_ulp" and limit["number"] == 0.001 and not limit["holds"]
    done = called(*words, "--limit", "sum_defect=1", cwd=tmp_path)
    assert done.returncode == 2 and "is not measured of cross_entropy" in done.stderr


def test_explain_takes_operands_by_name_as_text_and_in_files(called, tmp_path):
    words = ("explain", "2.0", "1.0", "0.5", "--operation", "cross_entropy")
    by_name = called(*words, "--target", "1")
    assert by_name.returncode == 0 and "target: 1" in by_name.stdout, by_name.stderr
    assert "added most" in by_name.stdout
    assert called(*words, "--operand", "target=1").stdout == by_name.stdout
    np.save(tmp_path / "t.npy", np.array(1))
    assert called(*words, "--target", tmp_path / "t.npy").stdout == by_name.stdout
    assert "target: " in called(*words).stdout
    np.save(tmp_path / "x.npy", np.array([[9.0, 9.0, 9.0], [2.0, 1.0, 0.5]]))
    np.save(tmp_path / "t.npy", np.array([0, 1]))
    by_file = called(
        "explain", "x.npy", "--row", 1, "--operation", "cross_entropy", "--target", "t.npy",
        cwd=tmp_path,
    )  # fmt: skip
    assert "target: 1" in by_file.stdout, by_file.stderr


def test_explain_of_attention_needs_no_logits_and_draws(called, tmp_path):
    words = ("explain", "--operation", "attention", "--q", "1,2", "--k", "3,4/5,6", "--v", "1/2")
    done = called(*words, "--figure", tmp_path / "steps.png")
    assert done.returncode == 0 and "q.k / sqrt d" in done.stdout, done.stderr
    assert (tmp_path / "steps.png").stat().st_size > 10_000
    done = called("explain", "--operation", "attention")
    assert done.returncode == 2 and "expected --q, --k, --v, --mask, or a WITNESS" in done.stderr
    assert called("explain").returncode == 2


def test_explain_takes_one_of_several_queries_and_hides_nothing_unasked(called):
    words = ("explain", "--operation", "attention", "--k", "1,2/3,4/0,1", "--v", "1/2/3")
    one = called(*words, "--q", "2,1")
    assert "mask: 1  1  1" in one.stdout, one.stderr
    several = [called(*words, "--q", "2,1/2,3", "--row", row) for row in (0, 1, 2)]
    shown = [each.stdout.partition("\n\n")[0] for each in several]
    assert shown[0] == one.stdout.partition("\n\n")[0] and "q: 2.0  3.0" in shown[1]
    assert several[2].returncode == 2 and "has 2, counted from 0" in several[2].stderr
    hidden = called(*words, "--q", "2,1/2,3", "--mask", "1,1,1/0,1,0", "--row", "1")
    assert "mask: 0  1  0" in hidden.stdout, hidden.stderr


KERNEL = """
import numpy as np

def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)

def loop(x, axis=-1):
    return softmax(np.array([float(each) for each in x.ravel()], x.dtype).reshape(x.shape), axis)

def plain(x, axis=-1):
    if type(x) is not np.ndarray:
        raise RuntimeError("an array of another class")
    return softmax(x, axis)
"""


def test_explain_shows_the_steps_of_a_function_of_one_s_own(called, tmp_path):
    """Which runs in a process of its own; one process of a test keeps a function by its name."""
    (tmp_path / "of_ones_own.py").write_text(KERNEL, encoding="utf-8")
    words = ("explain", "1", "2", "3.5", "--dtype", "float32", "--implementation")
    own = called(*words, "of_ones_own.py:softmax", cwd=tmp_path)
    assert "its steps to element 0" in own.stdout, own.stderr
    steps = re.findall(r"^    (\w+) .* ulp$", own.stdout, re.MULTILINE)
    assert steps == ["max", "subtract", "exp", "sum", "divide"]
    loop = called(*words, "of_ones_own.py:loop", cwd=tmp_path)
    assert loop.returncode == 0 and "its steps cannot be" in loop.stdout
    plain = called(*words, "of_ones_own.py:plain", cwd=tmp_path)
    assert "its steps cannot be seen: RuntimeError: an array of another class" in plain.stdout


@pytest.mark.parametrize(
    "words, message",
    [
        (["explain", "1", "2", "--operand", "target=1"], "softmax takes logits alone"),
        (["explain", "1", "2", "--operation", "gradient", "--operand", "v"], "NAME=WHAT"),
        (["explain", "1", "--operation", "cross_entropy", "--target", "7"], "from 0"),
        (["score", ".", ".", "--axis", "0"], "leave it out"),
        (["score", ".", "."], "expected a folder that softmax-harness inputs wrote"),
        (["score", "x.npy", "x.npy", "--limit", "max_ulp=x"], "METRIC=NUMBER"),
    ],
)
def test_bad_requests_are_one_line(called, tmp_path, words, message):
    done = called(*words, cwd=tmp_path)
    assert done.returncode == 2 and message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_finding_under_a_policy_shows_commands_that_state_it(called, tmp_path):
    (tmp_path / "of_ones_own.py").write_text(KERNEL, encoding="utf-8")
    words = ("of_ones_own.py:softmax", "--dtype", "float32", "--policy", "nan=uniform")
    done = called("check", *words, "--only", "accuracy", "--fail-fast", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    (line,) = {each.strip() for each in done.stdout.splitlines() if " explain " in each}
    assert line.endswith("--policy nan=uniform")
    shown = called(*shlex.split(line)[1:], cwd=tmp_path)
    assert shown.returncode == 0 and "asks for 1" in shown.stdout, shown.stderr


def test_explain_refuses_what_is_no_operand(called, tmp_path):
    np.save(tmp_path / "c.npy", np.array([1j, 2.0]))
    done = called("explain", "2", "1", "--operation", "gradient", "--v", "c.npy", cwd=tmp_path)
    assert done.returncode == 2 and "v=c.npy is of complex128" in done.stderr
    done = called("explain", "c.npy", "--operation", "attention", cwd=tmp_path)
    assert done.returncode == 2 and "expected --q FILE.npy" in done.stderr
