"""A small graph as a formula, and its derivative by the chain rule with the table's rules."""

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, final

from autograd.errors import GraphTooLargeError, OperandError
from autograd.graph.explain import named
from autograd.graph.meanings import (
    expression,
    has_branches,
    meanings,
    partial_formulas,
    sympy,
)
from autograd.graph.words import decimal, latex_name, latex_names
from autograd.order import topological_order
from autograd.primitives import TABLE
from autograd.value import Value

NODES = 200  # beyond it a formula is no longer read
# What is used twice is written twice, so that a small graph can be a formula without end
WRITTEN = 20_000
# Operations; beyond these numbers SymPy's simplify and cancel take longer than a reader waits
SIMPLIFIED, CANCELLED = 30, 100
FOLDED = 4  # branches; to put one inside the other makes the product of their numbers
DENOMINATOR = 12  # of a number that is written as a fraction; what has a larger one is a decimal


class Node(Protocol):
    """What a formula is made of: a Value, or what has its fields."""

    @property
    def op(self) -> str | None: ...
    @property
    def data(self) -> float: ...
    @property
    def parents(self) -> Sequence["Node"]: ...


class Algebra(Protocol):
    """What operations are, and their local derivatives, of formulas."""

    def value(self, op: str, operands: Sequence[Any]) -> Any: ...
    def partials(self, op: str, y: Any, operands: Sequence[Any]) -> Sequence[Any]: ...


@final
class Symbolic:
    """A formula and its derivative; print it, or take the SymPy expressions.

    expression: the root. derivative: by `wrt`, None if there is none.
    symbols:    the SymPy symbol of each leaf.
    """

    def __init__(self, root: Value, wrt: Value | None) -> None:
        order = topological_order(root)
        check_size(order, wrt, ADVICE)
        names = named(order)
        sp = sympy()
        self.root, self.wrt = root, wrt
        self._title = names[root]
        symbols = {v: sp.Symbol(names[v], real=True) for v in order if v.op is None}
        if wrt is not None and wrt not in symbols and wrt in names and wrt.op != "constant":
            # a node between: a variable as far as the derivative is concerned
            symbols[wrt] = sp.Symbol(names[wrt], real=True)
        self.symbols: dict[Value, Any] = symbols
        point = {symbol: sp.Float(v.data, 17) for v, symbol in symbols.items()}
        algebra = _Taken(point)
        formulas = formulas_of(order, symbols, algebra)
        self.expression: Any = simplified(formulas[root])
        self.derivative: Any = None
        self._by = ""
        if wrt is not None:
            self._by = names.get(wrt, wrt.label or "w")
            self.derivative = simplified(chain_rule(order, formulas, wrt, algebra))

    @property
    def latex(self) -> str:
        """Both formulas in LaTeX, one below the other."""
        sp = sympy()
        how = latex_settings(self.symbols.values())
        title = latex_name(self._title)
        rows = [f"{title} &= {sp.latex(self.expression, **how)}"]
        if self.derivative is not None:
            d = rf"\frac{{\partial {title}}}{{\partial {latex_name(self._by)}}}"
            rows.append(f"{d} &= {sp.latex(self.derivative, **how)}")
        return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"

    def _repr_latex_(self) -> str:
        return f"$${self.latex}$$"

    def __str__(self) -> str:
        written = functools.partial(sympy().sstr, full_prec=False)
        lines = [f"{self._title} = {written(self.expression)}"]
        if self.derivative is not None:
            lines.append(f"d{self._title}/d{self._by} = {written(self.derivative)}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Symbolic: {str(self).splitlines()[-1]:.200}>"


def latex_settings(symbols: Iterable[Any]) -> dict[str, Any]:
    """How SymPy is to write formulas of these symbols in LaTeX."""
    symbols = list(symbols)
    names = latex_names([s.name for s in symbols])
    # without a dot names of several letters would run together
    dot = "dot" if any(r"\mathrm" in name for name in names.values()) else None
    return {
        "symbol_names": {s: names[s.name] for s in symbols},
        "mul_symbol": dot,
        "full_prec": False,
    }


def formulas(root: Value, wrt: Value | None) -> Symbolic:
    """What `autograd.symbolic` gives."""
    for name, v in (("root", root), ("wrt", wrt)):
        if not isinstance(v, Value) and (v is not None or name == "root"):
            raise OperandError(
                f"symbolic expected a Value as {name}, but got {v!r:.80} ({type(v).__name__})"
            )
    return Symbolic(root, wrt)


ADVICE = "ask for a part: symbolic(a node inside, wrt), or autograd.explain for the numbers"


def check_size(order: Sequence[Node], wrt: Node | None, advice: str) -> None:
    """Raises GraphTooLargeError if nobody would read the formula of the last node.

    order: it, and before it all that it is made of. advice: what to ask for in its place.
    """
    if len(order) > NODES:
        raise GraphTooLargeError(
            f"a formula of {len(order):,} nodes is too large to read, at most {NODES}; {advice}"
        )
    written: dict[Node, int] = {}
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
            f"what is used twice is written twice; at most {WRITTEN:,}; {advice}"
        )


