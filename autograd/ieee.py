"""The float namespace of the rules: every primitive on plain floats, IEEE 754 throughout.

Python's `math` raises where float64 has an answer (`log(0)`, `exp(1000)`, `1.0 / 0.0`); here
overflow gives inf, a pole gives inf, outside the domain gives nan, and nothing raises.
"""

import math
from collections.abc import Callable, Iterable
from math import copysign, inf, isnan, nan

# Sums run left to right from 0.0: since Python 3.12 the builtin `sum` compensates its rounding, and
# the same program would give other bits on another Python.
if sum([1e100, 1.0, -1e100]) == 0.0:
    left_sum: Callable[[Iterable[float]], float] = sum
else:  # pragma: no cover - which branch runs depends on the Python version

    def left_sum(xs: Iterable[float]) -> float:
        s = 0.0
        for x in xs:
            s += x
        return s


# --- arithmetic and comparison -------------------------------------------------------------------


def add(a: float, b: float) -> float:
    return a + b


def sub(a: float, b: float) -> float:
    return a - b


def mul(a: float, b: float) -> float:
    return a * b


def neg(a: float) -> float:
    return -a


def div(a: float, b: float) -> float:
    if b != 0.0:
        return a / b
    if a == 0.0 or isnan(a):
        return nan
    return copysign(inf, a) * copysign(1.0, b)


def pow(a: float, b: float) -> float:
    try:
        return math.pow(a, b)
    except OverflowError:
        return -inf if a < 0.0 and b % 2.0 == 1.0 else inf
    except ValueError:  # a pole (0 to a negative power) or a negative number to a fraction
        if a != 0.0:
            return nan
        return copysign(inf, a) if b % 2.0 == 1.0 else inf


def gt(a: float, b: float) -> bool:
    return a > b


def lt(a: float, b: float) -> bool:
    return a < b


def eq(a: float, b: float) -> bool:
    return a == b


def where(condition: object, a: float, b: float) -> float:
    return a if condition else b


def identity(a: float) -> float:
    return a


stop_gradient = identity


def square(a: float) -> float:
    return a * a


def reciprocal(a: float) -> float:
    return div(1.0, a)


def hypot(a: float, b: float) -> float:
    return math.hypot(a, b)


def sqrt(a: float) -> float:
    return math.sqrt(a) if a >= 0.0 else nan


def cbrt(a: float) -> float:
    return math.cbrt(a)


# --- exponentials and logarithms -----------------------------------------------------------------


def _else_inf(f: Callable[[float], float]) -> Callable[[float], float]:
    """`f` with inf, of the argument's sign where `f` is odd, in place of an OverflowError."""
    odd = f is math.sinh

    def wrapped(a: float) -> float:
        try:
            return f(a)
        except OverflowError:
            return copysign(inf, a) if odd else inf

    wrapped.__name__ = wrapped.__qualname__ = f.__name__
    return wrapped


exp = _else_inf(math.exp)
exp2 = _else_inf(math.exp2)
expm1 = _else_inf(math.expm1)
sinh = _else_inf(math.sinh)
cosh = _else_inf(math.cosh)


def sech(a: float) -> float:
    return 1.0 / cosh(a)


def log(a: float) -> float:
    return math.log(a) if a > 0.0 else (-inf if a == 0.0 else nan)


def log2(a: float) -> float:
    return math.log2(a) if a > 0.0 else (-inf if a == 0.0 else nan)


def log10(a: float) -> float:
    return math.log10(a) if a > 0.0 else (-inf if a == 0.0 else nan)


def log1p(a: float) -> float:
    return math.log1p(a) if a > -1.0 else (-inf if a == -1.0 else nan)


def logaddexp(a: float, b: float) -> float:
    if a == b:  # also where both are the same infinity, whose difference would be nan
        return a + math.log(2.0)
    return maximum(a, b) + math.log1p(math.exp(-abs(a - b)))


