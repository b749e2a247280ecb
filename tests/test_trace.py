"""Tracing by itself: what a traced number records, and what it refuses."""

import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from passes import record, same
from strategies import wild_floats

import autograd
from autograd import Value, modes
from autograd.compiler.interpret import interpret
from autograd.compiler.trace import Trace, Traced, recording, replay
from autograd.errors import StructureError, TraceError
from autograd.tree import flatten


def run(f: Callable[..., Any], at: list[Any], *now: Any) -> list[float]:
    """A function traced at some numbers and run at others."""
    tape, captured = record(f, at)
    return interpret(tape, [*flatten(list(now))[0], *captured])


OPERATORS = {
    name: getattr(operator, name)
    for name in ("add", "sub", "mul", "truediv", "pow", "gt", "ge", "lt", "le")
}


@pytest.mark.parametrize("name", OPERATORS)
@given(wild_floats, wild_floats)
def test_operators_are_recorded(name: str, a: float, b: float) -> None:
    """Of two traced numbers, and with a plain number or a node on either side: the eager bits."""
    f = OPERATORS[name]
    x, y = Value(a), Value(b)
    want = f(x, y)
    want = want.data if type(want) is Value else float(want)
    for got in (
        run(f, [1.0, 1.0], a, b),
        run(lambda x: f(x, Value(b)), [1.0], a),
        run(lambda y: f(Value(a), y), [1.0], b),
    ):
        assert same(got[0], want)
    constant = f(x, b)  # a power of a constant is another
    assert same(run(lambda x: f(x, b), [1.0], a)[0], getattr(constant, "data", float(want)))
    assert same(run(lambda y: f(a, y), [1.0], b)[0], want)


def test_comparisons_with_numbers_of_any_kind() -> None:
    """Whole numbers, truth values, fractions and NumPy's, on either side; nothing else."""
    for number in (2, True, Fraction(1, 2), np.float64(1.5), np.int64(2), Value(2.0)):
        plain = number.data if type(number) is Value else float(number)
        want = [float(x > plain) for x in (0.0, 1.0, 1.75, 3.0)]
        for f in (lambda x, n=number: x > n, lambda x, n=number: n < x):
            assert [run(f, [5.0], x)[0] for x in (0.0, 1.0, 1.75, 3.0)] == want
    for wrong in ("2", None, [2.0]):
        with pytest.raises(TypeError):
            record(lambda x, wrong=wrong: x > wrong, [1.0])


def test_a_traced_number_is_shown_and_left_as_it_is() -> None:
    """Printing is harmless, whatever the format; +x is x."""
    trace = Trace(exact=True)
    x, y = trace.input(), trace.input()
    assert (repr(y), f"{y}", f"{y:.3f}") == ("Traced(%1)",) * 3
    assert +x is x
    assert (x.label, x.trace) == (None, trace)
    assert trace.tape.batched == [False, False]
    assert trace.input(batched=True).value == 2
    assert trace.tape.batched == [False, False, True]


