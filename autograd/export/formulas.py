"""to_sympy, to_latex: a small traced function as formulas over the numbers of its arguments.

A trace has both branches of a choice, where a graph has the one taken. The formulas are held
against the function at the example, near it, and far from it, where other branches are taken.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, final

from autograd.compiler.trace import Trace, recording
from autograd.export.branches import AllBranches
from autograd.export.leaves import labels_of
from autograd.export.portable import Agreement, Portable
from autograd.graph.meanings import expression, sympy
from autograd.graph.symbolic import (
    DENOMINATOR,
    chain_rule,
    check_size,
    formulas_of,
    latex_settings,
    simplified,
)
from autograd.graph.words import latex_name
from autograd.tree import flatten

DIGITS = 30  # to which formulas are computed where they are held against the function
ADVICE = "to_python writes it as a program"


@final
class FunctionFormulas:
    """A function as SymPy expressions.

    symbols: one for each number of the arguments, in order. expressions: one for each number of the
    result. gradient: the derivative of the one result by each symbol, or nothing.
    agreement: how near the eager engine is to what the formulas say.
    """

    def __init__(self, f: Callable[..., Any], examples: Sequence[Any], gradient: bool) -> None:
        portable = Portable(f, examples, gradient)
        sp = sympy()
        self.name = portable.name
        labels = chain(*labels_of(f, examples))
        self.symbols: tuple[Any, ...] = tuple([sp.Symbol(label, real=True) for label in labels])
        program = _Program(f, portable)
        symbols = dict(zip(program.arguments, self.symbols, strict=True))
        # numbers come in at the end: SymPy is quicker, and shorter, without them
        numbers = {sp.Dummy(real=True): node for node in program.captured}
        symbols |= {node: dummy for dummy, node in numbers.items()}
        literals = {dummy: _literal(node.data) for dummy, node in numbers.items()}
        algebra = AllBranches()

        def written(formula: Any) -> Any:
            return simplified(formula).subs(literals, simultaneous=True)

        self.expressions: list[Any] = []
        self.gradient: list[Any] = []
        for order in program.results:
            check_size(order, program.arguments[0] if gradient else None, ADVICE)
            found = formulas_of(order, symbols, algebra)
            self.expressions.append(written(found[order[-1]]))
            if gradient:
                self.gradient = [
                    written(chain_rule(order, found, x, algebra)) for x in program.arguments
                ]
        self.agreement: Agreement = portable.agreement(self._run)
        portable.check_far(self._run)

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
        how = latex_settings(self.symbols)
        names = how["symbol_names"]
        f = latex_name(self.name)
        results = [f] if len(self.expressions) == 1 else self._indexed(f)
        rows = list(zip(results, self.expressions, strict=True))
        pairs = zip(self.symbols, self.gradient, strict=False)
        rows += [(rf"\frac{{\partial {f}}}{{\partial {names[s]}}}", e) for s, e in pairs]
        written = [f"{left} &= {sympy().latex(e, **how)}" for left, e in rows]
        return "\\begin{aligned}\n" + " \\\\\n".join(written) + "\n\\end{aligned}"

    def _indexed(self, f: str) -> list[str]:
        return [f"{{{f}}}_{{{k}}}" for k in range(len(self.expressions))]

    def _repr_latex_(self) -> str:
        return f"$${self.latex}$$"

    def __repr__(self) -> str:
        names = ", ".join(s.name for s in self.symbols)
        return f"<SymPy {self.name}({names}): {str(self.expressions)[1:-1]:.200}; {self.agreement}>"


@dataclass(frozen=True, eq=False)
class _Step:
    """An instruction of the trace, as `graph/symbolic.py` reads it."""

    op: str | None
    parents: Sequence["_Step"] = ()
    data: float = 0.0


class _Program:
    """A traced function: the steps of its inputs, and for each result all it is made of, in order.

    arguments: a step for each number of them. captured: for each Value that is no argument.
    """

    def __init__(self, f: Callable[..., Any], portable: Portable) -> None:
        trace = Trace(exact=True)
        numbers = [[trace.input() for _ in range(slot.size)] for slot in portable.arguments]
        pairs = zip(portable.arguments, numbers, strict=True)
        with recording(trace):
            found = f(*[slot.rebuild(list(xs)) for slot, xs in pairs])
        tape = trace.tape
        tape.outputs = [trace.place(y) for y in flatten(found)[0]]
        values = {place: v.data for v, place in trace.captured.items()}
        steps: list[_Step] = []
        for i, op, args in tape.instructions():
            if op == "input":
                steps.append(_Step(None, data=values.get(i, 0.0)))
            elif op == "constant":
                steps.append(_Step("constant", data=args[0]))
            else:
                steps.append(_Step(op, [steps[x] for x in args]))
        self.arguments = [steps[x.value] for x in chain(*numbers)]
        self.captured = [steps[i] for i in values]
        self.results = []
        for y in tape.outputs:
            tape.outputs = [y]
            self.results.append([steps[i] for i in tape.live()])


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
