"""Dropout and DropConnect: in training a part of the network, another for each row, is left out."""

from dataclasses import dataclass
from math import prod
from random import Random
from typing import Any, final

from autograd import linear, where
from nn.activations import Activation
from nn.errors import HyperparameterError
from nn.layers.base import Pass, SequentialLayer, Shape, shaped, sizes
from nn.layers.units import Units


@final
@dataclass(eq=False, repr=False)
class Dropout(SequentialLayer):
    """In training each number is 0 with probability `rate`, else divided by 1 - rate.

    So its mean stays, and inference gives the row as it is. Srivastava et al. 2014, section 10.
    noise_shape: Keras's: the batch's axis (None), and for each axis of a row None for all its
        numbers or 1 for one draw that goes for the whole axis, as in (None, 1, 1, None).
    seed: for random numbers of its own; None for those of the model.
    """

    rate: float
    noise_shape: tuple[int | None, ...] | None = None
    seed: int | None = None

    def __post_init__(self, input_dim: int | None) -> None:
        super().__post_init__(input_dim)
        check_rate(self.rate)
        given = (None,) if self.noise_shape is None else self.noise_shape
        if not isinstance(given, (list, tuple)) or not given or given[0] == 1:
            raise HyperparameterError(
                "expected a noise_shape that starts with None, since each row draws its own "
                f"numbers, as in (None, 1, 8), but got {self.noise_shape}"
            )

    def prepare(self, input_shape: Shape, rng: Random) -> Shape:
        given = (None, *input_shape) if self.noise_shape is None else tuple(self.noise_shape)
        noise = tuple(n if k is None else k for n, k in zip(input_shape, given[1:], strict=False))
        fits = all(k in (1, n) for n, k in zip(input_shape, noise, strict=False))
        if len(given) != 1 + len(input_shape) or not fits:
            raise HyperparameterError(
                f"expected a noise_shape of None and then, for each of {input_shape}, 1 or None or "
                f"the number itself, but got {self.noise_shape}"
            )
        self._noise = noise
        return input_shape

    @property
    def random_numbers(self) -> int:
        return prod(self._noise) if self.built and self.rate else 0

    def row(self, x: Any, run: Pass) -> Any:
        if not run.training or not self.rate:
            return x
        return dropped(x, shaped(run.uniforms(self.random_numbers), self._noise), self.rate)


@final
@dataclass(eq=False, repr=False)
class DropConnect(Units):
    """A Dense whose weights and biases are dropped one by one in training: [n_in] gives [units].

    What stays is divided by 1 - rate. Wan et al. 2013, "Regularization of Neural Networks using
    DropConnect". Inference uses the mean network, all weights as they are, not the paper's sampling
    of each sum from a normal distribution.
    seed: for random numbers of its own; None for those of the model.
    """

    units: int
    rate: float = 0.5
    activation: str | Activation | None = None
    seed: int | None = None

    def __post_init__(self, input_dim: int | None) -> None:
        sizes("units", self.units, 1)
        check_rate(self.rate)
        super().__post_init__(input_dim)

    def prepare(self, input_shape: Shape, rng: Random) -> Shape:
        return self.make_dense(input_shape, self.units, rng)

    @property
    def random_numbers(self) -> int:
        return (
            prod(self.kernel_shape) + self.use_bias * self.units if self.built and self.rate else 0
        )

    def row(self, x: Any, run: Pass) -> Any:
        if not run.training or not self.rate:
            return self.outputs(self.sums([x]), run)[0]
        kernel = [dropped(unit.w, run.uniforms(len(unit.w)), self.rate) for unit in self.neurons]
        biases = [unit.b for unit in self.neurons]
        if self.use_bias:
            biases = dropped(biases, run.uniforms(len(biases)), self.rate)
        return self.outputs([linear(x, kernel, biases)], run)[0]


def dropped(x: Any, uniforms: Any, rate: float) -> Any:
    """Inverted dropout. x, uniforms: nested lists; an axis of length 1 in uniforms goes for all."""
    if not isinstance(x, (list, tuple)):
        return where(uniforms < rate, 0.0, x * (1.0 / (1.0 - rate)))
    if len(uniforms) < len(x):
        uniforms = uniforms * len(x)
    return [dropped(item, u, rate) for item, u in zip(x, uniforms, strict=True)]


def check_rate(rate: Any) -> None:
    if not isinstance(rate, (int, float)) or not 0.0 <= rate < 1.0:
        raise HyperparameterError(
            f"expected rate, the share that is dropped, to be at least 0 and below 1, but got "
            f"{rate!r}"
        )
