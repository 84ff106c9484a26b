"""From an empty folder: a kernel, two machines, and everything that a gate is asked to tell."""

import json
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

KERNEL = """
    import numpy as np

    def softmax(x, axis=-1):
        {first}
        if x.dtype.kind in "iu":
            {integers}
        d = x.dtype
        x = x.astype({work})
        with np.errstate(all="ignore"):
            e = np.exp(x - np.max(x, axis=axis, keepdims=True, initial=-np.inf))
            y = (e / np.sum(e, axis=axis, keepdims=True)).astype(d)
        {last}
        return y
"""
PLAIN = {"first": "", "integers": "x = x.astype(np.float64)", "work": "d", "last": ""}
# By two ulp, where no output is near 1, which must not be exceeded, nor subnormal.
LARGER = (
    "if d == np.float32 and x.shape and x.shape[axis] >= 100: "
    "y = np.where((y > 1e-30) & (y < 0.5), y + 2 * np.spacing(y), y)"
)
STEPS = {
    "regression": PLAIN | {"last": LARGER},
    # What was accepted, but for what is waived.
    "waived": PLAIN | {"integers": "return np.zeros(x.shape)"},
    "improvement": PLAIN | {"work": "np.float64"},
    "raises": PLAIN | {"first": 'if x.dtype == "float32": raise NameError("epx")'},
}
KERNELS = STEPS | {"accepted": PLAIN}
TABLE = """
    [tool.softmax-harness]
    implementations = ["kernel.py:softmax"]
    dtypes = ["float32"]
    baseline = "baseline.json"

    [[tool.softmax-harness.waivers]]
    implementation = "kernel.py:softmax"
    kind = "integers"
    reason = "the callers have none"
    expires = 2999-12-31
"""
# One process for all that one machine does, which finds the truth of a ninth of the inputs once.
PROGRAM = """
import contextlib, io, json, pathlib, sys
from softmax_harness.check.contract import parts
from softmax_harness.check.contract.truths import keep_truths
from softmax_harness.cli import main

recipes = parts.recipes
parts.recipes = lambda *of: list(recipes(*of))[::9]
keep_truths(14 << 20)
told = {}
for name, kernel, *words in json.load(sys.stdin):
    pathlib.Path("kernel.py").write_text(kernel, encoding="utf-8")
    sys.argv = ["softmax-harness", "check", "--only", "accuracy", "--only", "integers", *words]
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(said):
        try:
            main()
        except SystemExit as ended:
            told[name] = [ended.code or 0, said.getvalue()]
print(json.dumps(told))
"""


@pytest.fixture
def machine(tmp_path):
    """Does steps on a machine without some instruction sets: code and output of each."""
    (tmp_path / "pyproject.toml").write_text(textwrap.dedent(TABLE), encoding="utf-8")

    def run(*steps, without=()):
        asked = [
            (step, textwrap.dedent(KERNEL).format(**KERNELS[step.split()[0]]), *step.split()[1:])
            for step in steps
        ]
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            input=json.dumps(asked),
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=os.environ | {"NPY_DISABLE_CPU_FEATURES": " ".join(without)},
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_each_machine_gates(machine, called, tmp_path):
    found = np.show_config(mode="dicts").get("SIMD Extensions", {}).get("found", [])
    if not found:
        pytest.skip("NumPy finds nothing here that could be taken away")
    take = "accepted --update-baseline"
    assert machine(take)[take][0] == 0
    another = machine("accepted", take, *STEPS, without=found)
    assert another.pop("accepted")[0] == 0  # of this machine nothing is known yet
    machines = [another, machine(*STEPS)]
    (entries,) = json.loads((tmp_path / "baseline.json").read_text())["results"].values()
    assert len(entries["float32"]) == len(machines), entries

    for told in machines:
        codes = {step: code for step, (code, _) in told.items()}
        assert codes.pop(take, 0) == 0
        assert codes == dict.fromkeys(STEPS, 0) | {"regression": 1, "raises": 1}, told
        assert "  regression: worse than the baseline" in told["regression"][1]
        assert "max_ulp" in told["regression"][1]
        assert "waived" in told["waived"][1]
        assert "better" in told["improvement"][1]
        assert "NameError" in told["raises"][1]

    text = textwrap.dedent(TABLE).replace("softmax-harness", "softmax_harness")
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    refused = called("check", cwd=tmp_path)
    assert (
        refused.returncode == 2 and "[tool.softmax_harness] is no table of ours" in refused.stderr
    )
