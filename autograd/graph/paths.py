"""The paths of a gradient: how many lead from a result down to one node, and which weigh the most.

The gradient is the sum, over all paths, of the product of the local derivatives along each. Paths
may be too many to list; the largest are found, as their number is, in one walk over the nodes: a
way to a node is a way to one of its users and one more edge, and a larger product stays the larger
when both are multiplied by the same number, so that no node needs more than its best few.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import nlargest
from typing import NamedTuple, Optional

from autograd.value import Value


@dataclass(frozen=True, slots=True)
class Path:
    """One way of the gradient.

    nodes: from the result down to the node derived by. partials: the local derivative of each by
    the next. contribution: their product, in that order.
    """

    nodes: tuple[Value, ...]
    partials: tuple[float, ...]
    contribution: float


def edges(v: Value) -> list[tuple[Value, float]]:
    """The operands that backward() sends gradient to, with the local derivatives."""
    if type(v.da) is tuple:  # no strict=True: of a dot, the partials end with the bias
        pairs = list(zip(v.a, v.da))  # noqa: B905
        return pairs if v.db is None else pairs + list(zip(v.b, v.db))  # noqa: B905
    return [(p, d) for p, d in ((v.a, v.da), (v.b, v.db)) if d is not None]


def path_counts(order: Iterable[Value], end: Value) -> dict[Value, int]:
    """For each node that gradient flows from to `end`, the exact number of paths.

    order: the nodes, operands first.
    """
    counts = {end: 1}
    for v in order:
        if v is not end:
            n = sum([counts[p] for p, _ in edges(v) if p in counts])
            if n:
                counts[v] = n
    return counts


class _Way(NamedTuple):
    """How the gradient comes to a node: the last step, and the way before it."""

    size: float
    product: float
    node: Value
    partial: float
    before: Optional["_Way"]


def largest_paths(order: list[Value], end: Value, reaching: Iterable[Value], k: int) -> list[Path]:
    """The k paths from the last node in order to `end` whose products are the largest in size.

    reaching: the nodes that have a path to `end`. Paths through nan or inf come first.
    Exact, ties and rounding included: products are taken from the result downwards, as backward()
    does. Takes time in proportion to k and the edges (the k shortest paths of an acyclic graph,
    with products in place of sums).
    """
    on_a_path = set(reaching)
    ways: dict[Value, list[_Way]] = {order[-1]: [_Way(1.0, 1.0, order[-1], 1.0, None)]}
    for v in reversed(order):
        if v is end:
            break
        if v not in ways:
            continue
        best = nlargest(k, ways.pop(v), key=_size)
        for p, d in edges(v):
            if p in on_a_path:
                size = abs(d) if math.isfinite(d) else math.inf
                new = [_Way(_product(w.size, size), w.product * d, p, d, w) for w in best]
                ways.setdefault(p, []).extend(new)
    return [_path(way) for way in nlargest(k, ways.get(end, []), key=_size)]


def _size(way: _Way) -> float:
    return way.size


def _product(a: float, b: float) -> float:
    """The product of two sizes. inf wins over 0.0, so that a larger factor never makes less."""
    return math.inf if math.inf in (a, b) else a * b


def _path(way: _Way) -> Path:
    nodes, partials = [], []
    step: _Way | None = way
    while step is not None:
        nodes.append(step.node)
        partials.append(step.partial)
        step = step.before
    # the first step led nowhere: the root itself
    return Path(tuple(reversed(nodes)), tuple(reversed(partials[:-1])), way.product)
