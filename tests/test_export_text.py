"""Functions as Python: they compute what the eager engine does."""

import ast
import math
import re
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pages
import pytest
from exported import primitive_function
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import autograd
import nn
from autograd import Value
from autograd.errors import ExportError, StructureError, TraceError
from autograd.export import to_python
from autograd.export.portable import number_of
from autograd.primitives import TABLE
from autograd.strategies.operands import operand_counts
from nn.layers import Dense
from nn.models import Sequential
from tests.strategies import WildProgram, operands_of, wild_floats, wild_programs


def run(source: Any, *arguments: Any) -> Any:
    """The module's function, as someone who imports it calls it."""
    scope: dict[str, Any] = {}
    exec(str(source), scope)
    return scope[source.function](*arguments)


def bits(xs: Any) -> list[bytes]:
    """nan is nan, whatever its bits: a processor may set them as it likes."""
    return [struct.pack("<d", math.nan if math.isnan(x) else x) for x in xs]


@pytest.mark.parametrize("name", sorted(TABLE))
@settings(max_examples=4)
@given(data=st.data())
def test_each_primitive_to_the_bit(name: str, data: st.DataObject) -> None:
    """Value and gradient of each entry of the table are the eager engine's bits at any floats."""
    p = TABLE[name]
    n = operand_counts(p)[-1] if p.arity is None else p.arity
    f = primitive_function(p)
    source = to_python(f, list(data.draw(operands_of(p, n))))
    assert source.agreement.ulp == 0.0
    for _ in range(5):
        point = data.draw(st.lists(wild_floats, min_size=n, max_size=n))
        value, gradient = autograd.value_and_grad(f)(point)
        found, found_gradient = run(source, point)
        assert bits([found, *found_gradient]) == bits([value, *gradient])


@settings(max_examples=25)
@given(wild_programs(size=10), st.data())
def test_any_graph_to_the_bit(program: WildProgram, data: st.DataObject) -> None:
    """All numbers of a random program, on any floats, are the eager engine's bits."""

    def f(xs: Any) -> Any:
        return program(xs)

    try:
        source = to_python(f, [0.5] * len(program.leaves), gradient=False)
    except TraceError:
        assume(False)
    for _ in range(3):
        point = data.draw(
            st.lists(wild_floats, min_size=len(program.leaves), max_size=len(program.leaves))
        )
        found = run(source, point)
        eager = [number_of(y) for y in f([Value(x) for x in point])]
        assert bits(found) == bits(eager)


def network() -> Any:
    model = nn.Sequential(
        [
            nn.layers.Conv2D(2, 3, activation="relu", input_shape=(6, 6, 1), padding="same"),
            nn.layers.MaxPooling2D(2),
            nn.layers.Flatten(),
            nn.layers.Dense(9, "gelu"),
            nn.layers.Dense(3, "softmax"),
        ],
        seed=2,
    )
    return lambda image: -autograd.log(model(image)[1])


def test_a_network_is_written_as_loops() -> None:
    """Many numbers are loops, fewer lines than numbers, with tables; the bits are the same."""
    image = np.random.default_rng(0).normal(size=(6, 6, 1))
    f = network()
    source = to_python(f, image)
    assert source.agreement.ulp == 0.0
    assert "    for i0 in range(" in source.source
    assert "PLACES_" in source.source
    value, gradient = autograd.value_and_grad(f)(image)
    found, found_gradient = run(source, image.ravel().tolist())
    assert bits([found, *found_gradient]) == bits([value, *gradient.ravel().tolist()])
    with pytest.raises(ValueError, match="expected 36 numbers, but got 35"):
        run(source, image.ravel().tolist()[:-1])


