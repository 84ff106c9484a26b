"""The steps a NumPy implementation takes, recorded while it takes them.

The arrays it is given are of a subclass that notes each ufunc, reduction, conversion of type and
choice of entries, and computes it on the plain arrays, by the same loops as without it. So the
steps of any kernel written with NumPy can be seen, and nobody has to write them down a second time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

GIVEN, CONVERT, SELECT = "given", "convert", "select"
UNKNOWN = "unknown"
_MEANINGFUL = ("initial", "where", "axis")  # what a result depends on beside its inputs
_MOST = 4000  # steps; whoever takes more works number by number


@dataclass(frozen=True)
class Step:
    """One recorded operation.

    Attributes
    ----------
    function : ufunc or str
        The ufunc; `GIVEN` for an argument, `CONVERT` for a conversion to another type, `SELECT` for
        a choice of entries; else the name of what is not known here.
    method : str
        ``__call__``, ``reduce``, or `UNKNOWN`.
    inputs : tuple
        What it was given: the number of an earlier step, or an array.
    keywords : dict
        Those of `_MEANINGFUL` that were given.
    output : ndarray
        What it gave.
    places : ndarray of int64 or None
        Of `SELECT`, in the shape of the output: which of the entries of all inputs, one input after
        the other, each entry is.
    """

    function: Any
    method: str
    inputs: tuple[Any, ...]
    keywords: dict[str, Any]
    output: NDArray[Any]
    places: NDArray[np.int64] | None = None

    @property
    def name(self) -> str:
        """What it does, in the words of a reader: ``exp``, ``sum``, ``maximum of the row``."""
        if self.function == CONVERT:
            wide = self.output.dtype == np.longdouble and self.output.dtype != np.float64
            return f"convert to {'long double' if wide else self.output.dtype.name}"
        if isinstance(self.function, str):
            return self.function
        name: str = self.function.__name__
        if self.method == "reduce":
            return {"add": "sum", "maximum": "max"}.get(name, f"{name} over the row")
        return name


class Traced(NamedTuple):
    """The steps of a call that was made elsewhere.

    Attributes
    ----------
    steps : list of Step or None
        None where they were not seen.
    """

    steps: list[Step] | None


class Trace:
    """The steps of one call, in the order in which they were taken."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._alive: list[NDArray[Any]] = []  # so that no memory is used twice
        self._at: dict[tuple[Any, ...], int] = {}

    def started(self, x: NDArray[Any]) -> NDArray[Any]:
        """`x` as the array that records into this trace; what counts or hides stays as it is."""
        return self.record(Step(GIVEN, "__call__", (), {}, x)) if _is_number(x) else x

    def record(self, step: Step) -> _Traced:
        """Note `step`, a copy of what it gave, since a later step may write into that memory."""
        if len(self.steps) == _MOST:
            raise ValueError(f"they are more than {_MOST}")
        self.steps.append(replace(step, output=np.array(step.output, order="K")))
        return self.marked(np.asarray(step.output), len(self.steps) - 1)

    def marked(self, array: NDArray[Any], number: int) -> _Traced:
        """An array as the output of that step."""
        marked = array.view(_Traced)
        marked.recorder, marked.number = self, number
        self._alive.append(marked)
        self._at[_memory(array)] = number
        return marked

    def source(self, value: Any) -> Any:
        """The number of the step whose output this is, or else the array itself.

        What was made of such an output by a step that is not seen is the output of an unknown step.
        """
        array = np.asarray(value)
        number = value.number if isinstance(value, _Traced) else self._at.get(_memory(array))
        if number is not None and array.tobytes() == self.steps[number].output.tobytes():
            return number
        if number is not None or isinstance(value, _Traced):
            return self.record(Step("a write or a view", UNKNOWN, (), {}, array)).number
        return array.copy()

    def final(self, y: NDArray[Any]) -> int | None:
        """The number of the step whose output is `y`, bit for bit; None if it was not seen."""
        for number in reversed(range(len(self.steps))):
            output = self.steps[number].output
            if output.size == y.size and output.dtype == y.dtype:
                return number if output.tobytes() == np.asarray(y).tobytes() else None
        return None


def steps_of(
    function: Callable[..., Any], arguments: tuple[NDArray[Any], ...], named: dict[str, int]
) -> list[Step] | None:
    """The steps of a call, up to the one that gave the result; None where that was not seen.

    Raises
    ------
    Exception
        As the function raises, which may not take arrays that record.
    """
    trace = Trace()
    with np.errstate(all="ignore"):
        started = [trace.started(each.copy()) for each in arguments]
        final = trace.final(np.asarray(function(*started, **named)))
    return None if final is None else trace.steps[: final + 1]


def _memory(array: NDArray[Any]) -> tuple[Any, ...]:
    return array.ctypes.data, array.shape, array.strides, array.dtype.str


def _is_number(value: Any) -> bool:
    """Whether it may be the result of arithmetic that rounds."""
    return isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind not in "biuUSO"


