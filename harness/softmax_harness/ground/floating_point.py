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
    if (found := _found()) is not None:
        raise FloatingPointEnvironment(
            f"{found} in this process, so that nothing it computes is exact: start it without "
            "what sets that, such as a preloaded library or a sitecustomize module"
        )


def _found() -> str | None:
    up = _ONE + _HALF_ULP
    down = _ONE + _HALF_ULP / 4.0
    if up.tolist() != [1.0 + 2.0**-52, -1.0 - 2.0**-52] or down.tolist() != [1.0, -1.0]:
        return "rounding is not to nearest"
    # Between normal numbers, since a constant of this file would be flushed with all others.
    if float((_SMALL / 4.0 * 4.0)[0]) != 2.0**-1022:
        return "subnormals are flushed to zero"
    return None
