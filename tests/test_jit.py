"""autograd.jit as its users see it: structures, batches, transforms, captured Values, errors."""

import functools
import math
import pickle
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import pytest
from networks import dense_network, parameters
from passes import differences

import autograd
from autograd import LengthError, OperandError, StructureError, TraceError, Value
from autograd.compiler import program as compiler_program
from autograd.compiler.packed import Packed
from autograd.errors import MissingExtraError

HERE = __file__


class Point(NamedTuple):
    x: Any
    y: Any


def line_of(f: Callable[..., Any]) -> int:
    return f.__code__.co_firstlineno


def energy(p: Any, x: Any) -> Any:
    """A function of a dict of lists, of which a row is used twice and a number not at all."""
    h = [autograd.tanh(autograd.dot(w, x, b)) for w, b in zip(p["w"], p["b"], strict=True)]
    return autograd.dot(p["v"], h) ** 2 + autograd.exp(p["b"][0])


PARAMS: dict[str, Any] = {
    "w": [[0.1, -0.2, 0.3], [1.5, 0.0, -0.7]],
    "b": [0.5, -0.5],
    "v": (1.0, 2.0),
    "unused": 4.0,
}
X = [0.3, -1.2, 2.0]


# --- structures -----------------------------------------------------------------------------------


def test_structures_come_back_as_they_went_in() -> None:
    """Dicts, lists, tuples, named tuples and arrays, nested; numbers are floats."""

    def f(x: Any) -> Any:
        return {"a": [x["a"], (x["p"].x, x["p"].y)], "p": x["p"], "array": x["array"] * 2.0}

    x = {"a": 1.5, "p": Point(2.0, [3.0, -0.0]), "array": np.arange(6.0).reshape(2, 3)}
    got = autograd.jit(f)(x)
    assert list(got) == ["a", "p", "array"]
    assert type(got["a"][0]) is float
    assert got["a"] == [1.5, (2.0, [3.0, -0.0])]
    assert type(got["p"]) is Point
    assert got["p"] == x["p"]
    assert type(got["array"]) is np.ndarray
    assert got["array"].dtype == np.float64
    assert (got["array"] == x["array"] * 2.0).all()


def test_gradients_have_the_structure_of_the_argument() -> None:
    """value_and_grad compiled gives eager's bits, in eager's structure."""
    f = autograd.value_and_grad(energy)
    want = f(PARAMS, X)
    got = autograd.jit(f, exact=True)(PARAMS, X)
    assert got == want
    assert type(got[1]["v"]) is tuple
    arrays = {"w": np.array(PARAMS["w"]), "b": np.array(PARAMS["b"]), "v": np.array([1.0, 2.0])}
    _, gradient = autograd.jit(f, exact=True)({**arrays, "unused": 4.0}, np.array(X))
    assert gradient["w"].shape == (2, 3)
    assert gradient["w"].tolist() == want[1]["w"]
    assert gradient["unused"] == 0.0


@pytest.mark.parametrize("number", [2, 2.0, True, np.float64(2.0), np.float32(2.0), np.int64(2)])
def test_numbers_of_every_kind(number: Any) -> None:
    """An int, a bool and NumPy's scalars are numbers, and all share one compiled program."""
    f = autograd.jit(lambda x: x * 3.0)
    assert f(1.0) == 3.0
    assert f(number) == 3.0 * number
    assert len(f._programs) == 1


def test_keyword_arguments() -> None:
    """They are traced as the others are, whatever their order."""
    f = autograd.jit(lambda x, *, scale, shift: x * scale + shift)
    assert f(2.0, scale=3.0, shift=1.0) == 7.0
    assert f(2.0, shift=1.0, scale=5.0) == 11.0


def test_results_are_new_each_time() -> None:
    """A later call does not write into what an earlier one gave."""
    f = autograd.jit(lambda a: a * 2.0)
    first = f(np.ones(3))
    second = f(np.zeros(3))
    assert first.tolist() == [2.0, 2.0, 2.0]
    assert second.tolist() == [0.0, 0.0, 0.0]


def test_arguments_are_left_alone() -> None:
    """Also an array that is returned as it is comes out as another."""
    a = np.arange(3.0)
    b = autograd.jit(lambda a: a)(a)
    b[0] = 7.0
    assert a.tolist() == [0.0, 1.0, 2.0]


