"""What is missing, half-written, too much or hostile in a folder costs only its own file."""

import json
import os

import numpy as np
import pytest
from softmax_harness.ground.safetensors import write_safetensors
from softmax_implementations import implementations

from .answers import answered, arguments_of, kept, manifest_of

softmax = implementations()["wide"]


@pytest.fixture
def sets(called, tmp_path):
    """A folder of raw inputs of four lengths, and one with the outputs as .npy."""
    words = ("inputs", "--family", "normal-1", "--dtype", "float32", "--format", "raw")
    assert called(*words, "--out", tmp_path / "in").returncode == 0
    kept(tmp_path / "in", 1, 2, 3, 7)
    return tmp_path / "in", answered(tmp_path / "in", tmp_path / "out", function=softmax)


@pytest.fixture
def judged(called, sets, tmp_path):
    """Judges the outputs; gives what was printed, and the document."""

    def judge(*options):
        done = called("score", *sets, "--json", tmp_path / "score.json", *options)
        return done, json.loads((tmp_path / "score.json").read_text())

    return judge


def outputs_of(sets, n):
    return sets[1] / f"float32-normal-1-n{n}.npy"


def test_what_is_missing_is_told_by_name_and_ends_with_1(judged, sets):
    for n in (2, 3):
        outputs_of(sets, n).unlink()
    done, document = judged()
    assert done.returncode == 1 and "verdict: fail, 2 of 4 outputs judged" in done.stdout
    names = ["float32-normal-1-n2", "float32-normal-1-n3"]
    assert f"missing: 2 of 4 outputs did not come back: {', '.join(names)}\n" in done.stdout
    assert document["missing"] == names and len(document["files"]) == 2
    (result,) = document["results"]
    assert [each["kind"] for each in result["findings"]] == ["missing"] and not result["reached"]


def test_nothing_at_all_came_back(judged, sets, tmp_path):
    for n in (1, 2, 3, 7):
        outputs_of(sets, n).unlink()
    done, document = judged("--out", tmp_path / "report")
    assert done.returncode == 1 and "and 1 more" in done.stdout and not document["files"]
    assert "was not written" in done.stderr and not (tmp_path / "report").exists()


def half(path):
    path.write_bytes(path.read_bytes()[:-5])


def as_raw_half(path):
    np.load(path).tofile(path.with_suffix(".raw"))
    path.unlink()
    half(path.with_suffix(".raw"))


def as_tensors_half(path):
    write_safetensors(path.with_suffix(".safetensors"), {"y": np.load(path)})
    path.unlink()
    half(path.with_suffix(".safetensors"))


def replaced(change):
    return lambda path: np.save(path, change(np.load(path)))


def linked(path):
    content = path.parent.parent / "elsewhere.npy"
    path.rename(content)
    path.symlink_to(content)


def twice(path):
    np.load(path).tofile(path.with_suffix(".bin"))


def two_arrays(path):
    write_safetensors(path.with_suffix(".safetensors"), {"a": np.load(path), "b": np.load(path)})
    path.unlink()


BAD = {
    "half .npy": (half, "unreadable", "not a readable .npy array"),
    "half raw": (as_raw_half, "unreadable", "bytes; expected"),
    "half safetensors": (as_tensors_half, "unreadable", "not a whole file of safetensors"),
    "shape": (replaced(np.transpose), "wrong_shape", "shape [3, 64]; expected [64, 3]"),
    "dtype": (replaced(np.float64), "wrong_dtype", "outputs of float64; expected float32 (or say"),
    "integers": (replaced(np.int32), "wrong_dtype", "outputs of int32; expected float32\n"),
    "a link": (linked, "unreadable", "is a link out of"),
    "two": (twice, "unreadable", "are outputs of float32-normal-1-n3: leave one of them"),
    "two arrays": (two_arrays, "unreadable", "2 arrays; expected one, or one named y"),
}


@pytest.mark.parametrize("change, kind, message", BAD.values(), ids=BAD)
def test_a_bad_file_is_one_line_and_costs_only_itself(judged, sets, change, kind, message):
    change(outputs_of(sets, 3))
    done, document = judged()
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and message in done.stderr
    assert [each["kind"] for each in document["results"][0]["findings"]] == [kind]
    assert len(document["files"]) == 3 and [*document["faults"]] == ["float32-normal-1-n3"]


def test_a_link_inside_the_folder_and_other_layouts_are_fine(judged, sets):
    first, second = outputs_of(sets, 3), outputs_of(sets, 7)
    first.rename(sets[1] / "real.npy")
    first.symlink_to("real.npy")
    np.save(second, np.asfortranarray(np.load(second).astype(">f4")))
    done, _ = judged()
    assert done.returncode == 0 and "not asked for, and not judged: real.npy" in done.stdout


def test_all_outputs_may_stand_in_one_file(judged, sets):
    paths = {n: outputs_of(sets, n) for n in (1, 2, 3, 7)}
    arrays = {path.stem: np.load(path) for path in paths.values()}
    for path in paths.values():
        path.unlink()
    write_safetensors(sets[1] / "all.safetensors", arrays | {"more": np.zeros(3)})
    done, document = judged()
    assert done.returncode == 0 and document["others"] == ["all.safetensors:more"]


