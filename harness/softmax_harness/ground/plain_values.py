"""Dataclasses, arrays and numbers as plain JSON, and back to the bit: nothing in it can run.

A pickle would run whatever it names where it is read. Here a name can only be that of a dataclass
of the harness, and what is read are its fields.
"""

from __future__ import annotations

import base64
import importlib
import json
import math
import zlib
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

import numpy as np

from softmax_harness.ground.formats import FORMATS

_PACKAGE = __name__.partition(".")[0]


class NotPlain(ValueError):
    """A value of a kind that is not known here, or a text that stands for none."""


def encoded(value: Any) -> str:
    """The value as text, the same text for the same value in any process.

    Raises
    ------
    NotPlain
        If something in it is of another kind.
    """
    return json.dumps(_encoded(value), sort_keys=True, allow_nan=False, separators=(",", ":"))


def decoded(text: str) -> Any:
    """The value of a text.

    Raises
    ------
    NotPlain
        If it stands for none.
    """
    try:
        return _decoded(json.loads(text))
    except (ValueError, TypeError, LookupError, AttributeError, ImportError, zlib.error) as error:
        raise NotPlain(str(error)) from None


def _encoded(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):  # also one that is a member of an enumeration
        return str(value)
    if isinstance(value, np.ndarray | np.generic):  # before floats, of which float64 is one
        return _encoded_array(value)
    if isinstance(value, float):
        return {"float": value.hex()}
    if isinstance(value, list):
        return [_encoded(each) for each in value]
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return {"tuple": [_encoded(each) for each in value]}
    if isinstance(value, dict):
        return {"dict": [[_encoded(key), _encoded(each)] for key, each in value.items()]}
    return _encoded_object(value)


def _encoded_array(value: np.ndarray | np.generic) -> Any:
    whole = np.ascontiguousarray(value)
    name = whole.dtype.str if whole.dtype.kind in "biuf" else whole.dtype.name
    if whole.dtype.kind not in "biuf" and name not in FORMATS:
        raise NotPlain(f"an array of {whole.dtype}")
    # Most arrays that are kept are mostly zeros.
    data = base64.b64encode(zlib.compress(whole.tobytes(), 1)).decode("ascii")
    kind = "array" if isinstance(value, np.ndarray) else "scalar"
    return {kind: [name, list(np.shape(value)), data]}


def _encoded_object(value: Any) -> Any:
    kind: Any = type(value)
    name = [kind.__module__, kind.__qualname__]
    names = _names_of_fields(kind)
    if "__reduce__" in vars(kind):  # found by its name: for texts that are compared, not read
        named: Any = value
        function, given = named.__reduce__()
        return {"named": [*name, function.__qualname__, _encoded(list(given))]}
    return {"object": [*name, {each: _encoded(getattr(value, each)) for each in names}]}


@cache  # of a kind there are a hundred thousand in a run
def _names_of_fields(kind: type) -> tuple[str, ...]:
    if not is_dataclass(kind) or kind.__module__.partition(".")[0] != _PACKAGE:
        raise NotPlain(f"a {kind.__name__}")
    return tuple(each.name for each in fields(kind))


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(each) for each in value]
    if not isinstance(value, dict):
        return value
    ((kind, held),) = value.items()
    if kind == "float":
        return float.fromhex(held)
    if kind == "tuple":
        return tuple(_decoded(each) for each in held)
    if kind == "dict":
        return {_decoded(key): _decoded(each) for key, each in held}
    if kind in ("array", "scalar"):
        return _decoded_array(kind, *held)
    if kind == "object":
        return _decoded_object(*held)
    raise NotPlain(f"{kind!r} is of no kind that can be read")


def _decoded_array(kind: str, dtype: str, shape: list[int], data: str) -> Any:
    found = FORMATS[dtype].dtype if dtype in FORMATS else np.dtype(dtype)
    if found.kind not in "biuf" and dtype not in FORMATS:
        raise NotPlain(f"an array of {found}")
    size = found.itemsize * math.prod(shape)
    raw = zlib.decompressobj().decompress(base64.b64decode(data, validate=True), size + 1)
    if len(raw) != size:
        raise NotPlain("an array that is not as long as its shape says")
    array = np.frombuffer(raw, found).reshape(shape).copy()
    return array if kind == "array" else array[()]


def _decoded_object(module: str, name: str, held: dict[str, Any]) -> Any:
    if module.partition(".")[0] != _PACKAGE or not name.isidentifier():
        raise NotPlain(f"{module}.{name} is no dataclass of {_PACKAGE}")
    kind = getattr(importlib.import_module(module), name)
    if not (isinstance(kind, type) and is_dataclass(kind)):
        raise NotPlain(f"{module}.{name} is no dataclass of {_PACKAGE}")
    return kind(**{key: _decoded(each) for key, each in held.items()})
