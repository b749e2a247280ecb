"""Where the explorer's cards, edges and frames stand: graphviz lays them out beforehand.

The page draws the cards itself, for what stands on them changes from step to step. So graphviz is
given boxes of a fixed size with no text on them, and gives their places and the edges' curves.
"""

import json
from typing import Any, NamedTuple

from autograd.graph.render import render
from autograd.graph.view import EDGES_PER_NODE, Node, Path, View, title

ROW, PORT_ROW = 18, 14  # heights, in points
PORT, BAND = 54, 12  # widths: of a local derivative; around the symbol of the operation
LETTER, LONGEST_NAME = 7.0, 18
NUMBER = 64  # width of the value beside the name
NARROWEST = 142  # room for "−0.00123 + −0.00123"
MOST_PORTS = 12  # with more operands, they all arrive at one point
DENSE = 400  # edges; beyond, straight lines: curves take too long, and become a tangle


class Module(NamedTuple):
    """A frame of the graph: the indices of the nodes in it, and of its output if there is one."""

    path: Path
    members: list[int]
    output: int | None


class Card(NamedTuple):
    """A node, or a module folded into one box, with its size in points."""

    node: int | None
    module: int | None
    path: Path  # of the frame it stands in
    ports: int
    band: int
    width: int
    height: int


def layout(
    full: View, names: list[str], modules: list[Module], depth: int | None, limit: int
) -> dict[str, Any] | str:
    """The graph with the modules at that depth folded; if it is too large, its size in words."""
    cards, card_of = _cards(full, names, modules, depth)
    edges: dict[tuple[int, int, int | None], None] = {}
    index = {node.id: i for i, node in enumerate(full.nodes)}
    for e in full.edges:
        tail, head = card_of[index[e.tail]], card_of[index[e.head]]
        if tail != head:
            edges[tail, head, e.operand if cards[head].node is not None else None] = None
    if len(cards) > limit or len(edges) > limit * EDGES_PER_NODE:
        return f"{len(cards):,} nodes and {len(edges):,} edges"
    frames = {
        m: module for m, module in enumerate(modules) if depth is None or len(module.path) < depth
    }
    text = _dot(cards, list(edges), frames, folded=depth is not None)
    placed = json.loads(render(text, "json"))
    *_, width, height = _points(placed["bb"])
    objects = {found["name"]: found for found in placed["objects"]}
    curves = {e["id"]: e["pos"] for e in placed.get("edges", [])}
    return {
        "width": width,
        "height": height,
        "cards": [_card(card, objects[f"c{i}"], height) for i, card in enumerate(cards)],
        "edges": [
            {"tail": tail, "head": head, "operand": operand, "d": _curve(curves[f"e{i}"], height)}
            for i, (tail, head, operand) in enumerate(edges)
        ],
        "frames": [_frame(m, objects[f"cluster_{m}"]["bb"], height) for m in frames],
    }


def _cards(
    full: View, names: list[str], modules: list[Module], depth: int | None
) -> tuple[list[Card], list[int]]:
    """What to draw, and for each node the index of the card it is on."""
    uses = [0] * len(full.nodes)
    index = {node.id: i for i, node in enumerate(full.nodes)}
    for e in full.edges:
        uses[index[e.tail]] += 1
    cards: list[Card] = []
    card_of = [0] * len(full.nodes)
    for i, node in enumerate(full.nodes):
        if isinstance(node, Node) and (depth is None or len(node.path) < depth):
            card_of[i] = len(cards)
            cards.append(_node_card(i, node, names[i], uses[i]))
    for m, module in enumerate(modules):
        if len(module.path) == depth:
            for i in module.members:
                card_of[i] = len(cards)
            width = max(NARROWEST, round(LETTER * len(title(module.path))) + 90)
            cards.append(Card(None, m, module.path[:-1], 0, 0, width, 3 * ROW + 10))
    return cards, card_of