def test_arrays_of_any_layout_and_type() -> None:
    """A transposed array, a slice and integers are read as what they show."""
    f = autograd.jit(lambda a: a[0] * 10.0 + a[-1])
    a = np.arange(12.0).reshape(3, 4)
    assert (f(a.T) == a.T[0] * 10.0 + a.T[-1]).all()
    assert (f(a[:, ::2]) == a[:, ::2][0] * 10.0 + a[:, ::2][-1]).all()
    assert (f(a.astype(np.int32)) == f(a)).all()


def test_a_new_structure_compiles_anew() -> None:
    """The same structure does not; a shape, a key or a length that is new does."""
    calls = []

    def f(x: Any) -> Any:
        calls.append(x)
        return autograd.total(x["a"])

    fast = autograd.jit(f)
    assert fast({"a": [1.0, 2.0]}) == 3.0
    assert fast({"a": [5.0, 2.0]}) == 7.0
    assert len(calls) == 1
    assert fast({"a": [5.0, 2.0, 1.0]}) == 8.0
    assert fast({"a": np.array([5.0, 2.0])}) == 7.0
    assert fast({"a": (5.0, 2.0)}) == 7.0
    assert fast({"a": [5.0, 2.0], "b": 1.0}) == 7.0
    assert len(calls) == 5
    assert fast({"a": [0.0, 1.0, 1.0]}) == 2.0
    assert len(calls) == 5


# --- packed structures ----------------------------------------------------------------------------


def test_packed_goes_in_and_comes_out() -> None:
    """One flat array: the same numbers, the gradient packed alike, written into in place."""
    fast = autograd.jit(autograd.value_and_grad(energy), exact=True)
    packed = fast.pack(PARAMS)
    value, gradient = fast(packed, X)
    want_value, want = autograd.value_and_grad(energy)(PARAMS, X)
    assert value == want_value
    assert isinstance(gradient, Packed)
    assert gradient.tree == want
    assert gradient["v"] == want["v"]
    assert list(gradient.keys()) == list(want)
    packed.flat -= 0.1 * gradient.flat
    stepped, _ = fast(packed, X)
    assert stepped == energy(packed.tree, X) != value
    assert len(fast._programs) == 1


def test_packed_copies_are_apart() -> None:
    """A copy has numbers of its own; packing again keeps them in the other's dtype."""
    packed = Packed.of([1.0, [2.0, 3.0]])
    other = packed.copy()
    other.flat[0] = 9.0
    assert packed.tree == [1.0, [2.0, 3.0]]
    assert other.tree == [9.0, [2.0, 3.0]]
    assert Packed.of(packed, "float32").flat.dtype == np.float32
    assert len(packed) == 2
    assert [*packed][1] == [2.0, 3.0]


def test_packing_what_is_no_number() -> None:
    """The error names it."""
    with pytest.raises(OperandError, match="'b'"):
        Packed.of({"a": [1.0, "b"]})


# --- transforms -----------------------------------------------------------------------------------


def banana(x: Any) -> Any:
    return (1.0 - x[0]) ** 2 + 100.0 * (x[1] - x[0] ** 2) ** 2 + autograd.sin(x[0] * x[1])


def pulled_back(x: Any, c: Any) -> Any:
    value, pullback = autograd.vjp(lambda v: [v[0] * v[1], autograd.exp(v[0]), v[1]], x)
    return value, pullback(c)


