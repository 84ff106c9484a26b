"""exp of any number of arbitrary precision, to a relative precision."""

from __future__ import annotations

# mpmath is imported by what uses it: it takes half as long to load as NumPy, and processes that
# only call an implementation do without it.

Mpf = tuple[int, int, int, int]
"""mpmath's own form of a number: sign, man, exp and the bits of man."""


def exp_relative(d: Mpf, precision: int) -> Mpf:
    """exp(d); mpmath takes powers of e where d is a whole number, which never ends for large d."""
    from mpmath import libmp

    magnitude = d[2] + d[3]
    if magnitude <= 20:
        small: Mpf = libmp.mpf_exp(d, precision)
        return small
    work = precision + magnitude + 16
    log2 = libmp.mpf_ln2(work)
    k = libmp.to_int(libmp.mpf_div(d, log2, work))
    reduced = libmp.mpf_sub(d, libmp.mpf_mul(libmp.from_int(k), log2, work), work)
    large: Mpf = libmp.mpf_shift(libmp.mpf_exp(reduced, precision), k)
    return large
