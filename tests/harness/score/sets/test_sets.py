"""Sets go out and come back: any operation, any kind of file, one verdict, the report of a run."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from softmax_harness.check.contract import Contract, checked
from softmax_harness.check.gate.baseline import Baseline
from softmax_harness.check.gate.stored import read, text_of
from softmax_harness.ground.arrays import KINDS
from softmax_harness.ground.files import replacing_file
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations import OPERATIONS
from softmax_harness.score.sets.gating import PARTS, TAKEN_ON
from softmax_implementations import implementations

from .answers import answered, arguments_of, kept, manifest_of

EACH = [
    (operation, kind)
    for place, operation in enumerate(OPERATIONS)
    for kind in [[*KINDS][place % 3]]
]
KEYS = {"operation": "softmax", "dtype": "float32", "family": "normal-1"}


@pytest.fixture
def written(called, tmp_path):
    """Writes inputs of a few lengths and gives their folder."""

    def write(*options, lengths=(1, 17), dtype="float32", family="normal-1"):
        folder = tmp_path / "in"
        words = ("--dtype", dtype, *(("--family", family) if family else ()), "--out", folder)
        done = called("inputs", *options, *words)
        assert done.returncode == 0, done.stderr
        kept(folder, *lengths)
        return folder

    return write


@pytest.fixture
def scored(called, tmp_path):
    """Judges a set; gives what was printed, and the document."""

    def score(folder, outputs, *options):
        path = tmp_path / "score.json"
        path.unlink(missing_ok=True)
        done = called("score", folder, outputs, "--json", path, *options)
        return done, json.loads(path.read_text()) if path.exists() else None

    return score


@pytest.mark.parametrize("operation, kind", EACH, ids=["-".join(each) for each in EACH])
def test_every_operation_goes_out_and_is_judged(written, scored, tmp_path, operation, kind):
    folder = written("--operation", operation, "--format", kind)
    items = manifest_of(folder)["inputs"]
    for item in items:
        for values, about in zip(
            arguments_of(folder, item), item["arguments"].values(), strict=True
        ):
            assert values.dtype == about["dtype"] and list(values.shape) == about["shape"]
        assert item["operation"] == operation and item["family"] == "normal-1"
        assert (item["axis"], item["seed"]) == (-1, 0)
    done, document = scored(folder, answered(folder, tmp_path / "out", kind))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith(f"verdict: pass, {len(items)} of {len(items)}")
    assert list(document["files"]) == [item["name"] for item in items] and len(items) == 2
    (result,) = document["results"]
    assert (result["operation"], result["implementation"]) == (operation, "out")


@pytest.mark.parametrize("dtype", [name for name in FORMATS if name not in ("float32", "float64")])
def test_formats_that_a_file_cannot_name_come_back_as_bits(written, scored, tmp_path, dtype):
    if FORMATS[dtype].package != "numpy":
        pytest.importorskip(FORMATS[dtype].package, reason=f"run it with {FORMATS[dtype].package}")
    bits = np.dtype(f"u{FORMATS[dtype].dtype.itemsize}")

    def function(x):
        y = implementations()["wide"](x.astype(np.float32)).astype(x.dtype)
        return y.view(bits)

    folder = written(dtype=dtype)
    done, document = scored(folder, answered(folder, tmp_path / "out", function=function))
    assert done.returncode == 0, done.stdout + done.stderr
    assert document["results"][0]["dtype"] == dtype and document["verdict"] == "pass"


def test_the_suite_of_check_goes_out_once_each(called, tmp_path):
    words = ("inputs", "--suite", "check", "--dtype", "float16", "--family", "ties,masked")
    assert called(*words, "--format", "raw", "--out", tmp_path / "in").returncode == 0
    items = manifest_of(tmp_path / "in")["inputs"]
    assert {item["family"] for item in items} == {"ties", "masked"}
    assert len({(item["family"], item["n"], item["rows"]) for item in items}) == len(items)
    index = (tmp_path / "in" / "index.txt").read_text().splitlines()
    assert len(index) == len(items)
    for line, item in zip(index, items, strict=True):
        name, dtype, *shape = line.split()
        assert (tmp_path / "in" / name).stat().st_size == 2 * item["rows"] * item["n"]
        assert (dtype, shape) == ("float16", [str(item["rows"]), str(item["n"])])
    done = called("inputs", "--suite", "check", "--family", "none", "--out", tmp_path / "no")
    assert done.returncode == 2 and "no family of the suite is named 'none'" in done.stderr


def test_what_is_wrong_is_found_with_its_row_and_ends_with_1(written, scored, tmp_path):
    def function(x):
        y = implementations()["max-shifted"](x)
        y[-1, -1] *= np.float32(1.001)
        return y

    folder = written(lengths=(17, 32))
    out = answered(folder, tmp_path / "out", function=function)
    files = ("--junit", tmp_path / "j.xml", "--markdown", tmp_path / "m.md")
    done, document = scored(folder, out, *files)
    assert done.returncode == 1 and "verdict: fail, 2 of 2 outputs judged" in done.stdout
    (finding,) = document["results"][0]["findings"]
    item = manifest_of(folder)["inputs"][0]
    x = arguments_of(folder, item)[0][-1]
    shown = "float32:" + ",".join(float(each).hex() for each in x) + "@16"
    assert finding["kind"] == "inaccurate" and finding["witness"] == shown
    assert finding["replay"] == f"softmax-harness explain {shown}"
    assert "gives " in finding["message"] and 8000 < finding["value"] < 17000
    assert "inaccurate" in (tmp_path / "j.xml").read_text()
    assert "softmax-harness score: 0 of 1 pass" in (tmp_path / "m.md").read_text()


def test_limits_and_standards_decide(written, scored, tmp_path):
    folder = written(lengths=(17,))
    out = answered(folder, tmp_path / "out", function=implementations()["max-shifted"])
    done, document = scored(folder, out, "--limit", "max_ulp=100", "--standard", "native")
    assert done.returncode == 0 and document["results"][0]["standard"] == "native"
    done, document = scored(folder, out, "--limit", "max_ulp=0.25")
    assert done.returncode == 1 and "limit: max_ulp is" in done.stdout
    done, document = scored(folder, out, "--standard", "rounded")
    assert done.returncode == 1 and document["results"][0]["reached"] == "native"
    done, _ = scored(folder, out, "--standard", "relative")
    assert done.returncode == 2 and "relative" in done.stderr


def test_what_sees_nothing_is_held_to_what_it_gives_first(written, scored, tmp_path):
    def function(x, mask):
        return np.nan_to_num(implementations("softmax_masked")["minus-infinity"](x, mask), nan=0.0)

    folder = written("--operation", "softmax_masked", family="masked", lengths=(1, 2, 3))
    manifest = manifest_of(folder)
    hidden = [
        item["name"]
        for item in manifest["inputs"]
        if not arguments_of(folder, item)[1].any(axis=-1).all()
    ]
    assert hidden  # of some rows the mask hides everything
    out = answered(folder, tmp_path / "out", function=function)
    assert scored(folder, out)[0].returncode == 0
    done, _ = scored(folder, out, "--policy", "all-masked=nan")
    assert done.returncode == 1 and "wrong_special" in done.stdout


def test_outputs_in_another_format_are_said_to_be(written, scored, tmp_path):
    def function(x):
        return implementations()["wide"](x.astype(np.float64)).astype(np.float16).astype(np.float32)

    folder = written()
    out = answered(folder, tmp_path / "out", function=function)
    done, document = scored(folder, out, "--y-dtype", "float16")
    assert done.returncode == 0, done.stdout
    assert document["results"][0]["reached"] == "rounded"


def test_the_report_is_that_of_a_run(written, scored, run_folder, tmp_path):
    folder = written(lengths=(1, 17, 100))
    out = answered(folder, tmp_path / "out", "safetensors", implementations()["max-shifted"])
    report = tmp_path / "report"
    done, document = scored(folder, out, "--out", report, "--name", "kernel")
    assert done.returncode == 0, done.stderr
    ours, theirs = (pd.read_csv(each / "results.csv") for each in (report, run_folder))
    for name, value in {**KEYS, "implementation": "max-shifted"}.items():
        theirs = theirs[theirs[name] == value]
    theirs = theirs[theirs["n"].isin([1, 17, 100])].reset_index(drop=True)
    same = [name for name in ours if name not in ("implementation", "bound_ulp")]
    pd.testing.assert_frame_equal(ours[same], theirs[same])
    assert set(ours["implementation"]) == {"kernel"} and (report / "report.html").exists()
    assert "--implementation kernel" not in (report / "report.md").read_text()
    done, _ = scored(folder, out, "--out", folder)
    assert done.returncode == 2 and "holds something other than a run" in done.stderr


def test_a_device_may_say_that_subnormal_numbers_count_as_0(written, scored, tmp_path):
    """Which gives 0 for results that are normal numbers: a weight of 1e-42 times a large g."""

    def function(x, g):
        s = implementations()["max-shifted"](x)
        return g * np.where(s < np.finfo(np.float32).tiny, np.float32(0), s)

    options = ("--operation", "logsumexp_gradient")
    folder = written(*options, lengths=(2, 17), family="steps")
    out = answered(folder, tmp_path / "out", function=function)
    done, _ = scored(folder, out)
    assert done.returncode == 1 and "spurious_underflow" in done.stdout
    done, document = scored(folder, out, "--without", "subnormals")
    assert done.returncode == 0, done.stdout
    assert "takes subnormal numbers for 0" in json.dumps(document)


def test_a_baseline_notices_what_got_worse(written, scored, tmp_path):
    folder, baseline = written(), tmp_path / "b.json"
    out = answered(folder, tmp_path / "out", function=implementations()["wide"])
    kept_as = ("--name", "kernel", "--baseline", baseline)
    done, _ = scored(folder, out, *kept_as, "--update-baseline")
    assert done.returncode == 0 and "wrote the baseline" in done.stdout
    assert scored(folder, out, *kept_as)[0].returncode == 0
    worse = answered(folder, tmp_path / "worse", function=implementations()["max-shifted"])
    done, document = scored(folder, worse, *kept_as)
    assert done.returncode == 1 and "regression: worse than the baseline" in done.stdout
    assert "max_ulp in normal-1,n=17" in document["results"][0]["findings"][0]["message"]
    done, _ = scored(folder, out, "--baseline", baseline)  # under the name of its folder
    assert done.returncode == 2 and "has no results of out, only of kernel" in done.stderr
    kept(folder, 1)
    done, _ = scored(folder, out, *kept_as)
    assert done.returncode == 0 and "1 cells of the baseline are no longer asked for" in done.stdout
    (out / f"{manifest_of(folder)['inputs'][0]['name']}.npy").unlink()
    done, _ = scored(folder, out, *kept_as, "--update-baseline")
    assert done.returncode == 2 and "1 of 1 outputs could not be judged" in done.stderr


def test_a_format_that_is_no_longer_asked_for_is_told(written, scored, tmp_path):
    folder, baseline = written(dtype="float16,float32"), tmp_path / "b.json"
    out = answered(folder, tmp_path / "out", function=implementations()["wide"])
    assert scored(folder, out, "--baseline", baseline, "--update-baseline")[0].returncode == 0
    shutil.rmtree(folder)
    done, _ = scored(written(), out, "--baseline", baseline)
    assert done.returncode == 0
    assert "in the baseline and not among these inputs: float16" in done.stdout


def test_a_baseline_of_other_inputs_is_refused(written, scored, called, tmp_path):
    folder, baseline = written(), tmp_path / "b.json"
    out = answered(folder, tmp_path / "out")
    assert scored(folder, out, "--baseline", baseline, "--update-baseline")[0].returncode == 0
    assert (
        called("inputs", "--family", "ties", "--dtype", "float32", "--out", folder).returncode == 0
    )
    kept(folder, 17)
    done, _ = scored(folder, answered(folder, out), "--baseline", baseline)
    assert done.returncode == 2 and "of other inputs than" in done.stderr
    done, _ = scored(folder, out, "--update-baseline")
    assert done.returncode == 2 and "expected --baseline FILE" in done.stderr


def test_a_users_own_file_is_a_family(called, scored, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("my logits.npy", np.random.default_rng(0).normal(0, 3, (6, 5)))
    words = ("inputs", "--family", "my logits.npy", "--dtype", "float32", "--out", "in")
    assert called(*words).returncode == 0
    folder = tmp_path / "in"
    assert (folder / "index.txt").read_text() == "float32-my_logits-n5.npy float32 6 5\n"
    out = answered(folder, tmp_path / "out")
    done, document = scored(folder, out)
    assert done.returncode == 0 and document["files"]["float32-my_logits-n5"]["elements"] == 30
    np.save("my logits.npy", np.zeros((6, 5)))
    done, _ = scored(folder, out)
    assert done.returncode == 1 and "write the inputs again" in done.stderr
    (tmp_path / "my logits.npy").unlink()
    done, _ = scored(folder, out)
    assert done.returncode == 2 and "my logits.npy: no such file" in done.stderr


def test_the_verdict_is_that_of_check_on_its_suite(called, scored, tmp_path):
    families, folder, baseline = ("ties", "masked"), tmp_path / "in", tmp_path / "b.json"
    words = ("--suite", "check", "--dtype", "float32", "--family", ",".join(families))
    assert called("inputs", *words, "--out", folder).returncode == 0
    out = answered(folder, tmp_path / "out", function=implementations()["max-shifted"])
    asked = ("--name", "max-shifted", "--baseline", baseline, "--update-baseline")
    assert scored(folder, out, *asked)[0].returncode == 0
    contract = Contract(parts=("accuracy",), dtypes=("float32",), families=families)
    (checked_,) = checked("max-shifted", contract)
    ours = read(baseline)
    replacing_file(baseline, text_of(Baseline(0, {}).accepting([checked_], PARTS, TAKEN_ON)))
    assert read(baseline) == ours and len(checked_.cells) > 20
