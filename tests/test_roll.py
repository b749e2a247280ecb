"""Rolling by itself: which loops a function becomes, as text; and that they compute what it does.

`buffer0`, `buffer1` ... hold the arguments, then the captured Values, then the results; `once` what
is one for all rows, `rows` what each row of a batch has. Of a sum, the members' indices come first.
"""

import itertools
import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from passes import Passes, differences
from test_compiler import numbers

import autograd
from autograd.compiler.fuse import fuse
from autograd.compiler.interpret import interpret, run_program
from autograd.compiler.loops import ROWS, SPACE, Program
from autograd.compiler.merge import _places
from autograd.compiler.roll import roll
from autograd.compiler.tape import Tape, verify

X = [0.1 * i for i in range(8)]
W = [X[:5]] * 6  # weights [6, 5]


def loops(
    f: Callable[..., Any], args: list[Any], exact: bool, batched: tuple[int, ...]
) -> list[str]:
    """The loops as text; those for each row and after all rows are marked."""
    program = Passes(f, args, exact, batched).program
    parts = (("", program.before), ("rows: ", program.rows), ("after: ", program.after))
    return [f"{mark}{loop}" for mark, part in parts for loop in part]


# the function, arguments of which the last may be batched, and its loops
ROLLED: dict[str, tuple[Callable[..., Any], list[Any], tuple[int, ...], str]] = {
    "one operation on many numbers": (
        lambda x: [autograd.exp(a) for a in x],
        [X],
        (),
        "8: buffer2[0 + 1i] = exp(buffer0[0 + 1i])",
    ),
    "four are no loop": (
        lambda x: [autograd.exp(a) for a in x[:4]],
        [X],
        (),
        """
        1: buffer2[0] = exp(buffer0[0])
        1: buffer2[1] = exp(buffer0[1])
        1: buffer2[2] = exp(buffer0[2])
        1: buffer2[3] = exp(buffer0[3])
        """,
    ),
    "five are": (
        lambda x: [autograd.exp(a) for a in x[:5]],
        [X],
        (),
        "5: buffer2[0 + 1i] = exp(buffer0[0 + 1i])",
    ),
    "three loops inside one another": (
        lambda a: [[[autograd.exp(x) for x in r[:3]] for r in m[:3]] for m in a],
        [[[X[:5]] * 4] * 3],
        (),
        "3 x 3 x 3: buffer2[0 + 9i + 3j + 1k] = exp(buffer0[0 + 20i + 5j + 1k])",
    ),
    "operands on either side, of what commutes": (
        lambda x, y: [a * b if i % 2 else b * a for i, (a, b) in enumerate(zip(x, y, strict=True))],
        [X, X],
        (),
        "8: buffer3[0 + 1i] = mul(buffer0[0 + 1i], buffer1[0 + 1i])",
    ),
    "neighbours": (
        lambda x: [a * b for a, b in itertools.pairwise(x)],
        [X],
        (),
        "7: buffer2[0 + 1i] = mul(buffer0[0 + 1i], buffer0[1 + 1i])",
    ),
    "and of what does not": (
        lambda x, y: [
            autograd.maximum(*(p if i % 2 else p[::-1]))
            for i, p in enumerate(zip(x + x, y + y, strict=True))
        ],
        [X, X],
        (),
        """
        1: buffer3[1] = maximum(buffer0[1], buffer1[1])
        1: buffer3[3] = maximum(buffer0[3], buffer1[3])
        1: buffer3[5] = maximum(buffer0[5], buffer1[5])
        1: buffer3[7] = maximum(buffer0[7], buffer1[7])
        1: buffer3[0] = maximum(buffer1[0], buffer0[0])
        1: buffer3[2] = maximum(buffer1[2], buffer0[2])
        1: buffer3[4] = maximum(buffer1[4], buffer0[4])
        1: buffer3[6] = maximum(buffer1[6], buffer0[6])
        after: 8: buffer3[8 + 1i] = identity(buffer3[0 + 1i])
        """,
    ),
    "constants stand in the loop": (
        lambda x: [autograd.clip(a, -1.0, 2.0) for a in x],
        [X],
        (),
        "8: buffer2[0 + 1i] = clip(buffer0[0 + 1i], -1.0, 2.0)",
    ),
    "each in its own": (
        lambda x: [[autograd.maximum(a, 1.0) for a in x], [autograd.maximum(a, 3.0) for a in x]],
        [X],
        (),
        """
        8: buffer2[0 + 1i] = maximum(buffer0[0 + 1i], 1.0)
        8: buffer2[8 + 1i] = maximum(buffer0[0 + 1i], 3.0)
        """,
    ),
    "operands in no order go through a table": (
        lambda x: [autograd.exp(x[i * i * i % 41] * 1.5) for i in range(41)],
        [[0.1 * i for i in range(41)]],
        (),
        """
        41: once[5 + 1i] = mul(buffer0[0 + 1i], 1.5)
        41: buffer2[0 + 1i] = exp(once[0 + table])
        """,
    ),
    "but of up to 32 each is alone": (
        lambda x: [autograd.exp(x[i * i * i % 11]) for i in range(11)],
        [[0.1 * i for i in range(11)]],
        (),
        """
        1: buffer2[0] = exp(buffer0[0])
        1: buffer2[1] = exp(buffer0[1])
        1: buffer2[2] = exp(buffer0[8])
        1: buffer2[3] = exp(buffer0[5])
        1: buffer2[4] = exp(buffer0[9])
        1: buffer2[5] = exp(buffer0[4])
        1: buffer2[6] = exp(buffer0[7])
        1: buffer2[7] = exp(buffer0[2])
        1: buffer2[8] = exp(buffer0[6])
        1: buffer2[9] = exp(buffer0[3])
        1: buffer2[10] = exp(buffer0[10])
        """,
    ),
    "a layer": (
        lambda w, b, x: autograd.linear(x, w, b),
        [W, X[:6], X[:5]],
        (),
        """
        6 sums of 5: buffer4[0 + 1i] = inner(buffer0[0 + 5i + 1j], buffer2[0 + 1j])
        6 sums of 1: buffer4[0 + 1i] = inner(buffer1[0 + 1i], 1.0) + its own
        """,
    ),
    "a product of matrices": (
        lambda a, b: [[autograd.dot(r, [row[j] for row in b]) for j in range(5)] for r in a],
        [[X[:6]] * 7, [X[:5]] * 6],
        (),
        """
        7 x 5 sums of 6: buffer3[0 + 5i + 1j] = inner(buffer0[0 + 6i + 1k], buffer1[0 + 1j + 5k])
        35 sums of 1: buffer3[0 + 1i] = inner(once[2], 1.0) + its own
        """,
    ),
    "two layers": (
        lambda w, u, x: autograd.linear(
            [autograd.tanh(z) for z in autograd.linear(x, w, [0.0] * 6)], u, [0.0] * 5
        ),
        [W, [X[:6]] * 5, X[:5]],
        (),
        """
        6 sums of 5: once[5 + 1i] = inner(buffer0[0 + 5i + 1j], buffer2[0 + 1j])
        6 sums of 1: once[5 + 1i] = inner(once[2], 1.0) + its own
        6: once[11 + 1i] = tanh(once[5 + 1i])
        5 sums of 6: buffer4[0 + 1i] = inner(buffer1[0 + 6i + 1j], once[11 + 1j])
        5 sums of 1: buffer4[0 + 1i] = inner(once[2], 1.0) + its own
        """,
    ),
    "terms of two kinds": (
        lambda w, u, x, y: [
            autograd.tanh(autograd.dot(a, x) + autograd.dot(b, y))
            for a, b in zip(w, u, strict=True)
        ],
        [W, [X[:7]] * 6, X[:5], X[:7]],
        (),
        """
        6 sums of 5: once[5 + 1i] = inner(buffer0[0 + 5i + 1j], buffer2[0 + 1j])
        6 sums of 7: once[5 + 1i] = inner(buffer1[0 + 7i + 1j], buffer3[0 + 1j]) + its own
        6 sums of 3: once[5 + 1i] = inner(once[2], 1.0) + its own
        6: buffer5[0 + 1i] = tanh(once[5 + 1i])
        """,
    ),
    "a sum of what stands in no order": (
        lambda x, y: [autograd.dot(x[:6], [y[i * k * k % 17] for k in range(6)]) for i in range(7)],
        [X, [0.1 * i for i in range(17)]],
        (),
        """
        7 sums of 6: buffer3[0 + 1i] = inner(buffer0[0 + 1j], buffer1[0 + table])
        7 sums of 1: buffer3[0 + 1i] = inner(once[2], 1.0) + its own
        """,
    ),
    "short sums of one number": (
        lambda x: autograd.total(x[:3]),
        [X],
        (),
        """
        1 sums of 1: buffer2[0] = inner(buffer0[0], 1.0)
        1 sums of 1: buffer2[0] = inner(buffer0[1], 1.0) + its own
        1 sums of 1: buffer2[0] = inner(buffer0[2], 1.0) + its own
        """,
    ),
    "a long sum": (
        lambda x: autograd.total([a * a for a in x]),
        [[0.1 * i for i in range(40)]],
        (),
        """
        40: once[5 + 1i] = mul(buffer0[0 + 1i], buffer0[0 + 1i])
        1 sums of 40: buffer2[0] = inner(once[5 + 1i], 1.0)
        """,
    ),
    "a step is computed where it is used": (
        lambda x: autograd.grad(lambda x: autograd.total([autograd.relu(a * 2.0) for a in x]))(x),
        [X],
        (),
        """
        8: once[5 + 1i] = mul(buffer0[0 + 1i], 2.0)
        8: once[13 + 1i] = step(once[5 + 1i])
        8: buffer2[0 + 1i] = mul(once[13 + 1i], 2.0)
        """,
    ),
    "kinds of work come in the order of the trace": (
        lambda x: [[autograd.tanh(a) for a in x], [autograd.exp(a) for a in x]],
        [X],
        (),
        """
        8: buffer2[0 + 1i] = tanh(buffer0[0 + 1i])
        8: buffer2[8 + 1i] = exp(buffer0[0 + 1i])
        """,
    ),
    "short sums of few numbers": (
        lambda x: [autograd.dot(x[:3], x[i : i + 3]) for i in range(2)],
        [X],
        (),
        """
        1 sums of 1: buffer2[0] = inner(buffer0[0], buffer0[0])
        1 sums of 1: buffer2[0] = inner(buffer0[1], buffer0[1]) + its own
        1 sums of 1: buffer2[0] = inner(buffer0[2], buffer0[2]) + its own
        1 sums of 1: buffer2[0] = inner(once[2], 1.0) + its own
        1 sums of 1: buffer2[1] = inner(buffer0[0], buffer0[1])
        1 sums of 1: buffer2[1] = inner(buffer0[1], buffer0[2]) + its own
        1 sums of 1: buffer2[1] = inner(buffer0[2], buffer0[3]) + its own
        1 sums of 1: buffer2[1] = inner(once[2], 1.0) + its own
        """,
    ),
    "long sums of few, in no order": (
        lambda x, y: [
            autograd.dot(x[:17], [y[(k + i) ** 3 % 17] for k in range(17)]) for i in range(4)
        ],
        [[0.1 * i for i in range(17)]] * 2,
        (),
        """
        4 sums of 17: buffer3[0 + 1i] = inner(buffer0[0 + 1j], buffer1[0 + table])
        4 sums of 1: buffer3[0 + 1i] = inner(once[2], 1.0) + its own
        """,
    ),
    "sums with constant factors": (
        lambda x: [2.0 * a + 3.0 * b for a, b in itertools.pairwise(x)],
        [X],
        (),
        """
        7 sums of 1: buffer2[0 + 1i] = inner(buffer0[0 + 1i], 2.0)
        7 sums of 1: buffer2[0 + 1i] = inner(buffer0[1 + 1i], 3.0) + its own
        """,
    ),
    "in either order": (
        lambda x, y: [
            2.0 * a + 3.0 * b if i % 2 else 3.0 * b + 2.0 * a
            for i, (a, b) in enumerate(zip(x, y, strict=True))
        ],
        [X, X],
        (),
        """
        8 sums of 1: buffer3[0 + 1i] = inner(buffer0[0 + 1i], 2.0)
        8 sums of 1: buffer3[0 + 1i] = inner(buffer1[0 + 1i], 3.0) + its own
        """,
    ),
    "means apart from one another": (
        lambda w, x: [x[0], 2.0, x[1], x[2], w[0], w[1] * x[3]],
        [X, X],
        (1,),
        """
        1: buffer3[0] = identity(0.0)
        2: buffer3[2 + 1i] = identity(0.0)
        1: buffer3[5] = identity(0.0)
        rows: 3 sums of 1: buffer3[0 + table] = mean_over_rows(rows[0 + 1i], 1.0) + its own
        rows: 1 sums of 1: buffer3[5] = mean_over_rows(rows[3], buffer0[1]) + its own
        after: 1: buffer3[5] = mul(buffer3[5], once[4])
        after: 2: buffer3[2 + 1i] = mul(buffer3[2 + 1i], once[4])
        after: 1: buffer3[0] = mul(buffer3[0], once[4])
        after: 1: buffer3[1] = identity(once[2])
        after: 1: buffer3[4] = identity(buffer0[0])
        """,
    ),
    "inputs among the results": (
        lambda x: [x[0], autograd.exp(x[1]), x[0]],
        [X],
        (),
        """
        1: buffer2[1] = exp(buffer0[1])
        after: 2: buffer2[0 + 2i] = identity(buffer0[0])
        """,
    ),
    "results that are there twice": (
        lambda x: [[autograd.exp(a) for a in x], [autograd.exp(a) for a in x]],
        [X],
        (),
        """
        8: buffer2[0 + 1i] = exp(buffer0[0 + 1i])
        after: 8: buffer2[8 + 1i] = identity(buffer2[0 + 1i])
        """,
    ),
    "a batch": (
        lambda w, x: autograd.grad(
            lambda w: autograd.dot(
                [autograd.tanh(z) for z in autograd.linear(x, w, [0.0] * 6)], [1.0] * 6
            )
        )(w),
        [W, X[:5]],
        (1,),
        """
        30: buffer3[0 + 1i] = identity(0.0)
        rows: 6 sums of 5: rows[5 + 1i] = inner(rows[0 + 1j], buffer0[0 + 5i + 1j])
        rows: 6 sums of 1: rows[5 + 1i] = inner(once[2], 1.0) + its own
        rows: 6: rows[11 + 1i] = sech(rows[5 + 1i])
        rows: 6: rows[17 + 1i] = square(rows[11 + 1i])
        rows: 6 x 5 sums of 1: buffer3[0 + 5i + 1j] =\
 mean_over_rows(rows[0 + 1j], rows[17 + 1i]) + its own
        after: 30: buffer3[0 + 1i] = mul(buffer3[0 + 1i], once[4])
        """,
    ),
    "a batch of little": (
        lambda w, x: [x[0], w[0] * x[1], 2.0],
        [X, X],
        (1,),
        """
        2: buffer3[0 + 1i] = identity(0.0)
        rows: 1 sums of 1: buffer3[0] = mean_over_rows(rows[0], 1.0) + its own
        rows: 1 sums of 1: buffer3[1] = mean_over_rows(rows[1], buffer0[0]) + its own
        after: 2: buffer3[0 + 1i] = mul(buffer3[0 + 1i], once[4])
        after: 1: buffer3[2] = identity(once[2])
        """,
    ),
}


