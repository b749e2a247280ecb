"""What hypothesis draws: operands inside a primitive's domain, and whole computation graphs.

Both are made from the table, so a new primitive is drawn unasked.
"""

import math
import operator
from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import strategies as st

import autograd
from autograd import ieee
from autograd.primitives import REAL, TABLE, Interval, Primitive

OPERATORS: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "pow": operator.pow,
    "neg": operator.neg,
    "abs": operator.abs,
}


def function_of(name: str) -> Callable[..., Any]:
    """The primitive as its users call it, on separate operands: an operator where there is one."""
    if name == "dot":
        return _dot
    if TABLE[name].arity is None:
        return lambda *xs: getattr(autograd, name)(xs)
    return OPERATORS.get(name) or getattr(autograd, name)


def _dot(*operands: Any) -> Any:
    n = len(operands) // 2
    return autograd.dot(operands[:n], operands[n : 2 * n], operands[-1])


def operand_names(p: Primitive, n: int) -> list[str]:
    names = p.operands if p.arity else [p.operands[0].lstrip("*")] * n
    return [name.split("=")[0] for name in names]


def domains(p: Primitive, n: int) -> list[Interval]:
    return [p.domain[i % len(p.domain)] for i in range(n)]


def number_of_operands(p: Primitive) -> tuple[int, ...]:
    """How many operands to test with: dot takes n weights, n inputs and a bias."""
    if p.arity is not None:
        return (p.arity,)
    return (1, 3, 5, 7, 15) if p.name == "dot" else (1, 2, 3, 7)


def far_from_kinks(p: Primitive, operands: Any, distance: float = 0.0) -> bool:
    return all(abs(k) > distance for k in p.kinks(*operands))


def inside(interval: Interval, size: float) -> st.SearchStrategy[float]:
    """Floats in the open interval, no larger than `size`; zero, but nothing else under 1e-9.

    High powers of what is smaller leave the range of float64; the grids look there with care.
    """
    low, high = interval
    floats = st.floats(
        max(low, -size), min(high, size), exclude_min=low > -size, exclude_max=high < size
    )
    return floats.filter(lambda x: x == 0.0 or abs(x) >= 1e-9)


@st.composite
def operands_of(draw: st.DrawFn, p: Primitive, n: int, size: float = 30.0) -> tuple[float, ...]:
    """Operands inside the domain and not at a kink."""
    xs = []
    for name, interval in zip(operand_names(p, n), domains(p, n), strict=True):
        if name == "order":
            xs.append(float(draw(st.integers(0, 6))))
        elif name == "condition":
            xs.append(draw(st.sampled_from((0.0, 1.0))))
        else:
            xs.append(draw(inside(interval, size)))
    if not far_from_kinks(p, xs):
        xs = [x + 0.25 * (i + 1) for i, x in enumerate(xs)]
    return tuple(xs)


# --- random graphs --------------------------------------------------------------------------------


class Step(NamedTuple):
    """One operation. An int means an earlier node, the leaves first; a float is a constant."""

    name: str
    operands: tuple[int | float, ...]


class Program(NamedTuple):
    """A computation: some leaves and then steps, of which the last is the result.

    Any kind of number can go through it: `program(floats)`, `program(Values)`, dual numbers.
    """

    leaves: tuple[float, ...]
    steps: tuple[Step, ...]

    def __call__(self, leaves: Any, function: Callable[[str], Any] = function_of) -> Any:
        nodes = list(leaves)
        for step in self.steps:
            xs = [nodes[x] if type(x) is int else x for x in step.operands]
            nodes.append(function(step.name)(*xs))
        return nodes[-1]


# How a number is brought into a domain where it may be used; each is itself a step of the graph.
_INTO_DOMAIN = {REAL: "tanh", (-1.0, 1.0): "sin", (0.0, math.inf): "exp", (1.0, math.inf): "cosh"}
_SMALL, _LARGE, _FROM_KINK = 3.0, 30.0, 0.01
# A difference quotient sees the derivative that stop_gradient stops.
_NAMES = sorted(TABLE.keys() - {"stop_gradient"})


