"""Each sentence of the document that explains softmax, with a number: docs/method/claims.md."""

import re

import numpy as np
import pandas as pd
import pytest
from softmax_harness.ground.formats import FORMATS
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.run.experiments import EXPERIMENTS
from softmax_harness.run.experiments.attention_shares import shares
from softmax_harness.run.experiments.digits import calibration_error
from softmax_harness.run.experiments.multi_label import LABELS, label_logits
from softmax_harness.run.experiments.properties import PROPERTIES
from softmax_harness.subjects.named import implementation_named, subject_named
from softmax_harness.truth import arbitrate
from softmax_reports.sections.limits import thresholds

NAMES = ("exact", "max-shifted", "naive", "wide")
DTYPES = ("float16", "float32", "float64")
FORMATS_TRIED = [FORMATS[name] for name in DTYPES]


@pytest.fixture(scope="module")
def softmaxes():
    return [implementation_named(name) for name in NAMES]


def test_three_steps_give_the_numbers_of_the_document(called):
    done = called("explain", "2.0", "1.0", "0.1", "--implementation", "exact")
    lines = {words[1]: words[2:] for words in map(str.split, done.stdout.splitlines()[3:6])}
    assert [f"{float(each):.2f}" for each in lines["exponentiate"]] == ["7.39", "2.72", "1.11"]
    assert [f"{float(each):.2f}" for each in lines["sum"]] == ["11.21"]  # of rounded terms, 11.22
    assert [f"{float(each):.0%}" for each in lines["normalise"]] == ["66%", "24%", "10%"]


@pytest.fixture(scope="module")
def properties(softmaxes):
    table = EXPERIMENTS["properties"].table(softmaxes, FORMATS_TRIED)
    return table.set_index(["property", "implementation", "dtype"])


def test_every_property_is_counted_for_each_softmax_and_dtype(properties):
    assert len(properties) == len(PROPERTIES) * len(NAMES) * len(FORMATS_TRIED)
    assert (properties["fails"] <= properties["cases"]).all()
    assert ((properties["worst"] > 0) == (properties["fails"] > 0)).all()
    assert (properties["witness"].str.len() > 0).equals(properties["fails"] > 0)


def results_of(name, x):
    """The softmax of each row of float64 logits by the implementation of that name."""
    return subject_named(name, Problem.of(OPERATIONS["softmax"], FORMATS["float64"])).call(x).values


def test_outputs_in_the_open_interval_is_false_even_of_the_correctly_rounded(properties):
    own = properties.loc["each output lies in (0, 1)"]
    for dtype, least in (("float16", 0.3), ("float32", 0.1), ("float64", 0.01)):
        exact = own.loc[("exact", dtype)]
        assert exact["fails"] / exact["cases"] > least
        assert (own.xs(dtype, level="dtype")["fails"] >= exact["fails"]).all()
    # Recounted from scratch: which outputs are 0 or 1.
    recipe = Recipe(FAMILIES["normal-100"], FORMATS["float64"], 10, 200, 0)
    y = results_of("exact", recipe.block(0))
    assert own.loc[("exact", "float64"), "fails"] == ((y <= 0) | (y >= 1)).sum()


def test_sum_of_one_is_false_even_of_the_correctly_rounded(properties):
    own = properties.loc["the outputs sum to 1"]
    for dtype in ("float16", "float32", "float64"):
        exact, u = own.loc[("exact", dtype)], FORMATS[dtype].unit_roundoff
        assert exact["fails"] > exact["cases"] / 2
        assert 0.1 * u < exact["worst"] <= 5 * u  # ten outputs, half an ulp each


def test_differences_are_amplified_until_a_result_underflows(properties):
    for name in ("ratios are exp of differences", "larger logits get larger outputs"):
        own = properties.loc[name]
        assert own.loc[("exact", "float64"), "fails"] == 0
        assert own.loc[("exact", "float16"), "fails"] > 0
        assert own.loc[("naive", "float16"), "fails"] > own.loc[("exact", "float16"), "fails"]


def test_the_derivative_exists_and_finite_differences_do_not_reach_it(properties):
    derivative = properties.loc["the derivative is s (v - s.v)"]
    assert (derivative.loc["max-shifted", "fails"] == 0).all()
    assert derivative.loc[("naive", "float16"), "fails"] > 0
    differences = properties.loc["differences tend to the derivative"]
    for dtype in ("float32", "float64"):
        own = differences.loc[("exact", dtype)]
        assert own["fails"] > own["cases"] / 4
        assert own["worst"] > 30 * FORMATS[dtype].unit_roundoff


