"""Functions as formulas: to_sympy and to_latex say what the eager engine computes, everywhere."""

import re
from typing import Any

import pytest
from exported import primitive_function

import autograd
from autograd import Value
from autograd.errors import ExportError, GraphTooLargeError, TraceError
from autograd.export import to_latex, to_sympy
from autograd.primitives import TABLE
from autograd.tree import flatten

SMALL = ("tanh", "sigmoid", "log", "relu", "gelu", "atan2", "hypot", "maximum", "logsumexp", "dot")


@pytest.mark.parametrize("name", SMALL)
def test_formulas_say_what_is_computed(name: str) -> None:
    """Value and gradient of a formula, at 30 digits, are within some ulp of the eager engine."""
    p = TABLE[name]
    n = 3 if p.arity is None else p.arity
    found = to_sympy(primitive_function(p), [0.5 + 0.25 * k for k in range(n)], gradient=True)
    assert found.agreement.ulp <= 8.0
    assert [s.name for s in found.symbols] == [f"xs{k}" for k in range(n)]
    assert len(found.gradient) == n


def test_formulas_over_the_arguments() -> None:
    """Numbers of arguments are symbols, with names of their own; weights are numbers."""
    import sympy as sp

    w = Value(0.37, "x")
    found = to_sympy(lambda x, x0: x[0] * w + x0 * 2, [1.0], 4.0, gradient=True)
    x0, other = found.symbols
    assert (x0.name, other.name) == ("x0", "x0_")
    assert sp.simplify(found.expressions[0] - (sp.Float(0.37) * x0 + 2 * other)) == 0
    assert [float(e) for e in found.gradient] == [0.37, 2.0]
    assert "0.37*x0" in repr(found)
    assert "bit for bit" in repr(found) or "ulp" in repr(found)


def test_latex() -> None:
    """A row for each formula, with the agreement in a comment."""
    text = to_latex(lambda x, w: autograd.log(x) * w, 2.0, 3.0, gradient=True)
    lines = text.splitlines()
    assert re.match(r"% written by glassgrad; (within|equal)", lines[0])
    assert lines[1:] == [
        r"\begin{aligned}",
        r"f &= w \log{\left(x \right)} \\",
        r"\frac{\partial f}{\partial x} &= \frac{w}{x} \\",
        r"\frac{\partial f}{\partial w} &= \log{\left(x \right)}",
        r"\end{aligned}",
    ]
    several = to_latex(lambda x: [x, x * x], 2.0)
    assert "{f}_{0} &= x" in several
    assert "{f}_{1} &= x^{2}" in several


def test_names_in_latex() -> None:
    """Long names have a dot between them, Greek ones are letters, indices stand below."""
    text = to_latex(lambda mass, speed: mass * speed**2 / 2, 2.0, 3.0)
    assert r"\frac{\mathrm{mass} \cdot \mathrm{speed}^{2}}{2}" in text
    text = to_latex(lambda alpha, x_1, v_max: alpha * x_1 * v_max, 2.0, 3.0, 4.0, gradient=True)
    assert r"&= \alpha \cdot v_{\mathrm{max}} \cdot x_{1}" in text
    assert r"\frac{\partial f}{\partial x_{1}} &= \alpha \cdot v_{\mathrm{max}}" in text
    greek = to_latex(lambda p: p["Omega2"] * p["beta"] * p["x"], {"Omega2": 2, "beta": 3, "x": 1})
    assert r"&= \Omega_{2} \beta x" in greek
    alike = to_latex(lambda x, x_1: x[0] * x[1] * x_1, [1.0, 2.0], 3.0)
    assert r"\mathrm{x1} \cdot \mathrm{x\_1}" in alike
    assert "x_{0}" in alike


def test_numbers_of_a_dict_are_named_after_their_keys() -> None:
    """Keys that can be names are; two alike are told apart, others are numbered."""

    def energy(p: Any, q: Any) -> Any:
        return p["mass"] * p["speed"] ** 2 / 2 + p["w"][1] * q["mass"] + q["n"]["b"]

    p = {"mass": 2.0, "speed": 3.0, "w": [1.0, 2.0]}
    found = to_sympy(energy, p, {"mass": 1.0, "n": {"b": 4.0}})
    names = [s.name for s in found.symbols]
    assert names == ["mass", "speed", "w0", "w1", "mass_", "b"]
    assert str(found.expressions[0]) == "b + mass*speed**2/2 + mass_*w1"
    alike = to_sympy(lambda p, q, r: p["m"] * q["m"] - r["m"], *[{"m": 2.0}] * 3)
    assert [s.name for s in alike.symbols] == ["m", "m_", "m__"]
    odd = to_sympy(lambda p: p["a b"] * p["c"], {"a b": 2.0, "c": 3.0})
    assert [s.name for s in odd.symbols] == ["p0", "p1"]


def test_formulas_that_hold_at_the_example_alone_are_refused() -> None:
    """A branch that depends on a number is refused, as is a graph that is too large to read."""
    with pytest.raises(TraceError):
        to_sympy(lambda x: x if x.data > 0 else -x, 2.0)
    with pytest.raises(GraphTooLargeError):
        to_sympy(lambda xs: autograd.total([x * x for x in xs]), [1.0] * 200)


def tabled(rows: Any, x: Any) -> Any:
    return autograd.take(rows, 1.0 + autograd.step(x)) * x


def guarded(x: Any) -> Any:
    return autograd.where(x > 0.0, autograd.log(x), 3.0 * x)


def deciding(x: Any) -> Any:
    """A choice on what was chosen, on a comparison as a number, and inside a branch."""
    inner = autograd.where(autograd.step(x), x, x * x + 1.0)
    below = autograd.where(x <= -1.0, autograd.abs(x + 2.0), -x) * (x < 0.5)
    return autograd.relu(inner - 0.5) + autograd.maximum(below, autograd.relu(x) - 1.0)


