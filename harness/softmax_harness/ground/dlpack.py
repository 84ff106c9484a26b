"""The bits of an array that speaks DLPack, in formats that NumPy has no type for.

https://dmlc.github.io/dlpack/latest/c_api.html gives the structures. `numpy.from_dlpack` knows
NumPy's own types alone; here any format of whole bytes is read, as unsigned integers.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ON_HOST = (1, 3, 11, 13)  # kDLCPU, and memory of CUDA and ROCm that a process can read


class _Tensor(ctypes.Structure):
    """``DLTensor``; a device and a data type stand in it by their fields."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


def bits_of_dlpack(array: Any) -> NDArray[Any]:
    """A copy of the elements, each as an unsigned integer of its bits.

    The capsule stays the exporter's, which frees it.

    Raises
    ------
    ValueError
        If it lies where this process cannot read, or an element is no whole number of bytes.
    """
    capsule = array.__dlpack__()
    tensor = _tensor_of(capsule)
    if tensor.device_type not in _ON_HOST:
        raise ValueError("it lies on a device; expected it in the memory of this process")
    if tensor.lanes != 1 or tensor.bits not in (8, 16, 32, 64):
        raise ValueError(f"its elements have {tensor.bits} bits in {tensor.lanes} lanes")
    shape = tensor.shape[: tensor.ndim]
    itemsize = tensor.bits // 8
    if 0 in shape:
        return np.empty(shape, f"u{itemsize}")
    strides = [itemsize * each for each in _strides(tensor, shape)]
    first = sum(min(0, (n - 1) * stride) for n, stride in zip(shape, strides, strict=True))
    last = sum(max(0, (n - 1) * stride) for n, stride in zip(shape, strides, strict=True))
    at = tensor.data + tensor.byte_offset + first
    memory = (ctypes.c_char * (last - first + itemsize)).from_address(at)
    seen = np.ndarray(shape, f"u{itemsize}", memory, -first, strides)
    return seen.copy()  # and what it was seen through may go


def _tensor_of(capsule: Any) -> _Tensor:
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    return _Tensor.from_address(get(capsule, b"dltensor"))


def _strides(tensor: _Tensor, shape: list[int]) -> list[int]:
    """In elements; without any the array is compact, the last axis fastest."""
    if tensor.strides:
        return list(tensor.strides[: tensor.ndim])
    return [int(np.prod(shape[axis + 1 :], dtype=np.int64)) for axis in range(len(shape))]
