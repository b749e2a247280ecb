"""The logarithm of gamma and its derivatives as formulas without a branch, for ONNX has none.

They follow `ieee.py`, and Lanczos's approximation where Python's `math` does (Pugh 2004), over the
namespace that `compiler/vectormath` is written in: each branch is computed, and one is chosen.
"""

import math
from collections.abc import Sequence
from typing import Any

from autograd import ieee

LANCZOS_G = 6.024680040776729583740234375
LANCZOS_OVER = (
    23531376880.41076, 42919803642.6491, 35711959237.35567, 17921034426.03721,
    6039542586.352028, 1439720407.3117216, 248874557.86205417, 31426415.585400194,
    2876370.6289353725, 186056.26539522348, 8071.672002365816, 210.82427775157936,
    2.5066282746310002,
)  # fmt: skip
LANCZOS_UNDER = (
    0.0, 39916800.0, 120543840.0, 150917976.0, 105258076.0, 45995730.0, 13339535.0, 2637558.0,
    357423.0, 32670.0, 1925.0, 66.0, 1.0,
)  # fmt: skip


def lgamma(m: Any, a: Any) -> Any:
    """ln|gamma(a)|."""
    x = m.abs(a)
    small = m.lt(x, 5.0)
    z = m.where(small, x, m.div(1.0, x))  # in powers of x or, where those are large, of 1 / x
    p, q = (
        _polynomial(m, [m.where(small, *pair) for pair in zip(c, c[::-1], strict=True)], z)
        for c in (LANCZOS_OVER, LANCZOS_UNDER)
    )
    logarithm = m.each("log", m.add(x, LANCZOS_G - 0.5))
    y = m.add(
        m.sub(m.each("log", m.div(p, q)), LANCZOS_G),
        m.mul(m.sub(x, 0.5), m.sub(logarithm, 1.0)),
    )
    sine = m.abs(m.each("sin", m.mul(math.pi, m.sub(x, m.round(x)))))
    below = m.sub(m.sub(math.log(math.pi), m.each("log", sine)), m.add(m.each("log", x), y))
    y = m.where(m.lt(a, 0.0), below, y)
    for zero in (1.0, 2.0):
        d = m.sub(a, zero)
        y = m.where(m.lt(m.abs(d), 1e-3), _near_zero(m, 0, zero, d), y)
    pole = m.both(m.le(a, 0.0), m.eq(a, m.round(a)))
    infinite = m.either(pole, m.eq(x, math.inf))
    return m.where(infinite, math.inf, y)


def polygamma(m: Any, n: int, a: Any) -> Any:
    """The n-th derivative of digamma, for one n."""
    if not 0 <= n <= 150 or n % 1:
        return m.where(m.is_nan(a), math.nan, math.nan)
    n = int(n)
    negative = m.lt(a, 0.0)
    y = _positive(m, n, m.where(negative, m.sub(1.0, a), a))
    f = m.sub(a, m.round(a))
    # near a half, where it is 0, by the tangent of what is left to the half
    near = m.lt(m.abs(f), 0.25)
    angle = m.where(near, f, m.sub(m.copysign(0.5, f), f))
    tangent = m.each("tan", m.mul(math.pi, angle))
    cot = m.where(near, m.div(1.0, tangent), tangent)
    slope = m.mul(math.pi ** (n + 1), _polynomial(m, ieee.cot_derivative(n), cot))
    y = m.where(negative, m.sub(m.neg(y) if n % 2 else y, slope), y)
    pole = m.both(m.le(a, 0.0), m.eq(a, m.round(a)))
    y = m.where(pole, math.inf if n % 2 else math.nan, y)
    y = m.where(m.eq(a, math.inf), 0.0 if n else math.inf, y)
    return m.where(m.either(m.is_nan(a), m.eq(a, -math.inf)), math.nan, y)


def _positive(m: Any, n: int, a: Any) -> Any:
    """At a > 0: the recurrence to where the asymptotic series is exact."""
    steps, factorial = 12 + n, math.factorial
    x = m.add(a, float(steps))
    inverse = m.div(1.0, x)
    square = m.mul(inverse, inverse)
    ks = range(1, len(ieee._BERNOULLI) + 1)
    of = [factorial(2 * k + n - 1) / factorial(2 * k) for k in ks]
    series = _polynomial(m, [b * c for b, c in zip(ieee._BERNOULLI, of, strict=True)], square)
    tail = m.mul(series, square)
    if n == 0:
        y = m.sub(m.each("log", x), m.add(m.mul(0.5, inverse), tail))
    else:
        half = m.mul(factorial(n) * 0.5, inverse)
        y = m.mul(m.add(float(factorial(n - 1)), m.add(half, tail)), _power(m, inverse, n))
    passed = _power(m, m.div(1.0, m.add(a, float(steps - 1))), n + 1)
    for k in range(steps - 2, -1, -1):  # the smallest first
        passed = m.add(passed, _power(m, m.div(1.0, m.add(a, float(k))), n + 1))
    if n == 0:
        zero, rest = ieee._DIGAMMA_ZERO
        d = m.sub(m.sub(a, zero), rest)
        return m.where(m.lt(m.abs(d), 1e-3), _near_zero(m, 1, zero, d), m.sub(y, passed))
    y = m.add(y, m.mul(float(factorial(n)), passed))
    return y if n % 2 else m.neg(y)


def _near_zero(m: Any, order: int, zero: float, d: Any) -> Any:
    """The Taylor series, for any other sum cancels there."""
    terms = [ieee.polygamma(order + k - 1, zero) / math.factorial(k) for k in range(1, 7)]
    return m.mul(_polynomial(m, terms, d), d)


def _polynomial(m: Any, coefficients: Sequence[Any], x: Any) -> Any:
    """By Horner's rule; the coefficient of the lowest power first."""
    y = coefficients[-1]
    for c in coefficients[-2::-1]:
        y = m.add(m.mul(y, x), c)
    return y


def _power(m: Any, x: Any, n: int) -> Any:
    return x if n == 1 else m.each("pow", x, float(n))
