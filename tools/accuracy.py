"""How exact each primitive is, in units of the last place: `python -m tools.accuracy`.

Writes docs/accuracy.json, which the documentation's page of each primitive shows. Value and local
derivatives at random operands inside the domain, half of them of everyday size and half of any
size, are held against mpmath at 50 digits and more: as the eager engine computes them, and as
compiled code does. One unit (ulp) is the distance from the true result, rounded to float64, to the
next float64 away from zero.
"""

import json
import math
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

import autograd
from autograd.primitives import TABLE, Interval, Primitive
from autograd.value import apply
from tools.references import NO_GRADIENT, derivative

FILE = Path(__file__).resolve().parent.parent / "docs" / "accuracy.json"
POINTS = 400
LEAST_NORMAL = 2.0**-1022  # below it float64 itself has fewer digits
SPREAD = {"dot": 5}  # operands of those that take any number: two weights, two inputs, a bias
ANY_NUMBER = 3


def number_of_operands(p: Primitive) -> int:
    """How many operands it is measured with."""
    return SPREAD.get(p.name, ANY_NUMBER) if p.arity is None else p.arity


def names_of_operands(p: Primitive) -> list[str]:
    """A name for each of them."""
    if p.name == "dot":
        return ["w1", "w2", "x1", "x2", "b"]
    if p.arity is None:
        return [f"x{i + 1}" for i in range(ANY_NUMBER)]
    return [name.split("=")[0] for name in p.operands]


def points(p: Primitive, count: int = POINTS, seed: int = 0) -> list[tuple[float, ...]]:
    """Random operands inside the domain, away from kinks."""
    random = Random(f"{p.name} {seed}")
    names = names_of_operands(p)
    domain = [p.domain[k % len(p.domain)] for k in range(len(names))]
    found: list[tuple[float, ...]] = []
    while len(found) < count:
        wide = len(found) % 2 == 1
        xs = tuple(_operand(random, *pair, wide=wide) for pair in zip(names, domain, strict=True))
        if p.name == "clip" and xs[1] > xs[2]:
            continue
        if all(abs(kink) > 1e-9 for kink in p.kinks(*xs)):
            found.append(xs)
    return found


def _operand(random: Random, name: str, interval: Interval, wide: bool) -> float:
    if name == "order":
        return float(random.randrange(4))
    if name == "condition":
        return float(random.randrange(2))
    low, high = interval
    while True:
        x: float = random.choice((-1.0, 1.0)) * 10.0 ** random.uniform(-12.0, 3.0)
        if not wide:
            x = random.uniform(max(low, -5.0), min(high, 5.0))
        elif math.isfinite(low):  # any distance from the edge
            x = low + abs(x)
        if low < x < high:
            return x


def units(got: float, true: Any) -> float:
    """How far `got` is from the true result, in units of its last place."""
    nearest = float(true)
    if got == nearest:
        return 0.0
    if not (math.isfinite(got) and math.isfinite(nearest)):
        return math.inf
    return float(abs(got - true) / math.ulp(max(abs(nearest), LEAST_NORMAL)))


def eager(p: Primitive, points: Iterable[tuple[float, ...]]) -> list[list[float]]:
    """For each point the value and the local derivatives of the eager engine."""
    rows = []
    for xs in points:
        node = apply(p, *[autograd.Value(x) for x in xs])
        rows.append([node.data, *node.partials])
    return rows


def compiled(p: Primitive, points: list[tuple[float, ...]]) -> list[list[float]]:
    """The same of compiled code, all points in one call."""
    run = autograd.jit(
        autograd.value_and_grad(lambda xs: apply(p, *xs)), batch_argnums=0, mean=False
    )
    values, gradients = run(np.array(points))
    return [[value, *gradient] for value, gradient in zip(values, gradients, strict=True)]


def measure(p: Primitive, count: int = POINTS) -> dict[str, dict[str, Any]]:
    """For the value and the local derivative by each operand: the errors of both engines.

    `worst` and `at` are the largest error and its operands, `usual` is the error that 99 of 100
    points do not exceed.
    """
    n = number_of_operands(p)
    where = points(p, count)
    silent = NO_GRADIENT.get(p.name, set())
    engines = {"eager": eager(p, where), "compiled": compiled(p, where)}
    found: dict[str, dict[str, Any]] = {}
    for column in range(n + 1):
        if column - 1 in silent:
            continue
        true = derivative(p.name, n, *([column - 1] if column else []))
        trues = [true(*xs) for xs in where]
        name = f"d{names_of_operands(p)[column - 1]}" if column else "value"
        for engine, rows in engines.items():
            errors = [units(row[column], t) for row, t in zip(rows, trues, strict=True)]
            worst = max(range(len(errors)), key=errors.__getitem__)
            found.setdefault(name, {})[engine] = {
                "usual": round(sorted(errors)[math.ceil(0.99 * len(errors)) - 1], 2),
                "worst": round(errors[worst], 2),
                "at": where[worst],
            }
    return found


def main() -> None:
    """Measure all primitives and write the file."""
    figures = {}
    for name, p in TABLE.items():
        figures[name] = measure(p)
        worst = max(e["worst"] for column in figures[name].values() for e in column.values())
        print(f"{name:14} {worst:10.2f} ulp at worst", flush=True)
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(f)}" for name, f in figures.items())
    FILE.write_text(f'{{"points": {POINTS}, "figures": {{\n{rows}\n}}}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
