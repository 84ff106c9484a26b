"""What an implementation is, and how the implementations in this folder are found.

A file of this package that applies `implementation` to a function adds it to every
sweep, test, benchmark and report; nothing else has to change.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Softmax = Callable[..., NDArray[Any]]

FOLDER = Path(__file__).parent
NUMPY_DTYPES = ("float16", "float32", "float64")
# What libraries of machine learning take on a CPU; the bfloat16 of NumPy arrays is ml_dtypes' own.
LIBRARY_DTYPES = ("float16", "bfloat16", "float32", "float64")
# The two of one byte that libraries have in common, which few of them take in a softmax.
FLOAT8_DTYPES = ("float8_e4m3fn", "float8_e5m2")
# Stands among the dtypes of an implementation for each of 16 bits or fewer that is measured: which
# these are, the harness alone knows.
NARROW = "narrow"
DEFAULT_OPERATION = "softmax"
CAPABILITIES = ("integers", "empty", "scalar", "subnormals", "axes")
SAME_BITS = ("permutation", "layout", "batch")
# What pip installs for a library, where that is not the name by which it is imported.
_PACKAGES = {
    "onnxruntime": "onnxruntime onnx",
    "paddle": "paddlepaddle",
    "sklearn": "scikit-learn",
}
_PACKAGES_FOR_CUDA = {"jax": "'jax[cuda13]'", "cupy": "cupy-cuda13x", "triton": "torch triton"}
# What is imported beside a library.
_BESIDE = {"onnxruntime": ("onnx",), "triton": ("torch",)}
_CUDA = ("cuda", "gpu")
# NVIDIA's driver on Linux, that of Linux on Windows, and AMD's, which torch calls cuda, too.
_DRIVERS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
# Kinds of findings that are a matter of size.
SIZED = ("inaccurate", "bias", "limit")
# As many ones as the largest float16 counts: a longer sum of exp(x - max x) may be infinite.
LONGEST_SUM = {"float16": 65504}


@dataclass(frozen=True)
class ExpectedFinding:
    """A fault that is known: ``KIND[ in DTYPE][ up to NUMBER ulp]``.

    Attributes
    ----------
    kind : str
    dtype : str or None
        None for all.
    ulp : float or None
        How large it is at most. A kind of `SIZED` is known only up to a size: the word alone would
        hide an error of any size.
    """

    kind: str
    dtype: str | None
    ulp: float | None

    @classmethod
    def parse(cls, text: str) -> ExpectedFinding:
        """The finding that a text tells of; `ValueError` where it tells of none."""
        found = re.fullmatch(r"(\w+)(?: in (\w+))?(?: up to ([\d.]+(?:e\d+)?) ulp)?", text)
        if found is None:
            raise ValueError(f"{text!r}: expected KIND, KIND in DTYPE or KIND up to NUMBER ulp")
        kind, dtype, ulp = found.groups()
        return cls(kind, dtype, float(ulp) if ulp else None)

    def covers(self, kind: str, dtype: str, ulp: float) -> bool:
        """Whether it is this fault, and not a larger one."""
        if kind != self.kind or self.dtype not in (None, dtype):
            return False
        return kind not in SIZED if self.ulp is None else not ulp > self.ulp


@dataclass(frozen=True)
class Implementation:
    """A softmax under test and what its author declares about it.

    Attributes
    ----------
    name : str
        The name under which it stands in every list, table and report; one for each operation.
    function : callable
        ``f(x, axis=-1) -> ndarray`` of the shape of ``x``, which it leaves untouched.
    dtypes : tuple of str
        Input formats it supports; `NARROW` stands for all of 16 bits and fewer.
    output_dtype : str or None
        Output format where it differs from the input's.
    bound : str or None
        The theorem that bounds its error, a name in `softmax_harness.operations.bounds`.
    expected_findings : tuple of str
        Faults that belong to the algorithm and are known, each as `ExpectedFinding` reads it:
        ``overflow``, ``overflow in float16``, ``inaccurate in float16 up to 9 ulp``.
    library : str or None
        The package that it calls, which is imported only when it is called, in a process of its
        own: a library can change the floating-point environment of the process it is loaded in.
    unavailable : str or None
        Why it cannot run here, with the command that mends it; None where it can. Of a library
        that is not installed it is said without being declared.
    capabilities : tuple of str
        What it promises beyond finite rows of floats; a part of `CAPABILITIES`.
    largest_n : mapping of str to int
        By dtype, the longest row it promises to get right; no limit where there is none.
    same_bits : tuple of str
        Under which changes of the call it promises the same bits, a part of `SAME_BITS`.
    limits : mapping of str to float
        What else it promises, by metric: ``{"max_ulp": 2}``, ``{"not_correctly_rounded": 0}``.
    operation : str
        What it computes, a name in `softmax_harness.operations`, which also tells its arguments.
    standard : str or None
        The standard of accuracy that it is held to, a name in
        `softmax_harness.operations.standards`; None for the default of the format.
    arrays : str or None
        The library whose arrays the function takes and returns, ``torch``, ``jax`` or ``cupy``;
        None for NumPy's. It runs in a process of its own, which is given NumPy's arrays and makes
        these of them.
    device : str or None
        Where these arrays lie, as the library names it: ``cuda``, ``cuda:1``; None for where it
        puts them itself.
    signature : str or None
        How a function of a shared library is called, as ``--signature`` says it; None for Python.
    """

    name: str
    function: Softmax
    dtypes: tuple[str, ...] = NUMPY_DTYPES
    output_dtype: str | None = None
    bound: str | None = None
    expected_findings: tuple[str, ...] = ()
    library: str | None = None
    unavailable: str | None = None
    capabilities: tuple[str, ...] = CAPABILITIES
    largest_n: Mapping[str, int] = field(default_factory=dict)
    same_bits: tuple[str, ...] = ()
    limits: Mapping[str, float] = field(default_factory=dict)
    operation: str = DEFAULT_OPERATION
    standard: str | None = None
    arrays: str | None = None
    device: str | None = None
    signature: str | None = None

    @property
    def summary(self) -> str:
        """The first line of the function's docstring."""
        return (self.function.__doc__ or "").strip().split("\n")[0]

    def expects(self, kind: str, dtype: str, ulp: float = 0.0) -> bool:
        """Whether a fault of that kind, of so many ulp, is known of it in that dtype."""
        known = map(ExpectedFinding.parse, self.expected_findings)
        return any(each.covers(kind, dtype, ulp) for each in known)

    def __call__(self, *arguments: NDArray[Any], **named: Any) -> NDArray[Any]:
        return self.function(*arguments, **named)


