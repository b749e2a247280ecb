"""What PyTorch and Keras make of each loss and activation: `python tools/reference_losses.py`.

Needs torch and keras, which nothing else here does. Writes tests/data/losses.json: random inputs,
the value, and the gradient of it with respect to the predictions (of an activation: of the outputs
times fixed weights, added up, with respect to the inputs). All in float64.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

os.environ["KERAS_BACKEND"] = "torch"
import keras
import torch
import torch.nn.functional as F  # noqa: N812 - its usual name

FILE = Path(__file__).resolve().parent.parent / "tests" / "data" / "losses.json"
ROWS, OUTPUTS = 6, 4
torch.set_default_dtype(torch.float64)
keras.config.set_floatx("float64")

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
    ("huber", {"delta": 0.3}, "huber", reals, reals),
    ("poisson", {}, poisson, positives, counts),
    ("poisson", {}, "poisson", positives, counts),
    ("cosine_similarity", {}, cosine, reals, reals),
    ("cosine_similarity", {}, "cosine_similarity", reals, reals),
    ("binary_cross_entropy", {}, F.binary_cross_entropy, units, units),
    ("binary_cross_entropy", {}, "binary_crossentropy", units, units),
    ("binary_cross_entropy", LOGITS, F.binary_cross_entropy_with_logits, reals, units),
    ("hinge", {}, "hinge", reals, signs),
    ("squared_hinge", {}, "squared_hinge", reals, signs),
    ("categorical_cross_entropy", {}, "categorical_crossentropy", distribution, one_hot),
    ("categorical_cross_entropy", {}, "categorical_crossentropy", units, distribution),
    ("categorical_cross_entropy", LOGITS, F.cross_entropy, reals, distribution),
    ("sparse_categorical_cross_entropy", {}, "sparse_categorical_crossentropy", units, index),
    ("sparse_categorical_cross_entropy", LOGITS, sparse, reals, index),
    ("categorical_hinge", {}, "categorical_hinge", reals, one_hot),
    ("kl_divergence", {}, kl, units, one_hot),
    ("kl_divergence", {}, "kl_divergence", distribution, distribution),
]

ACTIVATIONS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "linear": ("Keras", keras.activations.linear),
    "step": ("PyTorch", lambda z: torch.sign(z).clamp(min=0.0)),
    "sigmoid": ("PyTorch", torch.sigmoid),
    "tanh": ("PyTorch", torch.tanh),
    "relu": ("PyTorch", F.relu),
    "leaky_relu": ("PyTorch", F.leaky_relu),
    "elu": ("PyTorch", F.elu),
    "selu": ("PyTorch", F.selu),
    "silu": ("PyTorch", F.silu),
    "gelu": ("PyTorch", F.gelu),
    "softplus": ("PyTorch", F.softplus),
    "softmax": ("PyTorch", lambda z: F.softmax(z, dim=-1)),
}


def main() -> None:
    losses = []
    for name, options, reference, make_prediction, make_target in LOSSES:
        predictions = [make_prediction() for _ in range(ROWS)]
        targets = [make_target() for _ in range(ROWS)]
        p = torch.tensor(predictions, requires_grad=True)
        if by_keras := isinstance(reference, str):
            # targets first, and a number for each row
            value = getattr(keras.losses, reference)(torch.tensor(targets), p, **options).mean()
        else:
            value = reference(p, torch.tensor(targets))
        value.backward()
        losses.append(
            {
                "loss": name,
                "options": options,
                "source": "Keras" if by_keras else "PyTorch",
                "predictions": predictions,
                "targets": targets,
                "value": value.item(),
                "gradient": p.grad.tolist(),
            }
        )
    activations = []
    for name, (source, f) in ACTIVATIONS.items():
        inputs, weights = [2.0 * z for z in reals() + reals()], reals() + reals()
        z = torch.tensor(inputs, requires_grad=True)
        outputs = f(z)
        (outputs * torch.tensor(weights)).sum().backward()
        activations.append(
            {
                "activation": name,
                "source": source,
                "inputs": inputs,
                "weights": weights,
                "outputs": outputs.tolist(),
                "gradient": z.grad.tolist(),
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
