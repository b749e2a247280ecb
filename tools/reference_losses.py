"""What PyTorch and Keras make of each loss and activation: `python tools/reference_losses.py`.

Needs torch, keras and jax. Writes tests/data/losses.json, all in float64. Of a loss: random
predictions and targets, the value, and its gradient with respect to the predictions; PyTorch's
where it has the loss, for Keras takes a mean over the outputs in float32. Of an activation,
PyTorch's: inputs, outputs, and the gradient of the outputs times the weights, added up.
"""

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"
import jax
import keras
import torch
import torch.nn.functional as F  # noqa: N812 - its usual name

FILE = Path(__file__).resolve().parent.parent / "tests" / "data" / "losses.json"
ROWS, OUTPUTS = 6, 4
torch.set_default_dtype(torch.float64)
keras.config.set_floatx("float64")
jax.config.update("jax_enable_x64", True)

rng = Random(0)


def reals() -> list[float]:
    return [rng.uniform(-3.0, 3.0) for _ in range(OUTPUTS)]


def units() -> list[float]:
    return [rng.uniform(0.02, 0.98) for _ in range(OUTPUTS)]


def positives() -> list[float]:
    return [rng.uniform(0.1, 5.0) for _ in range(OUTPUTS)]


def distribution() -> list[float]:
    xs = units()
    return [x / sum(xs) for x in xs]


def one_hot() -> list[float]:
    label = rng.randrange(OUTPUTS)
    return [float(k == label) for k in range(OUTPUTS)]


def index() -> float:
    return float(rng.randrange(OUTPUTS))


def signs() -> list[float]:
    return [rng.choice((-1.0, 1.0)) for _ in range(OUTPUTS)]


def counts() -> list[float]:
    return [float(rng.randrange(6)) for _ in range(OUTPUTS)]


def half_mse(p: Any, y: Any) -> Any:
    return 0.5 * F.mse_loss(p, y, reduction="sum") / len(p)


def poisson(p: Any, y: Any) -> Any:
    return F.poisson_nll_loss(p, y, log_input=False, eps=1e-7)


def cosine(p: Any, y: Any) -> Any:
    return -F.cosine_similarity(p, y).mean()


def hinge(p: Any, y: Any) -> Any:
    return F.margin_ranking_loss(p, torch.zeros_like(p), y, margin=1.0)


def squared_hinge(p: Any, y: Any) -> Any:
    each = F.margin_ranking_loss(p, torch.zeros_like(p), y, margin=1.0, reduction="none")
    return each.square().mean()


def sparse(p: Any, y: Any) -> Any:
    return F.cross_entropy(p, y.long())


def kl(p: Any, y: Any) -> Any:
    return F.kl_div(p.log(), y, reduction="batchmean")


LOGITS = {"from_logits": True}
# The loss, its options, PyTorch's function or the name of Keras's, random predictions and targets
LOSSES: list[tuple[str, dict[str, Any], Any, Callable[[], Any], Callable[[], Any]]] = [
    ("mse", {}, F.mse_loss, reals, reals),
    ("half_mse", {}, half_mse, reals, reals),
    ("mae", {}, F.l1_loss, reals, reals),
    ("huber", {}, F.huber_loss, reals, reals),
    ("huber", {"delta": 0.3}, partial(F.huber_loss, delta=0.3), reals, reals),
    ("poisson", {}, poisson, positives, counts),
    ("cosine_similarity", {}, cosine, reals, reals),
    ("cosine_similarity", {}, "cosine_similarity", reals, reals),
    ("binary_cross_entropy", {}, F.binary_cross_entropy, units, units),
    ("binary_cross_entropy", LOGITS, F.binary_cross_entropy_with_logits, reals, units),
    ("hinge", {}, hinge, reals, signs),
    ("squared_hinge", {}, squared_hinge, reals, signs),
    ("categorical_cross_entropy", {}, "categorical_crossentropy", distribution, one_hot),
    ("categorical_cross_entropy", {}, "categorical_crossentropy", units, distribution),
    ("categorical_cross_entropy", LOGITS, F.cross_entropy, reals, distribution),
    ("sparse_categorical_cross_entropy", {}, "sparse_categorical_crossentropy", units, index),
    ("sparse_categorical_cross_entropy", LOGITS, sparse, reals, index),
    ("categorical_hinge", {}, "categorical_hinge", reals, one_hot),
    ("kl_divergence", {}, kl, units, one_hot),
    ("kl_divergence", {}, "kl_divergence", distribution, distribution),
]

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "linear": torch.nn.Identity(),
    "step": lambda z: torch.sign(z).clamp(min=0.0),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "selu": F.selu,
    "silu": F.silu,
    "gelu": F.gelu,
    "softplus": F.softplus,
    "softmax": lambda z: F.softmax(z, dim=-1),
}


def by_torch(f: Callable[..., Any], x: Any, *rest: Any) -> tuple[Any, Any]:
    """The value, and its gradient with respect to x."""
    x = torch.tensor(x, requires_grad=True)
    value = f(x, *map(torch.tensor, rest))
    value.backward()
    return value.item(), x.grad.tolist()


def by_keras(name: str, options: dict[str, Any], x: Any, y: Any) -> tuple[Any, Any]:
    """The same; Keras takes the targets first, and gives a number for each row."""

    def loss(x: Any) -> Any:
        return getattr(keras.losses, name)(jax.numpy.array(y), x, **options).mean()

    value, gradient = jax.value_and_grad(loss)(jax.numpy.array(x))
    return value.item(), gradient.tolist()


def main() -> None:
    losses = []
    for name, options, reference, make_prediction, make_target in LOSSES:
        predictions = [make_prediction() for _ in range(ROWS)]
        targets = [make_target() for _ in range(ROWS)]
        if isinstance(reference, str):
            source, (value, gradient) = "Keras", by_keras(reference, options, predictions, targets)
        else:
            source, (value, gradient) = "PyTorch", by_torch(reference, predictions, targets)
        losses.append(
            {
                "loss": name,
                "options": options,
                "source": source,
                "predictions": predictions,
                "targets": targets,
                "value": value,
                "gradient": gradient,
            }
        )
    activations = []
    for name, f in ACTIVATIONS.items():
        inputs, weights = [2.0 * z for z in reals() + reals()], reals() + reals()
        _, gradient = by_torch(lambda z, w, f=f: (f(z) * w).sum(), inputs, weights)
        activations.append(
            {
                "activation": name,
                "inputs": inputs,
                "weights": weights,
                "outputs": f(torch.tensor(inputs)).tolist(),
                "gradient": gradient,
            }
        )
    versions = {"PyTorch": torch.__version__, "Keras": keras.__version__}
    # one case to a line, so that a change can be read in a diff
    lines = [f'"versions": {json.dumps(versions)}']
    for key, entries in (("losses", losses), ("activations", activations)):
        body = ",\n  ".join(json.dumps(entry) for entry in entries)
        lines.append(f'"{key}": [\n  {body}\n]')
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
