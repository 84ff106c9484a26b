"""score of two files of any kind: what a file cannot say is said by options."""

import json

import numpy as np
import pytest
from softmax_harness.ground.safetensors import write_safetensors
from softmax_implementations import implementations

X = np.random.default_rng(0).normal(0, 3, (4, 5)).astype(np.float32)
Y = implementations()["wide"](X)
RAW = ("--shape", "4,5", "--x-dtype", "float32")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", X)
    np.save("y.npy", Y)
    X.tofile("x.raw")
    Y.tofile("y.bin")
    Y.astype(np.float16).tofile("y16.raw")
    write_safetensors(tmp_path / "m.safetensors", {"x": X, "y": Y})
    write_safetensors(tmp_path / "one.safetensors", {"y": Y})
    return tmp_path


PAIRS = {
    "npy and raw": ("x.npy", "y.bin"),
    "raw and npy": ("x.raw", "y.npy", *RAW),
    "raw and raw": ("x.raw", "y.bin", *RAW),
    "safetensors": ("m.safetensors:x", "m.safetensors:y"),
    "the only array": ("x.npy", "one.safetensors"),
    "raw and safetensors": ("x.raw", "m.safetensors:y", *RAW),
    "another axis": ("x.raw", "y.bin", "--shape", "4,5", "--x-dtype", "float32", "--axis", "1"),
}


@pytest.mark.parametrize("words", PAIRS.values(), ids=PAIRS)
def test_any_two_kinds_of_file_are_judged(called, folder, words):
    done = called("score", *words, "--json", "s.json")
    assert done.returncode == 0, done.stderr
    document = json.loads((folder / "s.json").read_text())
    assert (document["shape"], document["dtype"]) == ([4, 5], "float32")
    assert document["elements"] == 20 and document["max_ulp"] <= 0.5


def test_a_raw_file_has_the_format_that_is_said(called, folder):
    words = ("x.npy", "y16.raw", "--y-dtype", "float16", "--json", "s.json")
    assert called("score", *words).returncode == 0
    document = json.loads((folder / "s.json").read_text())
    assert document["dtype"] == "float16" and document["elements"] == 20


def test_what_a_file_cannot_name_may_be_saved_as_bits(called, folder):
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="run it with pip install ml_dtypes")
    x = X.astype(ml_dtypes.bfloat16)
    y = implementations()["wide"](x.astype(np.float32)).astype(x.dtype)
    np.save("xb.npy", x.view(np.uint16))
    np.save("yb.npy", y.view(np.uint16))
    write_safetensors(folder / "b.safetensors", {"x": x, "y": y})
    for words in (
        ("xb.npy", "yb.npy", "--x-dtype", "bfloat16", "--y-dtype", "bfloat16"),
        ("b.safetensors:x", "b.safetensors:y"),
        ("xb.npy", "b.safetensors:y", "--x-dtype", "bfloat16"),
    ):
        done = called("score", *words, "--json", "s.json")
        assert done.returncode == 0, done.stderr
        document = json.loads((folder / "s.json").read_text())
        assert document["dtype"] == "bfloat16" and document["max_ulp"] <= 0.5


@pytest.mark.parametrize("integer", [np.int16, np.int32, np.int64])
def test_operands_may_be_raw(called, folder, integer):
    target = np.array([0, 4, 2, 2])
    target.astype(integer).tofile("t.raw")
    implementations("cross_entropy")["compensated"](X, target).tofile("loss.raw")
    words = ("x.raw", "loss.raw", *RAW, "--operation", "cross_entropy", "--operand", "target=t.raw")
    done = called("score", *words, "--json", "s.json")
    assert done.returncode == 0, done.stderr
    document = json.loads((folder / "s.json").read_text())
    assert document["elements"] == 4 and document["max_ulp"] < 2


def test_a_mask_may_be_raw_or_in_a_file_of_arrays(called, folder):
    mask = np.random.default_rng(1).random(X.shape) < 0.7
    mask[:, 0] = True
    y = implementations("softmax_masked")["minus-infinity"](X, mask)
    mask.tofile("mask.raw")
    write_safetensors(folder / "s.safetensors", {"y": y, "mask": mask})
    for path in ("mask.raw", "s.safetensors:mask"):
        words = ("--operation", "softmax_masked", "--operand", f"mask={path}")
        done = called("score", "x.raw", "s.safetensors:y", *RAW, *words)
        assert done.returncode == 0 and "inaccurate" not in done.stdout, done.stderr


def test_a_standard_that_is_named_is_held(called, folder):
    y = Y.copy()
    y[1, 2] = np.nextafter(y[1, 2], np.float32(1))
    np.save("off.npy", y)
    assert called("score", "x.npy", "y.npy", "--standard", "rounded").returncode == 0
    assert called("score", "x.npy", "off.npy", "--standard", "native").returncode == 0
    done = called("score", "x.npy", "off.npy", "--standard", "rounded")
    assert done.returncode == 1 and "standard: 1 of 20 elements miss rounded" in done.stdout
    assert called("score", "x.npy", "off.npy").returncode == 0


BAD = {
    "no shape": (("x.raw", "y.bin"), "neither shape nor dtype: expected both"),
    "no dtype": (("x.raw", "y.bin", "--shape", "4,5"), "neither shape nor dtype"),
    "other size": (("x.raw", "y.bin", "--shape", "4,6", *RAW[2:]), "80 bytes; expected 96"),
    "no numbers": (("x.raw", "y.bin", "--shape", "4,x"), "--shape 4,x: expected whole numbers"),
    "no dtype of that name": (("x.raw", "y.bin", "--x-dtype", "float31"), "did you mean float32?"),
    "shape of npy": (("x.npy", "y.npy", "--shape", "5,4"), "shape [4, 5]; expected [5, 4]"),
    "outputs of another size": (("x.npy", "y16.raw"), "40 bytes; expected 80"),
    "several arrays": (("x.npy", "m.safetensors"), "several arrays; expected m.safetensors:NAME"),
    "no such array": (("x.npy", "m.safetensors:z"), "no array z"),
    "raw keys": (
        ("x.npy", "y.npy", "--operation", "attention", "--operand", "k=x.raw"),
        "do not say the shape of k: expected a file of .npy or .safetensors",
    ),
    "json over an array": (
        ("m.safetensors:x", "y.npy", "--json", "m.safetensors"),
        "would overwrite what this command reads",
    ),
}


@pytest.mark.parametrize("words, message", BAD.values(), ids=BAD)
def test_what_is_not_said_or_does_not_fit_is_one_line(called, folder, words, message):
    done = called("score", *words)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and not done.stdout
    assert message in done.stderr
