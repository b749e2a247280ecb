"""The tape by itself: what it takes, what it prints, what `verify` refuses."""

import math
import operator
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from passes import same
from strategies import wild_floats

from autograd.compiler.interpret import interpret
from autograd.compiler.tape import ARITY, EXTRA, FORWARD, LEAVES, Tape, verify
from autograd.primitives import TABLE


def neuron() -> Tape:
    """tanh(x * w + 0.5) of two inputs, the first of which differs from row to row."""
    tape = Tape()
    x, w = tape.input(batched=True), tape.input()
    tape.outputs = [tape.apply("tanh", (tape.apply("add", (tape.apply("mul", (x, w)), 0.5)),))]
    return verify(tape)


def test_it_is_printed_line_by_line() -> None:
    """Each value with its operation and operands, then the results."""
    assert str(neuron()) == "\n".join(
        [
            "%0 = input(0)",
            "%1 = input(1)",
            "%2 = mul(%0, %1)",
            "%3 = constant(0.5)",
            "%4 = add(%2, %3)",
            "%5 = tanh(%4)",
            "return %5",
        ]
    )


@pytest.mark.parametrize("n", [11, 12, 13, 14, 40])
def test_long_lists_are_printed_short(n: int) -> None:
    """Of more than twelve operands or results, the first and the number of the others are told."""
    tape = Tape()
    xs = tuple([tape.input() for _ in range(n)])
    tape.apply("total", xs)
    tape.outputs = list(xs)
    *_, operands, results = str(tape).splitlines()
    if n <= 12:
        assert operands.count("%") == n + 1
        assert results == "return " + ", ".join(f"%{x}" for x in xs)
        return
    assert f"%5, ... {n - 8} more ..., %{n - 2}, %{n - 1})" in operands
    assert results.endswith(f"%11, ... {n - 12} more")
    assert operands.count("%") == 8 + 1
    assert results.count("%") == 12


@given(wild_floats, wild_floats)
def test_a_constant_is_there_once_for_its_bits(a: float, b: float) -> None:
    """Equal bits are one value, others two: 0.0 is not -0.0."""
    tape = Tape()
    x, y = tape.constant(a), tape.constant(b)
    assert (x == y) == (a.hex() == b.hex())
    assert tape.constant(a) == x
    assert len(tape) == len({x, y})
    assert [tape.number(x), tape.number(y)] == [a, b] or math.isnan(a) or math.isnan(b)
    assert tape.number(a) is a, "a float stands for itself"
    assert tape.number(tape.input()) is None, "an input is no number"


def test_floats_among_operands_become_constants_once() -> None:
    """`apply` puts a number on the tape, ahead of the instruction, wherever it stands."""
    tape = Tape()
    x = tape.input()
    y = tape.apply("clip", (x, -1.0, 1.0))
    z = tape.apply("clip", (y, -1.0, x))
    assert tape.ops == ["input", "constant", "constant", "clip", "clip"]
    assert tape.args[y] == (0, 1, 2)
    assert tape.args[z] == (3, 1, 0)
    assert list(tape.instructions())[3] == (3, "clip", (0, 1, 2))


def test_what_varies_is_what_comes_from_batched_inputs() -> None:
    """Values made of a batched input differ from row to row; a mean over the rows does not."""
    tape = neuron()
    assert tape.varies() == [True, False, True, False, True, True]
    mean = tape.apply("mean_over_rows", (tape.outputs[0], 1))
    doubled = tape.apply("add", (mean, mean))
    assert tape.varies()[mean:] == [False] * 2
    assert tape.varies()[doubled] is False
    plain = Tape()
    plain.apply("exp", (plain.input(),))
    assert plain.varies() == [False, False]
    every = Tape()
    every.apply("exp", (every.input(batched=True),))
    assert every.varies() == [True, True]


def test_what_is_live_is_what_results_need() -> None:
    """The instructions behind the results, in order, inputs included; no other ones."""
    tape = neuron()
    dead = tape.apply("exp", (0,))
    tape.apply("log", (dead,))
    assert tape.live() == [0, 1, 2, 3, 4, 5]
    tape.outputs = [2, 1]
    assert tape.live() == [0, 1, 2]
    tape.outputs = []
    assert tape.live() == []