@pytest.mark.parametrize("name", ROLLED)
def test_which_loops(name: str) -> None:
    """What is regular becomes few loops, what is not a table, and what is little none."""
    f, args, batched, want = ROLLED[name]
    assert loops(f, args, False, batched) == [line.strip() for line in want.strip().splitlines()]


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("name", [name for name in ROLLED if not ROLLED[name][2]])
def test_the_loops_compute_the_function(name: str, exact: bool) -> None:
    """On random numbers, one index at a time: the engine's bits."""
    rng = random.Random(name)

    def fresh(x: Any) -> Any:
        return [fresh(y) for y in x] if isinstance(x, list) else rng.gauss(0.0, 1.0)

    f, args, _, _ = ROLLED[name]
    numbers_ = fresh(args)
    want = numbers(f(*numbers_))
    got = Passes(f, args, exact).results(numbers_)["rolled"]
    assert not differences(got, want) if exact else got == pytest.approx(want, rel=1e-14)


def test_exactly_the_mean_is_divided_and_the_order_of_sums_stays() -> None:
    """Not multiplied by one over the number of rows; and terms are not sorted."""
    *_, last = loops(lambda w, x: w[0] * x[1], [X, X], True, (1,))
    assert last == "after: 1: buffer3[0] = div(buffer3[0], once[2])"

    def backwards(x: Any, y: Any) -> Any:
        pairs = [(y[k], x[k]) for k in range(7, -1, -1)]
        return [autograd.total([a * b for a, b in pairs] + [z]) for z in x]

    rng = random.Random(1)
    args = [[rng.gauss(0.0, 1.0) for _ in range(8)] for _ in range(2)]
    got = Passes(backwards, args).results(args)["rolled"]
    assert not differences(got, numbers(backwards(*args)))


