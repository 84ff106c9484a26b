"""Which rows may hold an element beyond its limit, as far as cheap limits tell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from softmax_harness.judgement.as_asked import is_as_asked
from softmax_harness.judgement.metrics import Batch
from softmax_harness.operations import Operands
from softmax_harness.operations.operation import CheapLimit
from softmax_harness.operations.standards import constant_limit
from softmax_harness.operations.truth import remainder

_NEAREST = constant_limit(0.5)  # no standard asks for more than the nearest number
_NO_ROWS = np.zeros(0, np.int64)
# Beside the screen's own error: rounding of the limit, a few operations in float64.
LIMIT_ROUNDING = 1e-9


@np.errstate(over="ignore", invalid="ignore")  # what is no number counts as beyond
def rows_perhaps_beyond(
    batch: Batch, slack: float, cheap: CheapLimit | None, operands: Operands
) -> NDArray[np.int64]:
    """The rows in which an element may exceed its error bound; cheap lower limits are tried.

    Elements that exceed the least bound of their row are looked at one by one. Results that the
    policy fixes have no bound. Whatever is wrong there, or no number elsewhere, may be right all
    the same, where a bound is infinite.

    Parameters
    ----------
    slack : float
        Bound of the error of an element's error, in ulp.
    cheap : CheapLimit or None
        None where nothing is known but that every limit allows the nearest number.
    """
    cheap = _NEAREST if cheap is None else cheap
    x, truth, width = batch.x, batch.truth, batch.y.shape[-1]
    least = (1.0 - LIMIT_ROUNDING) * cheap.of_whole_rows(batch.n, batch.normal, operands) - slack
    if (batch.largest <= least).all():
        return _NO_ROWS
    # NumPy compares with one number twice as fast as with a column.
    bar = least[0] if (least == least[0]).all() else least[:, None]
    far = np.flatnonzero(~(batch.absolute <= bar))
    fixed = truth.fixed.ravel().take(far)
    special = far[fixed]
    as_asked = is_as_asked(batch.y.ravel().take(special), truth.rounded.ravel().take(special))
    wrong, far = special[~as_asked], far[~fixed]
    if cheap.of_elements is not None:
        ulp, offset = truth.ulp.ravel().take(far), truth.offset.ravel().take(far)
        z = truth.rounded.ravel().take(far) + remainder(offset, ulp, truth.format)
        distance = batch.top.take(far // width) - x.ravel().take(far)
        own = (each.ravel().take(far) for each in operands if each.shape == x.shape)
        limit = cheap.of_elements(distance, z, ulp, batch.n, truth.format, *own)
        limit *= 1.0 - LIMIT_ROUNDING
        limit -= slack
        far = far[~(batch.absolute.ravel().take(far) <= limit)]
    is_beyond = np.zeros(len(batch.y), bool)
    is_beyond[np.concatenate([wrong, far]) // width] = True
    return np.flatnonzero(is_beyond)
