"""A user's own primitive is one entry, and has all that ours have.

Primitives of several kinds are entered, and put through the tests that loop over the table; then
what may be wrong with an entry, and with a Python function that machine code calls.
"""

import copy
import functools
import math
import pickle
import random
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pages
import pytest
import test_compiler
import test_graph_symbolic
import test_rules
import test_table
from hypothesis import given, settings
from hypothesis import strategies as st
from passes import Passes, differences
from strategies import number_of_operands

import autograd
from autograd import Value, ieee, primitive, temporary_primitives
from autograd.compiler import callbacks
from autograd.compiler.tape import EXTRA, LEAVES
from autograd.elementwise import ELEMENTWISE
from autograd.errors import (
    ForwardError,
    GradientError,
    OperandError,
    PrimitiveError,
    StructureError,
    UnknownPrimitiveError,
)
from autograd.functions import NAMESPACE
from autograd.primitives import BUILT_IN, TABLE
from autograd.reading import RESERVED
from tools import references

REAL, POSITIVE = (-math.inf, math.inf), (0.0, math.inf)


@pytest.fixture(autouse=True)
def _table_as_it_was() -> Iterator[None]:
    """Whatever a test enters is gone after it."""
    with temporary_primitives():
        yield


# --- primitives of different kinds ----------------------------------------------------------------


def enter_softsign() -> Any:
    def rule(m: Any, y: Any, x: Any) -> Any:
        return (m.reciprocal(m.square(m.add(1.0, m.abs(x)))),)

    kinks = lambda x: (x,)  # noqa: E731 (of the second derivative)
    forward = lambda m, x: m.div(x, m.add(1.0, m.abs(x)))  # noqa: E731
    return primitive("softsign", forward, rule, symbol="x/1+x", kinks=kinks)


def enter_huber() -> Any:
    """Huber 1964: quadratic near zero, linear beyond delta; two operands, one of them optional."""

    def forward(m: Any, x: Any, delta: Any = 1.0) -> Any:
        size = m.abs(x)
        beyond = m.mul(delta, m.sub(size, m.mul(0.5, delta)))
        return m.where(m.lt(size, delta), m.mul(0.5, m.square(x)), beyond)

    def rule(m: Any, y: Any, x: Any, delta: Any) -> Any:
        beyond = m.sub(m.abs(x), delta)
        return m.clip(x, m.neg(delta), delta), m.where(m.lt(beyond, 0.0), 0.0, beyond)

    kinks = lambda x, delta: (abs(x) - delta,)  # noqa: E731
    return primitive("huber", forward, rule, domain=(REAL, POSITIVE), kinks=kinks)


def weight(k: int) -> float:
    return 1.0 / (1.0 + k)


def enter_weighted_norm() -> Any:
    """(sum of w_k x_k**4) ** (1/4), of any number of operands; scaled, so that it is in range."""

    def forward(m: Any, *xs: Any) -> Any:
        top = functools.reduce(m.maximum, [m.abs(x) for x in xs])
        squares = [m.square(m.div(x, top)) for x in xs]
        terms = [m.mul(weight(k), m.square(s)) for k, s in enumerate(squares)]
        return m.where(m.eq(top, 0.0), 0.0, m.mul(top, m.sqrt(m.sqrt(m.total(*terms)))))

    def rule(m: Any, y: Any, *xs: Any) -> Any:
        shares = [m.div(x, y) for x in xs]
        return tuple(m.mul(weight(k), m.mul(s, m.square(s))) for k, s in enumerate(shares))

    kinks = lambda *xs: (max(map(abs, xs)),)  # noqa: E731
    return primitive("weighted_norm", forward, rule, kinks=kinks)


def ripple(x: float) -> float:
    """A function that only Python knows; math.sin would raise at infinity."""
    return math.exp(-x * x) * math.sin(3.0 * x) if abs(x) < 1e9 else 0.0 * x


def enter_ripple() -> Any:
    def rule(m: Any, y: Any, x: Any) -> Any:
        cosine = m.mul(3.0, m.cos(m.mul(3.0, x)))
        slope = m.sub(cosine, m.mul(m.mul(2.0, x), m.sin(m.mul(3.0, x))))
        return (m.mul(m.exp(m.neg(m.square(x))), slope),)

    return primitive("ripple", ripple, rule)


def enter_scaled() -> Any:
    """A Python function of two operands, along the second of which no gradient flows."""
    return primitive("scaled", lambda x, n: x * n, lambda m, y, x, n: (n, None))


OVER_M = {"softsign": enter_softsign, "huber": enter_huber, "weighted_norm": enter_weighted_norm}
IN_PYTHON = {"ripple": enter_ripple, "scaled": enter_scaled}
ALL = OVER_M | IN_PYTHON

every_own = pytest.mark.parametrize("name", ALL)
over_m = pytest.mark.parametrize("name", OVER_M)


