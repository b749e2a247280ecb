"""The elementary functions as formulas over vector registers: no calls, no tables, no branches.

One call of the C library for each lane costs more than all else in a compiled network; here exp of
8 lanes is 25 instructions. Each function is written once over a namespace `m` of vector operations,
as the rules of the table are; `m.bits` says whether the lanes hold float64 or float32. Special
values are those of ieee.py, and errors stay under 2 units in the last place.

What every formula rests on:
- `m.fma(a, b, c)` rounds a * b + c once. `x - k * pi` is exact by it, and a sum whose large term is
  added last has hardly more than that one rounding.
- A comparison with nan is false, so nan passes through `where(gt(x, high), high, x)`.
- Lanes outside a formula's domain compute garbage, which a `where` at its end replaces. So
  `m.power_of_two`, `m.exponent` and `m.mantissa` may return anything out of their range, but must
  not be poison there, as LLVM's fptosi is.
- Zeros keep their signs by a copysign at the end: -0.0 + 0.0 is 0.0.
"""

import math
from collections.abc import Callable
from typing import Any

from autograd.compiler.polynomials import CONSTANTS, POLYNOMIALS

INF, NAN = math.inf, math.nan
SMALLEST_NORMAL = {64: 2.0**-1022, 32: 2.0**-126}
# Beyond these the functions are 0 (exp even times x) and inf
EXP_RANGE = {64: (-756.0, 710.0), 32: (-112.0, 89.0)}
HYPERBOLIC_RANGE = {64: 710.5, 32: 89.5}
EXP2_RANGE = {64: (-1076.0, 1025.0), 32: (-151.0, 129.0)}
# Below, 1 + 2**k is 1; and 2**k is well in the normal range
SIGMOID_LEAST = {64: -900.0, 32: -100.0}
# Up to here the quotient by pi is known well enough for three parts of pi to give all digits
TRIG_RANGE = {64: 2.0**30, 32: 2.0**17}
# hypot: up to where, and from where upward, squares are safe; powers of two that bring others there
HYPOT_SCALES = {64: (2.0**450, 2.0**700, 2.0**600), 32: (2.0**50, 2.0**100, 2.0**70)}
ERFC_LARGEST = {64: 27.5, 32: 10.5}  # beyond it is 0
# From here on x**2 + 1 is x**2, and x**2 does not overflow yet
LARGE = {64: 2.0**60, 32: 2.0**40}


def polynomial(m: Any, x: Any, name: str) -> Any:
    """Horner's rule."""
    first, *rest = POLYNOMIALS[name][m.bits]
    y: Any = first
    for c in rest:
        y = m.fma(y, x, c)
    return y


def clip(m: Any, x: Any, low: float, high: float) -> Any:
    """nan stays nan."""
    return m.where(m.lt(x, low), low, m.where(m.gt(x, high), high, x))


def scale(m: Any, a: Any, k: Any) -> Any:
    """a * 2**k for |a| near 1 and a whole k, |k| < 2044 (float32: 252).

    In two steps, for 2**k itself may overflow where the product does not; the first is exact, so
    subnormal results are rounded once.
    """
    half = m.round(m.mul(k, 0.5))
    return m.mul(m.mul(a, m.power_of_two(half)), m.power_of_two(m.sub(k, half)))


def divide(m: Any, a: Any, b: Any, b_low: Any, a_low: Any = None) -> Any:
    """(a + a_low) / (b + b_low), rounded once: what the first quotient leaves is divided, too."""
    inverse = m.div(1.0, b)
    q = m.mul(a, inverse)
    left = m.fma(m.neg(q), b, a)
    if a_low is not None:
        left = m.add(left, a_low)
    return m.fma(m.fma(m.neg(q), b_low, left), inverse, q)


# --- exponentials ---------------------------------------------------------------------------------


