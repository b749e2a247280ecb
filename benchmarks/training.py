"""`Sequential.fit` against Keras, PyTorch and scikit-learn: `python -m benchmarks.training`.

    python -m benchmarks.training --peer keras-jax     one of them, here: prints a line of JSON

The network 10-64-32-16-8-4-1 (relu, sigmoid, binary cross-entropy, Adam, batches of 32) on 10,000
rows, with the accuracy of each epoch and 2,500 rows to validate with, which scikit-learn leaves
out. A step is an epoch over its 313 steps, validation included. From equal weights, on rows in
their order, all must come to the same validation loss before any time is reported.

Then handwritten digits: 64-32-10, five seeds each, the share of the held-out fifth that is right.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.eager_tasks import timed
from benchmarks.peers import OURS, install, run

ROWS, HELD_OUT, BATCH, STEPS = 10_000, 2_500, 32, 313
SIZES = [64, 32, 16, 8, 4, 1]
EPOCHS = 2  # of one call of fit
SEEDS, DIGITS_EPOCHS = range(5), 40
TARGETS = {"keras-jax": 10.0, "keras-torch": 10.0, "sklearn": 15.0}
REQUIREMENTS = ("jax", "keras", "numpy", "scikit-learn", "torch==2.13.0")


class Task:
    """The rows, and the weights to start from, [n_in, n_out] and [n_out] each."""

    def __init__(self) -> None:
        import numpy as np

        rng = np.random.default_rng(0)
        xs = rng.normal(size=(ROWS + HELD_OUT, 10))
        ys = (xs[:, 0] * xs[:, 1] + xs[:, 2] > 0.0).astype(float)
        self.train, self.held_out = (xs[:ROWS], ys[:ROWS]), (xs[ROWS:], ys[ROWS:])
        self.weights, n_in = [], 10
        for n_out in SIZES:
            limit = (6.0 / n_in) ** 0.5
            self.weights += [rng.uniform(-limit, limit, size=(n_in, n_out)), np.zeros(n_out)]
            n_in = n_out


# Each is made of the task, and gives a function from a number of epochs and whether to shuffle:
# it trains on from where it was, and gives the validation loss, nan if it has none


Fit = Callable[[int, bool], float]


def glassgrad(task: Task, compiled: bool | None = True) -> Fit:
    """Our own."""
    from nn.layers import Dense
    from nn.models import Sequential

    model = Sequential([Dense(n, activation="relu") for n in SIZES[:-1]])
    model.add(Dense(1, activation="sigmoid"))
    model.build((10,))
    model.set_weights(task.weights)
    model.compile(
        optimizer="Adam", loss="binary_crossentropy", metrics=["accuracy"], compiled=compiled
    )

    def fit(epochs: int, shuffle: bool) -> float:
        history = model.fit(
            *task.train, epochs=epochs, validation_data=task.held_out, shuffle=shuffle, verbose=0
        )
        return history.history["val_loss"][-1]

    return fit


def keras(task: Task, backend: str) -> Fit:
    """The same words, with Keras."""
    os.environ["KERAS_BACKEND"] = backend
    from keras.layers import Dense, Input
    from keras.models import Sequential

    model = Sequential([Input((10,))])
    for n in SIZES[:-1]:
        model.add(Dense(n, activation="relu"))
    model.add(Dense(1, activation="sigmoid"))
    model.set_weights(task.weights)
    model.compile(optimizer="Adam", loss="binary_crossentropy", metrics=["accuracy"])

    def fit(epochs: int, shuffle: bool) -> float:
        history = model.fit(
            *task.train, epochs=epochs, validation_data=task.held_out, shuffle=shuffle, verbose=0
        )
        return float(history.history["val_loss"][-1])

    return fit


def torch_eager(task: Task) -> Fit:
    """PyTorch's way, by hand: tensors of float64, batches by index, the fused Adam."""
    import torch
    from torch import nn
    from torch.nn.functional import binary_cross_entropy

    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    layers: list[Any] = []
    n_in = 10
    for k, n in enumerate(SIZES):
        layers += [nn.Linear(n_in, n), nn.ReLU() if n > 1 else nn.Sigmoid()]
        with torch.no_grad():
            layers[-2].weight.copy_(torch.tensor(task.weights[2 * k].T))
            layers[-2].bias.zero_()
        n_in = n
    model = nn.Sequential(*layers)
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    (xs, ys), (held_x, held_y) = (
        (torch.tensor(x), torch.tensor(y)[:, None]) for x, y in (task.train, task.held_out)
    )

    def fit(epochs: int, shuffle: bool) -> float:
        for _ in range(epochs):
            order = torch.randperm(ROWS) if shuffle else torch.arange(ROWS)
            right = torch.zeros(())
            for rows in order.split(BATCH):
                x, y = xs[rows], ys[rows]
                optimizer.zero_grad()
                p = model(x)
                binary_cross_entropy(p, y).backward()
                optimizer.step()
                right += ((p.detach() > 0.5) == (y > 0.5)).sum()
            with torch.no_grad():
                p = model(held_x)
                loss = binary_cross_entropy(p, held_y).item()
                _ = ((p > 0.5) == (held_y > 0.5)).double().mean().item()
        return float(loss)

    return fit


