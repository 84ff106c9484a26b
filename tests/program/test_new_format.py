"""A format is added by one entry: it then stands in every command, without another line."""

import json
import os
import shutil
import subprocess

import numpy as np
import pytest

ml_dtypes = pytest.importorskip("ml_dtypes", reason="pip install 'softmax-harness[narrow]'")

NAME = "float8_e3m4"
BEFORE = '        Format("float16", '
ENTRY = f'        _float8("{NAME}", 5, -2, 3),\n'
KERNEL = """
import numpy as np

def softmax(x, axis=-1):
    w = x.astype(np.float32)
    e = np.exp(w - np.max(w, axis=axis, keepdims=True))
    return (e / e.sum(axis=axis, keepdims=True)).astype(x.dtype)

def truncated(x, axis=-1):
    y = softmax(x, axis).astype(np.float32)
    return (np.floor(y * 32) / 32).astype(x.dtype)
"""


@pytest.fixture(scope="module")
def with_entry(root, ninth_command, tmp_path_factory):
    """The command of a copy of the program to which the entry was added."""
    folder = tmp_path_factory.mktemp("program")
    shutil.copytree(root / "harness", folder / "harness")
    path = folder / "harness" / "softmax_harness" / "ground" / "formats.py"
    text = path.read_text(encoding="utf-8")
    assert text.count(BEFORE) == 1
    path.write_text(text.replace(BEFORE, ENTRY + BEFORE), encoding="utf-8")
    others = [root / "implementations", root / "reports"]
    paths = os.pathsep.join(map(str, [folder / "harness", *others]))
    (folder / "kernel.py").write_text(KERNEL, encoding="utf-8")

    def run(*words):
        done = subprocess.run(
            [*ninth_command, *map(str, words)],
            capture_output=True,
            text=True,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": paths},
            timeout=120,
        )
        assert done.returncode in (0, 1), done.stderr
        return done

    return run


def test_it_is_listed(with_entry):
    listed = json.loads(with_entry("list", "--json").stdout)
    own = next(each for each in listed["formats"] if each["name"] == NAME)
    assert own["largest"] == 15.5 and not own["is_default"]
    names = [each["name"] for each in listed["implementations"] if NAME in each["dtypes"]]
    assert names == ["exact", "wide"]


def test_it_is_checked(with_entry):
    words = ("--dtype", NAME, "--only", "accuracy", "--json", "check.json", "--fail-fast")
    done = with_entry("check", "kernel.py:softmax", "kernel.py:truncated", "exact", *words)
    verdicts = [line.split()[:2] for line in done.stdout.split("\n") if NAME in line]
    assert ["pass", "kernel.py:softmax"] in verdicts and ["pass", "exact"] in verdicts
    assert ["fail", "kernel.py:truncated"] in verdicts


def test_its_outputs_are_scored(with_entry, tmp_path):
    kind = ml_dtypes.float8_e3m4
    x = np.random.default_rng(0).normal(0, 3, (20, 9)).astype(kind)
    w = np.exp(x.astype(np.float32))
    y = (w / w.sum(axis=-1, keepdims=True)).astype(kind)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y.view(np.uint8))
    files = (tmp_path / "x.npy", tmp_path / "y.npy")
    done = with_entry("score", *files, "--x-dtype", NAME, "--limit", "max_ulp=0.51")
    assert done.returncode == 0 and f"softmax, {NAME}, held to wide" in done.stdout
