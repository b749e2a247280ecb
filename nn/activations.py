"""What a layer does to its sums of weighted inputs.

Most activations are functions of one number, applied to each sum. A row activation takes all sums
of a layer at once and gives as many outputs: softmax does, and so does any function of a list that
is marked with `@row_activation`.
"""

from collections.abc import Callable, Sequence
from typing import Any

from autograd import elu, gelu, leaky_relu, relu, selu, sigmoid, silu, softmax, softplus, step, tanh
from nn.errors import UnknownNameError

Activation = Callable[[Any], Any]


def linear(z: Any) -> Any:
    """z itself, and no node for it."""
    return z


def row_activation(f: Activation) -> Activation:
    """Mark a function of a list of sums, which gives a list as long, as a row activation."""
    marked: Any = f
    marked.takes_row = True
    return f


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
    "softmax": row_activation(softmax),
}
"""By name. All are what PyTorch and Keras compute under these names (gelu exact, by the error
function; elu with alpha 1), but for Keras's leaky_relu: its slope left of 0 is 0.2, here and in
PyTorch it is 0.01 (Maas et al. 2013). Another slope: `lambda z: autograd.leaky_relu(z, 0.2)`."""

RELU_FAMILY = ("relu", "leaky_relu", "elu", "selu", "silu", "gelu", "softplus")


def activate(f: Activation, sums: Sequence[Any]) -> list[Any]:
    """The outputs of a layer: f of each sum [n_out], or of all at once if f is a row activation."""
    return list(f(sums)) if getattr(f, "takes_row", False) else [f(z) for z in sums]


def activation_function(activation: str | Activation) -> Activation:
    """The function of this name; a function of one number, or a row activation, as it is.

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
