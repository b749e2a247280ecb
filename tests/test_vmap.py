"""vmap: many examples at once give what each gives alone, to the bit."""

import copy
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import Program, operands_of, programs

import autograd
from autograd import (
    LengthError,
    OperandError,
    StructureError,
    Value,
    grad,
    hessian,
    jit,
    jvp,
    value_and_grad,
    vmap,
)
from autograd.primitives import TABLE
from autograd.tree import flatten

RNG = np.random.default_rng(7)
W, X = RNG.normal(size=(5, 3)), RNG.normal(size=3)


def neuron(w: Any, x: Any) -> Any:
    """A function of two vectors."""
    return autograd.tanh(autograd.dot(list(w), list(x)))


def same(found: Any, expected: Any) -> bool:
    """Whether two structures of numbers have the same bits; nan is nan."""
    a, b = (np.array([float(x) for x in flatten(y)[0]]) for y in (found, expected))
    return a.shape == b.shape and np.array_equal(a.view(np.int64), b.view(np.int64)) | bool(
        np.array_equal(a, b, equal_nan=True)
    )


def transposed(rows: list[Any]) -> Any:
    """The list of results as vmap gives them: each number in an array [examples]."""
    columns = zip(*[flatten(row)[0] for row in rows], strict=True)
    return [np.array(list(column)) for column in columns]


@pytest.mark.parametrize("name", sorted(TABLE))
def test_every_primitive(name: str) -> None:
    """The map of each primitive and of its gradient is the list of results, compiled or not."""
    p = TABLE[name]
    n = p.arity or 5  # two weights, two inputs and a bias, for a dot
    draw = operands_of(p, n)

    def f(*xs: Any) -> Any:
        return autograd.elementwise.call(p, *xs)

    @settings(max_examples=3, database=None)
    @given(st.lists(draw, min_size=3, max_size=3))
    def holds(points: list[tuple[float, ...]]) -> None:
        columns = [list(column) for column in zip(*points, strict=True)]
        for g in (f, grad(f, argnums=tuple(range(n)))):
            expected = transposed([g(*point) for point in points])
            assert same(vmap(g)(*columns), expected)
            assert same(exact[g is f](*columns), expected)

    exact = {
        True: jit(vmap(f), exact=True),
        False: jit(vmap(grad(f, argnums=tuple(range(n)))), exact=True),
    }
    holds()


@settings(max_examples=25)
@given(programs(size=8), st.data())
def test_random_graphs(program: Program, data: st.DataObject) -> None:
    """So it is for random graphs and their gradients, with any of the leaves shared."""
    n = len(program.leaves)
    axes = tuple(data.draw(st.sampled_from((0, None))) for _ in range(n))
    if set(axes) == {None}:
        axes = (0, *axes[1:])
    rows = [[x, x + 0.25, x - 0.5] for x in program.leaves]

    def f(*xs: Any) -> Any:
        return program(list(xs))

    given_ = [row if a == 0 else row[0] for row, a in zip(rows, axes, strict=True)]
    points = [
        [row[k if a == 0 else 0] for row, a in zip(rows, axes, strict=True)] for k in range(3)
    ]
    g = value_and_grad(f, argnums=tuple(range(n)))
    expected = transposed([g(*point) for point in points])
    assert same(vmap(g, in_axes=axes)(*given_), expected)
    assert same(jit(vmap(g, in_axes=axes), exact=True)(*given_), expected)


class Pair(NamedTuple):
    """Two numbers or arrays."""

    a: Any
    b: Any


@pytest.mark.parametrize("wrap", [vmap, lambda f, **axes: jit(vmap(f, **axes), exact=True)])
@pytest.mark.parametrize("out", [0, 1, -1])
@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_axes_are_numpys(wrap: Callable[..., Any], axis: int, out: int) -> None:
    """The examples are read along any axis of arrays and lists, and put along any."""
    x = RNG.normal(size=(2, 3, 4))
    rows = np.moveaxis(x, axis, 0)
    expected = np.moveaxis(np.stack([np.sin(row) * 2.0 for row in rows]), 0, out)
    f = wrap(lambda row: autograd.sin(np.array(row)) * 2.0, in_axes=axis, out_axes=out)
    assert np.allclose(f(x), expected, rtol=1e-15)
    assert np.allclose(f(x.tolist()), expected, rtol=1e-15)


