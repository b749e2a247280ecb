"""One task of `benchmarks.compiled` on our compiler: prints a line of JSON. Run in a fresh process.

    python -m benchmarks.compiled_tasks dense glassgrad float64 1
    python -m benchmarks.compiled_tasks random-5000 glassgrad
    python -m benchmarks.compiled_tasks fit glassgrad

The tasks are those of `benchmarks.dense_peers` and `benchmarks.formula_peers`, and so are the keys
of the result. glassgrad-bare is the dense network without `nn`, as sums of products.
"first" is the time to the first result; the rest is measured when the code is as good as it gets.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import autograd
from autograd import Value
from autograd.compiler.llvm import finish
from benchmarks.dense_peers import Epoch, Unpack
from benchmarks.dense_tasks import (
    BATCH,
    BETA1,
    BETA2,
    CLIP,
    EPS,
    LR,
    ROWS,
    SIZES,
    checks,
    data,
    initial,
)
from benchmarks.eager_tasks import timed
from benchmarks.formula_peers import Calls, per_call
from benchmarks.formula_tasks import START, measurements, point, random_expression, squared_error
from nn import MLP
from nn.optim import adam

Predict = Callable[[Any], Any]


# --- the dense network ----------------------------------------------------------------------------


def of_layers() -> tuple[Predict, list[Value]]:
    """nn's network, and its parameters."""
    n_in, *sizes = SIZES
    model = MLP(n_in, sizes, activation="relu", output_activation="sigmoid")
    return model, model.parameters()


def of_bare_sums() -> tuple[Predict, list[Value]]:
    """The same as products and sums in plain Python."""
    layers = [
        [([Value(0.0) for _ in row], Value(0.0)) for row in weights] for weights, _ in initial()
    ]

    def neuron(ws: Any, b: Any, xs: Any) -> Any:
        return sum(w * x for w, x in zip(ws, xs, strict=True)) + b

    def predict(xs: Any) -> Any:
        *hidden, last = layers
        for layer in hidden:
            xs = [autograd.relu(neuron(ws, b, xs)) for ws, b in layer]
        return autograd.sigmoid(neuron(*last[0], xs))

    return predict, [p for layer in layers for ws, b in layer for p in (*ws, b)]


def dense(predict: Predict, parameters: list[Value], dtype: str) -> tuple[Epoch, Unpack]:
    """jit_training: an epoch is one call."""
    for p, number in zip(parameters, _neuron_by_neuron(initial()), strict=True):
        p.data = number

    def loss(x: Any, y: Any) -> Any:
        p = autograd.clip(predict(x), CLIP, 1.0 - CLIP)
        return -(y * autograd.log(p) + (1.0 - y) * autograd.log(1.0 - p))

    def rule(param: Any, grad: Any, m: Any, v: Any, step: Any, lr: Any) -> Any:
        return adam(param, grad, m, v, step, lr=lr, betas=(BETA1, BETA2), eps=EPS)

    xs, ys = (np.array(q, dtype) for q in data())
    loop = autograd.jit_training(loss, rule, parameters, xs, ys, states=2, dtype=dtype)
    start = loop.numbers.copy()
    order: Any = np.arange(ROWS)  # a list would be converted in each epoch

    def epoch() -> Any:
        loop.numbers[:] = start
        for state in loop.state:
            state[:] = 0.0
        return loop.epoch(order, BATCH, 0, LR).losses

    def unpack(losses: Any) -> tuple[float, list[tuple[Any, Any]]]:
        rows = np.minimum(BATCH, ROWS - BATCH * np.arange(len(losses)))
        return float(losses @ rows) / ROWS, _layers(loop.numbers)

    return epoch, unpack


def _neuron_by_neuron(layers: Any) -> list[float]:
    """Each neuron's weights, then its bias: the order of a model's parameters."""
    return [
        number
        for weights, biases in layers
        for row, b in zip(weights, biases, strict=True)
        for number in (*row, b)
    ]


def _layers(numbers: Any) -> list[tuple[Any, Any]]:
    """And back, to (weights [n_out, n_in], biases [n_out])."""
    layers = []
    for weights, biases in initial():
        n = len(biases) * (len(weights[0]) + 1)
        neurons, numbers = numbers[:n].reshape(len(biases), -1), numbers[n:]
        layers.append((neurons[:, :-1], neurons[:, -1]))
    return layers


DENSE = {"glassgrad": of_layers, "glassgrad-bare": of_bare_sums}


# --- formulas -------------------------------------------------------------------------------------


def random(nodes: int) -> Calls:
    """An array in, an array out."""
    return _calls(lambda xs: random_expression(autograd, list(xs), nodes), point())


def fit() -> Calls:
    """The formula of one row; the compiler takes the mean over the rows."""
    error = partial(squared_error, autograd)
    return _calls(
        lambda p, t, y: error(list(p), t, y), START, *measurements(), batch_argnums=(1, 2)
    )


def _calls(f: Callable[..., Any], *at: Any, batch_argnums: tuple[int, ...] = ()) -> Calls:
    both = autograd.jit(autograd.value_and_grad(f), batch_argnums=batch_argnums)
    alone = autograd.jit(f, batch_argnums=batch_argnums)
    arrays = [np.array(x) for x in at]
    return Calls(lambda: both(*arrays), lambda: alone(*arrays), lambda r: [r[0], *r[1]])


def main() -> None:
    """Measure one task."""
    task, name, *rest = sys.argv[1:]
    cores = int(rest[1]) if rest else 1
    if cores:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    start = time.perf_counter()
    results: dict[str, Any]
    if task == "dense":
        epoch, unpack = dense(*DENSE[name](), rest[0])
        result = epoch()
        results = {"first": time.perf_counter() - start, "check": checks(*unpack(result))}
        finish()
        results["seconds"] = timed(epoch, 30)
    else:
        calls = fit() if task == "fit" else random(int(task.removeprefix("random-")))
        check = [float(x) for x in calls.unpack(calls.both())]
        results = {"first": time.perf_counter() - start, "check": check}
        calls.alone()
        finish()
        results["alone"] = per_call(calls.alone)
        results["seconds"] = per_call(calls.both)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
