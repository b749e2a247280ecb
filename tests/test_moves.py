"""Rows of arrays into working memory and out of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd import jit

DTYPES = ["float64", "float32"]


@pytest.mark.parametrize("dtype", DTYPES)
@given(rows=st.integers(1, 150), widths=st.tuples(st.integers(1, 11), st.integers(1, 11)))
def test_each_number_arrives_where_it_belongs(
    dtype: str, rows: int, widths: tuple[int, int]
) -> None:
    """Rows of any number and width come out as they went in, and in no other place."""
    a, b = widths
    xs = 1.0 + np.arange(float(rows * a)).reshape(rows, a)
    ys = -1.0 - np.arange(float(rows * b)).reshape(rows, b)
    swapped = jit(lambda x, y: (y * 2.0, x * 4.0), batch_argnums=(0, 1), mean=False, dtype=dtype)
    first, second = swapped(xs, ys)
    np.testing.assert_array_equal(first, 2.0 * ys)
    np.testing.assert_array_equal(second, 4.0 * xs)


@given(columns=st.integers(1, 9), data=st.data())
def test_rows_are_read_in_the_given_order(columns: int, data: st.DataObject) -> None:
    """Of rows that are chosen by number, in any order and repeatedly, each comes in its turn."""
    found = jit(lambda x: x * 2.0, batch_argnums=0, mean=False)
    xs = 1.0 + np.arange(float(20 * columns)).reshape(20, columns)
    found(xs)
    machine = next(iter(found._programs.values())).machine
    order = np.array(data.draw(st.lists(st.integers(0, 19), min_size=1, max_size=40)))
    nothing, out = np.zeros(0), np.full((len(order), columns), np.nan)
    machine.run([nothing, xs, nothing, nothing, out], len(order), order)
    np.testing.assert_array_equal(out, 2.0 * xs[order])
