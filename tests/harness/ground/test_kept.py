"""Finished units come back to the bit, and nothing that is damaged or foreign is believed."""

import json
import math

import numpy as np
import pytest
from softmax_harness.ground.errors import BadFolder
from softmax_harness.ground.kept import Kept
from softmax_harness.ground.plain_values import NotPlain, decoded, encoded
from softmax_harness.operations import OPERATIONS
from softmax_harness.studies.exhaustive.found import Candidate, Found

VALUE = Found(
    3,
    larger=(Candidate(0.1, (1e-310, -0.0), (math.inf, 2.0), 1),),
    faults=("changed its input",),
)


def test_values_come_back_to_the_bit():
    held = {
        "found": [VALUE, None, True, 7, "a\nb"],
        ("of", 1): np.arange(12, dtype=np.float32).reshape(3, 4)[:, ::2],
        "nothing": np.empty((0, 2), np.int64),
        "one": np.float64(0.1),
    }
    back = decoded(encoded(held))
    assert list(back) == list(held) and back["found"] == held["found"]
    assert math.copysign(1.0, back["found"][0].larger[0].x[1]) == -1.0
    for name in (("of", 1), "nothing", "one"):
        assert back[name].dtype == held[name].dtype and np.array_equal(back[name], held[name])
    assert encoded(back) == encoded(held)


def test_formats_that_numpy_lacks_come_back_to_the_bit():
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="pip install ml_dtypes")
    held = np.array([[0.1, -0.0], [np.nan, np.inf]], ml_dtypes.bfloat16)
    back = decoded(encoded(held))
    assert back.dtype == held.dtype and back.tobytes() == held.tobytes()


@pytest.mark.parametrize("value", [object(), np.array([object()]), {1, 2}, len])
def test_what_is_no_plain_value_is_refused(value):
    with pytest.raises(NotPlain):
        encoded(value)


def test_a_text_names_nothing_but_dataclasses_of_the_harness():
    name = "softmax_harness.ground.files"
    for text in (
        {"object": ["os", "system", {"command": "true"}]},
        {"object": [name, "replacing_file", {"path": "x", "text": "y"}]},
        {"object": [name, "os.system", {}]},
        {"named": ["x", "y", "z", []]},
        {"array": ["|O", [1], "eJxjAAAAAQAB"]},
        {"array": ["<f8", [2], "eJxjAAAAAQAB"]},
        {"other": 1},
    ):
        with pytest.raises(NotPlain):
            decoded(json.dumps(text))


def test_an_operation_is_told_by_its_name():
    assert '"softmax"' in encoded(OPERATIONS["softmax"])


def test_units_are_kept_until_they_are_forgotten(tmp_path):
    kept = Kept(tmp_path / "units")
    assert kept.found("a") is None and kept.count() == 0
    kept.keep("a", VALUE)
    kept.keep("b", [1])
    again = Kept(tmp_path / "units")
    assert again.found("a") == VALUE and again.count() == 2
    (tmp_path / "units" / "mine.txt").write_text("mine")
    again.forget()
    assert [path.name for path in (tmp_path / "units").iterdir()] == ["mine.txt"]


def test_a_damaged_unit_is_not_believed(tmp_path):
    kept = Kept(tmp_path)
    kept.keep("a", [1.5])
    (path,) = tmp_path.glob("*.unit")
    whole = path.read_text()
    for damaged in (whole[:-1], whole.replace("0x1.8", "0x1.9"), "", "no digest"):
        path.write_text(damaged)
        assert kept.found("a") is None
    path.write_text(whole)
    assert kept.found("a") == [1.5]


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(BadFolder, match="something other than units"):
        Kept(tmp_path)
    with pytest.raises(BadFolder, match="is a file"):
        Kept(tmp_path / "mine.txt")
