"""Arrays of libraries that NumPy knows nothing of, taken bit for bit."""

import sys
from types import ModuleType

import ml_dtypes
import numpy as np
import pytest
from softmax_harness.ground import foreign_arrays
from softmax_harness.ground.errors import BadData
from softmax_harness.ground.foreign_arrays import _slices, as_numpy
from softmax_harness.ground.formats import FORMATS

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
VALUES = np.arange(24, dtype=np.float32).reshape(4, 6).astype(BFLOAT16)
VIEWS = {
    "whole": VALUES,
    "steps": VALUES[::2, 1::3],
    "backwards": VALUES[::-1, ::-2],
    "transposed": VALUES.T,
    "broadcast": np.broadcast_to(VALUES[:1], (3, 6)),
    "a number": VALUES[1, 1],
    "empty": VALUES[:0],
}


class Foreign:
    """An array of a library that has bfloat16, and exports its elements as `exported` has them."""

    dtype = "library.bfloat16"

    def __init__(self, exported):
        self._exported = exported


class ByDLPack(Foreign):
    def __dlpack__(self):
        return self._exported.__dlpack__()


class ByArray(Foreign):
    def __array__(self, dtype=None, copy=None):
        return self._exported


@pytest.mark.parametrize("kind", [ByDLPack, ByArray])
@pytest.mark.parametrize("name", VIEWS)
def test_the_bits_of_a_format_that_numpy_lacks(kind, name):
    view = np.asarray(VIEWS[name])
    bits = view.view(np.uint16)
    if kind is ByDLPack and not bits.flags.writeable:
        bits = bits.copy()  # NumPy exports nothing that is read-only
    found = as_numpy(kind(bits), "x")
    assert found.dtype == BFLOAT16 and found.shape == view.shape
    assert found.tobytes() == view.tobytes()


def test_numpys_own_formats_by_dlpack():
    array = ByDLPack(np.arange(3.0))
    array.dtype = "library.float64"
    assert as_numpy(array, "x").tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "array, reason",
    [
        (ByArray(np.zeros(3)), "its elements are bfloat16, but come as float64"),
        (ByDLPack(np.zeros(3, complex)), "its elements have 128 bits"),
        ({1: 2}, "expected an array of numbers"),
        ([[1, 2], [3]], "inhomogeneous"),
        (None, "expected an array of numbers"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(array, reason):
    with pytest.raises(BadData, match=reason) as caught:
        as_numpy(array, "x")
    assert str(caught.value).startswith("x is of type ") and "\n" not in str(caught.value)


def test_a_subclass_of_numpys_array_is_seen_as_a_plain_one():
    assert type(as_numpy(np.array([1.0]).view(np.recarray), "x")) is np.ndarray


@pytest.mark.parametrize("shape", [(), (3,), (2, 1000, 50), (10**4,)])
def test_slices_make_up_an_array(shape, monkeypatch):
    monkeypatch.setattr(foreign_arrays, "_SLICE_BYTES", 1000)
    parts = list(_slices(shape, 2))
    seen = np.zeros(shape, int)
    for part in parts:
        seen[part] += 1
    assert (seen == 1).all() and (len(parts) == 1) == (2 * seen.size <= 1000)


class OnDevice:
    """An array as CuPy has it: NumPy cannot read it, its slices can be fetched."""

    class Device:
        def __enter__(self):
            return self

        def __exit__(self, *given):
            return None

    device = Device()

    def __init__(self, values):
        self.values, self.shape, self.dtype = values, values.shape, values.dtype

    def __getitem__(self, part):
        return OnDevice(self.values[part])

    def __array__(self, *given, **named):
        raise TypeError("implicit conversion to a NumPy array is not allowed")

    def get(self):
        return self.values


def test_an_array_on_a_device_comes_in_slices_and_goes_back(monkeypatch):
    cupy = ModuleType("cupy")
    cupy.ndarray, cupy.asarray = OnDevice, OnDevice
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setattr(foreign_arrays, "_SLICE_BYTES", 10)
    given = OnDevice(VALUES[:, ::2])
    found = as_numpy(given, "x")
    assert found.tobytes() == VALUES[:, ::2].tobytes() and found.dtype == BFLOAT16
    back = foreign_arrays.like(found, FORMATS["bfloat16"], given)
    assert isinstance(back, OnDevice) and back.values is found