def _split_exp(m: Any, x: Any) -> tuple[Any, Any]:
    """k and r: x = k ln2 + r, |r| <= ln2 / 2."""
    high, low = CONSTANTS["ln2"][m.bits]
    k = m.round(m.mul(x, CONSTANTS["1/ln2"][m.bits][0]))
    return k, m.fma(k, -low, m.fma(k, -high, x))


def _exp_parts(m: Any, r: Any) -> Any:
    """exp(r) for |r| <= ln2 / 2."""
    return m.fma(m.fma(polynomial(m, r, "exp"), r, 1.0), r, 1.0)


def exp(m: Any, x: Any) -> Any:
    k, r = _split_exp(m, clip(m, x, *EXP_RANGE[m.bits]))
    return scale(m, _exp_parts(m, r), k)


def exp_of_negative(m: Any, x: Any) -> Any:
    """exp(x) for x <= 0 (or nan)."""
    low = EXP_RANGE[m.bits][0]
    k, r = _split_exp(m, m.where(m.lt(x, low), low, x))
    return scale(m, _exp_parts(m, r), k)


def exp2(m: Any, x: Any) -> Any:
    x = clip(m, x, *EXP2_RANGE[m.bits])
    k = m.round(x)
    r = m.sub(x, k)
    return scale(m, m.fma(polynomial(m, r, "exp2"), r, 1.0), k)


def expm1(m: Any, x: Any) -> Any:
    # below -40 it is -1 in all digits
    k, r = _split_exp(m, clip(m, x, -40.0, EXP_RANGE[m.bits][1]))
    rest = m.mul(m.mul(r, r), polynomial(m, r, "exp"))
    half = m.power_of_two(m.sub(k, 1.0))  # half of 2**k, which may be beyond the range
    y = m.fma(half, rest, m.fma(half, r, m.sub(half, 0.5)))
    return m.copysign(m.where(m.eq(k, 0.0), m.add(r, rest), m.add(y, y)), x)


def tanh(m: Any, x: Any) -> Any:
    # expm1(z) / (expm1(z) + 2) at z = 2|x|; from 40 on it is 1 in all digits
    z = m.mul(m.abs(x), 2.0)
    k, r = _split_exp(m, m.where(m.gt(z, 40.0), 40.0, z))
    rest = m.mul(m.mul(r, r), polynomial(m, r, "exp"))
    power = m.power_of_two(k)
    y = m.fma(power, rest, m.fma(power, r, m.sub(power, 1.0)))
    d = m.add(y, 2.0)
    return m.copysign(divide(m, y, d, m.sub(y, m.sub(d, 2.0))), x)


def _split_hyperbolic(m: Any, x: Any) -> tuple[Any, ...]:
    """k, r, sinh(r) - r, cosh(r) - 1, and a quarter of 2**k, 2**-k, their sum and difference."""
    a, largest = m.abs(x), HYPERBOLIC_RANGE[m.bits]
    k, r = _split_exp(m, m.where(m.gt(a, largest), largest, a))
    z = m.mul(r, r)
    odd = m.mul(m.mul(z, r), polynomial(m, z, "sinh"))
    even = m.mul(z, polynomial(m, z, "cosh"))
    up = m.power_of_two(m.sub(k, 2.0))
    # 2**-k is below all digits of 2**k long before it leaves the range
    down = m.power_of_two(m.sub(-2.0, m.where(m.gt(k, 100.0), 100.0, k)))
    return k, r, odd, even, up, down, m.add(up, down), m.sub(up, down)


def sinh(m: Any, x: Any) -> Any:
    k, r, odd, even, _, _, plus, minus = _split_hyperbolic(m, x)
    y = m.add(minus, m.fma(plus, r, m.fma(plus, odd, m.mul(minus, even))))
    return m.copysign(m.where(m.eq(k, 0.0), m.add(r, odd), m.add(y, y)), x)


def cosh(m: Any, x: Any) -> Any:
    _, r, odd, even, up, down, plus, minus = _split_hyperbolic(m, x)
    rest = m.fma(minus, r, m.fma(minus, odd, m.mul(plus, even)))
    y = m.add(up, m.add(rest, down))
    return m.add(y, y)


