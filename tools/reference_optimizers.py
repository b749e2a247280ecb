"""PyTorch's trajectories and rates, which tests hold our optimisers and schedules against.

    python tools/reference_optimizers.py

It writes tests/data/optimizers.json. PyTorch is needed here only.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.optim import lr_scheduler

PLACE = Path(__file__).parents[1] / "tests" / "data" / "optimizers.json"
STEPS, EVERY = 50, 5  # the parameters are kept after each EVERY steps

POINTS = [(-1.6, 0.7), (-0.9, -0.2), (-0.1, 0.4), (0.6, 1.3), (1.1, 0.2), (1.9, -0.8)]
START = [0.8, -1.2, 0.3, 0.5]


def loss(a: Any, b: Any, c: Any, d: Any) -> Any:
    """Mean squared error of a tanh(b x + c) + sin(d x): not convex, and steep along d."""
    errors = [a * torch.tanh(b * x + c) + torch.sin(d * x) - y for x, y in POINTS]
    return sum(e * e for e in errors) / len(POINTS)


OPTIMIZERS: dict[str, Callable[..., Any]] = {
    "sgd": torch.optim.SGD,
    "momentum": lambda ps, **z: torch.optim.SGD(ps, **{"momentum": 0.9, **z}),
    "nesterov": lambda ps, **z: torch.optim.SGD(ps, **{"momentum": 0.9, **z}, nesterov=True),
    "adagrad": torch.optim.Adagrad,
    "adadelta": torch.optim.Adadelta,
    "rmsprop": torch.optim.RMSprop,
    "adam": torch.optim.Adam,
    "amsgrad": lambda ps, **z: torch.optim.Adam(ps, **z, amsgrad=True),
    "adamw": torch.optim.AdamW,
    "nadam": torch.optim.NAdam,
}

SCHEDULES: dict[str, Callable[..., Any]] = {
    "step_decay": lr_scheduler.StepLR,
    "exponential_decay": lr_scheduler.ExponentialLR,
    "polynomial_decay": lambda o, steps, power: lr_scheduler.PolynomialLR(o, steps, power),
    "cosine_decay": lambda o, steps, lr_min: lr_scheduler.CosineAnnealingLR(o, steps, lr_min),
    "warmup": lambda o, steps, start_factor: lr_scheduler.LinearLR(o, start_factor, 1.0, steps),
}

# name, settings; {} has the defaults in it. SGD's rate is given, for PyTorch's default is another.
RUNS: list[tuple[str, dict[str, Any]]] = [
    ("sgd", {"lr": 0.05}),
    ("sgd", {"lr": 0.05, "weight_decay": 0.1}),
    ("momentum", {"lr": 0.02}),
    ("momentum", {"lr": 0.05, "momentum": 0.5, "weight_decay": 0.1}),
    ("nesterov", {"lr": 0.02}),
    ("nesterov", {"lr": 0.02, "momentum": 0.7, "weight_decay": 0.1}),
    ("adagrad", {}),
    ("adagrad", {"lr": 0.3, "weight_decay": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-3}),
    ("adadelta", {}),
    ("adadelta", {"lr": 3.0, "rho": 0.7, "eps": 1e-3, "weight_decay": 0.1}),
    ("rmsprop", {}),
    ("rmsprop", {"lr": 0.02, "alpha": 0.8, "eps": 1e-3, "weight_decay": 0.1, "momentum": 0.6}),
    ("adam", {}),
    ("adam", {"lr": 0.1, "betas": [0.7, 0.9], "eps": 1e-3, "weight_decay": 0.1}),
    ("adam", {"lr": 0.1, "betas": [0.0, 0.9]}),
    ("amsgrad", {"lr": 0.1, "betas": [0.8, 0.6]}),
    ("amsgrad", {"lr": 0.05, "betas": [0.7, 0.5], "eps": 1e-3, "weight_decay": 0.1}),
    ("adamw", {}),
    ("adamw", {"lr": 0.1, "betas": [0.7, 0.9], "eps": 1e-3, "weight_decay": 0.5}),
    ("nadam", {}),
    ("nadam", {"lr": 0.1, "betas": [0.7, 0.9], "eps": 1e-3, "weight_decay": 0.1,
               "momentum_decay": 0.5}),
    ("sgd", {"lr": 0.1, "clipvalue": 0.2}),
    ("momentum", {"lr": 0.05, "clipnorm": 0.3}),
    ("adam", {"lr": 0.1, "clipvalue": 0.3, "clipnorm": 0.4}),
    ("nadam", {"lr": 0.1, "clipnorm": 0.1}),
    ("sgd", {"lr": ["step_decay", {"lr": 0.2, "step_size": 12, "gamma": 0.5}]}),
    ("adam", {"lr": ["cosine_decay", {"lr": 0.2, "steps": 40, "lr_min": 0.01}], "clipnorm": 0.5}),
    ("rmsprop", {"lr": ["exponential_decay", {"lr": 0.1, "gamma": 0.95}]}),
]  # fmt: skip

RATES: list[list[Any]] = [
    ["step_decay", {"lr": 0.3, "step_size": 7, "gamma": 0.5}],
    ["step_decay", {"lr": 0.3, "step_size": 1}],
    ["exponential_decay", {"lr": 0.3, "gamma": 0.9}],
    ["polynomial_decay", {"lr": 0.3, "steps": 20, "power": 1.0}],
    ["polynomial_decay", {"lr": 0.3, "steps": 33, "power": 2.5}],
    ["cosine_decay", {"lr": 0.3, "steps": 50, "lr_min": 0.0}],
    ["cosine_decay", {"lr": 0.3, "steps": 13, "lr_min": 0.02}],
    ["warmup", {"after": 0.3, "steps": 9, "start_factor": 0.25}],
    ["warmup", {"after": ["cosine_decay", {"lr": 0.3, "steps": 30, "lr_min": 0.02}],
                "steps": 9, "start_factor": 0.1}],
    ["warmup", {"after": ["step_decay", {"lr": 0.3, "step_size": 10, "gamma": 0.5}],
                "steps": 1, "start_factor": 0.0625}],
]  # fmt: skip


def first_rate(schedule: list[Any]) -> float:
    """The rate PyTorch's optimiser is made with."""
    settings = schedule[1]
    after = settings.get("after", settings.get("lr"))
    return first_rate(after) if isinstance(after, list) else after