def test_digits_are_classified_and_their_loss_and_calibration_told(softmaxes):
    table = EXPERIMENTS["digits"].table(softmaxes, FORMATS_TRIED)
    table = table.set_index(["implementation", "dtype"])
    assert (table["rows"] == 597).all()
    assert table.loc[("max-shifted", "float32"), "changed"] == 0
    assert 0.9 < table.loc[("max-shifted", "float32"), "accuracy"] < 1
    assert table.loc[("naive", "float16"), "changed"] > 100
    assert np.isinf(table.loc[("naive", "float16"), "loss"])
    exact = table.loc["exact"]
    assert (abs(exact["calibration"] - exact["calibration_exact"]) < 1e-3).all()
    assert np.isnan(table.loc[("naive", "float16"), "calibration"])


def test_the_calibration_error_of_outputs_made_for_it():
    y = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.4, 0.6]])
    labels = np.array([0, 1, 0, 0])
    # Two of confidence 0.9, one right; two of 0.6, one right.
    assert calibration_error(y, labels) == pytest.approx(0.5 * 0.4 + 0.5 * 0.1)


def test_labels_that_do_not_exclude_each_other_are_told_by_sigmoids_not_by_softmax():
    table = EXPERIMENTS["multi_label"].table().set_index(["output", "label"])
    sigmoid, softmax = table.loc[("sigmoid", "all")], table.loc[("softmax", "all")]
    assert sigmoid["accuracy"] > 0.85
    assert softmax["accuracy"] < sigmoid["accuracy"] - 0.4
    assert softmax["mass"] == pytest.approx(1.0, abs=1e-12)
    assert sigmoid["mass"] == pytest.approx(sigmoid["true_mass"], abs=0.03)
    logits, truth = label_logits()
    assert logits.shape == truth.shape == (597, len(LABELS))
    assert (truth.sum(axis=1) != 1).mean() > 0.5  # most digits have none or two of them


def test_attention_errors_are_told_apart_by_step(softmaxes):
    table = EXPERIMENTS["attention_shares"].table(softmaxes, FORMATS_TRIED)
    table = table.set_index(["implementation", "dtype"])
    assert set(table.index.get_level_values("dtype")) == {"float16", "float32"}
    # What the scores lose is no softmax's fault, and the same for all.
    assert table["scores"].xs("float32", level="dtype").nunique() == 1
    exact, naive = table.loc[("exact", "float16")], table.loc[("naive", "float16")]
    assert exact["softmax_leads"] < naive["softmax_leads"] and naive["lost"] > 0
    assert (
        table.loc[("wide", "float32"), "softmax"]
        <= table.loc[("max-shifted", "float32"), "softmax"]
    )


def test_the_shares_add_up_to_the_error():
    recipe = Recipe(FAMILIES["normal-10"], FORMATS["float32"], 64, 20, 0)
    stored = recipe.block(0)
    operands = OPERATIONS["attention"].make_operands(stored, recipe.random_operands(0))
    z = arbitrate(
        Problem.of(OPERATIONS["attention"], recipe.format), stored.astype(float), operands
    ).value
    softmax = implementation_named("max-shifted")
    whole = sum(shares(softmax, recipe.format, operands, z).values())
    attended = implementation_named("shifted", "attention")(*operands)[:, 0, :].astype(float)
    np.testing.assert_allclose(whole, attended - z, atol=2.0**-40)


def test_the_thresholds_are_where_numpy_overflows_and_underflows():
    for format in FORMATS_TRIED:
        own = thresholds(format)
        with np.errstate(all="ignore"):
            below, above = (
                np.exp(np.array(own["infinite"] * part).astype(format.dtype))
                for part in (0.999, 1.001)
            )
            assert np.isfinite(below) and np.isinf(above)
            small = np.exp(np.array(own["zero"] * np.array([0.99, 1.01])).astype(format.dtype))
        assert small[0] > 0 and small[1] == 0
    assert thresholds(FORMATS["float16"])["subnormal"] == pytest.approx(-9.7041, abs=1e-4)


def test_overflow_of_exp_is_cured_by_subtracting_the_maximum():
    x = np.array([[1000.0, 999.0]])
    assert np.isnan(results_of("naive", x)).all()
    np.testing.assert_allclose(results_of("max-shifted", x), [[0.7310585786, 0.2689414214]])


def test_overflow_of_the_sum_is_not():
    longest = FORMATS["float16"].overflow_threshold
    subject = subject_named("max-shifted", Problem.of(OPERATIONS["softmax"], FORMATS["float16"]))
    for n, lost in ((int(longest) - 1, False), (int(longest), True)):
        y = subject.call(np.full((1, n), 3, np.float16)).values
        assert (y == 0).all() == lost


@pytest.fixture(scope="module")
def claims(root):
    """What docs/method/claims.md finds of each claim."""
    text = (root / "docs" / "method" / "claims.md").read_text(encoding="utf-8")
    rows = (line.split(" | ") for line in text.splitlines() if line.startswith("| "))
    return {claim.removeprefix("| "): finding for claim, finding in rows}


