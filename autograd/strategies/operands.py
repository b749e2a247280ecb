"""Operands of one primitive: inside its domain and away from its kinks."""

import difflib
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from autograd.primitives import TABLE, Interval, Primitive

FROM_KINK = 0.01  # a difference quotient at this distance still sees one side alone
SMALLEST = 1e-9  # high powers of what is smaller, 0.0 apart, leave the range of float64


def entry(primitive: str | Primitive | Callable[..., Any]) -> Primitive:
    """The table's entry for a name or a function. Raises ValueError if there is none."""
    if isinstance(primitive, Primitive):
        return primitive
    name = primitive if isinstance(primitive, str) else getattr(primitive, "__name__", "")
    if name not in TABLE:
        near = difflib.get_close_matches(name, TABLE, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(TABLE))}"
        raise ValueError(f"expected the name of a primitive, but got {primitive!r}; {hint}")
    return TABLE[name]


def operand_names(p: Primitive, n: int) -> list[str]:
    """A name for each of n operands."""
    names = p.operands if p.arity else [p.operands[0].lstrip("*")] * n
    return [name.split("=")[0] for name in names]


def domains(p: Primitive, n: int) -> list[Interval]:
    """The domain of each of n operands."""
    return [p.domain[i % len(p.domain)] for i in range(n)]


def operand_counts(p: Primitive) -> tuple[int, ...]:
    """How many operands to try: those it has, or a few numbers of them; dot's come in pairs."""
    if p.arity is not None:
        return (p.arity,)
    return (1, 3, 5, 7, 15) if p.name == "dot" else (1, 2, 3, 7)


def far_from_kinks(p: Primitive, operands: Sequence[Any], distance: float = 0.0) -> bool:
    """Whether the operands are further than that from where the primitive has no derivative."""
    return all(abs(k) > distance for k in p.kinks(*operands))


@cache  # making a strategy takes as long as drawing from it
def inside(interval: Interval, max_magnitude: float) -> st.SearchStrategy[float]:
    """Floats in the open interval, of at most that size."""
    low, high = interval
    floats = st.floats(
        max(low, -max_magnitude),
        min(high, max_magnitude),
        exclude_min=low > -max_magnitude,
        exclude_max=high < max_magnitude,
    )
    return floats.filter(lambda x: x == 0.0 or abs(x) >= SMALLEST)


def floats_for(
    primitive: str | Callable[..., Any], operand: int | str = 0, *, max_magnitude: float = 30.0
) -> st.SearchStrategy[float]:
    """Floats inside the domain of one operand: `floats_for("log")`, `floats_for("pow", "y")`.

    primitive: its name or its function. operand: its position or its name. Of a primitive with one
    operand they are away from its kinks, too; for kinks between several see `operands`.
    Raises ValueError if there is no such primitive or operand.
    """
    p = entry(primitive)
    names = operand_names(p, p.arity or 1)
    place = names.index(operand) if operand in names else operand
    if not isinstance(place, int) or not 0 <= place < len(names):
        raise ValueError(
            f"expected an operand of {p.name}, {', '.join(names)} or its position, "
            f"but got {operand!r}"
        )
    floats = _for_operand(names[place], domains(p, len(names))[place], max_magnitude)
    return floats.filter(lambda x: far_from_kinks(p, (x,), FROM_KINK)) if p.arity == 1 else floats


@st.composite
def operands(
    draw: st.DrawFn,
    primitive: str | Primitive | Callable[..., Any],
    count: int | None = None,
    *,
    max_magnitude: float = 30.0,
    from_kinks: float = FROM_KINK,
) -> tuple[float, ...]:
    """Tuples of operands inside a primitive's domain, and further than `from_kinks` from its kinks.

    primitive: its name or its function. count: how many, where there may be any number.
    Raises ValueError if there is no such primitive.
    """
    p = entry(primitive)
    if p.arity is not None:
        n = p.arity
    else:
        n = count if count is not None else draw(st.sampled_from(operand_counts(p)))
    intervals = domains(p, n)
    xs = [
        draw(_for_operand(name, interval, max_magnitude))
        for name, interval in zip(operand_names(p, n), intervals, strict=True)
    ]
    if not far_from_kinks(p, xs, from_kinks):  # zeros, which come often, become usable
        xs = [x + 0.25 * (i + 1) for i, x in enumerate(xs)]
        assume(far_from_kinks(p, xs, from_kinks))
        assume(all(low < x < high for x, (low, high) in zip(xs, intervals, strict=True)))
    return tuple(xs)


def _for_operand(name: str, interval: Interval, size: float) -> st.SearchStrategy[float]:
    """Two operands are not just any numbers: polygamma's order and where's condition."""
    if name == "order":
        return st.integers(0, 6).map(float)
    if name == "condition":
        return st.sampled_from((0.0, 1.0))
    return inside(interval, size)