def meanings_in_sympy() -> dict[str, Callable[..., Any]]:
    """The three again, independently."""
    import sympy as sp

    def select(condition: Any, then: Any, otherwise: Any) -> Any:
        return sp.Piecewise((then, condition), (otherwise, True))

    def size(x: Any) -> Any:
        return select(x > 0, x, -x)

    def huber(x: Any, delta: Any) -> Any:
        return select(size(x) < delta, x**2 / 2, delta * size(x) - delta**2 / 2)

    def norm(*xs: Any) -> Any:
        if len(xs) == 1:  # which SymPy would find by itself, with Dirac's delta for its derivative
            return size(xs[0])
        return sp.root(sum(x**4 / sp.Integer(k + 1) for k, x in enumerate(xs)), 4)

    return {
        "softsign": lambda x: x / (1 + size(x)),
        "huber": huber,
        "weighted_norm": norm,
    }


@pytest.fixture
def as_ours(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Enters a primitive and makes it look, to the tests of the table, like one of ours."""

    def enter(name: str) -> Any:
        f = ALL[name]()
        monkeypatch.setattr(autograd, name, f, raising=False)
        if name in OVER_M:
            monkeypatch.setitem(references.MEANING, name, meanings_in_sympy()[name])
        return f

    return enter


# --- the tests of the table -----------------------------------------------------------------------


@over_m
def test_against_mpmath_as_ours(name: str, as_ours: Callable[[str], Any]) -> None:
    """The tests of the table pass: value and derivatives at 50 digits, inside other functions."""
    as_ours(name)
    for n in number_of_operands(TABLE[name])[:3]:
        test_table.test_value_and_first_derivative(name, n)
        test_table.test_second_derivative(name, n)
        test_table.test_seed_and_calls_add_up(name, n)
        test_table.test_inside_another_function(name, n)
        test_rules.test_rule_is_sympys_derivative(name, n)
    test_table.test_at_random_operands(name)
    test_rules.test_function_written_out_is_the_table(name)


def test_formulas_as_ours(as_ours: Callable[[str], Any]) -> None:
    """`symbolic` writes formulas from the entry's own expression that give the node's numbers."""
    as_ours("huber")
    del references.MEANING["huber"]
    test_graph_symbolic.test_formulas_of_each_primitive("huber")


@every_own
def test_compiled_to_the_bit_as_ours(name: str, as_ours: Callable[[str], Any]) -> None:
    """Each pass and the machine code give the eager bits: value, first, second derivative.

    At special values too: nan, infinities, subnormal numbers, both zeros.
    """
    pytest.importorskip("llvmlite")
    as_ours(name)
    for n in number_of_operands(TABLE[name])[:3]:
        g = test_compiler.orders(lambda xs: test_compiler.total_function_of(name)(*xs))
        operands = test_compiler.points(name, n)
        want = test_compiler.numbers([g(xs) for xs in operands])
        passes = Passes(lambda some, g=g: [g(xs) for xs in some], [operands])
        found = passes.results([operands]) | {"machine code": passes.machine()([operands])}
        for stage, got in found.items():
            assert not differences(got, want), (name, n, stage)


@every_own
def test_compiled_without_exact_is_close(name: str) -> None:
    """By default, and in float32, compiled code is as close as for ours."""
    pytest.importorskip("llvmlite")
    f = ALL[name]()
    g = f if TABLE[name].arity is None else lambda xs: f(*xs)
    n = number_of_operands(TABLE[name])[-1]
    xs = [0.3 + 0.17 * k for k in range(n)]
    for of, tolerance in (("float64", 1e-13), ("float32", 1e-5)):
        value, slopes = autograd.jit(autograd.value_and_grad(g), dtype=of)(xs)
        want, want_slopes = autograd.value_and_grad(g)(xs)
        assert np.allclose([value, *slopes], [want, *want_slopes], tolerance, tolerance)


# --- every kind of number -------------------------------------------------------------------------


@every_own
def test_every_kind_of_number(name: str) -> None:
    """Floats, Values, dual numbers, structures, arrays; reverse and forward mode of any order."""
    f = ALL[name]()
    n = number_of_operands(TABLE[name])[-1]
    xs = [0.4 - 0.3 * k * (-1) ** k for k in range(n)]
    several = TABLE[name].arity is None
    g = f if several else lambda xs: f(*xs)
    y = g(xs)
    assert type(y) is float
    assert g([Value(x) for x in xs]).data == y
    direction = [1.0, -0.5, 0.25, 2.0, -1.5, 0.75, 1.0][:n]
    gradient, hessian = autograd.grad(g)(xs), autograd.hessian(g)(xs)
    value, slope = autograd.jvp(g, (xs,), (direction,))
    assert value == y
    assert slope == pytest.approx(sum(a * b for a, b in zip(gradient, direction, strict=True)))
    if name != "scaled":  # where no gradient flows along an operand there is no symmetry
        along = [sum(a * b for a, b in zip(row, direction, strict=True)) for row in hessian]
        assert autograd.hvp(g, (xs,), (direction,)) == pytest.approx(along)
    assert autograd.vjp(g, xs)[1](2.0)[0] == pytest.approx([2.0 * d for d in gradient])
    third = autograd.grad(lambda t: autograd.hessian(g)([x + t for x in xs])[0][0])(0.0)
    assert math.isfinite(third)
    if several:
        with pytest.raises(StructureError, match="apply it to each row"):
            f([xs, xs])
        return
    rows = [xs, [-x if k == 0 else x for k, x in enumerate(xs)]]
    want = [f(*row) for row in rows]
    columns = [list(column) for column in zip(*rows, strict=True)]
    assert f(*columns) == want
    assert f(*[{"a": c} for c in columns]) == {"a": want}
    assert f(*[np.array(c) for c in columns]).tolist() == want
    nodes = f(*[np.array([Value(x) for x in c]) for c in columns])
    assert [v.data for v in nodes] == want


def test_operands_have_names_and_defaults() -> None:
    """What the signature says is what a call may say."""
    huber = enter_huber()
    assert huber(3.0) == huber(3.0, 1.0) == huber(x=3.0, delta=1.0) == 2.5
    assert huber(3.0, delta=0.5) == 1.375
    with pytest.raises(TypeError, match="missing 1 required"):
        huber()


def test_without_a_gradient_nothing_flows() -> None:
    """A partial of None is no edge, eager and compiled, however the operand is reached."""
    scaled = enter_scaled()
    x, n = Value(2.0), Value(3.0)
    y = scaled(x, n)
    y.backward()
    assert (y.data, x.grad, n.grad) == (6.0, 3.0, 0.0)

    def f(v: Any) -> Any:  # all ways to x and n, also through the operand that is silent
        return scaled(v[0] * v[1], autograd.exp(v[1])) + scaled(1.0, v[0]) * v[1]

    for g in (autograd.grad(f), autograd.hessian(f)):
        assert autograd.jit(g, exact=True)([0.5, -0.7]) == g([0.5, -0.7])
    only = lambda v: scaled(2.0, v[0])  # noqa: E731
    assert autograd.jit(autograd.grad(only))([1.0]) == autograd.grad(only)([1.0]) == [0.0]


def test_rules_may_use_other_own_primitives_and_themselves() -> None:
    """m has what was entered before, and in partials the primitive itself."""
    enter_softsign()

    def forward(m: Any, k: Any, x: Any) -> Any:
        return m.mul(m.pow(2.0, k), m.softsign(m.exp(x)))

    def rule(m: Any, y: Any, k: Any, x: Any) -> Any:
        e = m.exp(x)  # and a multiple of the primitive itself, one order lower
        slope = m.div(m.mul(m.pow(2.0, k), e), m.square(m.add(1.0, e)))
        both = m.add(slope, m.sub(m.mul(2.0, m.twofold(m.sub(k, 1.0), x)), y))
        return None, both

    twofold = primitive("twofold", forward, rule)
    f = lambda x: twofold(3.0, x)  # noqa: E731
    assert autograd.check_gradients(f, 0.3, order=2) if hasattr(autograd, "check_gradients") else 1
    g = autograd.grad(autograd.grad(f))
    assert autograd.jit(g, exact=True)(0.3) == g(0.3)


# --- seen -----------------------------------------------------------------------------------------


@every_own
def test_drawn_and_explained(name: str) -> None:
    """The picture has its symbol, the steps and the explanation its name and local derivatives."""
    f = ALL[name]()
    p = TABLE[name]
    assert p.symbol == ("x/1+x" if name == "softsign" else name)
    xs = [Value(0.5 + k, f"x{k}") for k in range(p.arity or 3)]
    y = f(xs) if p.arity is None else f(*xs)
    loss = y * y
    loss.backward()
    assert p.symbol in autograd.draw(loss).dot
    written = f"{name}({', '.join(v.label or '' for v in xs)})"
    assert written in str(autograd.steps(loss))
    assert written in str(autograd.explain(loss, wrt=xs[0]))


def test_without_a_formula_it_is_an_undefined_function() -> None:
    """SymPy is given the name of what only Python knows, and its derivative from the rule.

    Of many choices inside each other, over which SymPy would sit for ever, the names of both.
    """
    norm = enter_weighted_norm()
    a, b = Value(0.5, "a"), Value(2.0, "b")
    assert str(autograd.symbolic(norm([a, b]) * b, a)).splitlines() == [
        "L = b*weighted_norm(a, b)",
        "dL/da = b*Derivative(weighted_norm(a, b), a)",
    ]
    by_b = str(autograd.symbolic(norm([a, b]), b)).splitlines()[1]
    assert by_b == "dL/db = Derivative(weighted_norm(a, b), b)"
    f = enter_ripple()
    x = Value(0.5, "x")
    assert str(autograd.symbolic(f(x) * x, x)).splitlines() == [
        "L = x*ripple(x)",
        "dL/dx = x*(-2*x*sin(3*x) + 3*cos(3*x))*exp(-x**2) + ripple(x)",
    ]


# --- entering and leaving -------------------------------------------------------------------------


def state() -> Any:
    return [dict(TABLE), dict(ELEMENTWISE), dict(vars(ieee)), set(vars(NAMESPACE)) - BUILT_IN]


def test_the_table_is_left_as_it_was() -> None:
    """After the block, and after an entry that was refused, nothing of it is left anywhere."""
    before = state()
    with temporary_primitives():
        for enter in ALL.values():
            enter()
        autograd.hessian(ELEMENTWISE["softsign"])(0.5)
        assert state() != before
        inside = state()
        with pytest.raises(GradientError):
            primitive("softsign", lambda m, x: m.sin(x), lambda m, y, x: (x,), replace=True)
        assert state() == inside
        with temporary_primitives():
            primitive("softsign", lambda m, x: m.sin(x), lambda m, y, x: (m.cos(x),), replace=True)
            assert ELEMENTWISE["softsign"](1.0) == math.sin(1.0)
        assert state()[0] == inside[0]
        assert ELEMENTWISE["softsign"](1.0) == 0.5
    assert state() == before


@pytest.mark.parametrize("kind", ["over m", "in Python"])
def test_what_replaces_an_entry_is_used_everywhere(kind: str) -> None:
    """Value, rule, second derivative and machine code of the second, not of the first."""
    for k in (2.0, 5.0):
        over_m = lambda m, x, k=k: m.mul(k, m.square(x))  # noqa: E731
        forward = over_m if kind == "over m" else lambda x, k=k: k * x * x
        if kind == "over m":  # a default would be an operand
            forward = functools.partial(_times_square, k=k)
        else:
            forward = functools.partial(_times_square_in_python, k)
        rule = functools.partial(_rule_of_times_square, k)
        f = primitive("times_square", forward, rule, replace=True)
        assert f(3.0) == 9.0 * k
        assert autograd.grad(f)(3.0) == 6.0 * k
        assert autograd.hessian(f)(3.0) == 2.0 * k
        assert autograd.jit(autograd.value_and_grad(f))(3.0) == (9.0 * k, 6.0 * k)
        assert NAMESPACE.times_square(3.0) == 9.0 * k


def _times_square(m: Any, x: Any, *, k: float) -> Any:
    return m.mul(k, m.square(x))


def _times_square_in_python(k: float, x: float) -> float:
    return k * x * x


def _rule_of_times_square(k: float, m: Any, y: Any, x: Any) -> Any:
    return (m.mul(2.0 * k, x),)


def test_what_is_gone_from_the_table_is_not_compiled() -> None:
    """Its function still gives numbers and gradients; jit and second derivatives say what lacks."""
    with temporary_primitives():
        f = enter_softsign()
    assert autograd.grad(f)(1.0) == 0.25
    for gone in (autograd.jit(f), autograd.jit(autograd.grad(f)), autograd.grad(autograd.grad(f))):
        with pytest.raises(UnknownPrimitiveError, match="no primitive 'softsign'"):
            gone(1.0)


def test_graphs_are_copied_and_pickled() -> None:
    """Copies have the gradients; without the entry, what was saved still flows backward.

    What would need the rule says what to do.
    """
    softsign = enter_softsign()
    x = Value(0.5, "x")
    y = softsign(x) * x
    want = autograd.grad(lambda x: softsign(x) * x)(0.5)
    for z in (copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
        z.backward()
        assert autograd.topological_order(z)[0].grad == want
    text = pickle.dumps(y)
    with temporary_primitives():
        for name in TABLE.keys() - BUILT_IN:
            assert name == "softsign"
    from autograd.registering import _restore

    _restore({})
    z = pickle.loads(text)
    z.backward()
    leaf = autograd.topological_order(z)[0]
    assert leaf.grad == want
    assert "softsign" in autograd.draw(z).dot
    for ask in (lambda: autograd.jit_graph(z, [leaf])([1.0]), lambda: autograd.symbolic(z, leaf)):
        with pytest.raises(UnknownPrimitiveError, match=r"'softsign'.*autograd\.primitive"):
            ask()


module_level: Any = None


def test_the_function_is_pickled_by_its_name() -> None:
    """As any function of a module: so a compiled function of it can be sent to another process."""
    global module_level
    module_level = primitive("module_level", lambda m, x: m.sin(x), lambda m, y, x: (m.cos(x),))
    assert pickle.loads(pickle.dumps(module_level)) is module_level
    assert module_level.__doc__ == "module_level(x)"


def test_typed_as_a_function_of_numbers() -> None:
    """A float for floats, a Value for Values: what mypy is told is what comes."""
    f = primitive("typed", lambda m, x: m.sin(x), lambda m, y, x: (m.cos(x),))
    number: float = f(0.5)
    node: Value = f(Value(0.5))
    assert (type(number), type(node)) == (float, Value)


# --- what is refused ------------------------------------------------------------------------------

SIN = lambda m, x: m.sin(x)  # noqa: E731
COS = lambda m, y, x: (m.cos(x),)  # noqa: E731

REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "one of ours": (lambda: primitive("tanh", SIN, COS), "'tanh' is the name of one of autograd"),
    "an operation": (lambda: primitive("inner", SIN, COS), "one of autograd's own"),
    "a name of ieee": (lambda: primitive("left_sum", SIN, COS), "one of autograd's own"),
    "no name": (lambda: primitive("a b", SIN, COS), "a name in Python"),
    "a keyword": (lambda: primitive("lambda", SIN, COS), "a name in Python"),
    "no text": (lambda: primitive(3, SIN, COS), "a name in Python"),  # type: ignore[arg-type]
    "no function": (lambda: primitive("f", 1.0, COS), "expected forward of 'f' to be a function"),  # type: ignore[arg-type]
    "no y": (
        lambda: primitive("f", SIN, lambda m, x: (m.cos(x),)),
        r"to take m, the value y and each operand.* but it takes \(m, x\)",
    ),
    "other operands": (
        lambda: primitive("f", lambda m, x, z: x, COS),
        r"forward takes \(m, x, z\) and partials \(m, y, x\)",
    ),
    "no operand": (lambda: primitive("f", lambda: 1.0, COS), "the same operands"),
    "names and *xs": (
        lambda: primitive("f", lambda m, a, *xs: a, lambda m, y, a, *xs: (a,)),
        r"either operands by name or \*xs alone",
    ),
    "*xs of one": (
        lambda: primitive("f", lambda m, x: x, lambda m, y, *xs: xs),
        r"either operands by name or \*xs alone",
    ),
    "a default first": (
        lambda: primitive("f", lambda m, x=1.0: m.sin(x), COS),
        "none of the first operand",
    ),
    "a default that is no number": (
        lambda: primitive("f", lambda m, x, z=None: x, lambda m, y, x, z: (1.0, None)),
        "defaults that are finite numbers",
    ),
    "no tuple": (lambda: primitive("f", SIN, lambda m, y, x: m.cos(x)), "with a comma"),
    "a list": (lambda: primitive("f", SIN, lambda m, y, x: [m.cos(x)]), "to give a tuple"),
    "two for one": (
        lambda: primitive("f", SIN, lambda m, y, x: (m.cos(x), 1.0)),
        "one partial for each of 1 operands, but got 2",
    ),
    "an operator": (
        lambda: primitive("f", SIN, lambda m, y, x: (2.0 * x,)),
        r"rule of 'f' uses \* on an operand.*write m\.mul",
    ),
    "a comparison": (
        lambda: primitive("f", lambda m, x: x if x > 0.0 else m.neg(x), COS),
        r"forward of 'f' uses > on an operand.*write m\.gt",
    ),
    "a branch": (lambda: primitive("f", SIN, lambda m, y, x: (x or y,)), "uses a branch"),
    "math": (
        lambda: primitive("f", SIN, lambda m, y, x: (math.cos(x),)),
        r"m\.exp for math\.exp",
    ),
    "numpy": (lambda: primitive("f", SIN, lambda m, y, x: (np.cos(x),)), "made of m's functions"),
    "numpy's float": (
        lambda: primitive("f", SIN, lambda m, y, x: (m.mul(np.float64(2.0), x),)),
        r"np\.float64\(2\.0\).*write 2\.0",
    ),
    "an attribute": (lambda: primitive("f", SIN, lambda m, y, x: (x.data,)), r"\.data"),
    "an int": (
        lambda: primitive("f", SIN, lambda m, y, x: (m.mul(2, x),)),
        r"2 \(int\) as operand 0 of m\.mul.*write 2\.0",
    ),
    "an int for a partial": (
        lambda: primitive("f", lambda m, x: x, lambda m, y, x: (1,)),
        r"1 \(int\) as partial 0.*write 1\.0",
    ),
    "a truth for a number": (
        lambda: primitive("f", lambda m, x: m.relu(x), lambda m, y, x: (m.gt(x, 0.0),)),
        r"m\.where\(truth, 1\.0, 0\.0\)",
    ),
    "a truth multiplied": (
        lambda: primitive("f", lambda m, x: m.mul(x, m.gt(x, 0.0)), COS),
        "a truth as operand 1 of m.mul",
    ),
    "a misspelt function": (
        lambda: primitive("f", lambda m, x: m.sine(x), COS),
        r"m\.sine, which is not there; did you mean m\.sin\?",
    ),
    "itself": (lambda: primitive("f", lambda m, x: m.f(x), COS), r"m\.f, which is not there"),
    "too many operands": (
        lambda: primitive("f", lambda m, x: m.sin(x, x), COS),
        r"gives m\.sin 2 operands, but it takes 1",
    ),
    "a mistake in the rule": (
        lambda: primitive("f", SIN, lambda m, y, x: ({}["a"],)),
        "KeyError: 'a'",
    ),
    "a mistake in a rule of many": (
        lambda: primitive("f", lambda m, *xs: m.total(*xs), lambda m, y, *xs: ({}["a"],)),
        "KeyError: 'a'",
    ),
    "domains": (lambda: primitive("f", SIN, COS, domain=((0.0, 1.0),) * 2), "one for each of 1"),
    "a domain backwards": (lambda: primitive("f", SIN, COS, domain=(1.0, 0.0)), "an interval"),
    "no kinks": (
        lambda: primitive("f", SIN, COS, kinks=lambda x: x),  # type: ignore[arg-type, return-value]
        "kinks of 'f' to give a tuple",
    ),
    "a list for many": (
        lambda: primitive("f", lambda m, *xs: m.total(xs), lambda m, y, *xs: (1.0,) * len(xs)),
        r"a tuple of operands as operand 0 of m\.total; .* m\.total\(\*xs\)",
    ),
    "chance": (
        lambda: primitive("f", lambda x: random.random(), COS),
        r"the forward of 'f' gave [\d.]+, then [\d.]+ at .* the same number for the same operands",
    ),
    "nan everywhere": (
        lambda: primitive("f", lambda x: math.nan, COS),
        r"no finite value at any of 100 points of its domain",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_malformed_entry_is_refused(what: str) -> None:
    """With an error that says what came and what to write, and nothing entered."""
    before = state()
    enter, message = REFUSED[what]
    with pytest.raises(PrimitiveError, match=message):
        enter()
    assert state() == before


def test_taken_names_are_refused() -> None:
    """One's own entry is replaced on request only."""
    enter_softsign()
    with pytest.raises(PrimitiveError, match=r"you have entered already.*replace=True"):
        enter_softsign()


def test_reserved_names_are_the_compilers() -> None:
    """No entry can be taken for an operation of the compiler's own."""
    assert EXTRA.keys() | {*LEAVES, "mean_over_rows", "sum", "fma"} == RESERVED


# --- rules that are wrong -------------------------------------------------------------------------


@pytest.mark.parametrize("operand", [0, 1])
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda m, d: m.mul(2.0, d), "2 times too large"),
        (lambda m, d: m.mul(0.25, d), "4 times too small"),
        (lambda m, d: m.neg(d), "the sign is wrong"),
    ],
)
def test_a_wrong_rule_is_an_error(operand: int, wrong: Any, words: str) -> None:
    """Which operand, and by which factor; whatever the other operand's rule."""

    def rule(m: Any, y: Any, a: Any, b: Any) -> Any:
        right = [m.mul(m.cos(a), b), m.sin(a)]
        return tuple([wrong(m, d) if k == operand else d for k, d in enumerate(right)])

    before = state()
    with pytest.raises(GradientError, match=rf"'wave', operand {'ab'[operand]}.*{words}") as caught:
        primitive("wave", lambda m, a, b: m.mul(m.sin(a), b), rule)
    assert "partials of primitive 'wave' are wrong" in str(caught.value)
    assert state() == before
    primitive("wave", lambda m, a, b: m.mul(m.sin(a), b), rule, check=False)


