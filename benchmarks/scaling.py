"""How compilation and machine code grow: `python -m benchmarks.scaling [--rounds N]`.

    python -m benchmarks.scaling --network dot 784 128 64 10    one network: prints a line of JSON
    python -m benchmarks.scaling --network numpy 784 128 64 10  the same by hand, in NumPy
    python -m benchmarks.scaling --batches 2                    batch sizes on two cores, likewise

Dense networks, the gradient of a squared error, float64. A node is a scalar operation of the
function or its gradient, as traced from bare sums. `python -m benchmarks.plots` draws the results.
"""

import argparse
import json
import math
import os
import statistics
import sys
import time
from functools import partial
from itertools import pairwise
from random import Random
from typing import Any

import autograd
from autograd import Compiled, Packed, dot, jit, relu, value_and_grad
from autograd.compiler.llvm import finish
from benchmarks.dense_tasks import SIZES
from benchmarks.eager_tasks import timed
from benchmarks.peers import OURS, run
from benchmarks.plots import save

NETWORKS = [
    [4, 8, 8, 4],
    [8, 16, 8, 4],
    [16, 32, 16, 10],
    [64, 48, 32, 10],
    [196, 64, 32, 10],
    [392, 96, 48, 10],
    [784, 128, 64, 10],
    [784, 192, 64, 10],
]
KINDS = ("dot", "bare")
BATCH = 64
BATCHES = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536]
CORES = sorted({1, len(os.sched_getaffinity(0))})
Rows = list[list[Any]]


def neuron(kind: str, ws: list[Any], xs: list[Any]) -> Any:
    """The weighted sum, the bias last among the weights; bare: with a node for each + and *."""
    *ws, b = ws
    if kind == "dot":
        return dot(ws, xs, b)
    return sum(w * x for w, x in zip(ws, xs, strict=True)) + b


def loss(kind: str, layers: list[Rows], xs: list[Any], ys: list[Any]) -> Any:
    """The squared error of one row."""
    for k, layer in enumerate(layers):
        sums = [neuron(kind, ws, xs) for ws in layer]
        xs = sums if k == len(layers) - 1 else [relu(z) for z in sums]
    return autograd.total([(x - y) * (x - y) for x, y in zip(xs, ys, strict=True)])


def problem(sizes: list[int], rows: int) -> tuple[Packed, Any, Any]:
    """Random weights, inputs [rows, n_in] and targets [rows, n_out]."""
    import numpy as np

    rng, random = Random(0), np.random.default_rng(0)
    layers = [
        [[rng.gauss(0.0, n_in**-0.5) for _ in range(n_in + 1)] for _ in range(n_out)]
        for n_in, n_out in pairwise(sizes)
    ]
    xs, ys = (random.uniform(-1.0, 1.0, (rows, n)) for n in (sizes[0], sizes[-1]))
    return Packed.of(layers), xs, ys


def value_and_gradient(kind: str) -> Compiled:
    """The mean over the rows."""

    def of_row(p: Any, x: Any, y: Any) -> Any:
        return loss(kind, p, list(x), list(y))

    return jit(value_and_grad(of_row), batch_argnums=(1, 2))


def network(kind: str, sizes: list[int]) -> dict[str, Any]:
    """Seconds to compile, the size of the code, and seconds for a batch."""
    params, xs, ys = problem(sizes, BATCH)

    gradient = value_and_gradient(kind)
    start = time.perf_counter()
    value, grads = gradient(params, xs, ys)
    first = time.perf_counter() - start
    finish()
    report = gradient.explain()
    repeats = 7 if len(params.flat) > 20_000 else 100
    return {
        "parameters": len(params.flat),
        "first": first,
        "passes": report.seconds,
        "instructions": report.instructions,
        "characters": len(report.llvm),
        "kernels": report.llvm.count("define "),
        "seconds": statistics.median(timed(partial(gradient, params, xs, ys), repeats)),
        "check": [value, checksum(grads.flat)],
    }


def checksum(numbers: Any) -> float:
    """Of a gradient: it changes if numbers swap places."""
    import numpy as np

    return float(numbers @ np.cos(np.arange(len(numbers))))


def by_hand(sizes: list[int]) -> dict[str, Any]:
    """The same as matrix products in NumPy."""
    import numpy as np

    packed, xs, ys = problem(sizes, BATCH)
    # [n_in, n_out] and [n_out] for each layer
    layers = [(w[:, :-1].T.copy(), w[:, -1]) for w in map(np.array, packed.tree)]

    def gradient() -> tuple[float, list[Any]]:
        activations = [xs]
        for k, (w, b) in enumerate(layers):
            z = activations[-1] @ w + b
            activations.append(np.maximum(z, 0.0) if k < len(layers) - 1 else z)
        error = activations.pop() - ys
        d = 2.0 / BATCH * error
        grads: list[Any] = []
        for k in range(len(layers) - 1, -1, -1):
            grads.append((activations[k].T @ d, d.sum(axis=0)))
            if k:
                d = (d @ layers[k][0].T) * (activations[k] > 0.0)
        return float((error * error).sum() / BATCH), grads[::-1]

    value, grads = gradient()
    flat = np.concatenate([np.vstack((w, b)).T.ravel() for w, b in grads])
    return {"seconds": statistics.median(timed(gradient, 100)), "check": [value, checksum(flat)]}