def logsumexp(*xs: float) -> float:
    top = max(xs)
    if math.isinf(top) or any(map(isnan, xs)):
        return nan if any(map(isnan, xs)) else top
    others = list(xs)
    others.remove(top)
    # log1p over all but the largest keeps a small remainder: [0, -40] gives 4e-18, not 0
    return top + math.log1p(left_sum([math.exp(x - top) for x in others]))


# --- trigonometry --------------------------------------------------------------------------------


def _else_nan(f: Callable[[float], float]) -> Callable[[float], float]:
    """`f` with nan in place of a ValueError (outside the domain)."""

    def wrapped(a: float) -> float:
        try:
            return f(a)
        except ValueError:
            return nan

    wrapped.__name__ = wrapped.__qualname__ = f.__name__
    return wrapped


sin = _else_nan(math.sin)
cos = _else_nan(math.cos)
tan = _else_nan(math.tan)
asin = _else_nan(math.asin)
acos = _else_nan(math.acos)
acosh = _else_nan(math.acosh)
atan = math.atan
atan2 = math.atan2
tanh = math.tanh
asinh = math.asinh


def atanh(a: float) -> float:
    if abs(a) == 1.0:
        return copysign(inf, a)
    return math.atanh(a) if abs(a) < 1.0 else nan


# --- activations ---------------------------------------------------------------------------------

SELU_ALPHA = 1.6732632423543772  # Klambauer et al. 2017, arXiv:1706.02515, equation 14
SELU_SCALE = 1.0507009873554805


def sigmoid(a: float) -> float:
    if a >= 0.0:
        return 1.0 / (1.0 + math.exp(-a))
    e = math.exp(a)
    return e / (1.0 + e)


def softplus(a: float) -> float:
    return maximum(a, 0.0) + math.log1p(math.exp(-abs(a)))


def log_sigmoid(a: float) -> float:
    return -softplus(-a)


def step(a: float) -> float:
    return 1.0 if a > 0.0 else (0.0 if a <= 0.0 else nan)


def sign(a: float) -> float:
    return 0.0 if a == 0.0 else (nan if isnan(a) else copysign(1.0, a))


def relu(a: float) -> float:
    return a if not a <= 0.0 else 0.0  # nan passes through


def leaky_relu(a: float, slope: float = 0.01) -> float:
    return a if a > 0.0 else slope * a


def elu(a: float, alpha: float = 1.0) -> float:
    return a if a > 0.0 else alpha * math.expm1(a)


def selu(a: float) -> float:
    return SELU_SCALE * elu(a, SELU_ALPHA)


def silu(a: float) -> float:
    return a * sigmoid(a) if a != -inf else 0.0


def gelu(a: float) -> float:
    # x * Phi(x); erfc keeps the digits of the left tail, where 1 + erf would cancel
    return a * (0.5 * math.erfc(-a / math.sqrt(2.0))) if a != -inf else 0.0


# --- special functions ---------------------------------------------------------------------------

erf = math.erf
erfc = math.erfc


def lgamma(a: float) -> float:
    if abs(a - 1.0) < 1e-3:
        return _near_zero(0, 1.0, a - 1.0)
    if abs(a - 2.0) < 1e-3:
        return _near_zero(0, 2.0, a - 2.0)
    try:
        return math.lgamma(a)
    except (ValueError, OverflowError):  # a pole at 0, -1, -2 ... or beyond 1e305
        return inf


def _near_zero(order: int, zero: float, d: float) -> float:
    """The `order`-th derivative of lgamma at zero + d, near one of its zeros: the Taylor series.

    Any other sum cancels there: its terms are near 1, its value is not.
    """
    ks = range(6, 0, -1)  # the smallest terms first
    return left_sum([polygamma(order + k - 1, zero) * d**k / math.factorial(k) for k in ks])


_DIGAMMA_ZERO = 1.4616321449683622, 9.549995429965697e-17  # to twice the digits: their sum

# Bernoulli numbers B_2, B_4 ..., for the tail of the series
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798)


