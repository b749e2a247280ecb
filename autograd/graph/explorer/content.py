"""What the explorer's page is given: the nodes, the modules and the layouts, as data for JSON.

The steps themselves are not in it. The page computes them from the local derivatives, so that any
node can be the one that is derived; the sums run in the engine's order and are equal to the bit.
"""

import math
from typing import Any
from unicodedata import bidirectional

from autograd.errors import GraphTooLargeError
from autograd.graph.explorer.layout import Module, layout
from autograd.graph.stepwise import flows
from autograd.graph.view import FOLDABLE, OUTPUT, Node, Path, View, in_order, title, view
from autograd.graph.words import formula, names_of, numbers_formula
from autograd.order import topological_order
from autograd.value import Value

LONGEST_NAME, LONGEST_FORMULA = 80, 400  # characters


def content(root: Value, limit: int) -> dict[str, Any]:
    """The page's data. Raises GraphTooLargeError, RenderError."""
    full = view([root], limit=FOLDABLE, fold=False)
    order = topological_order(root)
    names = {v: _visible(name) for v, name in zip(order, names_of(order), strict=True)}
    nodes = [node for node in full.nodes if isinstance(node, Node)]
    modules = _modules(nodes)
    place = {module.path: i for i, module in enumerate(modules)}
    views, note = _views(full, nodes, names, modules, limit)
    index = {v: i for i, v in enumerate(order)}
    return {
        "nodes": [
            {
                "name": names[v],
                "kind": node.kind,
                "op": v.op,
                "symbol": node.symbol,
                "data": _number(v.data),
                "parents": [index[p] for p in v.parents],
                "partials": [_number(d) for d in v.partials],
                "flows": flows(v),
                "module": place.get(node.path, -1),
                **_formulas(v, names),
            }
            for v, node in zip(order, nodes, strict=True)
        ],
        "modules": [
            {
                "title": title(module.path),
                "parent": place.get(module.path[:-1], -1),
                "size": len(module.members),
                "output": module.output,
            }
            for module in modules
        ],
        "views": views,
        "note": note,
    }


def _number(x: float) -> float | str:
    """JSON has no nan and no inf."""
    return x if math.isfinite(x) else str(x)


def _visible(name: str) -> str:
    """What would be invisible or turn the text around it is escaped; right-to-left is isolated."""
    if len(name) > LONGEST_NAME:
        name = name[: LONGEST_NAME - 1] + "…"
    name = "".join([c if c.isprintable() else c.encode("unicode_escape").decode() for c in name])
    turns = any(bidirectional(c) in ("R", "AL", "AN") for c in name)
    return f"\u2068{name}\u2069" if turns else name


def _formulas(v: Value, names: dict[Value, str]) -> dict[str, str]:
    """How the node is made, in names and in numbers."""
    if v.op is None or v.op == "constant":
        return {}
    operands = v.parents
    texts = {
        "symbols": formula(v.op, [names[p] for p in operands]),
        "numbers": numbers_formula(v.op, [p.data for p in operands]),
    }
    return {
        key: text if len(text) <= LONGEST_FORMULA else text[: LONGEST_FORMULA - 2] + " …"
        for key, text in texts.items()
    }


def _modules(nodes: list[Node]) -> list[Module]:
    """Every frame of the graph, outer ones first."""
    members: dict[Path, list[int]] = {}
    for i, node in enumerate(nodes):
        for depth in range(1, len(node.path) + 1):
            members.setdefault(node.path[:depth], []).append(i)
    modules = []
    for path in sorted(members, key=lambda path: (len(path), in_order(path))):
        inside = members[path]
        outputs = [i for i in inside if nodes[i].path == path and nodes[i].label == OUTPUT]
        modules.append(Module(path, inside, outputs[0] if len(outputs) == 1 else None))
    return modules


def _views(
    full: View, nodes: list[Node], names: dict[Value, str], modules: list[Module], limit: int
) -> tuple[list[dict[str, Any]], str]:
    """A layout for each depth of folding that is small enough to read, and what to say of it."""
    depths = range(max((len(module.path) for module in modules), default=0), 0, -1)
    found, too_large = [], ""
    for depth in (None, *depths):
        made = layout(full, list(names.values()), modules, depth, limit)
        if isinstance(made, str):
            too_large = too_large or made
        else:
            found.append({"name": _name(modules, depth), **made})
    if not found:
        raise GraphTooLargeError(
            f"the graph has {too_large}; expected at most {limit:,} nodes and four times as many "
            "edges, to be readable. Explore a part: one sample's loss, or a node further in (one "
            "of `.parents`); or raise the limit: explore(..., limit=...)"
        )
    size = f"{len(nodes):,} nodes and {len(full.edges):,} edges"
    note = f"The graph has {size}, too many to read: it is folded." if too_large else ""
    return found, note


def _name(modules: list[Module], depth: int | None) -> str:
    """What the page calls a way to fold."""
    if depth is None:
        return "every number"
    kinds = {module.path[-1].split(".")[0] for module in modules if len(module.path) == depth}
    return f"{kinds.pop()} folded" if len(kinds) == 1 else "modules folded"
