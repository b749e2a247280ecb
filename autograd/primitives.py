"""THE TABLE: one entry per primitive. Everything else in the library is derived from it.

An entry gives the value (`forward`, on floats) and the local derivatives (`partials`), each once.
`partials(m, y, *operands)` is an expression over a namespace `m`, the output `y` and the operands:
with `m` = floats it is the eager engine's rule, = Value it gives second and higher derivatives,
= dual numbers forward mode, = SymPy the formula to print. A partial of None means that no gradient
flows along that edge (which is not the same as 0.0: `0.0 * inf` is nan).

A rule must be accurate as well as true: `1 - tanh(x)**2` loses every digit by x = 20. The tests
hold each entry, first and second derivative, against mpmath at 50 digits.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from autograd import ieee
from autograd.errors import UnknownPrimitiveError

Interval = tuple[float, float]
REAL: Interval = (-math.inf, math.inf)
POSITIVE: Interval = (0.0, math.inf)
UNIT: Interval = (-1.0, 1.0)
ABOVE_ONE: Interval = (1.0, math.inf)


class Primitive(NamedTuple):
    """One entry of the table.

    name:     the function's name, and the `op` of the nodes it makes.
    symbol:   what the picture writes on the node.
    operands: their names, a default after "=", "*xs" for any number of them.
    formula:  the value in plain text, for docstrings.
    forward:  floats -> float, IEEE throughout.
    partials: (m, y, *operands) -> one local derivative per operand.
    domain:   for each operand the open interval where the function is real.
    kinks:    operands -> expressions that are zero where the function is not differentiable.
    arity:    the number of operands; None where any number may come.
    expression: (m, *operands) -> the value as an expression, where `forward` is made of one.
    """

    name: str
    symbol: str
    operands: tuple[str, ...]
    formula: str
    forward: Callable[..., float]
    partials: Callable[..., tuple[Any, ...]]
    domain: tuple[Interval, ...]
    kinks: Callable[..., tuple[float, ...]]
    arity: int | None
    expression: Callable[..., Any] | None = None


class _Table(dict[str, Primitive]):
    def __missing__(self, name: str) -> Primitive:
        raise UnknownPrimitiveError(
            f"there is no primitive {name!r}; if a graph from elsewhere was made with it, enter it "
            "here as well: autograd.primitive(...)"
        )


TABLE: dict[str, Primitive] = _Table()


def primitive(
    name: str,
    symbol: str,
    operands: str,
    formula: str,
    partials: Callable[..., tuple[Any, ...]],
    domain: tuple[Interval, ...] = (REAL,),
    kinks: Callable[..., tuple[float, ...]] = lambda *operands: (),
) -> None:
    """Enter a primitive whose forward function is `ieee.<name>`."""
    names = tuple(operands.split(", "))
    if len(domain) == 1:
        domain *= len(names)
    arity = None if names[0].startswith("*") else len(names)
    forward = getattr(ieee, name)
    TABLE[name] = Primitive(name, symbol, names, formula, forward, partials, domain, kinks, arity)


# --- rules too long for one line ------------------------------------------------------------------


def _where_defined(m: Any, outside: Any, partial: Any) -> Any:
    """nan where the function itself is nan: 1/x alone would give log(-1) a gradient."""
    return m.where(
        outside, m.mul(math.nan, partial), partial
    )  # a product, so nan stays in higher ones


def _pow(m: Any, y: Any, a: Any, b: Any) -> tuple[Any, Any]:
    base = m.mul(b, m.pow(a, m.sub(b, 1.0)))
    # x ** 0 is flat, even where base is 0 * inf; elsewhere base itself stays, for its derivative by b
    flat = m.where(m.eq(base, 0.0), base, 0.0)
    # no 0 * log(0), of which NumPy would warn where it computes on arrays of nodes
    zero = m.eq(a, 0.0)
    by_b = m.where(zero, 0.0, m.mul(y, m.log(m.where(zero, 1.0, a))))
    return m.where(m.eq(b, 0.0), flat, base), by_b


def _atan2(m: Any, y: Any, a: Any, b: Any) -> tuple[Any, Any]:
    r = m.hypot(a, b)
    at_origin = m.eq(r, 0.0)
    return (
        m.where(at_origin, 0.0, m.div(m.div(b, r), r)),
        m.where(at_origin, 0.0, m.neg(m.div(m.div(a, r), r))),
    )


def _below_and_above_zero(m: Any, a: Any, below: Any, slope: Any) -> Any:
    """1 above zero, `below` under it, and at zero the number of smallest size between the slopes."""
    at_zero = m.clip(slope, 0.0, 1.0)
    return m.where(m.gt(a, 0.0), 1.0, m.where(m.eq(a, 0.0), at_zero, below))


def _clip(m: Any, y: Any, a: Any, low: Any, high: Any) -> tuple[Any, Any, Any]:
    """A bound that is reached takes the gradient."""
    inside = m.where(m.gt(a, low), m.where(m.lt(a, high), 1.0, 0.0), 0.0)
    at_low = m.where(m.gt(a, low), 0.0, m.where(m.lt(low, high), 1.0, 0.0))
    at_high = m.where(m.lt(m.maximum(a, low), high), 0.0, 1.0)
    return inside, at_low, at_high


def _share(m: Any, larger: Any, smaller: Any) -> Any:
    """1 for the operand that is chosen, 0 for the other, half each where they are equal."""
    return m.where(m.gt(larger, smaller), 1.0, m.where(m.eq(larger, smaller), 0.5, 0.0))


def _prod(m: Any, y: Any, *xs: Any) -> tuple[Any, ...]:
    """The product of all the others, without dividing: y / x fails where x is 0."""
    before: list[Any] = [1.0]
    for x in xs[:-1]:
        before.append(m.mul(before[-1], x))
    after: list[Any] = [1.0]
    for x in xs[:0:-1]:
        after.append(m.mul(after[-1], x))
    return tuple(m.mul(b, a) for b, a in zip(before, reversed(after), strict=True))


def _dot(m: Any, y: Any, *operands: Any) -> tuple[Any, ...]:
    n = len(operands) // 2
    return (*operands[n : 2 * n], *operands[:n], 1.0)


def _logsumexp(m: Any, y: Any, *xs: Any) -> tuple[Any, ...]:
    """Softmax. Divided by the sum once more, for exp(x - y) alone carries the rounding of y.

    The sum is 1, but not to be taken for a constant, nor y: in the second derivative p * (1 - p),
    what 1 - p loses is what comes back through them.
    """
    e = [m.exp(m.sub(x, y)) for x in xs]
    s = m.total(*e)
    return tuple(m.div(ei, s) for ei in e)


_LN2, _LN10 = math.log(2.0), math.log(10.0)
_SQRT_HALF, _SQRT_TAU = math.sqrt(0.5), math.sqrt(math.tau)
_ERF_SLOPE = 2.0 / math.sqrt(math.pi)
_SELU_LEFT = ieee.SELU_SCALE * ieee.SELU_ALPHA

# fmt: off
# --- arithmetic -----------------------------------------------------------------------------------
#         name           symbol   operands  formula      partials
primitive("identity",      "id",    "x",    "x",         lambda m, y, a: (1.0,))
primitive("stop_gradient", "stop",  "x",    "x",         lambda m, y, a: (None,))
primitive("add",           "+",     "x, y", "x + y",     lambda m, y, a, b: (1.0, 1.0))
primitive("sub",           "−",     "x, y", "x - y",     lambda m, y, a, b: (1.0, -1.0))
primitive("mul",           "×",     "x, y", "x * y",     lambda m, y, a, b: (b, a))
primitive("div",           "÷",     "x, y", "x / y",     lambda m, y, a, b: (m.div(1.0, b), m.neg(m.div(y, b))), kinks=lambda a, b: (b,))
primitive("neg",           "−",     "x",    "-x",        lambda m, y, a: (-1.0,))
primitive("pow",           "^",     "x, y", "x ** y",    _pow, (POSITIVE, REAL))
primitive("square",        "²",     "x",    "x * x",     lambda m, y, a: (m.mul(2.0, a),))
primitive("reciprocal",    "1/x",   "x",    "1 / x",     lambda m, y, a: (m.neg(m.square(y)),), kinks=lambda a: (a,))
primitive("sqrt",          "√",     "x",    "x ** 0.5",  lambda m, y, a: (m.div(0.5, y),), (POSITIVE,))
primitive("cbrt",          "∛",     "x",    "x ** (1/3)", lambda m, y, a: (m.div(1.0, m.mul(3.0, m.square(y))),), kinks=lambda a: (a,))

# --- exponentials and logarithms ------------------------------------------------------------------
# (a + 0.0 is a, but 0.0 for -0.0: the slope of log is inf there, not -inf)
primitive("exp",           "exp",   "x",    "e ** x",    lambda m, y, a: (y,))
primitive("exp2",          "exp2",  "x",    "2 ** x",    lambda m, y, a: (m.mul(_LN2, y),))
primitive("expm1",         "expm1", "x",    "exp(x) - 1, exact near 0", lambda m, y, a: (m.exp(a),))
primitive("log",           "log",   "x",    "ln(x)",     lambda m, y, a: (_where_defined(m, m.lt(a, 0.0), m.div(1.0, m.add(a, 0.0))),), (POSITIVE,))
primitive("log2",          "log2",  "x",    "ln(x) / ln(2)",  lambda m, y, a: (_where_defined(m, m.lt(a, 0.0), m.div(1.0, m.mul(_LN2, m.add(a, 0.0)))),), (POSITIVE,))
primitive("log10",         "log10", "x",    "ln(x) / ln(10)", lambda m, y, a: (_where_defined(m, m.lt(a, 0.0), m.div(1.0, m.mul(_LN10, m.add(a, 0.0)))),), (POSITIVE,))
primitive("log1p",         "log1p", "x",    "ln(1 + x), exact near 0", lambda m, y, a: (_where_defined(m, m.lt(a, -1.0), m.div(1.0, m.add(1.0, a))),), ((-1.0, math.inf),))
primitive("logaddexp",     "logaddexp", "x, y", "ln(exp(x) + exp(y))", lambda m, y, a, b: (m.sigmoid(m.sub(a, b)), m.sigmoid(m.sub(b, a))))

# --- trigonometric and hyperbolic -----------------------------------------------------------------
primitive("sin",           "sin",   "x",    "sine, x in radians",    lambda m, y, a: (m.cos(a),))
primitive("cos",           "cos",   "x",    "cosine, x in radians",  lambda m, y, a: (m.neg(m.sin(a)),))
primitive("tan",           "tan",   "x",    "tangent, x in radians", lambda m, y, a: (m.add(1.0, m.square(y)),))
primitive("asin",          "asin",  "x",    "arc sine, in radians",    lambda m, y, a: (m.div(1.0, m.sqrt(m.mul(m.sub(1.0, a), m.add(1.0, a)))),), (UNIT,))
primitive("acos",          "acos",  "x",    "arc cosine, in radians",  lambda m, y, a: (m.div(-1.0, m.sqrt(m.mul(m.sub(1.0, a), m.add(1.0, a)))),), (UNIT,))
primitive("atan",          "atan",  "x",    "arc tangent, in radians", lambda m, y, a: (m.div(1.0, m.add(1.0, m.square(a))),))
primitive("atan2",         "atan2", "y, x", "the angle of the point (x, y), in radians", _atan2, kinks=lambda a, b: (ieee.hypot(a, ieee.maximum(b, 0.0)),))
primitive("sinh",          "sinh",  "x",    "(exp(x) - exp(-x)) / 2", lambda m, y, a: (m.cosh(a),))
primitive("cosh",          "cosh",  "x",    "(exp(x) + exp(-x)) / 2", lambda m, y, a: (m.sinh(a),))
primitive("tanh",          "tanh",  "x",    "sinh(x) / cosh(x)",      lambda m, y, a: (m.square(m.sech(a)),))
primitive("sech",          "sech",  "x",    "1 / cosh(x)",            lambda m, y, a: (m.neg(m.mul(y, m.tanh(a))),))
primitive("asinh",         "asinh", "x",    "the inverse of sinh",    lambda m, y, a: (m.div(1.0, m.hypot(1.0, a)),))
primitive("acosh",         "acosh", "x",    "the inverse of cosh",    lambda m, y, a: (m.div(1.0, m.mul(m.sqrt(m.sub(a, 1.0)), m.sqrt(m.add(a, 1.0)))),), (ABOVE_ONE,))
primitive("atanh",         "atanh", "x",    "the inverse of tanh",    lambda m, y, a: (_where_defined(m, m.gt(m.abs(a), 1.0), m.div(1.0, m.mul(m.sub(1.0, a), m.add(1.0, a)))),), (UNIT,))

# --- activations ----------------------------------------------------------------------------------
primitive("sigmoid",       "σ",     "x",    "1 / (1 + exp(-x))",     lambda m, y, a: (m.mul(y, m.sigmoid(m.neg(a))),))
primitive("log_sigmoid",   "log σ", "x",    "-ln(1 + exp(-x))",      lambda m, y, a: (m.sigmoid(m.neg(a)),))
primitive("softplus",      "softplus", "x", "ln(1 + exp(x))",        lambda m, y, a: (m.sigmoid(a),))
primitive("relu",          "relu",  "x",    "x if x > 0 else 0",     lambda m, y, a: (m.step(a),), kinks=lambda a: (a,))
primitive("leaky_relu",    "leaky", "x, slope=0.01", "x if x > 0 else slope * x", lambda m, y, a, s: (_below_and_above_zero(m, a, s, s), m.minimum(a, 0.0)), kinks=lambda a, s: (a if s != 1 else 1.0,))
primitive("elu",           "elu",   "x, alpha=1.0",  "x if x > 0 else alpha * (exp(x) - 1)", lambda m, y, a, c: (_below_and_above_zero(m, a, m.mul(c, m.exp(a)), c), m.expm1(m.minimum(a, 0.0))), kinks=lambda a, c: (a if c != 1 else 1.0,))
primitive("selu",          "selu",  "x",    "scale * elu(x, alpha), Klambauer et al. 2017", lambda m, y, a: (m.where(m.lt(a, 0.0), m.mul(_SELU_LEFT, m.exp(a)), ieee.SELU_SCALE),), kinks=lambda a: (a,))
primitive("silu",          "silu",  "x",    "x * sigmoid(x)",        lambda m, y, a: (m.mul(m.sigmoid(a), m.add(1.0, m.mul(a, m.sigmoid(m.neg(a))))),))
primitive("gelu",          "gelu",  "x",    "x * Phi(x), Phi the normal distribution function", lambda m, y, a: (m.add(m.mul(0.5, m.erfc(m.mul(-_SQRT_HALF, a))), m.mul(a, m.div(m.exp(m.mul(-0.5, m.square(a))), _SQRT_TAU))),))
primitive("step",          "step",  "x",    "1 if x > 0 else 0",     lambda m, y, a: (0.0,), kinks=lambda a: (a,))

# --- special functions ----------------------------------------------------------------------------
primitive("erf",           "erf",   "x",    "the error function",    lambda m, y, a: (m.mul(_ERF_SLOPE, m.exp(m.neg(m.square(a)))),))
primitive("erfc",          "erfc",  "x",    "1 - erf(x), exact for large x", lambda m, y, a: (m.mul(-_ERF_SLOPE, m.exp(m.neg(m.square(a)))),))
primitive("lgamma",        "lgamma", "x",   "ln|Gamma(x)|",          lambda m, y, a: (m.digamma(a),), (POSITIVE,))
primitive("digamma",       "ψ",     "x",    "the derivative of lgamma", lambda m, y, a: (m.polygamma(1.0, a),), (POSITIVE,))
primitive("polygamma",     "ψₙ",    "order, x", "the order-th derivative of digamma", lambda m, y, n, a: (None, m.polygamma(m.add(n, 1.0), a)), (REAL, POSITIVE))

# --- choosing -------------------------------------------------------------------------------------
primitive("abs",           "|x|",   "x",    "x if x > 0 else -x",    lambda m, y, a: (m.sign(a),), kinks=lambda a: (a,))
primitive("sign",          "sign",  "x",    "-1, 0 or 1",            lambda m, y, a: (0.0,), kinks=lambda a: (a,))
primitive("hypot",         "hypot", "x, y", "sqrt(x*x + y*y)",       lambda m, y, a, b: (m.where(m.eq(y, 0.0), 0.0, m.div(a, y)), m.where(m.eq(y, 0.0), 0.0, m.div(b, y))), kinks=lambda a, b: (ieee.hypot(a, b),))
primitive("maximum",       "max",   "x, y", "the larger one",        lambda m, y, a, b: (_share(m, a, b), _share(m, b, a)), kinks=lambda a, b: (a - b,))
primitive("minimum",       "min",   "x, y", "the smaller one",       lambda m, y, a, b: (_share(m, b, a), _share(m, a, b)), kinks=lambda a, b: (a - b,))
primitive("clip",          "clip",  "x, low, high", "x, but at least low and at most high", _clip, kinks=lambda a, low, high: (a - low, a - high, low - high))
primitive("where",         "where", "condition, x, y", "x if condition else y", lambda m, y, c, a, b: (None, *m.branch(c)))

# --- any number of operands -----------------------------------------------------------------------
primitive("total",         "Σ",     "*xs",  "the sum, left to right", lambda m, y, *xs: (1.0,) * len(xs))
primitive("mean",          "mean",  "*xs",  "the sum over the count", lambda m, y, *xs: (1.0 / len(xs),) * len(xs))
primitive("prod",          "Π",     "*xs",  "the product",            _prod)
primitive("dot",           "w·x+b", "*xs",  "the sum of weight times input, then the bias", _dot)
primitive("logsumexp",     "logsumexp", "*xs", "ln(exp(x1) + exp(x2) + ...)", _logsumexp)
# fmt: on

BUILT_IN = frozenset(TABLE)  # all others are a user's own, which `registering.py` enters
