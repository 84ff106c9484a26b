"""What an exact result is known to lie between."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Enclosure(NamedTuple):
    """A number strictly between ``(man - slack) * 2**exp`` and ``(man + slack) * 2**exp``.

    A slack of 0 says that the number is ``man * 2**exp`` exactly.
    """

    man: int
    exp: int
    slack: int