def sech(m: Any, x: Any) -> Any:
    return m.div(1.0, cosh(m, x))


# --- logarithms -----------------------------------------------------------------------------------


def _log_special(m: Any, x: Any, zero: float, y: Any) -> Any:
    """`y`, but -inf where x is at the logarithm's `zero`, nan below it, and inf at inf."""
    y = m.where(m.lt(x, INF), y, x)
    return m.where(m.gt(x, zero), y, m.where(m.eq(x, zero), -INF, NAN))


def _log(m: Any, x: Any, unit: str, log_of_2: str) -> Any:
    """log(x) * unit, where log(2) * unit is log_of_2 (names of constants; "" for 1)."""
    subnormal = m.lt(x, SMALLEST_NORMAL[m.bits])
    normal = m.where(subnormal, m.mul(x, 2.0**60), x)
    f, e = m.mantissa(normal), m.exponent(normal)
    e = m.where(subnormal, m.sub(e, 60.0), e)
    large = m.gt(f, math.sqrt(2.0))
    e = m.where(large, m.add(e, 1.0), e)
    t = m.sub(m.where(large, m.mul(f, 0.5), f), 1.0)
    rest = m.mul(m.mul(t, t), polynomial(m, t, "log1p"))
    if log_of_2:
        ln2, ln2_low = CONSTANTS[log_of_2][m.bits]
    if unit:
        high, low = CONSTANTS[unit][m.bits]
        rest = m.fma(rest, high, m.mul(t, low))
    if log_of_2:
        rest = m.fma(e, ln2_low, rest)
    y = m.fma(t, high, rest) if unit else m.add(t, rest)
    y = m.fma(e, ln2, y) if log_of_2 else m.add(e, y)
    return _log_special(m, x, 0.0, y)


def log(m: Any, x: Any) -> Any:
    return _log(m, x, "", "ln2")


def log2(m: Any, x: Any) -> Any:
    return _log(m, x, "1/ln2", "")


def log10(m: Any, x: Any) -> Any:
    return _log(m, x, "1/ln10", "log10(2)")


def _log1p(m: Any, x: Any, low: Any = None, extra: Any = None) -> Any:
    """log(1 + x + low) + extra ln2 for 0 <= 1 + x < 2**1020, `low` far smaller than x."""
    e = m.exponent(m.mul(m.add(x, 1.0), math.sqrt(2.0)))
    power = m.power_of_two(m.neg(e))
    t = m.fma(x, power, m.sub(power, 1.0))  # (1 + x) / 2**e - 1, without rounding 1 + x
    square = m.mul(t, t)
    rest = polynomial(m, t, "log1p")
    rest = m.mul(square, rest) if low is None else m.fma(square, rest, m.mul(low, power))
    if extra is not None:
        e = m.add(e, extra)
    ln2, ln2_low = CONSTANTS["ln2"][m.bits]
    return m.fma(e, ln2, m.add(t, m.fma(e, ln2_low, rest)))


def log1p(m: Any, x: Any) -> Any:
    # where 1 + x is x, 2**-e of the largest would be subnormal
    huge = m.gt(x, LARGE[m.bits] ** 1.5)
    fewer = 0.5 * math.log2(LARGE[m.bits])
    y = _log1p(m, m.where(huge, m.mul(x, 2.0**-fewer), x), extra=m.where(huge, fewer, 0.0))
    return m.copysign(_log_special(m, x, -1.0, y), x)


def _log1p_of_unit(m: Any, x: Any) -> Any:
    """log(1 + x) for 0 <= x <= 1 (or nan)."""
    ln2, ln2_low = CONSTANTS["ln2"][m.bits]
    large = m.gt(x, math.sqrt(2.0) - 1.0)
    t = m.where(large, m.fma(x, 0.5, -0.5), x)
    rest = m.fma(m.mul(t, t), polynomial(m, t, "log1p"), m.where(large, ln2_low, 0.0))
    return m.add(m.where(large, ln2, 0.0), m.add(t, rest))


