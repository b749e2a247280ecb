"""Reverse mode from tape to tape, by itself: the adjoints as formulas, and where there are none."""

import math
import random
from collections.abc import Callable
from typing import Any

import pytest
from test_fuse import NAMES, tape_of

from autograd import primitive, temporary_primitives
from autograd.compiler.differentiate import adjoints
from autograd.compiler.interpret import interpret
from autograd.compiler.optimize import simplify
from autograd.compiler.tape import Tape, verify


def formula(tape: Tape, y: int | float) -> str:
    """A value of a tape, written out over its inputs a, b, c ..."""
    if type(y) is float:
        return f"{y:g}"
    op, args = tape.ops[y], tape.args[y]
    if op == "input":
        return NAMES[args[0]]
    return (
        f"{args[0]:g}" if op == "constant" else f"{op}({', '.join(formula(tape, x) for x in args)})"
    )


def gradient(f: Callable[..., Any], exact: bool = True) -> list[str]:
    """The adjoints of a function by each of its inputs."""
    tape = tape_of(f)
    (root,) = tape.outputs
    found = adjoints(tape, root, list(range(f.__code__.co_argcount - 1)), exact)
    verify(tape)
    return [formula(tape, g) for g in found]


# a function, and its derivative by each input: what stands in the tape, not simplified
GRADIENTS: dict[str, tuple[Callable[..., Any], list[str]]] = {
    "of an input": (lambda m, a, b: a, ["1", "0"]),
    "of a sum": (lambda m, a, b: m.add(a, b), ["1", "1"]),
    "of a product": (lambda m, a, b: m.mul(a, b), ["b", "a"]),
    "of a constant": (lambda m, a, b: m.exp(2.0), ["0", "0"]),
    "a factor of 1 is left out": (lambda m, a, b: m.add(m.exp(a), b), ["exp(a)", "1"]),
    "a factor of 2 is not": (lambda m, a: m.square(a), ["mul(2, a)"]),
    "one use after the other": (
        lambda m, a: m.add(m.mul(a, 3.0), m.exp(a)),
        ["add(exp(a), 3)"],
    ),
    "an operand twice": (lambda m, a: m.mul(a, a), ["add(a, a)"]),
    "a chain": (lambda m, a: m.exp(m.sin(a)), ["mul(exp(sin(a)), cos(a))"]),
    "of a sum of products": (lambda m, a, b, c, d: m.inner(a, b, c, d), ["b", "a", "d", "c"]),
    "what is stopped": (lambda m, a, b: m.mul(m.stop_gradient(a), b), ["0", "stop_gradient(a)"]),
    "a comparison is flat": (lambda m, a, b: m.mul(m.gt(a, b), b), ["0", "gt(a, b)"]),
    "so is the largest": (lambda m, a, b: m.sub(a, m.largest(a, b)), ["1", "0"]),
    "the order of a polygamma is no variable": (
        lambda m, a, b: m.polygamma(a, b),
        ["0", "polygamma(add(a, 1), b)"],
    ),
    "nor is what the order is made of": (
        lambda m, a, b: m.polygamma(m.add(a, 1.0), b),
        ["0", "polygamma(add(add(a, 1), 1), b)"],
    ),
    "nor an index": (
        lambda m, a, b: m.mul(m.take(m.mul(a, 2.0), b), b),
        ["0", "add(take(mul(a, 2), b), where(eq(mul(a, 2), 0), b, -0))"],
    ),
    "a choice has the gradient of its branch, and off it none": (
        lambda m, a, b, c: m.where(a, b, c),
        [
            "0",
            "where(a, where(a, 1, -0), 0)",
            "where(where(a, 0, 1), where(where(a, 0, 1), 1, -0), 0)",
        ],
    ),
    "what blocks, blocks what is behind it too": (
        lambda m, a, b, c: m.where(
            m.exp(a), m.mul(m.stop_gradient(m.exp(a)), b), m.largest(m.exp(a), c)
        ),
        [
            "0",
            "where(exp(a), where(exp(a), mul(where(exp(a), 1, -0), stop_gradient(exp(a))), -0), 0)",
            "0",
        ],
    ),
    "on both branches": (
        lambda m, a, b: m.where(a, m.exp(b), m.sin(b)),
        [
            "0",
            "where(where(where(a, 0, 1), 1, a), add(\
where(where(a, 0, 1), mul(where(where(a, 0, 1), 1, -0), cos(b)), -0), \
where(a, mul(where(a, 1, -0), exp(b)), -0)), 0)",
        ],
    ),
    "on a branch and beside it": (
        lambda m, a, b: m.add(m.where(a, m.exp(b), 2.0), m.sin(b)),
        ["0", "add(cos(b), where(a, mul(where(a, 1, -0), exp(b)), -0))"],
    ),
    "beside a branch and on it": (
        lambda m, a, b: m.add(m.sin(b), m.where(a, m.exp(b), 2.0)),
        ["0", "add(where(a, mul(where(a, 1, -0), exp(b)), -0), cos(b))"],
    ),
    "a branch within a branch": (
        lambda m, a, b, c: m.where(a, m.where(b, c, 2.0), 3.0),
        ["0", "0", "where(where(a, b, 0), where(where(a, b, 0), where(a, 1, -0), -0), 0)"],
    ),
    "an index made of a variable": (
        lambda m, a, b: m.take(m.exp(a), b),
        ["0", "where(eq(exp(a), 0), where(eq(exp(a), 0), 1, -0), 0)"],
    ),
    "rows that are taken": (
        lambda m, a, b, c: m.take(a, b, c),
        [
            "0",
            "where(eq(a, 0), where(eq(a, 0), 1, -0), 0)",
            "where(eq(a, 1), where(eq(a, 1), 1, -0), 0)",
        ],
    ),
}


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("name", GRADIENTS)
def test_the_formula(name: str, exact: bool) -> None:
    """The chain rule and nothing more; 0 where no gradient flows."""
    f, want = GRADIENTS[name]
    assert gradient(f, exact) == want


