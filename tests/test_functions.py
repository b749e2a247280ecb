"""Functions of many numbers, and backward() through them: what they take, what passes through."""

import itertools
import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd
from autograd import Value
from autograd.elementwise import call
from autograd.errors import LengthError, StructureError
from autograd.primitives import TABLE
from autograd.value import apply

MANY: dict[str, Callable[[Any], Any]] = {
    "total": autograd.total,
    "mean": autograd.mean,
    "prod": autograd.prod,
    "logsumexp": autograd.logsumexp,
    "softmax": autograd.softmax,
    "log_softmax": autograd.log_softmax,
    "dot": lambda xs: autograd.dot(xs, [2.0, -1.0, 0.5], 3.0),
    "dot of inputs": lambda xs: autograd.dot([2.0, -1.0, 0.5], xs),
}
KINDS: dict[str, Callable[[list[Any]], Any]] = {
    "tuple": tuple,
    "generator": lambda xs: (x for x in xs),
    "values of a dict": lambda xs: dict(enumerate(xs)).values(),
    "array": lambda xs: np.array(xs),
    "array of objects": lambda xs: np.array(xs, dtype=object),
}


def data(y: Any) -> Any:
    return [data(x) for x in y] if isinstance(y, list) else getattr(y, "data", y)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", MANY)
def test_any_iterable_is_a_list_of_numbers(name: str, kind: str) -> None:
    """Whatever holds the numbers, floats or nodes, the result is that of a list of them."""
    f, numbers = MANY[name], [0.5, -1.5, 2.0]
    want = f(numbers)
    assert f(KINDS[kind](numbers)) == want
    if kind != "array":
        got = f(KINDS[kind]([Value(x) for x in numbers]))
        assert data(got) == want
        assert all(type(y) is Value for y in (got if isinstance(got, list) else [got]))


def test_of_no_numbers() -> None:
    """A sum of none is 0, a product 1, a dot its bias; the others have no answer and say so."""
    assert (autograd.total([]), autograd.prod([]), autograd.dot([], [], 2.5)) == (0.0, 1.0, 2.5)
    bias = Value(2.5)
    y = autograd.dot([], [], bias)
    y.backward()
    assert (y.data, bias.grad) == (2.5, 1.0)
    assert autograd.dot([], []) == 0.0
    for name in ("mean", "logsumexp", "softmax", "log_softmax"):
        with pytest.raises(LengthError, match=f"^{name} expected at least one number"):
            getattr(autograd, name)([])


def test_dot_without_a_bias_adds_nothing() -> None:
    """The bias that is left out is 0.0."""
    assert autograd.dot([2.0], [3.0]) == 6.0
    assert autograd.dot([Value(2.0)], [3.0]).data == 6.0


def layer(n_out: int, n_in: int) -> tuple[list[list[Value]], list[Value]]:
    rng = random.Random(n_out * n_in)
    weights = [[Value(rng.gauss(0, 1)) for _ in range(n_in)] for _ in range(n_out)]
    return weights, [Value(rng.gauss(0, 1)) for _ in range(n_out)]


@pytest.mark.parametrize("kind", [int, bool, float, np.float64, np.float32])
def test_inputs_of_a_layer_may_be_any_numbers(kind: Any) -> None:
    """linear takes ints, bools and NumPy's scalars for what they are worth: the nodes of floats."""
    weights, biases = layer(2, 3)
    numbers = [1, 0, 1]
    want = autograd.linear([float(x) for x in numbers], weights, biases)
    for inputs in ([kind(x) for x in numbers], tuple(map(kind, numbers)), np.array(numbers, kind)):
        got = autograd.linear(inputs, weights, biases)
        assert [y.data for y in got] == [y.data for y in want]
        assert [y.partials for y in got] == [y.partials for y in want]
    mixed = autograd.linear([kind(1), 0.0, 1.0], weights, biases)
    assert [y.data for y in mixed] == [y.data for y in want]


@pytest.mark.parametrize("floats", range(16))
def test_a_layer_is_its_dots_whatever_is_constant(floats: int) -> None:
    """linear gives the value and gradients of one dot for each unit, whichever of inputs, weights
    and biases are nodes.
    """
    rng = random.Random(floats)
    kinds = [float if floats >> k & 1 else Value for k in range(4)]

    def number(k: int) -> Any:
        return kinds[k](rng.gauss(0, 1))

    weights = [[number(0), number(1)], [number(0), number(1)]]
    biases = [number(2), number(2)]
    rows = [[number(3), number(3)] for _ in range(3)]
    leaves = [x for x in itertools.chain(*weights, biases, *rows) if type(x) is Value]
    slopes = []
    for each in (
        autograd.linear(rows, weights, biases),
        [[autograd.dot(w, row, b) for w, b in zip(weights, biases, strict=True)] for row in rows],
    ):
        y = autograd.total([autograd.tanh(z) for zs in each for z in zs])
        if type(y) is Value:
            y.backward()
        slopes.append((data(each), [x.grad for x in leaves]))
        for x in leaves:
            x.grad = 0.0
    assert slopes[0] == slopes[1]


