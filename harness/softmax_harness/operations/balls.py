"""Ball arithmetic on integers: numbers known up to a radius that every step accounts for.

A ball is ``man * 2**exp``, off by at most ``rad * 2**exp``. Exact numbers have a radius of 0. What
is cut off in rounding is added to the radius, so that the result encloses the exact value whatever
went in. Exponents are Python integers: exp(-1e300) is as good a number as any.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from softmax_harness.operations.enclosure import Enclosure
from softmax_harness.operations.relative_exp import exp_relative

_GUARD = 8
# A difference of more bits than this between an exact number and what is added to it is beyond
# every format: of what is added only the sign counts.
NEGLIGIBLE = 4608


class Ball(NamedTuple):
    """A number between ``(man - rad) * 2**exp`` and ``(man + rad) * 2**exp``, both included."""

    man: int
    exp: int
    rad: int = 0

    @property
    def is_zero(self) -> bool:
        """Whether it is exactly 0."""
        return self.man == 0 and self.rad == 0

    @property
    def sign(self) -> int | None:
        """-1, 0 or 1; None where the radius leaves it open."""
        if self.is_zero:
            return 0
        if abs(self.man) <= self.rad:
            return None
        return 1 if self.man > 0 else -1

    @property
    def magnitude(self) -> int:
        """k with its absolute value at most 2**k."""
        return self.exp + (abs(self.man) + self.rad).bit_length()

    def __neg__(self) -> Ball:
        return Ball(-self.man, self.exp, self.rad)


ZERO, ONE = Ball(0, 0), Ball(1, 0)


def exact(value: float) -> Ball:
    """A finite float64, exactly."""
    fraction, exponent = math.frexp(value)
    return Ball(int(math.ldexp(fraction, 53)), exponent - 53)


def cut(ball: Ball, bits: int) -> Ball:
    """The ball with a significand of `bits` bits; what is cut off is added to the radius."""
    excess = ball.man.bit_length() - bits
    return _shifted(ball, ball.exp + excess) if excess > 0 else ball


def _shifted(ball: Ball, exp: int) -> Ball:
    """The ball in units of 2**exp."""
    shift = exp - ball.exp
    if shift <= 0:
        return Ball(ball.man << -shift, exp, ball.rad << -shift)
    if shift > (abs(ball.man) + ball.rad).bit_length():
        return ZERO._replace(exp=exp) if ball.is_zero else Ball(0, exp, 1)
    man = ball.man >> shift
    lost = 0 if ball.rad == 0 and man << shift == ball.man else 1
    return Ball(man, exp, (ball.rad >> shift) + lost + (1 if ball.rad else 0))


def total(balls: Iterable[Ball], bits: int | None = None) -> Ball:
    """The sum; to `bits` bits below the largest term, exactly without them."""
    terms = [ball for ball in balls if ball.man or ball.rad]
    if not terms:
        return ZERO
    if len(terms) == 1 and bits is None:
        return terms[0]
    exp = min([ball.exp for ball in terms])
    if bits is not None:
        most = max([ball.magnitude for ball in terms])
        exp = max(exp, most - bits - _GUARD - len(terms).bit_length())
    man = rad = 0
    for ball in terms:
        shift = ball.exp - exp
        if shift >= 0:
            man += ball.man << shift
            rad += ball.rad << shift
        else:
            part = _shifted(ball, exp)
            man += part.man
            rad += part.rad
    return Ball(man, exp, rad)


def product(a: Ball, b: Ball, bits: int | None = None) -> Ball:
    """a b, to `bits` bits or exactly."""
    rad = 0
    if a.rad or b.rad:
        rad = abs(a.man) * b.rad + abs(b.man) * a.rad + a.rad * b.rad
    whole = Ball(a.man * b.man, a.exp + b.exp, rad)
    return whole if bits is None else cut(whole, bits)


def quotient(a: Ball, b: Ball, bits: int) -> Ball:
    """a / b to `bits` bits; b may not hold 0."""
    if a.is_zero:
        return ZERO
    lift = max(bits + b.man.bit_length() - a.man.bit_length() + 1, 0)
    man = (a.man << lift) // b.man
    least = abs(b.man) - b.rad
    # |a'/b' - a/b| <= (|a' - a| + |a/b| |b' - b|) / |b'|, rounded up, and 1 for the division.
    rad = ((a.rad << lift) + (abs(man) + 1) * b.rad) // least + 2
    return Ball(man, a.exp - b.exp - lift, rad)


def exponential(d: Ball, bits: int) -> Ball:
    """exp(d) to about `bits` bits; the radius of d must be far below 1.

    mpmath gives the exponential of the middle within a unit of its last place; the radius changes
    it by a factor of exp(+-radius), at most 1 +- 2 radius.
    """
    from mpmath import libmp

    sign, man, exp, _ = exp_relative(libmp.from_man_exp(d.man, d.exp), bits)
    assert not sign
    middle = Ball(int(man), int(exp))
    middle = _shifted(middle, middle.exp + middle.man.bit_length() - bits)
    rad = 2
    if d.rad:
        rad += _up(abs(middle.man) * 2 * d.rad, d.exp)
    return Ball(middle.man, middle.exp, rad)


def logarithm_of_one_and(d: Ball, bits: int) -> Ball:
    """log(1 + d) for d >= 0, to about `bits` bits of itself however small d is.

    Below 2**-bits it is d up to d**2 / 2. Otherwise mpmath takes the logarithm of the middle of
    1 + d; a change of that by its radius changes the logarithm by no more than twice as much.
    """
    from mpmath import libmp

    if d.is_zero:
        return ZERO
    if d.magnitude < -bits:
        square = product(d, d, bits)
        return total([d, Ball(0, square.exp, abs(square.man) + square.rad)], bits)
    work = bits + max(-d.magnitude, 0)
    one_and = total([ONE, d], work)
    found = libmp.mpf_log(libmp.from_man_exp(one_and.man, one_and.exp), work)
    sign, man, exp, _ = found
    middle = Ball(-int(man) if sign else int(man), int(exp), 2)
    return total([middle, Ball(0, one_and.exp, 2 * one_and.rad)], bits)


def square_root(value: Ball, bits: int) -> Ball:
    """The square root of an exact number above 0, to `bits` bits."""
    lift = max(2 * bits - value.man.bit_length(), 0)
    lift += (value.exp - lift) % 2
    return Ball(math.isqrt(value.man << lift), (value.exp - lift) // 2, 1)


def enclosure(ball: Ball) -> Enclosure:
    """The ball as the arbiter takes it: strictly inside, or exact."""
    return Enclosure(ball.man, ball.exp, ball.rad + 1 if ball.rad else 0)


def next_to(limit: Fraction, sign: int) -> Enclosure:
    """An enclosure next to a dyadic fraction, above or below, nearer than any format resolves."""
    exp = 1 - limit.denominator.bit_length()
    lift = NEGLIGIBLE - abs(limit.numerator).bit_length()
    return Enclosure((limit.numerator << lift) + sign, exp - lift, 1)


def near_limit(limit: Fraction, rest: Ball) -> Enclosure | None:
    """limit + rest, where `rest` is too small beside a dyadic limit for its size to matter.

    None where it does matter, or where there is nothing it is small beside. Numbers of a
    format, the middles between them and the powers of two are dyadic: next to any other limit,
    rising precision decides.
    """
    d = limit.denominator
    if limit == 0 or d & (d - 1) or not rest.sign:
        return None
    above = limit.numerator.bit_length() - d.bit_length() - 1
    if rest.magnitude > above - NEGLIGIBLE:
        return None
    return next_to(limit, rest.sign)


def fraction(ball: Ball) -> Fraction:
    """An exact ball as a fraction."""
    return ball.man * Fraction(2) ** ball.exp


def _up(value: int, exp: int) -> int:
    """value * 2**exp rounded up, value >= 0."""
    if exp >= 0:
        return value << exp
    return (value >> -exp) + 1 if -exp < value.bit_length() + 64 else 1
