"""Activations and the normal distribution."""

import math
from typing import Any

from autograd.compiler.vectormath.common import INF, divide, polynomial, scale
from autograd.compiler.vectormath.exponential import (
    EXP_RANGE,
    exp_of_negative,
    exp_parts,
    log1p_of_unit,
    split_exp,
)
from autograd.compiler.vectormath.polynomials import CONSTANTS

# Below, 1 + 2**k is 1; and 2**k is well in the normal range
SIGMOID_LEAST = {64: -900.0, 32: -100.0}
ERFC_LARGEST = {64: 27.5, 32: 10.5}  # beyond it is 0


def _sigmoid_parts(m: Any, x: Any) -> tuple[Any, Any, Any, Any]:
    """a, b, b_low, power: sigmoid(x) = a / (b + b_low) * power.

    The quotient is normal even where its product with the power of two is not.
    """
    lowest = EXP_RANGE[m.bits][0]
    z = m.neg(m.abs(x))
    k, r = split_exp(m, m.where(m.lt(z, lowest), lowest, z))
    # beyond, 1 + e is 1
    least = SIGMOID_LEAST[m.bits]
    near = m.where(m.lt(k, least), least, k)
    e = m.mul(exp_parts(m, r), m.power_of_two(near))
    d = m.add(e, 1.0)
    negative = m.lt(x, 0.0)
    power = m.where(negative, m.power_of_two(m.sub(k, near)), 1.0)
    return m.where(negative, e, 1.0), d, m.sub(e, m.sub(d, 1.0)), power


def sigmoid(m: Any, x: Any) -> Any:
    a, b, b_low, power = _sigmoid_parts(m, x)
    return m.mul(divide(m, a, b, b_low), power)


def silu(m: Any, x: Any) -> Any:
    a, b, b_low, power = _sigmoid_parts(m, x)
    lowest = EXP_RANGE[m.bits][0]  # lower still, x would make something of an exp that is 0
    x = m.where(m.lt(x, lowest), m.where(m.eq(x, -INF), 0.0, lowest), x)
    y = m.mul(x, a)
    q = m.mul(divide(m, y, b, b_low, m.fma(x, a, m.neg(y))), power)
    return m.where(m.eq(x, INF), x, m.copysign(q, x))


def softplus(m: Any, x: Any) -> Any:
    rest = log1p_of_unit(m, exp_of_negative(m, m.neg(m.abs(x))))
    return m.add(m.where(m.gt(x, 0.0), x, 0.0), rest)


def log_sigmoid(m: Any, x: Any) -> Any:
    return m.neg(softplus(m, m.neg(x)))


def logaddexp(m: Any, x: Any, y: Any) -> Any:
    rest = log1p_of_unit(m, exp_of_negative(m, m.neg(m.abs(m.sub(x, y)))))
    # the difference of equal infinities is nan
    rest = m.where(m.eq(x, y), math.log(2.0), rest)
    return m.add(m.where(m.gt(x, y), x, y), rest)


# --- the normal distribution ----------------------------------------------------------------------


def _erfc_parts(
    m: Any, a: Any, square: Any, square_low: Any, a_low: Any = None, factor: Any = None
) -> tuple[Any, Any]:
    """y and k: erfc(a) * factor = y * 2**k for 0 <= a <= 28; `square` is a**2.

    exp(-a**2) g(a) / (1 + 9/8 a), each of the three with what rounding it left out.
    """
    k, r = split_exp(m, m.neg(square))
    r = m.sub(r, square_low)
    slope = m.fma(polynomial(m, r, "exp"), r, 1.0)
    e = m.fma(slope, r, 1.0)
    e_low = m.fma(slope, r, m.sub(1.0, e))
    if factor is not None:
        product = m.mul(e, factor)
        e_low = m.fma(e_low, factor, m.fma(e, factor, m.neg(product)))
        e = product
    g = polynomial(m, m.div(m.sub(a, 4.0), m.add(a, 4.0)), "erfc")
    y = m.mul(e, g)
    y_low = m.fma(e_low, g, m.fma(e, g, m.neg(y)))
    b = m.fma(a, 1.125, 1.0)
    b_low = m.fma(a, 1.125, m.sub(1.0, b))
    if a_low is not None:
        b_low = m.fma(a_low, 1.125, b_low)
    return divide(m, y, b, b_low, y_low), k


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
    # max(x, 0) - |x| erfc(|x| / sqrt(2)) / 2; exp(-x**2 / 2) comes from x itself, for there the
    # rounding of x / sqrt(2) would grow with its square
    high, low = CONSTANTS["1/sqrt(2)"][m.bits]
    a, largest = m.abs(x), ERFC_LARGEST[m.bits] * math.sqrt(2.0)
    a = m.where(m.gt(a, largest), largest, a)
    half = m.mul(a, 0.5)
    square = m.mul(a, half)
    z = m.mul(a, high)
    z_low = m.fma(a, low, m.fma(a, high, m.neg(z)))
    tail = scale(m, *_erfc_parts(m, z, square, m.fma(a, half, m.neg(square)), z_low, half))
    y = m.copysign(m.sub(m.where(m.gt(x, 0.0), x, 0.0), tail), x)
    return m.where(m.eq(x, -INF), 0.0, y)