def test_what_nobody_asked_for_is_told_and_not_judged(judged, sets):
    (sets[1] / "notes.txt").write_text("mine")
    (sets[1] / "folder.npy").mkdir()
    (sets[1] / ".hidden").write_text("mine")
    if hasattr(os, "mkfifo"):
        os.mkfifo(sets[1] / "pipe.npy")
    done, document = judged()
    assert done.returncode == 0 and "notes.txt" in done.stdout
    assert {*document["others"]} - {"pipe.npy"} == {"notes.txt", "folder.npy"}


def test_inputs_that_a_kernel_wrote_over_are_told_and_made_again(judged, sets):
    (item,) = (each for each in manifest_of(sets[0])["inputs"] if each["n"] == 7)
    path = sets[0] / item["arguments"]["x"]["file"]
    softmax(arguments_of(sets[0], item)[0]).tofile(path)
    done, document = judged()
    assert done.returncode == 1 and f"{path} has changed since it was written" in done.stderr
    assert [each["kind"] for each in document["results"][0]["findings"]] == ["input_changed"]
    assert document["files"][item["name"]]["max_ulp"] < 1 and len(document["files"]) == 4


def changed_manifest(sets, **changes):
    manifest = manifest_of(sets[0])
    manifest["inputs"][0] |= changes
    (sets[0] / "run.json").write_text(json.dumps(manifest))


def test_inputs_that_this_version_makes_in_another_way_are_not_judged(judged, sets):
    item = manifest_of(sets[0])["inputs"][0]
    changed_manifest(sets, arguments={"x": item["arguments"]["x"] | {"sha256": "0" * 64}})
    done, document = judged()
    assert done.returncode == 1 and "write the inputs again" in done.stderr
    assert len(document["files"]) == 3


def test_a_shape_that_outputs_cannot_have_is_noticed(judged, sets):
    np.save(outputs_of(sets, 1), np.zeros((64, 2), np.float32))
    changed_manifest(sets, shape=[64, 2])
    done, _ = judged()
    assert done.returncode == 1 and "have another shape than [64, 2]" in done.stderr


X = {"dtype": "float32", "shape": [64, 1], "sha256": ""}
HOSTILE = {
    "up": {"name": ".."},
    "a path": {"name": "../x"},
    "absolute": {"name": "/etc/passwd"},
    "backslash": {"name": "..\\x"},
    "empty": {"name": ""},
    "a terminal's": {"name": "\x1b[2J"},
    "axis": {"axis": 0},
    "two of one": {"name": "float32-normal-1-n2"},
    "file above": {"arguments": {"x": X | {"file": "../x.raw"}}},
    "operation": {"operation": "sigmoid"},
    "family": {"family": "none"},
    "rows": {"rows": -1},
    "no number": {"n": "7"},
    "shape": {"shape": [-1, -64]},
    "dtype": {"dtype": "float31"},
    "arguments": {"arguments": {"mask": X | {"file": "x.raw"}}},
    "more": {"more": 1},
}


@pytest.mark.parametrize("changes", HOSTILE.values(), ids=HOSTILE)
def test_a_manifest_of_something_else_is_one_line(called, sets, changes):
    changed_manifest(sets, **changes)
    done = called("score", *sets)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and not done.stdout
    assert "expected a folder that softmax-harness inputs wrote" in done.stderr


OUTPUTS = "out/float32-normal-1-n7.npy"
REFUSED = {
    "not written": (("out", "out"), "expected a folder that softmax-harness inputs wrote"),
    "no outputs": (("in", "gone"), "expected a folder of outputs"),
    "the same": (("in", "in"), "expected the outputs in another folder"),
    "axis": (("in", "out", "--axis", "0"), "--axis was given with a folder"),
    "shape": (("in", "out", "--shape", "4"), "--shape was given with a folder"),
    "operand": (("in", "out", "--operand", "k=x.npy"), "--operand was given with a folder"),
    "limit": (("in", "out", "--limit", "max=2"), "METRIC=NUMBER"),
    "unmeasured": (("in", "out", "--limit", "mask=2"), "METRIC=NUMBER"),
    "y dtype": (("in", "out", "--y-dtype", "float31"), "no dtype is named 'float31'"),
    "out over inputs": (("in", "out", "--out", "in"), "something other than a run"),
    "json over the manifest": (("in", "out", "--json", "in/run.json"), "what this command reads"),
    "json over outputs": (("in", "out", "--json", OUTPUTS), "what this command reads"),
    "baseline": (("in", "out", "--baseline", "gone.json"), "no such baseline"),
    "report of a pair": (("x.npy", "x.npy", "--out", "report"), "is of folders only"),
    "junit of a pair": (("x.npy", "x.npy", "--junit", "j.xml"), "is of folders only"),
}


@pytest.mark.parametrize("words, message", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_judged_is_one_line(called, sets, tmp_path, words, message):
    np.save(tmp_path / "x.npy", np.ones((2, 3), np.float32))
    done = called("score", *words, cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and message in done.stderr


def test_a_set_of_an_earlier_version_is_to_be_written_again(called, sets):
    manifest = manifest_of(sets[0])
    (sets[0] / "run.json").write_text(json.dumps(manifest | {"schema": 1}))
    done = called("score", *sets)
    assert done.returncode == 2 and "of schema 2, not 1: write it again" in done.stderr