_registered: dict[tuple[str, str], Implementation] = {}


def implementation(name: str, **declared: Any) -> Callable[[Softmax], Softmax]:
    """Register the decorated function as `name`; `declared` are fields of `Implementation`."""

    def register(function: Softmax) -> Softmax:
        found = Implementation(name, function, **declared)
        key = found.operation, name
        other = _registered.get(key)
        if other is not None and other.function.__module__ != function.__module__:
            raise ValueError(
                f"two implementations are named {name!r}, in {other.function.__module__} and in "
                f"{function.__module__}: give one of them another name"
            )
        _registered[key] = _with_its_library(found)
        return function

    return register


def _with_its_library(found: Implementation) -> Implementation:
    library = found.library or found.arrays
    found = replace(found, library=library)
    if library is None or found.unavailable:
        return found
    is_for_cuda = (found.device or "").partition(":")[0] in _CUDA
    packages = _PACKAGES | (_PACKAGES_FOR_CUDA if is_for_cuda else {})
    command = f"pip install {packages.get(library, library)}"
    if is_for_cuda and not _may_have_cuda():
        told = f"it needs a CUDA device, and there is none here; on a machine with one: {command}"
        return replace(found, unavailable=told)
    for name in (library, *_BESIDE.get(library, ())):
        if importlib.util.find_spec(name) is None:
            return replace(found, unavailable=f"it needs {name}: {command}")
    return found


def _may_have_cuda() -> bool:
    """Whether a driver is here, as far as its files tell; loading the implementation tells more.

    Whoever asks the driver itself cannot fork a process any more that uses it.
    """
    return sys.platform == "win32" or any(Path(each).exists() for each in _DRIVERS)


def declared(function: Softmax) -> Implementation | None:
    """What was declared with `implementation` about this very function, if anything."""
    return next((each for each in _registered.values() if each.function is function), None)


def module_names(folder: Path = FOLDER) -> list[str]:
    """The modules of `folder` that hold implementations, sorted."""
    found = (module.name for module in pkgutil.iter_modules([str(folder)]))
    return sorted(name for name in found if name != "registry")


@cache
def _import_all() -> None:
    """Have every module register what it holds, once in a process."""
    for name in module_names():
        importlib.import_module(f"{__package__}.{name}")


def implementations(operation: str = DEFAULT_OPERATION) -> dict[str, Implementation]:
    """Every implementation of an operation in this package by name, in alphabetical order."""
    _import_all()
    return {name: found for (what, name), found in sorted(_registered.items()) if what == operation}


def floating(x: ArrayLike) -> NDArray[Any]:
    """`x` as an array of floats: integers and booleans become float64, floats stay as they are."""
    array = np.asanyarray(x)  # a subclass may pass: explain records the steps by one
    return array.astype(np.float64) if array.dtype.kind in "iub" else array


def sum_of_others(e: NDArray[Any], axis: int) -> NDArray[Any]:
    """The sum of all along an axis but the first largest, as small as it may be; the axis is kept.

    A NaN stays in the sum.
    """
    if e.size == 0 or e.ndim == 0:
        return np.zeros(np.sum(e, axis=axis if e.ndim else None, keepdims=True).shape, e.dtype)
    top = np.expand_dims(np.argmax(e, axis=axis), axis)
    largest = np.take_along_axis(e, top, axis=axis)
    others = e.copy()
    np.put_along_axis(others, top, np.where(np.isnan(largest), largest, 0), axis=axis)
    return np.asanyarray(np.sum(others, axis=axis, keepdims=True))


def two_differences(a: NDArray[Any], b: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """a - b rounded, and what the rounding lost (Knuth's two-sum)."""
    y = a - b
    back, lost = np.asarray(y - a), np.empty_like(y)
    np.subtract(y, back, out=lost)
    np.subtract(a, lost, out=lost)
    back += b
    lost -= back
    return y, lost