def test_one_row_is_a_list_and_a_batch_a_list_of_lists() -> None:
    """linear gives what it was given: [n_out] for [n_in], [rows, n_out] for [rows, n_in]."""
    weights, biases = layer(2, 3)
    row = [1.0, 2.0, 3.0]
    one = autograd.linear(row, weights, biases)
    assert len(one) == 2
    assert type(one[0]) is Value
    for batch in ([row], (tuple(row),), np.array([row]), [np.array(row)]):
        found = autograd.linear(batch, weights, biases)
        assert data(found) == [data(one)]
    assert autograd.linear(np.array(row), weights, biases)[1].data == one[1].data
    assert autograd.linear([], [[], []], [Value(1.0), 2.0])[0].data == 1.0, "no inputs: the biases"


def is_compact(y: Value) -> bool:
    """Whether a dot keeps its weights and inputs as they are, not one by one; see value.py."""
    return y.db is not None


@pytest.mark.parametrize("floats", range(7))
def test_a_dot_is_compact_unless_weights_or_inputs_are_mixed(floats: int) -> None:
    """Less to keep and to walk back over: of nodes with nodes, or with plain numbers."""
    ws, xs, bias = (
        [float(k) if floats >> i & 1 else Value(float(k)) for k in (1, 2)] for i in range(3)
    )
    y = autograd.dot(ws, xs, bias[0])
    plain = [type(x[0]) is float for x in (ws, xs, bias)]
    assert is_compact(y) == (not plain[0] and not (plain[1] and plain[2]))
    mixed = [Value(1.0), 2.0]
    assert not is_compact(autograd.dot(mixed, [Value(1.0)] * 2, Value(1.0)))
    assert not is_compact(autograd.dot([Value(1.0)] * 2, mixed, Value(1.0)))
    assert not is_compact(autograd.dot([Value(1.0)] * 2, [1, 2.0], Value(1.0)))


@pytest.mark.parametrize(
    "row", [[1.0, 2.0, 3.0], [1, 2, 3], [1, 2.0, True], [Value(1.0), Value(2.0), Value(3.0)]]
)
def test_a_layer_reads_its_weights_once(row: list[Any]) -> None:
    """All rows share a unit's tuple of weights, and all units a row's inputs."""
    weights, biases = layer(2, 3)
    found = autograd.linear([row, row], weights, biases)
    assert all(is_compact(y) for ys in found for y in ys)
    assert found[0][0].a is found[1][0].a
    assert found[0][0].da is found[0][1].da
    assert found[0][0].b is found[0][1].b
    assert len(found[0][0].b) == (3 if type(row[0]) is Value else 0)


def test_a_layer_inside_no_grad_has_no_history() -> None:
    """The numbers are the same, and nothing is kept; after the block all is as before."""
    weights, biases = layer(2, 3)
    inputs = [Value(1.0), Value(2.0), Value(3.0)]
    want = autograd.linear(inputs, weights, biases)
    with autograd.no_grad():
        found = autograd.linear(inputs, weights, biases)
        alone = autograd.dot(weights[0], inputs, biases[0])
    for y, z in zip([*found, alone], [*want, want[0]], strict=True):
        assert y.data == z.data
        assert (y.op, y.parents, y.partials, y.grad) == (None, (), (), 0.0)
    assert autograd.dot(weights[0], inputs, biases[0]).op == "dot"


def test_a_compiled_layer_reads_its_weights_afresh() -> None:
    """linear and dot of nodes that a compiled function uses are traced, not computed once."""
    pytest.importorskip("llvmlite")
    weights, biases = layer(2, 3)
    inputs = [Value(1.0), Value(2.0), Value(3.0)]
    functions = (
        lambda x: autograd.linear(inputs, weights, biases)[1] * x,
        lambda x: autograd.linear([[1.0, 2.0, 3.0]], weights, biases)[0][1] * x,
        lambda x: autograd.dot(weights[1], inputs, biases[1]) * x,
    )
    compiled = [autograd.jit(f, exact=True) for f in functions]
    for weight in (0.5, -2.0):
        weights[1][2].data = weight
        for f, g in zip(functions, compiled, strict=True):
            assert g(2.0) == f(2.0).data


TAKEN = [10.0, 20.0, 30.0]


@pytest.mark.parametrize("index", [0, 2, 1.0, True, Value(2.0), np.int64(1)])
def test_take_is_the_row(index: Any) -> None:
    """Whole numbers of any kind, from 0."""
    number = index.data if type(index) is Value else index
    assert autograd.take(TAKEN, index) == TAKEN[int(number)]
    rows = [[1.0], [2.0], [3.0]]
    assert autograd.take(rows, index) is rows[int(number)]


