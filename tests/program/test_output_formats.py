"""Input and output of different formats: every place tells the same error of the same inputs."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from softmax_harness.ground.formats import FORMATS
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.timing.suite import JUDGED_LENGTH, JUDGED_ROWS, SEED, imported, max_ulp

KERNELS = """
import ml_dtypes
import numpy as np
from softmax_implementations.registry import implementation


def _softmax(x, axis, dtype):
    x = np.asarray(x).astype(np.float32)
    with np.errstate(all="ignore"):
        e = np.exp(x - np.max(x, axis=axis, keepdims=True, initial=-np.inf))
        return np.asarray(e / np.sum(e, axis=axis, keepdims=True)).astype(dtype)


@implementation("declared", dtypes=("float32",), output_dtype="bfloat16")
def float32_to_bfloat16(x, axis=-1):
    return _softmax(x, axis, ml_dtypes.bfloat16)


def float32_to_float16(x, axis=-1):
    return _softmax(x, axis, np.float16)


def float16_to_float32(x, axis=-1):
    return _softmax(x, axis, np.float32)
"""
PAIRS = [("float32", "bfloat16"), ("float32", "float16"), ("float16", "float32")]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "own_kernels.py").write_text(KERNELS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.parametrize("input_, output", PAIRS)
def test_every_place_tells_the_same_largest_error(called, folder, input_, output):
    pytest.importorskip("ml_dtypes")
    name = f"own_kernels:{input_}_to_{output}"
    said = () if output == "bfloat16" else ("--output-dtype", output)
    # The inputs of bench, which are fixed.
    recipe = Recipe(FAMILIES["normal-10"], FORMATS[input_], JUDGED_LENGTH, JUDGED_ROWS, SEED)
    x = recipe.block(0)
    function = imported(name)
    np.save("x.npy", x)
    np.save("y.npy", function(x))

    problem = Problem(OPERATIONS["softmax"], FORMATS[input_], FORMATS[output])
    by_bench = max_ulp(function, "normal-10", problem)

    assert called("score", "x.npy", "y.npy", "--json", "score.json").returncode == 0
    document = json.loads((folder / "score.json").read_text())
    row, index = document["worst"]["index"]

    run = called(
        "run", name, *said, "--dtype", input_, "--family", "x.npy", "--asv", "none", "--jobs", "1",
        "--out", "out",
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    by_run = pd.read_csv(folder / "out" / "results.csv").loc[0, "max_ulp"]
    assert document["max_ulp"] == by_run == by_bench
    assert by_run < 0.6 or output == "float32"  # of one rounding, or of a whole softmax

    shown = called("explain", "x.npy", "--row", row, "--implementation", name, *said)
    assert shown.returncode == 0, shown.stderr
    assert f", in {output}" in shown.stdout
    (row_of_worst,) = [line for line in shown.stdout.splitlines() if line.startswith("  gives")]
    errors = re.findall(r"([-+][\d.e+-]+) ulp", row_of_worst)
    assert f"{by_run:.3g}" in [f"{abs(float(each)):.3g}" for each in errors] or index > 3


@pytest.mark.parametrize("input_, output", PAIRS)
@pytest.mark.usefixtures("ninth_of_contract")
def test_check_judges_in_the_format_of_the_results(called, folder, input_, output):
    pytest.importorskip("ml_dtypes")
    name = f"own_kernels:{input_}_to_{output}"
    said = () if output == "bfloat16" else ("--output-dtype", output)
    words = ("check", name, *said, "--dtype", input_, "--only", "accuracy", "--json", "out.json")
    done = called(*words)
    assert done.returncode == 0, done.stdout
    (result,) = json.loads((folder / "out.json").read_text())["results"]
    assert result["standard"] == ("native" if output == "float32" else "wide")
