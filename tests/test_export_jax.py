"""The export to JAX: the same numbers, inside JAX's own transformations."""

import math
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from exported import everything, run_page
from hypothesis import given, settings
from strategies import Program, programs
from test_special_values import ROWS, Row

import autograd
from autograd import export
from autograd.errors import ExportError, LengthError, MissingExtraError, StructureError
from autograd.export.portable import Portable
from autograd.tree import flatten
from nn import Sequential
from nn.layers import Dense

jax = pytest.importorskip("jax")
jax.config.update("jax_num_cpu_devices", 2)

import jax.numpy as jnp  # noqa: E402

from autograd.export import jax_function  # noqa: E402
from autograd.export.arranging import array_program  # noqa: E402

FAST = {"xla_backend_optimization_level": 0}  # what is compiled for one call


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def loss(p: Any, x: Any) -> Any:
    return autograd.tanh(autograd.dot(p["w"], x)) * p["b"] ** 2


POINT: list[Any] = [{"w": [0.3, -0.2], "b": 0.5}, (0.7, 0.4)]


def assert_near(got: Any, want: Any, relative: float = 1e-13) -> None:
    """The same numbers in the same order."""
    found = np.concatenate([np.ravel(x) for x in flatten(got)[0]])
    np.testing.assert_allclose(found, flatten(want)[0], rtol=relative, atol=1e-15)


def test_every_primitive_with_its_derivative() -> None:
    """Each value and derivative of the table, by jax.grad and by the gradient that is exported."""
    f, cases = everything(without={"stop_gradient"})
    flat = np.array(flatten(cases)[0])
    values = array_program(Portable(f, [cases], gradient=False, exact=False))
    both = array_program(Portable(f.summed, [cases], gradient=True, exact=False))

    def run(flat: Any) -> Any:
        (found,) = jax_function._run(values, [flat])
        return found.sum(), found

    slopes, found = jax.jit(jax.grad(run, has_aux=True), compiler_options=FAST)(flat)
    ours = jax.jit(lambda x: jax_function._run(both, [x])[1], compiler_options=FAST)(flat)
    want = autograd.grad(f.summed)(cases)
    assert_near(found, f(cases))
    assert_near(slopes, want)
    assert_near(ours, want)


# What JAX does otherwise, as docs/export.md says: (where, expression, at)
OTHERWISE = {
    # sums run in another order
    ("value", "logsumexp([x, y])", (0.0, -40.0)),
    # 0 * inf behind the branch not taken
    ("jax.grad", "where(x > 0, log(x), 0.0)", (0.0,)),
    ("jax.grad", "where(x > 0, sqrt(x), x)", (0.0,)),
    # XLA takes x + 0.0 for x, though -0.0 + 0.0 is 0.0
    ("jax.grad", "log(x)", (-0.0,)),
    ("value and gradient", "log(x)", (-0.0,)),
}


def wrong(where: str, rows: list[Row], values: Any, slopes: Any) -> set[Any]:
    """The rows where a value or a slope is not what the page says; None for what is not given."""

    def differs(got: Any, want: float | None) -> bool:
        if got is None or want is None:
            return False
        near = math.isnan(got) if math.isnan(want) else math.isclose(got, want, rel_tol=1e-14)
        return not near

    rest = iter([None] * 1000 if slopes is None else np.asarray(slopes).tolist())
    found = set()
    for row, value in zip(rows, np.asarray(values).tolist(), strict=True):
        if any([differs(value, row.value), *[differs(next(rest), d) for d in row.gradient]]):
            found.add((where, row.expression, row.at))
    return found


