"""Softmaxes that remember earlier calls."""

import numpy as np

from softmax_faults.softmax import good

_results = {}
_results_by_id = {}
_results_by_maximum = {}
_outputs = {}
_scratch = {}
_calls = {"seventh": 0, "worn": 0, "first": 0}
_largest = {}


def cached_by_shape(x, axis=-1):
    """Caches results by shape and type.

    Found as: inaccurate, wrong_special, nondeterminism, batch.
    """
    x = np.asarray(x)
    key = (x.shape, x.dtype, axis)
    if key not in _results:
        _results[key] = good.softmax(x, axis)
    return _results[key].copy()


def cached_by_id(x, axis=-1):
    """Caches results by the array's id, which a later array may have again.

    Found as: inaccurate, wrong_special, nondeterminism, batch.
    """
    key = (id(x), np.shape(x), np.asarray(x).dtype, axis)
    if key not in _results_by_id:
        _results_by_id[key] = good.softmax(x, axis)
    return _results_by_id[key].copy()


def cached_by_maximum(x, axis=-1):
    """Caches results by shape, type and the largest logit.

    Found as: inaccurate, spurious_underflow, wrong_special, batch, layout.
    """
    x = good.floats(x)
    key = (x.shape, x.dtype, axis, float(np.max(x, initial=-np.inf)))
    if key not in _results_by_maximum:
        _results_by_maximum[key] = good.softmax(x, axis)
    return _results_by_maximum[key].copy()


def output_buffer_reused(x, axis=-1):
    """Returns the same buffer at every call of one shape.

    Found as: result_overwritten.
    """
    y = good.softmax(x, axis)
    buffer = _outputs.setdefault((y.shape, y.dtype), y)
    buffer[...] = y
    return buffer


def scratch_not_cleared(x, axis=-1):
    """Adds to a scratch sum that the call before left as it was.

    Found as: inaccurate, nondeterminism, wrong_special.
    """

    def total(e):
        s = good.row_sum(e)
        stale = _scratch.get(s.dtype, s.dtype.type(0))
        _scratch[s.dtype] = s[-1, 0] / 10
        return s + stale

    return good.softmax(x, axis, total=total)


def every_seventh_call(x, axis=-1):
    """Forgets to divide at every seventh call.

    Found as: inaccurate, nondeterminism.
    """
    _calls["seventh"] += 1

    def divide(e, s):
        return e if _calls["seventh"] % 7 == 0 else good.quotient(e, s)

    return good.softmax(x, axis, divide=divide)


def worse_after_50_calls(x, axis=-1):
    """Accumulates an error that shows after 50 calls.

    Found as: inaccurate, nondeterminism, wrong_special.
    """
    _calls["worn"] += 1
    factor = 1 + max(_calls["worn"] - 50, 0) * 0.01
    return good.softmax(x, axis, divide=lambda e, s: good.quotient(e, s * s.dtype.type(factor)))


def first_call_unprepared(x, axis=-1):
    """Divides by an exponential short at the first call of each shape, before its table is ready.

    Found as: inaccurate, nondeterminism, out_of_range.
    """
    prepared = _calls.setdefault(np.shape(x), 0)
    _calls[np.shape(x)] = 1

    def total(e):
        return good.row_sum(e if prepared or e.shape[1] == 1 else e[:, 1:])

    return good.softmax(x, axis, total=total)


def largest_maximum_ever_seen(x, axis=-1):
    """Subtracts the largest maximum of all calls so far.

    Found as: nan, inaccurate, nondeterminism, denominator_underflow.
    """

    def maximum(rows):
        seen = _largest.get(rows.dtype, -np.inf)
        _largest[rows.dtype] = max(seen, np.max(rows))
        return _largest[rows.dtype]

    return good.softmax(x, axis, shift=maximum)
