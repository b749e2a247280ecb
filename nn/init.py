"""The numbers that weights start from, drawn from a seeded generator.

Most initialisers draw one weight, whatever its place. A matrix initialiser makes all weights of a
layer at once: `orthogonal` does, and so does any function marked with `@matrix_initializer`.
`draw_matrix` is how a layer uses either kind.

Where Keras means something else by a name: its "normal" and "uniform" are what `random_normal` and
`random_uniform` are here (small numbers), and its glorot_normal and he_normal, of the same variance
as these, have their tails beyond two standard deviations cut off.
"""

from collections.abc import Callable
from math import sqrt
from random import Random
from typing import Any

from autograd import LengthError, MissingExtraError
from nn.activations import RELU_FAMILY, Activation, activation_name
from nn.errors import UnknownNameError

Initializer = Callable[[Random, int, int], Any]
"""(generator, fan_in, fan_out) -> weight; the fans are the numbers of inputs and of outputs.

A matrix initialiser: (generator, rows, columns) -> a list of rows of weights.
"""


def zeros(rng: Random, fan_in: int, fan_out: int) -> float:
    """0.0. For weights it leaves all neurons of a layer alike for ever."""
    return 0.0


def ones(rng: Random, fan_in: int, fan_out: int) -> float:
    """1.0."""
    return 1.0


def uniform(rng: Random, fan_in: int, fan_out: int) -> float:
    """Between -1 and 1, whatever the layer's size."""
    return rng.uniform(-1.0, 1.0)


def normal(rng: Random, fan_in: int, fan_out: int) -> float:
    """Standard normal, whatever the layer's size."""
    return rng.gauss(0.0, 1.0)


def random_uniform(rng: Random, fan_in: int, fan_out: int) -> float:
    """Between -0.05 and 0.05, Keras's default."""
    return rng.uniform(-0.05, 0.05)


def random_normal(rng: Random, fan_in: int, fan_out: int) -> float:
    """Normal with standard deviation 0.05, Keras's default."""
    return rng.gauss(0.0, 0.05)


def xavier_uniform(rng: Random, fan_in: int, fan_out: int) -> float:
    """Uniform with variance 2 / (fan_in + fan_out). Glorot & Bengio 2010, equation 16."""
    limit = sqrt(6.0 / (fan_in + fan_out))
    return rng.uniform(-limit, limit)


def xavier_normal(rng: Random, fan_in: int, fan_out: int) -> float:
    """Normal with variance 2 / (fan_in + fan_out). Glorot & Bengio 2010, equation 12."""
    return rng.gauss(0.0, sqrt(2.0 / (fan_in + fan_out)))


def he_uniform(rng: Random, fan_in: int, fan_out: int) -> float:
    """Uniform with variance 2 / fan_in, for relu. He et al. 2015, arXiv:1502.01852, equation 10."""
    limit = sqrt(6.0 / fan_in)
    return rng.uniform(-limit, limit)


def he_normal(rng: Random, fan_in: int, fan_out: int) -> float:
    """Normal with variance 2 / fan_in, for relu. He et al. 2015, arXiv:1502.01852, equation 10."""
    return rng.gauss(0.0, sqrt(2.0 / fan_in))


def matrix_initializer(f: Initializer) -> Initializer:
    """Mark a function that makes all weights of a layer at once, as a list of rows."""
    marked: Any = f
    marked.makes_matrix = True
    return f


@matrix_initializer
def orthogonal(rng: Random, rows: int, columns: int) -> list[list[float]]:
    """A random matrix with orthonormal rows, or columns if they are fewer: it keeps lengths.

    All such matrices are equally likely. Saxe et al. 2014, arXiv:1312.6120; the method is that of
    Mezzadri 2007, arXiv:math-ph/0609050. Raises MissingExtraError without NumPy.
    """
    try:
        import numpy as np
    except ImportError:
        raise MissingExtraError(
            "the orthogonal initialiser needs numpy: pip install numpy"
        ) from None
    long, short = max(rows, columns), min(rows, columns)
    normal_draws = [[rng.gauss(0.0, 1.0) for _ in range(short)] for _ in range(long)]
    q, r = np.linalg.qr(np.array(normal_draws))
    # Of the factorisations the one with a positive diagonal: else LAPACK's choice of signs would
    # make some matrices likelier than others
    q = np.copysign(1.0, np.diag(r)) * q
    matrix: list[list[float]] = (q if rows >= columns else q.T).tolist()
    return matrix


INITIALIZERS: dict[str, Initializer] = {
    "zeros": zeros,
    "ones": ones,
    "uniform": uniform,
    "normal": normal,
    "random_uniform": random_uniform,
    "random_normal": random_normal,
    "xavier_uniform": xavier_uniform,
    "xavier_normal": xavier_normal,
    "glorot_uniform": xavier_uniform,
    "glorot_normal": xavier_normal,
    "he_uniform": he_uniform,
    "he_normal": he_normal,
    "orthogonal": orthogonal,
}


def initializer(init: str | Initializer | None, activation: str | Activation) -> Initializer:
    """The initialiser of this name, or for None the one that suits the activation.

    Raises UnknownNameError if there is no such name.
    """
    if init is None:
        return he_uniform if activation_name(activation) in RELU_FAMILY else xavier_uniform
    if callable(init):
        return init
    if init not in INITIALIZERS:
        raise UnknownNameError("initialiser", init, INITIALIZERS)
    return INITIALIZERS[init]


def draw_matrix(
    init: Initializer,
    rng: Random,
    rows: int,
    columns: int,
    *,
    fan_in: int | None = None,
    fan_out: int | None = None,
) -> list[list[float]]:
    """The first weights [rows, columns] of a layer: a row for each unit, a column for each input.

    fan_in, fan_out: where they are not the columns and the rows, as in a convolution.
    Raises LengthError if a matrix initialiser gives another shape.
    """
    if not getattr(init, "makes_matrix", False):
        n_in, n_out = columns if fan_in is None else fan_in, rows if fan_out is None else fan_out
        return [[init(rng, n_in, n_out) for _ in range(columns)] for _ in range(rows)]
    matrix: list[list[float]] = [list(row) for row in init(rng, rows, columns)]
    if [len(row) for row in matrix] != [columns] * rows:
        raise LengthError(
            f"expected the initialiser to make {rows} rows of {columns} weights, but got rows of "
            f"{[len(row) for row in matrix]}"
        )
    return matrix
