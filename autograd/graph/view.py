"""What to draw: the nodes, edges and frames of a graph as plain data, free of any file format."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from autograd.errors import GraphTooLargeError
from autograd.order import topological_order
from autograd.primitives import TABLE
from autograd.scope import Scope
from autograd.value import Value

Kind = Literal["input", "parameter", "constant", "operation", "result"]
Path = tuple[str, ...]  # of a frame: "layers.0.neurons.1" is ("layers.0", "neurons.1")

# Beyond it nothing is folded: to read the whole graph would take longer than a reader waits
FOLDABLE = 50_000
# Layout takes far longer for edges than for nodes
EDGES_PER_NODE = 4
OUTPUT = "out"


@dataclass(frozen=True, slots=True)
class Node:
    """One number of the graph."""

    id: str
    path: Path
    kind: Kind
    symbol: str
    label: str
    data: float
    grad: float
    partials: tuple[float | None, ...]  # for each operand; None where no gradient can flow


@dataclass(frozen=True, slots=True)
class Box:
    """A module folded into one box."""

    id: str
    path: Path
    nodes: int
    parameters: int
    output: Node | None  # if it has just one


@dataclass(frozen=True, slots=True)
class Edge:
    """From an operand to what was made of it; the gradient flows the other way.

    operand: its index among the head's operands, None where the head is a Box.
    flow:    the head's gradient times the local derivative, None into a constant. Of several edges
             in one, the sum of the sizes, negative if all of them are.
    """

    tail: str
    head: str
    operand: int | None
    flow: float | None
    count: int = 1
    mixed: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """A picture's content. Frames follow from the paths of the nodes."""

    nodes: list[Node | Box]
    edges: list[Edge]


def view(
    roots: Sequence[Value], *, limit: int = 400, fold: bool | None = None, unfold: bool = False
) -> View:
    """The graph behind the roots, folded by module if it has more than `limit` nodes.

    fold:   True folds the innermost modules even if the graph is small, False never folds.
    unfold: True shows a `dot` as its products and their sum.
    Raises GraphTooLargeError.
    """
    most = max(limit, FOLDABLE)
    if not _at_most(most, roots):
        raise _too_large(f"more than {most:,} nodes or {most * EDGES_PER_NODE:,} edges", limit)
    full = _everything(topological_order(*roots), roots, unfold)
    if not fold and _readable(full, limit):
        return full
    size = _size(full)
    depth = max(len(node.path) for node in full.nodes)
    if fold is not False:
        for d in range(depth, 0, -1):
            folded = _fold(full, d)
            if _readable(folded, limit):
                return folded
            size = f"{_size(full)}, folded by module still {_size(folded)}"
    if _readable(full, limit):  # nothing to fold
        return full
    raise _too_large(size, limit)


def title(path: Path) -> str:
    """What stands on a frame: "layer 0" for "layers.0"."""
    name, *indices = path[-1].split(".")
    return " ".join([name.removesuffix("s") if indices else name, *indices])


def in_order(path: Path) -> list[tuple[int, str]]:
    """A key to sort frames by: "neurons.10" comes after "neurons.9"."""
    return [(len(index), index) for part in path for index in part.split(".")[1:]]


def _at_most(most: int, roots: Sequence[Value]) -> bool:
    """Whether the graph is no larger than that, without looking at much more of it."""
    seen = set(roots)
    stack = list(seen)
    edges = 0
    while stack:
        v = stack.pop()
        edges += len(v.partials)  # one per parent, but asking for parents makes nodes of constants
        if edges > most * EDGES_PER_NODE:
            return False
        new = {p for p in v.parents if p not in seen}
        seen |= new
        stack += new
        if len(seen) > most:
            return False
    return True


def _readable(v: View, limit: int) -> bool:
    return len(v.nodes) <= limit and len(v.edges) <= limit * EDGES_PER_NODE


def _size(v: View) -> str:
    return f"{len(v.nodes):,} nodes and {len(v.edges):,} edges"


def _too_large(size: str, limit: int) -> GraphTooLargeError:
    return GraphTooLargeError(
        f"the graph has {size}; expected at most {limit:,} and {limit * EDGES_PER_NODE:,}, to be "
        "readable. Draw a part: one sample's loss, or a node further in (one of `.parents`); or "
        "raise the limit: draw(..., limit=...)"
    )


# --- the whole graph ------------------------------------------------------------------------------


def _everything(order: list[Value], roots: Sequence[Value], unfold: bool) -> View:
    paths = _paths(order)
    ids = {v: f"n{i}" for i, v in enumerate(order)}
    nodes: list[Node | Box] = []
    edges: list[Edge] = []

    def add(node: Node, operands: Iterable[str]) -> None:
        nodes.append(node)
        for i, (tail, d) in enumerate(zip(operands, node.partials, strict=True)):
            edges.append(Edge(tail, node.id, i, None if d is None else node.grad * d))

    for v in order:
        parents = v.parents
        tails = [ids[p] for p in parents]
        partials = tuple(
            None if p.op == "constant" else d for p, d in zip(parents, v.partials, strict=True)
        )
        kind = _kind(v, roots)
        symbol = TABLE[v.op].symbol if v.op in TABLE else v.op or ""
        node = Node(ids[v], paths[v], kind, symbol, _label(v, paths[v]), v.data, v.grad, partials)
        if unfold and v.op == "dot":
            n = len(parents) // 2
            for i in range(n):
                product = replace(
                    node,
                    id=f"{node.id}_{i}",
                    kind="operation",
                    symbol=TABLE["mul"].symbol,
                    label="",
                    data=parents[i].data * parents[n + i].data,
                    partials=(partials[i], partials[n + i]),
                )
                add(product, (tails[i], tails[n + i]))
            tails = [*(f"{node.id}_{i}" for i in range(n)), tails[-1]]
            node = replace(node, symbol=TABLE["total"].symbol, partials=(1.0,) * n + partials[-1:])
        add(node, tails)
    return View(nodes, edges)