def test_special_values() -> None:
    """Each row of docs/special-values.md holds, but for exactly those that docs/export.md names."""

    def f(points: Any) -> list[Any]:
        return [row.function(*at) for row, at in zip(ROWS, points, strict=True)]

    def with_sum(points: Any) -> Any:
        return autograd.total(f(points))

    points = [row.at for row in ROWS]
    portable = Portable(f, [points], gradient=False, exact=False)
    program = array_program(portable)
    flat = portable.example[0]

    def run(flat: Any) -> Any:
        values = jax_function._run(program, [flat])[0]
        return values.sum(), values

    slopes, values = jax.jit(jax.grad(run, has_aux=True), compiler_options=FAST)(flat)
    nothing = [None] * len(ROWS)
    found = wrong("value", ROWS, values, None) | wrong("jax.grad", ROWS, nothing, slopes)
    both = array_program(Portable(with_sum, [points], gradient=True, exact=False))
    gradient = jax.jit(lambda x: jax_function._run(both, [x])[1], compiler_options=FAST)
    found |= wrong("value and gradient", ROWS, nothing, gradient(flat))
    assert found == OTHERWISE


@settings(max_examples=6)
@given(programs())
def test_random_graphs(program: Program) -> None:
    """Any graph, with its gradient: an export checks itself, and the check is near."""
    point = list(program.leaves)
    exported = export.to_jax(program, point, gradient=True)
    assert exported.agreement.relative < 1e-10


def test_transformations() -> None:
    """jit, grad, jvp, vmap, and second derivatives, give what autograd's own do."""
    f = export.to_jax(loss, *POINT)
    assert_near(jax.jit(f)(*POINT), loss(*POINT))
    want = autograd.grad(loss, (0, 1))(*POINT)
    got = jax.jit(jax.grad(f, (0, 1)))(*POINT)
    assert_near([got[0]["w"], got[0]["b"], got[1]], want)
    tangent = ({"w": [1.0, 0.5], "b": -1.0}, (2.0, 0.1))
    assert_near(
        jax.jit(lambda *t: jax.jvp(f, tuple(POINT), t))(*tangent)[1],
        autograd.jvp(loss, tuple(POINT), tangent)[1],
    )
    rows = np.array([[0.7, 0.4], [-1.0, 2.0], [0.1, 0.2]])
    batch = jax.jit(jax.vmap(f, (None, 0)))(POINT[0], rows)
    assert_near(batch, [loss(POINT[0], row) for row in rows.tolist()])
    second = jax.jit(jax.hessian(lambda x: f(POINT[0], x)))(jnp.array(POINT[1]))
    assert_near(second, autograd.hessian(lambda x: loss(POINT[0], x))(list(POINT[1])))


def test_structures() -> None:
    """An argument as its example, with arrays for lists, or flat; its gradient is built like it."""
    f = export.to_jax(loss, *POINT, gradient=True)
    want = loss(*POINT)
    gradient, dx = autograd.grad(loss, (0, 1))(*POINT)
    dw, db = gradient["w"], gradient["b"]
    for w in (POINT[0]["w"], np.array(POINT[0]["w"])):
        value, (dp, got) = f({"w": w, "b": POINT[0]["b"]}, POINT[1])
        assert type(got) is tuple
        assert hasattr(dp["w"], "shape") == hasattr(w, "shape")
        assert_near([value, dp["w"], dp["b"], got], [want, dw, db, dx])
    value, (dp, got) = f(jnp.array([0.3, -0.2, 0.5]), jnp.array(POINT[1]))
    assert dp.shape == (3,)
    assert_near([value, dp, got], [want, dw, db, dx])


def test_arrays_in_parts() -> None:
    """What is cut out of parts is what would be cut out of them joined, wherever the parts end."""
    joined = jax_function._Joined(
        [np.arange(3.0), np.zeros(0), np.arange(3.0, 8.0), np.array([8.0])]
    )
    for past in range(1, 10):
        for first in range(past):
            assert joined.cut(first, past).tolist() == list(range(first, past))


def test_results() -> None:
    """Nested lists of numbers come back as arrays, in the dicts and tuples that f gives."""
    f = export.to_jax(lambda x: {"m": [[x[0], x[1]], [x[1], 2.0]], "t": (x[0], [x[1]])}, [3.0, 4.0])
    result = f([3.0, 4.0])
    assert result["m"].tolist() == [[3.0, 4.0], [4.0, 2.0]]
    assert float(result["t"][0]) == 3.0
    assert result["t"][1].shape == (1,)


