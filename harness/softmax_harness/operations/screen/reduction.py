"""x = k (ln 2)/N + r: the part that the kernels begin with."""

from __future__ import annotations

import numpy as np

from softmax_harness.operations.screen.constants import TABLE_BITS, Constants, N
from softmax_harness.operations.screen.workspace import Array, Bits, Workspace, bits_of

# Adding 1.5 * 2**52 leaves the nearest integer of a float below 2**51 in the lowest bits.
_TO_INTEGER = 1.5 * 2.0**52
# A float64 keeps its exponent, less the bias, in units of 2**52 of the integer that its bits are.
FIELD, BIAS = 1 << 52, 1023


def reduced(x: Array, c: Constants, w: Workspace) -> tuple[Array, Array, Array]:
    """k, r0 and the bits of k for |x| <= 1400, arrays taken from `w`.

    Returns
    -------
    k : ndarray of float64
        The integer nearest to x N / ln 2, up to rounding; |k| < 2**25.
    r0 : ndarray of float64
        x - k (L1 + L2), exactly.
    bits : ndarray of float64
        A float whose lowest bits are k, in two's complement.

    Notes
    -----
    k L1 and k L2 are exact, 26 and 27 bits. If k is not 0, |x| > 2**-16, so x is a multiple of
    2**-68, as are k L1 and k L2. x - k L1 is small beside x and a multiple of ulp(x) or 2**-41:
    below 2**-14 |x|/ulp(x) leaves it at most 53 bits. The second difference is at most 2**-15.5
    and a multiple of 2**-68: 53 bits.
    """
    shifted, k, r = w.take(), w.take(), w.take()
    np.multiply(x, c.per_ln2, out=shifted)
    shifted += _TO_INTEGER
    np.subtract(shifted, _TO_INTEGER, out=k)
    product = w.take()
    np.multiply(k, c.ln2[0], out=product)
    np.subtract(x, product, out=r)
    np.multiply(k, c.ln2[1], out=product)
    r -= product
    w.give(product)
    return k, r, shifted


def place_in_table(shifted: Array, out: Bits) -> Bits:
    """j, the lowest bits of k."""
    return np.bitwise_and(bits_of(shifted), N - 1, out=out)


def exponent(shifted: Array, top: Array, c: Constants, memory: Bits) -> Bits:
    """2**52 q, q that of x less that of the row's largest x, `top`, in the memory of `shifted`.

    That is where a float64 keeps its exponent. k < 2**25, so 2**38 k is below 2**63; what stands
    above the bits of k in `shifted` falls out at the top. q is at most 0 and above -2048. `memory`
    is overwritten.
    """
    q = bits_of(shifted)
    q <<= 52 - TABLE_BITS
    q &= -FIELD
    # NumPy subtracts whole arrays twice as fast as a column.
    np.copyto(memory, (bits_of(top * c.per_ln2 + _TO_INTEGER) << (52 - TABLE_BITS)) & -FIELD)
    q -= memory
    return q


def power_of_two(q: Bits, out: Bits, unit: Bits | None = None, least: int = -900) -> Array:
    """2**(q - unit) for q <= unit, at least 2**least.

    2**-900 no longer counts in a sum of 1 or more, and times a tail it is no subnormal number, with
    which processors take long. `unit` has one exponent for each row, shape (rows, 1); without it
    that is 0.
    """
    if unit is None:
        np.add(q, BIAS * FIELD, out=out)
    else:
        # What overflows on the way to a sum that does not comes back. NumPy adds whole arrays twice
        # as fast as a column.
        np.copyto(out, BIAS * FIELD - unit)
        out += q
    if out.min() < (BIAS + least) * FIELD:
        np.maximum(out, (BIAS + least) * FIELD, out=out)
    return out.view(np.float64)
