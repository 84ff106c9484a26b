"""What the arrays of a pair may hold: numbers of a known format, and operands of their kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.errors import BadData
from softmax_harness.ground.formats import FORMATS, Format, format_of
from softmax_harness.ground.npy import let_go
from softmax_harness.operations import Operand
from softmax_harness.score.pair import BLOCK_ELEMENTS, Pair

_LARGEST_EXACT_INTEGER = 2**53


def check_values(
    pair: Pair, operands: Mapping[str, NDArray[Any]], called: Mapping[str, str]
) -> None:
    """That integers are exact in float64, and that operands hold what they stand for.

    Parameters
    ----------
    operands : mapping of str to ndarray
        Those that were given.
    called : mapping of str to str
        What a message calls each, and the first argument.
    """
    _check_integers(called[pair.operation.parameters[0]], pair.first)
    for about in pair.operation.operands:
        if about.name in operands:
            _check_operand(about, operands[about.name], called[about.name], pair.n)


def check_format(array: NDArray[Any], called: str) -> None:
    """Refuse an array of numbers that nothing is computed of."""
    try:
        format_of(array)
    except BadData as error:
        raise BadData(f"{called}: {error}") from None


def check_output_format(y: NDArray[Any], called: str) -> None:
    """Refuse outputs of no format that can be judged."""
    if y.dtype.name not in FORMATS:
        raise BadData(
            f"{called}: outputs of {y.dtype}: expected one of {', '.join(FORMATS)}, the format "
            "that is to be judged"
        )


def from_bits(y: NDArray[Any], format: Format) -> NDArray[Any]:
    """Unsigned integers as the numbers of a format whose bits they are; others as they are."""
    is_bits = y.dtype.kind == "u" and y.dtype.itemsize == format.dtype.itemsize
    return y.view(format.dtype) if is_bits else y


def _check_integers(called: str, x: NDArray[Any]) -> None:
    if x.dtype.kind not in "iu" or not x.size:
        return
    flat = x.ravel(order="K")  # as it lies in the file, and so not a copy
    for start in range(0, x.size, BLOCK_ELEMENTS):
        part = flat[start : start + BLOCK_ELEMENTS]
        if max(-int(part.min()), int(part.max())) > _LARGEST_EXACT_INTEGER:
            raise BadData(
                f"{called}: holds integers beyond 2**53, which float64 cannot hold exactly; "
                "expected inputs as they were given to the kernel, in its own format"
            )
        let_go(x)


def _check_operand(about: Operand, values: NDArray[Any], called: str, n: int) -> None:
    """That an operand holds what it stands for: places of logits, True and False, or floats."""
    kind = values.dtype.kind
    told = about.name if called == about.name else f"{called}: {about.name}"
    if about.kind == "float":
        if values.dtype.name not in FORMATS and kind not in "iu":
            wanted = f"floats, such as {about.name}.astype(np.float32)"
            raise BadData(f"{told} of {values.dtype}: expected {wanted}")
        return
    if kind not in "biu":
        raise BadData(f"{told} of {values.dtype}: expected {_wanted(about)}")
    least, most = (int(each) for each in (values.min(initial=0), values.max(initial=0)))
    last = n - 1 if about.is_class else 1
    if about.is_class and not n and values.size:
        raise BadData(f"{told} names a logit of each row, but the rows have none: expected logits")
    if least < 0 or most > last:
        wrong = least if least < 0 else most
        ignored = "; leave out the rows that are to be ignored" * (about.is_class and wrong < 0)
        raise BadData(f"{told} holds {wrong}: expected 0 to {last}{ignored}")


def _wanted(about: Operand) -> str:
    """What a class or a mask holds, and how floats are made it."""
    name = about.name
    if about.is_class:
        return f"places of logits, as integers: {name}.astype(np.int64) if it holds these"
    made = f"{name}.astype(bool) of 0 and 1, {name} == 0 where it is added to scores"
    return f"True where a logit is seen: {made}"


def check_rounded(y: NDArray[Any], format: Format, called: str) -> None:
    """That outputs in a wider type are numbers of the format that they are judged as."""
    flat = y.ravel(order="K")
    for start in range(0, y.size, BLOCK_ELEMENTS):
        part = flat[start : start + BLOCK_ELEMENTS].astype(np.float64)
        wrong = (format.nearest(part) != part) & ~np.isnan(part)
        if wrong.any():
            raise BadData(
                f"{called}: holds {part[wrong][0]!r}, which is no {format.name}: expected outputs "
                "that were rounded to that format"
            )
