"""The error of a sum that is rescaled whenever the maximum moves: online softmax, of 2018.

Milakov & Gimelshein, "Online normalizer calculation for softmax" (arXiv:1805.02867), algorithm 3,
state no error. To first order it is bounded as follows, where u is the unit roundoff, eps the
relative error of exp, A = max x - x_i, and K the number of times that the maximum moves. Each of
n - 1 additions and K products errs by u. Each term of the sum is made of at most K + 1
exponentials, each of which errs by eps; their arguments err by u times what they are, together
A_j u of a term j, and W u of the sum, W <= log n its mean of A_j. The result's own exponential adds
A u + eps, its quotient u. Together: (A + W + n + K) u + (K + 2) eps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import DEFAULT_DTYPES, FORMATS, Format
from softmax_harness.operations.bounds import lambert_w
from softmax_harness.operations.elementary import elementary_errors
from softmax_harness.studies.reproduce.answers import Array, answered, asked, relative_errors
from softmax_harness.studies.reproduce.paper import Figure, Paper

# In narrow formats (n - 1) u is not far below 1, and a first-order bound says nothing.
_DTYPES = tuple(name for name in DEFAULT_DTYPES if not FORMATS[name].is_narrow)
_ROWS, _LENGTH = 64, 1000
_LOGITS: dict[str, Callable[[Array], Array]] = {
    "rising": lambda x: np.sort(x, axis=-1),
    "in any order": lambda x: x,
    "falling": lambda x: np.sort(x, axis=-1)[:, ::-1],
}


def bound(x: NDArray[Any], format: Format) -> Array:
    """The bound above in units of u, shape of x."""
    values = x.astype(np.float64)
    highest = np.maximum.accumulate(values, axis=-1)
    moves = (np.diff(highest, axis=-1) > 0).sum(axis=-1, keepdims=True)
    below = highest[:, -1:] - values
    n, eps = x.shape[-1], elementary_errors(format).exp / format.unit_roundoff
    return np.asarray(below + lambert_w(n) + n + moves + (moves + 2) * eps)


def _figure(dtype: str, order: str, x: Array) -> Figure:
    format = FORMATS[dtype]
    stored = format.stored(_LOGITS[order](x))
    limits = bound(stored, format)
    found, plain = (
        relative_errors(asked("softmax", stored), answered("softmax", name, stored))
        for name in ("online", "max-shifted")
    )
    place = int(np.nanargmax(found / limits))
    return Figure(
        f"{dtype}, {order}",
        float(limits.flat[place]),
        float(found.flat[place]),
        {"max-shifted": float(plain.flat[place])},
        is_bound=True,
    )


def _measured(seed: int) -> Sequence[Figure]:
    x = np.random.default_rng(seed).standard_normal((_ROWS, _LENGTH))
    return [_figure(dtype, order, x) for dtype in _DTYPES for order in _LOGITS]


PAPER = Paper(
    "online-softmax",
    "Online normalizer calculation for softmax",
    "https://arxiv.org/abs/1805.02867",
    "relative error in unit roundoffs, of the element that comes nearest to its bound",
    _measured,
    columns=("bound", "found"),
    notes=(
        "The publication states no error. The bound is derived from its algorithm 3, with the "
        "error of exp that is measured on this machine.",
        f"Logits are normal, {_ROWS} rows of {_LENGTH}. Where they rise, every element moves the "
        "maximum; where they fall, none but the first does.",
    ),
)
