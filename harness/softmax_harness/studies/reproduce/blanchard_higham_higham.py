"""Log-sum-exp of real logits in float16: Blanchard, Higham & Higham, of 2021.

"Accurately computing the log-sum-exp and softmax functions", IMA Journal of Numerical Analysis
41(4), tests 2500 vectors of ten logits of a classifier of handwritten digits. In float16 the plain
form overflows for many of them, the shifted forms for none. It concludes that shifting costs no
accuracy, and that softmax without a division, exp(x - lse), can lose some.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import FORMATS
from softmax_harness.inputs.families.real import digits
from softmax_harness.studies.reproduce.answers import answered, asked, relative_errors
from softmax_harness.studies.reproduce.paper import Figure, Paper

_LOST = {"naive": None, "shifted": 0, "log1p": 0}
_SOFTMAXES = ("naive", "max-shifted", "log-sum-exp", "shifted-log-sum-exp")
_MARGIN = 2.0


def _lost(name: str, x: NDArray[Any], published: float | None) -> Figure:
    y = answered("logsumexp", name, x)
    setting = f"log-sum-exp {name}: not finite, of {len(x)} rows in float16"
    return Figure(setting, published, float(np.count_nonzero(~np.isfinite(y))))


def _errors(x: NDArray[Any]) -> list[Figure]:
    """The largest relative error of each softmax, on the rows where none overflows."""
    kept = x[np.isfinite(answered("logsumexp", "naive", x))]
    rows = asked("softmax", kept)
    return [
        Figure(
            f"softmax {name}: largest error in u, {len(kept)} rows in float16",
            None,
            float(np.nanmax(relative_errors(rows, answered("softmax", name, kept)))),
        )
        for name in _SOFTMAXES
    ]


def _measured(seed: int) -> Sequence[Figure]:
    x = FORMATS["float16"].stored(digits().logits)
    return [*(_lost(name, x, published) for name, published in _LOST.items()), *_errors(x)]


PAPER = Paper(
    "blanchard-higham-higham",
    "Accurately computing the log-sum-exp and softmax functions",
    "https://doi.org/10.1093/imanum/draa038",
    "rows that overflow, and relative errors in unit roundoffs u",
    _measured,
    within=0.0,
    notes=(
        "The publication's 2500 vectors are not to be had. The logits of a logistic regression on "
        "scikit-learn's handwritten digits stand in for them, ten to a row, so the number of rows "
        "that overflow the plain form is another one and stands beside none.",
        "Errors are taken where the exact result is a normal number of float16.",
        "No random numbers are used, so --seed does not move the figures.",
    ),
)