def test_wrong_arguments() -> None:
    """Another number of arguments, of items, or another structure, is an error that says which."""
    f = export.to_jax(loss, *POINT)
    with pytest.raises(LengthError, match=r"2 arguments \(p, x\)"):
        f(POINT[0])
    with pytest.raises(LengthError, match="expected x of 2 items, but got 3"):
        f(POINT[0], (1.0, 2.0, 3.0))
    with pytest.raises(StructureError, match="flat array of 2 numbers"):
        f(POINT[0], np.zeros(3))
    with pytest.raises(StructureError, match="expected p of the structure"):
        f({"w": [1.0, 2.0]}, POINT[1])


def test_floating_types() -> None:
    """It computes in the type of what it is given, float32 to its precision."""
    f = export.to_jax(loss, *POINT)
    single = f(np.array([0.3, -0.2, 0.5], np.float32), np.array(POINT[1], np.float32))
    assert single.dtype == np.float32
    assert_near(single, loss(*POINT), 1e-6)
    assert f(*POINT).dtype == np.float64
    assert f({"w": [1, 2], "b": 3}, (4, 5)).dtype == np.float64


def test_a_network_is_a_few_operations() -> None:
    """A network of 3,700 weights is a dozen operations at most; rows spread over two devices."""
    model = Sequential([Dense(48, "tanh"), Dense(48, "relu"), Dense(3)])
    rows = np.random.default_rng(0).normal(size=(8, 24))
    want = model.predict(rows)
    predict = export.to_jax(model, rows[0].tolist())
    assert predict.operations <= 12
    mesh = jax.sharding.Mesh(np.array(jax.devices()), ("rows",))
    place = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("rows"))
    spread = jax.jit(jax.vmap(predict))(jax.device_put(rows, place))
    assert len(spread.sharding.device_set) == 2
    np.testing.assert_allclose(spread, want, rtol=1e-12)


def test_own_primitives() -> None:
    """One written over m is traced like anything else; one that only Python computes is refused."""
    with autograd.registering.temporary_primitives():
        cube = autograd.primitive(
            "cube_", lambda m, x: m.mul(x, m.square(x)), lambda m, y, x: (m.mul(3.0, m.square(x)),)
        )
        assert_near(jax.grad(export.to_jax(lambda x: cube(x) * 2.0, 3.0))(3.0), 54.0)
        python = autograd.primitive(
            "python_", lambda x: x * x * x, lambda m, y, x: (m.mul(3.0, m.square(x)),)
        )
        with pytest.raises(ExportError, match="'python_' is computed by a Python function alone"):
            export.to_jax(lambda x: python(x), 3.0)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x[0] * autograd.stop_gradient(x[0]) + x[1],
        lambda x: x[0] * autograd.stop_gradient(autograd.logsumexp(x)),
        lambda x: autograd.exp(autograd.stop_gradient(autograd.total(x)) * x[1]),
    ],
)
def test_stop_gradient_is_not_lost(f: Any) -> None:
    """jax.grad stops where ours does, also at a logsumexp, and the values are the same."""
    x = [3.0, 0.5]
    g = export.to_jax(f, x)
    assert_near(g(jnp.array(x)), f(x))
    assert_near(jax.jit(jax.grad(g))(jnp.array(x)), autograd.grad(f)(x))


def test_softmax_has_a_derivative() -> None:
    """Its shift is behind a stop_gradient, and no derivative depends on it: not even the second."""

    def f(x: Any) -> Any:
        return autograd.softmax(x)[0]

    x = [1.0, 2.0]
    g = export.to_jax(f, x)
    assert_near(jax.jit(jax.grad(g))(jnp.array(x)), autograd.grad(f)(x))
    assert_near(jax.jit(jax.hessian(g))(jnp.array(x)), autograd.hessian(f)(x))


def test_without_jax(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the extra."""
    monkeypatch.setitem(sys.modules, "jax", None)
    monkeypatch.delitem(sys.modules, "autograd.export.jax_function")
    with pytest.raises(MissingExtraError, match=r"glassgrad\[jax\]"):
        export.to_jax(lambda x: x, 1.0)


def test_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    """The examples of docs/export.md run, and print what the page says."""
    run_page("JAX", lambda: capsys.readouterr().out)
