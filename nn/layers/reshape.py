"""Flatten, Reshape, Activation: layers without weights."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from random import Random
from typing import Any, final

from nn.activations import activate, activation_function
from nn.errors import HyperparameterError
from nn.layers.base import Pass, SequentialLayer, Shape, flat, shaped, sizes


@final
@dataclass(eq=False, repr=False)
class Flatten(SequentialLayer):
    """A row of any shape as one list, the last axis moving fastest."""

    def prepare(self, input_shape: Shape, rng: Random) -> Shape:
        return (prod(input_shape),)

    def row(self, x: Any, run: Pass) -> Any:
        return flat(x)


@final
@dataclass(eq=False, repr=False)
class Reshape(SequentialLayer):
    """A row's numbers, in their order, in another shape; one axis may be -1: what is left."""

    target_shape: tuple[int, ...]

    def __post_init__(self, input_dim: int | None) -> None:
        super().__post_init__(input_dim)
        target = list(self.target_shape) if isinstance(self.target_shape, (list, tuple)) else []
        if target.count(-1) > 1:
            raise HyperparameterError(f"expected at most one -1, but got {self.target_shape}")
        sizes("target_shape", [abs(n) if n == -1 else n for n in target])

    def prepare(self, input_shape: Shape, rng: Random) -> Shape:
        known = prod(n for n in self.target_shape if n != -1)
        shape = tuple([prod(input_shape) // known if n == -1 else n for n in self.target_shape])
        if prod(shape) != prod(input_shape):
            raise HyperparameterError(
                f"rows of shape {input_shape} hold {prod(input_shape)} numbers, which do not make "
                f"the shape {tuple(self.target_shape)}"
            )
        return shape

    def row(self, x: Any, run: Pass) -> Any:
        return shaped(flat(x), self.output_shape)


@final
@dataclass(eq=False, repr=False)
class Activation(SequentialLayer):
    """An activation as a layer; softmax and its like go along the last axis."""

    activation: str | Callable[[Any], Any]

    def __post_init__(self, input_dim: int | None) -> None:
        super().__post_init__(input_dim)
        activation_function(self.activation)

    def prepare(self, input_shape: Shape, rng: Random) -> Shape:
        return input_shape

    def row(self, x: Any, run: Pass) -> Any:
        if isinstance(x[0], (list, tuple)):
            return [self.row(item, run) for item in x]
        return activate(activation_function(self.activation), x)
