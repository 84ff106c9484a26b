"""`score`, `check`, `explain` and `run`: what the verbs do, as functions."""

import json
import subprocess
import sys

import numpy as np
import pytest
import softmax_harness
from pandas.testing import assert_frame_equal
from softmax_harness import check, explain, run, score
from softmax_harness.api.shown import Shown
from softmax_harness.ground.errors import HarnessError
from softmax_harness.run.results import read


def logits(*shape):
    return (3 * np.random.default_rng(3).standard_normal(shape)).astype(np.float32)


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def test_nothing_is_loaded_before_it_is_used_and_the_functions_stay_where_they_are():
    program = """
import sys
import softmax_harness, softmax_harness.testing
heavy = {"numpy", "pandas", "mpmath", "click", "importlib.metadata", "hypothesis", "ctypes"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
import softmax_harness.score.judging, softmax_harness.check.plan, softmax_harness.run.results
import softmax_harness.explain.row
from softmax_harness import check, explain, run, score, testing
for name in ("check", "explain", "run", "score"):
    for _ in range(2):
        assert getattr(softmax_harness, name).__name__ == name, name
assert sorted(softmax_harness.__all__) == dir(softmax_harness)
assert softmax_harness.__version__.count(".") == 2
assert sys.modules["softmax_harness.score"].score is not softmax_harness.score
try:
    softmax_harness.scor
except AttributeError as error:
    assert "has no attribute 'scor'" in str(error)
else:
    raise SystemExit("no error")
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_score_is_that_of_the_verb(command, tmp_path):
    x = logits(3, 4, 50)
    y = softmax(x, 1)
    for name, array in {"x": x, "y": y}.items():
        np.save(tmp_path / f"{name}.npy", array)
    limits = {"max_ulp": 0.4}
    done = command(
        *("score", "x.npy", "y.npy", "--axis", 1, "--limit", "max_ulp=0.4", "--json", "s.json"),
        cwd=tmp_path,
    )
    document = json.loads((tmp_path / "s.json").read_text())
    by_path = score(tmp_path / "y.npy", tmp_path / "x.npy", axis=1, limits=limits)
    by_array = score(y, x, axis=1, limits=limits)
    assert f"{by_array}\n" == done.stdout.replace("\r", "") and str(by_path) == str(by_array)
    assert done.returncode == 1 and not by_array.holds and not by_path.holds
    for own in (by_array.document, by_path.document):
        assert own["max_ulp"] == document["max_ulp"] and own["worst"] == document["worst"]
    table = by_array.table
    assert len(table) == 1 and table["elements"][0] == x.size
    assert table["max_ulp"][0] == document["max_ulp"]


def test_a_score_of_bits_and_of_operands():
    x = logits(4, 10)
    half = softmax(x).astype(np.float16)
    assert score(half.view(np.uint16), x, y_dtype="float16").document["dtype"] == "float16"
    target = np.arange(4)
    y = -np.log(softmax(x.astype(np.float64)))[range(4), target]
    found = score(y, x, operation="cross_entropy", target=target)
    assert found.document["elements"] == 4 and found.document["max_ulp"] < 10


def test_an_explanation_of_numbers_a_witness_and_an_array():
    numbers = explain(2.0, 1.0, 0.1, dtype="float32", implementations="max-shifted")
    witness = "float32:0x1p+1,0x1p+0,0x1.99999ap-4@1"
    named = explain(witness, implementations=["max-shifted"])
    assert numbers.table.equals(named.table) and list(numbers.table["index"]) == [0, 1, 2]
    x = np.array([[0, 0, 0], [2.0, 1.0, 0.1]], np.float32)
    shown = explain(x, row=1, index=1, implementations="max-shifted")
    assert str(shown) == str(named)
    assert str(explain(x.T, axis=0, row=1, index=1, implementations="max-shifted")) == str(named)
    assert "wide" in str(explain(2, 1, 0)) and "max-shifted" in str(explain(2, 1, 0))


def test_an_explanation_with_operands():
    x, target = logits(3, 5), np.array([1, 2, 3])
    given = explain(x, row=2, operation="cross_entropy", target=target)
    assert "target: 3" in str(given) and len(given.table) == len(set(given.table["implementation"]))
    assert "target: " in str(explain(x, row=2, operation="cross_entropy"))
    q = logits(2, 3, 4)
    found = explain(q=q, k=q, v=q, operation="attention", row=5)
    assert "q: " in str(found) and set(found.table["index"]) == {0, 1, 2, 3}


def test_a_check_of_callables_and_of_names():
    def right(x, axis=-1):
        return softmax(x, axis)

    def of_rows(x, axis=-1):
        return softmax(x)

    found = check(right, of_rows, dtypes="float32", only="axes")
    assert [each.verdict for each in found.results] == ["pass", "fail"] and not found.passed
    assert list(found.table["verdict"]) == ["pass", "fail"]
    assert found.table["findings"][1] == "axis"
    assert "softmax-harness check" not in str(found)  # which finds no function in a function
    named = check("max-shifted", dtypes="float32", only=["axes"])
    assert named.passed and named.table["implementation"][0] == "max-shifted"


def test_a_callable_that_takes_operands_and_refuses_a_dtype():
    def logsumexp(x, axis=-1):
        if x.dtype == np.float16:
            raise TypeError("float32 and float64 alone")
        return np.log(np.exp(x).sum(axis))

    found = check(logsumexp, operation="logsumexp", only="shapes", fail_fast=True)
    assert found.results[0].verdict == "unsupported"
    assert {each.operation for each in found.results} == {"logsumexp"}

    def temperature(temperature, x, axis=-1):
        return softmax(x / temperature, axis)

    found = check(temperature, operation="softmax_temperature", dtypes="float64", only="layouts")
    assert found.passed, str(found)


def test_a_run_is_given_back_and_written_with_its_report(tmp_path):
    families = "ties, normal-1"
    measured = run("wide", dtypes=["float16"], families=families, out=tmp_path / "run")
    again = read(tmp_path / "run")
    assert_frame_equal(again.results, measured.table, check_dtype=False)
    assert (tmp_path / "run" / "report.html").is_file()
    assert list(measured.summary["implementation"]) == ["wide"]
    assert measured.summary["max_ulp"][0] == measured.table["max_ulp"].max()
    assert "wide" in str(measured) and "results" in measured.tables
    left = run("wide", dtypes="float16, float32", families="ties")
    assert not left.left_out or "note: wide does not declare" in str(left)


def test_a_notebook_shows_no_markup_of_a_name():
    class Named(Shown):
        @property
        def text(self):
            return "<script>alert(1)</script>"

        @property
        def table(self):
            import pandas as pd

            return pd.DataFrame({"implementation": ["<b>bold</b>"]})

    html = Named()._repr_html_()
    assert "<script>" not in html and "<b>" not in html
    assert "&lt;script&gt;" in html and "&lt;b&gt;" in html
    assert repr(Named()) == str(Named())


@pytest.mark.parametrize("dtypes", [(), "float32"])
def test_a_function_of_another_operation_is_told_which(dtypes):
    def cross_entropy(x, target, axis=-1):
        return x

    told = str(check(cross_entropy, dtypes=dtypes))
    assert "needs x, target, and was called with x" in told
    assert "; if it computes cross_entropy, give --operation cross_entropy" in told


REFUSED = {
    "x is a path among arrays": lambda: score(np.ones(1), "x"),
    "no such file": lambda: score("y.npy", "no.npy"),
    "limits: 'max=1'": lambda: score(np.ones(1), np.ones(1), limits={"max": 1}),
    "no part is named 'axis'": lambda: check("naive", only="axis"),
    "no capability is named 'axis'": lambda: check("naive", without="axis"),
    "nothing that is named is a function of a shared library": lambda: check(
        softmax, signature="f32 rows,n"
    ),
    "no library of arrays is named 'torhc'": lambda: check(softmax, arrays="torhc"),
    "--device cuda was given without --arrays": lambda: check(softmax, device="cuda"),
    "none of naive is a function of which it can be said": lambda: explain(
        1.0, 2.0, implementations="naive", arrays="torch"
    ),
    "no implementation of softmax is named 'naiv'": lambda: check("naiv"),
    "3: expected a name or a callable": lambda: check(3),
    "seed=-1: expected a whole number": lambda: check("naive", seed=-1),
    "seed='today': expected a whole number": lambda: run("naive", seed="today"),
    "jobs=0: expected a whole number, 1": lambda: run("naive", jobs=0),
    "time_limit=0: expected seconds": lambda: check("naive", time_limit=0),
    "memory_limit=1: expected a whole number, 64": lambda: check("naive", memory_limit=1),
    "no dtype is named 'float23'": lambda: check(softmax, dtypes="float23"),
    "x is empty, of shape (2, 0): expected at least one logit": lambda: explain(np.ones((2, 0))),
    "x is empty, of shape (0, 3): expected at least one logit": lambda: explain(np.ones((0, 3))),
    "row=3: expected one of the 1 rows": lambda: explain(1.0, 2.0, row=3),
    "index=3: expected one of the 2 results": lambda: explain(1.0, 2.0, index=3),
    "softmax takes x": lambda: explain(),
    "no family is named 'tie'": lambda: run("naive", families="tie"),
}


@pytest.mark.parametrize("message, call", REFUSED.items(), ids=REFUSED)
def test_what_cannot_be_done_is_refused_in_one_line(message, call):
    with pytest.raises(HarnessError) as caught:
        call()
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_the_functions_have_what_their_documentation_says():
    for name in softmax_harness.__all__:
        found = getattr(softmax_harness, name)
        assert name == "__version__" or found.__doc__


def unmasked(q, k, v):
    s = np.matmul(q, np.swapaxes(k, -1, -2)).astype(float) / np.sqrt(q.shape[-1])
    return np.matmul(softmax(s), v.astype(float)).astype(q.dtype)


def test_attention_is_asked_in_shapes_of_one_s_choice():
    """Of what has no mask none is asked, here and of what the command is given by name."""
    how = {"operation": "attention", "dtypes": "float32", "only": "permutations"}
    found = check(unmasked, **how, shapes={"head_dim": 8, "causal": False})
    assert found.passed and "asked with --head-dim 8 --no-mask alone" in str(found)
    q, k = np.ones((2, 4)), np.arange(8.0).reshape(2, 4)
    shown = explain(operation="attention", q=q, k=k, v=np.ones((2, 1)), row=1, **WITHOUT_A_MASK)
    assert "its steps to element 0" in str(shown) and "    matmul " in str(shown)
    with pytest.raises(HarnessError, match="--head-dim was given, but softmax has none"):
        check(softmax, shapes={"head_dim": 8})
    with pytest.raises(HarnessError, match="head-dim=2.5: expected a whole number"):
        run("wide", operation="attention", shapes={"head_dim": 2.5})
    with pytest.raises(HarnessError, match="expected names"):
        explain(1.0, 2.0, implementations=softmax)


WITHOUT_A_MASK = {"implementations": f"{__file__}:unmasked", "shapes": {"no_mask": True}}