def test_operands_from_anywhere() -> None:
    """Members of a loop that read two arguments in no order at all find each in its own list."""
    order = np.random.default_rng(0).permutation(300).tolist()

    def f(x: Any, y: Any) -> Any:
        both = [*x, *y]
        picked = [both[k] for k in order]
        rows = [picked[k : k + 30] for k in range(0, 300, 30)]
        return [autograd.total([a * b for a, b in zip(r, rows[0], strict=True)]) for r in rows]

    xs, ys = [0.01 * k for k in range(150)], [-0.01 * k for k in range(150)]
    source = to_python(f, xs, ys, gradient=False)
    assert "x[PLACES_" in source.source
    assert "y[PLACES_" in source.source
    assert bits(run(source, xs, ys)) == bits(f(xs, ys))


def test_a_small_function_is_written_line_by_line() -> None:
    """Names of arguments and weights are kept, what is used once stands inside, and no more."""
    w = Value(0.5, "weight")
    source = to_python(lambda x, b: autograd.tanh(x[0] * w + b) * x[1], [1.0, 2.0], 3.0)
    assert "[x_0, x_1] = map(float, x)" in source.source
    assert "    weight = 0.5\n" in source.source
    assert "    for " not in source.source
    assert "def exp" not in source.source
    alone = to_python(lambda x: autograd.tanh(x * w) * x, 2.0, gradient=False)
    assert "return x * tanh(x * weight)\n" in alone.source
    value = math.tanh(1.0 * 0.5 + 3.0) * 2.0
    assert run(source, [1, 2], 3)[0] == value  # ints are numbers as well
    with pytest.raises(ValueError, match="not enough values"):
        run(source, [1.0], 3.0)


def test_value_alone_and_several_results() -> None:
    """Without a gradient any structure of numbers may come out, as one flat list."""
    source = to_python(lambda x: {"a": [x, x * x], "b": 7.0}, 3.0, gradient=False)
    assert run(source, 3.0) == [3.0, 9.0, 7.0]
    assert run(to_python(lambda x: x * x, 3.0, gradient=False), 3.0) == 9.0
    with pytest.raises(StructureError):
        to_python(lambda x: [x, x * x], 3.0, gradient=True)


def test_the_gradient_is_given_where_there_is_one_number() -> None:
    """If not said: a loss has one; a list of numbers, as a network predicts, is given alone."""
    assert run(to_python(lambda x: x * x, 3.0), 3.0) == (9.0, 6.0)
    assert run(to_python(lambda x: [x * x], 3.0), 3.0) == [9.0]
    model = Sequential([Dense(2, "tanh", input_dim=2)])
    assert run(to_python(model, [0.1, 0.2]), [0.1, 0.2]) == model.predict([[0.1, 0.2]])[0].tolist()


def test_transforms_are_called_after_their_function() -> None:
    """What is written of a gradient, a Jacobian, a Hessian says of what."""

    def area(sides: Any) -> Any:
        return sides[0] * sides[1]

    for transform in (autograd.grad, autograd.jacobian, autograd.hessian):
        source = to_python(transform(area), [2.0, 3.0])
        assert f"def {transform.__name__}_of_area(" in source.source
    assert "def grad_of_f(" in to_python(autograd.grad(lambda x: x * x), 2.0).source


@pytest.mark.parametrize("large", [False, True])
def test_it_needs_math_alone(large: bool, tmp_path: Path) -> None:
    """A module that is saved runs in another Python without any package, and says its agreement."""
    source = to_python(*((network(), np.ones((6, 6, 1))) if large else (autograd.gelu, 0.3)))
    imports = [
        name
        for x in ast.walk(ast.parse(str(source)))
        if isinstance(x, (ast.Import, ast.ImportFrom))
        for name in ([x.module] if isinstance(x, ast.ImportFrom) else [a.name for a in x.names])
    ]
    assert set(imports) <= {"math"}
    assert str(source).startswith('"""Written by glassgrad; equal to the eager engine, bit')
    path = tmp_path / "written.py"
    source.save(path)
    code = f"import sys; sys.path.append({str(tmp_path)!r}); import written\n"
    code += f"print(repr(written.{source.function}({[1.0] * 36 if large else 0.3})))"
    found = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == repr(run(source, [1.0] * 36 if large else 0.3))