TRANSFORMED: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "plain": (banana, ([1.2, 0.7],)),
    "grad": (autograd.grad(banana), ([1.2, 0.7],)),
    "value_and_grad": (autograd.value_and_grad(banana), ([1.2, 0.7],)),
    "hessian": (autograd.hessian(banana), ([1.2, 0.7],)),
    "jacobian": (
        autograd.jacobian(lambda x: [x[0] * x[1], autograd.tan(x[1]), x[0]]),
        ([1.2, 0.7],),
    ),
    "jvp": (lambda x, t: autograd.jvp(banana, (x,), (t,)), ([1.2, 0.7], [0.5, -2.0])),
    "hvp": (lambda x, t: autograd.hvp(banana, (x,), (t,)), ([1.2, 0.7], [0.5, -2.0])),
    "vjp": (pulled_back, ([1.2, 0.7], [0.5, -2.0, 3.0])),
    "grad inside": (
        lambda x, s: autograd.exp(autograd.grad(banana)(x)[0] * s) + x[1],
        ([1.2, 0.7], 0.01),
    ),
    "grad of a closure over traced numbers": (
        lambda x, y: autograd.grad(lambda v: autograd.sin(v * y) * v)(x) * y,
        (1.2, 0.7),
    ),
    "grad of grad": (
        autograd.grad(lambda x, y: autograd.grad(lambda v: autograd.exp(v * y))(x) * y, 1),
        (1.2, 0.7),
    ),
    "jvp of grad of jvp": (
        lambda x: autograd.jvp(
            autograd.grad(lambda v: autograd.jvp(autograd.tanh, (v,), (v,))[1]), (x,), (1.0,)
        ),
        (0.3,),
    ),
    "argnums": (autograd.grad(lambda x, y: x * y * y, (0, 1)), (1.2, 0.7)),
    "detached": (autograd.grad(lambda x: x * x.detach()), (3.0,)),
    "no gradient": (autograd.grad(lambda x: 2.0 * autograd.stop_gradient(x)), (3.0,)),
}


@pytest.mark.parametrize("name", TRANSFORMED)
def test_transforms(name: str) -> None:
    """Derivatives of every kind, compiled, are eager's to the bit; other numbers too.

    Not a tangent of 0.0: eager leaves out what does not move, which compiled code cannot know.
    """
    f, args = TRANSFORMED[name]
    fast = autograd.jit(f, exact=True)
    for scale in (1.0, -0.5, 2.0):
        leaves, rebuild = autograd.tree.flatten(args)
        scaled = rebuild([x * scale for x in leaves])
        assert not differences(fast(*scaled), f(*scaled))
    loose = autograd.jit(f)(*args)
    np.testing.assert_allclose(
        autograd.tree.flatten(loose)[0], autograd.tree.flatten(f(*args))[0], rtol=1e-13
    )


def test_forward_mode_behind_a_branch() -> None:
    """Nothing flows where the other branch, a constant, is taken: not even 0 * inf."""

    def f(x: Any) -> Any:
        return autograd.jvp(lambda v: autograd.log(autograd.where(v > 0.0, v, 0.0)), (x,), (1.0,))

    assert f(-1.0) == (-math.inf, 0.0)
    assert autograd.jit(f)(-1.0) == f(-1.0)


def test_constants_are_told_apart_by_their_bits() -> None:
    """Code made for 0.0 is not taken for -0.0, nor are 1.0 and the first number of a kernel one."""

    def choose(other: float) -> Callable[..., Any]:
        return autograd.jit(lambda c, x: autograd.where(c > 0.0, autograd.exp(x), other))

    for other in (0.0, -0.0, 1.0, math.nan, -math.inf):
        assert not differences(choose(other)(-1.0, 2.0), other)


# --- batches --------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 3, 8, 64, 67, 1000])
@pytest.mark.parametrize("exact", [True, False])
def test_a_batch_is_the_mean_over_its_rows(rows: int, exact: bool) -> None:
    """For one row, for less than a vector, and for several blocks of rows of which one is short."""
    f = autograd.value_and_grad(dense_network)
    rng = np.random.default_rng(rows)
    network = parameters(4, 6, 3, 1)
    xs, ys = rng.normal(size=(rows, 4)), rng.integers(0, 2, rows).astype(float)
    each = [f(network, x, y) for x, y in zip(xs.tolist(), ys.tolist(), strict=True)]
    flat = np.array([autograd.tree.flatten(result)[0] for result in each])
    got = autograd.jit(f, batch_argnums=(1, 2), exact=exact)(network, xs, ys)
    numbers = autograd.tree.flatten(got)[0]
    if exact:
        want = [autograd.ieee.left_sum(column) / rows for column in flat.T.tolist()]
        assert not differences(numbers, want)
    error = np.abs(np.array(numbers) - flat.mean(axis=0))
    # a row's own numbers may be sums that cancel; the largest gradient is as large as their terms
    assert (error <= 1e-13 * np.abs(flat).max(axis=1).max()).all()