@pytest.mark.parametrize(
    "claim, name",
    [
        ("each output lies in (0, 1)", "each output lies in (0, 1)"),
        ("the outputs sum to 1", "the outputs sum to 1"),
        ("differences are amplified", "ratios are exp of differences"),
    ],
)
def test_the_page_of_claims_has_the_shares_that_are_counted(claims, properties, claim, name):
    exact = properties.loc[name].xs("exact")
    shares = [
        f"{100 * exact.loc[dtype, 'fails'] / exact.loc[dtype, 'cases']:.1f} %" for dtype in DTYPES
    ]
    for share in shares:
        assert share.replace("0.0 %", "0 %") in claims[claim]


def test_the_page_of_claims_has_what_is_classified(claims, softmaxes):
    digits = EXPERIMENTS["digits"].table(softmaxes, FORMATS_TRIED)
    digits = digits.set_index(["implementation", "dtype"])["accuracy"]
    naive = digits.pop(("naive", "float16"))
    finding = claims["it classifies the digits 0 to 9"]
    assert f"{100 * digits.min():.1f} to {100 * digits.max():.1f} % correctly" in finding
    assert f"{100 * naive:.1f} %" in finding
    labels = EXPERIMENTS["multi_label"].table().set_index(["output", "label"])["accuracy"]
    finding = claims["it is not for labels that do not exclude each other"]
    for output in ("softmax", "sigmoid"):
        assert f"{100 * labels[(output, 'all')]:.1f} %" in finding


def test_the_page_of_claims_has_how_often_differences_miss(claims, properties):
    exact = properties.loc["differences tend to the derivative"].xs("exact")
    for dtype in ("float32", "float64"):
        share = f"{100 * exact.loc[dtype, 'fails'] / exact.loc[dtype, 'cases']:.0f} %"
        assert share in claims["it is differentiable"]


@pytest.fixture(scope="module")
def whole(run_here, once):
    """A run of all operations, small."""

    def make(folder):
        words = ("--operation", "all", "--family", "normal-10,masked", "--dtype", "float32")
        run_here(*words, "--asv", "none", "--out", folder / "run")

    return once("operations", make) / "run"


def test_a_run_of_all_operations_has_each_of_them(whole):
    table = pd.read_csv(whole / "results.csv")
    assert set(table["operation"]) == set(OPERATIONS)
    exact = table[table["implementation"] == "exact"]
    right = exact["correctly_rounded"] + exact["inherent_underflow"]
    assert (right == exact["elements"]).all() and (exact["max_ulp"].fillna(0) <= 0.5).all()
    held = table[table["bound_ulp"].notna()]
    assert set(held["operation"]) == set(OPERATIONS)
    assert (held["max_ulp"].fillna(0) <= held["bound_ulp"]).all()


def test_the_report_of_all_operations_tells_of_each(whole):
    text = (whole / "report.md").read_text(encoding="utf-8")
    for title in (
        "Overflow and underflow",
        "Claims about softmax",
        "Other operations",
    ):
        assert f"## {title}" in text
    for name in OPERATIONS:
        marked = name.replace("_", "\\_")
        assert name == "softmax" or f"{marked}: z" in text


def test_a_maximum_of_an_operation_comes_back_from_its_witness(whole, called):
    table = pd.read_csv(whole / "results.csv").set_index(["operation", "implementation"])
    for key in (
        ("log_softmax", "shifted"),
        ("cross_entropy", "from-logits"),
        ("attention", "online"),
    ):
        cells = table.loc[key]
        cell = cells[cells["n"] == 3].iloc[0]
        words = ("--operation", key[0], "--implementation", key[1])
        text = called("explain", cell["witness"], *words).stdout
        errors = [abs(float(each)) for each in re.findall(r"\(([-+][^ ]*) ulp\)", text)]
        assert max(errors) == pytest.approx(cell["max_ulp"], rel=5e-3)


@pytest.mark.parametrize("suffix, begins", [(".svg", b"<?xml"), (".png", b"\x89PNG")])
def test_explain_draws_its_picture(called, tmp_path, suffix, begins):
    path = tmp_path / f"picture{suffix}"
    done = called("explain", "2", "1", "0.1", "--operation", "log_softmax", "--figure", path)
    assert done.returncode == 0 and path.read_bytes().startswith(begins)
    assert list(tmp_path.iterdir()) == [path]


def test_a_picture_of_no_known_kind_is_refused(called, tmp_path):
    refused = called("explain", "2", "1", "--figure", tmp_path / "picture.txt")
    assert refused.returncode == 2 and ".svg" in refused.stderr
    assert list(tmp_path.iterdir()) == []