@pytest.mark.parametrize("wrap", [vmap, lambda f, **axes: jit(vmap(f, **axes), exact=True)])
def test_structures(wrap: Callable[..., Any]) -> None:
    """Axes go down into tuples and dicts, named ones too; each part can be shared or not."""

    def f(p: dict[str, Any], q: Any, *, scale: Any) -> Any:
        return {"y": [p["w"] * q.a + p["b"], q.b * scale], "z": (p["b"] * 1.0,)}

    arguments = ({"w": [1.0, 2.0, 3.0], "b": 0.5}, Pair(np.array([4.0, 5.0, 6.0]), 7.0))
    scale = [1.0, 10.0, 100.0]
    mapped = wrap(f, in_axes=({"w": 0, "b": None}, (0, None)))
    found = mapped(*arguments, scale=scale)
    assert found["y"][0].tolist() == [4.5, 10.5, 18.5]
    assert found["y"][1].tolist() == [7.0, 70.0, 700.0]
    assert found["z"][0].tolist() == [0.5, 0.5, 0.5]
    every = wrap(lambda q: q.a - q.b)(Pair([1.0, 2.0], [3.0, 5.0]))
    assert every.tolist() == [-2.0, -3.0]
    several = wrap(lambda a: (a, [a, a]), out_axes=(0, [0, -1]))([1.0, 2.0])
    assert [part.tolist() for part in flatten_arrays(several)] == [[1.0, 2.0]] * 3


def flatten_arrays(x: Any) -> list[Any]:
    """The arrays of a structure."""
    if isinstance(x, (list, tuple)):
        return [array for part in x for array in flatten_arrays(part)]
    return [x]


ORDERS: list[Callable[[Any], Any]] = [
    lambda f: vmap(f, in_axes=(0, None)),
    lambda f: jit(vmap(f, in_axes=(0, None)), exact=True),
    lambda f: vmap(jit(f, exact=True), in_axes=(0, None)),
]
DERIVATIVES: list[Callable[[Any], Any]] = [
    grad,
    value_and_grad,
    hessian,
    lambda f: lambda w, x: jvp(f, (w, x), (x, w)),
    lambda f: grad(lambda w, x: autograd.total(grad(f)(w, x)) ** 2),
]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("derivative", DERIVATIVES)
def test_maps_of_derivatives(order: Callable[..., Any], derivative: Callable[..., Any]) -> None:
    """Vmap, jit and derivatives of any order go together in any order."""
    g = derivative(neuron)
    expected = [g(w.tolist(), X.tolist()) for w in W]
    found = order(g)(W.tolist(), X.tolist())
    assert same([np.array(x) for x in flatten_arrays(_columns(found))], transposed(expected))


def _columns(found: Any) -> list[Any]:
    """The arrays [examples] of a result, in order."""
    if isinstance(found, (list, tuple)):
        return [column for part in found for column in _columns(part)]
    return list(np.reshape(found, (len(found), -1)).T)


@pytest.mark.parametrize("order", ORDERS)
def test_derivatives_of_maps(order: Callable[..., Any]) -> None:
    """A derivative may be taken of a map, by mapped and by shared arguments, and compiled."""
    mapped = order(neuron)

    def loss(w: Any, x: Any) -> Any:
        return autograd.mean(list(mapped(w, x)))

    def by_hand(w: Any, x: Any) -> Any:
        return autograd.mean([neuron(row, x) for row in w])

    expected = grad(by_hand, argnums=(0, 1))(W.tolist(), X.tolist())
    assert same(grad(loss, argnums=(0, 1))(W.tolist(), X.tolist()), expected)
    assert same(jit(grad(loss, argnums=(0, 1)), exact=True)(W.tolist(), X.tolist()), expected)