def test_a_rule_without_a_second_derivative_is_an_error() -> None:
    """A rule that is right in its numbers, but stops what should flow through it."""

    def rule(m: Any, y: Any, x: Any) -> Any:
        return (m.cos(m.stop_gradient(x)),)

    with pytest.raises(GradientError, match="second"):
        primitive("stopped", SIN, rule)


KINKED: dict[str, tuple[Any, Any]] = {
    "relu": (lambda m, x: m.maximum(x, 0.0), lambda m, y, x: (m.step(x),)),
    "corner": (lambda m, x: m.abs(m.sub(x, 0.7)), lambda m, y, x: (m.sign(m.sub(x, 0.7)),)),
    "stairs": (lambda x: float(math.floor(x)), lambda m, y, x: (0.0,)),
    "root": (lambda m, x: m.sqrt(m.abs(x)), lambda m, y, x: (m.div(m.mul(0.5, m.sign(x)), y),)),
    "largest": (
        lambda m, *xs: functools.reduce(m.maximum, xs),
        lambda m, y, *xs: tuple(m.where(m.eq(x, y), 1.0, 0.0) for x in xs),
    ),
}


@pytest.mark.parametrize("kind", KINKED)
def test_kinks_are_no_false_alarm(kind: str) -> None:
    """A right rule passes wherever the points fall, which the name decides; kinks not declared."""
    for k in range(8):
        primitive(f"{kind}{k}", *KINKED[kind])


