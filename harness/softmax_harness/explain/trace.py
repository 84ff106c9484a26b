"""The steps a NumPy implementation takes, recorded while it takes them.

The array it is given is of a subclass that notes each ufunc, reduction and conversion of type and
computes it on the plain arrays, by the same loops as without it. So the steps of any softmax
written with NumPy can be seen, and nobody has to write them down a second time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

CONVERT = "convert"
_MEANINGFUL = ("initial", "where")  # what a result depends on beside its inputs, in one row


@dataclass(frozen=True)
class Step:
    """One recorded operation.

    Attributes
    ----------
    function : ufunc or str
        The ufunc, or `CONVERT` for a conversion to another type.
    method : str
        ``__call__`` or ``reduce``.
    inputs : tuple
        What it was given: the number of an earlier step, -1 for the logits, or an array.
    keywords : dict
        Those of `_MEANINGFUL` that were given.
    output : ndarray
        What it gave.
    """

    function: Any
    method: str
    inputs: tuple[Any, ...]
    keywords: dict[str, Any]
    output: NDArray[Any]

    @property
    def name(self) -> str:
        """What it does, in the words of a reader: ``exp``, ``sum``, ``maximum of the row``."""
        if self.function == CONVERT:
            wide = self.output.dtype == np.longdouble and self.output.dtype != np.float64
            return f"convert to {'long double' if wide else self.output.dtype.name}"
        name: str = self.function.__name__
        if self.method == "reduce":
            return {"add": "sum", "maximum": "max"}.get(name, f"{name} over the row")
        return name


class Trace:
    """The steps of one call, in the order in which they were taken."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def started(self, x: NDArray[Any]) -> NDArray[Any]:
        """`x` as the array that records into this trace."""
        return self._marked(x, -1)

    def record(self, step: Step) -> _Traced:
        """Note `step`, a copy of what it gave, since a later step may write into that memory."""
        self.steps.append(replace(step, output=np.array(step.output, order="K")))
        return self._marked(step.output, len(self.steps) - 1)

    def _marked(self, array: NDArray[Any], number: int) -> _Traced:
        marked = array.view(_Traced)
        marked.recorder, marked.number = self, number
        return marked

    def final(self, y: NDArray[Any]) -> int | None:
        """The number of the step whose output is `y`, bit for bit; None if it was not seen."""
        for number in reversed(range(len(self.steps))):
            output = self.steps[number].output
            if output.shape == y.shape and output.dtype == y.dtype:
                return number if output.tobytes() == np.asarray(y).tobytes() else None
        return None


class _Traced(np.ndarray[Any, Any]):
    """An array that records what is done with it; a view or a slice of it is of no known step."""

    recorder: Trace | None = None
    number: int | None = None

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **keywords: Any
    ) -> Any:
        plain = [np.asarray(each) if isinstance(each, _Traced) else each for each in inputs]
        if out is not None:
            keywords["out"] = tuple(
                np.asarray(each) if isinstance(each, _Traced) else each for each in out
            )
        output = getattr(ufunc, method)(*plain, **keywords)
        recorder = next((each.recorder for each in inputs if isinstance(each, _Traced)), None)
        if recorder is None or isinstance(output, tuple) or output is None:
            return output
        step = Step(
            ufunc,
            method,
            tuple(_source(each) for each in inputs),
            {
                key: value
                for key, value in keywords.items()
                if key in _MEANINGFUL and value is not True
            },
            output,
        )
        marked = recorder.record(step)
        if out is not None and isinstance(out[0], _Traced):
            out[0].recorder, out[0].number = recorder, marked.number
            return out[0]
        return marked

    def astype(self, dtype: Any, *arguments: Any, **keywords: Any) -> Any:
        output = np.asarray(self).astype(dtype, *arguments, **keywords)
        if self.recorder is None:
            return output
        return self.recorder.record(Step(CONVERT, "__call__", (_source(self),), {}, output))


def _source(value: Any) -> Any:
    if isinstance(value, _Traced) and value.number is not None:
        return value.number
    return np.asarray(value)