def test_spaces_of_the_program() -> None:
    """Constants come first, then the number of rows and one over it; what is reserved is used."""
    program = Passes(lambda w, x: w[0] * x[1] + 3.0, [X, X], False, (1,)).program
    assert program.constants == [1.0, -1.0, 3.0, *program.constants[3:]]
    assert program.once >= len(program.constants) + 2
    assert program.row_inputs == [(1, i) for i in range(8)]
    assert [n for _, n in program.means] == [1]
    assert program.each_row >= len(program.row_inputs)


@pytest.mark.parametrize("op", ["step", "sign", "gt", "ge", "lt", "le", "eq"])
def test_what_is_cheap_is_computed_where_it_is_used(op: str) -> None:
    """Right before its only user; with several, as a result, and of inputs, with its like."""

    def order(uses: int, result: bool = False, of_inputs: bool = False) -> list[str]:
        tape = Tape()
        x, y = tape.input(), tape.input()
        a = x if of_inputs else tape.apply("sinh", (x,))
        cheap = tape.apply(op, (a,) if op in ("step", "sign") else (a, y))
        late = tape.apply("tanh", (tape.apply("exp", (tape.apply("sinh", (x,)),)),))
        tape.outputs = [tape.apply("mul", (cheap, late)) for _ in range(uses)]
        tape.outputs += [cheap] if result else []
        places = [(1, k) for k in range(len(tape.outputs))]
        found = [loop.op for loop in roll(tape, [(0, 0), (0, 1)], places, exact=True).before]
        return [name for name in found if name in (op, "exp", "tanh", "mul")]

    assert order(1) == ["exp", "tanh", op, "mul"]
    assert order(2) == [op, "exp", "tanh", "mul", "mul"]
    assert order(1, result=True) == [op, "exp", "tanh", "mul"]
    assert order(1, of_inputs=True) == [op, "exp", "tanh", "mul"]
    tape = Tape()
    x = tape.input()
    cheap = tape.apply("sign", (tape.apply("cosh", (x,)),))
    late = tape.apply("exp", (tape.apply("tanh", (tape.apply("sinh", (x,)),)),))
    tape.outputs = [tape.apply("hypot", (tape.apply("clip", (cheap, cheap, cheap)), late))]
    found = [loop.op for loop in roll(tape, [(0, 0)], [(1, 0)], exact=True).before]
    assert found == ["cosh", "sinh", "tanh", "sign", "exp", "clip", "hypot"], "one user, thrice"


