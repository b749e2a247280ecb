"""Loops as array operations: views visit the places they should, and large layers need no other."""

from typing import Any

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

import autograd
from autograd.export.arranging import _view, array_program
from autograd.export.portable import Portable

dimensions = st.lists(st.tuples(st.integers(2, 4), st.integers(1, 20)), min_size=1, max_size=3)


@given(dimensions, st.integers(0, 12), st.integers(0, 12))
@example([(2, 3), (2, 3)], 0, 20)  # the inner loop would run out of the outer one's window
@example([(3, 4)], 3, 0)  # a column that is not the first
def test_a_view_visits_its_places(loops: Any, start: int, more: int) -> None:
    """The cuts of a view, one after another, give the numbers at its strides, if there is one."""
    loops = sorted(loops, key=lambda loop: -loop[1])
    times, strides = [n for n, _ in loops], [s for _, s in loops]
    places: Any = start
    for n, s in loops:
        places = np.add.outer(places, s * np.arange(n))
    length = int(places.max()) + 1 + more
    found = _view(start, times, strides, length)
    if found is None:
        return
    cuts, offset = found
    x: Any = np.arange(length)
    for first, n, stride in cuts:
        assert first >= 0
        assert first + n * stride <= x.shape[-1]
        x = x[..., first : first + n * stride].reshape(*x.shape[:-1], n, stride)
    assert offset < x.shape[-1]
    assert (x[..., offset] == places).all()


def test_layers_are_views() -> None:
    """A network of two layers with its gradient gathers nothing: all operands are views."""

    def loss(w: Any, v: Any, x: Any) -> Any:
        hidden = [autograd.tanh(autograd.dot(row, x)) for row in w]
        return autograd.total([autograd.square(autograd.dot(row, hidden)) for row in v])

    random = np.random.default_rng(0)
    point = [random.normal(size=shape).tolist() for shape in ((40, 36), (38, 40), (36,))]
    program = array_program(Portable(loss, point, gradient=True, exact=False))
    reads = [x for step in program.steps for x in step.operands] + program.results
    assert len(program.steps) <= 15
    assert all(x.places is None and len(x.pieces) <= 1 for x in reads)