def test_batches_of_lists_and_dicts() -> None:
    """Rows as nested lists, and several batched arrays in a dict; any number of rows."""

    def f(w: Any, batch: Any) -> Any:
        return autograd.dot(w, batch["x"]) * batch["y"]

    fast = autograd.jit(f, batch_argnums=1)
    rows = {"x": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], "y": [1.0, -1.0, 2.0]}
    assert fast([1.0, 10.0], rows) == (21.0 - 43.0 + 130.0) / 3.0
    arrays = {k: np.array(v)[:2] for k, v in rows.items()}
    assert fast([1.0, 10.0], arrays) == (21.0 - 43.0) / 2.0
    assert autograd.jit(f, batch_argnums=-1)([1.0, 10.0], rows) == 36.0


def test_what_does_not_depend_on_the_rows_is_as_it_is() -> None:
    """The mean of what is one for all rows is not even taken."""
    fast = autograd.jit(lambda w, x: [w * 3.0, x * w, 2.0], batch_argnums=1)
    assert fast(0.1, [1.0, 2.0, 3.0]) == [0.1 * 3.0, pytest.approx(0.2, rel=1e-15), 2.0]


def test_float32() -> None:
    """Arrays come out as float32, and numbers to 24 bits."""
    f = autograd.value_and_grad(energy)
    fast = autograd.jit(f, dtype="float32")
    value, gradient = fast(PARAMS, X)
    want_value, want = f(PARAMS, X)
    assert value == pytest.approx(want_value, rel=1e-5)
    for g, w in zip(*[autograd.tree.flatten(t)[0] for t in (gradient, want)], strict=True):
        assert g == pytest.approx(w, rel=1e-5, abs=1e-5)
    assert value == float(np.float32(value))
    assert value != want_value
    packed = fast.pack(PARAMS)
    assert packed.flat.dtype == np.float32
    assert fast(packed, X)[1].flat.dtype == np.float32
    assert autograd.jit(lambda a: a * 2.0, dtype="float32")(np.ones(3)).dtype == np.float32


# --- Values from outside --------------------------------------------------------------------------


def test_values_are_read_afresh_at_each_call() -> None:
    """A Value that the function closes over is no constant, nor are gradients by it."""
    w = Value(2.0)
    f = autograd.jit(lambda x: x * w + autograd.exp(w))
    g = autograd.jit(lambda x: autograd.grad(lambda v: v * v * w)(x))
    h = autograd.jit(lambda x: autograd.where(x < w, x, 0.0))
    for number in (2.0, 0.5, -1.0):
        w.data = number
        assert f(3.0) == pytest.approx(3.0 * number + math.exp(number), rel=1e-15)
        assert g(3.0) == 6.0 * number
        assert h(1.0) == (1.0 if number > 1.0 else 0.0)
    assert w.grad == 0.0


@pytest.mark.parametrize(
    "f",
    [
        pytest.param(lambda w, x: autograd.where(w > x, x, 0.0), id="w > x"),
        pytest.param(lambda w, x: autograd.where(w > 1.0, x, 0.0), id="w > 1.0"),
        pytest.param(lambda w, x: x if w > 1.0 else 0.0 * x, id="if w > 1.0"),
        pytest.param(lambda w, x: x if w else 0.0 * x, id="if w"),
        pytest.param(lambda w, x: x * w.detach(), id="w.detach()"),
        pytest.param(lambda w, x: x * w.data, id="w.data"),
    ],
)
def test_a_captured_value_is_never_baked_in(f: Callable[..., Any]) -> None:
    """What depends on its number is refused, or right at the next call."""
    w = Value(2.0)
    fast = autograd.jit(lambda x: f(w, x))
    try:
        fast(1.0)
        w.data = 0.0
        got = fast(1.0)
    except TraceError:
        return
    assert got == 0.0


