"""What hypothesis draws for these tests: operands, moderate graphs, and wild ones.

The first two are `autograd.strategies`, in this suite's words: operands as close to a kink as
floats come, and graphs that are called with their leaves.
"""

import math
import operator
from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import strategies as st

import autograd
from autograd.primitives import TABLE, Primitive
from autograd.strategies.expressions import Expression, Step, expressions
from autograd.strategies.operands import domains as domains
from autograd.strategies.operands import far_from_kinks as far_from_kinks
from autograd.strategies.operands import operand_counts as number_of_operands
from autograd.strategies.operands import operand_names as operand_names
from autograd.strategies.operands import operands
from autograd.strategies.written import OPERATORS as OPERATORS
from autograd.strategies.written import function_of


def operands_of(p: Primitive, n: int, size: float = 30.0) -> st.SearchStrategy[tuple[float, ...]]:
    """Operands inside the domain and not at a kink."""
    return operands(p, n, max_magnitude=size, from_kinks=0.0)


class Program(Expression):
    """An expression, and the numbers at its leaves."""

    @property
    def leaves(self) -> tuple[float, ...]:
        return self.point


def programs(size: int = 12) -> st.SearchStrategy[Program]:
    """Random graphs of at most `size` operations; those that bring into domains come on top."""
    return expressions(max_operations=size).map(lambda e: Program(e.point, e.steps))


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
