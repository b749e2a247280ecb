"""Exports to JAX and ONNX, measured: `python -m benchmarks.export_arrays`.

The gradient of the mean loss of a network 784-128-64-10 over a batch, against the same written in
jax.numpy by hand, and that of a tiny GPT at 8 positions: how many array operations, how long it
takes to export and to compile, and how long a call takes, in float32 on the CPU.
"""

import argparse
import json
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

import autograd
from autograd import export
from benchmarks import tiny_gpt

SIZES, BATCH, SECONDS = (784, 128, 64, 10), 64, 1.0
DOCUMENT = [26, 4, 12, 12, 0, 11, 8, 13, 4]  # 8 positions


def row_loss(layers: Any, x: Any, label: Any) -> Any:
    """Cross-entropy of one row; layers: (weights, biases) for each."""
    for k, (weights, biases) in enumerate(layers):
        x = [autograd.dot(w, x, b) for w, b in zip(weights, biases, strict=True)]
        if k < len(layers) - 1:
            x = [autograd.relu(z) for z in x]
    return autograd.logsumexp(x) - autograd.dot(label, x)


def by_hand(layers: Any, x: Any, label: Any) -> Any:
    """The same in jax.numpy."""
    import jax
    import jax.numpy as jnp

    for k, (weights, biases) in enumerate(layers):
        x = weights @ x + biases
        if k < len(layers) - 1:
            x = jax.nn.relu(x)
    return jax.nn.logsumexp(x) - jnp.dot(label, x)


def parameters(random: np.random.Generator) -> list[tuple[Any, Any]]:
    """Weights [out, in] and biases of each layer."""
    pairs = pairwise(SIZES)
    return [(random.normal(0.0, n**-0.5, (m, n)), np.zeros(m)) for n, m in pairs]


def microseconds(call: Callable[[], Any]) -> float:
    """The shortest time of a call."""
    call()
    best, end = float("inf"), time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best * 1e6


def measure_network() -> dict[str, float]:
    """The network's gradient through jax.jit, and the seconds before the first call."""
    import jax

    ready: Any = jax.block_until_ready
    random = np.random.default_rng(0)
    layers = parameters(random)
    labels = np.eye(SIZES[-1])[random.integers(0, SIZES[-1], BATCH)]
    rows = random.normal(size=(BATCH, SIZES[0]))
    point = [[(w.tolist(), b.tolist()) for w, b in layers], rows[0].tolist(), labels[0].tolist()]
    found = {}
    start = time.perf_counter()
    exported = export.to_jax(row_loss, *point)
    found["seconds to export the value"] = time.perf_counter() - start
    found["operations of the value"] = exported.operations
    single = jax.tree.map(lambda x: jax.numpy.asarray(x, np.float32), (layers, rows, labels))

    def mean_of(f: Any) -> Any:
        return lambda p, xs, ys: jax.vmap(f, (None, 0, 0))(p, xs, ys).mean()

    ways = {
        "jax.grad by hand": jax.grad(mean_of(by_hand)),
        "jax.grad of the export": jax.grad(mean_of(exported)),
    }
    results = []
    for name, way in ways.items():
        start = time.perf_counter()
        compiled = jax.jit(way).lower(*single).compile()
        found[f"seconds to compile, {name}"] = time.perf_counter() - start
        results.append(compiled(*single))
        found[f"microseconds, {name}"] = microseconds(
            lambda compiled=compiled: ready(compiled(*single))  # type: ignore[misc]
        )
    for other in results[1:]:
        for a, b in zip(jax.tree.leaves(results[0]), jax.tree.leaves(other), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-6)
    return found


def measure_gpt() -> dict[str, float]:
    """The GPT's gradient in JAX and in onnxruntime."""
    import jax

    ready: Any = jax.block_until_ready

    def loss(p: Any) -> Any:
        return tiny_gpt.loss(p, DOCUMENT)

    params = tiny_gpt.init_parameters(27)
    flat = np.concatenate([np.ravel(x) for x in params.values()]).astype(np.float32)
    found = {}
    start = time.perf_counter()
    to_jax = export.to_jax(loss, params, gradient=True)
    found["seconds to export to JAX"] = time.perf_counter() - start
    found["operations in JAX"] = to_jax.operations
    found["relative error in JAX"] = to_jax.agreement.relative
    start = time.perf_counter()
    compiled = jax.jit(to_jax).lower(flat).compile()
    found["seconds to compile, JAX"] = time.perf_counter() - start
    found["microseconds, JAX"] = microseconds(lambda: ready(compiled(flat)))
    start = time.perf_counter()
    to_onnx = export.to_onnx(loss, params, gradient=True, dtype="float32")
    found["seconds to export to ONNX"] = time.perf_counter() - start
    found["nodes in ONNX"] = to_onnx.operations
    found["relative error in ONNX"] = to_onnx.agreement.relative
    found["microseconds, onnxruntime"] = microseconds(lambda: to_onnx(flat))
    return found


def main() -> None:
    """Measure, and print as JSON."""
    parser = argparse.ArgumentParser(description="Exports to JAX and ONNX, measured.")
    parser.add_argument("--only", choices=["network", "gpt"])
    only = parser.parse_args().only
    found = {}
    if only != "gpt":
        found["network 784-128-64-10, batch 64"] = measure_network()
    if only != "network":
        found["tiny GPT, 8 positions"] = measure_gpt()
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