def test_without_inputs_and_after_a_mean() -> None:
    """A tape of constants alone is a program; and what uses a mean runs after all rows."""
    tape = Tape()
    tape.outputs = [tape.apply("exp", (2.0,))]
    program = roll(tape, [], [(0, 0)], exact=True)
    assert [loop.op for loop in program.before] == ["exp"]
    tape = Tape()
    x = tape.input(batched=True)
    mean = tape.apply("mean_over_rows", (x, 1.0))
    tape.outputs = [tape.apply("exp", (mean,))]
    program = roll(tape, [(0, 0)], [(1, 0)], exact=True)
    found = np.zeros(1)
    run_program(program, [np.array([[1.0], [2.0], [6.0]]), found], 3)
    assert found[0] == math.exp(3.0)
    assert [loop.op for loop in program.after] == ["div", "exp"]


@pytest.mark.parametrize("n", [5, 31, 32, 33, 34])
def test_how_many_are_too_few_for_a_table(n: int) -> None:
    """Up to 32 numbers in no order are each computed alone; more are one loop, through a table."""
    places = random.Random(n).sample(range(n), n)
    found = loops(lambda x: [autograd.exp(x[k]) for k in places], [[0.0] * n], False, ())
    assert len(found) == (n if n <= 32 else 1)


