"""A small graph as a formula, and its derivative from the table's rules, with SymPy.

`meanings()` says in SymPy what each primitive is; `rules()` is the `m` that turns the table's rules
into formulas. The tests hold the table to SymPy with the same two.
"""

import functools
import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any, final

from autograd import ieee
from autograd.errors import GraphTooLargeError, MissingExtraError, OperandError
from autograd.graph.explain import named
from autograd.graph.words import decimal, latex_name
from autograd.order import topological_order
from autograd.primitives import TABLE
from autograd.value import Value

NODES = 200  # beyond it a formula is no longer read
# What is used twice is written twice, so that a small graph can be a formula without end
WRITTEN = 20_000
SIMPLIFIED = 60  # operations; beyond it SymPy's simplify takes longer than a reader waits
DENOMINATOR = 12  # of a number that is written as a fraction; what has a larger one is a decimal


@final
class Symbolic:
    """A formula and its derivative; print it, or take the SymPy expressions.

    expression: the root. derivative: by `wrt`, None if there is none.
    symbols:    the SymPy symbol of each leaf.
    """

    def __init__(self, root: Value, wrt: Value | None) -> None:
        order = topological_order(root)
        _check_size(order, wrt)
        names = named(order)
        sp = _sympy()
        self.root, self.wrt = root, wrt
        self._title = names[root]
        symbols = {v: sp.Symbol(names[v], real=True) for v in order if v.op is None}
        if wrt is not None and wrt not in symbols and wrt in names and wrt.op != "constant":
            # a node between: a variable as far as the derivative is concerned
            symbols[wrt] = sp.Symbol(names[wrt], real=True)
        self.symbols: dict[Value, Any] = symbols
        formulas = _formulas(order, symbols)
        self.expression: Any = _simplified(formulas[root])
        self.derivative: Any = None
        self._by = ""
        if wrt is not None:
            self._by = names.get(wrt, wrt.label or "w")
            self.derivative = _simplified(_derivative(order, formulas, wrt))

    @property
    def latex(self) -> str:
        """Both formulas in LaTeX, one below the other."""
        sp = _sympy()
        written = {s: latex_name(s.name) for s in self.symbols.values()}
        title = latex_name(self._title)
        rows = [f"{title} &= {sp.latex(self.expression, symbol_names=written)}"]
        if self.derivative is not None:
            d = rf"\frac{{\partial {title}}}{{\partial {latex_name(self._by)}}}"
            rows.append(f"{d} &= {sp.latex(self.derivative, symbol_names=written)}")
        return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"

    def _repr_latex_(self) -> str:
        return f"$${self.latex}$$"

    def __str__(self) -> str:
        lines = [f"{self._title} = {self.expression}"]
        if self.derivative is not None:
            lines.append(f"d{self._title}/d{self._by} = {self.derivative}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Symbolic: {str(self).splitlines()[-1]:.200}>"


def formulas(root: Value, wrt: Value | None) -> Symbolic:
    """What `autograd.symbolic` gives."""
    for name, v in (("root", root), ("wrt", wrt)):
        if not isinstance(v, Value) and (v is not None or name == "root"):
            raise OperandError(
                f"symbolic expected a Value as {name}, but got {v!r:.80} ({type(v).__name__})"
            )
    return Symbolic(root, wrt)


def _check_size(order: list[Value], wrt: Value | None) -> None:
    advice = "; ask for a part: symbolic(a node inside, wrt), or autograd.explain for the numbers"
    if len(order) > NODES:
        raise GraphTooLargeError(
            f"a formula of {len(order):,} nodes is too large to read, at most {NODES}{advice}"
        )
    written: dict[Value, int] = {}
    for v in order:
        written[v] = 1 + sum(written[p] for p in v.parents)
    # the derivative: for each edge what came to the node, times a rule on all its operands
    derived = dict.fromkeys(order, 0)
    derived[order[-1]] = 1
    for v in reversed(order) if wrt is not None else ():
        for p in v.parents:
            derived[p] += derived[v] + written[v]
    size = max(written[order[-1]], derived.get(wrt, 0) if wrt is not None else 0)
    if size > WRITTEN:
        raise GraphTooLargeError(
            f"{len(order)} nodes, but the formula has some {decimal(float(size), 2)} parts, as "
            f"what is used twice is written twice; at most {WRITTEN:,}{advice}"
        )


def _formulas(order: Iterable[Value], symbols: dict[Value, Any]) -> dict[Value, Any]:
    """For each node its formula over the symbols."""
    meaning = meanings()
    found: dict[Value, Any] = {}
    for v in order:
        if v in symbols:
            found[v] = symbols[v]
        elif v.op is None or v.op == "constant":
            found[v] = _expression(v.data)
        else:
            found[v] = meaning[v.op](*[found[p] for p in v.parents])
    return found


def _derivative(order: list[Value], formulas: dict[Value, Any], wrt: Value) -> Any:
    """The chain rule, with the table's rules."""
    sp, m = _sympy(), rules()
    depends = {wrt}
    for v in order:
        if not depends.isdisjoint(v.parents):
            depends.add(v)
    adjoint: dict[Value, Any] = {order[-1]: sp.Integer(1)}
    for v in reversed(order):
        if v is wrt:
            break
        if v not in adjoint or v.op is None or v.op == "constant" or v not in depends:
            continue
        operands = [formulas[p] for p in v.parents]
        partials = TABLE[v.op].partials(m, formulas[v], *operands)
        for p, d in zip(v.parents, partials, strict=True):
            if d is not None and p in depends:
                adjoint[p] = adjoint.get(p, 0) + adjoint[v] * _expression(d)
    return sp.sympify(adjoint.get(wrt, 0))


def _expression(x: Any) -> Any:
    """A float as an exact number: 0.5 as 1/2, ln 2 as log(2); what is SymPy's already as it is."""
    sp = _sympy()
    if not isinstance(x, float):
        return sp.sympify(x)
    if not math.isfinite(x):
        return sp.sympify(x)
    if x in _constants():
        return _constants()[x]
    near = Fraction(x).limit_denominator(1000)
    return (
        sp.Rational(near.numerator, near.denominator) if float(near) == x else sp.Rational(repr(x))
    )


@functools.cache
def _constants() -> dict[float, Any]:
    """The irrational numbers that the rules hold as float64."""
    sp = _sympy()
    exact = {
        math.log(2.0): sp.log(2),
        math.log(10.0): sp.log(10),
        math.sqrt(0.5): sp.sqrt(2) / 2,
        math.sqrt(math.tau): sp.sqrt(2 * sp.pi),
        2.0 / math.sqrt(math.pi): 2 / sp.sqrt(sp.pi),
    }
    return exact | {-x: -e for x, e in exact.items()}


def _simplified(expression: Any) -> Any:
    """Simplified where that takes no long time and makes it shorter; then with decimals."""
    sp = _sympy()
    if expression.count_ops() <= SIMPLIFIED:
        expression = min(expression, sp.simplify(expression), key=lambda e: e.count_ops())
    return expression.replace(
        lambda e: e.is_Rational and e.q > DENOMINATOR, lambda e: sp.Float(e, 17)
    )


def _sympy() -> Any:
    try:
        import sympy
    except ModuleNotFoundError:
        raise MissingExtraError(
            "formulas need SymPy: pip install glassgrad[symbolic], or pip install sympy"
        ) from None
    return sympy


# --- the primitives in SymPy ----------------------------------------------------------------------


@functools.cache
def meanings() -> dict[str, Callable[..., Any]]:
    """What each primitive means, as SymPy expressions, said without the table's help."""
    sp = _sympy()
    scale, alpha = sp.Rational(ieee.SELU_SCALE), sp.Rational(ieee.SELU_ALPHA)
    half = sp.Rational(1, 2)

    def select(condition: Any, then: Any, otherwise: Any) -> Any:
        return sp.Piecewise((then, condition), (otherwise, True))

    def larger(x: Any, y: Any) -> Any:
        return select(x > y, x, y)

    def smaller(x: Any, y: Any) -> Any:
        return select(x < y, x, y)

    def dot(*operands: Any) -> Any:
        n = len(operands) // 2
        weights, inputs, bias = operands[:n], operands[n : 2 * n], operands[-1]
        return sum((w * x for w, x in zip(weights, inputs, strict=True)), bias)

    # fmt: off
    return {
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
        "sign":          lambda x: select(x > 0, 1, -1),
        "hypot":         lambda x, y: sp.sqrt(x**2 + y**2),
        "maximum":       larger,
        "minimum":       smaller,
        "clip":          lambda x, low, high: smaller(larger(x, low), high),
        "where":         lambda condition, x, y: select(sp.Ne(condition, 0), x, y),
        "total":         lambda *xs: sum(xs),
        "mean":          lambda *xs: sum(xs) / sp.Integer(len(xs)),
        "prod":          lambda *xs: sp.prod(xs),
        "dot":           dot,
        "logsumexp":     lambda *xs: sp.log(sum(sp.exp(x) for x in xs)),
    }
    # fmt: on


class _Rules:
    """`m` of the table's rules for SymPy: a rule becomes a formula."""

    def __init__(self) -> None:
        self._sp, self._meaning = _sympy(), meanings()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        meaning = self._meaning[name]
        return lambda *xs: meaning(*map(_expression, xs))

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        x, y = _expression(x), _expression(y)
        if x is self._sp.nan:  # outside the domain, where the formula itself has no value
            return y
        return self._sp.Piecewise((x, condition), (y, True))

    def branch(self, condition: Any) -> tuple[Any, Any]:
        taken = self._sp.Ne(condition, 0)
        return self.where(taken, 1, 0), self.where(taken, 0, 1)

    # fmt: off
    def gt(self, a: Any, b: Any) -> Any: return self._sp.Gt(*map(_expression, (a, b)))
    def lt(self, a: Any, b: Any) -> Any: return self._sp.Lt(*map(_expression, (a, b)))
    def eq(self, a: Any, b: Any) -> Any: return self._sp.Eq(*map(_expression, (a, b)))
    # fmt: on


@functools.cache
def rules() -> Any:
    """The namespace, made when SymPy is first needed."""
    return _Rules()
