"""A formula and its gradient in one engine: prints a line of JSON. Run in a fresh process.

    python -m benchmarks.formula_peers random-5000 casadi
    python -m benchmarks.formula_peers fit jax

random-N: an irregular expression of N scalar operations, its gradient by ten inputs.
fit: the mean squared error of a formula of eight parameters over 10,000 rows, and its gradient.
All in float64, on one core. "seconds" are those of the value with its gradient, "alone" those of
the value, "first" the time from the formula to its first gradient.
"""

import json
import math
import os
import sys
import time
import timeit
from collections.abc import Callable
from typing import Any, NamedTuple

from benchmarks.formula_tasks import (
    ROWS,
    START,
    damped_sines,
    measurements,
    point,
    random_expression,
    squared_error,
)


class Calls(NamedTuple):
    """What is measured, and how its result becomes [value, *gradient]."""

    both: Callable[[], Any]
    alone: Callable[[], Any]
    unpack: Callable[[Any], list[float]]


def per_call(function: Callable[[], Any]) -> list[float]:
    """Seconds a call, five times; Python's garbage collector on, as users have it."""
    timer = timeit.Timer(function, "import gc; gc.enable()")
    number, _ = timer.autorange()
    return [seconds / number for seconds in timer.repeat(5, number)]


# --- CasADi ---------------------------------------------------------------------------------------


def casadi_random(nodes: int) -> Calls:
    """SX in CasADi's virtual machine."""
    import casadi

    x = casadi.SX.sym("x", len(point()))
    y = random_expression(casadi, casadi.vertsplit(x), nodes)
    return _casadi_calls(y, x, [x], [point()])


def casadi_map() -> Calls:
    """One row as SX; its value and gradient are mapped over the rows and added up by CasADi."""
    import casadi

    p, t, y = casadi.SX.sym("p", len(START)), casadi.SX.sym("t"), casadi.SX.sym("y")
    error = squared_error(casadi, casadi.vertsplit(p), t, y) / ROWS
    return _casadi_calls(error, p, [p, t, y], [START, *measurements()], rows=ROWS)


def casadi_vectors() -> Calls:
    """MX, whose operations work on whole vectors."""
    import casadi

    p, t, y = (casadi.MX.sym(name, n) for name, n in (("p", len(START)), ("t", ROWS), ("y", ROWS)))
    error = casadi.sum1(squared_error(casadi, casadi.vertsplit(p), t, y)) / ROWS
    return _casadi_calls(error, p, [p, t, y], [START, *measurements()])


def _casadi_calls(value: Any, x: Any, symbols: list[Any], at: list[Any], rows: int = 0) -> Calls:
    """The value and its gradient by x; with rows, the sum over them of functions of one row."""
    import casadi

    def call(output: Any) -> Callable[[], Any]:
        function = casadi.Function("f", symbols, [output])
        return _through_buffers(
            function.map("f", "serial", rows, [0], [0]) if rows else function, at
        )

    return Calls(call(casadi.vertcat(value, casadi.gradient(value, x))), call(value), list)


def _through_buffers(function: Any, at: list[Any]) -> Callable[[], Any]:
    """Without converting arguments or results, which would cost more than the function."""
    import numpy as np

    buffer, run = function.buffer()
    inputs = [np.array(argument, float) for argument in at]
    result = np.zeros(function.numel_out(0))
    for i, array in enumerate(inputs):
        buffer.set_arg(i, array.data)
    buffer.set_res(0, result.data)

    def call() -> Any:
        run()
        return result

    call.__dict__["alive"] = buffer, inputs  # CasADi keeps only their addresses
    return call


# --- JAX ------------------------------------------------------------------------------------------


def jax_random(nodes: int) -> Calls:
    """Only for few nodes: compilation takes longer and longer."""
    import jax.numpy as jnp

    inputs = len(point())
    return _jax_calls(
        lambda x: random_expression(jnp, [x[i] for i in range(inputs)], nodes), point()
    )


