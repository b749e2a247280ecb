"""Functions that are hard to take differences of, each with a right gradient and a wrong one.

A check that calls the right one wrong gives a false alarm; one that passes the wrong one misses a
fault. Everything is a foreign function here, with a gradient written by hand.
"""

import cmath
import math
from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import Any, NamedTuple

import numpy as np


class Case(NamedTuple):
    """f at args; both gradients are functions of the same arguments."""

    name: str
    f: Callable[..., Any]
    args: tuple[Any, ...]
    right: Callable[..., Any]
    wrong: Callable[..., Any]


def at(name: str, f: Callable[[float], Any], x: float, right: float, wrong: float) -> Case:
    """A function of one number."""
    return Case(name, f, (x,), lambda x: right, lambda x: wrong)


def _nan_outside(f: Callable[[float], float], low: float, high: float = math.inf) -> Any:
    return lambda x: f(x) if low <= x <= high else math.nan


def _relu(x: float) -> float:
    return max(x, 0.0)


def _clip(x: float) -> float:
    return min(max(x, 0.0), 1.0)


def _noisy(f: Callable[[float], float], size: float) -> Callable[[float], float]:
    """F with a noise that has a fixed seed for each place, as a careful simulation has."""
    return lambda x: f(x) + size * Random(repr(x)).gauss(0.0, 1.0)


def _trembling(f: Callable[[float], float], size: float) -> Callable[[float], float]:
    """F with another noise each time."""
    random = Random(5)
    return lambda x: f(x) + size * random.gauss(0.0, 1.0)


def _float32(f: Callable[[Any], Any]) -> Callable[[float], float]:
    return lambda x: float(f(np.float32(x)))


def _steps_of_newton(x: float) -> float:
    """The square root by iteration: smooth, with a loop that ends by a tolerance."""
    y = x
    while abs(y * y - x) > 1e-13 * x:
        y = 0.5 * (y + x / y)
    return y