@pytest.mark.parametrize("n", [3, 4, 5])
def test_how_many_are_too_few_for_sums(n: int) -> None:
    """Up to four short sums are written out; more are a loop for each kind of term."""
    found = loops(lambda x: [autograd.dot(x[:3], x[i : i + 3]) for i in range(n)], [X], False, ())
    assert len(found) == (4 * n if n <= 4 else 2)


def test_a_constant_factor_is_the_second() -> None:
    """Wherever it stands, it is a number in the loop and not read from memory."""
    tape = Tape()
    xs = [tape.input() for _ in range(8)]
    tape.outputs = [tape.apply("inner", (2.0, x, x, x, x, 3.0)) for x in xs]
    places = [(k, i) for k in (0, 1) for i in range(8)]
    for exact in (True, False):
        found = roll(tape, places[:8], places[8:], exact).before
        assert sorted([loop.operands[1].literal or 0.0 for loop in found]) == [0.0, 2.0, 3.0]


@pytest.mark.parametrize("op", ["add", "mul", "eq"])
def test_sides_of_what_commutes(op: str) -> None:
    """Operands of one kind stand on one side, whichever was computed first."""
    tape = Tape()
    xs = [tape.input() for _ in range(8)]
    for i, x in enumerate(xs):
        pair = [tape.apply(name, (x,)) for name in (("exp", "sin") if i % 3 else ("sin", "exp"))]
        tape.outputs.append(tape.apply(op, tuple(pair)))
    places = [(k, i) for k in (0, 1) for i in range(8)]
    program = roll(tape, places[:8], places[8:], exact=True)
    assert [loop.members for loop in program.before if loop.op == op] == [(8,)]


