"""The primitives in SymPy: what each means, and the `m` that turns the table's rules into formulas.

`autograd.symbolic` writes graphs with these, and the tests hold the table to SymPy with the same.
"""

import functools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from autograd import ieee
from autograd.errors import MissingExtraError
from autograd.primitives import BUILT_IN, TABLE, Primitive

SHORT = 6  # characters of a number that is exact; a longer one is a decimal from the start


def sympy() -> Any:
    """SymPy itself. Raises MissingExtraError."""
    try:
        import sympy as sp
    except ModuleNotFoundError:
        raise MissingExtraError(
            "formulas need SymPy: pip install glassgrad[symbolic], or pip install sympy"
        ) from None
    return sp


def expression(x: Any) -> Any:
    """A short float as a fraction, ln 2 as log(2); what is SymPy's already as it is."""
    sp = sympy()
    if not isinstance(x, float) or not math.isfinite(x):
        return sp.sympify(x)
    if x in _constants():
        return _constants()[x]
    near = Fraction(x).limit_denominator(1000)
    if float(near) == x:
        return sp.Rational(near.numerator, near.denominator)
    # of a long one no fraction: SymPy would take it apart
    return sp.Rational(repr(x)) if len(repr(x)) <= SHORT else sp.Float(x, 17)


@functools.cache
def _constants() -> dict[float, Any]:
    """The irrational numbers that the rules hold as float64."""
    sp = sympy()
    exact = {
        math.log(2.0): sp.log(2),
        math.log(10.0): sp.log(10),
        math.sqrt(0.5): sp.sqrt(2) / 2,
        math.sqrt(math.tau): sp.sqrt(2 * sp.pi),
        2.0 / math.sqrt(math.pi): 2 / sp.sqrt(sp.pi),
    }
    return exact | {-x: -e for x, e in exact.items()}


class _Meanings(dict[str, Callable[..., Any]]):
    """With a user's own primitives: their expression, or a function that SymPy knows no more of."""

    def __missing__(self, name: str) -> Callable[..., Any]:
        p = TABLE[name]

        def meaning(*xs: Any) -> Any:
            if p.expression is None or is_deep(p, len(xs)):
                return sympy().Function(name, real=True)(*xs)
            return p.expression(rules(), *xs)

        return meaning


def partial_formulas(p: Primitive, y: Any, operands: Sequence[Any]) -> tuple[Any, ...]:
    """The rule as formulas; of a user's own that is too deep for SymPy, names of derivatives."""
    if is_deep(p, len(operands)):
        return tuple([y.fdiff(k + 1) for k in range(len(operands))])
    return p.partials(rules(), y, *operands)


_CHOOSING = {"abs", "cbrt", "clip", "elu", "leaky_relu", "maximum", "minimum", "relu", "selu"}
_CHOOSING |= {"sign", "step", "where"}
DEEP = 2  # choices inside each other; SymPy may take for ever over more


class _Depth:
    """`m` that counts how deep choices stand inside choices."""

    def __getattr__(self, name: str) -> Callable[..., int]:
        def deepest(*operands: Any) -> int:
            inside = max([x for x in operands if type(x) is int], default=0)
            return inside + (name in _CHOOSING)

        return deepest


@functools.lru_cache
def is_deep(p: Primitive, n: int) -> bool:
    """Whether the formula of a user's own primitive, or of its rule, is more than SymPy can take.

    Of ours none is.
    """
    if p.name in BUILT_IN:
        return False
    m, operands = _Depth(), (0,) * n
    y = 0 if p.expression is None else p.expression(m, *operands)
    depths = [y, *p.partials(m, y, *operands)]
    return max([d for d in depths if type(d) is int], default=0) > DEEP