def formulas_of(
    order: Iterable[Node], symbols: Mapping[Any, Any], algebra: Algebra
) -> dict[Node, Any]:
    """For each node its formula over the symbols."""
    found: dict[Node, Any] = {}
    for v in order:
        if v in symbols:
            found[v] = symbols[v]
        elif v.op is None or v.op == "constant":
            found[v] = expression(v.data)
        else:
            found[v] = algebra.value(v.op, [found[p] for p in v.parents])
    return found


def chain_rule(
    order: Sequence[Node], formulas: Mapping[Node, Any], wrt: Node, algebra: Algebra
) -> Any:
    """The derivative of the last node, with the table's rules."""
    sp = sympy()
    depends = {wrt}
    for v in order:
        if not depends.isdisjoint(v.parents):
            depends.add(v)
    adjoint: dict[Node, Any] = {order[-1]: sp.Integer(1)}
    for v in reversed(order):
        if v is wrt:
            break
        if v not in adjoint or v.op is None or v.op == "constant" or v not in depends:
            continue
        partials = algebra.partials(v.op, formulas[v], [formulas[p] for p in v.parents])
        for p, d in zip(v.parents, partials, strict=True):
            if d is not None and p in depends:
                adjoint[p] = adjoint.get(p, 0) + adjoint[v] * expression(d)
    return sp.sympify(adjoint.get(wrt, 0))


@final
class _Taken:
    """Of branches inside the condition of a branch, the one taken at a point.

    SymPy would take them apart for ever, and nobody would read the result.
    """

    def __init__(self, point: dict[Any, Any]) -> None:
        self._point = point

    def value(self, op: str, operands: Sequence[Any]) -> Any:
        return meanings()[op](*self._operands(op, operands))

    def partials(self, op: str, y: Any, operands: Sequence[Any]) -> Sequence[Any]:
        return partial_formulas(TABLE[op], y, self._operands(op, operands))

    def _operands(self, op: str, operands: Sequence[Any]) -> Sequence[Any]:
        branches = has_branches(TABLE[op], len(operands))
        return [self._taken(e) for e in operands] if branches else operands

    def _taken(self, formula: Any) -> Any:
        piecewise, point = sympy().Piecewise, self._point

        def branch(choice: Any) -> Any:
            return next(e for e, c in choice.args if c.subs(point) == True)  # noqa: E712 (SymPy's true)

        return formula.replace(piecewise, lambda *pairs: branch(piecewise(*pairs, evaluate=False)))


def simplified(formula: Any) -> Any:
    """Made shorter where that takes no long time; then with decimals."""
    sp = sympy()

    def shorter(e: Any) -> Any:
        for change, most in ((sp.cancel, CANCELLED), (_simplify, SIMPLIFIED)):
            if e.count_ops() <= most:
                e = min(e, change(e), key=lambda e: e.count_ops())
        return e

    size = formula.count_ops()
    conditions = formula.atoms(sp.Rel)
    if all(isinstance(c, sp.Eq | sp.Ne) and not c.has(sp.Function) for c in conditions):
        formula = shorter(formula)
    # SymPy would solve the conditions of branches, which may take for ever, or fail
    elif size <= SIMPLIFIED and formula.count(sp.Piecewise) <= FOLDED:
        folded = sp.piecewise_fold(formula, evaluate=False)
        if isinstance(folded, sp.Piecewise) and folded.count_ops() <= 1.5 * size:
            pieces = [(e if e.has(sp.Piecewise) else shorter(e), c) for e, c in folded.args]
            formula = sp.Piecewise(*pieces)
    return formula.replace(lambda e: e.is_Rational and e.q > DENOMINATOR, lambda e: sp.Float(e, 17))


def _simplify(e: Any) -> Any:
    """SymPy's `simplify`, which would write out a tanh or sin of a sum, and take minutes to."""
    from sympy.functions.elementary.hyperbolic import HyperbolicFunction
    from sympy.functions.elementary.trigonometric import TrigonometricFunction

    sp = sympy()
    inside = [f.args[0] for f in e.atoms(HyperbolicFunction, TrigonometricFunction)]
    hidden = {x: sp.Dummy(real=True) for x in inside if x.is_Add}
    shown = {symbol: x for x, symbol in hidden.items()}
    return sp.simplify(e.xreplace(hidden), rational=False).xreplace(shown)