def scheduler_of(optimizer: Any, schedule: list[Any]) -> Any:
    """PyTorch's scheduler for one of ours."""
    name, settings = schedule
    rest = {key: x for key, x in settings.items() if key not in ("lr", "after")}
    after = settings.get("after")
    if not isinstance(after, list):
        return SCHEDULES[name](optimizer, **rest)
    both = [SCHEDULES[name](optimizer, **rest), scheduler_of(optimizer, after)]
    return lr_scheduler.SequentialLR(optimizer, both, [settings["steps"]])


def rates(schedule: list[Any]) -> list[float]:
    """The rate of each update."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=first_rate(schedule))
    scheduler = scheduler_of(optimizer, schedule)
    found = []
    for _ in range(STEPS):
        found.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    return found


def path(name: str, settings: dict[str, Any]) -> list[list[float]]:
    """The parameters after each EVERY steps."""
    settings = dict(settings)
    clipvalue, clipnorm = settings.pop("clipvalue", None), settings.pop("clipnorm", None)
    lr = settings.get("lr")
    if isinstance(lr, list):
        settings["lr"] = first_rate(lr)
    params = [torch.tensor(x, requires_grad=True) for x in START]
    optimizer = OPTIMIZERS[name](params, **settings)
    scheduler = scheduler_of(optimizer, lr) if isinstance(lr, list) else None
    found = []
    for step in range(1, STEPS + 1):
        optimizer.zero_grad()
        loss(*params).backward()
        if clipvalue is not None:
            torch.nn.utils.clip_grad_value_(params, clipvalue)
        if clipnorm is not None:
            torch.nn.utils.clip_grad_norm_(params, clipnorm)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        if step % EVERY == 0:
            found.append([p.item() for p in params])
    return found


def main() -> None:
    """Write the figures."""
    torch.set_default_dtype(torch.float64)  # NAdam's product of momenta follows it
    figures = {
        "made_with": f"PyTorch {torch.__version__}",
        "points": POINTS,
        "start": START,
        "every": EVERY,
        "runs": [{"name": n, "settings": z, "path": path(n, z)} for n, z in RUNS],
        "schedules": [{"schedule": z, "rates": rates(z)} for z in RATES],
    }
    PLACE.parent.mkdir(exist_ok=True)
    text = re.sub(r"\n\s+(?=[-\d\]])", "", json.dumps(figures, indent=1))  # numbers on one line
    PLACE.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
