"""What the formulas share: polynomials, powers of two, exact quotients."""

import math
from typing import Any

from autograd.compiler.vectormath.polynomials import POLYNOMIALS

INF, NAN = math.inf, math.nan


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