CHOICES: list[tuple[Any, list[Any]]] = [
    (lambda x: autograd.where(x > 0, x, -x), [1.0]),
    (lambda x: autograd.where(x > 0, x, -x), [-1.0]),
    (lambda x, y: autograd.where(x > y, x, y * y), [0.5, 1.0]),
    (
        lambda w, a: autograd.dot(w, [1, 2]) * a + autograd.where(w[0] > w[1], a**2, 0.0),
        [[1, 2], 3],
    ),
    (lambda x: autograd.where(x >= 1.0, autograd.where(x < 2.0, x * x, 4.0), x), [0.5]),
    (lambda x: autograd.where(x == 2.0, 1.0, x), [2.0]),
    (autograd.grad(lambda x: autograd.where(x > 1.0, x * x * x, x)), [0.5]),
    (tabled, [[1.0, 2.0, 3.0], 1.0]),
    (guarded, [-1.0]),
    (deciding, [0.7]),
]


@pytest.mark.parametrize(("f", "examples"), CHOICES)
def test_a_formula_has_every_branch(f: Any, examples: list[Any]) -> None:
    """On either side of a choice, whichever the example, formulas are the engine's numbers."""
    found = to_sympy(f, *examples, gradient=True)
    argnums = tuple(range(len(examples)))
    template, rebuild = flatten(list(examples))
    for shift in (-4.0, -1.7, -1.0, -0.6, 0.2, 0.9, 1.0, 2.0, 3.0):
        numbers = [shift + 0.3 * k * (-1.0) ** k for k in range(len(template))]
        point = dict(zip(found.symbols, numbers, strict=True))
        value, slopes = autograd.value_and_grad(f, argnums)(*rebuild(numbers))
        for formula, true in zip(
            [*found.expressions, *found.gradient], [value, *flatten(slopes)[0]], strict=True
        ):
            assert float(formula.subs(point)) == pytest.approx(true, rel=1e-12, abs=1e-12)


def test_both_branches_are_written() -> None:
    """Not the one alone that the example takes, in SymPy, in LaTeX and in the slope."""
    found = to_sympy(lambda x: autograd.where(x > 0, x, -x), 1.0, gradient=True)
    assert str(found.expressions) == "[Piecewise((x, x > 0), (-x, True))]"
    assert str(found.gradient) == "[Piecewise((1, x > 0), (-1, True))]"
    assert r"- x & \text{otherwise}" in to_latex(lambda x: autograd.where(x > 0, x, -x), 1.0)
    rows = to_sympy(autograd.take, [1.0, 2.0], 1.0)
    assert str(rows.expressions) == (
        "[Piecewise((rows0, Eq(index, 0)), (rows1, Eq(index, 1)), (nan, True))]"
    )
    chosen = to_sympy(lambda x: autograd.relu(autograd.relu(x) - 1.0), 3.0)
    assert str(chosen.expressions) == "[Piecewise((x - 1, (x > 0) & (x > 1)), (0, True))]"


def test_a_formula_is_held_against_the_function_far_from_the_example(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that has lost the branch that the example does not take is refused."""
    monkeypatch.setitem(autograd.graph.meanings.meanings(), "where", lambda condition, x, y: x)
    with pytest.raises(ExportError, match="does not compute the same"):
        to_sympy(lambda x: autograd.where(x > 0, x, -x), 1.0)


def test_more_cases_than_are_read_are_refused() -> None:
    """A choice over many choices is refused, with what to do, and no branch is left out."""

    def f(xs: Any) -> Any:
        return autograd.relu(autograd.total([autograd.relu(x) for x in xs]) - 1.0)

    assert len(to_sympy(f, [1.0, 2.0, 3.0]).expressions) == 1
    with pytest.raises(GraphTooLargeError, match=r"more than 8 cases.*to_python"):
        to_sympy(f, [1.0, 2.0, 3.0, 4.0])


def test_cases_that_cannot_be_are_not_counted() -> None:
    """Choices by one condition have two cases together; those inside a branch decide nothing."""

    def alike(x: Any) -> Any:
        terms = [autograd.where(x > 0.0, k * x, -x / k) for k in range(1, 10)]
        return autograd.relu(autograd.total(terms) - 1.0)

    def inside(xs: Any) -> Any:
        total = autograd.total([autograd.relu(x) for x in xs])
        return autograd.where(xs[0] > 1.0, total, 0.0)

    assert len(to_sympy(alike, 1.0).expressions[0].args) == 4
    assert len(to_sympy(inside, [1.0, 2.0, 3.0, 4.0]).expressions) == 1


def test_simplify_never_sees_a_tanh_of_a_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    """SymPy would write it out, which takes minutes for a network of nine parameters."""
    import sympy as sp

    def network(p: Any, x: Any) -> Any:
        hidden = [autograd.tanh(autograd.dot(w, x) + b) for w, b in p["layers"]]
        return autograd.dot(p["v"], hidden) + autograd.sin(p["v"][0] * x[0] + p["v"][1])

    seen: list[Any] = []

    def simplify(e: Any, rational: bool) -> Any:
        seen.append(e)
        return e

    monkeypatch.setattr(sp, "simplify", simplify)
    p = {"layers": [([0.3, -0.2], 0.1), ([0.7, 0.1], 0.4)], "v": [0.9, -0.6]}
    assert len(to_sympy(network, p, [0.1, 0.2]).expressions[0].atoms(sp.tanh, sp.sin)) == 3
    assert len(seen) == 1
    assert [f.func for f in seen[0].atoms(sp.tanh, sp.sin) if f.args[0].is_Add] == []