def test_sums_are_one_instruction_unless_exact() -> None:
    """Of three terms and more: exactly they are added in the eager engine's order."""

    def f(m: Any, a: Any) -> Any:
        return m.add(m.add(m.mul(a, 2.0), m.mul(a, 3.0)), m.exp(a))

    assert gradient(f, exact=True) == ["add(add(exp(a), 3), 2)"]
    assert gradient(f, exact=False) == ["inner(1, exp(a), 1, 3, 1, 2)"]
    assert gradient(lambda m, a: m.add(m.mul(a, 2.0), m.exp(a)), exact=False) == ["add(exp(a), 2)"]


def test_some_variables_or_none() -> None:
    """Only those that are asked for, which may be values in between; nothing behind them."""
    tape = tape_of(lambda m, a, b: m.mul(m.exp(a), b))
    y, before = tape.outputs[0], len(tape)
    assert adjoints(tape, y, [], True) == []
    assert adjoints(tape, y, [1], True) == [2]
    assert adjoints(tape, y, [2], True) == [1]
    assert adjoints(tape, y, [y, 0], True) == [1.0, 0.0], "behind a variable nothing moves"
    assert adjoints(tape, 0, [1], True) == [0.0]
    assert tape.ops[before:].count("mul") == 0


@pytest.mark.parametrize("exact", [True, False])
def test_what_leads_nowhere_costs_nothing(exact: bool) -> None:
    """However many paths there are through it, it is visited once, and nothing is computed of it.

    And what does lead somewhere is differentiated once, also where its paths multiply.
    """
    for variable, more in ((0, 0), (1, 200)):
        tape = Tape()
        a, b = tape.input(), tape.input()
        y = b
        for _ in range(200):
            y = tape.apply("add", (y, y))
        root = tape.apply("mul", (a, y))
        before = len(tape)
        (found,) = adjoints(tape, root, [variable], exact)
        assert len(tape) == before + more
        tape.outputs = [int(found)]
        assert interpret(verify(tape), [1.0, 1.0]) == [2.0**200]


