"""Small networks built by hand, labelled as `nn` labels its own, for the tests of the picture."""

import itertools
import random
from collections.abc import Sequence

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