# --- Python functions and IEEE --------------------------------------------------------------------


def test_what_a_function_raises_outside_its_domain_is_nan() -> None:
    """At the edge, beyond it, at nan and at infinity: eager and compiled the same."""
    f = primitive("log_", math.log, lambda m, y, x: (m.reciprocal(x),), domain=POSITIVE)
    root = primitive("root_", lambda x: x**0.5, lambda m, y, x: (m.div(0.5, y),), domain=POSITIVE)
    points = [0.0, -0.0, -1.0, -math.inf, math.nan, 4.0, math.inf]
    assert [f(x) for x in points[-2:]] == [math.log(4.0), math.inf]
    assert all(math.isnan(f(x)) for x in points[:-2])
    assert math.isnan(root(-1.0))  # Python's is a complex number
    for g in (f, root):
        compiled = autograd.jit(g, batch_argnums=0, mean=False)(np.array(points)).tolist()
        assert not differences(compiled, [g(x) for x in points])


def pole(x: float) -> float:
    return 1.0 / (x - 0.25)


def enter_pole() -> Any:
    return primitive("pole", pole, lambda m, y, x: (m.neg(m.square(y)),))


def test_what_a_function_raises_inside_its_domain_is_named() -> None:
    """The primitive, the operands and what was raised; an ArithmeticError, eager and compiled."""
    f = enter_pole()
    message = r"'pole' raised ZeroDivisionError .*at 0\.25, inside its domain"
    for call in (f, autograd.jit(f), autograd.jit(autograd.hessian(lambda x: f(x) * f(x)))):
        with pytest.raises(ForwardError, match=message) as caught:
            call(0.25)
        assert isinstance(caught.value, ArithmeticError)
        assert isinstance(caught.value.__cause__, ZeroDivisionError)
        assert call(1.25) == pytest.approx(call(1.25))  # and is gone after it


