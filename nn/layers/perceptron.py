"""Neuron, Layer, MLP: the perceptron, a row of them, and rows after one another."""

from collections.abc import Sequence
from random import Random
from typing import Any, final

import autograd
from autograd import LengthError, Traced, Value
from nn.activations import Activation, activate, activation_function, activation_name
from nn.errors import HyperparameterError
from nn.init import Initializer, draw_matrix, initializer
from nn.module import Module


@final
class Neuron(Module):
    """The perceptron: activation(w1*x1 + ... + wn*xn + b). Rosenblatt 1958.

    As a node it is one `dot` and one activation; with fused=False each product and sum is a node.
    Neurons made with one seed start equal; a Layer draws all of its own from one generator.
    weights: what w starts from, in place of numbers drawn by `init`.
    A call takes one row [n_in] and gives a Value, or a batch [rows, n_in] and gives a list of them.
    Raises LengthError if a row, or weights, has not n_in numbers.
    """

    def __init__(
        self,
        n_in: int,
        activation: str | Activation = "tanh",
        *,
        init: str | Initializer | None = None,
        seed: int | Random = 0,
        fused: bool = True,
        weights: Sequence[float] | None = None,
    ) -> None:
        _check_size("n_in", n_in)
        if weights is None:
            rng = seed if isinstance(seed, Random) else Random(seed)
            [weights] = draw_matrix(initializer(init, activation), rng, 1, n_in)
        if len(weights) != n_in:
            raise LengthError(
                f"expected {n_in} weights, one for each input, but got {len(weights)}"
            )
        self.w = tuple([Value(w) for w in weights])
        self.b = Value(0.0)
        self.activation = activation_function(activation)
        self.fused = fused

    def forward(self, x: Any) -> Any:
        out = _neurons([self], self.activation, self.fused, x, self.path or None)
        return [row[0] for row in out] if _is_batch(x) else out[0]

    def describe(self) -> str:
        return f"{len(self.w)} -> 1, {activation_name(self.activation)}"


@final
class Layer(Module):
    """Neurons that see the same inputs.

    A call takes one row [n_in] and gives [n_out], or a batch [rows, n_in] and gives [rows, n_out].
    Raises LengthError if a row has not n_in numbers.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        activation: str | Activation = "tanh",
        *,
        init: str | Initializer | None = None,
        seed: int | Random = 0,
        fused: bool = True,
    ) -> None:
        _check_size("n_in", n_in)
        _check_size("n_out", n_out)
        rng = seed if isinstance(seed, Random) else Random(seed)
        kernel = draw_matrix(initializer(init, activation), rng, n_out, n_in)
        self.neurons = [Neuron(n_in, activation, fused=fused, weights=w) for w in kernel]
        self.activation = self.neurons[0].activation
        self.fused = fused

    def forward(self, x: Any) -> Any:
        return _neurons(self.neurons, self.activation, self.fused, x, self.path or None)

    def describe(self) -> str:
        shape = f"{len(self.neurons[0].w)} -> {len(self.neurons)}"
        return f"{shape}, {activation_name(self.activation)}"


@final
class MLP(Module):
    """A multilayer perceptron: layers of `sizes` neurons, each fed by the one before.

    A call takes one row [n_in] or a batch [rows, n_in] and gives what the last layer does, with one
    Value in place of a list of one. Networks of one seed are equal.
    Raises LengthError if a row has not n_in numbers.
    """

    def __init__(
        self,
        n_in: int,
        sizes: Sequence[int],
        activation: str | Activation = "tanh",
        output_activation: str | Activation = "linear",
        *,
        init: str | Initializer | None = None,
        seed: int | Random = 0,
        fused: bool = True,
    ) -> None:
        if not isinstance(sizes, Sequence) or not sizes:
            raise LengthError(
                f"expected a list with the size of each layer, as in MLP(2, [4, 1]), but got "
                f"{sizes!r:.80}"
            )
        rng = seed if isinstance(seed, Random) else Random(seed)
        self.layers = []
        for i, size in enumerate(sizes):
            f = output_activation if i == len(sizes) - 1 else activation
            self.layers.append(Layer(n_in, size, f, init=init, seed=rng, fused=fused))
            n_in = size

    def forward(self, x: Any) -> Any:
        batch = _is_batch(x)
        for layer in self.layers:
            x = layer(x)
        if len(self.layers[-1].neurons) > 1:
            return x
        return [row[0] for row in x] if batch else x[0]

    def describe(self) -> str:
        sizes = [len(layer.neurons) for layer in self.layers]
        return f"{len(self.layers[0].neurons[0].w)} -> {' -> '.join(map(str, sizes))}"


def _neurons(neurons: list[Neuron], f: Activation, fused: bool, x: Any, layer: str | None) -> Any:
    """The outputs of neurons with one activation, [n_out] or [rows, n_out]."""
    weights, biases = [n.w for n in neurons], [n.b for n in neurons]
    if fused:
        sums = autograd.linear(x, weights, biases)
    elif _is_batch(x):
        sums = [_products_and_sums(row, weights, biases) for row in x]
    else:
        sums = _products_and_sums(x, weights, biases)
    paths = [n.path or None for n in neurons]
    if _is_batch(x):
        return [activated(f, row, paths, layer) for row in sums]
    return activated(f, sums, paths, layer)


def activated(
    f: Activation, sums: Sequence[Any], paths: Sequence[str | None], layer: str | None
) -> list[Any]:
    """The outputs of neurons, labelled for a picture with the paths of what they belong to.

    A row activation's nodes belong to no neuron: a neuron ends with its sum, the layer with them.
    """
    outputs = activate(f, sums)
    if getattr(f, "takes_row", False):
        _label(sums, paths)
        paths = [layer] * len(paths)
    _label(outputs, paths)
    return outputs


def _label(nodes: Sequence[Any], paths: Sequence[str | None]) -> None:
    for v, path in zip(nodes, paths, strict=True):
        if type(v) is Value:
            v.label = path


def _products_and_sums(
    row: Any, weights: Sequence[Sequence[Value]], biases: Sequence[Value]
) -> list[Value]:
    """The sums of `autograd.linear` for one row, to the bit, with a node for each + and *."""
    xs = [x if isinstance(x, (Value, Traced)) else Value(x) for x in row]
    sums = []
    for ws, b in zip(weights, biases, strict=True):
        if len(ws) != len(xs):
            raise LengthError(
                f"expected one input for each of {len(ws)} weights, but got {len(xs)} inputs; "
                "check the shape of the data against the size of the layer"
            )
        z = ws[0] * xs[0]
        for w, x in zip(ws[1:], xs[1:], strict=True):
            z = z + w * x
        sums.append(z + b)
    return sums


def _is_batch(x: Any) -> bool:
    """Whether x is a list of rows, or an array of them, and not one row."""
    if hasattr(x, "ndim"):
        return bool(x.ndim > 1)
    if not hasattr(x, "__len__"):
        raise LengthError(
            f"expected a row of inputs, such as [0.0, 1.0], or a list of rows, but got {x!r:.80}"
        )
    return len(x) > 0 and (isinstance(x[0], (list, tuple)) or getattr(x[0], "ndim", 0) > 0)


def _check_size(name: str, n: Any) -> None:
    if not isinstance(n, int) or isinstance(n, bool) or n < 1:
        raise HyperparameterError(f"expected {name} to be a whole number from 1, but got {n!r}")
