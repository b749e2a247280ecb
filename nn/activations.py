"""What a neuron does to its sum of weighted inputs."""

from collections.abc import Callable
from typing import Any

from autograd import elu, gelu, leaky_relu, relu, selu, sigmoid, silu, softplus, step, tanh
from nn.errors import UnknownNameError

Activation = Callable[[Any], Any]


def linear(z: Any) -> Any:
    """z itself, and no node for it."""
    return z


ACTIVATIONS: dict[str, Activation] = {
    "linear": linear,
    "step": step,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "relu": relu,
    "leaky_relu": leaky_relu,
    "elu": elu,
    "selu": selu,
    "silu": silu,
    "gelu": gelu,
    "softplus": softplus,
}
RELU_FAMILY = ("relu", "leaky_relu", "elu", "selu", "silu", "gelu", "softplus")


def activation_function(activation: str | Activation) -> Activation:
    """The function of this name; a function of one number is returned as it is.

    Raises UnknownNameError if there is no such name.
    """
    if callable(activation):
        return activation
    if activation not in ACTIVATIONS:
        raise UnknownNameError("activation", activation, ACTIVATIONS)
    return ACTIVATIONS[activation]


def activation_name(activation: str | Activation) -> str:
    """The name to show for it."""
    return activation if isinstance(activation, str) else getattr(activation, "__name__", "custom")