def test_mistakes_in_a_function_arrive_as_they_are() -> None:
    """Any exception passes through, with a note on where; also an interrupt, also compiled."""
    raised: list[BaseException] = [KeyError("a")]

    def forward(x: float) -> float:
        if x == 2.0:
            raise raised[-1]
        return x

    f = primitive("mistaken", forward, lambda m, y, x: (1.0,))
    for call in (f, autograd.jit(f)):
        with pytest.raises(KeyError) as caught:
            call(2.0)
        assert "in the forward of primitive 'mistaken', at 2.0" in caught.value.__notes__
    raised.append(KeyboardInterrupt())
    for call in (f, autograd.jit(f)):
        with pytest.raises(KeyboardInterrupt):
            call(2.0)


@pytest.mark.parametrize("result", [None, "1.0", 1j, [1.0]])
def test_a_result_that_is_no_number_is_an_error(result: Any) -> None:
    """It names the primitive and the operands."""
    f = primitive("text", lambda x: result, lambda m, y, x: (1.0,), check=False)
    for call in (f, autograd.jit(f)):
        with pytest.raises(OperandError, match=r"'text' gave no real number at 0\.5"):
            call(0.5)


def test_numbers_of_other_types_are_taken() -> None:
    """An int, a bool or a NumPy scalar is a float64."""
    for k, number in enumerate((3, True, np.float32(0.5), np.float64(2.0))):
        f = primitive(f"number{k}", lambda x, y=number: y, lambda m, y, x: (0.0,))
        assert type(f(1.0)) is float
        assert f(1.0) == number


