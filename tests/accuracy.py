"""How far a result may be from the truth, and at which operands to ask.

How exact is exact? Relative 1e-12 of the true result. Only where a result is a sum whose terms
cancel is there a floor, a few roundings of those terms: no sum in floating point does better. For a
value or a local derivative the few entries in CANCELS may use it. For a second derivative the terms
are the paths through the rule's own graph, over which the chain rule adds up. The floor does not
excuse a rule that itself cancels (`1 - tanh(x)**2`), for local derivatives have none.
"""

import itertools
import math
import random
from collections.abc import Iterator
from typing import Any

import pytest
from strategies import domains, far_from_kinks, number_of_operands, operand_names

import autograd
from autograd import Value
from autograd.functions import NAMESPACE
from autograd.primitives import TABLE, Primitive
from autograd.value import apply
from tools.references import derivative

RELATIVE = 1e-12
ROUNDINGS = 8 * 2.0**-53
NORMAL = 2.0**-1022  # under it float64 itself has fewer digits

# Order of derivative -> entries whose result may cancel, and why the function leaves no other way.
CANCELS = {
    0: {
        "total": "a sum of the operands",
        "mean": "a sum of the operands",
        "dot": "a sum of the products",
        "logaddexp": "crosses zero, as the sum of an operand and a logarithm",
        "logsumexp": "crosses zero, as the sum of an operand and a logarithm",
    },
    1: {
        "gelu": "the slope crosses zero near -0.75, as Phi(x) + x * phi(x)",
        "silu": "the slope crosses zero near -1.28, as a sum of the same kind",
    },
}

every_primitive = pytest.mark.parametrize("name", sorted(TABLE))
every_arity = pytest.mark.parametrize(
    ("name", "n"), [(name, n) for name, p in sorted(TABLE.items()) for n in number_of_operands(p)]
)

MAGNITUDES = (
    *(1e-60, 1e-20, 1e-9, 1e-3, 0.1, 0.5, 0.75, 1.0, 1.2, 1.4616321449683623, 1.5, 2.0, 2.5, 3.0),
    *(math.pi, 5.0, 7.5, 10.0, 20.0, 37.0, 100.0, 700.0, 745.0, 1e4, 1e8, 1e16, 1e60),
)
EXTREMES = (1e-150, 1e150)  # whose squares are still normal numbers
NEAR_EDGES = (
    *(-1 + 2**-53, -1 + 1e-9, 1 - 1e-9, 1 - 2**-53, 1 + 2**-52, 1 + 1e-9, 1.00001),
    *(2 - 1e-9, 2 + 1e-9, 1.9999, 1.4616321449683625, 1.4616322449683623, 1.462, -0.7517915247),
)


def grid(p: Primitive, n: int, magnitudes: tuple[float, ...]) -> Iterator[tuple[float, ...]]:
    """Fixed operands: all points of one operand, a fixed sample of the combinations of several."""
    axes: list[list[float]] = []
    for name, (low, high) in zip(operand_names(p, n), domains(p, n), strict=True):
        points = [s * x for x in magnitudes for s in (1.0, -1.0)] + list(NEAR_EDGES)
        special = {"order": [float(k) for k in range(7)], "condition": [0.0, 1.0]}
        axes.append(special.get(name) or [x for x in points if low < x < high])
    if math.prod(map(len, axes)) <= 1000:
        combinations = list(itertools.product(*axes))
    else:
        rng = random.Random(p.name)
        moderate = [[x for x in axis if x in (0.0, 1.0) or 1e-3 <= abs(x) <= 10] for axis in axes]
        combinations = [
            tuple(rng.choice(axis) for axis in some)
            for _ in range(60 // n)
            for some in (axes, moderate)
        ]
    yield from (xs for xs in combinations if far_from_kinks(p, xs))


def assert_close(got: float, true: Any, floor: Any, what: str) -> None:
    """`got` is the true result to RELATIVE, or within the floor where terms cancel."""
    as_float = float(true)
    if got == as_float:
        return  # also where both overflow
    assert math.isfinite(got), f"{what} gives {got}, but it is {as_float!r}"
    assert math.isfinite(as_float), f"{what} gives {got!r}, but it overflows"
    error = abs(got - true)
    tolerance = RELATIVE * abs(true) + floor + NORMAL
    assert error <= tolerance, (
        f"{what} gives {got!r}, but it is {as_float!r}: off by {float(error):.1e}, "
        f"allowed {float(tolerance):.1e}"
    )


def terms(name: str, xs: tuple[float, ...], *along: int) -> Any:
    """The size of the terms of a sum: how far each operand, by itself, moves the result."""
    if name not in CANCELS.get(len(along), ()):
        return 0
    n = len(xs)
    return sum(abs(x * derivative(name, n, *along, i)(*xs)) for i, x in enumerate(xs))


def path_sizes(root: Any, leaves: list[Value]) -> list[float]:
    """For each leaf the sum, over all paths to it, of the size of what backward() carries along."""
    if type(root) is not Value:
        return [0.0] * len(leaves)
    size = dict.fromkeys(autograd.topological_order(root), 0.0)
    size[root] = 1.0
    for v in reversed(list(size)):
        for p, d in zip(v.parents, v.partials, strict=True):
            if size[v] and d:
                size[p] += size[v] * abs(d)
    return [size.get(leaf, 0.0) for leaf in leaves]


def curvature_sizes(p: Primitive, xs: tuple[float, ...]) -> list[list[float]]:
    """For each second derivative the size of the terms that the chain rule adds up to it."""
    leaves = [Value(x) for x in xs]
    rule = p.partials(NAMESPACE, apply(p, *leaves), *leaves)
    return [path_sizes(d, leaves) for d in rule]
