"""What PyTorch's and Keras's models predict: writes tests/data/weights, for test_import_weights.py.

Run it with PyTorch, Keras 3, JAX and safetensors installed: `python tools/reference_weights.py`.
Each model's weights become a safetensors file, as its library's users make them; its input and its
predictions, in float64, stand in predictions.json. One file is ours, and PyTorch loads it.
"""

import json
import os
import sys
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ |= {"KERAS_BACKEND": "jax", "JAX_ENABLE_X64": "1"}

import keras
import numpy as np
import torch
from safetensors.numpy import save_file
from safetensors.torch import load_file as torch_load
from safetensors.torch import save_file as torch_save

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tests" / "data" / "weights"
sys.path.insert(0, str(ROOT))

from tests.networks_of_others import cnn, mlp  # noqa: E402  (ours, once the path is set)

MLP_ROWS = np.random.default_rng(0).normal(size=(4, 3))
IMAGES = np.random.default_rng(1).normal(size=(3, 6, 9, 2))  # channels last
SCALE = 3.0  # larger weights than are drawn, so that an activation is not nearly linear


def torch_mlp() -> Any:
    return torch.nn.Sequential(
        torch.nn.Linear(3, 5),
        torch.nn.Sigmoid(),
        torch.nn.Linear(5, 4),
        torch.nn.ReLU(),
        torch.nn.Linear(4, 2, bias=False),
    )


def named_mlp() -> Any:
    """The same with names that say nothing of their order."""
    names = ["entry", "a", "body", "b", "answer"]
    return torch.nn.Sequential(OrderedDict(zip(names, torch_mlp(), strict=True)))


def torch_cnn() -> Any:
    return torch.nn.Sequential(
        torch.nn.Conv2d(2, 3, (2, 3)),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(3, 4, 1),
        torch.nn.Flatten(),
        torch.nn.Sigmoid(),
        torch.nn.Linear(24, 3),
        torch.nn.Softplus(),
    )


def keras_mlp() -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(5, activation="sigmoid"),
            layers.Dense(4, activation="relu"),
            layers.Dense(2, use_bias=False),
        ]
    )


def keras_cnn() -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((6, 9, 2)),
            layers.Conv2D(3, (2, 3), activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(4, 1),
            layers.Flatten(),
            layers.Activation("sigmoid"),
            layers.Dropout(0.5),
            layers.Dense(3, activation="softplus"),
        ]
    )


def torch_predictions(model: Any, rows: Any) -> Any:
    x = torch.tensor(rows if rows.ndim == 2 else rows.transpose(0, 3, 1, 2))
    with torch.no_grad():
        return model.double()(x).numpy()


def of_torch(make: Callable[[], Any], rows: Any, name: str, dtype: Any = torch.float64) -> Any:
    torch.manual_seed(0)
    model = make().double()
    with torch.no_grad():
        for p in model.parameters():
            p.copy_((p * SCALE).to(dtype))
    state = {key: x.to(dtype) for key, x in model.state_dict().items()}
    torch_save(state, FOLDER / f"{name}.safetensors")
    return torch_predictions(model, rows)


def of_keras(make: Callable[[], Any], rows: Any, name: str) -> Any:
    keras.utils.clear_session()
    make()  # so that the names of the second one's layers begin at other numbers
    keras.utils.set_random_seed(0)
    model = make()
    for v in model.weights:
        if "seed" not in v.path:
            v.assign(np.random.default_rng(len(v.path)).normal(size=v.shape))
    save_file({v.path: np.asarray(v) for v in model.weights}, FOLDER / f"{name}.safetensors")
    return np.asarray(model(rows))


def from_us(ours: Any, theirs: Any, rows: Any, name: str) -> Any:
    import nn

    nn.save_torch(ours, FOLDER / f"{name}.safetensors")
    theirs = theirs.double()
    theirs.load_state_dict(torch_load(FOLDER / f"{name}.safetensors"))
    return torch_predictions(theirs, rows)


def main() -> None:
    keras.config.set_floatx("float64")
    FOLDER.mkdir(parents=True, exist_ok=True)
    predictions = {
        "torch_mlp": of_torch(torch_mlp, MLP_ROWS, "torch_mlp"),
        "torch_mlp_float32": of_torch(torch_mlp, MLP_ROWS, "torch_mlp_float32", torch.float32),
        "torch_mlp_float16": of_torch(torch_mlp, MLP_ROWS, "torch_mlp_float16", torch.float16),
        "torch_mlp_bfloat16": of_torch(torch_mlp, MLP_ROWS, "torch_mlp_bfloat16", torch.bfloat16),
        "torch_named": of_torch(named_mlp, MLP_ROWS, "torch_named"),
        "torch_cnn": of_torch(torch_cnn, IMAGES, "torch_cnn"),
        "keras_mlp": of_keras(keras_mlp, MLP_ROWS, "keras_mlp"),
        "keras_cnn": of_keras(keras_cnn, IMAGES, "keras_cnn"),
        "ours_mlp": from_us(mlp(), torch_mlp(), MLP_ROWS, "ours_mlp"),
        "ours_cnn": from_us(cnn(), torch_cnn(), IMAGES, "ours_cnn"),
    }
    figures = {
        "rows": MLP_ROWS.tolist(),
        "images": IMAGES.tolist(),
        "predictions": {name: y.tolist() for name, y in predictions.items()},
    }
    file = FOLDER / "predictions.json"
    file.write_text(json.dumps(figures) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