HOSTILE = '"""\nimport os\nraise SystemExit(1)\n"""'


def test_hostile_names_are_only_names() -> None:
    """Names of functions, arguments, keys and labels that are code, keywords or built in."""

    def exp(math: Any, tanh: Any, float: Any, map: Any) -> Any:  # noqa: A002
        w = Value(2.0, HOSTILE)
        c = Value(3.0, "class")
        return autograd.exp(math) * autograd.tanh(tanh[HOSTILE]) * w + float * c + map[0]

    exp.__name__ = HOSTILE
    source = to_python(exp, 1.0, {HOSTILE: 2.0}, 3.0, [4.0])
    assert source.agreement.ulp == 0.0
    tree = ast.parse(str(source))
    assert not [x for x in ast.walk(tree) if isinstance(x, ast.Raise)]
    assert [a.name for x in ast.walk(tree) if isinstance(x, ast.Import) for a in x.names] == [
        "math"
    ]
    expected = autograd.value_and_grad(exp, (0, 1, 2, 3))(1.0, {HOSTILE: 2.0}, 3.0, [4.0])
    assert run(source, 1.0, [2.0], 3.0, [4.0])[0] == expected[0]


def test_numbers_that_python_has_no_literal_for() -> None:
    """Weights that are nan or infinite are written all the same."""
    weights = [Value(math.inf), Value(-math.inf), Value(math.nan), Value(-0.0)]
    source = to_python(lambda x: [x * w for w in weights], 2.0, gradient=False)
    assert bits(run(source, 2.0)) == bits([math.inf, -math.inf, math.nan, -0.0])


def test_a_row_at_a_computed_index() -> None:
    """`take` at an index that depends on the numbers gives that row, and its gradient."""
    source = to_python(lambda rows, x: autograd.take(rows, 1.0 + autograd.step(x)), [1.0] * 3, 1.0)
    assert run(source, [1.0, 2.0, 3.0], 0.5) == (3.0, [0.0, 0.0, 1.0], 0.0)
    assert run(source, [1.0, 2.0, 3.0], -0.5) == (2.0, [0.0, 1.0, 0.0], 0.0)


def test_primitives_of_ones_own() -> None:
    """One that is an expression is written out; one that only Python computes is refused."""
    with autograd.temporary_primitives():
        cube = autograd.primitive(
            "cube", lambda m, x: m.mul(x, m.square(x)), lambda m, y, x: (m.mul(3.0, m.square(x)),)
        )
        assert run(to_python(lambda x: cube(x), 2.0), 2.0) == (8.0, 12.0)
        opaque = autograd.primitive("opaque", lambda x: x / 2.0, lambda m, y, x: (0.5,))
        with pytest.raises(ExportError, match=r"'opaque' is computed by a Python function.*over m"):
            to_python(lambda x: opaque(x), 2.0)


# --- the page -------------------------------------------------------------------------------------

ROOT = Path(__file__).resolve().parent.parent
OURS = ("Python, LaTeX, SymPy, JSON", "Weights from PyTorch and Keras")


@pytest.mark.parametrize("title", OURS)
def test_the_page_on_exports_runs(
    title: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The examples run one after the other, and print what their comments and the page say."""
    monkeypatch.chdir(ROOT)
    section = pages.page("export", title)
    names: dict[str, Any] = {}
    for block in pages.python_blocks(section):
        exec(block, names)
    printed = capsys.readouterr().out
    assert printed
    expected = re.findall(r"print\(.*  # (.*)$", section, flags=re.MULTILINE)
    expected += re.findall(r"```\n((?:def |{).*?)```", section, flags=re.DOTALL)
    for text in expected:
        assert text in printed
