"""Pictures of a model: the network itself, and how the gradient of one sample passes through it."""

from typing import TYPE_CHECKING, Any

from autograd import Value
from nn import plots
from nn.errors import HyperparameterError
from nn.layers import MLP, Layer, Neuron
from nn.layers.base import Pass, flat, nested
from nn.layers.perceptron import Layer as _Layer
from nn.losses import loss_function
from nn.models import Sequential

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Network = Sequential | MLP | _Layer | Neuron


def draw(
    model: Network,
    x: Any = None,
    y: Any = None,
    *,
    loss: Any = None,
    input_labels: Any = None,
    output_labels: Any = None,
    title: str = "",
) -> "Figure":
    """The network: neurons as circles, weights as edges, solid above 0 and dashed below.

    x: one sample, whose activations are then written into the neurons. y: its target, by which the
    gradient of the loss arrives at each neuron (∂). loss: by default that of `compile`, or mse.
    Of a network with convolutions, the dense layers after them are shown.
    Raises HyperparameterError if there are none.
    """
    columns, matrices = edges_of(model)
    outputs = None if x is None else outputs_of(model, x)
    if outputs is not None and y is not None:
        _backward(model, outputs[-1][1], y, loss)
    shown = None if outputs is None else [o for name, o in outputs if name in columns]
    numbers = None if shown is None else [[v.data for v in values] for values in shown]
    gradients = None if shown is None or y is None else [[v.grad for v in vs] for vs in shown]
    return plots.network(
        matrices,
        activations=numbers,
        gradients=gradients,
        input_labels=input_labels,
        output_labels=output_labels,
        layer_names=list(columns),
        title=title,
    )


def gradient_flow(model: Network, x: Any, y: Any, *, loss: Any = None) -> "Figure":
    """How much of the gradient of one sample's loss arrives at each layer's output.

    x, y: the sample and its target. loss: by default that of `compile`, or mse.
    """
    outputs = outputs_of(model, x)
    _backward(model, outputs[-1][1], y, loss)
    return plots.gradient_flow({name: [v.grad for v in values] for name, values in outputs})


def activations(model: Network, xs: Any) -> dict[str, list[float]]:
    """The outputs of each layer for some rows, by the layer's name: for `plots.histograms`."""
    found: dict[str, list[float]] = {}
    for x in nested(xs):
        for name, values in outputs_of(model, x)[1:]:
            found.setdefault(name, []).extend(v.data for v in values)
    return found


def weights(model: Network) -> dict[str, list[float]]:
    """The weights of each layer, biases included, by the layer's name: for `plots.histograms`."""
    return {
        name: [p.data for p in layer.parameters()]
        for name, layer in layers_of(model)
        if layer.parameters()
    }


def layers_of(model: Network) -> list[tuple[str, Any]]:
    """The layers by name."""
    if isinstance(model, Sequential):
        return [(str(layer.name), layer) for layer in model.layers]
    if isinstance(model, MLP):
        return [(f"layer {k}", layer) for k, layer in enumerate(model.layers, 1)]
    if isinstance(model, (Layer, Neuron)):
        return [(type(model).__name__.lower(), model)]
    raise TypeError(f"expected a Sequential, MLP, Layer or Neuron, but got {model!r:.80}")


def edges_of(model: Network) -> tuple[list[str], list[Any]]:
    """The columns to show, and the weights between them.

    The weights of a kernel are no edges: what comes before the last such layer is not shown.
    """
    columns, skipped = ["input"], False
    matrices: list[Any] = []
    for name, layer in layers_of(model):
        if len(getattr(layer, "input_shape", (0,))) > 1 and (skipped or layer.parameters()):
            columns, matrices, skipped = [name], [], True
        elif layer.parameters():
            columns.append(name)
            neurons = [layer] if isinstance(layer, Neuron) else layer.neurons
            rows = range(len(neurons[0].w))
            matrices.append([[neuron.w[i].data for neuron in neurons] for i in rows])
    if not matrices:
        raise HyperparameterError(
            "expected a model with dense layers, whose weights can be drawn as edges, but "
            f"{model!r:.80} has none at its end"
        )
    return columns, matrices


def outputs_of(model: Network, x: Any) -> list[tuple[str, list[Any]]]:
    """The nodes of the input and of each layer's output for one row, in inference mode."""
    x = _nodes(nested(x))
    found = [("input", flat(x))]
    for name, layer in layers_of(model):
        x = layer.row(x, Pass()) if isinstance(model, Sequential) else layer(x)
        found.append((name, flat(x)))
    return found


def _nodes(x: Any) -> Any:
    return [_nodes(item) for item in x] if isinstance(x, (list, tuple)) else Value(x)


def _backward(model: Network, prediction: list[Any], y: Any, loss: Any) -> None:
    if loss is None:
        loss = getattr(model, "loss", "mse")
    error = loss_function(loss)([prediction], [flat(nested(y))])
    for p in model.parameters():
        p.grad = 0.0
    error.backward()
