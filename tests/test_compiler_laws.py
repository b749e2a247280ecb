"""Each law of the optimiser, as it stands in its table, over all floats: nan, inf and -0.0 too."""

import inspect
import itertools
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from passes import operations, same
from strategies import SPECIAL, wild_floats

from autograd.compiler.interpret import interpret
from autograd.compiler.optimize import LAWS, Law, simplify
from autograd.compiler.tape import FORWARD, Namespace, Tape, verify


class Floats:
    """The namespace of the laws with floats for numbers."""

    def __getattr__(self, op: str) -> Any:
        return FORWARD[op]


def variables(law: Law) -> list[str]:
    return list(inspect.signature(law.left).parameters)[1:]


def text(law: Law) -> str:
    return str(both_sides(law)[0]).splitlines()[-2].split(" = ")[1]


def both_sides(law: Law) -> tuple[Tape, Tape]:
    """The left side and the right side as tapes of their own."""
    tapes = []
    for side in (law.left, law.right):
        tape = Tape()
        inputs = [tape.input() for _ in variables(law)]
        result = side(Namespace(tape), *inputs)
        tape.outputs = [tape.constant(result) if type(result) is float else result]
        tapes.append(verify(tape))
    return tapes[0], tapes[1]


every_law = pytest.mark.parametrize("law", LAWS, ids=[f"{i} {text(x)}" for i, x in enumerate(LAWS)])


def agree(law: Law, xs: tuple[float, ...]) -> None:
    left, right = law.left(Floats(), *xs), law.right(Floats(), *xs)
    if law.exact:
        assert same(left, right), (xs, left, right)
        return
    # the right side may round, overflow and lose digits to underflow once more on its way
    assert math.isnan(left) == math.isnan(right), (xs, left, right)
    near = math.isclose(left, right, rel_tol=4 * 2.0**-52, abs_tol=1e-307)
    assert same(left, right) or near, (xs, left, right)
    if left == 0.0:
        assert math.copysign(1.0, left) == math.copysign(1.0, right), (xs, left, right)


@every_law
def test_law_holds_at_special_values(law: Law) -> None:
    """Both sides are equal for every combination of special numbers: to the bit if exact."""
    for xs in itertools.product(SPECIAL, repeat=len(variables(law))):
        agree(law, xs)


@every_law
@given(st.data())
def test_law_holds_for_all_floats(law: Law, data: st.DataObject) -> None:
    """Both sides are equal for any floats: to the bit if exact, else to a few roundings."""
    agree(law, data.draw(st.tuples(*[wild_floats] * len(variables(law)))))


@every_law
def test_law_is_applied(law: Law) -> None:
    """Simplified, the left side has no more operations than the right; as it was, if inexact."""
    left, right = both_sides(law)
    assert len(operations(simplify(left, exact=False))) <= len(operations(right))
    if not law.exact:
        assert operations(simplify(left, exact=True)) == operations(left)


# What looks like a law and is none, with the float that it fails for.
NO_LAWS: list[tuple[str, Any, Any, float]] = [
    ("x + 0 = x", lambda m, x: m.add(x, 0.0), lambda m, x: x, -0.0),
    ("x * 0 = 0", lambda m, x: m.mul(x, 0.0), lambda m, x: 0.0, math.inf),
    ("x - x = 0", lambda m, x: m.sub(x, x), lambda m, x: 0.0, math.nan),
    ("0 - x = -x", lambda m, x: m.sub(0.0, x), lambda m, x: m.neg(x), 0.0),
    ("x / x = 1", lambda m, x: m.div(x, x), lambda m, x: 1.0, 0.0),
    ("x ** 0.5 = sqrt(x)", lambda m, x: m.pow(x, 0.5), lambda m, x: m.sqrt(x), -0.0),
    ("x ** 0.5 = sqrt(x)", lambda m, x: m.pow(x, 0.5), lambda m, x: m.sqrt(x), -math.inf),
    (
        "1 / (1 / x) = x",
        lambda m, x: m.reciprocal(m.reciprocal(x)),
        lambda m, x: x,
        5e-324,
    ),
    ("exp(log(x)) = x", lambda m, x: m.exp(m.log(x)), lambda m, x: x, -1.0),
    ("log(exp(x)) = x", lambda m, x: m.log(m.exp(x)), lambda m, x: x, 1000.0),
    ("relu(x) = maximum(x, 0)", lambda m, x: m.relu(x), lambda m, x: m.maximum(x, 0.0), 7.0),
    ("sqrt(x * x) = x", lambda m, x: m.sqrt(m.square(x)), lambda m, x: m.abs(x), 1e-200),
]


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("case", NO_LAWS, ids=[f"{name} at {x}" for name, _, _, x in NO_LAWS])
def test_what_is_no_law_is_not_applied(case: tuple[str, Any, Any, float], exact: bool) -> None:
    """Simplified, the left side still gives what it gave, where the right side would not."""
    name, left, right, x = case
    want = left(Floats(), x)
    if name != "relu(x) = maximum(x, 0)":  # true, and of no use
        assert not same(want, right(Floats(), x)), "this is no counterexample"
    tape = Tape()
    tape.outputs = [left(Namespace(tape), tape.input())]
    assert same(interpret(simplify(tape, exact), [x])[0], want)


@given(wild_floats, wild_floats)
@example(0.0, -0.0)
@example(math.nan, math.inf)
def test_constants_are_folded_to_the_bit(a: float, b: float) -> None:
    """What is known when compiling is computed then, with the engine's own functions."""
    for op in ("add", "mul", "div", "pow", "maximum", "hypot", "logaddexp", "gt", "eq"):
        tape = Tape()
        tape.outputs = [tape.apply(op, (a, b))]
        folded = simplify(tape, exact=True)
        number = folded.number(folded.outputs[0])
        assert number is not None, "it is a constant"
        assert same(number, float(FORWARD[op](a, b)))


@given(wild_floats, wild_floats, st.booleans())
def test_where_with_a_known_condition_is_its_branch(a: float, b: float, taken: bool) -> None:
    """The other branch is gone."""
    tape = Tape()
    x, y = tape.input(), tape.input()
    tape.outputs = [tape.apply("where", (float(taken), x, y))]
    simple = simplify(tape, exact=True)
    assert not operations(simple)
    assert same(interpret(simple, [a, b])[0], a if taken else b)
