"""The compiler pass by pass: eager = traced = simplified = fused = rolled = machine code.

`exact` means to the bit, whatever the numbers; otherwise what a pass may change is the rounding of
each step, and so the result by no more than a few roundings of the terms it is the sum of.
"""

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from accuracy import NORMAL
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import bare_network, dense_network, parameters
from passes import Passes, differences, operations, record, same
from strategies import (
    COMPARISONS,
    SPECIAL,
    Program,
    Step,
    WildProgram,
    number_of_operands,
    programs,
    total_function_of,
    wild_programs,
)
from test_special_values import ROWS

import autograd
from autograd import ieee
from autograd.compiler.tape import EXTRA, Tape, verify
from autograd.ieee import left_sum
from autograd.primitives import TABLE
from autograd.tree import flatten

pytest.importorskip("llvmlite")

ROUNDINGS = 64 * 2.0**-53  # each elementary function is off by a few, and each sum by its length


def numbers(result: Any) -> list[float]:
    return [float(y.data if type(y) is autograd.Value else y) for y in flatten(result)[0]]


def assert_exact(f: Callable[..., Any], args: Sequence[Any], machine: bool = True) -> None:
    """Every pass gives the bits of the eager engine."""
    want = numbers(f(*args))
    passes = Passes(f, args)
    for name, got in passes.results(args).items():
        assert not differences(got, want), name
    if machine:
        assert not differences(passes.machine()(args), want)


def assert_close(f: Callable[..., Any], args: Sequence[Any]) -> None:
    """Every pass is within some roundings of the terms, without nan or inf of its own."""
    want = numbers(f(*args))
    passes = Passes(f, args, exact=False)
    found = passes.results(args) | {"machine code": passes.machine()(args)}
    for name, got in found.items():
        for g, w, scale in zip(got, want, passes.scales(args), strict=True):
            assert same(g, w) or abs(g - w) <= ROUNDINGS * scale + NORMAL, (name, g, w, scale)


# --- the table ------------------------------------------------------------------------------------


def points(name: str, n: int) -> list[list[float]]:
    """Operands of every kind, in no multiple of a vector's width."""
    rng = random.Random(name)
    found = [[x] * n for x in SPECIAL] if n == 1 else []
    while len(found) < 37:
        x = [rng.choice((rng.choice(SPECIAL), rng.uniform(-3.0, 3.0))) for _ in range(n)]
        found.append([float(rng.randrange(4)), *x[1:]] if name == "polygamma" else x)
    return found


CASES = [(name, n) for name in sorted(TABLE) for n in number_of_operands(TABLE[name])[:4]]


def orders(f: Callable[..., Any]) -> Callable[[Any], Any]:
    """The value, the first and the second derivatives, these by the gradient of the gradient."""
    g = autograd.value_and_grad(f)
    return lambda xs: (g(xs), [autograd.grad(lambda v: g(v)[1][i])(xs) for i in range(len(xs))])


