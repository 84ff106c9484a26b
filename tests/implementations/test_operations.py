"""What is asked of every registered implementation of every operation, and of a new operation."""

import json
import os
import re
import shlex
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import pytest
from softmax_harness.check.contract import Contract, checked
from softmax_harness.check.contract.elements import judge
from softmax_harness.ground.formats import DEFAULT_DTYPES, FORMATS
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.judgement.measure import classified
from softmax_harness.judgement.outcomes import OUTCOMES
from softmax_harness.judgement.question import question
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.subjects.catalogue import catalogue
from softmax_harness.subjects.named import implementation_named, subject_named

FAMILIES_HELD = (
    "normal-1",
    "normal-100",
    "offset-positive",
    "ties",
    "masked",
    "all-masked",
    "nan-in-row",
    "positive-infinity",
)
PARTS_HELD = ("accuracy", "axes", "shapes")
OTHERS = [
    pytest.param(name, DEFAULT_DTYPES[place % len(DEFAULT_DTYPES)], marks=pytest.mark.place(place))
    for place, name in enumerate(OPERATIONS)
    if name != "softmax"
]
EACH = [
    (operation, name)
    for operation in OPERATIONS
    if operation != "softmax"
    for name, each in catalogue(operation).items()
    if not each.unavailable
]


def asked_of(operation, dtype, family="normal-10", n=10, rows=24):
    recipe = Recipe(FAMILIES[family], FORMATS[dtype], n, rows, 0)
    stored, about = recipe.block(0), OPERATIONS[operation]
    operands = about.make_operands(stored, recipe.random_operands(0))
    return question(Problem.of(about, recipe.format), stored, operands)


@pytest.mark.parametrize("operation, name", EACH)
def test_shape_dtype_and_untouched_input(operation, name):
    implementation = implementation_named(name, operation)
    for dtype in implementation.dtypes:
        asked = asked_of(operation, dtype)
        found = subject_named(name, asked.problem).call(asked.stored, asked.operands)
        assert found.faults == ()
        assert found.y.size == asked.truth.rounded.size


@pytest.mark.slow
@pytest.mark.usefixtures("truths_kept", "ninth_of_contract")
@pytest.mark.parametrize("operation, dtype", OTHERS)
def test_check_passes_what_is_registered_and_knows_its_faults(operation, dtype):
    """Each operation in one format, the next in the next, and in a ninth of the contract."""
    for name in {key[1] for key in EACH if key[0] == operation} - {"exact"}:
        contract = Contract((dtype,), PARTS_HELD, operation=operation, families=FAMILIES_HELD)
        (found,) = checked(name, contract)
        takes = dtype in implementation_named(name, operation).dtypes
        assert found.verdict == ("pass" if takes else "unsupported"), found.findings
        if takes and ("naive" in name or name in ("log-of-softmax", "minus-1e4")):
            assert found.expected


WRONG = """
import numpy as np

def log_softmax(x, axis=-1):
    return (x - np.log(np.exp(x).sum(axis=axis, keepdims=True))).astype(x.dtype)

def of_last_axis(x, axis=-1):
    below = x - x.max(axis=-1, keepdims=True)
    return (below - np.log(np.exp(below).sum(axis=-1, keepdims=True))).astype(x.dtype)

def wide(x, axis=-1):
    return log_softmax(x.astype(np.float64), axis)

def dies(x, axis=-1):
    import os
    os._exit(3)
"""


