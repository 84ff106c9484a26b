"""What log_softmax loses near saturation: SciPy's issue 19521, of 2023.

The usual form is (x - a) - log s, a the largest logit and s the sum of exp(x - a). Its largest
result is -log s. Where the other terms are below half an ulp of 1, s is 1 and the result is 0,
however much the format could tell. log1p of the other terms keeps them all.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from softmax_harness.ground.formats import FORMATS, Format
from softmax_harness.studies.reproduce.answers import answered, asked
from softmax_harness.studies.reproduce.paper import Figure, Paper

# Of the two rows [1 - log(k eps), 0], k = 2 and 1: minus log_softmax, as SciPy printed it.
_PRINTED = {2: (1.19209275e-07, 1.62492371e01), 1: (0.0, 16.942385)}
_POWERS = {"float32": 126, "float64": 1022}
_STEPS_PER_UNIT = 64


def _printed(factor: int) -> list[Figure]:
    eps = np.finfo(np.float32).eps
    x = np.array([[1 - np.log(factor * eps), 0]], np.float32)
    exact = -asked("log_softmax", x, "relative").truth.value[0]
    usual, careful = (-answered("log_softmax", name, x)[0] for name in ("shifted", "compensated"))
    return [
        Figure(
            f"float32, 1 - log({factor} eps), {place}",
            published,
            float(usual[index]),
            {"log1p": float(careful[index]), "exact": float(exact[index])},
        )
        for index, (place, published) in enumerate(
            zip(("largest", "other"), _PRINTED[factor], strict=True)
        )
    ]


def smallest(format: Format, name: str) -> float:
    """The smallest |log_softmax([0, -d])| at the larger logit that is not 0, over all d.

    d goes in steps of 1/64 to where exp(-d) is 0 in the format.
    """
    deepest = -np.log(format.smallest_subnormal) + 1.0
    d = np.arange(0.0, deepest, 1.0 / _STEPS_PER_UNIT)
    x = format.stored(np.stack([np.zeros_like(d), -d], axis=-1))
    found = np.abs(answered("log_softmax", name, x)[:, 0].astype(np.float64))
    return float(found[found > 0].min())


def _power(dtype: str) -> Figure:
    usual, careful = (smallest(FORMATS[dtype], name) for name in ("shifted", "compensated"))
    found = float(np.log2(usual) - np.log2(careful))
    return Figure(f"{dtype}, log2 of the smallest results' ratio", _POWERS[dtype], found)


def _measured(seed: int) -> Sequence[Figure]:
    rows = [figure for factor in _PRINTED for figure in _printed(factor)]
    return [*rows, *map(_power, _POWERS)]


PAPER = Paper(
    "scipy-19521",
    "scipy.special.log_softmax could be 2**126 to 2**1022 times more accurate",
    "https://github.com/scipy/scipy/issues/19521",
    "minus log_softmax of two logits, and how much smaller a result log1p can tell from 0",
    _measured,
    within=1e-6,
    notes=(
        "`shifted` is the form of scipy.special.log_softmax, worked in NumPy: SciPy itself is not "
        "needed. `compensated` uses log1p of the sum of the others.",
        "The figures need no random numbers, so --seed does not move them.",
    ),
)