@pytest.mark.parametrize("wrap", [vmap, lambda f, axes: jit(vmap(f, axes), exact=True)])
def test_nested_maps(wrap: Callable[..., Any]) -> None:
    """The map of a map has two axes of examples, the outer one first."""
    outer = wrap(vmap(lambda a, b: a - b, (None, 0)), (0, None))
    a, b = np.array([1.0, 2.0]), np.array([10.0, 20.0, 30.0])
    assert outer(a, b).tolist() == np.subtract.outer(a, b).tolist()


def test_captured_nodes_are_read_afresh() -> None:
    """A Value that the function uses is shared, and what it holds counts at each call."""
    bias = Value(1.0)
    mapped = jit(vmap(lambda x: x + bias))
    assert mapped([1.0, 2.0]).tolist() == [2.0, 3.0]
    bias.data = 10.0
    assert mapped([1.0, 2.0]).tolist() == [11.0, 12.0]
    (slope,) = grad(lambda v: autograd.total([x * v for x in mapped([1.0, 2.0])]), (0,))(3.0)
    assert slope == 23.0


def test_lanes_not_copies() -> None:
    """The compiled map is one program whatever the number of examples; what is shared runs once."""
    mapped = jit(vmap(lambda x, s: autograd.sin(s) * x, in_axes=(0, None)))
    mapped(list(map(float, range(1000))), 0.5)
    report = mapped.explain()
    assert report.instructions["fuse"] < 10
    before, _, rows = report.loops.partition("for each row")
    assert "sin" in before
    assert "sin" not in rows
    mapped(list(map(float, range(7))), 0.5)
    assert mapped.explain() == report


def test_structures_that_flatten_alike_are_kept_apart() -> None:
    """Two calls with the same numbers in different structures are compiled for each."""
    mapped = jit(vmap(lambda p, q: (p[0] - q[0]) if isinstance(q, tuple) else (q - p[0])))
    assert mapped(([1.0], [2.0]), ([5.0],)).tolist() == [-4.0]
    assert mapped(([1.0], [2.0]), [5.0]).tolist() == [4.0]


def test_a_compiled_map_of_nodes() -> None:
    """Among Values, by keyword too, it is the map itself, with derivatives; a text is refused."""
    mapped = jit(vmap(lambda x, *, k: x * x * k))
    x, k = [Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)]
    y = mapped(x, k=k)
    autograd.total(list(y)).backward()
    assert [v.data for v in y] == [20.0, 63.0]
    assert [v.grad for v in (*x, *k)] == [20.0, 42.0, 4.0, 9.0]
    slopes = grad(lambda x: autograd.total(list(mapped(x, k=[5.0, 7.0]))))([2.0, 3.0])
    assert slopes == [20.0, 42.0]
    with pytest.raises(OperandError):
        mapped([1.0, "2"], k=[1.0, 1.0])
    twice = vmap(jit(vmap(lambda a, b: a - b, (None, 0))), (0, None))
    assert twice([1.0, 2.0], [10.0, 20.0, 30.0]).tolist() == [[-9, -19, -29], [-8, -18, -28]]


def test_copies_and_pickles() -> None:
    """A compiled map can be copied and pickled; it compiles anew."""
    mapped = jit(vmap(autograd.sin))
    for again in (copy.deepcopy(mapped), pickle.loads(pickle.dumps(mapped))):
        assert again([0.5]).tolist() == mapped([0.5]).tolist()