# --- Python functions in machine code -------------------------------------------------------------


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_machine_code_calls_with_the_operands_there_are(exact: bool, dtype: str) -> None:
    """No lane of a vector is computed that holds no row, no row twice: a function may object."""
    pytest.importorskip("llvmlite")
    seen: list[float] = []

    def forward(x: float) -> float:
        seen.append(x)
        return 2.0 * x

    f = primitive("seeing", forward, lambda m, y, x: (2.0,))
    by_row = autograd.jit(f, batch_argnums=0, mean=False, dtype=dtype, exact=exact)
    mean = autograd.jit(
        lambda w, x: f(autograd.dot(w, x, 0.5)), batch_argnums=1, dtype=dtype, exact=exact
    )
    members = autograd.jit(lambda xs: [f(x) for x in xs], dtype=dtype, exact=exact)
    layer = autograd.jit(
        lambda ws, x: [f(autograd.dot(w, x, 0.5)) for w in ws], dtype=dtype, exact=exact
    )
    for n in (1, 2, 3, 5, 8, 9, 31, 70):
        rows = np.arange(1.0, n + 1.0)
        inputs = np.stack([rows, rows], 1)
        for call, want in (
            (lambda: by_row(rows), rows),
            (lambda: mean([0.5, 0.25], inputs), 0.75 * rows + 0.5),
            (lambda: members(rows.tolist()), rows),
            (lambda: layer(inputs.tolist(), [0.5, 0.25]), 0.75 * rows + 0.5),
        ):
            call()  # the first call compiles, for which constants are folded
            seen.clear()
            call()
            assert sorted(seen) == want.tolist()


