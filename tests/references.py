"""What each primitive means, said a second time and independently: as a SymPy expression.

SymPy differentiates it, mpmath evaluates value and derivatives to 50 digits. Nothing here is shared
with the table but the names. A new primitive needs one entry in MEANING.
"""

import functools
from collections.abc import Callable
from typing import Any

import mpmath
import sympy as sp

from autograd import ieee
from autograd.primitives import POSITIVE, TABLE

_SCALE, _ALPHA = sp.Rational(ieee.SELU_SCALE), sp.Rational(ieee.SELU_ALPHA)


def _if(condition: Any, then: Any, otherwise: Any) -> Any:
    return sp.Piecewise((then, condition), (otherwise, True))


def _max(x: Any, y: Any) -> Any:
    return _if(x > y, x, y)


def _min(x: Any, y: Any) -> Any:
    return _if(x < y, x, y)


def _dot(*operands: Any) -> Any:
    n = len(operands) // 2
    weights, inputs, bias = operands[:n], operands[n : 2 * n], operands[-1]
    return sum((w * x for w, x in zip(weights, inputs, strict=True)), bias)


# fmt: off
MEANING: dict[str, Callable[..., Any]] = {
    "identity":      lambda x: x,
    "stop_gradient": lambda x: x,
    "add":           lambda x, y: x + y,
    "sub":           lambda x, y: x - y,
    "mul":           lambda x, y: x * y,
    "div":           lambda x, y: x / y,
    "neg":           lambda x: -x,
    "pow":           lambda x, y: x**y,
    "square":        lambda x: x**2,
    "reciprocal":    lambda x: 1 / x,
    "sqrt":          lambda x: sp.sqrt(x),
    "cbrt":          lambda x: _if(x > 0, sp.cbrt(x), -sp.cbrt(-x)),
    "exp":           lambda x: sp.exp(x),
    "exp2":          lambda x: sp.Integer(2) ** x,
    "expm1":         lambda x: sp.exp(x) - 1,
    "log":           lambda x: sp.log(x),
    "log2":          lambda x: sp.log(x) / sp.log(2),
    "log10":         lambda x: sp.log(x) / sp.log(10),
    "log1p":         lambda x: sp.log(1 + x),
    "logaddexp":     lambda x, y: sp.log(sp.exp(x) + sp.exp(y)),
    "sin":           lambda x: sp.sin(x),
    "cos":           lambda x: sp.cos(x),
    "tan":           lambda x: sp.tan(x),
    "asin":          lambda x: sp.asin(x),
    "acos":          lambda x: sp.acos(x),
    "atan":          lambda x: sp.atan(x),
    "atan2":         lambda y, x: sp.atan2(y, x),
    "sinh":          lambda x: sp.sinh(x),
    "cosh":          lambda x: sp.cosh(x),
    "tanh":          lambda x: sp.tanh(x),
    "sech":          lambda x: 1 / sp.cosh(x),
    "asinh":         lambda x: sp.asinh(x),
    "acosh":         lambda x: sp.acosh(x),
    "atanh":         lambda x: sp.atanh(x),
    "sigmoid":       lambda x: 1 / (1 + sp.exp(-x)),
    "log_sigmoid":   lambda x: -sp.log(1 + sp.exp(-x)),
    "softplus":      lambda x: sp.log(1 + sp.exp(x)),
    "relu":          lambda x: _if(x > 0, x, 0),
    "leaky_relu":    lambda x, slope: _if(x > 0, x, slope * x),
    "elu":           lambda x, alpha: _if(x > 0, x, alpha * (sp.exp(x) - 1)),
    "selu":          lambda x: _SCALE * _if(x > 0, x, _ALPHA * (sp.exp(x) - 1)),
    "silu":          lambda x: x / (1 + sp.exp(-x)),
    "gelu":          lambda x: x * sp.erfc(-x / sp.sqrt(2)) / 2,
    "step":          lambda x: _if(x > 0, 1, 0),
    "erf":           lambda x: sp.erf(x),
    "erfc":          lambda x: sp.erfc(x),
    "lgamma":        lambda x: sp.loggamma(x),
    "digamma":       lambda x: sp.polygamma(0, x),
    "polygamma":     lambda order, x: sp.polygamma(order, x),
    "abs":           lambda x: _if(x > 0, x, -x),
    "sign":          lambda x: _if(x > 0, 1, -1),
    "hypot":         lambda x, y: sp.sqrt(x**2 + y**2),
    "maximum":       lambda x, y: _max(x, y),
    "minimum":       lambda x, y: _min(x, y),
    "clip":          lambda x, low, high: _min(_max(x, low), high),
    "where":         lambda condition, x, y: _if(sp.Ne(condition, 0), x, y),
    "total":         lambda *xs: sum(xs),
    "mean":          lambda *xs: sum(xs) / sp.Integer(len(xs)),
    "prod":          lambda *xs: sp.prod(xs),
    "dot":           _dot,
    "logsumexp":     lambda *xs: sp.log(sum(sp.exp(x) for x in xs)),
}
# fmt: on