def asinh(m: Any, x: Any) -> Any:
    # log1p(a + a**2 / (1 + sqrt(1 + a**2))), and log(2a) for large ones
    a = m.abs(x)
    large = m.gt(a, LARGE[m.bits])
    square = m.mul(a, a)
    more = m.div(square, m.add(1.0, m.sqrt(m.add(square, 1.0))))
    return m.copysign(_log1p_of_sum(m, a, more, large), x)


def acosh(m: Any, x: Any) -> Any:
    # log1p(t + sqrt(t**2 + 2t)) at t = x - 1, and log(2x) for large ones
    large = m.gt(x, LARGE[m.bits])
    t = m.sub(x, 1.0)
    y = _log1p_of_sum(m, t, m.sqrt(m.fma(t, t, m.add(t, t))), large)
    return m.where(m.ge(x, 1.0), y, NAN)


def _log1p_of_sum(m: Any, a: Any, b: Any, large: Any) -> Any:
    """log(1 + a + b), where `large` log(2a)."""
    b = m.where(large, 0.0, b)
    c = m.where(large, m.mul(a, 0.25), a)
    total = m.add(c, b)
    low = m.add(m.sub(c, total), b)
    y = _log1p(m, total, low, m.where(large, 3.0, 0.0))
    return m.where(m.lt(a, INF), y, a)


def atanh(m: Any, x: Any) -> Any:
    a = m.abs(x)
    y = m.div(m.add(a, a), m.sub(1.0, a))
    y = m.mul(_log1p(m, y), 0.5)
    y = m.where(m.lt(a, 1.0), y, m.where(m.eq(a, 1.0), INF, NAN))
    return m.copysign(y, x)


# --- activations ----------------------------------------------------------------------------------


def _sigmoid_parts(m: Any, x: Any) -> tuple[Any, Any]:
    """Two factors, the second a power of two: the first is normal where the product is not."""
    lowest = EXP_RANGE[m.bits][0]
    z = m.neg(m.abs(x))
    k, r = _split_exp(m, m.where(m.lt(z, lowest), lowest, z))
    # beyond, 1 + e is 1
    least = SIGMOID_LEAST[m.bits]
    near = m.where(m.lt(k, least), least, k)
    e = m.mul(_exp_parts(m, r), m.power_of_two(near))
    d = m.add(e, 1.0)
    negative = m.lt(x, 0.0)
    q = divide(m, m.where(negative, e, 1.0), d, m.sub(e, m.sub(d, 1.0)))
    return q, m.where(negative, m.power_of_two(m.sub(k, near)), 1.0)


def sigmoid(m: Any, x: Any) -> Any:
    return m.mul(*_sigmoid_parts(m, x))


def silu(m: Any, x: Any) -> Any:
    q, power = _sigmoid_parts(m, x)
    lowest = EXP_RANGE[m.bits][0]  # lower still, x would make something of an exp that is 0
    y = m.mul(m.mul(m.where(m.lt(x, lowest), lowest, x), q), power)
    return m.where(m.eq(x, -INF), 0.0, y)


def softplus(m: Any, x: Any) -> Any:
    rest = _log1p_of_unit(m, exp_of_negative(m, m.neg(m.abs(x))))
    return m.add(m.where(m.gt(x, 0.0), x, 0.0), rest)


def log_sigmoid(m: Any, x: Any) -> Any:
    return m.neg(softplus(m, m.neg(x)))


def logaddexp(m: Any, x: Any, y: Any) -> Any:
    rest = _log1p_of_unit(m, exp_of_negative(m, m.neg(m.abs(m.sub(x, y)))))
    # the difference of equal infinities is nan
    rest = m.where(m.eq(x, y), math.log(2.0), rest)
    return m.add(m.where(m.gt(x, y), x, y), rest)


