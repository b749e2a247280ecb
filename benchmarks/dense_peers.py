"""An epoch of a small dense network in one peer: prints a line of JSON. Run in a fresh process.

    python -m benchmarks.dense_peers jax-scan float64 1

The last argument is the number of processor cores, 0 for as many as the peer takes by itself.

The network is that of `benchmarks.dense_tasks`. Every epoch starts from the same weights, and gives
the mean loss of the rows on the way as well.
"""

import ctypes
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.dense_tasks import (
    BATCH,
    BETA1,
    BETA2,
    CLIP,
    EPS,
    FULL,
    LR,
    ROWS,
    SIZES,
    checks,
    data,
    initial,
)
from benchmarks.eager_tasks import timed

C_FLAGS = ["-O3", "-march=native", "-ffast-math", "-shared", "-fPIC"]

# An epoch gives (mean loss, layers); layers are pairs (weights [n_out, n_in], biases [n_out]).
Epoch = Callable[[], Any]
Unpack = Callable[[Any], tuple[float, list[tuple[Any, Any]]]]


# --- by hand --------------------------------------------------------------------------------------


def numpy_by_hand(dtype: str, early_eps: bool = False) -> tuple[Epoch, Unpack]:
    """Matrix products, the gradient derived by hand.

    early_eps: Adam as in Keras and scikit-learn, where epsilon is added before v is corrected.
    """
    import numpy as np

    xs, ys = (np.array(q, dtype) for q in data())
    ys = ys[:, None]
    start = [(np.array(w, dtype).T.copy(), np.array(b, dtype)) for w, b in initial()]

    def gradient(params: list[Any], x: Any, y: Any) -> tuple[Any, list[Any]]:
        activations = [x]
        for k in range(0, len(params), 2):
            z = activations[-1] @ params[k] + params[k + 1]
            activations.append(np.maximum(z, 0.0) if k < len(params) - 2 else z)
        s = 1.0 / (1.0 + np.exp(-activations[-1]))
        p = np.clip(s, CLIP, 1.0 - CLIP)
        loss = -(y * np.log(p) + (1.0 - y) * np.log(1.0 - p)).sum()
        slope = np.where(p == s, (1.0 - y) / (1.0 - p) - y / p, 0.0)
        d = slope * s * (1.0 - s) / len(x)
        grads: list[Any] = []
        for k in range(len(params) - 2, -1, -2):
            a = activations[k // 2]
            grads += [d.sum(0), a.T @ d]
            if k:
                d = (d @ params[k].T) * (a > 0.0)
        return loss, grads[::-1]

    def epoch() -> Any:
        params = [q.copy() for layer in start for q in layer]
        ms, vs = ([np.zeros_like(q) for q in params] for _ in range(2))
        total = 0.0
        for step, row in enumerate(range(0, ROWS, BATCH), 1):
            loss, grads = gradient(params, xs[row : row + BATCH], ys[row : row + BATCH])
            total += loss
            c1, c2 = 1.0 - BETA1**step, 1.0 - BETA2**step
            for q, g, m, v in zip(params, grads, ms, vs, strict=True):
                m += (1.0 - BETA1) * (g - m)
                v += (1.0 - BETA2) * (g * g - v)
                eps = EPS / math.sqrt(c2) if early_eps else EPS
                q -= LR * (m / c1) / (np.sqrt(v / c2) + eps)
        return total / ROWS, params

    return epoch, lambda result: (result[0], _pairs(result[1], transpose=True))


def c_by_hand(dtype: str) -> tuple[Epoch, Unpack]:
    """dense_in_c.c, compiled by gcc."""
    import numpy as np

    source = Path(__file__).with_name("dense_in_c.c")
    real = {"float64": "double", "float32": "float"}[dtype]
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "dense.so"
        gcc = ["gcc", *C_FLAGS, f"-DREAL={real}", str(source), "-o", str(library), "-lm"]
        subprocess.run(gcc, check=True)
        function = ctypes.CDLL(str(library)).epoch
    function.restype = {"float64": ctypes.c_double, "float32": ctypes.c_float}[dtype]
    function.argtypes = [ctypes.c_int, *[ctypes.c_void_p] * 3]
    xs, ys = (np.array(q, dtype) for q in data())
    start = np.concatenate([np.ravel(np.array(q, dtype)) for layer in initial() for q in layer])

    def epoch() -> Any:
        params = start.copy()
        return function(ROWS, xs.ctypes.data, ys.ctypes.data, params.ctypes.data), params

    def unpack(result: Any) -> tuple[float, list[tuple[Any, Any]]]:
        loss, flat = result
        layers = []
        for n_in, n_out in pairwise(SIZES):
            w, b, flat = np.split(flat, [n_in * n_out, (n_in + 1) * n_out])
            layers.append((w.reshape(n_out, n_in), b))
        return loss, layers

    return epoch, unpack


# --- JAX ------------------------------------------------------------------------------------------


def jax_training(dtype: str) -> tuple[Any, Any, Any, Any]:
    """(start, step, rows, targets): step(state, (x, y)) is a gradient and Adam."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", dtype == "float64")
    xs, ys = (jnp.array(q, dtype) for q in data())
    params = [(jnp.array(w, dtype).T, jnp.array(b, dtype)) for w, b in initial()]
    zeros = jax.tree.map(jnp.zeros_like, params)
    start = params, zeros, zeros, jnp.array(0, dtype), jnp.array(0, dtype)

    def loss(params: Any, x: Any, y: Any) -> Any:
        for w, b in params[:-1]:
            x = jax.nn.relu(x @ w + b)
        w, b = params[-1]
        p = jnp.clip(jax.nn.sigmoid(x @ w + b)[:, 0], CLIP, 1.0 - CLIP)
        return -jnp.mean(y * jnp.log(p) + (1.0 - y) * jnp.log(1.0 - p))

    def step(state: Any, batch: Any) -> Any:
        params, m, v, t, total = state
        x, y = batch
        value, grads = jax.value_and_grad(loss)(params, x, y)
        t = t + 1
        m = jax.tree.map(lambda m, g: BETA1 * m + (1.0 - BETA1) * g, m, grads)
        v = jax.tree.map(lambda v, g: BETA2 * v + (1.0 - BETA2) * g * g, v, grads)
        c1, c2 = 1.0 - BETA1**t, 1.0 - BETA2**t
        params = jax.tree.map(
            lambda p, m, v: p - LR * (m / c1) / (jnp.sqrt(v / c2) + EPS), params, m, v
        )
        return params, m, v, t, total + value * len(x)

    return start, step, xs, ys


def jax_step(dtype: str) -> tuple[Epoch, Unpack]:
    """jit, called for each step; the batches are cut beforehand.

    A call costs by the number of arrays: the state is one, given away, which halves the time.
    """
    import jax
    from jax.flatten_util import ravel_pytree

    start, step, xs, ys = jax_training(dtype)
    flat_start, unravel = ravel_pytree(start)
    compiled = jax.jit(
        lambda flat, batch: ravel_pytree(step(unravel(flat), batch))[0], donate_argnums=0
    )
    batches = [(xs[row : row + BATCH], ys[row : row + BATCH]) for row in range(0, ROWS, BATCH)]

    def epoch() -> Any:
        flat = flat_start.copy()
        for batch in batches:
            flat = compiled(flat, batch)
        return jax.block_until_ready(flat)

    return epoch, lambda flat: _unpack_jax(unravel(flat))


def jax_scan(dtype: str) -> tuple[Epoch, Unpack]:
    """jit of the epoch: lax.scan over the full batches, then the short one."""
    import jax

    start, step, xs, ys = jax_training(dtype)

    def whole(state: Any, xs: Any, ys: Any) -> Any:
        batches = (xs[:FULL].reshape(-1, BATCH, SIZES[0]), ys[:FULL].reshape(-1, BATCH))
        state, _ = jax.lax.scan(lambda state, batch: (step(state, batch), None), state, batches)
        return step(state, (xs[FULL:], ys[FULL:]))

    compiled = jax.jit(whole)
    return lambda: jax.block_until_ready(compiled(start, xs, ys)), _unpack_jax


def _unpack_jax(state: Any) -> tuple[float, list[tuple[Any, Any]]]:
    params, *_, total = state
    return float(total) / ROWS, [(w.T, b) for w, b in params]


# --- the other libraries --------------------------------------------------------------------------


def keras_on_jax(dtype: str, steps_per_execution: int = 1) -> tuple[Epoch, Unpack]:
    """model.fit."""
    import numpy as np

    os.environ["KERAS_BACKEND"] = "jax"
    import keras

    activations = ["relu"] * (len(SIZES) - 2) + ["sigmoid"]
    layers = [keras.layers.Dense(*layer) for layer in zip(SIZES[1:], activations, strict=True)]
    model = keras.Sequential([keras.Input(SIZES[:1]), *layers])
    adam = keras.optimizers.Adam(LR, BETA1, BETA2, EPS)
    bce = keras.losses.BinaryCrossentropy()
    model.compile(adam, bce, steps_per_execution=steps_per_execution)
    adam.build(model.trainable_variables)
    xs, ys = (np.array(q, dtype) for q in data())
    ys = ys[:, None]
    weights = [np.array(q, dtype) for w, b in initial() for q in (np.transpose(w), b)]
    state = [variable.numpy() for variable in adam.variables]

    def epoch() -> Any:
        model.set_weights(weights)
        for variable, number in zip(adam.variables, state, strict=True):
            variable.assign(number)
        return model.fit(xs, ys, batch_size=BATCH, shuffle=False, verbose=0)

    def unpack(history: Any) -> tuple[float, list[tuple[Any, Any]]]:
        return history.history["loss"][0], _pairs(model.get_weights(), transpose=True)

    return epoch, unpack


def torch_eager(dtype: str) -> tuple[Epoch, Unpack]:
    """nn.Sequential and torch.optim.Adam."""
    import torch
    from torch import nn

    torch.set_default_dtype(getattr(torch, dtype))
    xs, ys = (torch.tensor(q) for q in data())
    batches = list(zip(xs.split(BATCH), ys[:, None].split(BATCH), strict=True))
    start = [torch.tensor(q) for layer in initial() for q in layer]
    parts: list[Any] = []
    for n_in, n_out in pairwise(SIZES):
        parts += [nn.Linear(n_in, n_out), nn.ReLU()]
    model = nn.Sequential(*parts[:-1], nn.Sigmoid())
    bce = nn.BCELoss()

    def epoch() -> Any:
        with torch.no_grad():
            for p, q in zip(model.parameters(), start, strict=True):
                p.copy_(q)
        optimizer = torch.optim.Adam(model.parameters(), LR, (BETA1, BETA2), EPS)
        total = 0.0
        for x, y in batches:
            optimizer.zero_grad()
            loss = bce(model(x).clamp(CLIP, 1.0 - CLIP), y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
        return total / ROWS

    def unpack(loss: Any) -> tuple[float, list[tuple[Any, Any]]]:
        return loss, _pairs([p.detach().numpy() for p in model.parameters()])

    return epoch, unpack


def scikit_learn(dtype: str) -> tuple[Epoch, Unpack]:
    """MLPClassifier.fit, one iteration."""
    import warnings

    import numpy as np
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore", ConvergenceWarning)
    xs, ys = (np.array(q, dtype) for q in data())
    start = [(np.array(w, dtype).T.copy(), np.array(b, dtype)) for w, b in initial()]

    class FromStart(MLPClassifier):  # type: ignore[misc]
        """With our weights: it has no public way to set them."""

        def _init_coef(self, fan_in: int, fan_out: int, dtype: Any) -> Any:
            w, b = start[SIZES.index(fan_in)]
            return w.copy(), b.copy()

    model = FromStart(
        SIZES[1:-1], alpha=0.0, batch_size=BATCH, learning_rate_init=LR, shuffle=False, max_iter=1
    )

    def unpack(_: Any) -> tuple[float, list[tuple[Any, Any]]]:
        pairs = zip(model.coefs_, model.intercepts_, strict=True)
        return model.loss_, [(w.T, b) for w, b in pairs]

    return lambda: model.fit(xs, ys), unpack


def _pairs(flat: list[Any], transpose: bool = False) -> list[tuple[Any, Any]]:
    """Weights and biases in turn -> layers."""
    return [(w.T if transpose else w, b) for w, b in zip(flat[::2], flat[1::2], strict=True)]


ENGINES: dict[str, Callable[[str], tuple[Epoch, Unpack]]] = {
    "numpy": numpy_by_hand,
    "numpy-early-eps": partial(numpy_by_hand, early_eps=True),
    "c": c_by_hand,
    "jax-step": jax_step,
    "jax-scan": jax_scan,
    "keras-jax": keras_on_jax,
    "keras-jax-39": partial(keras_on_jax, steps_per_execution=39),  # a divisor of the full batches
    "torch": torch_eager,
    "sklearn": scikit_learn,
}


def main() -> None:
    """Measure one engine."""
    name, dtype, cores = sys.argv[1:]
    if int(cores):  # before the engine is imported: it counts them then
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(cores)])
    epoch, unpack = ENGINES[name](dtype)
    check = checks(*unpack(epoch()))
    print(json.dumps({"seconds": timed(epoch, 7), "check": check}))


if __name__ == "__main__":
    main()
