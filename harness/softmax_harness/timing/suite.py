"""The asv benchmarks of any implementation: its time, its peak memory and its largest error.

Two lines in a file of an asv `benchmark_dir` time a kernel of one's own::

    from softmax_harness.timing import suite
    Softmax = suite("my_package.kernels:softmax", dtypes=("float32",))

and ``suite("my_package.kernels:loss", operation="cross_entropy")`` one of another operation,
``suite("libkernel.so:softmax", signature="f32 rows,n")`` a C function that a build has made, and
``suite("my_package.kernels:softmax", arrays="torch", device="cuda")`` one of tensors.

A file may have several, each under a name of its own: asv names a benchmark by file, class and
method.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.errors import BadData, BadImplementation
from softmax_harness.ground.formats import DEFAULT_DTYPES, Format, dtype_name, format_named
from softmax_harness.ground.memory import keep_freed_memory
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.judgement.metrics import ulp_error
from softmax_harness.operations import (
    DEFAULT_OPERATION,
    Operands,
    Operation,
    Problem,
    operation_named,
    parted,
)
from softmax_harness.subjects.adapted import Adapted
from softmax_harness.subjects.binding import bound
from softmax_harness.subjects.call import ready_for
from softmax_harness.subjects.convention import Convention
from softmax_harness.subjects.native.library import found_in, names_symbol
from softmax_harness.subjects.native.signature import parse, unsaid
from softmax_harness.subjects.request import Request
from softmax_harness.timing import clock
from softmax_harness.timing.built import library_file
from softmax_harness.truth import arbitrate

Softmax = Callable[..., NDArray[Any]]
Find = Callable[[str], Any]

LENGTHS = (10, 100, 1000, 10_000, 100_000)
JUDGED_FAMILIES = ("normal-10", "offset-positive", "uniform-wide")
SEED = 0

# Every timed call has this many elements, in rows of n: enough that the overhead of a call does
# not hide the work, few enough that the arrays stay in a core's cache.
TIMED_ELEMENTS = 100_000
# Large beside the interpreter and its libraries, which peak memory includes.
PEAK_ROWS, PEAK_LENGTH = 2000, 1000
JUDGED_ROWS, JUDGED_LENGTH = 8, 100


def timed_rows(n: int, operation: str = DEFAULT_OPERATION) -> int:
    """Rows in a timed call whose rows have `n` logits."""
    return max(1, TIMED_ELEMENTS // n // operation_named(operation).numbers_per_logit)


# asv's files of results give the values of a benchmark's parameters, not their names.
AXES = {
    "time_softmax": ("implementation", "dtype", "n"),
    "peakmem_softmax": ("implementation", "dtype"),
    "track_max_ulp": ("implementation", "dtype", "family"),
}
# asv tells by its version whether a result still belongs to a benchmark. By default that is a
# hash of the method's text, which says nothing of the constants above.
VERSIONS = {
    "time_softmax": f"rows of n, {TIMED_ELEMENTS} elements, in kept memory, waits left out",
    "peakmem_softmax": f"{PEAK_ROWS} rows of {PEAK_LENGTH}",
    "track_max_ulp": f"{JUDGED_ROWS} rows of {JUDGED_LENGTH}, seed {SEED}",
}


def imported(name: str) -> Any:
    """The function ``package.module:function``; None where the installed version lacks it.

    ``lib.so:symbol`` is that of a library that was built, or of a file.
    """
    module_name, _, attribute = name.rpartition(":")
    if names_symbol(name):
        return found_in(library_file(module_name), attribute)
    if not attribute:
        raise BadImplementation(
            f"{name!r} names no function: expected package.module:function to time"
        )
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and f"{module_name}.".startswith(f"{error.name}."):
            return None
        raise  # the module is there, and something that it imports is not: that is a failure
    found = getattr(module, attribute, None)
    # What declares itself was imported with the registry, which alone knows the declaration.
    registry = sys.modules.get("softmax_implementations.registry")
    return (registry and found and registry.declared(found)) or found


def suite(
    *names: str,
    find: Find = imported,
    dtypes: Sequence[str] | None = None,
    lengths: Sequence[int] = LENGTHS,
    output_dtype: str | None = None,
    operation: str = DEFAULT_OPERATION,
    signature: str | None = None,
    arrays: str | None = None,
    device: str | None = None,
) -> type:
    """A class of asv benchmarks for the implementations of these names.

    Parameters
    ----------
    *names : str
        asv's parameter `implementation`. They must not depend on what is installed, see
        `softmax_harness.timing.names`.
    find : callable
        ``find(name)`` gives the function, called as ``f(x)`` on x of shape (rows, n), with the
        operands of the operation if it has some, as ``softmax-harness list`` shows; or an
        object that is called so and declares `dtypes`, `output_dtype` and `unavailable`; None
        where the installed version has none of that name.
    dtypes : sequence of str, optional
        asv's parameter `dtype`; that of the signature, or all of NumPy's.
    lengths : sequence of int
        asv's parameter `n`.
    output_dtype : str, optional
        Format of the results of functions that declare none, where it is not that of x.
    operation : str
        What the functions compute; the benchmarks have the same names for every operation. A name
        such as ``logsumexp/naive`` says it itself.
    signature : str, optional
        How functions of shared libraries are called, as ``softmax-harness check --signature`` takes
        it. They are timed without what Python adds, but for a call of some microseconds.
    arrays, device : str, optional
        The library whose arrays the functions take, ``torch``, ``jax`` or ``cupy``, and where these
        lie. A call is timed until the device has done its work.

    Returns
    -------
    type
        ``time_softmax`` (seconds a call of `TIMED_ELEMENTS` numbers), ``peakmem_softmax``
        (bytes of the whole process) and ``track_max_ulp`` (ulp; infinity where a finite result
        came out infinite or NaN). What the installed version lacks is skipped: asv's NaN. A
        process that times keeps its freed memory; one whose peak is measured does not.
    """

    for name in names:
        if signature is None and find is imported and names_symbol(name):
            raise unsaid(name)
    known = None if signature is None else parse(signature, operation_named(operation))
    declared = {} if known is None else known.declared
    own = _Functions(
        find,
        operation,
        Convention(known, arrays, device),
        output_dtype or declared.get("output_dtype"),
    )
    formats = [*map(dtype_name, dtypes or declared.get("dtypes", DEFAULT_DTYPES))]
    prepared = lru_cache(maxsize=1)(own.prepared)
    made_in = inspect.stack(0)[1].frame.f_globals["__name__"]

    class Softmax(metaclass=_NamedByItsFile):
        """Benchmarks of the implementations that the suite was made for."""

        __module__ = made_in
        __qualname__ = "Softmax"
        rounds = 4
        repeat = 5
        sample_time = 0.005
        # Longer than the first call, which prepares: asv_runner ends its search for the number of
        # calls in a sample with the first of them that is longer than both times.
        warmup_time = 0.05

        # No setup(): beside one, asv_runner 0.3.2 times each call alone (asv#1613, its
        # TimeBenchmark.run), one clock reading a call and a sample of a single call. Without
        # it a sample is the mean of many calls. What setup would do is done by the first call,
        # which is warm-up and never a sample; later ones pay a look-up of 0.1 us. Hence also
        # SkipNotImplemented, since outside setup asv takes any other exception for a failure.
        @_over(names, formats, lengths)
        def time_softmax(self, implementation: str, dtype: str, n: int) -> None:
            call, given = prepared(implementation, dtype, n)
            call(*given)

        @_over(names, formats)
        def peakmem_softmax(self, implementation: str, dtype: str) -> None:
            rows = PEAK_ROWS // own.about(implementation).numbers_per_logit
            call, given = own.alone(implementation, dtype, rows, PEAK_LENGTH)
            call(*given)

        @_over(names, formats, JUDGED_FAMILIES, unit="ulp")
        def track_max_ulp(self, implementation: str, dtype: str, family: str) -> float:
            problem = own.problem(implementation, dtype)
            return max_ulp(called(own.function(implementation, dtype), problem), family, problem)

    return Softmax


class _NamedByItsFile(type):
    """A class whose name is that under which the module that made it knows it.

    asv takes the name of a class, and not that of the variable, to tell benchmarks apart.
    """

    # That of a plain class can be set; this one follows from the file, and nobody sets it.
    @property
    def __name__(cls) -> str:  # type: ignore[override]
        own = vars(sys.modules.get(cls.__module__, object))
        return next((name for name, value in own.items() if value is cls), cls.__qualname__)


@dataclass(frozen=True)
class _Functions:
    """The functions of a suite.

    Attributes
    ----------
    find : callable
        As in `suite`.
    operation : str
        What is computed where the name does not say it, such as ``logsumexp/naive``.
    convention : Convention
        Of those that declare none.
    output_dtype : str or None
        Of those that declare none.
    """

    find: Find
    operation: str
    convention: Convention
    output_dtype: str | None

    def about(self, name: str) -> Operation:
        """What the function of a name computes."""
        own, _ = parted(name)
        return operation_named(self.operation if own == DEFAULT_OPERATION else own)

    def function(self, name: str, dtype: str) -> Softmax | Adapted:
        """The function of a name, as its convention has it."""
        found = self.find(name)
        if isinstance(found, Adapted):
            return found
        own = Convention.of(found)
        usable = _usable(found, name, dtype)
        return (self.convention if own.arrays is None else own).adapted(usable)

    def problem(self, name: str, dtype: str) -> Problem:
        """What it computes; it is called without an axis."""
        output = getattr(self.find(name), "output_dtype", None) or self.output_dtype or dtype
        return Problem(self.about(name), _available(dtype), _available(output), axis=None)

    def prepared(self, name: str, dtype: str, n: int) -> tuple[Callable[..., Any], Operands]:
        """What is timed on rows of n, and what it is called with."""
        # In fresh memory each temporary costs page faults, which take longer than the arithmetic;
        # how many they are depends on what the process did before.
        keep_freed_memory()
        return self.alone(name, dtype, timed_rows(n, self.about(name).name), n)

    def alone(
        self, name: str, dtype: str, rows: int, n: int
    ) -> tuple[Callable[..., Any], Operands]:
        """The function without any conversion, and what it is called with."""
        found, problem = self.function(name, dtype), self.problem(name, dtype)
        given = arguments(problem.operation, problem.input_format, rows, n)
        if isinstance(found, Adapted):
            return found.alone(Request(problem, given).call), ()
        return bound(found, problem.operation.parameters), given


def called(found: Softmax | Adapted, problem: Problem) -> Softmax:
    """A function as it is called with NumPy's arrays, whatever arrays it takes itself.

    It raises where the function wrote what it should not have written.
    """

    def call(*given: NDArray[Any]) -> NDArray[Any]:
        ready = ready_for(found, Request(problem, given).call)
        result: NDArray[Any] = ready(*given)
        if faults := getattr(ready, "faults", None):
            raise BadImplementation("; ".join(fault.message for fault in faults))
        return result

    return call


def arguments(operation: Operation, format: Format, rows: int, n: int) -> Operands:
    """What an implementation is called with: `batch` and the operands made for it."""
    x = batch(format, rows, n)
    return operation.called_with(*operation.inputs(x, np.random.default_rng(SEED)))


def batch(format: Format, rows: int, n: int) -> NDArray[Any]:
    """Normal logits in the format, shape (rows, n), made without a larger array in memory."""
    few = max(1, min(rows, TIMED_ELEMENTS // n))
    made = Recipe(FAMILIES["normal-1"], format, n, few, SEED).block(0)
    x = np.empty((rows, n), format.dtype)
    for start in range(0, rows, len(made)):
        x[start : start + len(made)] = made[: rows - start]
    return x


def max_ulp(call: Softmax, family: str, problem: Problem) -> float:
    """The largest |y - z| / ulp(z) on a small fixed batch, by the arbiter.

    Infinity, never NaN, where y is not finite: asv ranks infinity as worse than any number, and
    takes NaN for a benchmark that was skipped.
    """
    recipe = Recipe(FAMILIES[family], problem.input_format, JUDGED_LENGTH, JUDGED_ROWS, SEED)
    x, operands = recipe.inputs(problem.operation, 0)
    truth = arbitrate(problem, x.astype(np.float64), operands)
    y = np.asarray(call(*problem.operation.called_with(x, operands))).astype(np.float64)
    y = y.reshape(truth.rounded.shape)
    error = np.abs(ulp_error(y, truth))
    wrong = ~np.isfinite(y) & ~truth.fixed
    return float(np.max(np.where(wrong, np.inf, np.where(truth.fixed, 0.0, error))))


def _usable(found: Any, name: str, dtype: str) -> Softmax:
    """`found` if it works in `dtype` here; else the exception that makes asv skip it.

    Only attributes are asked for, since `found` may be of an older version of the registry.
    """
    if found is None:
        raise _skip(f"the installed version has no {name}")
    if dtype not in getattr(found, "dtypes", (dtype,)):
        raise _skip(f"{name} does not take {dtype}")
    if reason := getattr(found, "unavailable", None):
        raise _skip(f"{name}: {reason}")
    function: Softmax = found
    return function


def _available(dtype: str) -> Format:
    format = format_named(dtype)
    try:
        format.dtype  # noqa: B018  (a package may be missing)
    except BadData as error:
        raise _skip(str(error)) from None
    return format


def _skip(reason: str) -> NotImplementedError:
    # asv_runner stands in every environment in which asv runs a benchmark, and nowhere else.
    mark = importlib.import_module("asv_runner.benchmarks.mark")
    skipped: NotImplementedError = mark.SkipNotImplemented(reason)
    return skipped


def _over(
    *axes: Sequence[Any], unit: str | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Tell asv over which parameters a benchmark goes."""

    def told(benchmark: Callable[..., Any]) -> Callable[..., Any]:
        attributes = {
            "params": [list(values) for values in axes],
            "param_names": list(AXES[benchmark.__name__]),
            "version": VERSIONS[benchmark.__name__],
            "timer": clock.seconds,  # an attribute of time_ alone, which the others never read
        }
        for key, value in (attributes | ({"unit": unit} if unit else {})).items():
            setattr(benchmark, key, value)
        return benchmark

    return told