# --- trigonometry ---------------------------------------------------------------------------------


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
    r = _less_multiple(m, x, k, "pi/2")
    z = m.mul(r, r)
    rest = m.mul(m.mul(z, r), polynomial(m, z, "sin_quarter"))
    sine = m.add(r, rest)
    sine_low = m.add(m.sub(r, sine), rest)
    rest = m.mul(z, polynomial(m, z, "cos_quarter"))
    cosine = m.add(rest, 1.0)
    cosine_low = m.sub(rest, m.sub(cosine, 1.0))
    # tan(r), and where k is odd -1 / tan(r)
    even = _is_even(m, k)
    a, a_low = m.where(even, sine, m.neg(cosine)), m.where(even, sine_low, m.neg(cosine_low))
    b, b_low = m.where(even, cosine, sine), m.where(even, cosine_low, sine_low)
    return _escape(m, "tan", x, m.copysign(divide(m, a, b, b_low, a_low), m.mul(a, b)))


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


# --- the normal distribution ----------------------------------------------------------------------


def _erfc_parts(m: Any, a: Any, square: Any, square_low: Any) -> tuple[Any, Any]:
    """y and k: erfc(a) = y * 2**k for 0 <= a <= 28; square and square_low are a**2."""
    k, r = _split_exp(m, m.neg(square))
    e = _exp_parts(m, m.sub(r, square_low))
    t = m.div(m.sub(a, 4.0), m.add(a, 4.0))
    return m.div(m.mul(e, polynomial(m, t, "erfc")), m.fma(a, 2.0, 1.0)), k


def _erfc_of_positive(m: Any, a: Any) -> Any:
    a = m.where(m.gt(a, ERFC_LARGEST[m.bits]), ERFC_LARGEST[m.bits], a)
    square = m.mul(a, a)
    return scale(m, *_erfc_parts(m, a, square, m.fma(a, a, m.neg(square))))


def erfc(m: Any, x: Any) -> Any:
    y = _erfc_of_positive(m, m.abs(x))
    return m.where(m.lt(x, 0.0), m.sub(2.0, y), y)


def erf(m: Any, x: Any) -> Any:
    a = m.abs(x)
    z = m.mul(a, a)
    slope, slope_low = CONSTANTS["2/sqrt(pi)"][m.bits]
    near = m.fma(a, slope, m.mul(a, m.fma(z, polynomial(m, z, "erf"), slope_low)))
    far = m.sub(1.0, _erfc_of_positive(m, a))
    return m.copysign(m.where(m.gt(a, 1.0), far, near), x)


def gelu(m: Any, x: Any) -> Any:
    # exp(-x**2 / 2) from x itself: the rounding of x / sqrt(2) would grow with its square
    sqrt2 = math.sqrt(2.0)
    a, largest = m.abs(x), ERFC_LARGEST[m.bits] * sqrt2
    a = m.where(m.gt(a, largest), largest, a)
    half = m.mul(a, 0.5)
    square = m.mul(a, half)
    low = m.fma(a, half, m.neg(square))
    y, k = _erfc_parts(m, m.mul(a, 1.0 / sqrt2), square, low)
    negative = m.lt(x, 0.0)
    # before scaling, which may make it subnormal
    y = scale(m, m.mul(y, m.where(negative, m.mul(x, 0.5), 0.5)), k)
    y = m.where(negative, y, m.mul(x, m.sub(1.0, y)))
    return m.where(m.eq(x, -INF), 0.0, y)


# fmt: off
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": exp, "exp2": exp2, "expm1": expm1, "log": log, "log2": log2, "log10": log10,
    "log1p": log1p, "logaddexp": logaddexp, "sinh": sinh, "cosh": cosh, "tanh": tanh, "sech": sech,
    "sin": sin, "cos": cos, "tan": tan, "asin": asin, "acos": acos, "atan": atan, "atan2": atan2,
    "asinh": asinh, "acosh": acosh, "atanh": atanh, "hypot": hypot, "sigmoid": sigmoid,
    "softplus": softplus, "log_sigmoid": log_sigmoid, "silu": silu, "gelu": gelu,
    "erf": erf, "erfc": erfc,
}
# fmt: on
