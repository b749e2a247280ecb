"""Exponentials, logarithms, and the hyperbolic functions and their inverses."""

import math
from typing import Any

from autograd.compiler.vectormath.common import INF, NAN, clip, divide, polynomial, scale
from autograd.compiler.vectormath.polynomials import CONSTANTS

SMALLEST_NORMAL = {64: 2.0**-1022, 32: 2.0**-126}
# Beyond these the functions are 0 (exp even times x) and inf
EXP_RANGE = {64: (-756.0, 710.0), 32: (-112.0, 89.0)}
HYPERBOLIC_RANGE = {64: 710.5, 32: 89.5}
EXP2_RANGE = {64: (-1076.0, 1025.0), 32: (-151.0, 129.0)}
# From here on x**2 + 1 is x**2, and x**2 does not overflow yet
LARGE = {64: 2.0**60, 32: 2.0**40}

# --- exponentials ---------------------------------------------------------------------------------


def split_exp(m: Any, x: Any) -> tuple[Any, Any]:
    """k and r: x = k ln2 + r, |r| <= ln2 / 2."""
    high, low = CONSTANTS["ln2"][m.bits]
    k = m.round(m.mul(x, CONSTANTS["1/ln2"][m.bits][0]))
    return k, m.fma(k, -low, m.fma(k, -high, x))


def exp_parts(m: Any, r: Any) -> Any:
    """exp(r) for |r| <= ln2 / 2."""
    return m.fma(m.fma(polynomial(m, r, "exp"), r, 1.0), r, 1.0)


def exp(m: Any, x: Any) -> Any:
    k, r = split_exp(m, clip(m, x, *EXP_RANGE[m.bits]))
    return scale(m, exp_parts(m, r), k)


def exp_of_negative(m: Any, x: Any) -> Any:
    """exp(x) for x <= 0 (or nan)."""
    low = EXP_RANGE[m.bits][0]
    k, r = split_exp(m, m.where(m.lt(x, low), low, x))
    return scale(m, exp_parts(m, r), k)


def exp2(m: Any, x: Any) -> Any:
    x = clip(m, x, *EXP2_RANGE[m.bits])
    k = m.round(x)
    r = m.sub(x, k)
    return scale(m, m.fma(polynomial(m, r, "exp2"), r, 1.0), k)


def expm1(m: Any, x: Any) -> Any:
    # below -40 it is -1 in all digits
    k, r = split_exp(m, clip(m, x, -40.0, EXP_RANGE[m.bits][1]))
    rest = m.mul(m.mul(r, r), polynomial(m, r, "exp"))
    half = m.power_of_two(m.sub(k, 1.0))  # half of 2**k, which may be beyond the range
    y = m.fma(half, rest, m.fma(half, r, m.sub(half, 0.5)))
    return m.copysign(m.where(m.eq(k, 0.0), m.add(r, rest), m.add(y, y)), x)


def tanh(m: Any, x: Any) -> Any:
    # expm1(z) / (expm1(z) + 2) at z = 2|x|; from 40 on it is 1 in all digits
    z = m.mul(m.abs(x), 2.0)
    k, r = split_exp(m, m.where(m.gt(z, 40.0), 40.0, z))
    rest = m.mul(m.mul(r, r), polynomial(m, r, "exp"))
    power = m.power_of_two(k)
    y = m.fma(power, rest, m.fma(power, r, m.sub(power, 1.0)))
    d = m.add(y, 2.0)
    return m.copysign(divide(m, y, d, m.sub(y, m.sub(d, 2.0))), x)


def _split_hyperbolic(m: Any, x: Any) -> tuple[Any, ...]:
    """k, r, sinh(r) - r, cosh(r) - 1, and a quarter of 2**k, 2**-k, their sum and difference."""
    a, largest = m.abs(x), HYPERBOLIC_RANGE[m.bits]
    k, r = split_exp(m, m.where(m.gt(a, largest), largest, a))
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


def _half_cosh(m: Any, x: Any) -> tuple[Any, Any]:
    """cosh(x) / 2, and what rounding it left out."""
    _, r, odd, even, up, down, plus, minus = _split_hyperbolic(m, x)
    rest = m.add(down, m.fma(minus, r, m.fma(minus, odd, m.mul(plus, even))))
    y = m.add(up, rest)
    return y, m.sub(rest, m.sub(y, up))


def cosh(m: Any, x: Any) -> Any:
    y, _ = _half_cosh(m, x)
    return m.add(y, y)


def sech(m: Any, x: Any) -> Any:
    y, y_low = _half_cosh(m, x)
    return m.where(m.eq(m.add(y, y), INF), 0.0, divide(m, 0.5, y, y_low))


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


def log1p_of_unit(m: Any, x: Any) -> Any:
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