def polygamma(order: float, a: float) -> float:
    """The `order`-th derivative of digamma; order 0 is digamma itself.

    Recurrence to large arguments and the asymptotic series there (Abramowitz & Stegun 6.3.18,
    6.4.11); reflection (6.3.7, 6.4.7) for negative ones. Orders are whole numbers from 0 to 150,
    beyond which factorials leave the range of float64 (for negative arguments somewhat earlier);
    nan for another order.
    """
    if not 0.0 <= order <= 150.0 or order % 1.0 != 0.0:
        return nan
    n = int(order)
    if isnan(a) or a == -inf:
        return nan
    if a <= 0.0 and a == math.floor(a):  # a pole: from both sides the same infinity if n is odd
        return inf if n % 2 else nan
    if a == inf:
        return inf if n == 0 else 0.0
    if a < 0.0:
        # (-1)^n psi_n(1-a) - psi_n(a) = d^n/da^n [pi cot(pi a)]
        f = a - round(a)
        # near a half, where it is 0, by the tangent of what is left to the half
        near = abs(f) < 0.25
        cot = 1.0 / math.tan(math.pi * f) if near else math.tan(math.pi * (copysign(0.5, f) - f))
        value = left_sum([c * pow(cot, i) for i, c in enumerate(cot_derivative(n)) if c])
        return pow(-1.0, n) * polygamma(n, 1.0 - a) - math.pi ** (n + 1) * value
    zero, rest = _DIGAMMA_ZERO
    if n == 0 and abs(a - zero) < 1e-3:
        return _near_zero(1, zero, a - zero - rest)
    terms = []
    x = a
    while x < 12.0 + n:
        terms.append(pow(x, -(n + 1.0)))
        x += 1.0
    bernoulli = list(enumerate(_BERNOULLI, 1))
    if n == 0:
        tail = [math.log(x), -0.5 / x, *[-b / (2 * k) * pow(x, -2.0 * k) for k, b in bernoulli]]
        return left_sum([*tail, *[-t for t in terms]])
    fact = math.factorial
    tail = [fact(n - 1) * pow(x, -float(n)), fact(n) * 0.5 * pow(x, -(n + 1.0))]
    tail += [b * (fact(2 * k + n - 1) / fact(2 * k)) * pow(x, -(2.0 * k + n)) for k, b in bernoulli]
    return pow(-1.0, n + 1) * left_sum([*tail, *[fact(n) * t for t in terms]])


def cot_derivative(n: int) -> list[float]:
    """The n-th derivative of cot as a polynomial in cot, lowest power first: P' * -(1 + cot^2)."""
    poly = [0.0, 1.0]
    for _ in range(n):
        slope = [i * c for i, c in enumerate(poly)][1:]
        poly = [0.0] * (len(slope) + 2)
        for i, c in enumerate(slope):
            poly[i] -= c
            poly[i + 2] -= c
    return poly


def digamma(a: float) -> float:
    return polygamma(0, a)


# --- choosing ------------------------------------------------------------------------------------


def maximum(a: float, b: float) -> float:
    return a if a > b or isnan(a) else b


def minimum(a: float, b: float) -> float:
    return a if a < b or isnan(a) else b


def clip(a: float, low: float, high: float) -> float:
    return minimum(maximum(a, low), high)


# --- many operands -------------------------------------------------------------------------------


def total(*xs: float) -> float:
    return left_sum(xs)


def mean(*xs: float) -> float:
    return left_sum(xs) / len(xs)


def prod(*xs: float) -> float:
    p = 1.0
    for x in xs:
        p *= x
    return p


def dot(*operands: float) -> float:
    """n weights, n inputs and a bias: the sum of the products, then the bias."""
    n = len(operands) // 2
    weights, inputs = operands[:n], operands[n : 2 * n]
    return left_sum([*map(mul, weights, inputs), operands[-1]])


abs = math.fabs


def branch(condition: object) -> tuple[float | None, float | None]:
    """The local derivatives of `where`: 1 along the branch taken, nothing at all along the other.

    Nothing is not zero: `0.0 * inf` would be nan further up.
    """
    return (1.0, None) if condition else (None, 1.0)