def test_jit_graph() -> None:
    """A graph with other numbers for a leaf or a node in between; other leaves are read anew."""
    a, b, c = Value(1.0), Value(3.0), Value(-0.5)
    middle = autograd.exp(a * b)
    root = middle * middle + c * 2.0 - autograd.where(a > 0.0, a, b)
    fast = autograd.jit_graph(root, [a, b], exact=True)
    assert fast([1.0, 3.0]) == root.data
    assert fast([0.5, 1.0]) == math.exp(0.5) * math.exp(0.5) - 1.0 - 0.5
    c.data = 10.0
    assert fast([0.5, 1.0]) == math.exp(0.5) * math.exp(0.5) + 20.0 - 0.5
    between = autograd.jit_graph(root, [middle], exact=True)
    assert between([2.0]) == 4.0 + 20.0 - 1.0
    gradient = autograd.jit(autograd.grad(fast.__wrapped__))([0.5, 1.0])
    assert gradient == pytest.approx([2.0 * math.e - 1.0, math.e], rel=1e-14)


def test_jit_graph_checks_its_inputs() -> None:
    """There must be some, they must be nodes, and as many numbers come."""
    a = Value(1.0)
    with pytest.raises(LengthError, match="at least one node"):
        autograd.jit_graph(a * 2.0, [])
    with pytest.raises(OperandError, match=r"nodes, but got 1\.0"):
        autograd.jit_graph(a * 2.0, [1.0])  # type: ignore[list-item]
    with pytest.raises(LengthError, match="expected 1 numbers, but got 2"):
        autograd.jit_graph(a * 2.0, [a])([1.0, 2.0])


# --- what cannot be traced ------------------------------------------------------------------------


def kept(store: list[Any]) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        store.append(x)
        return store[0] * x

    return f


LEAKS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "if": (lambda x: x if x > 0.0 else -x, "where"),
    "filter": (lambda x: [x for _ in [1] if x < 1.0], "where"),
    "and": (lambda x: x > 0.0 and x, "where"),
    "not": (lambda x: float(not x), "where"),
    "max": (lambda x: max(x, 1.0), "maximum"),
    "sorted": (lambda x: sorted([x, x * 2.0]), "where"),
    "chained comparison": (lambda x: autograd.where(0.0 < x < 1.0, x, 0.0), "where"),
    "float": (lambda x: float(x), "autograd.exp"),
    "math.exp": (lambda x: math.exp(x), "autograd.exp"),
    "round": (lambda x: round(x), "where"),
    "floor": (lambda x: math.floor(x), "where"),
    "complex": (lambda x: complex(x), "autograd.exp"),
    "int": (lambda x: int(x), "take"),
    "index": (lambda x: [1.0, 2.0][x], "take"),
    "range": (lambda x: sum(range(x)), "take"),
    "data": (lambda x: x * x.data, "stop_gradient"),
    "grad": (lambda x: x * x.grad, "autograd.grad"),
    "backward": (lambda x: (x * x).backward(), "value_and_grad"),
    "np.float64": (lambda x: np.float64(x), "autograd.exp"),
}


@pytest.mark.parametrize("name", LEAKS)
def test_a_leak_is_refused_where_it_happens(name: str) -> None:
    """What depends on a number is a TraceError with this file, the line and a remedy."""
    f, remedy = LEAKS[name]
    with pytest.raises(TraceError) as caught:
        autograd.jit(f)(0.5)
    message = str(caught.value)
    assert f"{HERE}, line {line_of(f)}" in message
    assert remedy in message
    assert isinstance(caught.value, TypeError)


def test_a_leak_inside_a_derivative_is_found_too() -> None:
    """Behind grad and jvp the line is still the user's."""

    def f(x: Any) -> Any:
        return x if x > 0.0 else -x

    for transformed in (autograd.grad(f), lambda x: autograd.jvp(f, (x,), (1.0,))):
        with pytest.raises(TraceError, match=f"line {line_of(f) + 1}"):
            autograd.jit(transformed)(0.5)


def test_a_number_kept_from_another_run_is_refused() -> None:
    """What one traced run left behind means nothing in the next."""
    f = autograd.jit(kept([]))
    assert f(3.0) == 9.0
    with pytest.raises(TraceError, match="another traced run"):
        f(np.array([3.0]))


def test_a_failed_trace_leaves_nothing_behind() -> None:
    """The next call, with a structure that works, is compiled; Values are Values again."""

    def f(x: Any) -> Any:
        if isinstance(x, list):
            return x[0] * 2.0
        return x if x else 0.0

    fast = autograd.jit(f)
    with pytest.raises(TraceError):
        fast(1.0)
    assert fast([3.0]) == 6.0
    v = Value(2.0)
    (v * v).backward()
    assert v.grad == 4.0