def _node_card(i: int, node: Node, name: str, uses: int) -> Card:
    if node.kind == "constant":
        return Card(i, None, node.path, 0, 0, 20 + round(LETTER * len(name)), 24)
    operands = len(node.partials)
    ports = operands if operands <= MOST_PORTS else 0
    rows = 3 if uses > 1 else 2  # the third says how many are still to report
    band = BAND + round(7.5 * max(1, len(node.symbol)))
    text = max(NARROWEST, round(LETTER * min(len(name), LONGEST_NAME)) + NUMBER + 16)
    height = max(rows * ROW + 6, ports * PORT_ROW + 4)
    return Card(i, None, node.path, ports, band, (PORT if ports else 0) + band + text, height)


# --- graphviz -------------------------------------------------------------------------------------


def _dot(
    cards: list[Card],
    edges: list[tuple[int, int, int | None]],
    frames: dict[int, Module],
    folded: bool,
) -> str:
    dense = len(edges) > DENSE
    lines = [
        "digraph {",
        f"rankdir=LR; nodesep=0.16; ranksep={1.2 if dense else 0.75}; pad=0;",
        f"splines={'line' if dense else 'true'};",
        # keeps the modules in order instead of seeking fewer crossings
        "mclimit=0.01;" if folded or dense else "",
        "node [shape=plain]; edge [dir=none];",
    ]
    inner: dict[Path, list[str]] = {}
    for i, card in enumerate(cards):
        inner.setdefault(card.path, []).append(f"c{i} [label=<{_box(card)}>];")
    # inner ones first, to be put into the outer ones
    for m, module in sorted(frames.items(), key=lambda item: -len(item[1].path)):
        content = " ".join(inner.pop(module.path, []))
        # a blank label keeps room for the title
        text = f'subgraph cluster_{m} {{ label=" "; fontsize=13; margin=9; {content} }}'
        inner.setdefault(module.path[:-1], []).append(text)
    lines += inner.get((), [])
    for i, (tail, head, operand) in enumerate(edges):
        port = "" if operand is None or not cards[head].ports else f":p{operand}"
        far = "minlen=2 " if cards[tail].path[: len(cards[head].path)] != cards[head].path else ""
        lines.append(f"c{tail}:e -> c{head}{port}:w [{far}id=e{i}];")
    return "\n".join([*lines, "}"])


def _box(card: Card) -> str:
    """An empty table of the card's size, with a cell for each operand."""
    n = card.ports
    if not n:
        rows = [_td(card.width, card.height)]
    else:
        heights = [card.height * (k + 1) // n - card.height * k // n for k in range(n)]
        rows = [_td(PORT, h, f' PORT="p{k}"') for k, h in enumerate(heights)]
        rows[0] += _td(card.width - PORT, card.height, f' ROWSPAN="{n}"')
    table = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">'
    return f"{table}<TR>{'</TR><TR>'.join(rows)}</TR></TABLE>"


def _td(width: int, height: int, attributes: str = "") -> str:
    return f'<TD FIXEDSIZE="TRUE" WIDTH="{width}" HEIGHT="{height}"{attributes}></TD>'


# --- places, from the top left as the page counts them --------------------------------------------


def _points(text: str) -> list[float]:
    return [float(x) for x in text.replace(" ", ",").split(",")]


def _card(card: Card, placed: dict[str, Any], height: float) -> dict[str, Any]:
    x, y = _points(placed["pos"])
    return {
        "node": card.node,
        "module": card.module,
        "x": round(x - card.width / 2, 1),
        "y": round(height - y - card.height / 2, 1),
        "width": card.width,
        "height": card.height,
        "port": PORT if card.ports else 0,
        "band": card.band,
    }


def _frame(module: int, bb: str, height: float) -> dict[str, Any]:
    left, bottom, right, top = _points(bb)
    size = {"width": round(right - left, 1), "height": round(top - bottom, 1)}
    return {"module": module, "x": left, "y": round(height - top, 1), **size}


def _curve(pos: str, height: float) -> str:
    """The Bézier curves, from operand to result, as an SVG path."""
    numbers = _points(pos)
    xy = [f"{x:.5g},{height - y:.5g}" for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
    return f"M{xy[0]}C{' '.join(xy[1:])}"
