"""The floating-point environment of the process that computes the truth: is it unchanged?"""

from __future__ import annotations

import numpy as np

from softmax_harness.ground.errors import FloatingPointEnvironment

_SMALL = np.array([2.0**-1022])
_ONE, _HALF_ULP = np.array([1.0, -1.0]), np.array([2.0**-53 + 2.0**-60, -(2.0**-53) - 2.0**-60])


def check_floating_point_environment() -> None:
    """Raise `FloatingPointEnvironment` unless subnormals are kept and rounding is to nearest.

    A library built with -Ofast, or torch.set_flush_denormal, turns subnormals off in the whole
    process.
    """
    if float((_SMALL / 4.0)[0]) != 2.0**-1024:
        raise FloatingPointEnvironment("subnormals are flushed to zero in the judge's own process")
    if float((_SMALL / 4.0 * 4.0)[0]) != 2.0**-1022:
        raise FloatingPointEnvironment("subnormals are taken for zero in the judge's own process")
    up = _ONE + _HALF_ULP
    down = _ONE + _HALF_ULP / 4.0
    if up.tolist() != [1.0 + 2.0**-52, -1.0 - 2.0**-52] or down.tolist() != [1.0, -1.0]:
        raise FloatingPointEnvironment("rounding is not to nearest in the judge's own process")
