"""Pictures of models: what is drawn are the model's own numbers."""

from typing import Any

import numpy as np
import pytest

import nn
from autograd import Value
from nn import HyperparameterError, Sequential, drawing, plots
from nn.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the plotting functions are given."""
    given: dict[str, Any] = {}

    def network(layers: Any, **options: Any) -> str:
        given.update(options, layers=layers)
        return "figure"

    def flow(by_layer: Any) -> str:
        given.update(flow=by_layer)
        return "figure"

    monkeypatch.setattr(plots, "network", network)
    monkeypatch.setattr(plots, "gradient_flow", flow)
    return given


def test_a_sequential_is_drawn_with_its_weights(drawn: dict[str, Any]) -> None:
    """Edges are the kernels; neurons hold the activations and gradients that backward gives."""
    model = Sequential(
        [Dense(3, input_dim=2, activation="tanh"), Dropout(0.5), Dense(1, activation="sigmoid")]
    )
    model.compile("sgd", "binary_crossentropy")
    assert nn.draw(model, [0.5, -1.0], 1.0) == "figure"
    kernels = [layer.get_weights()[0] for layer in (model.layers[0], model.layers[2])]
    assert drawn["layers"] == kernels
    assert drawn["layer_names"] == ["input", "dense", "dense_1"]
    inputs = [Value(0.5), Value(-1.0)]
    (out,) = model(inputs)
    nn.binary_cross_entropy([out], [1.0]).backward()
    assert drawn["gradients"][0] == pytest.approx([v.grad for v in inputs])
    assert drawn["activations"][-1] == pytest.approx([out.data])
    assert drawn["gradients"][-1] == pytest.approx([out.grad])
    nn.gradient_flow(model, [0.5, -1.0], 1.0)
    assert list(drawn["flow"]) == ["input", "dense", "dropout", "dense_1"]
    assert drawn["flow"]["dense_1"] == pytest.approx([out.grad])


def test_an_mlp_and_its_parts_are_drawn(drawn: dict[str, Any]) -> None:
    """A perceptron network, a layer and a neuron, with mse where no loss is given."""
    model = nn.MLP(2, [3, 1])
    nn.draw(model, [1.0, 2.0], [0.5])
    assert [len(m) for m in drawn["layers"]] == [2, 3]
    prediction = model([1.0, 2.0]).data
    assert drawn["gradients"][-1] == pytest.approx([2.0 * (prediction - 0.5)])
    for part in (model.layers[0], model.layers[0].neurons[1]):
        nn.draw(part)
        assert drawn["activations"] is None
    assert drawn["layers"] == [[[w.data] for w in model.layers[0].neurons[1].w]]


def test_kernels_are_no_edges(drawn: dict[str, Any]) -> None:
    """Of a CNN the dense layers are drawn; without any, the error says so."""
    model = Sequential(
        [Conv2D(2, 3, input_shape=(4, 4, 1)), MaxPooling2D(2), Flatten(), Dense(3), Dense(2)]
    )
    nn.draw(model, np.zeros((4, 4, 1)))
    assert drawn["layer_names"] == ["flatten", "dense", "dense_1"]
    assert [len(column) for column in drawn["activations"]] == [2, 3, 2]
    with pytest.raises(HyperparameterError, match="dense"):
        nn.draw(Sequential([Conv2D(2, 3, input_shape=(4, 4, 1))]))


def test_weights_and_activations_by_layer() -> None:
    """What histograms show: all numbers of each layer, for all rows."""
    model = Sequential([Dense(3, input_dim=2, activation="relu"), Dense(1)])
    rows = [[0.0, 1.0], [2.0, -1.0]]
    assert {name: len(found) for name, found in drawing.weights(model).items()} == {
        "dense": 9,
        "dense_1": 4,
    }
    found = drawing.activations(model, rows)
    assert found["dense_1"] == pytest.approx(model.predict(rows).ravel())
    assert len(found["dense"]) == 6
