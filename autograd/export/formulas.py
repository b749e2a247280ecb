"""to_sympy, to_latex: a small traced function as formulas over the numbers of its arguments.

What `autograd.symbolic` makes of a graph, held against the function at other points as well.
"""

from collections.abc import Callable, Sequence
from typing import Any, final

from autograd.errors import ExportError
from autograd.export.leaves import leaves_of
from autograd.export.portable import Agreement, Portable
from autograd.graph.meanings import expression, sympy
from autograd.graph.symbolic import DENOMINATOR, formulas
from autograd.graph.words import latex_name
from autograd.tree import flatten
from autograd.value import Value

DIGITS = 30  # to which formulas are computed where they are held against the function


@final
class FunctionFormulas:
    """A function as SymPy expressions.

    symbols: one for each number of the arguments, in order. expressions: one for each number of the
    result. gradient: the derivative of the one result by each symbol, or nothing.
    agreement: how near the eager engine is to what the formulas say.
    """

    def __init__(self, f: Callable[..., Any], examples: Sequence[Any], gradient: bool) -> None:
        portable = Portable(f, examples, gradient)
        arguments, leaves = leaves_of(f, examples)
        results = [y if isinstance(y, Value) else Value(y) for y in flatten(f(*arguments))[0]]
        sp = sympy()
        self.name = portable.name
        self.symbols: tuple[Any, ...] = tuple([sp.Symbol(v.label, real=True) for v in leaves])
        known = dict(zip(leaves, self.symbols, strict=True))
        self.expressions = [_over(known, y, None) for y in results]
        self.gradient = [_over(known, results[0], v) for v in leaves] if gradient else []
        try:
            self.agreement: Agreement = portable.agreement(self._run)
        except ExportError as error:
            raise ExportError(
                f"{error}, unless it has branches inside the condition of another branch: of those "
                "a formula has the one taken at the example alone"
            ) from None

    def _run(self, *arrays: Any) -> list[Any]:
        numbers = [x for array in arrays for x in array.tolist()]
        point = {s: sympy().Float(x, DIGITS) for s, x in zip(self.symbols, numbers, strict=True)}
        found = [[_number(e, point) for e in self.expressions]]
        if self.gradient:
            rest = iter([_number(e, point) for e in self.gradient])
            found += [[next(rest) for _ in array] for array in arrays]
        return found

    @property
    def latex(self) -> str:
        """The formulas in LaTeX, one below the other."""
        names = {s: latex_name(s.name) for s in self.symbols}
        f = latex_name(self.name)
        results = [f] if len(self.expressions) == 1 else self._indexed(f)
        rows = list(zip(results, self.expressions, strict=True))
        pairs = zip(self.symbols, self.gradient, strict=False)
        rows += [(rf"\frac{{\partial {f}}}{{\partial {names[s]}}}", e) for s, e in pairs]
        how = {"symbol_names": names, "full_prec": False}
        written = [f"{left} &= {sympy().latex(e, **how)}" for left, e in rows]
        return "\\begin{aligned}\n" + " \\\\\n".join(written) + "\n\\end{aligned}"

    def _indexed(self, f: str) -> list[str]:
        return [f"{{{f}}}_{{{k}}}" for k in range(len(self.expressions))]

    def _repr_latex_(self) -> str:
        return f"$${self.latex}$$"

    def __repr__(self) -> str:
        names = ", ".join(s.name for s in self.symbols)
        return f"<SymPy {self.name}({names}): {str(self.expressions)[1:-1]:.200}; {self.agreement}>"


def _over(known: dict[Value, Any], root: Value, wrt: Value | None) -> Any:
    """The formula, or its derivative, over the arguments; other leaves as the numbers they are."""
    found = formulas(root, wrt)
    e = found.expression if wrt is None else found.derivative
    numbers = {s: known[v] if v in known else _literal(v.data) for v, s in found.symbols.items()}
    return e.subs(numbers, simultaneous=True)


def _literal(x: float) -> Any:
    e = expression(x)  # 0.5 as 1/2, but 0.3 as 0.3
    return sympy().Float(x) if e.is_Float or (e.is_Rational and e.q > DENOMINATOR) else e


def _number(e: Any, point: dict[Any, Any]) -> float:
    try:
        return float(e.evalf(DIGITS, subs=point))
    except TypeError:  # outside the domain, where SymPy has a complex number
        return float("nan")


def latex_of(f: Callable[..., Any], examples: Sequence[Any], gradient: bool) -> str:
    """What `to_latex` gives."""
    found = FunctionFormulas(f, examples, gradient)
    return f"% written by glassgrad; {found.agreement}\n{found.latex}"
