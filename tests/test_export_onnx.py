"""The export to ONNX: models that onnx.checker accepts and onnxruntime runs to the same numbers."""

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exported import everything, run_page
from hypothesis import given, settings
from strategies import Program, programs
from test_special_values import ROWS

import autograd
from autograd import export
from autograd.errors import ExportError, LengthError, MissingExtraError
from nn.layers import Dense
from nn.models import Sequential

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from autograd.export.onnx_model import _model  # noqa: E402
from autograd.export.portable import Portable  # noqa: E402

PRECISION = {"float64": 1e-12, "float32": 1e-5}


def scale(p: Any, x: Any) -> Any:
    return {"y": [autograd.tanh(autograd.dot(row, x)) for row in p["w"]], "s": p["s"] * x[0]}


POINT: list[Any] = [{"w": [[0.3, -0.2, 0.1], [0.5, 0.4, -0.7]], "s": 2.0}, [0.7, 0.4, -1.0]]


def session(proto: Any) -> Any:
    return onnxruntime.InferenceSession(
        proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_primitive_with_its_derivative(dtype: str) -> None:
    """Each number of the table's values and derivatives is as near as the type can have it."""
    f, cases = everything(without=set())
    for function, gradient in ((f, False), (f.summed, True)):
        model = export.to_onnx(function, cases, gradient=gradient, dtype=dtype)
        assert (
            model.proto.graph.input[0].type.tensor_type.elem_type
            == {
                "float64": onnx.TensorProto.DOUBLE,
                "float32": onnx.TensorProto.FLOAT,
            }[dtype]
        )
        flat = [x for every in cases.values() for xs in every for x in xs]
        got = model(flat)[-1]
        want = (
            [x for every in autograd.grad(f.summed)(cases).values() for xs in every for x in xs]
            if gradient
            else f(cases)
        )
        np.testing.assert_allclose(got, want, rtol=PRECISION[dtype], atol=PRECISION[dtype] / 10)


@pytest.mark.parametrize("order", [None, 0, 1, 2, 7])
def test_gamma_over_its_domain(order: int | None) -> None:
    """ln|gamma| and its derivatives, are near on both sides of 0 and of a zero."""
    f = autograd.lgamma if order is None else lambda x: autograd.polygamma(order, x)
    xs = [s * x for s in (1.0, -1.0) for x in (1e-6, 0.3, 1.4999, 2.7, 9.2, 61.7)]
    xs += [1.0, 1.0009, 1.4611, 1.4627, 1.9991, 2.0, 5.0, 1e3, 1e9]
    (got,) = export.to_onnx(lambda v: [f(x) for x in v], xs)(xs)
    np.testing.assert_allclose(got, [f(x) for x in xs], rtol=1e-12)


def test_polygamma_of_an_order_that_is_an_input_is_refused() -> None:
    """Its formula is another for each order; the error says what to do."""
    with pytest.raises(ExportError, match=r"order of polygamma to be a constant.*to_jax"):
        export.to_onnx(lambda n, x: autograd.polygamma(n, x), 1.0, 1.5)


# What onnxruntime does otherwise, as docs/export.md says: (what, expression, at)
OTHERWISE = {
    ("value", "logsumexp([x, y])", (0.0, -40.0)),  # sums run in another order
    ("gradient", "log(x)", (-0.0,)),  # it takes x + 0.0 for x, though -0.0 + 0.0 is 0.0
}


def test_special_values() -> None:
    """Each row of docs/special-values.md holds, but for exactly those that docs/export.md names."""
    rows = ROWS

    def f(points: Any) -> list[Any]:
        return [row.function(*at) for row, at in zip(rows, points, strict=True)]

    def with_sum(points: Any) -> Any:
        return autograd.total(f(points))

    points = [row.at for row in rows]
    flat = [x for at in points for x in at]
    (values,), (_, slopes) = [
        session(_model(Portable(g, [points], gradient, exact=False), "float64", False)).run(
            None, {"points": flat}
        )
        for g, gradient in ((f, False), (with_sum, True))
    ]

    def differs(got: float, want: float | None) -> bool:
        if want is None:
            return False
        near = math.isnan(got) if math.isnan(want) else math.isclose(got, want, rel_tol=1e-12)
        return not near

    found, rest = set(), iter(slopes.tolist())
    for row, value in zip(rows, values.tolist(), strict=True):
        if differs(value, row.value):
            found.add(("value", row.expression, row.at))
        slopes_differ = [differs(next(rest), want) for want in row.gradient]
        if any(slopes_differ):
            found.add(("gradient", row.expression, row.at))
    assert found == OTHERWISE


def test_zeros_keep_their_signs() -> None:
    """Odd functions of -0.0 are -0.0, though ONNX has no copysign."""
    odd = ("sin", "tan", "asin", "atan", "sinh", "tanh", "asinh", "atanh", "erf", "expm1", "log1p")

    def f(x: Any) -> list[Any]:
        return [getattr(autograd, name)(x) for name in odd]

    proto = _model(Portable(f, [-0.0], gradient=False, exact=False), "float64", False)
    (found,) = session(proto).run(None, {"x": np.array(-0.0)})
    assert dict(zip(odd, np.signbit(found), strict=True)) == dict.fromkeys(odd, True)


@settings(max_examples=15)
@given(programs())
def test_random_graphs(program: Program) -> None:
    """Any graph, with its gradient: an export checks itself, and the check is near."""
    model = export.to_onnx(program, list(program.leaves), gradient=True)
    assert model.agreement.relative < 1e-10


def test_names_and_shapes() -> None:
    """Inputs are named after the arguments, lists of numbers are arrays, the rest is flat."""
    model = export.to_onnx(scale, *POINT)
    graph = model.proto.graph
    shapes = {
        x.name: [d.dim_value for d in x.type.tensor_type.shape.dim]
        for x in (*graph.input, *graph.output)
    }
    assert shapes == {"p": [7], "x": [3], "value": [3]}
    assert model.proto.opset_import[0].version == 18
    want = scale(*POINT)
    (got,) = model([0.3, -0.2, 0.1, 0.5, 0.4, -0.7, 2.0], POINT[1])
    np.testing.assert_allclose(got, [*want["y"], want["s"]], rtol=1e-14)
    matrix = export.to_onnx(lambda value: autograd.total(value[1]), [[1.0, 2.0], [3.0, 4.0]])
    assert [x.name for x in (*matrix.proto.graph.input, *matrix.proto.graph.output)] == [
        "value",
        "value_",
    ]
    assert matrix([[1.0, 2.0], [3.0, 4.0]])[0] == 7.0


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_network_in_batches(dtype: str, tmp_path: Path) -> None:
    """A trained network as a file predicts what it predicts here, for any number of rows."""
    random = np.random.default_rng(0)
    rows, targets = random.normal(size=(40, 6)), random.normal(size=(40, 2))
    model = Sequential([Dense(16, "tanh"), Dense(16, "relu"), Dense(2)])
    model.compile("adam", "mse")
    model.fit(rows, targets, epochs=2, verbose=0)
    exported = export.to_onnx(model, rows[0].tolist(), dtype=dtype, batch=True)
    assert exported.operations <= 12
    assert sum(n.op_type == "MatMul" for n in exported.proto.graph.node) == 3
    exported.save(tmp_path / "model.onnx")
    read = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    for n in (1, 7, 40):
        (got,) = read.run(None, {read.get_inputs()[0].name: rows[:n].astype(dtype)})
        np.testing.assert_allclose(got, model.predict(rows[:n]), rtol=PRECISION[dtype], atol=1e-6)


def test_a_batch_of_anything() -> None:
    """In a batch each row is computed by itself, also what does not depend on it, and gradients."""

    def f(x: Any, y: Any) -> Any:
        a = autograd.where(x[0] > y, autograd.dot(x, [y, 2.0, x[1]]), autograd.logsumexp(x))
        return a * x[2] + autograd.atan2(y, x[1])

    random = np.random.default_rng(1)
    xs, ys = random.normal(size=(5, 3)), random.normal(size=5)
    model = export.to_onnx(f, [1.0, 2.0, 3.0], 0.5, gradient=True, batch=True)
    values, dx, dy = model(xs, ys)
    for k in range(5):
        want, (wx, wy) = autograd.value_and_grad(f, (0, 1))(xs[k].tolist(), float(ys[k]))
        np.testing.assert_allclose([values[k], *dx[k], dy[k]], [want, *wx, wy], rtol=1e-12)
    fixed = export.to_onnx(lambda x: [x[0], 3.0, x[1] * x[0]], [1.0, 2.0], batch=True)
    np.testing.assert_allclose(fixed(xs[:, :2])[0][:, 1], 3.0)
    constant = export.to_onnx(lambda x: [1.0, 2.0], [1.0, 2.0], batch=True)
    assert constant(xs[:, :2])[0].tolist() == [[1.0, 2.0]] * 5


def test_own_primitives() -> None:
    """One written over m is traced like anything else; one that only Python computes is refused."""
    with autograd.registering.temporary_primitives():
        cube = autograd.primitive(
            "cube_", lambda m, x: m.mul(x, m.square(x)), lambda m, y, x: (m.mul(3.0, m.square(x)),)
        )
        assert export.to_onnx(lambda x: cube(x) * 2.0, 3.0)(3.0)[0] == 54.0
        python = autograd.primitive(
            "python_", lambda x: x * x * x, lambda m, y, x: (m.mul(3.0, m.square(x)),)
        )
        with pytest.raises(ExportError, match="'python_' is computed by a Python function alone"):
            export.to_onnx(lambda x: python(x), 3.0)


def test_wrong_types() -> None:
    """There are float64 and float32."""
    with pytest.raises(ValueError, match="'float32' or 'float64', but got 'float16'"):
        export.to_onnx(lambda x: x, 1.0, dtype="float16")


def test_a_wrong_number_of_arguments() -> None:
    """A call with too few or too many says how many, and their names."""
    exported = export.to_onnx(lambda x, w: x * w, 2.0, 3.0)
    for arguments in ((2.0,), (2.0, 3.0, 4.0)):
        with pytest.raises(LengthError, match=rf"2 arguments \(x, w\), but got {len(arguments)}"):
            exported(*arguments)


def test_without_onnx(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the extra."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.delitem(sys.modules, "autograd.export.onnx_model")
    with pytest.raises(MissingExtraError, match=r"glassgrad\[onnx\]"):
        export.to_onnx(lambda x: x, 1.0)


def test_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    """The examples of docs/export.md run, and print what the page says."""
    run_page("ONNX", lambda: capsys.readouterr().out)
