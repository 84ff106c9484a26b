"""A .npy file whose header is wrong is one clear line, whatever NumPy makes of it."""

import pytest
from softmax_harness.ground.errors import BadData
from softmax_harness.ground.npy import read_npy

HEADERS = {
    "too large for C": "'<f4', 'fortran_order': False, 'shape': (1180591620717411303424,)",
    "too large together": "'<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)",
    "too large and empty": "'<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4, 0)",
    "larger than the file": "'<f4', 'fortran_order': False, 'shape': (9999999999,)",
    "negative": "'<f4', 'fortran_order': False, 'shape': (-2, -3)",
    "a truth value": "'<f4', 'fortran_order': False, 'shape': (True,)",
    "no format": "'<f3', 'fortran_order': False, 'shape': (2,)",
    "nested": f"{'[' * 900}{']' * 900}, 'fortran_order': False, 'shape': (2,)",
    "a bad escape": "'\\d', 'fortran_order': False, 'shape': (2,)",
    "control characters": "'\x1b[2J', 'fortran_order': False, 'shape': (2,)",
}


def refused(path):
    with pytest.raises(BadData) as told:
        read_npy(path)
    text = str(told.value)
    assert text.isprintable() and len(text) < len(str(path)) + 300
    return text


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_a_header_out_of_range_is_one_clear_line(tmp_path, header):
    text = f"{{'descr': {header}}}\n".encode("latin1")
    content = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(64)
    (tmp_path / "x.npy").write_bytes(content)
    assert "not a readable .npy array" in refused(tmp_path / "x.npy")


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}"])
def test_what_is_no_array_is_one_clear_line(tmp_path, content):
    (tmp_path / "x.npy").write_bytes(content)
    assert "not a readable .npy array" in refused(tmp_path / "x.npy")


def test_what_begins_as_an_archive_is_said_to_be_one(tmp_path):
    (tmp_path / "x.npy").write_bytes(b"PK\x03\x04junk")
    assert "an archive of several arrays" in refused(tmp_path / "x.npy")


def test_a_name_that_is_too_long_is_no_file(tmp_path):
    with pytest.raises(BadData, match="no such file"):
        read_npy(tmp_path / ("x" * 300))
