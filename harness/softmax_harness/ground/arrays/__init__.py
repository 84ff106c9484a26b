"""Arrays of other libraries to NumPy and back, bit for bit.

A library is one module of this package, under the name by which it is imported; it is found by its
place here. None of them is imported before one of its arrays is met or asked for.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.arrays.adapter import Adapter
from softmax_harness.ground.errors import BadData, unknown

__all__ = ["ADAPTERS", "Adapter", "adapter_named", "adapter_of", "like", "to_numpy"]


def _found() -> dict[str, Adapter]:
    modules = sorted(module.name for module in pkgutil.iter_modules(__path__))
    found = {name: importlib.import_module(f"{__name__}.{name}") for name in modules}
    return {name: module for name, module in found.items() if hasattr(module, "ROOTS")}


ADAPTERS = _found()
"""The adapter of each library, by its name."""


def adapter_named(name: str) -> Adapter:
    """The adapter of the library of that name; `UnknownName` with the nearest one otherwise."""
    if name not in ADAPTERS:
        raise unknown("library of arrays", name, ADAPTERS)
    return ADAPTERS[name]


def adapter_of(array: Any) -> Adapter | None:
    """The adapter of the library whose array it is, or of a class made from that; None of others.

    It is told by the names of the classes, so that no library is imported for it.
    """
    roots = {each.__module__.partition(".")[0] for each in type(array).__mro__}
    return next((each for each in ADAPTERS.values() if roots.intersection(each.ROOTS)), None)


def to_numpy(array: Any) -> NDArray[Any]:
    """The numbers of an array of any library, in their own format and of the same shape.

    Parameters
    ----------
    array : array_like
        NumPy's own is given back as it is. One of another library may share its memory with what
        is given back, which is then not to be written to.

    Returns
    -------
    ndarray
        bfloat16 and the formats of 8 bits are types of ml_dtypes.

    Raises
    ------
    BadData
        Where NumPy has no such type, or no array can be made of what is given.
    """
    if isinstance(array, np.ndarray):
        return array
    adapter = adapter_of(array)
    if adapter is not None:
        return adapter.to_numpy(array)
    try:
        has_own = not hasattr(array, "__array__") and hasattr(array, "__dlpack__")
        made = np.from_dlpack(array) if has_own else np.asarray(array)
    except Exception as error:  # noqa: BLE001 - whatever a foreign class raises
        told = str(error).partition("\n")[0]
        raise BadData(f"no array can be made of a {type(array).__name__}: {told}") from None
    if made.dtype == object:
        raise BadData(f"{type(array).__name__} is no array of numbers: expected one, or a list")
    return made


def like(x: NDArray[Any], template: Any) -> Any:
    """The numbers of `x` as an array of the library of `template`, on its device.

    What is of no library here gives NumPy's array back.

    Raises
    ------
    BadData
        Where the library has no such type.
    """
    adapter = adapter_of(template)
    return x if adapter is None else adapter.from_numpy(x, adapter.device_of(template))
