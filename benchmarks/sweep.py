"""Many small networks: in lanes, one by one, and with others: `python -m benchmarks.sweep`.

    python -m benchmarks.sweep --peer keras    one of them, here: prints a line of JSON

Microseconds for a step of one model: XOR's four rows, 2-4-1 (tanh, sigmoid, binary cross-entropy),
Adam, full batches; each from its own seed. The first round, which compiles, is told apart; "cpu" is
the time of all cores together, which a busy machine changes less. "lanes" and "sweep" train all
models at once, without and with building them, evaluation and a table; "glassgrad", "keras" and
"sklearn" one after another. The strongest peer is JAX with the training loop written by hand:
`vmap` over models, `scan` over the steps. All in float64.
"""

import argparse
import json
import math
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks.peers import OURS, install, run

MODELS, STEPS, ROUNDS = 1000, 300, 5
ALONE = {"glassgrad": 20, "sklearn": 20, "keras": 3}  # models trained one after another
REQUIREMENTS = ("jax", "keras", "numpy", "scikit-learn")
XS, YS = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0.0, 1.0, 1.0, 0.0]

Trainer = Callable[[], float]
"""Trains, and gives the share of the models that learned XOR, or nan if it does not look."""


def build(seed: int) -> Any:
    """Ours."""
    from nn import Adam
    from nn.layers import Dense
    from nn.models import Sequential

    layers = [Dense(4, input_dim=2, activation="tanh"), Dense(1, activation="sigmoid")]
    model = Sequential(layers, seed=seed)
    model.compile(Adam(lr=0.05), "binary_crossentropy")
    return model


def lanes(bits: int) -> tuple[Trainer, int]:
    """The compiled training alone, without building models and a table."""
    from nn.rows import prepare_rows
    from nn.sweeping.lanes import Lanes
    from nn.sweeping.points import start_of

    starts = [start_of(build(seed)) for seed in range(MODELS)]
    found = Lanes(build(0), starts, prepare_rows(XS, YS), 4, True, exact=False)

    def train() -> float:
        found.train(range(MODELS), STEPS)
        return math.nan

    return train, MODELS


def sweep(bits: int) -> tuple[Trainer, int]:
    """All of nn.sweep: models built, compiled, trained, evaluated, a table."""
    from nn import sweep

    def train() -> float:
        found = sweep(build, {"seed": range(MODELS)}, (XS, YS), epochs=STEPS, batch_size=None)
        return found.means(value=lambda row: row["loss"] < 0.1)[()]

    return train, MODELS


def glassgrad(bits: int) -> tuple[Trainer, int]:
    """One by one, each compiled: as it is when models differ in structure."""
    models = [build(seed) for seed in range(ALONE["glassgrad"])]
    for model in models:
        model.fit(XS, YS, epochs=1, verbose=0)

    def train() -> float:
        for model in models:
            model.fit(XS, YS, epochs=STEPS, batch_size=None, verbose=0)
        return float(sum(model.evaluate(XS, YS) < 0.1 for model in models) / len(models))

    return train, len(models)