class _Places:
    """The entries of arrays, numbered one array after the other."""

    def __init__(self, recorder: Trace) -> None:
        self.inputs: list[Any] = []
        self._recorder, self._before = recorder, 0

    def of(self, value: Any) -> NDArray[np.int64]:
        """The numbers of the entries of one more array, in its shape."""
        self.inputs.append(self._recorder.source(value))
        size, shape = np.size(value), np.shape(value)
        self._before += size
        return np.arange(self._before - size, self._before).reshape(shape)


class _Traced(np.ndarray[Any, Any]):
    """An array that records what is done with it."""

    recorder: Trace | None = None
    number: int | None = None

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **keywords: Any
    ) -> Any:
        if out is not None:
            keywords["out"] = tuple(map(_plain, out))
        recorder = _recorder_of((*inputs, *(out or ())))
        sources = () if recorder is None else tuple(recorder.source(each) for each in inputs)
        output = getattr(ufunc, method)(*map(_plain, inputs), **keywords)
        if recorder is None or not _is_number(output):
            return output
        seen = {name: own for name, own in keywords.items() if name in _MEANINGFUL}
        if seen.get("where") is True:
            del seen["where"]
        if method == "reduce":
            seen.setdefault("axis", 0)
        is_known = method in ("__call__", "reduce")
        step = Step(ufunc, method, sources, seen, output)
        if not is_known:
            step = Step(f"{ufunc.__name__}.{method}", UNKNOWN, sources, {}, output)
        marked = recorder.record(step)
        if out is not None and isinstance(out[0], _Traced):
            out[0].recorder, out[0].number = recorder, marked.number
            return out[0]
        return marked

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        recorder = _recorder_of(args)
        if recorder is not None and func in _CHOICES:
            return _chosen(recorder, func, args, kwargs)
        output = super().__array_function__(func, types, args, kwargs)
        if recorder is None or not _is_number(output) or getattr(output, "number", None):
            return output
        name = f"numpy.{func.__name__}"
        return recorder.record(Step(name, UNKNOWN, (), {}, np.asarray(output)))

    def astype(self, dtype: Any, *arguments: Any, **keywords: Any) -> Any:
        output = np.asarray(self).astype(dtype, *arguments, **keywords)
        if self.recorder is None or not _is_number(output):
            return output
        source = self.recorder.source(self)
        return self.recorder.record(Step(CONVERT, "__call__", (source,), {}, output))

    def __setitem__(self, key: Any, value: Any) -> None:
        recorder = self.recorder
        if recorder is None:
            super().__setitem__(key, value)
            return
        places = _Places(recorder)
        whole, own = places.of(self), places.of(value)
        whole[_plain(key)] = own
        np.asarray(self)[_plain(key)] = _plain(value)
        step = Step(SELECT, "__call__", tuple(places.inputs), {}, np.asarray(self), whole)
        self.number = recorder.record(step).number

    @property
    def T(self) -> Any:
        return self.transpose()

    @property
    def mT(self) -> Any:
        return self.swapaxes(-1, -2)


def _plain(value: Any) -> Any:
    """The same without a record: of an array, or of a list of arrays."""
    if isinstance(value, (list, tuple)):
        return type(value)(map(_plain, value))
    return np.asarray(value) if isinstance(value, _Traced) else value


def _recorder_of(values: Any) -> Trace | None:
    for each in values:
        inside = isinstance(each, (list, tuple))
        found = _recorder_of(each) if inside else getattr(each, "recorder", None)
        if found is not None:
            return found if isinstance(found, Trace) else None
    return None


def _chosen(
    recorder: Trace, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """What a function gives that takes entries as they are, with the places it takes them from."""
    output = function(*map(_plain, args), **{name: _plain(own) for name, own in kwargs.items()})
    if not _is_number(output):
        return output
    places = _Places(recorder)
    from_where = function(*_numbered(function, args, places), **kwargs)
    return recorder.record(
        Step(SELECT, "__call__", tuple(places.inputs), {}, output, np.asarray(from_where))
    )


def _numbered(
    function: Callable[..., Any], args: tuple[Any, ...], places: _Places
) -> tuple[Any, ...]:
    if function is np.where:
        return (_plain(args[0]), *map(places.of, args[1:]))
    if function is np.concatenate:
        return ([places.of(each) for each in args[0]], *args[1:])
    return (places.of(args[0]), *map(_plain, args[1:]))


_CHOICES = (np.where, np.concatenate, np.broadcast_to, np.copy)


def _method(name: str) -> Callable[..., Any]:
    """A method that takes entries as they are, on the array and on the places of its entries."""

    def method(self: _Traced, *arguments: Any, **keywords: Any) -> Any:
        if self.recorder is None:
            return getattr(np.ndarray, name)(self, *arguments, **keywords)
        on = getattr(np.ndarray, name)
        plain = tuple(map(_plain, arguments))
        output = on(np.asarray(self), *plain, **keywords)
        if not _is_number(output):
            return output
        places = _Places(self.recorder)
        keywords.pop("order", None)
        from_where = on(places.of(self), *plain, **keywords)
        step = Step(SELECT, "__call__", tuple(places.inputs), {}, output, np.asarray(from_where))
        return self.recorder.record(step)

    return method


for _name in (
    *("__getitem__", "reshape", "transpose", "swapaxes", "squeeze", "ravel", "flatten", "copy"),
    *("take", "repeat"),
):
    setattr(_Traced, _name, _method(_name))
