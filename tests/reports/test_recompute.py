"""Figures that are taken again by plain mpmath are those of the survey."""

import importlib.util

import pytest
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.studies.survey import planned, unit
from softmax_harness.studies.survey.unit import Variant
from softmax_harness.subjects.catalogue import catalogue
from softmax_harness.subjects.subject import Subject

NAMED = {
    "softmax": "max-shifted",
    "log_softmax": "shifted",
    "logsumexp": "shifted",
    "cross_entropy": "from-logits",
    "logsumexp_weighted": "shifted",
    "attention": "shifted",
}


@pytest.fixture(scope="module")
def recompute(root):
    spec = importlib.util.spec_from_file_location(
        "recompute", root / "reports" / "survey" / "recompute.py"
    )
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("TF_NUM_INTRAOP_THREADS", "1")
        spec.loader.exec_module(module)
    module.mpmath.mp.prec = 53  # another module's tests shall find it as it was
    return module


@pytest.mark.parametrize("operation", NAMED)
def test_maxima_and_means_are_the_same(operation, recompute, monkeypatch):
    asked = (("normal-10", 7, 12),)
    for name in ("_OF_LOGITS", "_OF_SCORES", "_EVERYWHERE"):
        monkeypatch.setattr(planned, name, asked)
    implementation = catalogue(operation)[NAMED[operation]]
    problem = Problem.of(OPERATIONS[operation], FORMATS["float32"])
    variant = Variant(implementation.name, "", Subject.here(implementation, problem))
    (row,) = unit.surveyed(OPERATIONS[operation], FORMATS["float32"], [variant], False)
    with recompute.mpmath.workprec(recompute.BITS):
        worst = float(recompute.of_maximum(implementation, row))
        mean = float(recompute.of_mean(implementation, row))
    assert worst == pytest.approx(row["max_ulp"], rel=1e-12)
    assert mean == pytest.approx(row["mean_ulp"], rel=1e-6)


def test_a_figure_that_is_off_is_found(recompute, monkeypatch, tmp_path, capsys):
    import pandas as pd

    monkeypatch.setattr(recompute.sys, "argv", ["recompute.py", str(tmp_path), "softmax-harness"])
    witness = "float32:normal-10,n=7,rows=3,seed=0@0,0"
    cell = {"library": "softmax-harness", "implementation": "max-shifted", "operation": "softmax"}
    cell |= {"setting": None, "way": None, "dtype": "float32", "family": "normal-10", "n": 7}
    pd.DataFrame([cell | {"max_ulp": 1e4, "mean_ulp": 1.0, "witness": witness}]).to_csv(
        tmp_path / "results.csv", index=False
    )
    with recompute.mpmath.workprec(53):
        assert recompute.main() == 1
    assert "1 differ by more than 1%" in capsys.readouterr().out
    assert (tmp_path / "recomputed" / "softmax-harness.csv").is_file()
