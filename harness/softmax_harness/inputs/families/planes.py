"""Grids over offset and scale of the logits, from which the phase maps are drawn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families.family import Family

LENGTHS = (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
_ROWS = 61


def offsets(format: Format) -> NDArray[np.float64]:
    """Offsets from well below exp's underflow to well above its overflow, evenly spaced."""
    low = 1.25 * math.log(format.smallest_subnormal)
    return np.linspace(low, 1.25 * math.log(format.largest), _ROWS)


def scales(format: Format) -> NDArray[np.float64]:
    """Spreads max x - min x from 1/4 to four times the one at which exp underflows, geometric."""
    return np.geomspace(0.25, -4.0 * math.log(format.smallest_subnormal), _ROWS)


def _offset_plane(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    return np.repeat(offsets(format)[:, None], n, axis=1)


def _scale_plane(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    """Centred, evenly spaced logits: naive overflows at half the spread that max-shifted allows."""
    return np.linspace(-0.5, 0.5, n) * scales(format)[:, None]


FAMILIES = (
    Family(
        "offset-plane",
        "all logits equal to an offset, offset against n: where exp(x) itself breaks",
        _offset_plane,
        lengths=LENGTHS,
        rows=_ROWS,
        grid=offsets,
        check=None,
    ),
    Family(
        "scale-plane",
        "evenly spaced from -scale/2 to scale/2, scale against n: where exp(x - max x) breaks",
        _scale_plane,
        lengths=LENGTHS,
        rows=_ROWS,
        grid=scales,
        check=None,
    ),
)
