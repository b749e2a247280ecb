"""Units: what Dense, DropConnect and Conv2D have in common: neurons that share an activation."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import prod
from random import Random
from typing import Any, final

from autograd import LengthError, Value, dot, linear
from nn.activations import Activation, activation_function
from nn.constraints import ConstraintLike, constraint
from nn.errors import HyperparameterError
from nn.init import Initializer, draw_matrix, initializer
from nn.layers.base import Pass, SequentialLayer, Shape, flat, nested, shape_of, shaped
from nn.layers.perceptron import activated
from nn.module import Module
from nn.regularizers import RegularizerLike, regularizer


@final
class Unit(Module):
    """A neuron before its activation: dot(w, x, b). b is a plain 0.0 if it has no bias."""

    def __init__(self, w: Iterable[float], b: float | None) -> None:
        self.w = tuple([Value(number) for number in w])
        self.b = 0.0 if b is None else Value(b)

    def forward(self, x: Any) -> Any:
        return dot(self.w, x, self.b)

    def describe(self) -> str:
        return f"{len(self.w)} -> 1"


class _Activated:
    # no field here: it is one of each subclass, so that it has Keras's place among the arguments
    activation: str | Activation | None


@dataclass(eq=False, repr=False, kw_only=True)
class Units(SequentialLayer, _Activated):
    """A layer of `Unit`s, and the options that Keras gives such layers.

    kernel_initializer: by default the one that suits the activation.
    kernel_regularizer, bias_regularizer, activity_regularizer: penalties on the weights, the biases
        and the outputs. kernel_constraint: on each unit's weights; bias_constraint: on all biases.
    """

    use_bias: bool = True
    kernel_initializer: str | Initializer | None = None
    bias_initializer: str | Initializer = "zeros"
    kernel_regularizer: RegularizerLike = None
    bias_regularizer: RegularizerLike = None
    activity_regularizer: RegularizerLike = None
    kernel_constraint: ConstraintLike = None
    bias_constraint: ConstraintLike = None

    def __post_init__(self, input_dim: int | None) -> None:
        super().__post_init__(input_dim)
        activation_function(self.activation or "linear")
        initializer(self.kernel_initializer, self.activation or "linear")
        initializer(self.bias_initializer, "linear")
        for penalty in (self.kernel_regularizer, self.bias_regularizer, self.activity_regularizer):
            regularizer(penalty)
        for limit in (self.kernel_constraint, self.bias_constraint):
            constraint(limit)

    @final
    def make_units(self, kernel_shape: Shape, fan_out: int, rng: Random) -> None:
        """Draw the weights. kernel_shape: the shape of what a unit sees, and then the units."""
        *seen, n = kernel_shape
        fan_in = prod(seen)
        draw = initializer(self.kernel_initializer, self.activation or "linear")
        kernel = draw_matrix(draw, rng, n, fan_in, fan_in=fan_in, fan_out=fan_out)
        bias: Sequence[float | None] = [None] * n
        if self.use_bias:
            draw = initializer(self.bias_initializer, "linear")
            bias = flat(draw_matrix(draw, rng, n, 1, fan_in=fan_in, fan_out=fan_out))
        self.kernel_shape = kernel_shape
        self.neurons = [Unit(w, b) for w, b in zip(kernel, bias, strict=True)]

    @final
    def make_dense(self, input_shape: Shape, n: int, rng: Random) -> Shape:
        """Draw the weights of n units that see a whole row; gives the output's shape."""
        if len(input_shape) != 1:
            raise HyperparameterError(
                f"{self.name!r} expected flat rows, but those that come have shape {input_shape}; "
                "put a Flatten() before it"
            )
        self.make_units((*input_shape, n), n, rng)
        return (n,)

    @final
    def sums(self, rows: list[list[Any]]) -> list[list[Any]]:
        """What the units make of several inputs, before the activation: [rows, units]."""
        return linear(rows, [unit.w for unit in self.neurons], [unit.b for unit in self.neurons])

    @final
    def outputs(self, rows: list[list[Any]], run: Pass) -> list[list[Any]]:
        """The outputs for such sums, [rows, units]."""
        f = activation_function(self.activation or "linear")
        paths, layer = [unit.path or None for unit in self.neurons], self.path or None
        outputs = [activated(f, zs, paths, layer) for zs in rows]
        penalty = regularizer(self.activity_regularizer)
        if penalty is not None:
            run.penalties.append(penalty(flat(outputs)))
        return outputs

    def penalty(self) -> list[Any]:
        parts = zip((self.kernel_regularizer, self.bias_regularizer), self._weights(), strict=True)
        penalties = [(regularizer(given), weights) for given, weights in parts]
        return [f(weights) for f, weights in penalties if f is not None and weights]

    def constraints(self) -> list[tuple[Callable[[Sequence[Any]], list[Any]], list[Value]]]:
        limits = [(constraint(self.kernel_constraint), list(unit.w)) for unit in self.neurons]
        limits.append((constraint(self.bias_constraint), self._weights()[1]))
        return [(f, weights) for f, weights in limits if f is not None and weights]

    def get_weights(self) -> list[Any]:
        """[kernel, bias]: the kernel of `kernel_shape`, the bias [units] if there is one."""
        kernel, bias = [[w.data for w in weights] for weights in self._weights()]
        return [shaped(kernel, self.kernel_shape), *([bias] if self.use_bias else [])]

    def set_weights(self, weights: Sequence[Any]) -> None:
        given = [nested(x) for x in weights]
        shapes = [shape_of(x) for x in given]
        expected = [self.kernel_shape, self.kernel_shape[-1:]][: 1 + self.use_bias]
        if shapes != expected:
            raise LengthError(
                f"expected weights of shapes {expected} for {self.name!r}, but got {shapes}"
            )
        numbers = [Value(x).data for x in flat(given)]
        for p, number in zip([*self._weights()[0], *self._weights()[1]], numbers, strict=True):
            p.data = number

    def _weights(self) -> tuple[list[Any], list[Any]]:
        """Kernel and bias, each in Keras's order: the unit moves fastest."""
        assert self.output_shape  # it raises an error if they are not made yet
        kernel = [w for ws in zip(*[unit.w for unit in self.neurons], strict=True) for w in ws]
        return kernel, [unit.b for unit in self.neurons] if self.use_bias else []
