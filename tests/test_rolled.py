"""From functions to loops: structures taken apart and put together, losses, the collector."""

import gc
from typing import Any, NamedTuple

import numpy as np
import pytest

import autograd
from autograd import Packed, StructureError, Value, jit
from autograd.compiler.arguments import Arguments
from autograd.compiler.rolled import RolledFunction, loss_and_gradient
from autograd.tree import flatten


class Pair(NamedTuple):
    """Two of anything."""

    a: Any
    b: Any


def shape(x: Any) -> Any:
    """A structure with the types of its parts, numbers left out."""
    if isinstance(x, dict):
        return {key: shape(item) for key, item in x.items()}
    if isinstance(x, (list, tuple)):
        return type(x).__name__, [shape(item) for item in x]
    if isinstance(x, np.ndarray) and x.shape != ():
        return ("array", x.shape)
    return "number"


NUMBERS = np.arange(1.0, 13.0)
MATRIX, ROW = NUMBERS.reshape(4, 3), NUMBERS[:4]
STRUCTURES: dict[str, Any] = {
    "a number": 2.0,
    "a list": [1.0, 2.0, 3.0],
    "a tuple": (1.0, (2.0, [3.0])),
    "a named tuple": Pair(1.0, Pair([2.0], 3.0)),
    "a dict": {"w": [1.0], "b": {"c": (2.0,)}},
    "arrays": [ROW, {"m": MATRIX}, 3.0],
    "empty parts": ([], {}, ()),
}


@pytest.mark.parametrize("name", STRUCTURES)
def test_a_function_sees_the_structure_and_gives_it(name: str) -> None:
    """Of an argument, of one given by keyword, and of the result: types, shapes and numbers."""
    x, seen = STRUCTURES[name], []

    def f(first: float, x: Any, *, again: Any) -> Any:
        seen.append((shape(x), shape(again)))
        numbers, rebuild = flatten(x)
        return rebuild([a * first for a in numbers]), again

    found, again = jit(f)(3.0, x, again=x)
    assert seen == [(shape(x), shape(x))]
    for got, factor in ((found, 3.0), (again, 1.0)):
        assert shape(got) == shape(x)
        want = [float(a) * factor for a in flatten(x)[0]]
        assert [float(a) for a in flatten(got)[0]] == want


BATCHES: dict[str, tuple[Any, Any]] = {  # four rows, and the first of them
    "numbers": (ROW, 1.0),
    "a list of numbers": (ROW.tolist(), 1.0),
    "arrays": (MATRIX, MATRIX[0]),
    "lists": (MATRIX.tolist(), [1.0, 2.0, 3.0]),
    "matrices": (np.stack([MATRIX] * 4), MATRIX),
    "a tuple": ((ROW, MATRIX), (1.0, MATRIX[0])),
    "a named tuple": (Pair(ROW, {"x": MATRIX}), Pair(1.0, {"x": MATRIX[0]})),
}


@pytest.mark.parametrize("name", BATCHES)
def test_a_function_sees_one_row(name: str) -> None:
    """In the structure of the batch; and gives its own, of which there is one for each row."""
    batch, row = BATCHES[name]
    seen = []

    def f(x: Any, k: float) -> Any:
        seen.append(shape(x))
        return [2.0 * autograd.total(flatten(x)[0]), k], np.array([k, autograd.exp(k)]), (k, 7.0)

    results, array, pair = jit(f, batch_argnums=0, mean=False)(batch, 5.0)
    assert seen == [shape(row)]
    parts = list(batch) if isinstance(batch, tuple) else [batch]
    arrays = [np.array(x["x"] if isinstance(x, dict) else x) for x in parts]
    want = [2.0 * sum(float(x[i].sum()) for x in arrays) for i in range(4)]
    assert [float(x) for x in results[0]] == pytest.approx(want, rel=1e-15)
    assert want[0] == 2.0 * sum(map(float, flatten(row)[0]))
    assert np.shape(array) == (4, 2)
    assert [float(x) for x in array[3]] == pytest.approx([5.0, np.exp(5.0)])
    assert [list(map(float, x)) for x in (results[1], *pair)] == [[5.0] * 4, [5.0] * 4, [7.0] * 4]


def test_packed_structures() -> None:
    """They come out packed as a whole, and row by row as the structure they hold."""
    p = Packed.of({"w": [1.0, 2.0], "b": 3.0})
    found = jit(lambda p: (p, 1.0, p["b"]))(p)
    assert isinstance(found[0], Packed)
    assert found[0].flat.tolist() == [1.0, 2.0, 3.0]
    assert found[1:] == (1.0, 3.0)
    rows = jit(lambda p, x: Packed.of([x]) if type(x) is float else p, batch_argnums=1, mean=False)
    by_row = rows(p, ROW)
    assert [float(x[2]) for x in (*by_row["w"], by_row["b"])] == [1.0, 2.0, 3.0]


def test_captured_nodes_are_the_last_buffer() -> None:
    """Those that are named come first, in their order, used or not; the places say where."""
    a, b, c = Value(1.0), Value(2.0), Value(3.0)
    arguments = Arguments((5.0, MATRIX), {}, (), "float64")
    rolled = RolledFunction(
        lambda x, m: c * x + a * m[0][1], (5.0, MATRIX), {}, arguments, True, [b, a]
    )
    assert rolled.captured == [b, a, c]
    assert rolled.input_widths[1:] == [12, 3]
    assert sorted(rolled.places) == [
        (0, 0),
        *[(1, i) for i in range(12)],
        *[(2, i) for i in range(3)],
    ]
    assert rolled.output_places == [(3, 0)]
    assert rolled.output_widths == [1]
    assert rolled.same_in_all_rows == []
    parts = rolled.program[:3]
    assert rolled.instructions["roll (loops)"] == sum(map(len, parts))
    assert set(rolled.seconds) == {"trace", "simplify", "fuse", "roll"}
    assert all(0.0 <= seconds < 60.0 for seconds in rolled.seconds.values())
    assert set(rolled.instructions) == {"trace", "simplify", "fuse", "roll (loops)"}


def test_a_loss_with_measures_and_its_gradient() -> None:
    """A loss alone or first of a tuple; one that depends on nothing that is trained has zeros."""
    w = [Value(2.0), Value(3.0)]

    def run(loss: Any) -> Any:
        values, gradient = jit(loss_and_gradient(loss, w))(5.0)
        return values, gradient.tolist()

    assert run(lambda x: w[0] * x) == ([10.0], [5.0, 0.0])
    assert run(lambda x: (w[0] * w[1], x, w[1])) == ([6.0, 5.0, 3.0], [3.0, 2.0])
    assert run(lambda x: 4.0) == ([4.0], [0.0, 0.0])
    assert run(lambda x: x) == ([5.0], [0.0, 0.0])
    for wrong in ([w[0]], {"loss": w[0]}, np.array([w[0]], object), ([w[0]], 1.0)):
        with pytest.raises(StructureError, match="a loss that is one number"):
            run(lambda x, wrong=wrong: wrong)


def test_the_collector_rests_while_a_function_is_compiled() -> None:
    """And is afterwards what it was before, also after an error."""
    seen = []

    def f(x: Any) -> Any:
        seen.append(gc.isenabled())
        return x

    for fails in (False, True):
        for before in (True, False):
            (gc.enable if before else gc.disable)()
            try:
                if fails:
                    with pytest.raises(autograd.TraceError):
                        jit(lambda x: f(x).data)(1.0)
                else:
                    jit(f)(1.0)
                assert gc.isenabled() is before
            finally:
                gc.enable()
    assert seen == [False] * 4
