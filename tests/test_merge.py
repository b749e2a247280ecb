"""Merging by itself: which loops become one statement, and that it computes what they do."""

import random
from collections.abc import Callable, Sequence
from itertools import product
from operator import mul
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from passes import Passes, differences
from strategies import WildProgram, wild_programs
from test_roll import ROLLED, X

import autograd
from autograd.compiler.interpret import run_program
from autograd.compiler.loops import BUFFERS, ONCE, ROWS, SPACE, Access, Loop, Program
from autograd.compiler.merge import Literal, Merged, Statement, _Marks, merge
from autograd.compiler.roll import roll
from autograd.compiler.tape import FORWARD, Tape


def run_merged(program: Program, buffers: Sequence[Any], rows: int = 1) -> None:
    """`run_program` for merged statements: all of a turn is read before anything is written.

    What the statements do not write is nan, so that nothing is read that was thought unneeded.
    """
    once, row = np.full(program.once, np.nan), np.full(program.each_row, np.nan)
    once[: len(program.constants)] = program.constants
    once[len(program.constants) :][:2] = rows, 1.0 / rows
    spaces = [once, row, *buffers]

    def place(access: Access, m: int, t: int, indices: tuple[int, ...]) -> tuple[Any, int]:
        address = access.address + sum(map(mul, access.strides, indices))
        if access.table is not None:
            address += int(access.table[m] if access.table.ndim == 1 else access.table[m, t])
        return spaces[address // SPACE], address % SPACE

    def read(access: Access, m: int, t: int, indices: tuple[int, ...]) -> float:
        if access.literal is not None:
            return access.literal
        space, i = place(access, m, t, indices)
        return float(space[i])

    def total(loop: Loop, m: int, member: tuple[int, ...]) -> float:
        s = loop.start
        if s is None:
            s = read(loop.result, m, 0, member)
        for t, term in enumerate(product(*map(range, loop.terms))):
            a, b = (read(x, m, t, member + term) for x in loop.operands)
            s += a * b
        return s

    def turn(s: Statement, m: int, member: tuple[int, ...]) -> None:
        if not isinstance(s, Merged):
            space, i = place(s.result, m, 0, member)
            space[i] = total(s, m, member)
            return
        inputs = [read(x, m, 0, member) for x in s.inputs]
        values: list[float] = []
        for op, operands in s.steps:
            xs = [
                x.number if isinstance(x, Literal) else values[x] if x >= 0 else inputs[-1 - x]
                for x in operands
            ]
            if op == "sum":
                assert s.sum is not None
                values.append(total(s.sum, m, member))
            else:
                values.append(xs[0] * xs[1] + xs[2] if op == "fma" else FORWARD[op](*xs))
        for step, access in s.results:
            space, i = place(access, m, 0, member)
            space[i] = values[step]

    def run(statements: Sequence[Statement]) -> None:
        for s in statements:
            for m, member in enumerate(product(*map(range, s.members))):
                turn(s, m, member)

    found = merge(program)
    run(found.before)
    for r in range(rows if program.each_row else 0):
        row[:] = np.nan
        for i, (buffer, column) in enumerate(program.row_inputs):
            row[i] = buffers[buffer][r, column]
        run(found.rows)
        for i, buffer, column in program.row_outputs:
            buffers[buffer][r, column] = row[i]
    run(found.after)


def assert_same(passes: Passes, args: Sequence[Any], rows: int = 1) -> None:
    numbers = passes._numbers(args)
    loops, merged = (passes._buffers(numbers, np.dtype(np.float64)) for _ in range(2))
    run_program(passes.program, loops, rows)
    run_merged(passes.program, merged, rows)
    assert not differences(merged[-1].tolist(), loops[-1].tolist())


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("name", ROLLED)
def test_statements_compute_what_loops_do(name: str, exact: bool) -> None:
    """To the bit, and what they leave unwritten nothing reads."""
    f, args, batched, _ = ROLLED[name]
    rng = random.Random(name)

    def fresh(x: Any) -> Any:
        return [fresh(y) for y in x] if isinstance(x, list) else rng.gauss(0.0, 1.0)

    args = fresh(args)
    passes = Passes(f, args, exact, batched)
    rows = 3 if batched else 1
    assert_same(
        passes, [fresh([x] * rows) if k in batched else x for k, x in enumerate(args)], rows
    )


def test_results_of_each_row() -> None:
    """What is not averaged goes out row by row, loops and statements alike."""
    tape = Tape()
    x, y = tape.input(batched=True), tape.input(batched=True)
    tape.outputs = [tape.apply("hypot", (x, y)), x]
    program = roll(tape, [(0, 0), (0, 1)], [(1, 0), (1, 1)], exact=True)
    rows = np.array([[3.0, 4.0], [6.0, 8.0], [5.0, 12.0]])
    for run in (run_program, run_merged):
        found = np.zeros((3, 2))
        run(program, [rows, found], 3)
        assert found.tolist() == [[5.0, 3.0], [10.0, 6.0], [13.0, 5.0]]


@settings(max_examples=60)
@given(wild_programs())
def test_statements_of_any_graph(program: WildProgram) -> None:
    """Any graph on any floats, with its gradients."""
    xs = list(program.leaves)
    f = autograd.jacobian(lambda v: program(v)[-2:])
    assert_same(Passes(lambda v: (program(v), f(v)), [xs]), [xs])


def texts(f: Callable[..., Any], args: Sequence[Any], batched: tuple[int, ...] = ()) -> list[str]:
    found = merge(Passes(f, args, False, batched).program)
    return [str(x) for part in found for x in part]


def test_a_chain_of_operations_is_one_pass_over_memory() -> None:
    """What passes from one to the next is never written, unless something else reads it."""
    assert texts(lambda x: [autograd.exp(autograd.tanh(a) * 2.0) for a in x], [X]) == [
        "8: t0 = tanh(buffer0[0 + 1i]); t1 = mul(t0, 2.0); t2 = exp(t1); buffer2[0 + 1i] = t2"
    ]
    assert texts(
        lambda x: [[autograd.tanh(a), autograd.exp(autograd.tanh(a))] for a in x], [X]
    ) == ["8: t0 = tanh(buffer0[0 + 1i]); t1 = exp(t0); buffer2[0 + 2i] = t0; buffer2[1 + 2i] = t1"]
    assert texts(lambda x: autograd.exp(x[0] * 2.0), [X]) == [
        "1: t0 = mul(buffer0[0], 2.0); t1 = exp(t0); buffer2[0] = t1"
    ]
    assert texts(
        lambda x: [[autograd.exp(a) for a in row[:3]] for row in x], [[X[:5], X[3:], X[:5]]]
    ) == ["3 x 3: t0 = exp(buffer0[0 + 5i + 1j]); buffer2[0 + 3i + 1j] = t0"]
    both = texts(
        lambda w, x: autograd.linear([autograd.tanh(a) for a in x], w, [0.0] * 6),
        [[X[:5]] * 6, X[:5]],
    )
    assert both[0] == "5: t0 = tanh(buffer1[0 + 1i]); once[5 + 1i] = t0"


def test_a_sum_and_what_is_made_of_it() -> None:
    """A layer with its activation is one statement, the bias added as a number."""
    found = texts(
        lambda w, b, x: [autograd.tanh(z) for z in autograd.linear(x, w, b)],
        [[X[:5]] * 6, X[:6], X[:5]],
    )
    assert len(found) == 1
    assert found[0].split("; ") == [
        "6: t0 = 6 sums of 5: once[5 + 1i] = inner(buffer0[0 + 5i + 1j], buffer2[0 + 1j])",
        "t1 = add(t0, buffer1[0 + 1i])",
        "t2 = tanh(t1)",
        "buffer4[0 + 1i] = t2",
    ]


def test_products_of_one_term() -> None:
    """a * b + c, a * b less c, and a * b alone, each in the fewest operations."""

    def loop(a: Access, b: Access, start: float | None) -> str:
        result = Access(BUFFERS * SPACE, (1,))
        loops = [Loop("inner", (9,), (), result, (a, b), start, False)]
        (statement,) = merge(Program(loops, [], [], [], 9, 0, [], [], [])).before
        return str(statement).split(": ")[1].split("; ")[0]

    x, y = Access(0, (1,)), Access(20, (1,))
    assert loop(x, y, -0.0) == "t0 = mul(once[0 + 1i], once[20 + 1i])"
    assert loop(x, y, 0.0) == "t0 = fma(once[0 + 1i], once[20 + 1i], 0.0)"
    assert loop(x, y, 2.0) == "t0 = fma(once[0 + 1i], once[20 + 1i], 2.0)"
    assert loop(x, y, None) == "t0 = fma(once[0 + 1i], once[20 + 1i], buffer0[0 + 1i])"
    assert loop(x, Access(literal=1.0), None) == "t0 = add(buffer0[0 + 1i], once[0 + 1i])"
    assert loop(x, Access(literal=-1.0), None) == "t0 = sub(buffer0[0 + 1i], once[0 + 1i])"
    assert loop(x, Access(literal=-1.0), 3.0) == "t0 = sub(3.0, once[0 + 1i])"
    assert loop(x, Access(literal=2.0), 3.0) == "t0 = fma(once[0 + 1i], 2.0, 3.0)"
    assert loop(x, Access(literal=1.0), -0.0) == "t0 = mul(once[0 + 1i], 1.0)"


def chain(*loops: Loop) -> list[str]:
    """The statements of these loops."""
    return [str(s) for s in merge(Program(list(loops), [], [], [], 100, 0, [], [], [])).before]


def plain(op: str, result: Access, *operands: Access, members: tuple[int, ...] = (4,)) -> Loop:
    return Loop(op, members, (), result, operands, None, False)


def once(place: int, stride: int = 1, table: Any = None) -> Access:
    return Access(ONCE * SPACE + place, (stride,), table)


OUT = Access(BUFFERS * SPACE, (1,))


def test_what_may_not_be_computed_together_is_not() -> None:
    """A loop that reads what the group has written elsewhere, or at another place, comes after."""
    a, b = once(0), once(10)
    assert len(chain(plain("exp", b, a), plain("sin", OUT, b))) == 1
    assert len(chain(plain("exp", b, a), plain("sin", OUT, once(11)))) == 2, "of another member"
    assert len(chain(plain("exp", b, a), plain("sin", OUT, once(10, 0)))) == 2, "of one member"
    table = np.array([1, 0, 3, 2])
    assert len(chain(plain("exp", b, a), plain("sin", OUT, once(10, 0, table)))) == 2
    assert len(chain(plain("exp", b, a), plain("sin", OUT, once(50, 0, table)))) == 1
    assert len(chain(plain("exp", b, a), plain("sin", Access(OUT.address, (0,), table), b))) == 2
    other = plain("sin", OUT, Access(a.address, (1,)), members=(5,))
    assert len(chain(plain("exp", b, a), other)) == 2, "as many members"
    three = chain(
        plain("exp", b, a), plain("cos", once(20), a, members=(9,)), plain("sin", OUT, once(20))
    )
    assert len(three) == 3, "what was written since"
    sums = Loop("inner", (4,), (), once(20), (a, Access(literal=1.0)), None, False)
    going_on = chain(plain("exp", b, a), plain("cos", once(20), a, members=(9,)), sums)
    assert len(going_on) == 3, "nor a sum that goes on from it"
    late = chain(plain("exp", b, a), plain("cos", once(20), a, members=(9,)), plain("sin", OUT, b))
    assert len(late) == 2, "what was not may join what is earlier"


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 2), st.lists(st.integers(0, 12), max_size=3))))
def test_marks_stay(marked: list[tuple[int, list[int]]]) -> None:
    """Of each space and any of its places, the last number, however far the marks go since."""
    marks, want = _Marks(), dict[tuple[int, int], int]()
    for number, (space, places) in enumerate(marked):
        marks.mark(space, np.array(places, np.int64), number)
        want.update({(space, place): number for place in places})
    for space, place in product(range(3), range(14)):
        assert marks.latest(space, np.array([place])) == want.get((space, place), -1)
        two = marks.latest(space, np.array([place, 3]))
        assert two == max(want.get((space, place), -1), want.get((space, 3), -1))