def sklearn(task: Task) -> Fit:
    """MLPClassifier, without validation; its weights cannot be given."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore", ConvergenceWarning)

    def fit(epochs: int, shuffle: bool) -> float:
        model = MLPClassifier(
            tuple(SIZES[:-1]),
            batch_size=BATCH,
            max_iter=epochs,
            shuffle=shuffle,
            tol=0.0,
            alpha=0.0,
        )
        model.fit(*task.train)
        return float("nan")

    return fit


PEERS: dict[str, Callable[[Task], Fit]] = {
    "glassgrad": glassgrad,
    "keras-jax": lambda task: keras(task, "jax"),
    "keras-torch": lambda task: keras(task, "torch"),
    "torch": torch_eager,
    "sklearn": sklearn,
    "glassgrad-eager": lambda task: glassgrad(task, compiled=False),
}


def measure(name: str) -> dict[str, Any]:
    """Seconds to the end of the first call of fit; of a step of each later one; the loss."""
    task = Task()
    start = time.perf_counter()
    fit = PEERS[name](task)
    loss = fit(1, False)
    first = time.perf_counter() - start
    if name == "glassgrad-eager":
        return {"loss": loss, "first": first, "seconds": [first / STEPS]}
    repeats = 3 if name == "keras-torch" else 10
    seconds = timed(lambda: fit(EPOCHS, True), repeats, warm_up=1)
    return {"loss": loss, "first": first, "seconds": [s / (EPOCHS * STEPS) for s in seconds]}


# --- digits ---------------------------------------------------------------------------------------


def digits(name: str) -> list[float]:
    """The share of held-out digits that is right, for each seed."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    xs, ys = load_digits(return_X_y=True)
    found = []
    for seed in SEEDS:
        train_x, test_x, train_y, test_y = train_test_split(
            xs / 16.0, ys, test_size=0.2, random_state=seed, stratify=ys
        )
        answers = _digits_answers(name, seed, train_x, train_y, test_x)
        found.append(float((answers == test_y).mean()))
    return found


def _digits_answers(name: str, seed: int, xs: Any, ys: Any, held_out: Any) -> Any:
    if name == "sklearn":
        import warnings

        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPClassifier

        warnings.simplefilter("ignore", ConvergenceWarning)
        model: Any = MLPClassifier(
            (32,), batch_size=BATCH, max_iter=DIGITS_EPOCHS, tol=0.0, alpha=0.0, random_state=seed
        )
        return model.fit(xs, ys).predict(held_out)
    if name == "glassgrad":
        from nn.layers import Dense
        from nn.models import Sequential

        model = Sequential(
            [Dense(32, activation="relu", input_dim=64), Dense(10, activation="softmax")], seed=seed
        )
    else:
        os.environ["KERAS_BACKEND"] = "jax"
        import keras as peer

        peer.utils.set_random_seed(seed)
        model = peer.Sequential(
            [
                peer.Input((64,)),
                peer.layers.Dense(32, activation="relu"),
                peer.layers.Dense(10, activation="softmax"),
            ]
        )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    model.fit(xs, ys, epochs=DIGITS_EPOCHS, verbose=0)
    return (
        model.predict(held_out) if name == "glassgrad" else model.predict(held_out, verbose=0)
    ).argmax(axis=1)


# --- all of them ----------------------------------------------------------------------------------


def main() -> None:
    """Measure all, each in a process of its own, the rounds interleaved; or one, here."""
    parser = argparse.ArgumentParser(description="Compare training with Keras, PyTorch, sklearn.")
    parser.add_argument("--peer", choices=PEERS, help="one peer, in this process")
    parser.add_argument("--digits", choices=("glassgrad", "keras-jax", "sklearn"))
    parser.add_argument("--rounds", type=int, default=3, help="processes for each peer")
    arguments = parser.parse_args()
    if arguments.digits:
        print(json.dumps(digits(arguments.digits)))
        return
    if arguments.peer:
        print(json.dumps(measure(arguments.peer)))
        return
    peers = install(*REQUIREMENTS)

    def python(name: str) -> Any:
        return OURS if name.startswith("glassgrad") else peers

    results: dict[str, list[Any]] = {name: [] for name in PEERS}
    for number in range(arguments.rounds):
        for name in PEERS:
            if number == 0 or name != "glassgrad-eager":
                found = run(python(name), "benchmarks.training", "--peer", name)
                results[name].append(found)
    ours = results["glassgrad"]
    for name, rounds in results.items():
        loss = rounds[0]["loss"]
        if name != "sklearn" and abs(loss / ours[0]["loss"] - 1.0) > 0.01:
            sys.exit(f"{name} came to a validation loss of {loss}, glassgrad to {ours[0]['loss']}")
    print("a step of fit, microseconds, median (lowest to highest round); the first epoch, seconds")
    step = {n: [statistics.median(r["seconds"]) for r in rounds] for n, rounds in results.items()}
    for name, seconds in step.items():
        us = sorted(s * 1e6 for s in seconds)
        times = statistics.median(seconds) / statistics.median(step["glassgrad"])
        first = statistics.median(r["first"] for r in results[name])
        wanted = f" (at least {TARGETS[name]:g})" if name in TARGETS else ""
        print(
            f"  {name:16}{statistics.median(us):10.1f}  ({us[0]:.1f} to {us[-1]:.1f})  first "
            f"{first:6.2f}  glassgrad is {times:.1f} times as fast{wanted}"
        )
    print(f"digits held out and right, {len(SEEDS)} seeds, {DIGITS_EPOCHS} epochs")
    for name in ("glassgrad", "keras-jax", "sklearn"):
        shares = run(python(name), "benchmarks.training", "--digits", name)
        mean, spread = statistics.mean(shares), statistics.stdev(shares)
        print(f"  {name:16}{mean:.4f} +- {spread:.4f}")


if __name__ == "__main__":
    main()
