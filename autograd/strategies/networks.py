"""Random small networks, as functions of parameters and inputs, in plain lists."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from hypothesis import note
from hypothesis import strategies as st

from autograd.elementwise import ELEMENTWISE
from autograd.functions import linear
from autograd.primitives import REAL, Primitive
from autograd.strategies.operands import FROM_KINK, entry, far_from_kinks, inside
from autograd.strategies.picture import Picture
from autograd.strategies.written import called, pretty

ACTIVATIONS = (
    *("identity", "tanh", "sigmoid", "relu", "softplus"),
    *("silu", "gelu", "elu", "leaky_relu", "selu"),
)
_SMALL = 2.0

Params = list[tuple[list[list[float]], list[float]]]


class Network:
    """A function of parameters and an input, `network(params, x)`, and numbers to call it with.

    params: for each layer its weights [n_out, n_in] and biases [n_out]; x: [n_in];
    activations: the name of each layer's. Gives the outputs of the last layer, [n_out].
    Its repr is a lambda, with these numbers as defaults: Python to paste.
    """

    def __init__(self, params: Params, x: Sequence[float], activations: Sequence[str]) -> None:
        self.params = params
        self.x = list(x)
        self.activations = tuple(activations)

    def __call__(self, params: Any = None, x: Sequence[Any] | None = None) -> Any:
        """The outputs: of numbers of any kind, or of its own."""
        outputs: Any = self.x if x is None else x
        layers = self.params if params is None else params
        for (weights, biases), activation in zip(layers, self.activations, strict=True):
            outputs = linear(outputs, weights, biases)
            if activation != "identity":
                outputs = ELEMENTWISE[activation](outputs)
        return outputs

    def __repr__(self) -> str:
        text = "x"
        for k, activation in enumerate(self.activations):
            text = f"autograd.linear({text}, *params[{k}])"
            if activation != "identity":
                text = f"{called(activation)}({text})"
        params = repr(self.params)
        if len(self.params) > 1:
            params = "[\n" + "".join(f"    {layer!r},\n" for layer in self.params) + "]"
        return f"lambda params={params}, x={self.x!r}: {text}"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        pretty(self, printer)


@st.composite
def networks(
    draw: st.DrawFn,
    activations: Iterable[str | Callable[..., Any]] = ACTIVATIONS,
    *,
    max_layers: int = 3,
    max_units: int = 4,
    picture: bool = True,
) -> Network:
    """Random dense networks of 1 to `max_layers` layers, of 1 to `max_units` units each.

    What goes into an activation stays away from its kinks.
    activations: names or functions to choose from, for each layer.
    picture: whether a failure also draws the network, into a file that the message names.
    Raises ValueError if there is no such activation.
    """
    entries = [entry(activation) for activation in activations]
    floats = inside(REAL, _SMALL)

    def list_of(n: int) -> list[float]:
        return draw(st.lists(floats, min_size=n, max_size=n))

    sizes = st.integers(1, max_units)
    x = outputs = list_of(draw(sizes))
    params: Params = []
    chosen = draw(st.lists(st.sampled_from(entries), min_size=1, max_size=max_layers))
    for p in chosen:
        n_in, n_out = len(outputs), draw(sizes)
        weights = [list_of(n_in) for _ in range(n_out)]
        biases = list_of(n_out)
        zs = linear(outputs, weights, biases)
        biases = [b + _off_kinks(p, z) for b, z in zip(biases, zs, strict=True)]
        params.append((weights, biases))
        outputs = Network([(weights, biases)], outputs, [p.name])()
    network = Network(params, x, [p.name for p in chosen])
    if picture:
        labels = [
            label
            for k, (weights, biases) in enumerate(params)
            for label in (
                *(f"w{k}[{i}][{j}]" for i, row in enumerate(weights) for j in range(len(row))),
                *(f"b{k}[{i}]" for i in range(len(biases))),
            )
        ]
        note(Picture(network, (params, x), [*labels, *(f"x[{i}]" for i in range(len(x)))]))
    return network


def _off_kinks(p: Primitive, z: float) -> float:
    """What to add to a bias, so that the activation has a derivative there."""
    defaults = [float(operand.split("=")[1]) for operand in p.operands[1:]]
    return 0.0 if far_from_kinks(p, (z, *defaults), FROM_KINK) else 0.25
