"""Copies and pickles of graphs, without recursion: a chain of a million nodes is not deep."""

from collections.abc import Callable, Iterator
from threading import local
from typing import Any
from weakref import ref

from autograd.order import topological_order
from autograd.value import Value


def copy_node(v: Value) -> Value:
    """Another node with the same number, made from the very same parents."""
    return make_node(*_parts(v))


def copy_graph(root: Value, memo: dict[int, Any]) -> Value:
    """`copy.deepcopy` of a node: of all it was made from, each node once."""
    seen = memo.setdefault(id(copy_graph), set())  # over all roots of one deepcopy
    for v in topological_order(root, seen=seen):
        if id(v) in memo:
            continue
        a, b, db = (_renamed(operands, memo) for operands in (v.a, v.b, v.db))
        memo[id(v)] = make_node(v.data, v.grad, v.op, v.label, a, b, v.da, db)
    copy: Value = memo[id(root)]
    return copy


def _renamed(operand: Any, memo: dict[int, Any]) -> Any:
    """The contents of a slot with each node replaced by its copy; what was shared stays shared."""
    if type(operand) is Value:
        return memo[id(operand)]
    if type(operand) in (tuple, list):
        if id(operand) not in memo:
            memo[id(operand)] = type(operand)(_renamed(x, memo) for x in operand)
        return memo[id(operand)]
    return operand


def make_node(
    data: float, grad: float, op: str | None, label: str | None, a: Any, b: Any, da: Any, db: Any
) -> Value:
    """A node from the contents of its slots."""
    v = object.__new__(Value)
    v.data, v.grad, v.op, v.label = data, grad, op, label
    v.a, v.b, v.da, v.db = a, b, da, db
    return v


def _parts(v: Value) -> tuple[Any, ...]:
    return (v.data, v.grad, v.op, v.label, v.a, v.b, v.da, v.db)


READ_AHEAD = 100


class _Ancestors:
    """Makes a pickler write the ancestors of a node before the node, operands first.

    A pickler writes the list items of a `__reduce__` one after the other and remembers each node it
    has written. So when a node's turn comes its parents are references, and nothing is nested.
    """

    def __init__(self, root: Value, written: set[Value]) -> None:
        self.written = written  # by this pickler, from earlier roots too
        self.nodes = topological_order(root, seen=written)[:-1]
        self.pending = set(self.nodes)

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (), None, self._in_turn()

    def _in_turn(self) -> Iterator[Value]:
        yield from self.nodes
        # Picklers read a little ahead of what they write. All else that is still pending this one
        # knew already, from an earlier dump, and another one must not take it for written
        self.pending.intersection_update(self.nodes[-READ_AHEAD:])


class _Pickling(local):
    """The ancestors being written in this thread; a weak reference, dead when the pickler is."""

    ancestors: Callable[[], _Ancestors | None] = staticmethod(lambda: None)


_pickling = _Pickling()


def reduce_graph(v: Value) -> tuple[Any, ...]:
    """`__reduce_ex__` of a node."""
    under_way = _pickling.ancestors()
    if v.op is None:
        return make_node, _parts(v)
    if under_way is not None and v in under_way.pending:
        under_way.pending.discard(v)
        return make_node, _parts(v)
    written: set[Value] = set()
    if under_way is not None and v not in under_way.written:
        written = under_way.written
    # else v is asked for again: by another pickler, which has written nothing yet
    ancestors = _Ancestors(v, written)
    _pickling.ancestors = ref(ancestors)
    return _unpickle, (ancestors, *_parts(v))


def _unpickle(ancestors: list[Value], *parts: Any) -> Value:
    return make_node(*parts)
