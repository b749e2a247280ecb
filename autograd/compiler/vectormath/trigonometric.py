"""Trigonometric functions and their inverses, and hypot."""

import math
from typing import Any

from autograd.compiler.vectormath.common import INF, divide, polynomial
from autograd.compiler.vectormath.polynomials import CONSTANTS

# Up to here the quotient by pi is known well enough for three parts of pi to give all digits
TRIG_RANGE = {64: 2.0**30, 32: 2.0**17}
# hypot: up to where squares are safe (and down to its inverse), and what brings others there
HYPOT_SCALES = {64: (2.0**450, 2.0**700, 2.0**600), 32: (2.0**50, 2.0**100, 2.0**70)}


def _less_multiple(m: Any, x: Any, k: Any, number: str) -> Any:
    """x - k * number, which is about pi / 2 at most.

    Three parts, for the difference can be as small as 1e-17 (Cody & Waite 1980, chapter 8).
    """
    high, middle, low = CONSTANTS[number][m.bits]
    return m.fma(k, -low, m.fma(k, -middle, m.fma(k, -high, x)))


def _sin_half(m: Any, r: Any) -> Any:
    """sin(r) for |r| <= pi / 2."""
    z = m.mul(r, r)
    return m.copysign(m.fma(m.mul(z, r), polynomial(m, z, "sin"), r), r)


def _is_even(m: Any, k: Any) -> Any:
    return m.eq(m.mul(m.round(m.mul(k, 0.5)), 2.0), k)


def _escape(m: Any, name: str, x: Any, fast: Any) -> Any:
    """The C library's function for what is too large for three parts of pi."""
    return m.slow(m.gt(m.abs(x), TRIG_RANGE[m.bits]), name, x, fast)


def sin(m: Any, x: Any) -> Any:
    k = m.round(m.fma(x, 1.0 / math.pi, 0.0))  # + 0.0: for x = -0.0 it must be 0.0
    r = _less_multiple(m, x, k, "pi")
    return _escape(m, "sin", x, _sin_half(m, m.where(_is_even(m, k), r, m.neg(r))))


def cos(m: Any, x: Any) -> Any:
    # sin(x + pi/2): k is a whole number and a half
    n = m.round(m.fma(x, 1.0 / math.pi, -0.5))
    r = _less_multiple(m, x, m.add(n, 0.5), "pi")
    return _escape(m, "cos", x, _sin_half(m, m.where(_is_even(m, n), m.neg(r), r)))


def tan(m: Any, x: Any) -> Any:
    k = m.round(m.fma(x, 2.0 / math.pi, 0.0))
    high, middle, low = CONSTANTS["pi/2"][m.bits]
    # as in _less_multiple, but the rounding of r would cost a whole unit of the last place
    first = m.fma(k, -high, x)
    second = m.mul(k, middle)
    r = m.sub(first, second)
    r_low = m.sub(m.sub(first, r), second)
    r_low = m.sub(r_low, m.fma(k, low, m.fma(k, middle, m.neg(second))))
    z = m.mul(r, r)
    rest = m.fma(m.mul(z, r), polynomial(m, z, "sin_quarter"), r_low)
    sine = m.add(r, rest)
    sine_low = m.add(m.sub(r, sine), rest)
    rest = m.fma(z, polynomial(m, z, "cos_quarter"), m.mul(m.neg(r), r_low))
    cosine = m.add(rest, 1.0)
    cosine_low = m.sub(rest, m.sub(cosine, 1.0))
    # tan(r), and where k is odd -1 / tan(r)
    even = _is_even(m, k)
    a, a_low = m.where(even, sine, m.neg(cosine)), m.where(even, sine_low, m.neg(cosine_low))
    b, b_low = m.where(even, cosine, sine), m.where(even, cosine_low, sine_low)
    y = m.where(m.eq(x, 0.0), x, divide(m, a, b, b_low, a_low))
    return _escape(m, "tan", x, y)


