"""The numbers that weights start from: each function draws one from a seeded generator."""

from collections.abc import Callable
from math import sqrt
from random import Random

from nn.activations import RELU_FAMILY, Activation, activation_name
from nn.errors import UnknownNameError

Initializer = Callable[[Random, int, int], float]
"""(generator, fan_in, fan_out) -> weight; the fans are the numbers of inputs and of outputs."""


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


INITIALIZERS: dict[str, Initializer] = {
    "zeros": zeros,
    "ones": ones,
    "uniform": uniform,
    "normal": normal,
    "xavier_uniform": xavier_uniform,
    "xavier_normal": xavier_normal,
    "glorot_uniform": xavier_uniform,
    "glorot_normal": xavier_normal,
    "he_uniform": he_uniform,
    "he_normal": he_normal,
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