# Operands along which no gradient flows by intent, whatever the formula says.
NO_GRADIENT = {"stop_gradient": {0}, "polygamma": {0}, "where": {0}}


def symbols(name: str, n: int) -> list[Any]:
    """A SymPy symbol for each of `n` operands, positive where the table's domain is."""
    domain = TABLE[name].domain
    return [
        sp.Symbol(
            f"x{i}", real=True, positive=True if domain[i % len(domain)] == POSITIVE else None
        )
        for i in range(n)
    ]


@functools.cache
def derivative(name: str, n: int, *along: int) -> Callable[..., Any]:
    """The meaning of the primitive with `n` operands, differentiated along the operands named.

    `derivative("tanh", 1)` is the value, `derivative("pow", 2, 0, 1)` the mixed second derivative.
    """
    xs = symbols(name, n)
    expression = MEANING[name](*xs)
    for i in along:
        expression = sp.S.Zero if i in NO_GRADIENT.get(name, ()) else sp.diff(expression, xs[i])
    return evaluator(expression, xs)


def evaluator(expression: Any, xs: list[Any]) -> Callable[..., Any]:
    """A function of floats that gives the expression's value to 50 digits, as an mpmath number."""
    f = sp.lambdify(xs, expression, [{"polygamma": mpmath.psi}, "mpmath"])

    def evaluate(*numbers: float) -> Any:
        # log(1 + 1e-400) is 0 at 50 digits: trust a result only once more digits do not change it.
        last = None
        for digits in (60, 120, 240, 480, 960):
            with mpmath.workdps(digits):
                y = mpmath.mpf(f(*[mpmath.mpf(x) for x in numbers]))
                if last is not None and y != 0 and abs(y - last) <= abs(y) * mpmath.mpf("1e-50"):
                    return y
                last = y
        return last

    return evaluate


class _SympyNamespace:
    """`m` of the rules for SymPy: a rule becomes a formula."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *xs: MEANING[name](*map(sp.sympify, xs))

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        return _if(condition, x, y)

    def branch(self, condition: Any) -> tuple[Any, Any]:
        taken = sp.Ne(condition, 0)
        return _if(taken, 1, 0), _if(taken, 0, 1)

    # fmt: off
    def gt(self, a: Any, b: Any) -> Any: return sp.Gt(a, b)
    def lt(self, a: Any, b: Any) -> Any: return sp.Lt(a, b)
    def eq(self, a: Any, b: Any) -> Any: return sp.Eq(a, b)
    # fmt: on


def rule_for_sympy(name: str, n: int) -> tuple[Any, ...]:
    """The table's rule as SymPy expressions, one for each of `n` operands."""
    xs = symbols(name, n)
    partials = TABLE[name].partials(_SympyNamespace(), MEANING[name](*xs), *xs)
    return tuple(None if d is None else sp.sympify(d) for d in partials)
