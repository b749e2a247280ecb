"""The dense network of `benchmarks.compiled`: its data, its first weights, and what must agree.

10-64-32-16-8-4-1, relu, sigmoid at the end, binary cross-entropy on the probability clipped to
[1e-7, 1 - 1e-7], Adam, 10,000 rows in batches of 64, in order, the last one of 16.
"""

import math
import random
from itertools import pairwise
from typing import Any

SIZES = [10, 64, 32, 16, 8, 4, 1]
ROWS, BATCH = 10_000, 64
FULL = ROWS // BATCH * BATCH  # rows in full batches; the rest is the last, short one
STEPS = math.ceil(ROWS / BATCH)
LR, BETA1, BETA2, EPS = 1e-3, 0.9, 0.999, 1e-8
CLIP = 1e-7


def data() -> tuple[list[list[float]], list[float]]:
    """Rows in [-1, 1]^10, and whether their sum is positive."""
    r = random.Random(0)
    xs = [[r.uniform(-1.0, 1.0) for _ in range(SIZES[0])] for _ in range(ROWS)]
    return xs, [float(sum(x) > 0.0) for x in xs]


def initial() -> list[tuple[list[list[float]], list[float]]]:
    """The layers' weights [n_out][n_in], after He et al. 2015, and biases [n_out]."""
    r = random.Random(1)
    layers = []
    for n_in, n_out in pairwise(SIZES):
        limit = math.sqrt(6.0 / n_in)
        weights = [[r.uniform(-limit, limit) for _ in range(n_in)] for _ in range(n_out)]
        layers.append((weights, [0.0] * n_out))
    return layers


def checks(loss: float, layers: list[tuple[Any, Any]]) -> list[float]:
    """What all must agree on: the epoch's loss, the loss over all rows after it, two checksums."""
    import numpy as np

    xs, ys = map(np.array, data())
    a = xs
    for w, b in layers[:-1]:
        a = np.maximum(a @ np.asarray(w, float).T + np.asarray(b, float), 0.0)
    w, b = layers[-1]
    z = (a @ np.asarray(w, float).T + np.asarray(b, float))[:, 0]
    p = np.clip(1.0 / (1.0 + np.exp(-z)), CLIP, 1.0 - CLIP)
    after = -np.mean(ys * np.log(p) + (1.0 - ys) * np.log(1.0 - p))
    flat = np.concatenate([np.ravel(np.asarray(q, float)) for layer in layers for q in layer])
    numbered = np.sum(flat * np.cos(np.arange(len(flat))))  # changes if parameters swap places
    return [float(loss), float(after), float(np.mean(np.abs(flat))), float(numbered)]