def test_the_order_of_the_trace_is_no_matter() -> None:
    """Numbers computed in any order are laid out so that the same loops visit them."""

    def f(order: list[tuple[int, int]]) -> Callable[..., Any]:
        def of(a: Any, b: Any) -> Any:
            z = {(i, j): autograd.dot(a[i], [row[j] for row in b]) for i, j in order}
            y = {(i, j): autograd.hypot(a[i][j], z[i, j]) for i, j in order}
            return [[autograd.tanh(y[i, j]) for j in range(5)] for i in range(7)]

        return of

    every = list(itertools.product(range(7), range(5)))
    args: list[Any] = [[X[:6]] * 7, [X[:5]] * 6]
    want = loops(f(every), args, False, ())
    assert len(want) == 4
    assert want[0].startswith("7 x 5 sums of 6: once["), "rows first"
    for seed in range(4):
        assert loops(f(random.Random(seed).sample(every, 35)), args, False, ()) == want


def wild_tape(rng: random.Random) -> Tape:
    """Layers of instructions on numbers of every kind: of two buffers, of rows, and constants."""
    tape = Tape()
    pool = [tape.constant(x) for x in (1.0, -1.0, 3.0)]
    pool += [tape.input(batched=k % 3 == 2) for k in range(18)]
    for _ in range(3):
        ops = rng.choice((("hypot",), ("mul", "maximum"), ("inner", "sub"), ("inner",)))
        some = rng.sample(pool, rng.choice((3, 8, len(pool))))
        made = []
        for _ in range(rng.choice((6, 40))):
            op = rng.choice(ops)
            n = 2 if op != "inner" else rng.choice((2, 4, 6))
            made.append(tape.apply(op, tuple([rng.choice(some) for _ in range(n)])))
        pool += made
    varies = tape.varies()
    tape.outputs = rng.sample(pool, 12)
    if rng.random() < 0.5:
        tape.outputs = [
            tape.apply("mean_over_rows", (y, rng.choice(pool))) if varies[y] else y
            for y in tape.outputs
        ]
    return fuse(verify(tape), exact=True)


