"""Small networks built by hand: of Values labelled as `nn` does, and as functions to compile."""

import itertools
import math
import random
from collections.abc import Sequence
from typing import Any

import autograd
from autograd import Scope, Value

Layers = list[list[tuple[list[Value], Value]]]  # [layer][neuron]: weights, bias


def layers(*sizes: int, seed: int = 3) -> Layers:
    """Weights and biases for layers of these sizes, the number of inputs first."""
    rng = random.Random(seed)

    def parameter(path: str) -> Value:
        return Value(round(rng.uniform(-1.5, 1.5), 2), Scope(path))

    return [
        [
            (
                [parameter(f"layers.{i}.neurons.{j}.w.{k}") for k in range(n_in)],
                parameter(f"layers.{i}.neurons.{j}.b"),
            )
            for j in range(n_out)
        ]
        for i, (n_in, n_out) in enumerate(itertools.pairwise(sizes))
    ]


def forward(network: Layers, inputs: Sequence[Value]) -> list[Value]:
    """The outputs of the last layer. Every neuron is a dot and a tanh, which carries its path."""
    for i, layer in enumerate(network):
        outputs = []
        for j, (weights, bias) in enumerate(layer):
            y = autograd.tanh(autograd.dot(weights, inputs, bias))
            y.label = Scope(f"layers.{i}.neurons.{j}")
            outputs.append(y)
        inputs = outputs
    return list(inputs)


def squared_error(*sizes: int) -> Value:
    """The loss of one sample, with its gradient."""
    inputs = [Value(1.0 - 0.5 * i, f"x{i}") for i in range(sizes[0])]
    (output,) = forward(layers(*sizes), inputs)
    loss = (output - 1.0) ** 2
    loss.label = "loss"
    loss.backward()
    return loss


def neuron() -> Value:
    """tanh(x * w + b), with its gradient."""
    x, w, b = Value(2.0, "x"), Value(-0.7, "w"), Value(0.9, "b")
    y = autograd.tanh(x * w + b)
    y.label = "y"
    y.backward()
    return y


# --- functions ------------------------------------------------------------------------------------

Parameters = list[dict[str, Any]]  # of each layer


def parameters(*sizes: int, seed: int = 3) -> Parameters:
    """Plain numbers for layers of these sizes: weights [n_out, n_in] and biases [n_out]."""
    rng = random.Random(seed)
    return [
        {
            "weights": [
                [rng.gauss(0.0, 1.0 / math.sqrt(n_in)) for _ in range(n_in)] for _ in range(n_out)
            ],
            "biases": [rng.gauss(0.0, 0.1) for _ in range(n_out)],
        }
        for n_in, n_out in itertools.pairwise(sizes)
    ]


def dense_network(network: Parameters, x: Sequence[Any], y: Any) -> Any:
    """The cross-entropy of relu layers and one sigmoid, each layer by `linear`."""
    for layer in network[:-1]:
        x = [autograd.relu(z) for z in autograd.linear(x, layer["weights"], layer["biases"])]
    (z,) = autograd.linear(x, network[-1]["weights"], network[-1]["biases"])
    return _cross_entropy(z, y)


def bare_network(network: Parameters, x: Sequence[Any], y: Any) -> Any:
    """The same network written as sums of products."""
    for i, layer in enumerate(network):
        z = [
            sum((w * v for w, v in zip(ws, x, strict=True)), 0.0) + b
            for ws, b in zip(layer["weights"], layer["biases"], strict=True)
        ]
        x = [autograd.relu(v) for v in z] if i < len(network) - 1 else z
    return _cross_entropy(x[0], y)


def _cross_entropy(z: Any, y: Any) -> Any:
    p = autograd.clip(autograd.sigmoid(z), 1e-7, 1.0 - 1e-7)
    return -(y * autograd.log(p) + (1.0 - y) * autograd.log(1.0 - p))
