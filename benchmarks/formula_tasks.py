"""Formulas for `benchmarks.compiled`, generic over the kind of number.

Each takes a namespace `m` with sin, exp, tanh and sqrt for the numbers it is given: `math`,
`autograd`, `casadi`, `numpy` or `jax.numpy`.
"""

import random
from collections.abc import Sequence
from typing import Any

INPUTS = 10
WAITING = 20  # results not used yet: beyond so many, these go first
BOUND = 4.0
OPERATIONS = {"+": 1, "-": 1, "*": 1, "sin": 1, "tanh": 1, "gauss": 3, "root": 3}  # scalar ones
ROWS = 10_000
START = [1.5, 0.4, 1.9, 0.0, 1.0, 0.1, 5.1, 0.0]


def point() -> list[float]:
    """Where the random expressions are evaluated."""
    r = random.Random(0)
    return [r.uniform(-1.0, 1.0) for _ in range(INPUTS)]


def random_expression(m: Any, inputs: Sequence[Any], nodes: int, seed: int = 0) -> Any:
    """An expression of `nodes` scalar operations or up to three more, with nothing regular in it.

    Each takes random earlier results, and every result is used. For inputs in [-1, 1] none but the
    final sum grows beyond BOUND.
    """
    r = random.Random(seed)
    values, bounds = list(inputs), [1.0] * len(inputs)
    waiting = list(range(len(values)))
    made = 0

    def operand() -> int:
        i = r.choice(waiting) if len(waiting) > WAITING else r.randrange(len(values))
        if i in waiting:
            waiting.remove(i)
        return i

    while made + len(waiting) - 1 < nodes:
        kind = r.choice(list(OPERATIONS))
        i, j = operand(), operand() if kind in "+-*" else 0
        x, y, a, b = values[i], values[j], bounds[i], bounds[j]
        if kind == "+":
            value, bound = x + y, a + b
        elif kind == "-":
            value, bound = x - y, a + b
        elif kind == "*":
            value, bound = x * y, a * b
        elif kind == "sin":
            value, bound = m.sin(x), 1.0
        elif kind == "tanh":
            value, bound = m.tanh(x), 1.0
        elif kind == "gauss":
            value, bound = m.exp(-(x * x)), 1.0
        else:
            value, bound = m.sqrt(1.0 + x * x), 1.0 + a
        made += OPERATIONS[kind]
        if bound > BOUND:
            value, bound = m.tanh(value), 1.0
            made += 1
        waiting.append(len(values))
        values.append(value)
        bounds.append(bound)
    result = values[waiting[0]]
    for i in waiting[1:]:
        result = result + values[i]
    return result


def damped_sines(m: Any, p: Sequence[Any], t: Any) -> Any:
    """A user's own formula: two damped oscillations and an offset, eight parameters."""
    a1, b1, w1, phase, a2, b2, w2, offset = p
    first = a1 * m.exp(-b1 * t) * m.sin(w1 * t + phase)
    return first + a2 * m.exp(-b2 * t) * m.sin(w2 * t) + offset


def squared_error(m: Any, p: Sequence[Any], t: Any, y: Any) -> Any:
    """Of one row; the fit minimises its mean over the rows."""
    residual = damped_sines(m, p, t) - y
    return residual * residual


def measurements() -> tuple[list[float], list[float]]:
    """Times, and the formula with a little noise."""
    import math

    r = random.Random(0)
    truth = [2.0, 0.3, 2.0, 0.5, 0.7, 0.05, 5.0, 0.1]
    ts = [r.uniform(0.0, 10.0) for _ in range(ROWS)]
    return ts, [damped_sines(math, truth, t) + r.gauss(0.0, 0.1) for t in ts]