def test_own_operations_have_the_gradients_they_say() -> None:
    """Along an operand whose partial is None there is none, and nothing behind it is looked at."""

    def rule(m: Any, y: Any, x: Any, n: Any) -> Any:
        return n, None

    with temporary_primitives():
        primitive("times_fixed", lambda x, n: x * n, rule)
        own: list[tuple[Any, list[str]]] = [
            (lambda m, a, b: m.times_fixed(a, b), ["b", "0"]),
            (
                lambda m, a, b: m.times_fixed(m.exp(a), m.exp(b)),
                ["mul(exp(b), exp(a))", "0"],
            ),
            (lambda m, a, b: m.add(m.times_fixed(b, b), a), ["1", "b"]),
            (
                lambda m, a, b: m.times_fixed(m.times_fixed(a, m.exp(b)), b),
                ["mul(b, exp(b))", "0"],
            ),
        ]
        for f, want in own:
            assert gradient(f) == want


def test_shared_branches_open_together() -> None:
    """What is used on both branches has gradient on either, and what is used always has it."""

    def both(m: Any, c: Any, x: Any) -> Any:
        return m.where(c, m.log(x), m.mul(x, 3.0))

    def always(m: Any, c: Any, x: Any) -> Any:
        return m.add(m.where(c, m.log(x), 2.0), m.mul(x, 5.0))

    def nested(m: Any, c: Any, x: Any) -> Any:
        return m.where(m.gt(x, 0.0), m.where(c, m.log(x), m.sqrt(x)), m.mul(x, 7.0))

    cases: list[tuple[Any, float, float, float]] = [
        (both, 1.0, 2.0, 0.5), (both, 0.0, 0.0, 3.0), (both, 1.0, 0.0, math.inf),
        (always, 1.0, 2.0, 5.5), (always, 0.0, 0.0, 5.0), (always, 0.0, -1.0, 5.0),
        (nested, 1.0, 4.0, 0.25), (nested, 0.0, 4.0, 0.25), (nested, 1.0, 0.0, 7.0),
        (nested, 0.0, -1.0, 7.0),
    ]  # fmt: skip
    for f, c, x, want in cases:
        for exact in (True, False):
            tape = tape_of(f)
            tape.outputs = [tape.constant(g) if type(g) is float else g
                            for g in adjoints(tape, tape.outputs[0], [1], exact)]  # fmt: skip
            assert interpret(simplify(verify(tape), exact), [c, x]) == [want], (f.__name__, c, x)


@pytest.mark.parametrize("exact", [True, False])
def test_it_is_the_slope(exact: bool) -> None:
    """On random tapes of smooth operations, to the accuracy of a central difference."""
    rng = random.Random(5)
    for _ in range(25):
        tape = Tape()
        xs = [tape.input() for _ in range(3)]
        for _ in range(10):
            op = rng.choice(("add", "sub", "mul", "tanh", "sin", "square", "inner", "hypot"))
            n = {"tanh": 1, "sin": 1, "square": 1, "inner": 4}.get(op, 2)
            tape.apply(op, tuple([rng.randrange(len(tape)) for _ in range(n)]))
            tape.apply("tanh", (len(tape) - 1,))  # so that nothing grows
        root = len(tape) - 1
        found = adjoints(tape, root, xs, exact)
        tape.outputs = [root, *[tape.constant(g) if type(g) is float else g for g in found]]
        verify(tape)
        at = [rng.uniform(0.5, 1.5) for _ in xs]
        _, *slopes = interpret(tape, at)
        for k, slope in enumerate(slopes):
            left, right = ([x + h * (i == k) for i, x in enumerate(at)] for h in (-1e-5, 1e-5))
            difference = (interpret(tape, right)[0] - interpret(tape, left)[0]) / 2e-5
            assert slope == pytest.approx(difference, rel=1e-6, abs=1e-8)
