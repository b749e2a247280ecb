"""Initialisers: of one weight and of a whole matrix."""

import math
import statistics
import sys
from random import Random

import pytest

from autograd import LengthError, MissingExtraError
from nn.init import INITIALIZERS, draw_matrix, initializer, matrix_initializer, orthogonal

every_initializer = pytest.mark.parametrize("name", INITIALIZERS)


@every_initializer
@pytest.mark.parametrize(("rows", "columns"), [(3, 5), (5, 3), (4, 4), (1, 6), (6, 1), (1, 1)])
def test_matrices(name, rows, columns):
    """Any initialiser makes rows x columns floats; equal seeds make equal ones."""
    one, same = [draw_matrix(initializer(name, "tanh"), Random(3), rows, columns) for _ in range(2)]
    assert [len(row) for row in one] == [columns] * rows
    assert {type(w) for row in one for w in row} == {float}
    assert one == same


@every_initializer
def test_seeds_matter(name):
    """Another seed makes other weights, but where all are one constant."""
    one, other = [draw_matrix(INITIALIZERS[name], Random(s), 3, 4) for s in (1, 2)]
    assert (one == other) == (name in ("zeros", "ones"))


@pytest.mark.parametrize(
    ("name", "deviation", "limit"),
    [
        ("ones", 0.0, 1.0),
        ("zeros", 0.0, 0.0),
        ("uniform", math.sqrt(1 / 3), 1.0),
        ("normal", 1.0, None),
        ("random_uniform", 0.05 / math.sqrt(3), 0.05),
        ("random_normal", 0.05, None),
        ("glorot_uniform", math.sqrt(2 / (90 + 30)), math.sqrt(6 / (90 + 30))),
        ("glorot_normal", math.sqrt(2 / (90 + 30)), None),
        ("he_uniform", math.sqrt(2 / 90), math.sqrt(6 / 90)),
        ("he_normal", math.sqrt(2 / 90), None),
    ],
)
def test_the_fans_of_a_matrix(name, deviation, limit):
    """The columns are the inputs and the rows the outputs: mean, spread and limits say so."""
    weights = [w for row in draw_matrix(INITIALIZERS[name], Random(0), 30, 90) for w in row]
    assert statistics.fmean(weights) == pytest.approx(float(name == "ones"), abs=0.1 * deviation)
    assert statistics.pstdev(weights) == pytest.approx(deviation, rel=0.05)
    if limit is not None:
        assert 0.98 * limit <= max(map(abs, weights)) <= limit


def test_the_fans_of_a_convolution():
    """Fans that are given take the place of the columns and the rows."""
    seen = set()
    draw_matrix(lambda rng, *fans: seen.add(fans) or 0.0, Random(0), 2, 9, fan_in=9, fan_out=18)
    assert seen == {(9, 18)}


def test_one_row_after_another():
    """Weights are drawn in the order of the rows, so that a layer is its neurons in turn."""
    rng = Random(5)
    rows = draw_matrix(INITIALIZERS["normal"], Random(5), 2, 3)
    assert rows == [[rng.gauss(0.0, 1.0) for _ in range(3)] for _ in range(2)]


@pytest.mark.parametrize(("rows", "columns"), [(8, 8), (5, 20), (20, 5), (1, 4), (4, 1), (60, 60)])
def test_orthogonal(rows, columns):
    """The rows, or the columns if they are fewer, have length 1 and stand at right angles."""
    matrix = draw_matrix(orthogonal, Random(1), rows, columns)
    vectors = matrix if rows <= columns else list(zip(*matrix, strict=True))
    for i, a in enumerate(vectors):
        for j, b in enumerate(vectors):
            product = math.fsum(x * y for x, y in zip(a, b, strict=True))
            assert product == pytest.approx(float(i == j), abs=1e-13)


def test_all_orthogonal_matrices_are_as_likely():
    """Every entry of many 2 x 2 ones has mean 0 and mean square 1/2; both determinants come up."""
    rng = Random(2)
    drawn = [draw_matrix(orthogonal, rng, 2, 2) for _ in range(4000)]
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        entries = [matrix[i][j] for matrix in drawn]
        assert statistics.fmean(entries) == pytest.approx(0.0, abs=0.05)
        assert statistics.fmean(w * w for w in entries) == pytest.approx(0.5, abs=0.03)
    turns = [(a * d - b * c) > 0.0 for (a, b), (c, d) in drawn]
    assert statistics.fmean(turns) == pytest.approx(0.5, abs=0.05)


def test_orthogonal_without_numpy(monkeypatch):
    """A missing NumPy is an error that says what to install."""
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(MissingExtraError, match="pip install numpy"):
        orthogonal(Random(0), 2, 2)


def test_your_own():
    """A function of (rng, fan_in, fan_out), or, marked, one that makes all rows at once."""

    @matrix_initializer
    def identity(rng, rows, columns):
        return [[float(i == j) for j in range(columns)] for i in range(rows)]

    assert draw_matrix(initializer(identity, "relu"), Random(0), 2, 3) == [[1, 0, 0], [0, 1, 0]]
    assert draw_matrix(lambda rng, n_in, n_out: n_in + n_out, Random(0), 1, 2) == [[3, 3]]

    @matrix_initializer
    def turned(rng, rows, columns):
        return identity(rng, columns, rows)

    with pytest.raises(LengthError, match="2 rows of 3 weights, but got rows of \\[2, 2, 2\\]"):
        draw_matrix(turned, Random(0), 2, 3)