def test_tables_and_sums_stay_apart() -> None:
    """What goes through a table has no vectors: it does not take them from a sum, nor a sum's."""
    table = np.array([[1, 0, 2]] * 4)
    x = Access(80, (0, 1))
    regular = Loop("inner", (4,), (3,), once(10), (Access(50, (3, 1)), x), -0.0, False)
    irregular = regular._replace(operands=(Access(50, (0, 0), table), x))
    assert len(chain(regular, plain("exp", OUT, once(10)))) == 1
    assert len(chain(regular, plain("hypot", OUT, once(10), once(60, 0, table[:, 0])))) == 2
    assert len(chain(irregular, plain("exp", OUT, once(10)))) == 2


def test_a_number_is_read_once() -> None:
    """Equal places are one input, and constants are told apart by their bits."""
    a = once(0)
    assert chain(plain("hypot", OUT, a, a)) == [
        "4: t0 = hypot(once[0 + 1i], once[0 + 1i]); buffer0[0 + 1i] = t0"
    ]
    (statement,) = merge(
        Program([plain("hypot", OUT, a, a)], [], [], [], 100, 0, [], [], [])
    ).before
    assert isinstance(statement, Merged)
    assert statement.inputs == (a,)
    assert Literal.of(0.0) != Literal.of(-0.0)
    assert Literal.of(0.1).number == 0.1


def test_what_is_read_in_a_later_phase_is_written() -> None:
    """What the rows read of what is before them, and what goes out of the rows, is kept."""
    before = plain("exp", once(10), once(0))
    row = Access(ROWS * SPACE, (1,))
    each = Loop("sin", (4,), (), row, (once(10),), None, True)
    program = Program([before], [each], [], [], 100, 4, [], [(2, 0, 0)], [])
    found = merge(program)
    assert str(found.before[0]).endswith("; once[10 + 1i] = t0")
    assert str(found.rows[0]).endswith("; rows[0 + 1i] = t0")
    nothing = merge(Program([before], [], [], [], 100, 0, [], [], []))
    assert str(nothing.before[0]) == "4: t0 = exp(once[0 + 1i])"


def test_a_kernel_has_an_end() -> None:
    """After 500 steps another statement begins, for the compiler's sake."""
    loops = [plain("exp", once(0), once(0)) for _ in range(501)]
    found = merge(Program(loops, [], [], [], 100, 0, [], [], [])).before
    assert [len(s.steps) for s in found if isinstance(s, Merged)] == [500, 1]