@functools.cache
def meanings() -> dict[str, Callable[..., Any]]:
    """What each primitive means, as SymPy expressions, said without the table's help."""
    sp = sympy()
    scale, alpha = expression(ieee.SELU_SCALE), expression(ieee.SELU_ALPHA)
    half = sp.Rational(1, 2)

    def select(condition: Any, then: Any, otherwise: Any) -> Any:
        return sp.Piecewise((then, condition), (otherwise, True))

    def larger(x: Any, y: Any) -> Any:
        return select(x > y, x, y)

    def smaller(x: Any, y: Any) -> Any:
        return select(x < y, x, y)

    def clip(x: Any, low: Any, high: Any) -> Any:
        return select((x >= high) | (low >= high), high, larger(x, low))

    def dot(*operands: Any) -> Any:
        n = len(operands) // 2
        weights, inputs, bias = operands[:n], operands[n : 2 * n], operands[-1]
        return sum((w * x for w, x in zip(weights, inputs, strict=True)), bias)

    # fmt: off
    return _Meanings({
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
        "cbrt":          lambda x: select(x > 0, sp.cbrt(x), -sp.cbrt(-x)),
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
        "relu":          lambda x: select(x > 0, x, 0),
        "leaky_relu":    lambda x, slope: select(x > 0, x, slope * x),
        "elu":           lambda x, alpha: select(x > 0, x, alpha * (sp.exp(x) - 1)),
        "selu":          lambda x: scale * select(x > 0, x, alpha * (sp.exp(x) - 1)),
        "silu":          lambda x: x / (1 + sp.exp(-x)),
        "gelu":          lambda x: x * sp.erfc(-x / sp.sqrt(2)) * half,
        "step":          lambda x: select(x > 0, 1, 0),
        "erf":           lambda x: sp.erf(x),
        "erfc":          lambda x: sp.erfc(x),
        "lgamma":        lambda x: sp.loggamma(x),
        "digamma":       lambda x: sp.polygamma(0, x),
        "polygamma":     lambda order, x: sp.polygamma(order, x),
        "abs":           lambda x: select(x > 0, x, -x),
        "sign":          lambda x: select(x > 0, 1, select(x < 0, -1, 0)),
        "hypot":         lambda x, y: sp.sqrt(x**2 + y**2),
        "maximum":       larger,
        "minimum":       smaller,
        "clip":          clip,
        "where":         lambda condition, x, y: select(sp.Ne(condition, 0), x, y),
        "total":         lambda *xs: sum(xs),
        "mean":          lambda *xs: sum(xs) / sp.Integer(len(xs)),
        "prod":          lambda *xs: sp.prod(xs),
        "dot":           dot,
        "logsumexp":     lambda *xs: sp.log(sum(sp.exp(x) for x in xs)),
    })
    # fmt: on


class _Rules:
    """`m` of the table's rules for SymPy: a rule becomes a formula."""

    def __init__(self) -> None:
        self._sp, self._meaning = sympy(), meanings()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        meaning = self._meaning[name]
        return lambda *xs: meaning(*map(expression, xs))

    # Not as branches: the rules compare them, and SymPy gets lost in conditions on branches
    def maximum(self, a: Any, b: Any) -> Any:
        return self._sp.Max(*map(expression, (a, b)))

    def minimum(self, a: Any, b: Any) -> Any:
        return self._sp.Min(*map(expression, (a, b)))

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        x, y = expression(x), expression(y)
        if x is self._sp.nan:  # outside the domain, where the formula itself has no value
            return y
        return self._sp.Piecewise((x, condition), (y, True))

    def branch(self, condition: Any) -> tuple[Any, Any]:
        taken = self._sp.Ne(condition, 0)
        return self.where(taken, 1, 0), self.where(taken, 0, 1)

    # fmt: off
    def gt(self, a: Any, b: Any) -> Any: return self._sp.Gt(*map(expression, (a, b)))
    def lt(self, a: Any, b: Any) -> Any: return self._sp.Lt(*map(expression, (a, b)))
    def eq(self, a: Any, b: Any) -> Any: return self._sp.Eq(*map(expression, (a, b)))
    # fmt: on


@functools.cache
def rules() -> Any:
    """The namespace, made when SymPy is first needed."""
    return _Rules()


@functools.cache
def has_branches(p: Primitive, n: int) -> bool:
    """Whether the primitive, or its rule, is written with conditions on its n operands."""
    sp = sympy()
    xs = [sp.Symbol(f"x{i}", real=True) for i in range(n)]
    y = meanings()[p.name](*xs)
    formulas = [y, *[d for d in partial_formulas(p, y, xs) if d is not None]]
    return any(sp.sympify(e).has(sp.Piecewise) for e in formulas)