@st.composite
def programs(draw: st.DrawFn, size: int = 12) -> Program:
    """Random graphs with shared nodes, repeated operands and constants on either side.

    All values and local derivatives stay moderate, and every node stays away from its kinks. What
    is used nowhere goes into a sum at the end, so that every node has a say in the result.

    size: the most operations drawn; those that bring operands into domains come on top.
    """
    numbers = [draw(inside(REAL, _SMALL)) for _ in range(draw(st.integers(1, 4)))]
    leaves = tuple(numbers)
    steps: list[Step] = []

    def add(name: str, operands: list[int | float]) -> bool:
        xs = [numbers[x] if type(x) is int else x for x in operands]
        p = TABLE[name]
        if not far_from_kinks(p, xs, _FROM_KINK):
            return False
        y = p.forward(*xs)
        sizes = [y, *(d or 0.0 for d in p.partials(ieee, y, *xs))]
        if not all(abs(size) <= _LARGE for size in sizes):
            return False
        numbers.append(y)
        steps.append(Step(name, tuple(operands)))
        return True

    def any_operand(name: str, domain: Interval) -> int | float | None:
        if name == "order":
            return float(draw(st.integers(0, 3)))
        if draw(st.integers(0, 4)) == 0:
            return draw(inside(domain, _SMALL))
        node = len(numbers) - 1 - draw(st.integers(0, len(numbers) - 1))
        if name == "condition" and abs(numbers[node]) < _FROM_KINK:
            return None
        low, high = domain
        if not max(low + 0.05, -_SMALL) <= numbers[node] <= min(high - 0.05, _SMALL):
            if abs(numbers[node]) > _SMALL and not add("tanh", [node]):
                return None
            node = node if abs(numbers[node]) <= _SMALL else len(numbers) - 1
            if domain != REAL:
                if not add(_INTO_DOMAIN.get(domain, "exp"), [node]):
                    return None
                node = len(numbers) - 1
        return node

    for name in draw(st.lists(st.sampled_from(_NAMES), min_size=1 + size // 2, max_size=size)):
        p = TABLE[name]
        n = draw(st.sampled_from(number_of_operands(p)[:-1])) if p.arity is None else p.arity
        pairs = zip(operand_names(p, n), domains(p, n), strict=True)
        operands = [any_operand(operand, domain) for operand, domain in pairs]
        if None not in operands and any(type(x) is int for x in operands):
            add(name, operands)
    used = {x for step in steps for x in step.operands if type(x) is int}
    steps.append(Step("total", tuple(x for x in range(len(numbers)) if x not in used)))
    return Program(leaves, tuple(steps))


# --- wild graphs ----------------------------------------------------------------------------------

SPECIAL = (
    *(0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -2.0, 3.0, 4.0, 20.0, 1000.0, -1000.0, math.pi),
    *(math.inf, -math.inf, math.nan, 5e-324, -5e-324, 2.0**-1022, 1e-310, 1e308, -1e308, 1e-20),
)
wild_floats = st.one_of(st.sampled_from(SPECIAL), st.floats(-4.0, 4.0), st.floats())
COMPARISONS: dict[str, Callable[..., Any]] = {
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}


class WildProgram(NamedTuple):
    """Like `Program`, but the result is a list of every number computed; nothing raises."""

    leaves: tuple[float, ...]
    steps: tuple[Step, ...]

    def __call__(self, leaves: Any) -> list[Any]:
        nodes = list(leaves)
        for step in self.steps:
            xs = [nodes[x] if type(x) is int else x for x in step.operands]
            nodes.append(total_function_of(step.name)(*xs))
        return nodes[len(leaves) :]


def total_function_of(name: str) -> Callable[..., Any]:
    """The primitive, or a comparison, as a function that has a result for all floats."""
    if name in COMPARISONS:
        return COMPARISONS[name]
    return function_of(name) if TABLE[name].arity is None else getattr(autograd, name)


@st.composite
def wild_programs(draw: st.DrawFn, size: int = 12) -> WildProgram:
    """Random graphs on any floats: nan, inf, -0.0, at kinks and poles, with branches.

    Comparisons are there as conditions, and half of all operations are such that make branches.
    """
    leaves = tuple(draw(st.lists(wild_floats, min_size=1, max_size=4)))
    choosing = [*COMPARISONS, "where", "where", "maximum", "minimum", "clip", "relu", "abs"]
    arithmetic = ["add", "mul", "sub", "div", "dot", "total", "logsumexp", "log", "exp", "sqrt"]
    names = st.one_of(
        st.sampled_from(choosing), st.sampled_from(arithmetic), st.sampled_from(sorted(TABLE))
    )
    steps: list[Step] = []
    conditions: list[int] = []
    for name in draw(st.lists(names, min_size=1 + size // 2, max_size=size)):
        count = len(leaves) + len(steps)
        operand: Any = st.one_of(st.integers(0, count - 1), st.integers(0, count - 1), wild_floats)
        if name in COMPARISONS:
            n = 2
        else:
            p = TABLE[name]
            n = draw(st.sampled_from(number_of_operands(p)[:-1])) if p.arity is None else p.arity
        operands: list[int | float] = [draw(operand) for _ in range(n)]
        if name == "polygamma":
            operands[0] = float(draw(st.integers(0, 3)))
        if name == "where" and conditions and draw(st.integers(0, 4)):
            operands[0] = draw(st.sampled_from(conditions))
        if not any(type(x) is int for x in operands):
            operands[-1] = count - 1
        if name in COMPARISONS:
            conditions.append(count)
        steps.append(Step(name, tuple(operands)))
    return WildProgram(leaves, tuple(steps))