def batch_sizes() -> dict[str, list[float]]:
    """For each batch size, seconds for the gradient of the network of benchmarks.dense_tasks."""
    params, xs, ys = problem(SIZES, BATCHES[-1])
    gradient = value_and_gradient("dot")
    seconds = []
    for rows in BATCHES:
        call = partial(gradient, params, xs[:rows], ys[:rows])
        call()
        finish()
        seconds.append(statistics.median(timed(call, 5 + 1000 // rows)))
    return {"seconds": seconds}


def main() -> None:
    """Measure all, each in a process of its own, the rounds interleaved; or one, here."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--network", nargs="+", help="kind and sizes of one network, here")
    parser.add_argument("--batches", type=int, metavar="CORES", help="the batch sizes, here")
    parser.add_argument("--rounds", type=int, default=3, help="processes for each")
    arguments = parser.parse_args()
    if arguments.network or arguments.batches:
        # before the first call: the compiler's threads are counted then
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.batches or 1])
        kind, *sizes = arguments.network or [""]
        if kind:
            widths = list(map(int, sizes))
            print(json.dumps(by_hand(widths) if kind == "numpy" else network(kind, widths)))
        else:
            print(json.dumps(batch_sizes()))
        return
    networks: dict[tuple[str, ...], list[Any]] = {}
    hand: dict[str, list[Any]] = {"-".join(map(str, sizes)): [] for sizes in NETWORKS}
    batches: dict[int, list[Any]] = {cores: [] for cores in CORES}
    for _ in range(arguments.rounds):
        for sizes in NETWORKS:
            for kind in KINDS:
                command = ("--network", kind, *map(str, sizes))
                found = networks.setdefault(command[1:], [])
                found.append(run(OURS, "benchmarks.scaling", *command))
            command = ("--network", "numpy", *map(str, sizes))
            hand["-".join(command[2:])].append(run(OURS, "benchmarks.scaling", *command))
        for cores, seconds in batches.items():
            one = run(OURS, "benchmarks.scaling", "--batches", str(cores))
            seconds.append(one["seconds"])
    found = [_median(command, rounds) for command, rounds in networks.items()]
    _check_equal(found, hand)
    report(found)
    print("microseconds for a batch, and NumPy's by hand")
    numpy = {name: _spread(*[r["seconds"] for r in rounds]) for name, rounds in hand.items()}
    for dots in found[::2]:
        name = "-".join(dots["sizes"])
        print(f"  {name:15}{dots['seconds'][1] * 1e6:8.1f}{numpy[name][1] * 1e6:8.1f}")
    spreads = {cores: list(map(_spread, *rounds)) for cores, rounds in batches.items()}
    print("rows in a batch; million gradients a second on each number of cores")
    for k, n in enumerate(BATCHES):
        rates = {cores: n / seconds[k][1] / 1e6 for cores, seconds in spreads.items()}
        print(f"  {n:6}", *[f"{cores}: {rate:6.2f}" for cores, rate in rates.items()])
    save("scaling", {"networks": found, "numpy": numpy, "batches": BATCHES, "seconds": spreads})


def _spread(*seconds: float) -> list[float]:
    """Lowest, median, highest."""
    return [min(seconds), statistics.median(seconds), max(seconds)]


def _median(command: tuple[str, ...], rounds: list[Any]) -> dict[str, Any]:
    """What a network's rounds came to."""
    kind, *sizes = command
    first, seconds = (_spread(*[r[what] for r in rounds]) for what in ("first", "seconds"))
    return {**rounds[0], "kind": kind, "sizes": sizes, "first": first, "seconds": seconds}


def _check_equal(networks: list[dict[str, Any]], hand: dict[str, list[Any]]) -> None:
    """Stop if a network's loss or gradient differ; give ours its number of nodes."""
    for dot_, bare in zip(networks[::2], networks[1::2], strict=True):
        numpy = hand["-".join(dot_["sizes"])][0]
        for other in (bare, numpy):
            for a, b in zip(dot_["check"], other["check"], strict=True):
                if not math.isclose(a, b, rel_tol=1e-9):
                    sys.exit(f"{dot_['sizes']}: {a} with dot, else {b}")
        dot_["nodes"] = bare["nodes"] = bare["instructions"]["trace"]


def report(networks: list[dict[str, Any]]) -> None:
    """Print the table of the networks."""
    print("network, nodes; seconds to the first result; loops, kernels, characters; ns a node, row")
    for n in networks:
        ns = n["seconds"][1] * 1e9 / n["nodes"] / BATCH
        print(
            f"  {'-'.join(n['sizes']):15} {n['kind']:5}{n['nodes']:8}"
            f"  {n['first'][1]:6.2f} ({n['first'][0]:.2f} to {n['first'][2]:.2f})"
            f"{n['instructions']['roll (loops)']:5}{n['kernels']:4}{n['characters']:8}{ns:8.3f}"
        )


if __name__ == "__main__":
    main()
