"""Fusing by itself: which sums and products become one `inner`, and which must not."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from passes import same
from strategies import wild_floats

from autograd.compiler.fuse import fuse
from autograd.compiler.interpret import interpret
from autograd.compiler.tape import LEAVES, Namespace, Tape, verify

NAMES = "abcdefgh"


def tape_of(f: Callable[..., Any], batched: str = "") -> Tape:
    """The tape of a function of a namespace and some of the inputs a, b, c ..."""
    tape = Tape()
    n = f.__code__.co_argcount - 1
    found = f(Namespace(tape), *[tape.input(name in batched) for name in NAMES[:n]])
    tape.outputs = list(found) if type(found) is tuple else [found]
    return verify(tape)


def text(tape: Tape) -> str:
    """The results as formulas: sums as (a*b + c), means over rows as mean(a*b + c)."""

    def formula(i: int) -> str:
        op, args = tape.ops[i], tape.args[i]
        if op == "input":
            return NAMES[args[0]]
        if op == "constant":
            return f"{args[0]:g}"
        xs = [formula(x) for x in args]
        if op in ("inner", "mean_over_rows"):
            pairs = zip(xs[::2], xs[1::2], strict=True)
            terms = " + ".join(a if b == "1" else f"{a}*{b}" for a, b in pairs)
            return f"({terms})" if op == "inner" else f"mean({terms})"
        return f"{op}({', '.join(xs)})"

    return ", ".join(formula(x) for x in tape.outputs)


def assert_all_used(tape: Tape) -> None:
    """What is part of a sum is not computed once more by itself."""
    live = set(tape.live())
    assert all(i in live for i, op in enumerate(tape.ops) if op not in LEAVES)


# a function of inputs; what becomes of it exactly; and otherwise
SUMS: dict[str, tuple[Callable[..., Any], str, str]] = {
    "from left to right": (
        lambda m, a, b, c, d, e: m.add(m.add(m.mul(a, b), m.mul(c, d)), e),
        "(a*b + c*d + e)",
        "(a*b + c*d + e)",
    ),
    "a difference inside": (
        lambda m, a, b, c, d: m.sub(m.add(m.mul(a, b), c), d),
        "(a*b + c + d*-1)",
        "(a*b + c + d*-1)",
    ),
    "a difference first": (
        lambda m, a, b, c: m.add(m.sub(a, b), c),
        "(a + b*-1 + c)",
        "(a + b*-1 + c)",
    ),
    "two numbers are no sum of products": (
        lambda m, a, b: m.add(a, b),
        "add(a, b)",
        "add(a, b)",
    ),
    "nor is a difference of two": (
        lambda m, a, b: m.sub(a, b),
        "sub(a, b)",
        "sub(a, b)",
    ),
    "one product and a number": (
        lambda m, a, b, c: m.add(c, m.mul(a, b)),
        "(c + a*b)",
        "(c + a*b)",
    ),
    "less a product: -1 times it is one rounding more": (
        lambda m, a, b, c: m.sub(c, m.mul(a, b)),
        "sub(c, mul(a, b))",
        "sub(c, mul(a, b))",
    ),
    "a product less a number": (
        lambda m, a, b, c: m.sub(m.mul(a, b), c),
        "(a*b + c*-1)",
        "(a*b + c*-1)",
    ),
    "a sum on the right comes first, for the sum of two commutes": (
        lambda m, a, b, c, d: m.add(a, m.add(m.mul(b, c), d)),
        "(b*c + d + a)",
        "(b*c + d + a)",
    ),
    "a sum that is taken away stays apart": (
        lambda m, a, b, c, d: m.sub(a, m.add(m.mul(b, c), d)),
        "sub(a, (b*c + d))",
        "sub(a, (b*c + d))",
    ),
    "two sums": (
        lambda m, a, b, c, d: m.add(m.add(m.square(a), b), m.add(m.mul(c, d), c)),
        "(a*a + b + (c*d + c))",
        "(c*d + c + a*a + b)",
    ),
    "products of products": (
        lambda m, a, b, c: m.add(m.mul(m.mul(a, b), c), m.square(m.square(a))),
        "(mul(a, b)*c + square(a)*square(a))",
        "(mul(a, b)*c + square(a)*square(a))",
    ),
    "a product used twice is computed once": (
        lambda m, a, b, c: (lambda p: m.add(m.add(p, c), m.exp(p)))(m.mul(a, b)),
        "(mul(a, b) + c + exp(mul(a, b)))",
        "(mul(a, b) + c + exp(mul(a, b)))",
    ),
    "so is a sum": (
        lambda m, a, b, c: (lambda s: m.add(m.add(s, c), m.exp(s)))(m.add(m.mul(a, b), c)),
        "((a*b + c) + c + exp((a*b + c)))",
        "((a*b + c) + c + exp((a*b + c)))",
    ),
    "and a sum added to itself": (
        lambda m, a, b, c: (lambda s: m.add(s, s))(m.add(m.mul(a, b), c)),
        "add((a*b + c), (a*b + c))",
        "add((a*b + c), (a*b + c))",
    ),
    "what is a result stays": (
        lambda m, a, b, c: (lambda p: (m.add(p, c), p))(m.mul(a, b)),
        "add(mul(a, b), c), mul(a, b)",
        "add(mul(a, b), c), mul(a, b)",
    ),
    "however many use it": (
        lambda m, a, b, c: (lambda p: (m.add(p, c), m.exp(p), m.sin(p), p))(m.mul(a, b)),
        "add(mul(a, b), c), exp(mul(a, b)), sin(mul(a, b)), mul(a, b)",
        "add(mul(a, b), c), exp(mul(a, b)), sin(mul(a, b)), mul(a, b)",
    ),
    "also a sum that is one": (
        lambda m, a, b, c: (lambda s: (m.add(m.mul(s, a), m.add(s, c)), s))(m.add(a, b)),
        "(add(a, b) + c + add(a, b)*a), add(a, b)",
        "(add(a, b) + c + add(a, b)*a), add(a, b)",
    ),
    "numbers that are known": (
        lambda m, a: m.add(m.mul(a, 3.0), 2.0),
        "(a*3 + 2)",
        "(a*3 + 2)",
    ),
    "three numbers are": (
        lambda m, a, b, c: m.add(m.add(a, b), c),
        "(a + b + c)",
        "(a + b + c)",
    ),
    "an inner and a sum": (
        lambda m, a, b, c: m.add(m.inner(a, b, b, c), m.add(m.mul(c, c), b)),
        "(a*b + b*c + (c*c + b))",
        "(c*c + b + a*b + b*c)",
    ),
    "sums of sums": (
        lambda m, a, b, c, d: m.add(m.add(m.add(a, b), m.add(c, d)), m.add(m.mul(a, d), b)),
        "(a + b + add(c, d) + (a*d + b))",
        "(a*d + b + c + d + a + b)",
    ),
    "an inner goes on": (
        lambda m, a, b, c: m.add(m.inner(a, b, b, c), m.mul(c, c)),
        "(a*b + b*c + c*c)",
        "(a*b + b*c + c*c)",
    ),
}


@pytest.mark.parametrize("name", SUMS)
def test_what_becomes_one_sum(name: str) -> None:
    """Trees of sums that nothing else uses; exactly, only where the order of adding stays."""
    f, exact, fast = SUMS[name]
    for fused, want in ((fuse(tape_of(f), True), exact), (fuse(tape_of(f), False), fast)):
        assert text(verify(fused)) == want
        assert_all_used(fused)


# likewise, with input a, and b too where it is named, different in each row
BATCHED: dict[str, tuple[str, Callable[..., Any], str, str]] = {
    "what is one for all rows is computed once": (
        "a",
        lambda m, a, b, c: m.add(m.mul(b, c), a),
        "add(mul(b, c), a)",
        "add(mul(b, c), a)",
    ),
    "so is a sum": (
        "a",
        lambda m, a, b, c: m.add(m.add(m.mul(b, c), c), a),
        "add((b*c + c), a)",
        "add((b*c + c), a)",
    ),
    "a product of both kinds differs from row to row": (
        "a",
        lambda m, a, b, c: m.add(m.mul(a, b), m.mul(a, c)),
        "(a*b + a*c)",
        "(a*b + a*c)",
    ),
    "the mean of a product": (
        "a",
        lambda m, a, b: m.mean_over_rows(m.mul(a, b), 1.0),
        "mean(a*b)",
        "mean(a*b)",
    ),
    "the mean of a sum: exactly, each row has a sum of its own": (
        "a",
        lambda m, a, b, c: m.mean_over_rows(m.add(m.mul(a, b), m.mul(a, c)), 1.0),
        "mean((a*b + a*c))",
        "mean(a*b + a*c)",
    ),
    "the mean of a difference": (
        "ab",
        lambda m, a, b: m.mean_over_rows(m.sub(a, b), 1.0),
        "mean(sub(a, b))",
        "mean(a + b*-1)",
    ),
    "the mean of an inner": (
        "a",
        lambda m, a, b, c: m.mean_over_rows(m.inner(a, b, a, c), 1.0),
        "mean((a*b + a*c))",
        "mean(a*b + a*c)",
    ),
    "the mean of what something else uses": (
        "ab",
        lambda m, a, b: (lambda s: (m.mean_over_rows(s, 1.0), m.mean_over_rows(m.exp(s), 1.0)))(
            m.add(m.mul(a, b), a)
        ),
        "mean((a*b + a)), mean(exp((a*b + a)))",
        "mean((a*b + a)), mean(exp((a*b + a)))",
    ),
    "a mean of products is one already": (
        "ab",
        lambda m, a, b: m.mean_over_rows(a, b, m.add(m.mul(a, a), b), a),
        "mean(a*b + (a*a + b)*a)",
        "mean(a*b + (a*a + b)*a)",
    ),
    "the mean of an input": ("a", lambda m, a: m.mean_over_rows(a, 1.0), "mean(a)", "mean(a)"),
    "the mean of a function": (
        "a",
        lambda m, a: m.mean_over_rows(m.exp(a), 1.0),
        "mean(exp(a))",
        "mean(exp(a))",
    ),
}


@pytest.mark.parametrize("name", BATCHED)
def test_what_becomes_one_sum_of_a_batch(name: str) -> None:
    """What is one for all rows is not computed again in the sum of each."""
    batched, f, exact, fast = BATCHED[name]
    for keep, want in ((True, exact), (False, fast)):
        fused = verify(fuse(tape_of(f, batched), keep))
        assert text(fused) == want
        assert_all_used(fused)


def test_inputs_stay_and_what_is_dead_goes() -> None:
    """Callers count the inputs, batched or not; instructions that no result needs are left out."""
    tape = tape_of(lambda m, a, b, c, d: (m.add(m.mul(a, b), d), m.mul(d, d))[:1], batched="ad")
    fused = fuse(tape, exact=False)
    assert fused.batched == [True, False, False, True]
    assert fused.ops.count("input") == 4
    assert "mul" not in fused.ops


@st.composite
def sums(draw: st.DrawFn) -> tuple[Tape, list[Any]]:
    """A tape of sums, differences, products and squares with shared parts, and its inputs."""
    tape = Tape()
    m = Namespace(tape)
    inputs: list[Any] = []
    for _ in range(draw(st.integers(1, 4))):
        batched = draw(st.booleans())
        tape.input(batched)
        inputs.append([draw(wild_floats) for _ in range(3)] if batched else draw(wild_floats))
    for _ in range(draw(st.integers(2, 12))):
        a, b = (draw(st.integers(0, len(tape) - 1)) for _ in range(2))
        op = draw(st.sampled_from(("add", "add", "sub", "mul", "square", "exp")))
        getattr(m, op)(*((a,) if op in ("square", "exp") else (a, b)))
    varies = tape.varies()
    places = [len(tape) - 1, *draw(st.lists(st.integers(0, len(tape) - 1), max_size=2))]
    tape.outputs = [m.mean_over_rows(y, 1.0) if varies[y] else y for y in places]
    return verify(tape), inputs


@settings(max_examples=150)
@given(sums())
def test_exactly_means_to_the_bit(drawn: tuple[Tape, list[Any]]) -> None:
    """Whatever is shared, whatever the numbers: fused, the results have the bits they had."""
    tape, inputs = drawn
    want = interpret(tape, inputs, rows=3)
    got = interpret(verify(fuse(tape, exact=True)), inputs, rows=3)
    assert all(same(g, w) for g, w in zip(got, want, strict=True)), (got, want)
