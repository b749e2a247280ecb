"""Formulas: what SymPy is given equals what the engine computes."""

import builtins
import math
import sys
from typing import Any

import pytest
import sympy as sp
from accuracy import every_primitive
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import Program, function_of, number_of_operands, operands_of, programs

import autograd
from autograd import GraphTooLargeError, MissingExtraError, OperandError, Value, symbolic
from autograd.graph.symbolic import Symbolic
from tools.references import evaluator


def assert_formulas_are_the_engine(found: Symbolic, tolerance: float) -> None:
    """At the leaves' numbers the formulas give the root's data and the gradient."""
    root, wrt = found.root, found.wrt
    assert wrt is not None
    root.zero_grad()
    wrt.grad = 0.0
    root.backward()
    symbols = list(found.symbols.values())
    numbers = [v.data for v in found.symbols]
    for formula, true in ((found.expression, root.data), (found.derivative, wrt.grad)):
        formula = formula.subs(sp.zoo, sp.nan)  # a pole in a branch not taken
        value = float(evaluator(formula, symbols)(*numbers))
        assert math.isclose(value, true, rel_tol=tolerance, abs_tol=tolerance), formula


@every_primitive
@settings(max_examples=5)
@given(data=st.data())
def test_formulas_of_each_primitive(name: str, data: st.DataObject) -> None:
    """Evaluated at the point, the formulas are the node's number and each of its gradients."""
    p = autograd.primitives.TABLE[name]
    n = number_of_operands(p)[0] if p.arity else 3
    xs = [Value(x, f"x{i}") for i, x in enumerate(data.draw(operands_of(p, n, size=5.0)))]
    root = function_of(name)(*xs)
    for wrt in xs:
        assert_formulas_are_the_engine(symbolic(root, wrt), 1e-9)


@settings(max_examples=25)
@given(programs(size=4))
def test_formulas_of_random_graphs(program: Program) -> None:
    """On small random graphs, with constants and shared nodes, the same."""
    leaves = [Value(x) for x in program.leaves]
    root = program(leaves)
    assume(len(autograd.topological_order(root)) < 30)
    assert_formulas_are_the_engine(symbolic(root, leaves[0]), 1e-7)


def test_of_branches_in_conditions_the_one_taken_is_written() -> None:
    """Two relus, one inside the other: the outer one has branches, the inner one the taken one."""
    x, w = Value(2.0, "x"), Value(0.5, "w")
    hidden = autograd.relu(x * w)
    assert str(symbolic(autograd.relu(hidden * w - 0.1), w)) == (
        "L = Piecewise((w**2*x - 1/10, w**2*x > 1/10), (0, True))\n"
        "dL/dw = Piecewise((2*w*x, (w*x > 0) & (w**2*x > 1/10)), (0, True))"
    )
    assert str(symbolic(hidden * 2.0, w).derivative) == "Piecewise((2*x, w*x > 0), (0, True))"


def test_formulas_look_as_in_a_book() -> None:
    """Short numbers are fractions, constants of the rules their names, labels the symbols."""
    x, w = Value(0.7, "x"), Value(1.5, "w")
    neuron = autograd.tanh(x * w + 0.5)
    neuron.label = "y"
    assert str(symbolic(neuron, w)) == "y = tanh(w*x + 1/2)\ndy/dw = x/cosh(w*x + 1/2)**2"
    assert symbolic(neuron, w).latex == (
        "\\begin{aligned}\n"
        r"y &= \tanh{\left(w x + \frac{1}{2} \right)} \\"
        "\n"
        r"\frac{\partial y}{\partial w} &= \frac{x}{\cosh^{2}{\left(w x + \frac{1}{2} \right)}}"
        "\n\\end{aligned}"
    )
    assert str(symbolic(autograd.exp2(x), x).derivative) == "2**x*log(2)"
    assert str(symbolic(x * 0.26 + 0.1, x)) == "L = 0.26*x + 1/10\ndL/dx = 0.26"
    assert r"&= 0.26" in symbolic(x * 0.26, x).latex
    assert str(symbolic(x * w)) == "L = w*x"
    assert symbolic(x * w)._repr_latex_().startswith("$$")
    assert repr(symbolic(x * w, w)) == "<Symbolic: dL/dw = x>"


def test_a_node_between_is_a_variable() -> None:
    """Derived by a node inside, the formula is written in that node."""
    x = Value(2.0, "x")
    c = x * x
    c.label = "c"
    found = symbolic(autograd.sin(c) + x, c)
    assert str(found) == "L = x + sin(c)\ndL/dc = cos(c)"
    assert symbolic(c, c).derivative == 1
    assert symbolic(c, Value(1.0, "z")).derivative == 0


def test_hostile_labels_stay_text() -> None:
    """A label that is LaTeX or HTML is escaped."""
    x = Value(2.0, r"\href{javascript:alert(1)}{x}")
    assert r"\href" not in symbolic(x * x, x).latex


def test_what_is_too_large_is_refused_with_advice() -> None:
    """Many nodes, and few nodes whose formula would have no end, name what to do instead."""
    x = y = Value(1.0, "x")
    for _ in range(200):
        y = y + x
    with pytest.raises(GraphTooLargeError, match=r"symbolic\(a node inside, wrt\)"):
        symbolic(y, x)
    y = x
    for _ in range(40):
        y = autograd.sin(y * y)
    with pytest.raises(GraphTooLargeError, match="written twice"):
        symbolic(y, x)


def test_wrong_arguments_are_named() -> None:
    """What is no Value is refused."""
    with pytest.raises(OperandError, match="as root"):
        symbolic(1.0)
    with pytest.raises(OperandError, match="as wrt"):
        symbolic(Value(1.0), 2.0)


def test_without_sympy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install."""
    imported = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "sympy":
            raise ModuleNotFoundError(name)
        return imported(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, "sympy")
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"glassgrad\[symbolic\]"):
        symbolic(Value(1.0))