@pytest.mark.usefixtures("truths_kept")
def test_check_fails_a_wrong_log_softmax_of_one_s_own(called, tmp_path):
    """Each for its reason, whatever became of those before it."""
    (tmp_path / "mine.py").write_text(WRONG, encoding="utf-8")
    expected = {
        "mine.py:log_softmax": "wrong_special",  # the first of its kinds
        "mine.py:dies": "died",
        "mine.py:of_last_axis": "axis",
        "mine.py:wide": "wrong_dtype",
    }
    words = ("--operation", "log_softmax", "--dtype", "float32", "--json", "out.json")
    parts = ("--only", "accuracy", "--only", "axes", "--fail-fast")
    done = called("check", *expected, *words, *parts, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    results = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["results"]
    assert [each["implementation"] for each in results] == [*expected]
    for result in results:
        assert result["operation"] == "log_softmax" and result["verdict"] == "fail"
        kinds = {each["kind"] for each in result["findings"]}
        assert expected[result["implementation"]] in kinds


def test_a_finding_of_check_is_what_its_command_shows(command, tmp_path, monkeypatch):
    """Of a family that comes as a whole, too, whose block is longer than what check asks."""
    (tmp_path / "mine.py").write_text(
        "import numpy as np\ndef only_v(x, v, axis=-1):\n    return v + 0 * x\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    only = Contract(("float32",), operation="gradient", parts=("accuracy",), fail_fast=True)
    (found,) = checked("mine.py:only_v", only)
    finding = found.findings[0]
    y = re.search(r"gives ([^,]+),", finding.message)[1]
    shown = command(*shlex.split(finding.replay)[1:], cwd=tmp_path).stdout
    given = re.search(r"gives +(\S+) \(", shown)[1]  # in as many digits as float32 needs
    assert np.float32(given) == np.float32(y)


@pytest.mark.parametrize("name, part", [("typo", "any operation"), ("mine.py:f", "--operation")])
def test_a_name_that_no_operation_has_is_refused(command, tmp_path, name, part):
    (tmp_path / "mine.py").write_text("def f(x, axis=-1):\n    return x\n", encoding="utf-8")
    done = command("run", "naive", name, "--operation", "all", "--out", "out", cwd=tmp_path)
    assert done.returncode == 2 and part in done.stderr and not (tmp_path / "out").exists()


@pytest.mark.parametrize("family", FAMILIES_HELD)
@pytest.mark.parametrize(
    "operation, name", [key for key in EACH if catalogue(key[0])[key[1]].bound == "operation"]
)
def test_the_careful_ones_keep_what_is_owed(operation, name, family):
    for dtype in ("float16", "float32", "float64"):
        n = (FAMILIES[family].lengths or (33,))[0]
        asked = asked_of(operation, dtype, family, n)
        subject = subject_named(name, asked.problem)
        y = subject.call(asked.stored, asked.operands).values
        # Those of logarithms are as careful as the strictest standard that float16 itself has.
        is_relative = asked.operation.usual_bound is not None and dtype != "float16"
        asked = asked.held_to("relative" if is_relative else "native")
        _, codes = classified(asked, y.reshape(asked.truth.rounded.shape))
        bad = {OUTCOMES[code] for code in codes.ravel()}
        assert not bad & {"inaccurate", "nan", "out_of_range", "wrong_special"}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name != "softmax"])
def test_the_wide_ones_keep_their_standard_in_16_bits(operation, dtype):
    if dtype == "bfloat16":
        pytest.importorskip("ml_dtypes", reason="pip install ml_dtypes")
    for family in FAMILIES_HELD:
        asked = asked_of(operation, dtype, family, (FAMILIES[family].lengths or (33,))[0])
        subject = subject_named("wide", asked.problem)
        y = subject.call(asked.stored, asked.operands).values
        asked = asked.held_to(subject.standard)
        found = judge(asked, y.reshape(asked.truth.rounded.shape), flushes=False)
        assert subject.standard == "wide" and not found.is_fault.any(), (family, found.kinds())


def test_each_operation_has_a_naive_and_a_careful_one_and_scipy_s_are_judged():
    for operation in OPERATIONS:
        assert len(catalogue(operation)) >= 3
    for operation in ("softmax", "log_softmax", "logsumexp"):
        assert "scipy" in catalogue(operation)


def test_near_saturation_one_minus_s_loses_everything():
    x, target = np.array([[40.0, 0.0], [800.0, 0.0]]), np.array([0, 0])
    asked = question(
        Problem.of(OPERATIONS["cross_entropy_gradient"], FORMATS["float64"]), x, (target,)
    )
    textbook = implementation_named("s-minus-1", "cross_entropy_gradient")(x, target)
    careful = implementation_named("sum-of-others", "cross_entropy_gradient")(x, target)
    assert asked.truth.rounded[0, 0] == pytest.approx(-np.exp(-40.0))
    assert textbook[0, 0] == 0.0
    assert careful[0, 0] == pytest.approx(-np.exp(-40.0))


_EACH = """
import json, sys
from softmax_harness.cli import main
for words in json.loads(sys.argv[1]):
    sys.argv = ["softmax-harness", *words]
    try:
        main()
    except SystemExit as ended:
        if ended.code:
            sys.exit(f"{words}: {ended.code}")
from softmax_harness.timing import calls
from softmax_harness.timing.suite import suite
import mine
made = suite("mine", find=lambda name: mine.collision, operation="collision")()
made.time_softmax("mine", "float64", 10)
calls.ROUNDS, calls.LENGTHS = 1, (10,)
table = calls.time_calls({"mine.py:collision": ["float64"]}, lambda *done: None, "collision")
assert table["operation"].tolist() == ["collision"] and not table["failure"].any()
print("times", float(made.track_max_ulp("mine", "float64", "normal-10") < 64))
"""


