"""Every rule of the table against other witnesses: SymPy, forward mode, written-out code."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from accuracy import MAGNITUDES, NORMAL, curvature_sizes, every_arity, every_primitive, grid, terms
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import (
    OPERATORS,
    domains,
    far_from_kinks,
    function_of,
    number_of_operands,
    operand_names,
    operands_of,
)

import autograd
from autograd import Value, ieee
from autograd.primitives import TABLE, Primitive
from autograd.value import apply
from tools.references import NO_GRADIENT, derivative, evaluator, rule_for_sympy, symbols


@every_arity
def test_rule_is_sympys_derivative(name: str, n: int) -> None:
    """The rule, read as a formula, is what SymPy finds by differentiating the meaning.

    Compared in 50 digits, so cancellation is no excuse; 1e-14 leaves room for constants such as
    ln 2, which the rules hold as float64.
    """
    p = TABLE[name]
    xs = symbols(name, n)
    rule = rule_for_sympy(name, n)
    moderate = tuple(x for x in MAGNITUDES if 0.1 <= x <= 5)
    for i, expression in enumerate(rule):
        if i in NO_GRADIENT.get(name, ()):
            assert expression is None or expression == 0
            continue
        by_rule = evaluator(expression, xs)
        for numbers in itertools.islice(grid(p, n, moderate), 30):
            true = derivative(name, n, i)(*numbers)
            size = abs(true) + terms(name, numbers, i)
            assert abs(by_rule(*numbers) - true) <= 1e-14 * size, (
                f"the rule of {name} along operand {i} says {expression}, "
                f"which is wrong at {numbers}"
            )


@every_primitive
@settings(max_examples=30)
@given(data=st.data())
def test_reverse_is_forward(name: str, data: st.DataObject) -> None:
    """The two modes give one derivative to 1e-13, of first and of second order."""
    p = TABLE[name]
    n = data.draw(st.sampled_from(number_of_operands(p)))
    xs = list(data.draw(operands_of(p, n)))
    direction = [0.5 - i % 3 for i in range(n)]

    def f(v: Any) -> Any:
        return function_of(name)(*v)

    gradient = autograd.grad(f)(xs)
    value, tangent = autograd.jvp(f, (xs,), (direction,))
    assert value == p.forward(*xs)
    pieces = [g * t for g, t in zip(gradient, direction, strict=True)]
    assert abs(tangent - sum(pieces)) <= 1e-13 * sum(map(abs, pieces))

    over_reverse = autograd.hvp(f, (xs,), (direction,))
    rows = autograd.hessian(f)(xs)
    for sizes, row, got in zip(curvature_sizes(p, xs), rows, over_reverse, strict=True):
        paths = sum(abs(size * t) for size, t in zip(sizes, direction, strict=True))
        true = sum(h * t for h, t in zip(row, direction, strict=True))
        assert abs(got - true) <= 1e-13 * (paths + abs(true)) + NORMAL


@pytest.mark.parametrize("name", sorted(OPERATORS))
@given(a=st.floats(), b=st.floats())
def test_operators_written_out_are_the_table(name: str, a: float, b: float) -> None:
    """An operator makes the node that `apply` makes from the entry, constants on either side.

    The operators of two operands are written out, for speed: this holds them to the table.
    """
    p, f = TABLE[name], OPERATORS[name]
    x, y = Value(a), Value(b)
    for operands in ((x, y), (x, b), (a, y), (x, x)):
        operands = operands[: p.arity]
        if Value not in map(type, operands):
            continue
        v, node = f(*operands), apply(p, *operands)
        numbers = [x.data if type(x) is Value else x for x in operands]
        partials = p.partials(ieee, v.data, *numbers)
        flows = [d if type(x) is Value else None for x, d in zip(operands, partials, strict=True)]
        assert repr(v.data) == repr(node.data) == repr(p.forward(*numbers))
        assert repr([v.da, v.db]) == repr([node.da, node.db]) == repr([*flows, None][:2])
        assert (v.a, v.b) == (node.a, node.b)
        assert (v.op, v.grad, v.label) == (name, 0.0, None)
        for parent, operand in zip(v.parents, operands, strict=True):
            assert parent is operand or (parent.op, repr(parent.data)) == (
                "constant",
                repr(operand),
            )


@every_primitive
def test_function_written_out_is_the_table(name: str) -> None:
    """autograd.<name> makes the very node that `apply` makes from the entry, and x.<name>() too."""
    p = TABLE[name]
    n = number_of_operands(p)[-1]
    for xs in itertools.islice(grid(p, n, MAGNITUDES), 10):
        leaves = [Value(x) for x in xs]
        node, nodes = apply(p, *leaves), [function_of(name)(*leaves)]
        if n == 1 and hasattr(Value, name):
            nodes.append(getattr(leaves[0], name)())
        for v in nodes:
            assert (v.data, v.partials) == (node.data, node.partials)
            assert (v.parents, v.op) == (node.parents, node.op)


# --- kinks ----------------------------------------------------------------------------------------

LATTICE = (-2.0, -1.0, -0.5, 0.0, 0.25, 1.0, 1.5, 2.0)
STEP = 2.0**-20


def lattice(p: Primitive, n: int) -> Iterator[tuple[float, ...]]:
    """A few operands, with all ties and zeros among them, inside the domain."""
    inside = [[x for x in LATTICE if low < x < high] for low, high in domains(p, n)]
    for k, name in enumerate(operand_names(p, n)):
        if name in ("order", "condition"):
            inside[k] = [0.0, 1.0]
    return itertools.product(*inside)


def slopes(f: Callable[..., float], xs: tuple[float, ...], i: int) -> list[float]:
    """The difference quotients of f along operand i, to the left and to the right."""
    ends = [f(*xs[:i], xs[i] + h, *xs[i + 1 :]) for h in (-STEP, STEP)]
    return [ieee.div(end - f(*xs), h) for end, h in zip(ends, (-STEP, STEP), strict=True)]


def has_one_slope(p: Primitive, xs: tuple[float, ...]) -> bool:
    """Whether the quotients on either side agree, along each operand that gets a gradient."""
    for i in range(len(xs)):
        if i not in NO_GRADIENT.get(p.name, ()):
            left, right = slopes(p.forward, xs, i)
            if not (abs(left - right) < 1e-3 * (1.0 + abs(left)) and abs(left) < 1e3):
                return False
    return True


@every_primitive
def test_kinks_are_where_the_slope_jumps(name: str) -> None:
    """An expression of `kinks` is zero just there: where the slopes on either side are not one.

    Of clip, whose bounds may lie the wrong way around, it may be zero at other ties as well.
    """
    p = TABLE[name]
    for xs in lattice(p, number_of_operands(p)[1] if p.arity is None else p.arity):
        smooth, flagged = has_one_slope(p, xs), not far_from_kinks(p, xs)
        assert smooth or flagged, f"{name}{xs} has a kink"
        if name != "clip":
            assert flagged != smooth, f"{name}{xs} has no kink"


@pytest.mark.parametrize("name", ["abs", "relu", "leaky_relu", "elu", "selu"])
def test_at_a_kink_the_slope_is_the_smallest_between(name: str) -> None:
    """The gradient at zero is the number of smallest size between the slopes on either side."""
    p = TABLE[name]
    for rest in [()] if p.arity == 1 else [(s,) for s in LATTICE]:
        for zero in (0.0, -0.0):
            low, high = sorted(slopes(p.forward, (zero, *rest), 0))
            got = autograd.grad(function_of(name))(zero, *rest)
            assert got == pytest.approx(max(low, min(0.0, high)), abs=1e-5), (rest, low, high)


def test_clip_gives_the_whole_gradient_to_one_operand() -> None:
    """To a bound that is reached, the upper first; to x between them."""
    for x, low, high in itertools.product(LATTICE, repeat=3):
        taken = 2 if max(x, low) >= high else 1 if x <= low else 0
        gradient = autograd.grad(autograd.clip, (0, 1, 2))(x, low, high)
        assert gradient == tuple(float(k == taken) for k in range(3))
        assert autograd.clip(x, low, high) == (x, low, high)[taken]