@pytest.mark.parametrize("part", range(4))
def test_every_primitive_to_the_bit(part: int) -> None:
    """Value, first and second derivative of each entry of the table, at special values and others.

    Many entries in one function, so that the machine code is one program.
    """
    cases = CASES[part::4]
    functions = [orders(lambda xs, name=name: total_function_of(name)(*xs)) for name, _ in cases]

    def f(operands: Any) -> Any:
        return [[g(xs) for xs in some] for g, some in zip(functions, operands, strict=True)]

    operands = [points(name, n if n < 15 else 7) for name, n in cases]
    want = f(operands)
    passes = Passes(f, [operands])
    results = passes.results([operands]) | {"machine code": passes.machine()([operands])}
    starts = [0]
    for some in want:
        starts.append(starts[-1] + len(numbers(some)))
    for name, got in results.items():
        for case, start, some, xs in zip(cases, starts, want, operands, strict=False):
            found = got[start : start + len(numbers(some))]
            wrong = differences(found, numbers(some))
            each = len(found) // len(xs)
            assert not wrong, (name, case, xs[wrong[0][0] // each], wrong[0])


def test_special_values_to_the_bit_and_without() -> None:
    """The page of special values: exactly its bits, and otherwise its nan, inf and zeros."""
    rows = [row for row in ROWS if row.expression != "x ** 0"]  # of plain floats it is no power

    def f(at: Any) -> Any:
        return [
            autograd.value_and_grad(lambda xs, row=row: row.function(*xs))(xs)
            for row, xs in zip(rows, at, strict=True)
        ]

    at = [list(row.at) for row in rows]
    assert_exact(f, [at])
    assert_close(f, [at])


@pytest.mark.parametrize("exact", [True, False])
def test_nothing_is_lost_at_special_values(exact: bool) -> None:
    """0 * inf stays nan, and a branch that is not taken stays without a gradient."""
    where, log, exp = autograd.where, autograd.log, autograd.exp
    functions: list[Callable[[Any], Any]] = [
        lambda x: 0.0 * exp(x),
        lambda x: x - x,
        lambda x: where(x > 0.0, log(x), 0.0),
        lambda x: where(x > 0.0, where(x > 1.0, autograd.sqrt(x - 1.0), 1.0 / x), x * x),
        lambda x: log(where(x > 0.0, x, 0.0)) * x,
        lambda x: where(x > 0.0, log(x), 0.0) * where(x < 1.0, autograd.acos(x), 2.0),
        lambda x: autograd.dot([where(x > 0.0, log(x), 0.0)], [x], 1.0 / x),
    ]
    f = autograd.value_and_grad
    at = [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 1000.0, -1000.0, math.inf, -math.inf, math.nan, 5e-324]

    def every(xs: Any) -> Any:
        return [[f(g)(x) for x in xs] for g in functions]

    (assert_exact if exact else assert_close)(every, [at])
    values = every(at)
    assert math.isnan(values[0][6][0]), "0 * inf"
    assert values[2][0] == (0.0, 0.0), "log at 0, masked"


# --- random graphs --------------------------------------------------------------------------------


def values_and_gradients(program: WildProgram) -> Callable[[Any], Any]:
    """Every number of the program, and the gradients of the last three."""
    return lambda xs: (program(xs), autograd.jacobian(lambda v: program(v)[-3:])(xs))


@settings(max_examples=400)
@given(wild_programs())
def test_wild_graphs_to_the_bit(program: WildProgram) -> None:
    """Any graph, on any floats: values and gradients after each pass."""
    assert_exact(values_and_gradients(program), [list(program.leaves)], machine=False)


@settings(max_examples=80)
@given(wild_programs(), st.data())
def test_wild_graphs_in_machine_code(program: WildProgram, data: st.DataObject) -> None:
    """Compiled once, right for other numbers too: nothing of the first is built in."""
    f, xs = values_and_gradients(program), list(program.leaves)
    run = Passes(f, [xs]).machine()
    for leaves in (xs, [data.draw(st.sampled_from(SPECIAL)) for _ in xs], xs[::-1]):
        assert not differences(run([leaves]), numbers(f(leaves)))


@settings(max_examples=100)
@given(wild_programs(size=6))
def test_wild_second_derivatives_to_the_bit(program: WildProgram) -> None:
    """The gradient of the gradient, on any floats."""
    f = autograd.hessian(lambda xs: program(xs)[-1])
    assert_exact(f, [list(program.leaves)], machine=False)


CHOICES = {"where", "clip", "maximum", "minimum", "abs", "hypot"}


@settings(max_examples=60)
@given(programs(size=6), st.data())
def test_forward_mode_to_the_bit(program: Program, data: st.DataObject) -> None:
    """jvp, forward over reverse and reverse over forward."""
    xs = list(program.leaves)
    direction = [data.draw(st.sampled_from((-1.0, 0.0, 0.5, 2.0))) for _ in xs]

    def first(xs: Any) -> Any:
        return autograd.jvp(program, (xs,), (direction,))

    def second(xs: Any) -> Any:
        over = autograd.grad(lambda v: autograd.jvp(program, (v,), (direction,))[1])(xs)
        # where nothing moves, the sign of the 0.0 is the one bit that may differ
        return [x + 0.0 for x in (*autograd.hvp(program, (xs,), (direction,)), *over)]

    assert_exact(first, [xs], machine=False)
    if any(step.name in CHOICES for step in program.steps):
        # what a choice leaves out is there in the tape, and sums may run in another order
        assert_close(second, [xs])
    else:
        assert_exact(second, [xs], machine=False)


@settings(max_examples=40)
@given(programs(), st.data())
def test_moderate_graphs_without_exactness(program: Program, data: st.DataObject) -> None:
    """Sums in any order and functions of our own are off by roundings of the terms, no more."""
    assert_close(autograd.value_and_grad(program), [list(program.leaves)])


@settings(max_examples=30)
@given(programs())
def test_single_precision(program: Program) -> None:
    """In float32 the result is off by as many roundings of 24 bits."""
    xs = np.float32(program.leaves).tolist()
    steps = [
        Step(name, tuple([x if type(x) is int else float(np.float32(x)) for x in operands]))
        for name, operands in program.steps
    ]
    rounded = Program(tuple(xs), tuple(steps))
    f = autograd.value_and_grad(rounded)
    passes = Passes(f, [xs], exact=False)
    got = passes.machine(bits=32)([xs])
    for g, w, scale in zip(got, numbers(f(xs)), passes.scales([xs]), strict=True):
        assert abs(g - w) <= ROUNDINGS * 2.0**29 * scale + 1e-35


def test_wild_graphs_are_what_they_claim() -> None:
    """They hold the whole table and all comparisons, nan as well as numbers, and gradients."""
    seen: set[str] = set()
    counts = {"nan": 0, "inf": 0, "finite": 0, "gradient": 0, "-0.0": 0}

    @settings(max_examples=400, derandomize=True, database=None)
    @given(wild_programs())
    def collect(program: WildProgram) -> None:
        seen.update(step.name for step in program.steps)
        values, slopes = values_and_gradients(program)(list(program.leaves))
        values = numbers(values)
        counts["nan"] += any(map(math.isnan, values))
        counts["inf"] += any(map(math.isinf, values))
        counts["finite"] += all(map(math.isfinite, values))
        counts["gradient"] += any(math.isfinite(d) and d not in (0.0, 1.0) for d in numbers(slopes))
        counts["-0.0"] += any(y == 0.0 and math.copysign(1.0, y) < 0.0 for y in values)

    collect()
    assert len((TABLE.keys() | COMPARISONS.keys()) - seen) <= 3  # by chance, in 400 programs
    assert min(counts.values()) >= 20, counts


# --- functions of many numbers --------------------------------------------------------------------

MANY: dict[str, Callable[[Any, Any], Any]] = {
    "dot": lambda ws, xs: autograd.dot(ws, xs, ws[0]),
    "dot without bias": lambda ws, xs: autograd.dot(ws, xs),
    "linear": lambda ws, xs: autograd.total(
        [autograd.tanh(y) for y in autograd.linear(xs, [ws, xs, ws], [0.5, ws[0], xs[0]])]
    ),
    "total": lambda ws, xs: autograd.total([w * x * w for w, x in zip(ws, xs, strict=True)]),
    "mean": lambda ws, xs: autograd.mean([*ws, *xs]) ** 2,
    "prod": lambda ws, xs: autograd.prod([*xs, ws[0]]),
    "logsumexp": lambda ws, xs: autograd.logsumexp(xs) * autograd.logsumexp([*ws, *xs]),
    "softmax": lambda ws, xs: autograd.dot(ws, autograd.softmax(xs)),
    "log_softmax": lambda ws, xs: autograd.dot(ws, autograd.log_softmax(xs)),
    "sum": lambda ws, xs: sum([w * x for w, x in zip(ws, xs, strict=True)], 0.0),
    "sum from the right": lambda ws, xs: xs[0] + (ws[0] + (xs[-1] + (ws[-1] * xs[0] - xs[-1]))),
    "differences": lambda ws, xs: autograd.total([(w - x) ** 2 for w, x in zip(ws, xs)]),  # noqa: B905
}


@pytest.mark.parametrize("exact", [True, False])
def test_functions_of_many_numbers(exact: bool) -> None:
    """Sums, products and softmax of 1 to 40 numbers, with gradients."""
    rng = random.Random(7)
    lengths = (1, 2, 3, 7, 8, 9, 17, 40)
    data = [[[rng.gauss(0.0, 2.0) for _ in range(n)] for _ in range(2)] for n in lengths]
    data += [[[x] * 3, [1.0, x, 2.0]] for x in SPECIAL]
    functions = [autograd.value_and_grad(f, (0, 1)) for f in MANY.values()]

    def every(data: Any) -> Any:
        return [[f(ws, xs) for ws, xs in data] for f in functions]

    if exact:
        assert_exact(every, [data])
    else:
        assert_close(every, [data[: len(lengths)]])


# --- batches --------------------------------------------------------------------------------------

MASKED: dict[str, Callable[[Any, Any], Any]] = {
    "log": lambda w, x: autograd.where(x > w, autograd.log(x - w), x * w),
    "nested": lambda w, x: autograd.where(
        x > 0.0, autograd.where(w > x, autograd.sqrt(w - x) * w, autograd.log(x) * w), w / x
    ),
    "shared": lambda w, x: autograd.exp(autograd.where(x > 0.0, w, autograd.log(x)) * w) + w * x,
    "huber": lambda w, x: autograd.where(abs(w - x) < 1.0, 0.5 * (w - x) ** 2, abs(w - x) - 0.5),
    "through a mask": lambda w, x: autograd.log(autograd.where(x > 0.0, x * w, 0.0)) * w,
    "clip": lambda w, x: autograd.clip(w * x, -1.0, 1.0) * autograd.maximum(w, x),
}


@pytest.mark.parametrize("name", MASKED)
def test_adjoints_behind_branches(name: str) -> None:
    """On random data, each branch gives gradient where it is taken and nothing where it is not."""
    rng = random.Random(name)
    f = autograd.value_and_grad(MASKED[name], (0, 1))
    data = [[rng.choice([rng.gauss(0.0, 2.0), *SPECIAL]) for _ in range(2)] for _ in range(203)]
    assert_exact(lambda data: [f(w, x) for w, x in data], [data])


@pytest.mark.parametrize("rows", [1, 2, 7, 8, 9, 64, 65, 203])
def test_batches_to_the_bit(rows: int) -> None:
    """The mean over the rows is the sum of what each row gives, from the first, over their number.

    In blocks of rows of any size, the last of them not full.
    """
    rng = random.Random(rows)
    functions = [autograd.value_and_grad(f) for f in MASKED.values()]

    def f(w: Any, xs: Any) -> Any:
        loss = autograd.value_and_grad(lambda ws: autograd.dot(ws, xs, w) ** 2)
        return [g(w, xs[0]) for g in functions], loss([w, 0.5, w * w]), w * w, xs[1]

    data = [[rng.gauss(0.0, 2.0) for _ in range(3)] for _ in range(rows)]
    passes = Passes(f, [1.25, data[0]], batched=[1])
    each = [numbers(f(1.25, xs)) for xs in data]
    want = [left_sum(column) / rows for column in zip(*each, strict=True)]
    want[-2] = 1.25 * 1.25  # the same in all rows, so there is no mean to take
    for size in (rows, 64):
        results = passes.results([1.25, data], rows)
        results["machine code"] = passes.machine(rows=size)([1.25, data], rows)
        for name, got in results.items():
            assert not differences(got, want), name
    loose = Passes(f, [1.25, data[0]], exact=False, batched=[1])
    scale = [max(map(abs, column)) for column in zip(*each, strict=True)]
    got = loose.machine(rows=rows)([1.25, data], rows)
    for g, w, size in zip(got, want, scale, strict=True):
        assert same(g, w) or abs(g - w) <= 1e-13 * size


# --- loops ----------------------------------------------------------------------------------------


def shapes(loops: Any) -> list[Any]:
    return [(loop.op, loop.members, loop.terms) for loop in loops]


@pytest.mark.parametrize("batched", [(), (1, 2)])
def test_layers_and_bare_sums_roll_alike(batched: tuple[int, ...]) -> None:
    """A network of layers and the same as sums in a lambda become the same loops, few of them."""
    sizes = (10, 64, 32, 16, 8, 4, 1)
    args = (parameters(*sizes), [0.1 * i for i in range(10)], 1.0)
    programs = [
        Passes(autograd.value_and_grad(network), args, exact=False, batched=batched).program
        for network in (dense_network, bare_network)
    ]
    layered, bare = ([*p.before, *p.rows, *p.after] for p in programs)
    assert len(layered) == len(bare) < 120
    assert sorted(shapes(programs[0].rows)) == sorted(shapes(programs[1].rows))


@pytest.mark.parametrize("exact", [True, False])
def test_code_does_not_grow_with_width(exact: bool) -> None:
    """Wider layers are longer loops, not more of them; sums of few terms may be written out."""

    def count(width: int) -> int:
        args = (parameters(6, width, width, 1), [0.1] * 6, 1.0)
        f = autograd.value_and_grad(dense_network)
        program = Passes(f, args, exact=exact, batched=(1, 2)).program
        return len(program.before) + len(program.rows) + len(program.after)

    assert count(48) == count(64) == count(96)
    assert count(48) < 70
    assert count(17) < 100


def test_larger_and_smaller_of_two_zeros() -> None:
    """Of two equal operands they give the second, with its sign: a loop reads them in order."""

    def f(x: Any, y: Any) -> Any:
        z = autograd.exp(x) * 0.0
        return [g(*pair) for g in (autograd.maximum, autograd.minimum) for pair in ((z, y), (y, z))]

    assert_exact(f, [0.0, -0.0])


@pytest.mark.parametrize("n", [2, 5, 40])
def test_operands_of_which_some_are_results_too(n: int) -> None:
    """Numbers of one kind lie apart if some are results: what reads them finds them all."""

    def f(xs: Any) -> Any:
        ys = [autograd.exp(x) for x in xs]
        return [ys[0], [y * x for y, x in zip(ys, xs, strict=True)], autograd.dot(ys, xs, xs[0])]

    assert_exact(f, [[0.1 * i for i in range(n)]])


# --- tapes ----------------------------------------------------------------------------------------


def test_results_that_are_no_instructions() -> None:
    """An argument, a constant, one result twice and one that is used further all come out."""

    def f(x: Any, y: Any) -> Any:
        z = x * y
        return [x, 3.0, z, z, autograd.exp(z), y, z + 0.0, autograd.total([]), -0.0]

    assert_exact(f, [1.5, -0.0])


def test_inputs_that_are_not_used_stay() -> None:
    """A tape has as many inputs after each pass, however few are used."""
    passes = Passes(lambda x, y, z: y * 1.0, [1.0, 2.0, 3.0])
    for tape in (passes.tape, passes.simplified, passes.fused):
        assert len(tape.batched) == 3
    assert not operations(passes.fused), "a product with 1.0 is gone"


def test_what_is_computed_twice_is_computed_once() -> None:
    """Equal instructions are one, products in either order too; what nothing uses is none."""

    def f(x: Any, y: Any) -> Any:
        autograd.exp(y)
        return [autograd.sin(x * y), autograd.sin(y * x), 2.0 * autograd.log(3.0)]

    assert operations(Passes(f, [1.0, 2.0]).fused) == ["mul", "sin"]


def test_verify_finds_what_is_wrong() -> None:
    """An operand before its time, an unknown operation, a wrong number of operands, no result."""

    def broken(op: str, *operands: Any, outputs: tuple[int, ...] = ()) -> Tape:
        tape = Tape()
        tape.input()
        tape.constant(2.0)
        tape.ops.append(op)
        tape.args.append(operands)
        tape.outputs = list(outputs)
        return tape

    assert verify(broken("mul", 0, 1, outputs=(2,)))
    for tape, message in (
        (broken("mul", 0, 2), "not computed before"),
        (broken("mul", 0, -1), "not computed before"),
        (broken("mul", 0, 1.0), r"numbers of values, not \(0, 1\.0\)"),
        (broken("mul", 0), "mul with 1 operands"),
        (broken("total"), "total with 0 operands"),
        (broken("inner", 0, 1, 0), "pairs"),
        (broken("frobnicate", 0), "unknown operation 'frobnicate'"),
        (broken("input", 1), "no input 1"),
        (broken("constant", 1), "not 1"),
        (broken("exp", 0, outputs=(3,)), "result 3"),
    ):
        with pytest.raises(AssertionError, match=message):
            verify(tape)


def test_a_tape_prints() -> None:
    """One line for each instruction, of long ones the ends, and the results."""
    tape, _ = record(lambda xs: autograd.total(xs) * 2.0, [[1.0] * 20])
    lines = str(tape).splitlines()
    assert lines[0] == "%0 = input(0)"
    assert lines[20] == "%20 = total(%0, %1, %2, %3, %4, %5, ... 12 more ..., %18, %19)"
    assert lines[21:] == ["%21 = constant(2.0)", "%22 = mul(%20, %21)", "return %22"]


def test_operations_of_the_tape_alone_are_the_engines() -> None:
    """Comparisons, which the table does not have, are those of the floats."""
    for name in ("gt", "lt", "eq"):
        for a in SPECIAL:
            for b in SPECIAL:
                assert EXTRA[name](a, b) == float(getattr(ieee, name)(a, b))