@pytest.mark.parametrize("result", [None, "text", object(), {1.0}])
def test_results_that_are_no_numbers(result: Any) -> None:
    """The error shows what came."""
    with pytest.raises(StructureError, match="made of numbers"):
        autograd.jit(lambda x: [x, result])(1.0)


# --- wrong input ----------------------------------------------------------------------------------


def test_wrong_arguments_of_jit() -> None:
    """Each says what was expected and what came."""
    with pytest.raises(TypeError, match=r"function to compile, but got 3\.0"):
        autograd.jit(3.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"float64.*but got 'float16'"):
        autograd.jit(energy, dtype="float16")
    with pytest.raises(StructureError, match=r"batch_argnums=2.*2 given"):
        autograd.jit(lambda x, y: x, batch_argnums=2)([1.0], 2.0)
    with pytest.raises(RuntimeError, match="call the function first"):
        autograd.jit(energy).explain()


def test_wrong_arguments_of_a_compiled_function() -> None:
    """What is no number, and batches that do not fit."""
    f = autograd.jit(lambda x, y: x * y)
    for wrong in ("text", None, 1j):
        with pytest.raises(OperandError, match="expected a real number"):
            f(1.0, wrong)
    with pytest.raises(OperandError, match="array of real numbers"):
        f(1.0, np.array([1j]))
    batched = autograd.jit(lambda x, y: x * y, batch_argnums=(0, 1))
    with pytest.raises(LengthError, match=r"\{0: 2, 1: 3\}"):
        batched([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(LengthError, match="batch is empty"):
        batched([], [])
    with pytest.raises(StructureError, match="argument 0 to have a row for each sample"):
        batched(1.0, [1.0])
    with pytest.raises(StructureError, match="rows of equal length"):
        batched([[1.0], [1.0, 2.0]], [1.0, 2.0])
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        f(1.0)


# --- threads, reports, without llvmlite -----------------------------------------------------------


def test_threads_share_a_compiled_function() -> None:
    """Eight threads at once, the first call too: one program, and each has its own result."""
    calls = []

    def f(w: Any, x: Any) -> Any:
        calls.append(1)
        return autograd.tanh(autograd.dot(w, x)) ** 2

    fast = autograd.jit(autograd.value_and_grad(f), batch_argnums=1, exact=True)
    w, barrier = [0.1 * i for i in range(8)], threading.Barrier(8)
    rng = np.random.default_rng(0)
    data = [rng.normal(size=(rows, 8)) for rows in range(60, 68)]

    def work(k: int) -> list[Any]:
        barrier.wait()
        return [fast(w, data[k]) for _ in range(100)]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, range(8)))
    assert len(calls) == 1
    for k, results in enumerate(found):
        want = fast(w, data[k])
        assert all(result == want for result in results)


def test_explain_reports() -> None:
    """The tape, the loops, the LLVM text, and the time and the instructions of each pass."""
    fast = autograd.jit(autograd.value_and_grad(energy))
    fast(PARAMS, X)
    report = fast.explain()
    assert "= input(0)" in report.tape
    assert "tanh" in report.loops
    assert "define" in report.llvm
    assert {"trace", "simplify", "fuse", "roll", "llvm"} <= report.seconds.keys()
    assert all(seconds >= 0.0 for seconds in report.seconds.values())
    assert report.instructions["trace"] >= report.instructions["fuse"] > 0
    assert not report.interpreted
    assert all(part in str(report) for part in ("instructions", "time", "loops", "tanh"))


def test_explain_tells_the_phases_of_a_batch() -> None:
    """What runs before all rows, for each, and after them, each loop on a line of its own."""
    fast = autograd.jit(lambda w, x: [autograd.exp(w), w * x[0], x[1], 2.0], batch_argnums=1)
    fast(0.5, [[1.0, 2.0], [3.0, 4.0]])
    phases = {}
    for line in fast.explain().loops.splitlines():
        if not line.startswith("  "):
            phases[line] = lines = list[str]()
        else:
            lines.append(line.strip())
    assert list(phases) == ["before:", "for each row:", "after:"]
    compiled: Any = fast._latest
    assert list(phases.values()) == [list(map(str, part)) for part in compiled.program[:3]]
    assert [len(lines) for lines in phases.values()] == [2, 2, 2]
    compiled.machine = None
    assert fast.explain().llvm == ""
    assert fast.explain().interpreted


