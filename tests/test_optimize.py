"""Simplifying by itself: what is shared, folded, spelled out and dropped, as text."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from passes import same
from strategies import wild_floats
from test_fuse import tape_of, text

from autograd import ieee, primitive, temporary_primitives
from autograd.compiler.interpret import interpret
from autograd.compiler.optimize import LAWS, simplify
from autograd.compiler.tape import Tape, verify

# a function of inputs, and what is left of it, exact or not
SIMPLE: dict[str, tuple[Callable[..., Any], str]] = {
    "equal sums are one": (lambda m, a, b: m.sub(m.add(a, b), m.add(a, b)), "sub(%2, %2)"),
    "sums commute": (lambda m, a, b: m.sub(m.add(a, b), m.add(b, a)), "sub(%2, %2)"),
    "products commute": (lambda m, a, b: m.sub(m.mul(a, b), m.mul(b, a)), "sub(%2, %2)"),
    "equality commutes": (lambda m, a, b: m.sub(m.eq(a, b), m.eq(b, a)), "sub(%2, %2)"),
    "a constant too": (lambda m, a: m.sub(m.mul(a, 3.0), m.mul(3.0, a)), "sub(%2, %2)"),
    "also one that was there before": (
        lambda m, a: m.sub(m.mul(m.exp(m.mul(a, 3.0)), 3.0), m.mul(3.0, m.exp(m.mul(a, 3.0)))),
        "sub(%4, %4)",
    ),
    "differences do not": (lambda m, a, b: m.add(m.sub(a, b), m.sub(b, a)), "add(%2, %3)"),
    "nor comparisons": (lambda m, a, b: m.add(m.gt(a, b), m.gt(b, a)), "add(%2, %3)"),
    "other operations are shared as well": (
        lambda m, a, b: m.sub(m.exp(m.add(a, b)), m.exp(m.add(b, a))),
        "sub(%3, %3)",
    ),
    "a variable is the number itself": (lambda m, a: m.exp(m.identity(m.identity(a))), "exp(%0)"),
    "and nothing else of the operand is": (
        lambda m, a: m.mul(m.relu(m.exp(a)), m.tanh(m.exp(a))),
        "mul(%2, %3)",
    ),
    "a gradient's step is that of the relu": (
        lambda m, a, b: m.mul(m.relu(m.exp(a)), m.step(m.exp(a))),
        "mul(%3, %4)",
    ),
    "a maximum of two is not one of them": (lambda m, a, b: m.maximum(a, b), "maximum(%0, %1)"),
    "nor is a choice between two": (lambda m, a, b, c: m.where(a, b, c), "where(%0, %1, %2)"),
    "the square of another is no square": (
        lambda m, a, b: m.mul(m.neg(a), m.exp(b)),
        "mul(%2, %3)",
    ),
    "sums of two numbers known": (lambda m, a: m.add(a, m.add(1.0, 2.0)), "add(%0, %3)"),
    "a known condition": (lambda m, a, b: m.where(2.0, a, m.exp(b)), "%0"),
    "a known condition that is false": (lambda m, a, b: m.where(0.0, a, m.exp(b)), "exp(%1)"),
    "nan is true": (lambda m, a, b: m.where(math.nan, a, b), "%0"),
    "a known index": (lambda m, a, b, c: m.take(2.0, a, b, m.exp(c)), "exp(%2)"),
    "the first row": (lambda m, a, b: m.take(0.0, a, m.exp(b)), "%0"),
    "an index beyond": (lambda m, a, b: m.take(2.0, a, b), "nan"),
    "an index before": (lambda m, a, b: m.take(-1.0, a, b), "nan"),
    "half an index": (lambda m, a, b: m.take(0.5, a, b), "nan"),
    "a known row at an index that is not": (lambda m, a: m.take(a, 1.0, 2.0), "take(%0, %1, %2)"),
    "a choice of two known": (lambda m, a: m.where(a, 1.0, 2.0), "where(%0, %1, %2)"),
    "a mean over rows is none of a constant": (
        lambda m, a: m.mean_over_rows(m.add(1.0, 1.0), 1.0),
        "mean_over_rows(%2, %1)",
    ),
    "of a product alone": (lambda m, a: m.prod(a), "%0"),
    "a product spelled out": (lambda m, a, b, c: m.prod(a, b, c), "mul(%2, %3)"),
    "a sum spelled out": (lambda m, a, b: m.total(a, b), "inner(%2, %3, %0, %3, %1, %3)"),
    "a dot spelled out": (
        lambda m, a, b, c: m.dot(a, b, b, c, a),
        "inner(%3, %4, %0, %1, %1, %2, %0, %4)",
    ),
    "a mean spelled out": (lambda m, a, b: m.mean(a, b), "div(%4, %5)"),
    "a power": (lambda m, a: m.pow(a, 0.0), "1.0"),
}


def last(tape: Tape) -> str:
    """The operation behind the result, with the numbers of its operands; or the constant."""
    (y,) = tape.outputs
    op, args = tape.ops[y], tape.args[y]
    if op == "input":
        return f"%{args[0]}"
    return repr(args[0]) if op == "constant" else f"{op}({', '.join(f'%{x}' for x in args)})"


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("name", SIMPLE)
def test_what_is_left(name: str, exact: bool) -> None:
    """The last instruction of what is left, whose operands tell what is one and what is two."""
    f, want = SIMPLE[name]
    assert last(verify(simplify(tape_of(f), exact))) == want


# What must be simplified, said a second time: an expression, and what is left, over a, b and c
LEFT: list[tuple[Callable[..., Any], str]] = [
    (lambda m, a: m.exp(m.identity(a)), "exp(a)"),
    (lambda m, a: m.exp(m.stop_gradient(a)), "exp(a)"),
    (lambda m, a: m.exp(m.mul(a, 1.0)), "exp(a)"),
    (lambda m, a: m.exp(m.mul(1.0, a)), "exp(a)"),
    (lambda m, a: m.exp(m.div(a, 1.0)), "exp(a)"),
    (lambda m, a: m.exp(m.mul(a, -1.0)), "exp(neg(a))"),
    (lambda m, a: m.exp(m.mul(-1.0, a)), "exp(neg(a))"),
    (lambda m, a: m.exp(m.div(a, -1.0)), "exp(neg(a))"),
    (lambda m, a: m.exp(m.add(a, -0.0)), "exp(a)"),
    (lambda m, a: m.exp(m.add(-0.0, a)), "exp(a)"),
    (lambda m, a: m.exp(m.sub(a, 0.0)), "exp(a)"),
    (lambda m, a: m.exp(m.sub(-0.0, a)), "exp(neg(a))"),
    (lambda m, a: m.exp(m.neg(m.neg(a))), "exp(a)"),
    (lambda m, a, b: m.exp(m.sub(a, m.neg(b))), "exp(add(a, b))"),
    (lambda m, a, b: m.exp(m.add(a, m.neg(b))), "exp(sub(a, b))"),
    (lambda m, a, b: m.exp(m.add(m.neg(a), b)), "exp(sub(b, a))"),
    (lambda m, a, b: m.exp(m.mul(m.neg(a), m.neg(b))), "exp(mul(a, b))"),
    (lambda m, a: m.exp(m.square(m.neg(a))), "exp(square(a))"),
    (lambda m, a: m.exp(m.square(m.abs(a))), "exp(square(a))"),
    (lambda m, a: m.exp(m.abs(m.neg(a))), "exp(abs(a))"),
    (lambda m, a: m.exp(m.abs(m.abs(a))), "exp(abs(a))"),
    (lambda m, a: m.exp(m.relu(m.relu(a))), "exp(relu(a))"),
    (lambda m, a: m.exp(m.maximum(a, a)), "exp(a)"),
    (lambda m, a: m.exp(m.minimum(a, a)), "exp(a)"),
    (lambda m, a, b: m.exp(m.where(a, b, b)), "exp(b)"),
    (
        lambda m, a, b, c: m.exp(m.where(m.where(a, 0.0, 1.0), b, c)),
        "exp(where(a, c, b))",
    ),
    (lambda m, a: m.add(m.pow(a, 0.0), a), "add(a, 1)"),
    (lambda m, a: m.exp(m.pow(a, 1.0)), "exp(a)"),
]
LEFT_INEXACT: list[tuple[Callable[..., Any], str]] = [
    (lambda m, a: m.exp(m.pow(a, 2.0)), "exp(square(a))"),
    (lambda m, a: m.exp(m.pow(a, 3.0)), "exp(mul(a, square(a)))"),
    (lambda m, a: m.exp(m.pow(a, 4.0)), "exp(square(square(a)))"),
    (lambda m, a: m.exp(m.pow(a, -1.0)), "exp(reciprocal(a))"),
]


def test_what_must_become_simpler_does() -> None:
    """Each law is applied; those that are not exact, unless every bit is to be kept."""
    for f, want in LEFT:
        assert text(simplify(tape_of(f), exact=True)) == want
    for f, want in (*LEFT, *LEFT_INEXACT):
        assert text(simplify(tape_of(f), exact=False)) == want
    for f, _ in LEFT_INEXACT:
        assert text(simplify(tape_of(f), exact=True)) == text(tape_of(f))
    assert len(LAWS) == len(LEFT) + len(LEFT_INEXACT), "say here what the new law does"


def test_a_step_alone_is_taken_of_the_relu() -> None:
    """Whatever else there is of the same operand stays of it; without a relu the step does too."""
    for f, want in (
        (lambda m, a: m.mul(m.relu(m.exp(a)), m.tanh(m.exp(a))), "mul(relu(exp(a)), tanh(exp(a)))"),
        (
            lambda m, a: m.mul(m.relu(m.exp(a)), m.step(m.exp(a))),
            "mul(relu(exp(a)), step(relu(exp(a))))",
        ),
        (lambda m, a: m.mul(m.abs(m.exp(a)), m.step(m.exp(a))), "mul(abs(exp(a)), step(exp(a)))"),
    ):
        assert text(simplify(tape_of(f), exact=True)) == want


def test_own_operations_of_formulas_are_spelled_out() -> None:
    """Their formula stands in their place, which may be an operand or a number."""
    cubes: Any = lambda m, y, x: (m.mul(3.0, m.square(x)),)  # noqa: E731
    with temporary_primitives():
        primitive("optimize_cube", lambda m, x: m.mul(m.square(x), x), cubes)
        primitive("optimize_self", lambda m, x: x, lambda m, y, x: (1.0,))
        primitive("optimize_seven", lambda m, x: 7.0, lambda m, y, x: (0.0,))
        for f, want in (
            (lambda m, a: m.exp(m.optimize_cube(a)), "exp(mul(a, square(a)))"),
            (lambda m, a: m.exp(m.optimize_self(a)), "exp(a)"),
            (lambda m, a: m.add(m.optimize_seven(a), a), "add(a, 7)"),
        ):
            assert text(simplify(tape_of(f), exact=True)) == want


def test_a_variable_in_a_sum_stays_one() -> None:
    """Sums and products find what `apply` has made, and the other way round."""
    tape = tape_of(lambda m, a, b: (m.total(m.add(a, b), b), m.add(b, a), m.mul(a, b), m.mul(b, a)))
    simple = simplify(tape, exact=True)
    assert simple.ops.count("add") == simple.ops.count("mul") == 1


@given(st.sampled_from(("add", "mul")), wild_floats, wild_floats)
def test_numbers_known_meet_the_laws(op: str, a: float, b: float) -> None:
    """(a op x) op b at x = 1.5 has its bits: laws apply to a number and x in either order."""
    for order in (lambda p, q: (p, q), lambda p, q: (q, p)):
        tape = Tape()
        x = tape.input()
        inner = tape.apply(op, order(x, a))
        tape.outputs = [tape.apply(op, order(inner, b))]
        want = interpret(tape, [1.5])[0]
        assert same(interpret(verify(simplify(tape, exact=True)), [1.5])[0], want)


def test_dead_code_and_inputs() -> None:
    """What no result needs is gone; all inputs are there, for callers count them."""
    tape = tape_of(lambda m, a, b, c: (m.log(m.exp(b)), m.tanh(c))[1], batched="b")
    simple = verify(simplify(tape, exact=True))
    assert simple.ops == ["input", "input", "input", "tanh"]
    assert simple.batched == [False, True, False]


LARGEST = [[0.5], [1.0, 2.0], [2.0, 2.0, 1.0], [math.inf, 0.0], [-math.inf, -math.inf], [3.0] * 5]
LARGEST += [[math.inf, math.inf], [math.nan, 1.0], [1.0, math.nan], [-1000.0, 700.0, 710.0]]


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("xs", LARGEST)
def test_logsumexp_spelled_out(xs: list[float], exact: bool) -> None:
    """The bits of the engine's where exact, else its value: ties and infinities are no trouble."""
    tape = tape_of(lambda m, a, b, c, d, e: m.logsumexp(*(a, b, c, d, e)[: len(xs)]))
    simple = verify(simplify(tape, exact))
    assert "logsumexp" not in simple.ops
    (got,) = interpret(simple, [*xs, *[0.0] * (5 - len(xs))])
    want = ieee.logsumexp(*xs)
    assert same(got, want) if exact else got == pytest.approx(want, rel=1e-15, nan_ok=True)


def test_positions_of_a_sequence_keep_in_step() -> None:
    """Unless exact, the longest way to logsumexp is one length, however many numbers it has."""
    depths = []
    for n in (1, 2, 5, 20):
        tape = Tape()
        tape.outputs = [tape.apply("logsumexp", tuple([tape.input() for _ in range(n)]))]
        simple = simplify(tape, exact=False)
        depth: list[int] = []
        for _, op, args in simple.instructions():
            depth.append(0 if op in ("input", "constant") else 1 + max(depth[x] for x in args))
        depths.append(depth[simple.outputs[0]])
    assert len(set(depths)) == 1