def test_take_of_a_compiled_function_reads_the_row_at_each_call() -> None:
    """Of rows that are numbers, and of rows of several; eager and compiled alike."""
    pytest.importorskip("llvmlite")
    rows = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
    one, many = (
        lambda i: autograd.take(TAKEN, i),
        lambda i: autograd.take(rows, i),
    )
    compiled = autograd.jit(one), autograd.jit(many)
    for i in range(3):
        assert (compiled[0](i), compiled[1](i)) == (one(i), many(i)) == (TAKEN[i], rows[i])


@pytest.mark.parametrize("index", [-1, 3, 0.5, 2.5, math.nan, math.inf, Value(3.0)])
def test_take_of_a_row_that_is_not_there(index: Any) -> None:
    """An IndexError that says from where to where."""
    with pytest.raises(IndexError, match="from 0 to 2"):
        autograd.take(TAKEN, index)
    with pytest.raises(LengthError, match="at least one row"):
        autograd.take([], 0)


@pytest.mark.parametrize("wrong", [1.0, None, Value(1.0)])
def test_what_is_no_list(wrong: Any) -> None:
    """One number in place of many is an error that shows how to write it."""
    for f in (autograd.total, autograd.softmax, autograd.logsumexp):
        with pytest.raises(StructureError, match=r"\[a, b\]"):
            f(wrong)


# --- backward -------------------------------------------------------------------------------------


def dead_and_alive(xs: Any, order: tuple[int, ...]) -> Any:
    """Three units, of which the one of x <= 0 is dead, added up in some order."""
    units = [autograd.relu(autograd.dot([x, 2.0], [x, x], x)) for x in xs]
    return autograd.total([units[k] * (k + 1.0) for k in order])


@given(st.lists(st.sampled_from((-0.25, 0.5, 2.0)), min_size=3, max_size=3))
def test_a_dead_unit_stops_no_other(xs: list[float]) -> None:
    """backward() gives what forward mode gives, whichever units are dead, wherever they stand."""
    for order in itertools.permutations(range(3)):
        leaves = [Value(x) for x in xs]
        dead_and_alive(leaves, order).backward()
        tangents = [
            autograd.jvp(lambda v: dead_and_alive(v, order), xs, [float(i == k) for i in range(3)])
            for k in range(3)
        ]
        assert [v.grad for v in leaves] == pytest.approx([t for _, t in tangents])


def test_a_gradient_of_zero_meets_an_infinite_partial() -> None:
    """0 * inf is nan, on the way back as everywhere, but for what a finite dot was made of."""
    zero, huge = Value(0.0), Value(1e200)
    (autograd.prod([zero, huge, huge]) * 0.0).backward()
    assert math.isnan(zero.grad), "the partial by the 0 is 1e200 * 1e200"
    w, x = Value(math.inf), Value(1.0)
    (autograd.dot([w], [x], 0.0) * 0.0).backward()
    assert (w.grad, math.isnan(x.grad)) == (0.0, True)
    w, x = Value(1e300), Value(2.0)
    (autograd.dot([w], [x], 0.0) * 0.0).backward()
    assert (w.grad, x.grad) == (0.0, 0.0)


def test_a_plus_in_front_changes_nothing() -> None:
    """+v is v itself."""
    v = Value(1.0)
    assert +v is v
    assert autograd.grad(lambda x: +x * x)(3.0) == 6.0


@pytest.mark.parametrize("name", sorted(TABLE))
def test_a_new_node_has_no_gradient_and_no_label(name: str) -> None:
    """However it was made: by a function, with a constant among the operands, inside no_grad."""
    p = TABLE[name]
    n = p.arity or 3
    for constants in range(min(n, 2)):
        operands = [Value(0.5) if k >= constants else 0.5 for k in range(n)]
        with autograd.no_grad():
            bare = call(p, *operands)
        for y in (apply(p, *operands), call(p, *operands), bare):
            assert (y.grad, y.label) == (0.0, None)
            assert y.op == (None if y is bare else name)


@pytest.mark.parametrize("slope", [-1.0, 0.0, 0.01, 0.5, 1.0, 1.5, 3.0])
def test_at_a_corner_the_gradient_is_the_smallest_between_the_slopes(slope: float) -> None:
    """1 on the right, `slope` on the left: 0 if it lies between them, else the nearer to 0."""
    want = min(max(slope, 0.0), 1.0)
    for f in (autograd.leaky_relu, autograd.elu):
        assert autograd.grad(lambda x, f=f: f(x, slope))(0.0) == want
        assert autograd.jvp(lambda x, f=f: f(x, slope), 0.0, 1.0)[1] == want