ERRORS: list[tuple[Any, tuple[Any, ...], type[Exception], str]] = [
    ((0, None), ([1.0],), StructureError, r"in_axes for each argument.* 2 of them.* 1 arg"),
    (1, ([1.0],), StructureError, r"argument 0 to have an axis 1 of .* shape \(1,\)"),
    (0, (3.0,), StructureError, r"argument 0 to have an axis 0 of .* 3\.0; .*None"),
    (0, ([1.0, 2.0], [1.0]), LengthError, "2 in argument 0, 1 in argument 1"),
    (0, ({"a": [1.0], "b": [1.0, 2.0]},), LengthError, r"1 in argument 0\['a'\], 2 in .*\['b'\]"),
    (0, ([],), LengthError, "at least one example"),
    (None, ([1.0],), LengthError, "all arguments be shared"),
    (({"a": 0},), ([1.0],), StructureError, "argument 0 to be built like its in_axes"),
    (((0, None),), ([1.0],), StructureError, "argument 0 to be built like"),
    (("0",), ([1.0],), StructureError, "whole numbers or None, .*'0' for argument 0"),
    (0, ([[1.0], [1.0, 2.0]],), StructureError, "argument 0 to be a list of examples"),
    (0, ([{"a": 1.0}],), StructureError, "tuple or dict of lists"),
]


@pytest.mark.parametrize(("axes", "args", "error", "message"), ERRORS)
@pytest.mark.parametrize("wrap", [vmap, lambda f, axes: jit(vmap(f, axes))])
def test_errors_say_which_argument(
    wrap: Callable[..., Any], axes: Any, args: Any, error: type[Exception], message: str
) -> None:
    """What does not fit is refused by argument, with what was expected and what came."""
    with pytest.raises(error, match=message):
        wrap(lambda *xs: 1.0, axes)(*args)


def test_results_that_do_not_fit() -> None:
    """Results that differ in structure, are no numbers, or lack the axis asked for are refused."""
    with pytest.raises(StructureError, match="one structure"):
        vmap(lambda x: [x] if x > 1.0 else x)([1.0, 2.0])
    with pytest.raises(StructureError, match="made of numbers"):
        vmap(lambda x: "a")([1.0])
    with pytest.raises(StructureError, match=r"out_axes=1 .* shape \(1,\)"):
        vmap(lambda x: x, out_axes=1)([1.0])
    with pytest.raises(StructureError, match="built like its out_axes"):
        vmap(lambda x: (x, x), out_axes=(0,))([1.0])
    with pytest.raises(StructureError, match="whole numbers"):
        vmap(lambda x: x, out_axes=None)([1.0])
    with pytest.raises(TypeError, match="expected a function"):
        vmap(3.0)  # type: ignore[arg-type]


def test_substitute_gives_parameters_a_number_for_each_lane() -> None:
    """Inside, traced numbers stand for Values; after it the Values are what they were."""
    w = Value(3.0)

    def loss(number: Any, x: Any) -> Any:
        before = w * x
        with autograd.substitute([w], [number]):
            inside = w * x
        return before, inside, w * x

    found = jit(vmap(loss, in_axes=(0, None)), exact=True)([1.0, 2.0], 5.0)
    assert [y.tolist() for y in found] == [[15.0, 15.0], [5.0, 10.0], [15.0, 15.0]]
    slopes = jit(vmap(grad(lambda n, x: loss(n, x)[1]), in_axes=(0, None)))([1.0, 2.0], 5.0)
    assert slopes.tolist() == [5.0, 5.0]
    with pytest.raises(OperandError, match="through jit"), autograd.substitute([w], [1.0]):
        pass
    with pytest.raises(LengthError, match="for each of 1"), autograd.substitute([w], []):
        pass


def test_a_compiled_map_inside_a_compiled_function() -> None:
    """Numbers that are being traced go through it, as through any function."""
    mapped = jit(vmap(lambda x, c: autograd.sin(x) * c, (0, None)))

    def f(xs: Any, c: float) -> Any:
        return autograd.total(mapped(xs, c))

    assert jit(f)([0.5, 1.5], 2.0) == pytest.approx(f([0.5, 1.5], 2.0), rel=1e-14)
    assert jit(grad(f))([0.5, 1.5], 2.0) == pytest.approx(grad(f)([0.5, 1.5], 2.0), rel=1e-14)
    with pytest.raises(autograd.OperandError):
        mapped(["0.5", "1.5"], 2.0)
