"""Arrays of other libraries as NumPy's, and back: the same bits in every format.

No library is imported for that: an array of torch comes only where torch is loaded already.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.dlpack import bits_of_dlpack
from softmax_harness.ground.errors import BadData
from softmax_harness.ground.formats import FORMATS, Format
from softmax_harness.ground.text import printable

_SLICE_BYTES = 1 << 26  # of what lies on a device, copied at once
_REASON = 200  # characters of what a library says


def as_numpy(array: Any, called: str) -> NDArray[Any]:
    """The numbers of an array, whoever's it is; without a copy where NumPy can look at them.

    Parameters
    ----------
    array : array
        Of NumPy, torch, JAX, CuPy, or anything that speaks ``__array__`` or DLPack; on any device,
        contiguous or not; or numbers in lists.
    called : str
        What a message calls it.

    Raises
    ------
    BadData
        If it holds no numbers that NumPy, or the package of its format, has a type for.
    """
    if isinstance(array, np.ma.MaskedArray):
        raise BadData(
            f"{called} is a masked array of NumPy: expected a plain one, such as "
            f"{called}.filled(-inf), or the mask as an operand"
        )
    if isinstance(array, np.ndarray):
        return array.view(np.ndarray)
    try:
        found = _as_numpy(array)
    except Exception as error:  # noqa: BLE001 - each library raises what it likes
        raise BadData(
            f"{called} is of type {_kind(array)}, which cannot be read here: {_reason(error)}"
        ) from None
    if found.dtype.kind in "OSU":
        raise BadData(f"{called} is of type {_kind(array)}: expected an array of numbers")
    return found


def told_format(array: Any, found: NDArray[Any]) -> Format | None:
    """The format of an array, where what `as_numpy` found of it stands in a wider type."""
    named = _named_format(array)
    return None if named is None or named.name == found.dtype.name else named


def like(values: NDArray[Any], format: Format, array: Any) -> Any:
    """Numbers of a format as an array of the kind of `array`, on its device.

    Parameters
    ----------
    values : ndarray
        Of the format, or of a wider type where that of the format is missing.

    Raises
    ------
    BadData
        If the library of the array has no such type.
    """
    if (torch := _library("torch", "Tensor", array)) is not None:
        return _to_torch(values, format, array, torch)
    values = values.astype(format.dtype, copy=False)
    if (jax := _library("jax", "Array", array)) is not None:
        return _to_jax(values, array, jax)
    if (cupy := _library("cupy", "ndarray", array)) is not None:
        with array.device:
            return cupy.asarray(values)
    return values


def _library(name: str, kind: str, array: Any) -> Any:
    """The library of an array, if it is loaded and the array is of its `kind`."""
    module = sys.modules.get(name)
    own = getattr(module, kind, None)
    return module if isinstance(own, type) and isinstance(array, own) else None


def _as_numpy(array: Any) -> NDArray[Any]:
    if (torch := _library("torch", "Tensor", array)) is not None:
        return _from_torch(array, torch)
    if _library("cupy", "ndarray", array) is not None:
        return _from_cupy(array)
    named = _named_format(array)
    try:
        found = np.asarray(array)
    except Exception:  # what it cannot give NumPy it may give by DLPack; else it is raised again
        if named is None or not hasattr(array, "__dlpack__"):
            raise
        return bits_of_dlpack(array).view(named.dtype)
    if found.dtype.kind == "O" and hasattr(array, "__dlpack__"):
        found = bits_of_dlpack(array) if named else np.from_dlpack(array)
    return found if named is None else _of_format(found, named)


def _named_format(array: Any) -> Format | None:
    """The format whose name the array's type has, such as ``torch.bfloat16``."""
    words = re.findall(r"\w+", str(getattr(array, "dtype", "")))
    return next((FORMATS[word] for word in reversed(words) if word in FORMATS), None)


def _of_format(found: NDArray[Any], format: Format) -> NDArray[Any]:
    """An array that shall be of a format; a library may give its bits as integers or as raw."""
    if found.dtype == format.dtype:
        return found
    if found.dtype.kind in "uiV" and found.dtype.itemsize == format.dtype.itemsize:
        return found.view(format.dtype)
    raise TypeError(f"its elements are {format.name}, but come as {found.dtype}")


def _from_torch(tensor: Any, torch: Any) -> NDArray[Any]:
    tensor = tensor.detach().resolve_conj().resolve_neg()
    named = _named_format(tensor)
    if named is not None and named.package != "numpy":  # whose types torch does not know
        if named.has_type:
            tensor = tensor.view(getattr(torch, f"int{8 * tensor.element_size()}"))
        else:
            tensor, named = tensor.to(getattr(torch, str(named.wider))), None
    if tensor.device.type != "cpu":
        tensor = _on_host(tensor, torch)
    found: NDArray[Any] = tensor.numpy()
    return found if named is None else _of_format(found, named)


def _on_host(tensor: Any, torch: Any) -> Any:
    """A copy of a tensor in the memory of this process, made in slices.

    A tensor with gaps would otherwise be copied whole on its device first.
    """
    host = torch.empty(tensor.shape, dtype=tensor.dtype)
    for part in _slices(tuple(tensor.shape), tensor.element_size()):
        host[part] = tensor[part]
    return host


def _from_cupy(array: Any) -> NDArray[Any]:
    host = np.empty(array.shape, array.dtype)
    for part in _slices(array.shape, array.dtype.itemsize):
        host[part] = array[part].get()
    return host


def _slices(shape: tuple[int, ...], itemsize: int) -> Iterator[tuple[Any, ...]]:
    """Parts that make up an array of a shape, cut along its longest axis."""
    size = int(np.prod(shape, dtype=np.int64)) * itemsize
    if size <= _SLICE_BYTES:
        yield (...,)
        return
    axis = int(np.argmax(shape))
    step = max(1, shape[axis] * _SLICE_BYTES // size)
    for start in range(0, shape[axis], step):
        yield (*[slice(None)] * axis, slice(start, start + step))


def _to_torch(values: NDArray[Any], format: Format, tensor: Any, torch: Any) -> Any:
    dtype = getattr(torch, format.name, None)
    if dtype is None:
        raise BadData(f"torch has no type {format.name}: expected another dtype=")
    plain = np.ascontiguousarray(values)
    if values.dtype.name != format.name:
        made = torch.from_numpy(plain).to(dtype)
    else:
        made = torch.from_numpy(plain.view(f"int{8 * plain.dtype.itemsize}")).view(dtype)
    return made.reshape(values.shape).to(tensor.device)


def _to_jax(values: NDArray[Any], array: Any, jax: Any) -> Any:
    same = values.shape == array.shape
    made = jax.device_put(values, array.sharding if same else next(iter(array.devices())))
    if made.dtype != values.dtype:
        raise BadData(
            f"JAX holds no {values.dtype.name} here: expected "
            'jax.config.update("jax_enable_x64", True), or another dtype='
        )
    return made


def _kind(array: Any) -> str:
    return f"{type(array).__module__}.{type(array).__qualname__}".removeprefix("builtins.")


def _reason(error: Exception) -> str:
    first = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
    return printable(first)[:_REASON]