def check_spaces(program: Program, widths: list[int]) -> None:
    """Each operand of each loop stays within its space, and rows are where rows belong.

    For machine code one address after another of a space lies where strides and tables say, but
    nothing is known of how spaces lie to one another.
    """
    sizes = [program.once, program.each_row, *widths]
    for phase in program[:3]:
        for loop in phase:
            assert loop.rows is (loop.result.address // SPACE == ROWS)
            for access in (loop.result, *loop.operands):
                if access.literal is None:
                    space, places = _places(access, loop.members, loop.terms)
                    assert 0 <= places.min() <= places.max() < sizes[space]


@pytest.mark.parametrize("op", ["hypot", "mul", "inner"])
@pytest.mark.parametrize("kinds", list(itertools.combinations(range(7), 2)))
def test_operands_of_two_kinds_are_two_loops(op: str, kinds: tuple[int, int]) -> None:
    """Of rows, of the first and the last buffer, of constants, of values that are and are not out.

    However irregular: where nothing moves by strides, there is a loop for each pair of spaces.
    """
    rng = random.Random(1)
    n = 100
    tape = Tape()
    three = [float(x) for x in range(3)]
    inputs = [[tape.input(batched=b) for _ in three] for b in (False, True, False)]
    constants = [tape.constant(x) for x in (1.0, -1.0, 5.0)]
    varying = [tape.apply("exp", (x,)) for x in inputs[1]]
    firsts, others = ([tape.apply(f, (x,)) for x in inputs[2]] for f in ("cos", "exp"))
    every = [*inputs, varying, others, firsts, constants]
    starts = [tape.apply("sin", (rng.choice(inputs[1]),)) for _ in range(n)]
    for x in starts:
        y = rng.choice(every[rng.choice(kinds)])
        pairs = (x, y) if op != "inner" else (x, y, y, x, x, rng.choice(varying))
        tape.outputs.append(tape.apply(op, pairs))
    varies = tape.varies()
    assert all(varies[y] for y in tape.outputs)
    tape.outputs += others[1:]
    places = [(k, i) for k in range(3) for i in range(3)]
    outputs = [*[(3, i) for i in range(n)], (4, 0), (4, 1)]
    for exact in (True, False):
        program = roll(tape, places, outputs, exact)
        check_spaces(program, [3, 3, 3, n, 2])
        if op != "inner" and not {4, 6} & set(kinds):
            assert sum(loop.op == op for loop in program.rows) == 2


def test_many_kinds_of_operands_in_one_space_are_one_loop() -> None:
    """Where each pair of kinds would be a loop of few, tables reach them all."""
    rng = random.Random(2)
    tape = Tape()
    xs = [tape.input() for _ in range(3)]
    ops = ("exp", "sin", "cos", "tanh", "sinh", "cosh", "abs", "sqrt")
    pool = [[tape.apply(op, (x,)) for x in xs] for op in ops]
    for _ in range(100):
        a, b = (rng.choice(rng.choice(pool)) for _ in range(2))
        tape.outputs.append(tape.apply("hypot", (a, b)))
    program = roll(tape, [(0, i) for i in range(3)], [(1, i) for i in range(100)], exact=True)
    check_spaces(program, [3, 100])
    assert [loop.members for loop in program.before if loop.op == "hypot"] == [(100,)]


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("seed", range(12))
def test_loops_of_any_tape(seed: int, exact: bool) -> None:
    """They compute what the tape does, and each operand of each stays within its space."""
    rng = random.Random(seed)
    tape = wild_tape(rng)
    varies = tape.varies()
    inputs = [(k % 3, k // 3) for k in range(18)]
    outputs = [(4 if varies[y] else 3, k) for k, y in enumerate(tape.outputs)]
    program = roll(tape, inputs, outputs, exact)
    check_spaces(program, [6, 6, 6, 12, 12])
    rows = 3
    numbers = [[rng.gauss(0.0, 1.0) for _ in range(rows)] for _ in range(18)]
    given = [x if b else x[0] for x, b in zip(numbers, tape.batched, strict=True)]
    buffers = [np.array([x[0] for x in numbers[k::3]]) for k in (0, 1)]
    buffers += [np.array(numbers[2::3]).T, np.zeros(12), np.zeros((rows, 12))]
    run_program(program, buffers, rows)
    for k, (y, want) in enumerate(zip(tape.outputs, interpret(tape, given, rows), strict=True)):
        got = buffers[4][:, k].tolist() if varies[y] else float(buffers[3][k])
        assert got == want if exact else got == pytest.approx(want, rel=1e-12, abs=1e-12)


def test_what_varies_may_not_come_after_a_mean() -> None:
    """A mean over the rows is used after all rows only: the tape is refused, not miscompiled."""
    tape = Tape()
    x = tape.input(batched=True)
    mean = tape.apply("mean_over_rows", (x, 1.0))
    tape.outputs = [tape.apply("mean_over_rows", (tape.apply("mul", (x, mean)), 1.0))]
    with pytest.raises(AssertionError):
        roll(tape, [(0, 0)], [(1, 0)], exact=True)


@pytest.mark.parametrize("exact", [True, False])
def test_a_known_term_is_what_the_sum_starts_with(exact: bool) -> None:
    """First or second, exactly, for a sum of two commutes; anywhere otherwise, as its product."""
    for terms, start, exact_start in (
        ((2.0, 3.0, "x", "y"), 6.0, 6.0),
        (("x", "y", 2.0, 3.0), 6.0, 6.0),
        (("x", "y", "y", "y", 2.0, 3.0), 6.0, -0.0),
        (("x", "y", "y", "x"), -0.0, -0.0),
        (("x", 2.0, "y", 3.0), -0.0, -0.0),
        ((2.0, 3.0), -0.0, -0.0),
    ):
        tape = Tape()
        places = {"x": tape.input(), "y": tape.input()}
        tape.outputs = [tape.apply("inner", tuple([places.get(x, x) for x in terms]))]
        first = roll(tape, [(0, 0), (0, 1)], [(1, 0)], exact).before[0]
        assert str(first.start) == str(exact_start if exact else start), terms