def test_many_rows_on_several_cores() -> None:
    """Threads of machine code call back too; what one of them raises reaches the caller."""
    pytest.importorskip("llvmlite")
    f = enter_pole()
    mean = autograd.jit(f, batch_argnums=0)
    rows = np.linspace(1.0, 2.0, 4096)
    assert mean(rows) == pytest.approx(np.mean(1.0 / (rows - 0.25)))
    rows[-1] = 0.25
    with pytest.raises(ForwardError):
        mean(rows)


def test_each_thread_gets_its_own_errors() -> None:
    """Functions that fail beside functions that do not, at the same time."""
    pytest.importorskip("llvmlite")
    f = enter_pole()
    compiled = autograd.jit(f, batch_argnums=0, mean=False)
    compiled(np.array([1.0]))
    found: dict[int, list[bool]] = {}

    def work(k: int) -> None:
        bad = k % 2 == 0
        rows = np.array([1.0, 0.25 if bad else 3.0, 2.0] * 5)
        found[k] = []
        for _ in range(60):
            try:
                compiled(rows)
                found[k].append(not bad)
            except ForwardError:
                found[k].append(bad)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert all(len(some) == 60 and all(some) for some in found.values())
    assert len(found) == 4


def test_training_in_machine_code_with_a_python_function() -> None:
    """A loss made of one is learned to the bit as by eager steps; an error ends the epoch."""
    pytest.importorskip("llvmlite")
    ripple_of = enter_ripple()
    w = Value(0.9, "w")
    xs = np.linspace(-1.0, 1.0, 12)
    target = np.array([ripple(0.6 * x) for x in xs])

    def loss(x: Any, t: Any) -> Any:
        error = ripple_of(w * x) - t
        return error * error

    rule = lambda p, g, step, lr: (p - lr * g,)  # noqa: E731
    loop = autograd.jit_training(loss, rule, [w], xs, target, exact=True)
    for epoch in range(30):
        loop.epoch(np.arange(12), 12, epoch, 0.5)
    weight_ = 0.9
    for _ in range(30):
        slopes = [
            autograd.grad(lambda v, x=x, t=t: (ripple_of(v * x) - t) ** 2)(weight_)
            for x, t in zip(xs.tolist(), target.tolist(), strict=True)
        ]
        weight_ -= 0.5 * sum(slopes) / 12
    assert loop.numbers[0] == pytest.approx(weight_, rel=1e-12)
    assert abs(loop.numbers[0] - 0.6) < 0.05

    f = enter_pole()
    v = Value(0.0, "v")
    bad = autograd.jit_training(lambda x: f(v + x), rule, [v], np.array([1.0, 0.25]))
    with pytest.raises(ForwardError, match=r"at 0\.25"):
        bad.epoch(np.arange(2), 2, 0, 0.1)