def _integral(x: float) -> float:
    """The integral of exp(-t**2) from 0 to x, by Simpson's rule."""
    n = 200
    h = x / n
    weights = [1.0, *[4.0, 2.0] * (n // 2 - 1), 4.0, 1.0]
    return h / 3.0 * sum(w * math.exp(-((k * h) ** 2)) for k, w in enumerate(weights))


_A = np.array([[2.0, 0.5, 0.1], [0.3, 1.5, -0.2], [-0.4, 0.2, 1.1]])
_X = np.array([[0.2, -0.7], [1.1, 0.4], [-0.5, 0.9]])
_Y = np.array([0.3, -0.2, 0.8])


def _least_squares(w: Any, b: Any) -> Any:
    return np.mean((_X @ w + b - _Y) ** 2)


def _least_squares_gradient(w: Any, b: Any) -> Any:
    r = _X @ w + b - _Y
    return 2.0 * _X.T @ r / len(_Y), 2.0 * np.mean(r)


def _cross_entropy(z: Any) -> Any:
    z = z - z.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -log_p[[0, 1, 2], [1, 0, 1]].mean()


def _cross_entropy_gradient(z: Any, divide: float = 3.0) -> Any:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    p[[0, 1, 2], [1, 0, 1]] -= 1.0
    return p / divide


def _float32_network(w: Any) -> Any:
    w = np.asarray(w, dtype=np.float32)
    return np.tanh(_X.astype(np.float32) @ w).sum()


def _float32_gradient(w: Any) -> Any:
    w = np.asarray(w, dtype=np.float32)
    x = _X.astype(np.float32)
    return (x.T @ (1.0 - np.tanh(x @ w) ** 2)).astype(np.float32)


def _rosenbrock(x: Any) -> float:
    pairs = pairwise(x)
    return sum(100.0 * (b - a * a) ** 2 + (1.0 - a) ** 2 for a, b in pairs)


def _rosenbrock_gradient(x: Any) -> list[float]:
    g = [0.0] * len(x)
    for k in range(len(x) - 1):
        g[k] += -400.0 * x[k] * (x[k + 1] - x[k] ** 2) - 2.0 * (1.0 - x[k])
        g[k + 1] += 200.0 * (x[k + 1] - x[k] ** 2)
    return g


def _overwritten(x: Any) -> list[float]:
    g = _rosenbrock_gradient(x)
    for k in range(len(x) - 1):  # = where += belongs
        g[k] = -400.0 * x[k] * (x[k + 1] - x[k] ** 2) - 2.0 * (1.0 - x[k])
    return g


def _many(x: Any) -> float:
    return math.fsum(math.sin(a) * (k + 1) for k, a in enumerate(x))


def _many_gradient(x: Any) -> list[float]:
    return [math.cos(a) * (k + 1) for k, a in enumerate(x)]


def _one_of_many_off(x: Any) -> list[float]:
    g = _many_gradient(x)
    g[77] *= 1.01
    return g


_xs = tuple([0.01 * k for k in range(200)])
_w = np.array([[0.3, -0.2], [0.7, 0.1]])
_sin6 = 1e6 * math.cos(3e5)

CASES = [
    # smooth, from easy to steep, flat, huge and tiny
    at("exp", math.exp, 1.0, math.e, math.e * 1.00001),
    at("exp far left", math.exp, -700.0, math.exp(-700.0), -math.exp(-700.0)),
    at("exp far right", math.exp, 700.0, math.exp(700.0), math.exp(700.0) * 1.001),
    at("exp at 0", math.exp, 0.0, 1.0, 0.9999),
    at("log at 1e-300", math.log, 1e-300, 1e300, 1.001e300),
    at("log near 0", math.log, 1e-3, 1e3, 999.0),
    at("sqrt near 0", math.sqrt, 1e-6, 500.0, 500.01),
    at("1/x near 0", lambda x: 1.0 / x, 1e-8, -1e16, 1e16),
    at("a power", lambda x: x**20, 1.0, 20.0, 19.999),
    at("a square, huge x", lambda x: (x / 1e150) ** 2, 1e150, 2e-150, 2.001e-150),
    at("a square, huge f", lambda x: 1e150 * x * x, 1.0, 2e150, 2.0001e150),
    at("a square, tiny f", lambda x: 1e-150 * x * x, 1.0, 2e-150, 2.0001e-150),
    at("tiny f, no slope", lambda x: 1e-150 * x * x, 0.0, 0.0, 1e-155),
    at("tiny x", lambda x: math.sin(x * 1e150), 1e-150, 1e150 * math.cos(1.0), 1e150),
    at("a constant", lambda x: 5.0, 0.0, 0.0, 1e-6),
    at("a large constant", lambda x: 1e12, 3.0, 0.0, 0.5),
    at("a slope on 1e8", lambda x: 1e8 + x, 1.0, 1.0, 1.001),
    at("a small slope on 1e8", lambda x: 1e8 + 1e-3 * x, 1.0, 1e-3, 0.0),
    at("a stationary point", lambda x: (x - 1.0) ** 2, 1.0, 0.0, 1e-6),
    at("a flat root", lambda x: (x - 1.0) ** 3, 1.0, 0.0, 1e-4),
    at("far in a gaussian", lambda x: math.exp(-x * x), 5.0, -10 * math.exp(-25), 0.0),
    at("a narrow bump", lambda x: math.exp(-1e12 * x * x), 1e-6, -2e6 / math.e, -1e6 / math.e),
    at("saturated", math.tanh, 18.0, 1.0 / math.cosh(18.0) ** 2, 1e-6),
    at("log(1 + exp(x))", lambda x: math.log1p(math.exp(x)), -30.0, math.exp(-30.0), 0.0),
    at("cancellation", lambda x: (1 - math.cos(x)) / x**2, 1e-2, -8.333277778e-4, -8.4e-4),
    at("a rational function", lambda x: x**3 / (1.0 + x), 2.0, 28.0 / 9.0, 28.001 / 9.0),
    at("complex arithmetic", lambda x: abs(cmath.exp(1j * x) + 2.0), 0.5,
       -2.0 * math.sin(0.5) / abs(cmath.exp(0.5j) + 2.0), 0.0),
    # waves
    at("fast", lambda x: math.sin(100.0 * x), 0.3, 100.0 * math.cos(30.0), 15.0),
    at("very fast", lambda x: math.sin(1e6 * x), 0.3, _sin6, -_sin6),
    at("very fast, by 1e-4", lambda x: math.sin(1e6 * x), 0.3, _sin6, _sin6 * 1.0001),
    at("very fast at 0", lambda x: math.sin(1e6 * x), 0.0, 1e6, 0.0),
    at("sin far out", math.sin, 1e8, math.cos(1e8), math.sin(1e8)),
    at("a ripple on a slope", lambda x: x + 1e-9 * math.sin(1e9 * x), 0.0, 2.0, 1.0),
    at("chirp", lambda x: math.sin(1.0 / x), 1e-3, -1e6 * math.cos(1e3), 1e6 * math.cos(1e3)),
    # corners: at them, near them
    at("relu at 0", _relu, 0.0, 0.5, 1.1),
    at("relu at 0, below", _relu, 0.0, 0.0, -0.1),
    at("relu right of 0", _relu, 1e-9, 1.0, 0.5),
    at("relu left of 0", _relu, -1e-9, 0.0, 0.5),
    at("relu nearer", _relu, 1e-14, 1.0, 0.5),
    at("abs at 0", abs, 0.0, 0.0, 1.5),
    at("abs near 0", abs, -1e-7, -1.0, 0.0),
    at("a maximum of lines", lambda x: max(x, 2.0 * x - 1.0), 1.0, 1.5, 2.5),
    at("two corners near by", lambda x: abs(x - 0.5) + abs(x - 0.5 - 1e-6), 0.5, -1.0, 1.0),
    at("many corners", lambda x: sum(abs(x - k * 1e-3) for k in range(9)), 4e-3, 0.0, 3.0),
    at("clip inside", _clip, 0.5, 1.0, 0.0),
    at("clip at its end", _clip, 1.0, 0.0, 1.2),
    at("clip beyond its end", _clip, 1.0 + 1e-9, 0.0, 1.0),
    at("a kink of order 2", lambda x: x * abs(x), 0.0, 0.0, 1e-3),
    at("a corner on a curve", lambda x: math.exp(x) + abs(x - 1.0), 1.0, math.e, math.e + 1.1),
    at("a faint corner", lambda x: math.sin(x) + 1e-5 * abs(x - 1.0), 1.0, math.cos(1.0), 0.5404),
    at("hat", lambda x: max(0.0, 1.0 - abs(x)), 1.0, -0.5, 0.5),
    # jumps
    at("a step at 0", lambda x: float(x > 0.0), 0.0, 0.0, 1.0),
    at("a step near 0", lambda x: float(x > 0.0), 1e-9, 0.0, 0.5),
    at("floor", math.floor, 2.0, 0.0, 1.0),
    at("floor, between", math.floor, 2.5, 0.0, 1.0),
    at("a jump between slopes", lambda x: 2.0 * x if x < 1.0 else 3.0 * x, 1.0, 2.5, 3.5),
    at("sawtooth", lambda x: x % 1.0, 2.0, 1.0, 0.0),
    # defined on one side, or infinitely steep
    at("sqrt at 0", math.sqrt, 0.0, math.inf, 0.0),
    at("cbrt at 0", lambda x: math.copysign(abs(x) ** (1 / 3), x), 0.0, math.inf, 1.0),
    at("x log x at 0", lambda x: x * math.log(x) if x else 0.0, 0.0, -math.inf, 0.0),
    at("x ** 1.5 at 0", _nan_outside(lambda x: x**1.5, 0.0), 0.0, 0.0, 0.5),
    at("asin at 1", math.asin, 1.0, math.inf, 0.0),
    at("acos near 1", math.acos, 1.0 - 1e-10, -1.0 / math.sqrt(2e-10 - 1e-20), -7e4),
    at("log at 0", lambda x: math.log(x) if x > 0 else -math.inf, 0.0, math.inf, 1.0),
    at("the end of a domain", _nan_outside(math.sin, -1.0, 1.0), 1.0, math.cos(1.0), 0.0),
    at("nan", lambda x: math.nan, 1.0, math.nan, 0.0),
    # noisy
    at("noise of 1e-9", _noisy(math.sin, 1e-9), 0.7, math.cos(0.7), 0.77),
    at("noise of 1e-6", _noisy(math.sin, 1e-6), 0.7, math.cos(0.7), -math.cos(0.7)),
    at("noise of 1e-3", _noisy(math.sin, 1e-3), 0.7, math.cos(0.7), -math.cos(0.7)),
    at("another noise each time", _trembling(math.sin, 1e-5), 0.7, math.cos(0.7), 0.8),
    at("noise at a corner", _noisy(abs, 1e-8), 0.0, 0.0, 1.5),
    at("iterated", _steps_of_newton, 2.0, 0.5 / math.sqrt(2.0), 0.36),
    at("integrated", _integral, 1.2, math.exp(-1.44), math.exp(-1.2)),
    at("rounded to float32", _float32(np.sin), 0.7, math.cos(0.7), 0.766),
    at("exp in float32", _float32(np.exp), 2.0, math.exp(2.0), 7.4),
    at("sin(x) - x", lambda x: math.sin(x) - x, 2.0**-23, math.cos(2.0**-23) - 1.0, 1e-9),
    # many numbers, arrays
    Case("rosenbrock", _rosenbrock, ([-1.2, 1.0, 0.4, 2.0],), _rosenbrock_gradient, _overwritten),
    Case("one of 200", _many, (_xs,), _many_gradient, _one_of_many_off),
    Case("quadratic form", lambda x: float(x @ _A @ x), (np.array([1.0, -2.0, 0.5]),),
         lambda x: (_A + _A.T) @ x, lambda x: 2.0 * _A @ x),
    Case("least squares", _least_squares, (np.array([0.4, -0.3]), 0.1), _least_squares_gradient,
         lambda w, b: (_least_squares_gradient(w, b)[0] * 3.0, _least_squares_gradient(w, b)[1])),
    Case("cross-entropy", _cross_entropy, (_X,), _cross_entropy_gradient,
         lambda z: _cross_entropy_gradient(z, 1.0)),
    Case("frobenius", lambda w: np.sum(np.sin(w) * _w), (_w,), lambda w: np.cos(w) * _w,
         lambda w: (np.cos(w) * _w).T),
    Case("determinant", lambda a: np.linalg.det(a), (_A,),
         lambda a: np.linalg.det(a) * np.linalg.inv(a).T,
         lambda a: np.linalg.det(a) * np.linalg.inv(a)),
    Case("float32 network", _float32_network, (np.array([0.3, -0.8]),), _float32_gradient,
         lambda w: (_float32_gradient(w) * 1.001).astype(np.float32)),
    Case("float32 arguments", _float32_network, (np.array([0.3, -0.8], dtype=np.float32),),
         _float32_gradient, lambda w: _float32_gradient(w)[::-1]),
    Case("a row of relus", lambda x: np.maximum(x, 0.0).sum(), (np.array([0.0, 1e-8, -1.0]),),
         lambda x: (x > 0.0).astype(float), lambda x: (x >= -2.0).astype(float)),
    Case("log of a sum", lambda x: np.log(np.sum(x)), (np.array([1e-12, 1e-12]),),
         lambda x: 1.0 / np.full(2, x.sum()), lambda x: 1.0 / x),
    Case("scales apart", lambda x: x[0] * 1e6 + math.sin(x[1]), ([1e-6, 1.0],),
         lambda x: [1e6, math.cos(1.0)], lambda x: [1e6, math.cos(1.0) * 1.0001]),
    Case("a dict", lambda p: p["a"] ** 2 * p["b"][0], ({"a": 3.0, "b": [0.5]},),
         lambda p: {"a": 3.0, "b": [9.0]}, lambda p: {"a": 3.0, "b": [3.0]}),
]  # fmt: skip
