"""Standards of accuracy: how near to the exact result an implementation has to come.

An operation has them from the strictest to the least strict:

``rounded``
    The nearest number of the format: half an ulp.
``wide``
    Worked in a wider type and rounded once: half an ulp, and what the wider type adds. In attention
    the weights may be rounded too, before the values are multiplied, as matrix units take both.
``relative``
    Of operations with a ``usual`` standard alone: careful where z is the difference of nearly equal
    numbers, as ``log1p`` of the sum of the others makes it.
``usual-wide``
    The form of ``usual``, worked in a wider type in formats of 16 bits and fewer, as GPUs do it.
``usual``
    Of operations whose textbook form is much less careful: that form. It is (x - a) - log s of the
    logarithms, whose absolute error is small, and logsumexp may merge those of parts of a row; the
    exponential of that in the gradients of log_softmax and cross-entropy; and x / T, rounded before
    the maximum is subtracted, of softmax with a temperature. Every step may be rounded to the
    format: on CPUs PyTorch and JAX round the sum to 16 bits before its logarithm.
``native``
    Every step in the format itself, sums in blocks or pairs; the textbook form where there is one.

In formats of 16 bits and fewer ``relative`` is worked in a wider type too. In others ``usual-wide``
is ``usual``.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from softmax_harness.ground.errors import unknown
from softmax_harness.ground.formats import FORMATS, Format
from softmax_harness.operations.bounds import log_of_sum_error
from softmax_harness.operations.enclosure import Array
from softmax_harness.operations.operand import Operands
from softmax_harness.operations.operation import (
    CheapLimit,
    ErrorBound,
    LimitOfElements,
    Operation,
)

STANDARDS = ("rounded", "wide", "relative", "usual-wide", "usual", "native")
_OF_TEXTBOOKS = ("relative", "usual-wide", "usual")
_CAREFUL, _WIDE_IF_NARROW, _USUAL = _OF_TEXTBOOKS
# A kernel may add one term after another where the bound has sums in pairs, or reduce the argument
# of exp2 by a rounded factor. Kernels in use stay within 0.51 ulp in formats of 16 bits.
_WIDE_MARGIN = 16.0
# NumPy's long double has 11 bits more than float64 where it is wider, and no `Format`.
_LONG_DOUBLE = 2.0**-11


def standards_of(operation: Operation) -> tuple[str, ...]:
    """The standards of an operation, the strictest first."""
    if operation.usual_bound is not None:
        return STANDARDS
    return tuple(name for name in STANDARDS if name not in _OF_TEXTBOOKS)


def told_apart(operation: Operation, format: Format) -> tuple[str, ...]:
    """Those that are not the same as the next in a format."""
    known = standards_of(operation)
    return tuple(name for name in known if format.is_narrow or name != _WIDE_IF_NARROW)


def default_standard(operation: Operation, format: Format) -> str:
    """The standard of an implementation that chooses none, for results in a format."""
    if operation.usual_bound is not None:
        return _WIDE_IF_NARROW if format.is_narrow else _USUAL
    return "wide" if format.is_narrow else "native"


def held_to(declared: str | None, operation: Operation, format: Format) -> str:
    """The standard of an implementation that declares one, or none, for results in a format.

    In formats of one byte u is 2**-4 or more, and the bound of a computed log s infinite: the
    textbook form owes nothing, and NaN would pass. The default holds in its place.
    """
    default = default_standard(operation, format)
    if declared is None:
        return default
    is_textbook = careful_standard(operation, declared) is not None
    owes_nothing = is_textbook and math.isinf(log_of_sum_error(2, format))
    return default if owes_nothing else declared


def careful_standard(operation: Operation, standard: str) -> str | None:
    """The standard of the careful form, of a standard that allows the textbook form; else None."""
    known = standards_of(operation)
    is_textbook = _CAREFUL in known and known.index(standard) > known.index(_CAREFUL)
    return _CAREFUL if is_textbook else None


def check_standard(standard: str, operation: Operation) -> None:
    """Refuse a standard that an operation does not have."""
    if standard not in standards_of(operation):
        raise unknown(f"standard of {operation.name}", standard, standards_of(operation))


def limit_ulp(
    operation: Operation,
    standard: str,
    x: Array,
    operands: Operands,
    z: Array,
    ulp: Array,
    format: Format,
) -> Array:
    """The largest error that a standard allows, in ulp of each result.

    Parameters
    ----------
    x, operands
        As `Operation.error_bound` takes them.
    z, ulp : ndarray of float64, shape (rows, m)
        The exact results to the precision of float64, and their ulp in `format`.
    format : Format
        Of the results.
    """
    if standard == "rounded":
        return np.full(z.shape, 0.5)
    careful, usual = operation.error_bound, operation.usual_bound
    bound = careful if usual is None or standard in ("wide", _CAREFUL) else usual
    if not _is_wide(standard, format):
        return bound(x, operands, z, ulp, format)
    limit = _wide(bound, x, operands, z, ulp, format)
    if operation.narrowed_bound is None or not format.is_narrow:
        return limit
    return np.asarray(limit + operation.narrowed_bound(x, operands, z, ulp, format))


def _is_wide(standard: str, format: Format) -> bool:
    """Whether a standard, other than ``rounded``, asks for work in a wider type."""
    return standard == "wide" or (format.is_narrow and standard in (_CAREFUL, _WIDE_IF_NARROW))


def _wide(
    bound: ErrorBound, x: Array, operands: Operands, z: Array, ulp: Array, format: Format
) -> Array:
    """Half an ulp for the last rounding, and the bound in the wider type with a margin."""
    if format.wider is None:
        added = _LONG_DOUBLE * bound(x, operands, z, ulp, format)
    else:
        added = bound(x, operands, z, ulp, FORMATS[format.wider])
    return np.asarray(0.5 + _WIDE_MARGIN * added)


def cheap_limit_of(operation: Operation, standard: str, format: Format) -> CheapLimit | None:
    """Limits that a standard's own is nowhere below, and that cost next to nothing.

    No operation's bound of the usual form is below that of the careful one.
    """
    own = operation.cheap_limit
    if own is None:
        return None
    if standard == "rounded":
        return constant_limit(0.5)
    if not _is_wide(standard, format):
        return own
    nearest = constant_limit(0.5)
    if own.of_elements is None:
        return nearest
    wide = partial(_wide_of_elements, own.of_elements)
    return CheapLimit(nearest.of_rows, wide, own.is_near)


def constant_limit(number: float) -> CheapLimit:
    """The same limit for every element."""
    return CheapLimit(lambda n, normal: np.full(normal.shape, float(number)))


def _wide_of_elements(
    own: LimitOfElements,
    distance: Array,
    z: Array,
    ulp: Array,
    n: int,
    format: Format,
    *operands: Array,
) -> Array:
    if format.wider is None:
        return np.full(z.shape, 0.5)
    return 0.5 + _WIDE_MARGIN * own(distance, z, ulp, n, FORMATS[format.wider], *operands)