def test_without_llvmlite_it_is_interpreted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bits, with one warning in all that names what to install."""

    def missing(*args: Any) -> Any:
        raise MissingExtraError("llvmlite is not installed; pip install glassgrad[compiler]")

    monkeypatch.setattr(compiler_program, "Machine", missing)
    monkeypatch.setattr(compiler_program, "_told", [])
    f = autograd.value_and_grad(energy)
    with pytest.warns(RuntimeWarning, match=r"interpreted.*llvmlite") as caught:
        got = autograd.jit(f)(PARAMS, X)
    assert [warning.filename for warning in caught] == [__file__], "at the line of the call"
    assert got == f(PARAMS, X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fast = autograd.jit(autograd.value_and_grad(lambda w, x: w * x * x), batch_argnums=1)
        assert fast(2.0, [1.0, 2.0, 3.0]) == (2.0 * 14.0 / 3.0, 14.0 / 3.0)
        arrays = autograd.jit(lambda a: a * 2.0, dtype="float32")(np.ones((2, 3)))
    assert arrays.dtype == np.float32
    assert fast.explain().interpreted


def test_a_missing_llvmlite_is_noticed() -> None:
    """In a fresh Python that cannot import it, a compiled function works and warns once."""
    program = """
import sys, warnings
sys.modules["llvmlite"] = None
import autograd
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    f = autograd.jit(autograd.grad(lambda x: x * x * x))
    g = autograd.jit(lambda x: x + 1.0)
    print(f(2.0), f(3.0), g(1.0), len(caught), caught[0].category.__name__, caught[0].message)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout.startswith("12.0 27.0 2.0 1 RuntimeWarning"), run.stdout + run.stderr
    assert "llvmlite" in run.stdout
    assert "install" in run.stdout


def test_import_needs_no_compiler() -> None:
    """`import autograd` loads neither NumPy nor llvmlite; making a compiled function does not."""
    program = """
import sys, autograd
f = autograd.jit(lambda x: x)
print(sorted({"numpy", "llvmlite"} & sys.modules.keys()))
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_a_result_for_each_row() -> None:
    """With mean=False the rows of the result are those of the function, row by row."""

    def f(x: Any, k: Any) -> Any:
        table = np.array([[x[0], 2.0 * x[1]], [k, 1.0]], dtype=object)
        return {"a": [x[0] * x[1], k], "b": table, "c": (autograd.exp(x[0]), 3.0)}

    rng = np.random.default_rng(0)
    for interpreted in (False, True):
        fast = autograd.jit(f, batch_argnums=0, mean=False)
        for rows in (1, 5, 1000):
            xs = rng.normal(size=(rows, 2))
            if interpreted:
                fast(xs, 0.5)
                next(iter(fast._programs.values())).machine = None
            got = fast(xs, 0.5)
            assert got["b"].shape == (rows, 2, 2)
            for i in (0, rows // 2, rows - 1):
                want = f(xs[i].tolist(), 0.5)
                assert [column[i] for column in got["a"]] == pytest.approx(want["a"])
                assert got["b"][i].tolist() == pytest.approx(want["b"].astype(float))
                assert [column[i] for column in got["c"]] == pytest.approx(want["c"])


# --- a compiled function as an object -------------------------------------------------------------


def scaled(x: Any, *, by: Any = 2.0) -> Any:
    return x * by


class Holder:
    """Compiled functions that are no module's names."""

    @staticmethod
    @autograd.jit
    def of_class(x: Any) -> Any:
        return x * 3.0


def test_named_arguments_among_tracked_numbers() -> None:
    """They reach the function behind a derivative, and where it captured a Value, as anywhere."""
    fast = autograd.jit(scaled)
    assert autograd.grad(lambda x: fast(x, by=3.0))(1.0) == 3.0
    assert autograd.grad(lambda b: fast(1.5, by=b))(1.0) == 1.5
    assert autograd.jit(lambda x: fast(x, by=4.0))(2.0) == 8.0
    w = Value(1.0)
    with_value = autograd.jit(lambda x, *, by: x * by * w)
    assert with_value(2.0, by=3.0) == 6.0
    assert autograd.grad(lambda v: with_value(2.0, by=3.0) + v)(1.0) == 1.0
    rows = autograd.jit(lambda w, x: w * x, batch_argnums=1)
    with pytest.raises(OperandError, match="compile the outermost"):
        autograd.grad(lambda w: rows(w, np.ones(2)))(1.0)