@settings(max_examples=15)
@given(st.lists(st.floats(-3.0, 3.0), min_size=1, max_size=9))
def test_compiled_batches_are_the_eager_rows(xs: list[float]) -> None:
    """Row for row, bit for bit, whatever their number."""
    pytest.importorskip("llvmlite")
    with temporary_primitives():
        f = autograd.value_and_grad(enter_ripple())
        compiled = autograd.jit(f, batch_argnums=0, mean=False, exact=True)
        values, slopes = compiled(np.array(xs))
        rows = list(zip(values.tolist(), slopes.tolist(), strict=True))
        assert rows == [f(x) for x in xs]


def test_errors_of_other_threads_are_left_to_them() -> None:
    """What another thread's code raised is neither raised here nor lost."""
    pytest.importorskip("llvmlite")
    compiled = autograd.jit(enter_ripple())
    theirs = (-1, ValueError("of another thread"))
    callbacks._raised.append(theirs)
    try:
        assert compiled(0.5) == ripple(0.5)
        assert callbacks._raised == [theirs]
    finally:
        callbacks._raised.clear()


def test_sums_in_each_row_have_no_rows_to_spare() -> None:
    """Behind a long sum, of which several rows are computed at once, likewise."""
    pytest.importorskip("llvmlite")
    seen: list[float] = []
    f = primitive("noting", lambda x: seen.append(x) or x, lambda m, y, x: (1.0,))  # type: ignore[func-returns-value]
    weights = [0.5] * 40
    compiled = autograd.jit(lambda x: f(autograd.dot(weights, x)), batch_argnums=0, mean=False)
    for n in (1, 3, 5, 7, 9):
        rows = np.outer(np.arange(1.0, n + 1.0), np.ones(40))
        compiled(rows)
        seen.clear()
        assert compiled(rows).tolist() == [20.0 * k for k in range(1, n + 1)]
        assert sorted(seen) == [20.0 * k for k in range(1, n + 1)]


def test_errors_in_an_optimisers_rule_and_in_a_loss() -> None:
    """Every way into machine code raises what was raised inside it."""
    pytest.importorskip("llvmlite")
    f = enter_pole()
    rule = autograd.jit_rule(lambda p, g, step, lr: (p - lr * f(g),))
    with pytest.raises(ForwardError):
        rule(np.ones(3), np.array([1.0, 0.25, 2.0]), step=1, lr=0.1)
    step = lambda p, g, step, lr: (p - lr * g,)  # noqa: E731
    loop = autograd.jit_training(lambda x: f(x) * v, step, [v := Value(1.0)], np.array([1.0, 0.25]))
    assert loop.loss(1) == f(1.0)
    with pytest.raises(ForwardError):
        loop.loss(2)


def test_the_compilers_laws_hold_for_own_operations() -> None:
    """What is true of any operand is used of these too; a constant value is a constant."""
    ripple_of = enter_ripple()
    constant = primitive("constant_", lambda m, x: 2.5, lambda m, y, x: (0.0,))
    f = autograd.jit(lambda x: autograd.maximum(ripple_of(x), ripple_of(x)) + constant(x))
    assert f(0.5) == ripple(0.5) + 2.5
    assert "maximum" not in f.explain().tape
    assert "constant_" not in f.explain().tape


# --- the page -------------------------------------------------------------------------------------


def test_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """The examples run, one after the other, and print what stands beside them."""
    names: dict[str, object] = {}
    stated = 0
    for block in pages.python_blocks(pages.page("own-primitives")):
        exec(block, names)
        printed = capsys.readouterr().out.splitlines()
        for expected in re.findall(r"^print.*  # (.*)$", block, re.MULTILINE):
            assert expected in printed
            stated += 1
        if "wave" in block:
            assert "'wave', operand b" in printed[0]
    assert stated == 8