REFUSED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "bool": (lambda x: 1.0 if x > 0.0 else 2.0, r"a branch .* depends on a number .*; write where"),
    "not": (lambda x: not x, "a branch"),
    "data": (lambda x: x.data, r"`.data` of a number was read .*; leave .data out"),
    "grad": (lambda x: x.grad, r"`.grad` of a number was read .*; take .* autograd.grad$"),
    "backward": (lambda x: x.backward(), r"backward\(\) was called .*; compile .*value_and_grad"),
    "float": (lambda x: float(x), r"float\(x\) was called, .*; use autograd.exp"),
    "complex": (lambda x: complex(x), r"float\(x\) was called"),
    "round": (lambda x: round(x), r"float\(x\) was called"),
    "int": (lambda x: int(x), "a number was used as an index or a whole number .*autograd.take"),
    "index": (lambda x: [1.0, 2.0][x], "a number was used as an index .*; read a row"),
    "a node's data": (lambda x: Value(1.0).data * x, "`.data` of a number was read .*; leave"),
    "stored": (
        lambda x: setattr(Value(1.0), "data", x),
        r"a number was stored in the `.data` .*; return it",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_recorded(name: str) -> None:
    """Each says what was done, where, and what to write instead."""
    f, message = REFUSED[name]
    with pytest.raises(TraceError, match=f"^{message}") as caught:
        record(f, [1.0])
    line = f.__code__.co_firstlineno
    assert f"in {__file__}, line {line}:" in str(caught.value), "the line is the user's"
    assert not modes.is_recording()


def test_the_line_is_the_users_whoever_calls() -> None:
    """Modules of the library and of NumPy are passed over, and no others."""
    for module in ("autograd", "autograd.functions", "nn.losses", "numpy.lib", "contextlib"):
        library: dict[str, Any] = {"__name__": module}
        exec("def ask(x): return float(x)", library)
        with pytest.raises(TraceError, match=f"in {__file__}, line"):
            record(lambda x, ask=library["ask"]: ask(x), [1.0])
    for names in ({"__name__": "nnets"}, {"__name__": "mine.autograd"}, {}):
        other: dict[str, Any] = dict(names)
        exec("def ask(x): return float(x)", other)
        with pytest.raises(TraceError, match="in <string>, line 1:"):
            record(lambda x, ask=other["ask"]: ask(x), [1.0])


def test_a_number_of_another_run_is_refused() -> None:
    """Its place on another tape would mean something else here."""
    kept = Trace(exact=True).input()
    with pytest.raises(TraceError, match=r"^a number was kept from another traced run.*return it$"):
        record(lambda x: x + kept, [1.0])


def test_a_node_is_an_input_and_a_number_a_constant() -> None:
    """What the function captures is read at each call, once however often it is used."""
    w = Value(2.0)
    tape, captured = record(lambda x: (x * w + w) * 3.0, [1.0])
    assert captured == [2.0]
    assert tape.ops.count("input") == 2
    assert interpret(tape, [5.0, 4.0]) == [(5.0 * 4.0 + 4.0) * 3.0]
    trace = Trace(exact=True)
    with recording(trace):
        assert trace.place(0.5) == trace.place(0.5) == 0
        assert type(trace.place(w)) is int
    assert list(trace.captured) == [w]


def test_nodes_are_read_as_usual_outside_and_after() -> None:
    """While one thread traces, `.data` is guarded; afterwards it is the slot again."""
    v = Value(2.0)
    slot = Value.__dict__["data"]
    with recording(Trace(exact=True)):
        assert Value.__dict__["data"] is not slot
        with pytest.raises(TraceError, match="data"):
            _ = v.data
        assert repr(v) == "Value(data=2.0, grad=0.0)"
        with recording(Trace(exact=True)):
            pass
        assert Value.__dict__["data"] is not slot
    assert Value.__dict__["data"] is slot
    assert v.data == 2.0


def test_without_history() -> None:
    """detach() and no_grad stop the gradient, of a traced number and of a captured node."""
    w = Value(3.0)

    def paused(x: Any) -> Any:
        with autograd.no_grad():
            return x * x

    for f in (
        lambda x: x.detach() * x,
        lambda x: autograd.stop_gradient(x) * x,
        lambda x: paused(x) / x,
        lambda x: x * w.detach(),
    ):
        assert run(autograd.grad(f), [1.0], 3.0) == [autograd.grad(f)(3.0)]


def test_rows_of_one_structure_can_be_taken() -> None:
    """Numbers, or rows of several, of nodes and dual numbers too; not of unequal length."""
    rows = [[1.0, (2.0, 3.0)], [4.0, (5.0, 6.0)]]
    assert run(lambda i: autograd.take(rows, i), [0.0], 1.0) == [4.0, 5.0, 6.0]
    values = [Value(1.0), Value(2.0)]
    assert run(lambda i: autograd.take(values, i), [0.0], 1.0) == [2.0]

    def f(i: Any, x: Any) -> Any:
        return autograd.take([x, x * x, 7.0, autograd.sin(x)], i) * x

    for i in range(4):
        forward = run(
            lambda i, x: autograd.jvp(lambda x: f(i, x), x, 1.0), [0.0, 1.0], i * 1.0, 2.0
        )
        assert forward == pytest.approx(autograd.jvp(lambda x, i=i: f(i, x), 2.0, 1.0))
        reverse = run(lambda i, x: autograd.grad(lambda x: f(i, x))(x), [0.0, 1.0], i * 1.0, 2.0)
        assert reverse == pytest.approx([forward[1]])
    with pytest.raises(StructureError, match="rows of one structure"):
        record(lambda i: autograd.take([[1.0], [1.0, 2.0]], i), [0.0])


BRANCHES: dict[str, Callable[[Any], Any]] = {
    "log": lambda x: autograd.where(x > 0.0, autograd.log(x), 0.0) * x,
    "other": lambda x: autograd.where(x > 0.0, 1.0, autograd.sqrt(-x)) + x,
    "nested": lambda x: autograd.where(
        x > 0.0, autograd.where(x > 1.0, autograd.log(x - 1.0), x * x), autograd.sqrt(-x)
    ),
    "both": lambda x: autograd.where(x > 0.0, autograd.log(x), x * 3.0) * 2.0,
    "product": lambda x: (
        autograd.where(x > 0.0, autograd.log(x), 0.0) * autograd.where(x > 0.0, x, 5.0)
    ),
    "an infinite slope behind": lambda x: autograd.sqrt(autograd.where(x > 1.0, x, 0.0)),
    "an infinite slope behind a product": lambda x: autograd.sqrt(
        autograd.where(x > 1.0, x, 0.0) * autograd.where(x > 0.7, x * x, 0.0)
    ),
    "a product of both, further on": lambda x: autograd.exp(
        autograd.where(x > 1.0, autograd.log(x), -1.0) * autograd.where(x > 0.7, x, 3.0) * x
    ),
    "a sum": lambda x: autograd.total([autograd.where(x > 0.0, autograd.log(x), x), x]),
}


@pytest.mark.parametrize("name", BRANCHES)
def test_forward_mode_behind_a_branch(name: str) -> None:
    """Where it is not taken, nothing moves: not even 0 times inf. Eager and traced alike."""
    f = BRANCHES[name]
    for at in (2.0, 0.5, 1.0, 0.0, -1.0):
        want = autograd.jvp(f, at, 1.0)
        got = run(lambda x: autograd.jvp(f, x, 1.0), [3.0], at)
        assert got == pytest.approx(want, nan_ok=True), at
        assert got[1] == pytest.approx(autograd.grad(f)(at), nan_ok=True), at


def _forward(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x: autograd.jvp(f, x, 1.0)[1]


HIGHER: dict[str, tuple[Callable[[Any], Any], ...]] = {  # the innermost first
    "forward over forward": (_forward, _forward),
    "forward over reverse": (autograd.grad, _forward),
    "reverse over forward": (_forward, autograd.grad),
    "forward over reverse over forward": (_forward, autograd.grad, _forward),
    "three times forward": (_forward, _forward, _forward),
}


@pytest.mark.parametrize("order", HIGHER)
@pytest.mark.parametrize("name", BRANCHES)
def test_higher_derivatives_behind_a_branch(name: str, order: str) -> None:
    """In any mix of the modes: traced is what eager is, on every branch."""
    f = BRANCHES[name]
    for transform in HIGHER[order]:
        f = transform(f)
    tape, captured = record(lambda x: f(x), [3.0])
    assert not captured
    for at in (2.0, 0.75, 0.5, 1.0, -1.0):
        got = interpret(tape, [at])
        assert got == pytest.approx([f(at)], nan_ok=True, rel=1e-9, abs=1e-12), at


def test_a_graph_is_replayed_with_other_numbers() -> None:
    """From some of its nodes on: leaves as they are now, constants as they were."""
    x, w = Value(2.0), Value(3.0)
    inner = x * w
    y = autograd.tanh(inner) * 2.0 + x
    assert replay(y, [x], [0.5]).data == (autograd.tanh(Value(1.5)) * 2.0 + 0.5).data
    assert replay(y, [inner], [0.5]).data == (autograd.tanh(Value(0.5)) * 2.0 + 2.0).data
    assert replay(y, [y], [7.0]) == 7.0
    assert type(replay(y, [x, w], [Value(1.0), Value(1.0)])) is Value
    assert not isinstance(replay(y, [x], [1.0]), Traced)
