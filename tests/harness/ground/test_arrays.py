"""Arrays in files: every kind gives back what was written, and a bad file is one clear line."""

import json

import numpy as np
import pytest
from softmax_harness.ground.arrays import KINDS, Told, digest, in_file, read_array
from softmax_harness.ground.errors import BadData
from softmax_harness.ground.formats import FORMATS
from softmax_harness.ground.safetensors import tensors_in, write_safetensors

OTHERS = ("bool", "int8", "int32", "int64", "uint8")
SHAPES = ((), (5,), (0, 3), (4, 7))


def values_of(dtype, shape):
    own = FORMATS[dtype].dtype if dtype in FORMATS else np.dtype(dtype)
    return np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(own)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [*FORMATS, *OTHERS])
def test_what_was_written_is_read(tmp_path, kind, dtype):
    for shape in SHAPES:
        values = values_of(dtype, shape)
        path = tmp_path / f"{len(shape)}-{0 in shape}{KINDS[kind].suffix}"
        KINDS[kind].write(path, {"x": values})
        found = read_array(path, Told(dtype, shape))
        assert found.dtype == values.dtype and found.shape == shape
        assert found.tobytes() == values.tobytes() and digest([found]) == digest([values])


def test_of_many_arrays_one_is_named(tmp_path):
    path = tmp_path / "m.safetensors"
    arrays = {"b": np.array([True, False, True]), "x": values_of("float32", (4, 7))}
    write_safetensors(path, arrays)
    for name, values in arrays.items():
        assert (read_array(tmp_path / f"m.safetensors:{name}") == values).all()
    assert in_file(tmp_path / "m.safetensors:x") == (path, "x")
    with pytest.raises(BadData, match="several arrays; expected .*m.safetensors:NAME"):
        read_array(path)
    with pytest.raises(BadData, match="no array z; expected .*, one of x, b"):
        read_array(tmp_path / "m.safetensors:z")


def test_the_real_package_reads_what_was_written_and_is_read(tmp_path):
    real = pytest.importorskip("safetensors.numpy", reason="run it with pip install safetensors")
    arrays = {name: values_of(name, (4, 7)) for name in (*OTHERS, "float16", "float32", "float64")}
    write_safetensors(tmp_path / "ours.safetensors", arrays)
    real.save_file(arrays, tmp_path / "theirs.safetensors", {"by": "them"})
    theirs = real.load_file(tmp_path / "ours.safetensors")
    for name, values in arrays.items():
        ours = read_array(tmp_path / f"theirs.safetensors:{name}")
        for found in (ours, theirs[name]):
            assert found.dtype == values.dtype and (found == values).all()


def test_bits_are_read_as_the_format_that_is_told(tmp_path):
    pytest.importorskip("ml_dtypes", reason="run it with pip install ml_dtypes")
    values = values_of("bfloat16", (4, 7))
    for order in "<>":
        np.save(tmp_path / "x.npy", values.view(np.uint16).astype(f"{order}u2"))
        found = read_array(tmp_path / "x.npy", Told("bfloat16"))
        assert found.dtype == values.dtype and (found == values).all()
    write_safetensors(tmp_path / "x.safetensors", {"x": values.view(np.uint16)})
    assert (read_array(tmp_path / "x.safetensors", Told("bfloat16")) == values).all()
    assert read_array(tmp_path / "x.npy", Told("float64")).dtype.kind == "u"


def test_order_and_bytes_of_npy_do_not_matter(tmp_path):
    values = values_of("float32", (4, 7))
    np.save(tmp_path / "x.npy", np.asfortranarray(values.astype(">f4")))
    found = read_array(tmp_path / "x.npy")
    assert (found == values).all() and digest([found]) == digest([values])


def test_a_raw_file_of_another_size_or_of_no_shape_is_one_line(tmp_path):
    path = tmp_path / "x.raw"
    path.write_bytes(bytes(10))
    with pytest.raises(BadData, match=r"10 bytes; expected 16, raw float32 of the shape \[4\]"):
        read_array(path, Told("float32", (4,)))
    with pytest.raises(BadData, match="neither shape nor dtype"):
        read_array(path)


def header(**about):
    return json.dumps(about).encode()


X = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
HOSTILE = {
    "empty": b"",
    "short": b"\x01",
    "longer than the file": (100).to_bytes(8, "little") + b"{}",
    "longer than any": (1 << 62).to_bytes(8, "little") + b"{}",
    "no JSON": (header(x=X)[:-1], 8),
    "no object": (b"[]", 8),
    "nested": (b"[" * 100_000, 0),
    "no UTF-8": (b'{"\xff": 1}', 8),
    "twice": (b'{"x": {}, "x": {}}', 0),
    "a gap": (header(x=X | {"data_offsets": [4, 12]}), 12),
    "an overlap": (header(x=X, y=X | {"data_offsets": [4, 12]}), 12),
    "beyond the end": (header(x=X), 7),
    "before the end": (header(x=X), 9),
    "negative": (header(x=X | {"data_offsets": [-8, 0]}), 8),
    "reversed": (header(x=X | {"data_offsets": [8, 0]}), 8),
    "negative shape": (header(x=X | {"shape": [-1, -2]}), 8),
    "true": (header(x=X | {"shape": [True, 2]}), 8),
    "a fraction": (header(x=X | {"data_offsets": [0.0, 8]}), 8),
    "a huge shape": (header(x=X | {"shape": [1 << 62, 1 << 62]}), 8),
    "unknown dtype": (header(x=X | {"dtype": "F31"}), 8),
    "control characters": (header(x=X | {"dtype": "\x1b[2J"}), 8),
    "nothing of it": (header(x={}), 8),
    "a number": (header(x=1), 8),
}


@pytest.mark.parametrize("given", HOSTILE.values(), ids=HOSTILE)
def test_a_bad_file_of_arrays_is_one_line(tmp_path, given):
    if isinstance(given, tuple):
        text, size = given
        given = len(text).to_bytes(8, "little") + text + bytes(size)
    path = tmp_path / "m.safetensors"
    path.write_bytes(given)
    with pytest.raises(BadData, match="not a whole file of safetensors") as told:
        tensors_in(path)
    assert str(told.value).isprintable() and len(str(told.value)) < len(str(path)) + 300


def test_a_file_that_is_not_there_is_one_line(tmp_path):
    for name in ("gone.safetensors", "gone.raw", "gone.npy", "gone"):
        with pytest.raises(BadData, match="[Nn]o such file"):
            read_array(tmp_path / name, Told("float32", (2,)))