def jax_fit() -> Calls:
    """The mean over vmap."""
    import jax
    import jax.numpy as jnp

    rows = jax.vmap(lambda p, t, y: squared_error(jnp, p, t, y), (None, 0, 0))
    return _jax_calls(lambda p, t, y: jnp.mean(rows(p, t, y)), START, *measurements())


def _jax_calls(f: Callable[..., Any], x: Any, *data: Any) -> Calls:
    """jit of value_and_grad, and of the function."""
    import jax
    import jax.numpy as jnp

    arguments = [jnp.array(argument, "float64") for argument in (x, *data)]
    both, alone = jax.jit(jax.value_and_grad(f)), jax.jit(f)
    return Calls(
        lambda: jax.block_until_ready(both(*arguments)),
        lambda: jax.block_until_ready(alone(*arguments)),
        lambda result: [result[0], *result[1]],
    )


# --- by hand --------------------------------------------------------------------------------------


def numpy_fit() -> Calls:
    """Arrays over the rows, the gradient derived by hand."""
    import numpy as np

    ts, ys = map(np.array, measurements())
    p: Any = np.array(START)

    def both() -> Any:
        a1, b1, w1, phase, a2, b2, w2, offset = p
        e1, e2 = np.exp(-b1 * ts), np.exp(-b2 * ts)
        u1, u2 = w1 * ts + phase, w2 * ts
        s1, s2 = e1 * np.sin(u1), e2 * np.sin(u2)
        c1, c2 = e1 * np.cos(u1), e2 * np.cos(u2)
        residual = a1 * s1 + a2 * s2 + offset - ys
        d = 2.0 / ROWS * residual
        dt = d * ts
        grad = [d @ s1, -a1 * (dt @ s1), a1 * (dt @ c1), a1 * (d @ c1)]
        grad += [d @ s2, -a2 * (dt @ s2), a2 * (dt @ c2), d.sum()]
        return [residual @ residual / ROWS, *grad]

    return Calls(both, lambda: np.mean((damped_sines(np, p, ts) - ys) ** 2), list)


# --- our eager engine, which the others are held to -----------------------------------------------


def eager_random(nodes: int) -> Calls:
    """A graph is built for each gradient; the value alone is computed on floats."""
    import autograd

    gradient = autograd.value_and_grad(lambda xs: random_expression(autograd, xs, nodes))
    return Calls(
        lambda: gradient(point()),
        lambda: random_expression(math, point(), nodes),
        lambda result: [result[0], *result[1]],
    )


def eager_fit() -> Calls:
    """The same, row after row."""
    import autograd

    ts, ys = measurements()

    def mean_error(m: Any, p: Any) -> Any:
        return autograd.mean([squared_error(m, p, t, y) for t, y in zip(ts, ys, strict=True)])

    gradient = autograd.value_and_grad(lambda p: mean_error(autograd, p))
    return Calls(
        lambda: gradient(START),
        lambda: mean_error(math, START),
        lambda result: [result[0], *result[1]],
    )


RANDOM = {"eager": eager_random, "casadi": casadi_random, "jax": jax_random}
FIT = {
    "eager": eager_fit,
    "casadi-map": casadi_map,
    "casadi-vectors": casadi_vectors,
    "jax": jax_fit,
    "numpy": numpy_fit,
}


def main() -> None:
    """Measure one engine."""
    task, name = sys.argv[1:]
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    if name == "jax":
        import jax

        jax.config.update("jax_enable_x64", True)
    start = time.perf_counter()
    if task == "fit":
        calls = FIT[name]()
    else:
        calls = RANDOM[name](int(task.removeprefix("random-")))
    check = [float(x) for x in calls.unpack(calls.both())]
    first = time.perf_counter() - start
    alone = per_call(calls.alone)
    print(
        json.dumps(
            {"seconds": per_call(calls.both), "alone": alone, "first": first, "check": check}
        )
    )


if __name__ == "__main__":
    main()