def _kind(v: Value, roots: Sequence[Value]) -> Kind:
    if v.op == "constant":
        return "constant"
    if v.op is None:
        return "parameter" if isinstance(v.label, Scope) else "input"
    return "result" if any(v is root for root in roots) else "operation"


def _label(v: Value, frame: Path) -> str:
    """The label, for a Scope less what the frame around it says: "w0" for "neurons.1.w.0"."""
    if not isinstance(v.label, Scope):
        return v.label or ""
    path = _split(v.label)
    if path == frame and path:
        return OUTPUT
    if path[: len(frame)] != frame:
        return v.label
    rest = [part.split(".") for part in path[len(frame) :]]
    return ".".join(name + ",".join(indices) for name, *indices in rest)


# --- frames ---------------------------------------------------------------------------------------


def _split(scope: str) -> Path:
    return tuple(re.findall(r"[^.]+(?:\.\d+(?![^.]))*", scope))


def _paths(order: list[Value]) -> dict[Value, Path]:
    """For each node the innermost frame around it.

    The frame of a module holds what lies between its parameters and its outputs. Of a module used
    several times there is one frame around all uses, as there is one set of parameters.
    """
    paths: dict[Value, Path] = {}
    frames: set[Path] = set()
    trained: set[Value] = set()  # what depends on any parameter: all that is worth walking through
    modules: set[Path] = set()  # whatever has parameters; another label claims no nodes
    for v in order:
        if v.op is None and isinstance(v.label, Scope):
            path = _split(v.label)
            modules.update(path[:n] for n in range(1, len(path)))
    for v in order:
        scope = _split(v.label) if isinstance(v.label, Scope) else ()
        if (v.op is None and scope) or not trained.isdisjoint(v.parents):
            trained.add(v)
            if v.op is not None and scope in modules:
                _claim(v, scope, paths, trained)
    for path in paths.values():
        frames.update(path[:n] for n in range(1, len(path) + 1))
    for v in reversed(order):
        if v.op is None and isinstance(v.label, Scope):
            path = _split(v.label)[:-1]
            while path and path not in frames:
                path = path[:-1]
            paths[v] = path
        for p in v.parents:
            if p.op == "constant":
                paths[p] = paths.get(v, ())
        paths.setdefault(v, ())
    return paths


def _claim(out: Value, frame: Path, paths: dict[Value, Path], trained: set[Value]) -> None:
    """Frame the nodes behind `out` that depend on the parameters below `frame`.

    Stops where another module's nodes begin; outputs come in topological order, so that those were
    claimed before. What a module inside this one has claimed stays with the inner one.
    """
    inside: dict[Value, bool] = {}
    stack = [out]
    while stack:
        v = stack[-1]
        owner = paths.get(v)
        if v not in trained:
            inside[v] = False
        elif v.op is None:
            inside[v] = _split(v.label or "")[: len(frame)] == frame
        elif owner is not None and (owner == frame or owner[: len(frame)] != frame):
            inside[v] = owner == frame
        else:
            todo = [p for p in v.parents if p not in inside]
            if todo:
                stack += todo
                continue
            inside[v] = any(inside[p] for p in v.parents)
        stack.pop()
    for v, is_inside in inside.items():
        if is_inside and v.op is not None:
            paths.setdefault(v, frame)


# --- folding --------------------------------------------------------------------------------------


def _fold(full: View, depth: int) -> View:
    """Each frame at that depth as one box; the edges between the same two ends as one."""
    nodes: list[Node | Box] = []
    members: dict[Path, list[Node]] = {}
    for node in full.nodes:
        assert isinstance(node, Node)
        if len(node.path) < depth:
            nodes.append(node)
        else:
            members.setdefault(node.path[:depth], []).append(node)
    ends = {node.id: node.id for node in nodes}
    for i, path in enumerate(sorted(members, key=in_order)):
        inside = members[path]
        parameters = sum(node.kind == "parameter" for node in inside)
        outputs = [node for node in inside if node.path == path and node.label == OUTPUT]
        output = outputs[0] if len(outputs) == 1 else None
        nodes.append(Box(f"m{i}", path, len(inside), parameters, output))
        ends.update((node.id, f"m{i}") for node in inside)

    merged: dict[tuple[str, str, int | None], list[Edge]] = {}
    for e in full.edges:
        tail, head = ends[e.tail], ends[e.head]
        if tail != head:
            operand = e.operand if head == e.head else None
            merged.setdefault((tail, head, operand), []).append(e)
    place = {node.id: i for i, node in enumerate(nodes)}
    keys = sorted(merged, key=lambda key: (place[key[0]], place[key[1]]))
    return View(nodes, [_merge(key, merged[key]) for key in keys])


def _merge(key: tuple[str, str, int | None], same: list[Edge]) -> Edge:
    flows = [e.flow for e in same if e.flow is not None]
    if not flows:
        return Edge(*key, None, len(same))
    size = sum(map(abs, flows))
    negative = sum(f < 0 for f in flows)
    positive = sum(f > 0 for f in flows)
    mixed = bool(negative and positive)
    return Edge(*key, -size if negative and not mixed else size, len(same), mixed)
