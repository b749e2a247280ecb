"""Random expressions: graphs with shared nodes, repeated operands and constants on either side."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from hypothesis import note
from hypothesis import strategies as st

from autograd import ieee
from autograd.errors import LengthError
from autograd.primitives import ABOVE_ONE, POSITIVE, REAL, TABLE, UNIT, Interval
from autograd.strategies.operands import (
    FROM_KINK,
    domains,
    entry,
    far_from_kinks,
    inside,
    operand_counts,
    operand_names,
)
from autograd.strategies.picture import Picture
from autograd.strategies.written import as_lambda, function_of, pretty


class Step(NamedTuple):
    """One operation. An int means an earlier number, the inputs first; a float is a constant."""

    name: str
    operands: tuple[int | float, ...]


class Expression:
    """A function of a list of numbers of any kind, and a point where it is smooth.

    point: the numbers it was drawn with; steps: its operations, of which the last is the result.
    Its repr is a lambda, with the point as default: Python to paste.
    """

    def __init__(self, point: Sequence[float], steps: Sequence[Step]) -> None:
        self.point = tuple(point)
        self.steps = tuple(steps)

    def __call__(
        self,
        x: Iterable[Any] | None = None,
        function: Callable[[str], Callable[..., Any]] = function_of,
    ) -> Any:
        """The result for the numbers x: floats, Values, dual numbers ...; without x at the point.

        function: what to take for each primitive by its name, say those of another library.
        Raises LengthError if there is not one number for each of the point.
        """
        numbers = list(self.point if x is None else x)
        if len(numbers) != len(self.point):
            raise LengthError(f"expected {len(self.point)} numbers, but got {len(numbers)}")
        for step in self.steps:
            xs = [numbers[x] if type(x) is int else x for x in step.operands]
            numbers.append(function(step.name)(*xs))
        return numbers[-1]

    def __repr__(self) -> str:
        return as_lambda(self.point, self.steps)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        pretty(self, printer)


# --- drawing --------------------------------------------------------------------------------------

# How a number is brought into a domain where it may be used; itself a step.
_INTO_DOMAIN = {UNIT: "sin", POSITIVE: "exp", ABOVE_ONE: "cosh"}
_SMALL, _LARGE = 3.0, 30.0
_BACK = 60  # has many divisors, so that a remainder of 0 ... 59 chooses evenly among few nodes
_CONSTANTS = 15  # draws beyond those mean a constant: a fifth of all operands


@st.composite
def expressions(
    draw: st.DrawFn,
    primitives: Iterable[str | Callable[..., Any]] | None = None,
    *,
    min_operations: int = 1,
    max_operations: int = 12,
    max_inputs: int = 4,
    picture: bool = True,
) -> Expression:
    """Random expressions of 1 to `max_inputs` numbers, each with a point to derive it at.

    At the point all values and local derivatives stay moderate, and every node stays away from its
    kinks. Each input and each node has a say in the result: what is used nowhere is added up.

    primitives: names or functions to choose from, by default the whole table; sums may come on top.
    min_operations, max_operations: how many to try; some are skipped for their operands, and those
        that bring operands into domains come on top.
    picture: whether a failure also draws the expression, into a file that the message names.
    Raises ValueError if there is no such primitive, or none at all.
    """
    # a difference quotient sees the derivative that stop_gradient stops
    names = [name for name in TABLE if name != "stop_gradient"]
    if primitives is not None:
        wanted = [primitives] if isinstance(primitives, str) else list(primitives)
        if not wanted:
            raise ValueError("expected at least one primitive to choose from, but got none")
        names = [entry(p).name for p in wanted]
    point = draw(st.lists(inside(REAL, _SMALL), min_size=1, max_size=max_inputs))
    builder = _Builder(point, names)
    # operations first, and then what they are applied to: hypothesis can leave out any of them
    operations = _operations(st.sampled_from(names))
    for name, operands in draw(
        st.lists(operations, min_size=min_operations, max_size=max_operations)
    ):
        builder.try_operation(name, operands)
    expression = builder.expression()
    if picture:
        note(Picture(expression, (point,), [f"x[{i}]" for i in range(len(point))]))
    return expression


@st.composite
def _operations(draw: st.DrawFn, names: st.SearchStrategy[str]) -> tuple[str, list[int | float]]:
    """A primitive's name and its operands: a constant, or how far back among the nodes to look."""
    p = TABLE[draw(names)]
    n = p.arity or draw(st.sampled_from(operand_counts(p)[:-1]))
    operands: list[int | float] = []
    for operand, domain in zip(operand_names(p, n), domains(p, n), strict=True):
        if operand == "order":
            operands.append(float(draw(st.integers(0, 3))))
        else:
            # one draw an operand: hypothesis leaves out runs of up to five draws, an operation
            back = draw(st.integers(0, _BACK + _CONSTANTS - 1))
            operands.append(back if back < _BACK else draw(inside(domain, _SMALL)))
    return p.name, operands


class _Builder:
    """The steps so far, and the number of each node at the point."""

    def __init__(self, point: Sequence[float], names: Sequence[str]) -> None:
        self.point, self.numbers, self.names = point, list(point), names
        self.steps: list[Step] = []

    def try_operation(self, name: str, drawn: Sequence[int | float]) -> None:
        """Add it, if its operands can be had; at least one of them is a node."""
        if all(type(x) is float for x in drawn):
            drawn = [*drawn[:-1], 0]
        p = TABLE[name]
        pairs = zip(operand_names(p, len(drawn)), domains(p, len(drawn)), drawn, strict=True)
        operands = [
            self._node(operand, domain, x) if type(x) is int else x for operand, domain, x in pairs
        ]
        if None not in operands:
            self._add(name, [x for x in operands if x is not None])

    def _node(self, operand: str, domain: Interval, back: int) -> int | None:
        """That node, or the next before it that is in the domain; else one made from it."""
        low, high = max(domain[0] + 0.05, -_SMALL), min(domain[1] - 0.05, _SMALL)
        count = len(self.numbers)
        nodes = [(count - 1 - back - k) % count for k in range(count)]
        for node in nodes:
            x = self.numbers[node]
            if low <= x <= high and (operand != "condition" or abs(x) >= FROM_KINK):
                return node
        name = _INTO_DOMAIN.get(domain, "exp")
        fits = name in self.names and operand != "condition" and self._add(name, nodes[:1])
        return count if fits else None

    def _add(self, name: str, operands: Sequence[int | float]) -> bool:
        """Whether it could be added: away from its kinks, of moderate value and derivatives."""
        xs = [self.numbers[x] if type(x) is int else x for x in operands]
        p = TABLE[name]
        if not far_from_kinks(p, xs, FROM_KINK):
            return False
        y = p.forward(*xs)
        sizes = [y, *(d or 0.0 for d in p.partials(ieee, y, *xs))]
        if not all(abs(size) <= _LARGE for size in sizes):
            return False
        self.numbers.append(y)
        self.steps.append(Step(name, tuple(operands)))
        return True

    def expression(self) -> Expression:
        """What was built, with all that is used nowhere added up."""
        used = {x for step in self.steps for x in step.operands if type(x) is int}
        unused = tuple(x for x in range(len(self.numbers)) if x not in used)
        if len(unused) > 1 or not self.steps:
            self.steps.append(Step("total", unused))
        return Expression(self.point, self.steps)