BROKEN: dict[str, tuple[Callable[[Tape], object], str]] = {
    "an input beyond the last": (lambda t: t.args.__setitem__(1, (2,)), "%1: there is no input 2"),
    "an input before the first": (lambda t: t.args.__setitem__(0, (-1,)), "%0: there is no input"),
    "two numbers in a constant": (lambda t: t.args.__setitem__(3, (0.5, 0.5)), "%3: .* one number"),
    "an int for a constant": (lambda t: t.args.__setitem__(3, (1,)), "%3: a constant is a float"),
    "an operation that is none": (lambda t: t.ops.__setitem__(5, "tan2"), "%5: unknown .*tan2"),
    "an operand too many": (lambda t: t.args.__setitem__(5, (4, 4)), "%5: tanh with 2 operands"),
    "an operand too few": (lambda t: t.args.__setitem__(4, (2,)), "%4: add with 1 operands"),
    "a sum of nothing": (lambda t: t.apply("total", ()), "%6: total with 0 operands"),
    "half a product": (lambda t: t.apply("inner", (0, 1, 2)), "%6: inner takes pairs"),
    "half a mean": (lambda t: t.apply("mean_over_rows", (0,)), "%6: mean_over_rows takes pairs"),
    "a bool for an operand": (lambda t: t.args.__setitem__(5, (True,)), "%5: operands are numbers"),
    "a float for an operand": (lambda t: t.args.__setitem__(4, (2, 0.5)), "%4: operands are num"),
    "a value of itself": (lambda t: t.args.__setitem__(5, (5,)), "%5: .* not computed before it"),
    "a later value": (lambda t: t.args.__setitem__(2, (0, 4)), "%2: .* not computed before it"),
    "a negative value": (lambda t: t.args.__setitem__(2, (-1, 0)), "%2: .* not computed before"),
    "a result beyond the last": (lambda t: t.outputs.append(6), "result 6 is not a value"),
    "a result before the first": (lambda t: t.outputs.append(-1), "result -1 is not a value"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_tape_is_refused_with_the_place(name: str) -> None:
    """Each rule of a well-formed tape is checked by `verify`, which names the value."""
    breaking, message = BROKEN[name]
    tape = neuron()
    breaking(tape)
    with pytest.raises(AssertionError, match=message):
        verify(tape)


def test_a_sound_tape_passes() -> None:
    """All that the rules allow is let through: pairs, one operand, a result that is an input."""
    tape = neuron()
    tape.apply("inner", (0, 1))
    tape.apply("mean_over_rows", (0, 1, 1, 1))
    tape.apply("total", (0,))
    for op in ("total", "largest", "take"):
        tape.apply(op, (0, 1, 2, 4))
    tape.outputs = [0, len(tape) - 1]
    assert verify(tape) is tape


def test_every_operation_has_a_function_and_an_arity() -> None:
    """The table and the tape's own; a mean over rows, which is of a batch, has no function."""
    assert FORWARD.keys() == TABLE.keys() | EXTRA.keys()
    assert ARITY.keys() == FORWARD.keys() | {"mean_over_rows"}
    assert not FORWARD.keys() & set(LEAVES)


@pytest.mark.parametrize("index", [-1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0, 2.5, math.nan, math.inf])
def test_take_gives_the_row_or_nan(index: float) -> None:
    """A whole number from 0 is a row; all else is nan."""
    rows = [10.0, 20.0, 30.0]
    tape = Tape()
    i = tape.input()
    tape.outputs = [tape.apply("take", (i, *rows))]
    (got,) = interpret(verify(tape), [index])
    if index in (0.0, 1.0, 2.0):
        assert got == rows[int(index)]
    else:
        assert math.isnan(got)


@given(wild_floats, wild_floats)
def test_comparisons_are_pythons(a: float, b: float) -> None:
    """As numbers: 1.0 or 0.0; all are false of nan. The largest is the first that is."""
    for name in ("gt", "ge", "lt", "le", "eq"):
        got = FORWARD[name](a, b)
        assert type(got) is float
        assert got == getattr(operator, name)(a, b)
    assert FORWARD["largest"](a, b) is (b if b > a else a)


@given(st.lists(st.tuples(wild_floats, wild_floats), min_size=1, max_size=4))
def test_an_inner_adds_from_left_to_right(pairs: list[tuple[float, float]]) -> None:
    """From the first product on, without a 0.0 in front, which would cost a -0.0 its sign."""
    want = pairs[0][0] * pairs[0][1]
    for a, b in pairs[1:]:
        want += a * b
    assert same(FORWARD["inner"](*[x for pair in pairs for x in pair]), want)