def sklearn(bits: int) -> tuple[Trainer, int]:
    """MLPClassifier, a fit for each."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore", ConvergenceWarning)
    seeds = range(ALONE["sklearn"])

    def train() -> float:
        learned = 0
        for seed in seeds:
            model = MLPClassifier(
                (4,), activation="tanh", alpha=0.0, batch_size=4, learning_rate_init=0.05,
                max_iter=STEPS, n_iter_no_change=STEPS, shuffle=False, random_state=seed, tol=0.0,
            )  # fmt: skip
            model.fit(XS, YS)
            learned += model.loss_ < 0.1
        return learned / len(seeds)

    return train, len(seeds)


def keras(bits: int) -> tuple[Trainer, int]:
    """One by one, Keras on JAX."""
    os.environ["KERAS_BACKEND"] = "jax"
    import keras
    import numpy as np

    keras.backend.set_floatx(f"float{bits}")
    xs, ys = np.array(XS), np.array(YS)[:, None]
    models = []
    for seed in range(ALONE["keras"]):
        keras.utils.set_random_seed(seed)
        model = keras.Sequential(
            [
                keras.Input((2,)),
                keras.layers.Dense(4, activation="tanh"),
                keras.layers.Dense(1, activation="sigmoid"),
            ]
        )
        model.compile(keras.optimizers.Adam(0.05), "binary_crossentropy")
        model.fit(xs, ys, batch_size=4, epochs=1, verbose=0)
        models.append(model)

    def train() -> float:
        for model in models:
            model.fit(xs, ys, batch_size=4, epochs=STEPS, verbose=0)
        learned = sum(model.evaluate(xs, ys, verbose=0) < 0.1 for model in models)
        return float(learned / len(models))

    return train, len(models)


def jax(bits: int) -> tuple[Trainer, int]:
    """By hand: all models and all steps in one compiled program."""
    import jax as j
    import jax.numpy as np

    j.config.update("jax_enable_x64", bits == 64)
    xs, ys = np.array(XS), np.array(YS)

    def loss(p: Any) -> Any:
        z = np.tanh(xs @ p["w"] + p["b"]) @ p["v"] + p["c"]
        return np.mean(np.logaddexp(0.0, z) - ys * z)

    def start(key: Any) -> Any:
        a, b = j.random.split(key)
        limits = (6.0 / 6.0) ** 0.5, (6.0 / 5.0) ** 0.5  # Glorot & Bengio's
        w = j.random.uniform(a, (2, 4), minval=-limits[0], maxval=limits[0])
        v = j.random.uniform(b, (4,), minval=-limits[1], maxval=limits[1])
        return {"w": w, "b": np.zeros(4), "v": v, "c": np.zeros(())}

    def step(carry: Any, t: Any) -> Any:
        p, m, v = carry
        g = j.grad(loss)(p)
        m = j.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = j.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        rate = 0.05 / (1.0 - 0.9**t)
        scale = 1.0 / np.sqrt(1.0 - 0.999**t)
        p = j.tree.map(lambda p, m, v: p - rate * m / (np.sqrt(v) * scale + 1e-8), p, m, v)
        return (p, m, v), None

    def whole(p: Any) -> Any:
        zeros = j.tree.map(np.zeros_like, p)
        (p, _, _), _ = j.lax.scan(step, (p, zeros, zeros), np.arange(1.0, STEPS + 1.0))
        return loss(p)

    many = j.jit(j.vmap(whole))
    parameters = j.vmap(start)(j.random.split(j.random.PRNGKey(0), MODELS))

    def train() -> float:
        return float(np.mean(many(parameters).block_until_ready() < 0.1))

    return train, MODELS


PEERS: dict[str, Callable[[int], tuple[Trainer, int]]] = {
    "lanes": lanes,
    "sweep": sweep,
    "glassgrad": glassgrad,
    "jax": jax,
    "keras": keras,
    "sklearn": sklearn,
}
OF_OURS = ("lanes", "sweep", "glassgrad")


def measure(peer: str) -> dict[str, Any]:
    """Medians over rounds, microseconds for a step of one model; the first round is apart."""
    train, models = PEERS[peer](64)
    times, busy, learned = [], [], 0.0
    for _ in range(1 + ROUNDS):
        began, began_busy = time.perf_counter(), time.process_time()
        learned = train()
        times.append(time.perf_counter() - began)
        busy.append(time.process_time() - began_busy)
    each, cpu = ([1e6 * t / models / STEPS for t in found] for found in (times, busy))
    return {
        "cpu": statistics.median(cpu[1:]),
        "us": statistics.median(each[1:]),
        "least": min(each[1:]),
        "most": max(each[1:]),
        "first": times[0],
        "models": models,
        "learned": learned,
    }


def main() -> None:
    """Measure all, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", choices=PEERS)
    peer = parser.parse_args().peer
    if peer is not None:
        print(json.dumps(measure(peer)))
        return
    theirs = install(*REQUIREMENTS)
    print(
        f"{'':10} {'us/step':>9} {'least':>9} {'most':>9} {'cpu':>9} {'first, s':>9}  learned XOR"
    )
    for name in PEERS:
        python = OURS if name in OF_OURS else theirs
        r = run(python, "benchmarks.sweep", "--peer", name)
        figures = " ".join(f"{r[key]:9.2f}" for key in ("us", "least", "most", "cpu", "first"))
        learned = "-" if math.isnan(r["learned"]) else f"{r['learned']:.0%} of {r['models']}"
        print(f"{name:10} {figures}  {learned}", flush=True)


if __name__ == "__main__":
    main()