def _atan_of_quotient(m: Any, a: Any, b: Any) -> Any:
    """The angle of the point (b, a), in the first quadrant."""
    half_pi, half_pi_low, _ = CONSTANTS["pi/2"][m.bits]
    steep = m.gt(a, b)
    t = m.div(m.where(steep, b, a), m.where(steep, a, b))
    z = m.mul(t, t)
    rest = m.mul(m.mul(z, t), polynomial(m, z, "atan"))
    return m.where(steep, m.sub(half_pi, m.add(t, m.sub(rest, half_pi_low))), m.add(t, rest))


def atan(m: Any, x: Any) -> Any:
    return m.copysign(_atan_of_quotient(m, m.abs(x), 1.0), x)


def atan2(m: Any, y: Any, x: Any) -> Any:
    a, b = m.abs(y), m.abs(x)
    # 0 / 0 and inf / inf are nan, but the angles are 0 and pi / 4
    origin = m.eq(m.add(a, b), 0.0)
    corner = m.both(m.eq(a, INF), m.eq(b, INF))
    angle = _atan_of_quotient(
        m, m.where(corner, 1.0, a), m.where(corner, 1.0, m.where(origin, 1.0, b))
    )
    pi, pi_low, _ = CONSTANTS["pi"][m.bits]
    left = m.lt(m.copysign(1.0, x), 0.0)  # -0.0 is on the left, too
    angle = m.where(left, m.sub(pi, m.sub(angle, pi_low)), angle)
    return m.copysign(angle, y)


def _asin_parts(m: Any, a: Any) -> tuple[Any, Any, Any]:
    """For 0 <= a <= 1 whether it is over 1/2, and s and rest: their sum is the arc sine of s.

    s is a itself or, over 1/2, sqrt((1 - a) / 2), whose arc sine is half the arc cosine of a.
    """
    large = m.gt(a, 0.5)
    z = m.where(large, m.fma(a, -0.5, 0.5), m.mul(a, a))
    s = m.where(large, m.sqrt(z), a)
    return large, s, m.mul(m.mul(z, s), polynomial(m, z, "asin"))


def asin(m: Any, x: Any) -> Any:
    half_pi, half_pi_low, _ = CONSTANTS["pi/2"][m.bits]
    large, s, rest = _asin_parts(m, m.abs(x))
    twice = m.fma(s, -2.0, m.fma(rest, -2.0, half_pi_low))
    return m.copysign(m.where(large, m.add(half_pi, twice), m.add(s, rest)), x)


def acos(m: Any, x: Any) -> Any:
    half_pi, half_pi_low, _ = CONSTANTS["pi/2"][m.bits]
    large, s, rest = _asin_parts(m, m.abs(x))
    negative = m.lt(x, 0.0)
    # pi/2 - asin(x) if small, else twice the half angle, taken from pi on the left
    near = m.sub(half_pi, m.add(m.copysign(s, x), m.sub(m.copysign(rest, x), half_pi_low)))
    twice = m.mul(m.add(s, rest), 2.0)
    far = m.where(negative, m.mul(m.sub(half_pi, m.add(s, m.sub(rest, half_pi_low))), 2.0), twice)
    return m.where(large, far, near)


def hypot(m: Any, x: Any, y: Any) -> Any:
    a, b = m.abs(x), m.abs(y)
    swap = m.lt(a, b)
    long, short = m.where(swap, b, a), m.where(swap, a, b)
    # squares must neither overflow nor vanish
    half, up, down = HYPOT_SCALES[m.bits]
    large, small = m.gt(long, half), m.lt(long, 1.0 / half)
    power = m.where(large, 1.0 / down, m.where(small, up, 1.0))
    back = m.where(large, down, m.where(small, 1.0 / up, 1.0))
    long, short = m.mul(long, power), m.mul(short, power)
    r = m.mul(m.sqrt(m.fma(long, long, m.mul(short, short))), back)
    return m.where(m.either(m.eq(a, INF), m.eq(b, INF)), INF, r)