def test_an_operation_is_one_file(root, tmp_path):
    """sum_of_squares of softmax, in a copy of the package: every verb has it, and the timings."""
    import shutil

    for name in ("implementations", "harness", "reports"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(root / name, tmp_path / name, ignore=ignored)
    (tmp_path / "harness/softmax_harness/operations/collision.py").write_text(
        textwrap.dedent('''
            """collision: z = sum_i softmax(x)_i ** 2, the chance that two draws agree."""

            import numpy as np

            from softmax_harness.operations import rows
            from softmax_harness.operations.balls import (
                Ball, enclosure, near_limit, product, quotient, total,
            )
            from softmax_harness.operations.operation import Operation


            def enclose(x, operands, precision):
                row = rows.distinct_logits(x)
                terms = rows.weights(row.values, precision)
                if len(terms) == 1:
                    return [rows.rational(rows.Fraction(1, row.most), precision)]
                others = rows.rest(terms, row.counts, precision)
                whole = total([others, Ball(row.most, 0)], precision)
                squares = rows.rest([product(t, t) for t in terms], row.counts, precision)
                m, square = Ball(row.most, 0), product(whole, whole, precision)
                less = [product(m, squares), -product(Ball(2 * row.most, 0), others)]
                less = total([*less, -product(others, others)], precision)
                apart = quotient(less, product(m, square), precision)
                found = near_limit(rows.Fraction(1, row.most), apart)
                if found is not None:  # 1 / m, and what is missing is next to nothing
                    return [found]
                upper = total([squares, m], precision)
                return [enclosure(quotient(upper, square, precision))]


            def special_values(x, policy, operands):
                lost = ~np.isfinite(x).all(axis=-1, keepdims=True)
                return lost, np.where(lost, np.nan, 0.0)


            def error_bound(x, operands, z, ulp, format):
                return np.full(z.shape, 64.0)


            def input_sensitivity(x, operands, z, format):
                return rows.half_ulps(x, format).sum(axis=-1, keepdims=True)


            OPERATION = Operation(
                "collision", "z = sum softmax(x)_i^2", enclose, special_values, error_bound,
                input_sensitivity,
                one_result=True, least=0.0,
            )
            '''),
        encoding="utf-8",
    )
    (tmp_path / "mine.py").write_text(
        "import numpy as np\n"
        "def collision(x, axis=-1):\n"
        "    e = np.exp(x - x.max(axis=axis, keepdims=True))\n"
        "    return ((e / e.sum(axis=axis, keepdims=True)) ** 2).sum(axis=axis)\n",
        encoding="utf-8",
    )
    paths = os.pathsep.join(
        str(tmp_path / name) for name in ("implementations", "harness", "reports")
    )
    own, options = "mine.py:collision", ["--operation", "collision"]
    few = ["--family", "normal-1", "--dtype", "float64"]
    verbs = [
        ["list"],
        ["run", own, "exact", *options, *few, "--asv", "none", "--jobs", "1", "--out", "run"],
        ["report", "run"],
        [
            "check",
            own,
            *options,
            "--dtype",
            "float64",
            "--only",
            "repeats",
            "--json",
            "check.json",
        ],
        ["explain", "0", "1", *options, "--implementation", own],
        ["inputs", *options, *few, "--out", "in"],
        ["score", "x.npy", "y.npy", *options, "--json", "score.json", "--limit", "max_ulp=64"],
        ["compare", "run", "run"],
    ]
    x = np.random.default_rng(0).normal(0.0, 3.0, (4, 5))
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", ((e / e.sum(axis=-1, keepdims=True)) ** 2).sum(axis=-1))
    done = subprocess.run(
        [sys.executable, "-c", _EACH, json.dumps(verbs)],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": paths},
    )
    assert done.returncode == 0, done.stderr
    assert "collision              f(x, axis=-1): z = sum softmax(x)_i^2" in done.stdout
    table = pd.read_csv(tmp_path / "run" / "results.csv")
    assert set(table["implementation"]) == {"mine.py:collision", "exact"}
    assert table["max_ulp"].max() < 64 and (table["inaccurate"] == 0).all()
    assert "collision" in (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    (checked_,) = json.loads((tmp_path / "check.json").read_text(encoding="utf-8"))["results"]
    assert checked_["operation"] == "collision" and checked_["verdict"] == "pass"
    assert "times 1.0" in done.stdout
    made = json.loads((tmp_path / "in" / "run.json").read_text(encoding="utf-8"))["inputs"]
    assert made and {each["operation"] for each in made} == {"collision"}
    scored = json.loads((tmp_path / "score.json").read_text(encoding="utf-8"))
    assert scored["operation"] == "collision" and scored["elements"] == 4
