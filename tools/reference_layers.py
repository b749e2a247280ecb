"""What Keras's layers compute: writes tests/data/layers.json, which tests/test_nn_layers.py reads.

Run it with Keras 3 and JAX installed: `python tools/reference_layers.py`. Everything is float64.
The figures of a layer: its outputs for a batch, and the gradients, by input and weights, of the sum
of outputs times given numbers plus the penalties of its regularisers. Keras adds a small epsilon to
norms in its constraints; here it is set to 0.
"""

import json
import os
from pathlib import Path
from typing import Any

os.environ |= {"KERAS_BACKEND": "jax", "JAX_ENABLE_X64": "1"}

import jax
import keras
import numpy as np

FILE = Path(__file__).resolve().parent.parent / "tests" / "data" / "layers.json"

# layer, its options, the shape of a row
LAYERS: list[tuple[str, dict[str, Any], list[int]]] = [
    ("Dense", {"units": 3}, [4]),
    ("Dense", {"units": 3, "activation": "sigmoid", "use_bias": False}, [4]),
    ("Dense", {"units": 3, "activation": "softmax"}, [4]),
    (
        "Dense",
        {
            "units": 3,
            "activation": "selu",
            "kernel_regularizer": "l1",
            "bias_regularizer": "l2",
            "activity_regularizer": "l2",
        },
        [4],
    ),
    ("Conv2D", {"filters": 3, "kernel_size": 3}, [5, 4, 2]),
    ("Conv2D", {"filters": 2, "kernel_size": [2, 3], "activation": "softmax"}, [4, 5, 2]),
    (
        "Conv2D",
        {"filters": 2, "kernel_size": 3, "padding": "same", "activation": "relu"},
        [4, 5, 1],
    ),
    (
        "Conv2D",
        {"filters": 2, "kernel_size": [2, 4], "strides": [2, 3], "padding": "same"},
        [5, 7, 2],
    ),
    (
        "Conv2D",
        {
            "filters": 2,
            "kernel_size": [3, 2],
            "strides": 2,
            "use_bias": False,
            "activation": "sigmoid",
            "kernel_regularizer": "l2",
            "activity_regularizer": "l1",
        },
        [5, 6, 1],
    ),
    ("MaxPooling2D", {}, [4, 5, 2]),
    ("MaxPooling2D", {"pool_size": [3, 2], "strides": [2, 1]}, [5, 4, 2]),
    ("MaxPooling2D", {"pool_size": 3, "strides": 2, "padding": "same"}, [4, 5, 1]),
    ("AveragePooling2D", {"pool_size": [2, 3]}, [4, 6, 2]),
    ("AveragePooling2D", {"pool_size": 3, "strides": 2, "padding": "same"}, [4, 5, 2]),
    ("Flatten", {}, [2, 3, 2]),
    ("Reshape", {"target_shape": [3, -1]}, [2, 3, 2]),
    ("Activation", {"activation": "softmax"}, [2, 3]),
    ("Activation", {"activation": "gelu"}, [5]),
    ("Dropout", {"rate": 0.4}, [5]),
]
PENALTIES = {
    "l1": keras.regularizers.L1(0.3),
    "l2": keras.regularizers.L2(0.3),
    "l1_l2": keras.regularizers.L1L2(l1=0.2, l2=0.3),
}
CONSTRAINTS = {
    "max_norm": keras.constraints.MaxNorm(),
    "unit_norm": keras.constraints.UnitNorm(),
    "non_neg": keras.constraints.NonNeg(),
}


def layer_figures(name: str, options: dict[str, Any], shape: list[int], rows: int) -> Any:
    rng = np.random.default_rng(len(json.dumps([name, options, shape])))
    # (a layer called by itself leaves out the penalty on its outputs)
    layer = keras.Sequential([keras.Input(shape), getattr(keras.layers, name)(**options)])
    weights = [rng.normal(size=w.shape) for w in layer.trainable_variables]
    x = rng.normal(size=(rows, *shape))
    cotangent = rng.normal(size=(rows, *layer.compute_output_shape((rows, *shape))[1:]))
    fixed = [v.value for v in layer.non_trainable_variables]

    def objective(x: Any, weights: Any) -> Any:
        outputs, _, losses = layer.stateless_call(weights, fixed, x, return_losses=True)
        return (outputs * cotangent).sum() + sum(losses), outputs

    gradient = jax.value_and_grad(objective, argnums=(0, 1), has_aux=True)
    (value, outputs), (by_x, by_weights) = gradient(x, weights)
    assert outputs.dtype == np.float64, f"Keras computes {options} in float32"  # as it does tanh
    arrays = {
        "x": x,
        "weights": weights,
        "cotangent": cotangent,
        "outputs": outputs,
        "objective": value,
        "by_x": by_x,
        "by_weights": by_weights,
    }
    return {
        "layer": name,
        "options": options,
        **jax.tree.map(lambda a: np.asarray(a).tolist(), arrays),
    }


def main() -> None:
    keras.config.set_floatx("float64")
    keras.config.set_epsilon(0.0)
    kernel = np.random.default_rng(1).normal(size=(3, 4)) * [0.1, 1.0, 3.0, 10.0]
    figures = {
        "layers": [layer_figures(*case, rows=2) for case in LAYERS],
        "kernel": kernel.tolist(),
        "regularizers": {name: float(f(kernel)) for name, f in PENALTIES.items()},
        "constraints": {name: np.asarray(f(kernel)).tolist() for name, f in CONSTRAINTS.items()},
    }
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(figures) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