def test_what_is_no_number_beside_a_batch() -> None:
    """It is said of it, not of derivatives."""
    rows = autograd.jit(lambda w, x: w * x, batch_argnums=1)
    with pytest.raises(OperandError, match="real number"):
        rows("w", np.ones(2))
    with pytest.raises(OperandError, match="real number"):
        autograd.jit(scaled)(1.0, by="w")


def test_names_and_copies() -> None:
    """It is called as its function is; where that has no name, it is "compiled"."""
    fast = autograd.jit(scaled)
    assert (fast.__name__, fast.__doc__, fast.__module__) == ("scaled", None, __name__)
    partial = functools.partial(scaled, by=5.0)
    nameless = autograd.jit(partial, dtype="float32")
    assert nameless.__name__ == "compiled"
    twin = pickle.loads(pickle.dumps(nameless))
    assert twin(2.0) == 10.0
    assert (twin.dtype, twin.exact, twin.batched, twin.mean) == ("float32", False, (), True)
    assert pickle.loads(pickle.dumps(Holder.of_class)) is Holder.of_class
    every = autograd.jit(scaled, batch_argnums=-1, mean=False, exact=True)
    again = pickle.loads(pickle.dumps(every))
    assert again is not every
    assert (again.dtype, again.exact, again.batched, again.mean) == ("float64", True, (-1,), False)
    assert again([1.0, 2.0]).tolist() == [2.0, 4.0]


def test_the_map_of_a_compiled_function_is_compiled_alike() -> None:
    """With its dtype and exactness; one of rows is mapped as it is."""
    for dtype, exact in (("float32", False), ("float64", True)):
        mapped: Any = autograd.vmap(autograd.jit(autograd.exp, dtype=dtype, exact=exact))
        found = mapped(np.array([0.0, 1.0, 0.1]))
        assert found.dtype == dtype
        assert (mapped.dtype, mapped.exact) == (dtype, exact)
    rows = autograd.jit(lambda w, x: w * x, batch_argnums=1)
    each: Any = autograd.vmap(rows, in_axes=(0, None))
    assert list(each(np.array([1.0, 2.0]), np.array([1.0, 3.0]))) == [2.0, 4.0]


def test_what_may_be_compiled_how() -> None:
    """dtype and exactness go on to what jit makes of maps and of graphs; so do their errors."""
    for make in (autograd.jit, lambda f, dtype: autograd.jit(autograd.vmap(f), dtype=dtype)):
        with pytest.raises(ValueError, match="float16"):
            make(scaled, dtype="float16")
    a = Value(1.0)
    root = autograd.exp(a)
    single = autograd.jit_graph(root, [a], dtype="float32")
    exact = autograd.jit_graph(root, [a], exact=True)
    assert (single.dtype, single.exact, exact.dtype, exact.exact) == (
        "float32", False, "float64", True,
    )  # fmt: skip
    assert single([0.1]) == float(np.float32(math.exp(np.float32(0.1))))
    assert autograd.jit(scaled, batch_argnums=[0]).batched == (0,)
    assert autograd.jit(lambda x, y: x, batch_argnums=(1, np.int64(0))).batched == (1, 0)
    with pytest.raises(TypeError, match="integer"):
        autograd.jit(scaled, batch_argnums="0")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="integer"):
        autograd.jit(scaled, batch_argnums=0.0)  # type: ignore[arg-type]


def test_a_function_that_calls_itself_compiled() -> None:
    """While it is traced: another structure of it may be compiled inside."""

    @autograd.jit
    def sum_of(xs: Any) -> Any:
        return xs[0] + sum_of(xs[1:]) if len(xs) > 1 else xs[0]

    assert sum_of([1.0, 2.0, 3.0]) == 6.0
    assert len(sum_of._programs) == 1

    fast = autograd.jit(lambda p: fast(1.0) if type(p) is list else p * 2.0)
    assert fast([2.0]) == 2.0
