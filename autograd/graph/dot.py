"""A View as DOT text, the language of Graphviz.

Every node is a table in an HTML-like label (record shapes silently lose edges), with one cell, a
port, for each operand: an edge arrives at the local derivative that its gradient is multiplied by.
"""

import math
from typing import Any, NamedTuple

from autograd.errors import MissingExtraError
from autograd.graph.view import Box, Edge, Node, Path, View, in_order, title

FONT = "Helvetica,Arial,sans-serif"
DATA, GRAD, PARTIAL = "#1B62B5", "#B8500B", "#0B7A6F"
POSITIVE, NEGATIVE, MIXED, NONE, BROKEN = "#EE8F3C", "#7A52C7", "#64748B", "#B4BBC6", "#D11149"
INK, FAINT = "#1F2937", "#6B7280"
FRAMES = ("#F7F8FB", "#EEF1F6", "#E5E9F1")  # outermost first
ROUNDED = ' STYLE="ROUNDED"'
# & before those that bring one. Special beyond XML: \N would become the node's name, and
# Graphviz does not read a text that ends in ]
ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\\": r"\\", "]": "&#93;"}
LONGEST_LABEL = 40
WIDEST = 5.5  # points
DENSE = 100  # edges; beyond, curves become a tangle


class Style(NamedTuple):
    """How one kind of node looks; `mark` stands for the operation on a leaf and in the legend."""

    border: str
    fill: str
    band: str
    mark: str
    width: int = 1


STYLES = {
    "input": Style("#8DA2C4", "#F3F6FC", "#5B7AB0", "▶"),
    "parameter": Style("#8DB56D", "#F4FAEE", "#5C8F37", "◆"),
    "operation": Style("#9AA5B4", "#FFFFFF", "#3F4B5E", "■"),
    "result": Style("#1F2937", "#FFF6EA", "#1F2937", "▣", 3),
    "constant": Style("#D5D9E0", "#FAFAFA", "#8A93A1", "2"),
    "module": Style("#9AA5B4", "#FFFFFF", "#5B6472", "▢"),
}


def dot(view: View) -> str:
    """The picture as DOT text. Raises MissingExtraError without the `graphviz` package."""
    try:
        import graphviz
    except ImportError as e:
        raise MissingExtraError(
            "drawing needs the graphviz package: pip install graphviz 'pygraphviz>=2.0.4'"
        ) from e
    g = graphviz.Digraph("computation_graph")
    folded = any(isinstance(node, Box) for node in view.nodes)
    dense = folded and len(view.edges) > DENSE
    g.attr(rankdir="LR", nodesep="0.16", ranksep="1.5" if dense else "0.6", pad="0.2")
    if folded:
        g.attr(mclimit="0.01")  # keeps the modules in order instead of seeking fewer crossings
    g.attr(splines="line" if dense else "true", bgcolor="white")
    g.attr(fontname=FONT, fontsize="9", fontcolor=FAINT)
    g.attr("node", shape="plain", fontname=FONT, fontsize="11", fontcolor=INK)
    g.attr("edge", fontname=FONT, fontsize="9", fontcolor=FAINT, arrowsize="0.7")
    _frame(g, (), view.nodes)
    _edges(g, view, dense)
    g.attr(label=f"<{_legend(view)}>", labelloc="b", labeljust="l")
    return str(g.source)


def _frame(g: Any, path: Path, nodes: list[Node | Box]) -> None:
    """The nodes of a frame, and the frames inside it, in the order of the graph."""
    depth = len(path)
    inner: dict[Path, list[Node | Box]] = {}
    for node in nodes:
        if _place(node) == path:
            g.node(node.id, label=f"<{_box(node) if isinstance(node, Box) else _card(node)}>")
        else:
            inner.setdefault(_place(node)[: depth + 1], []).append(node)
    for deeper, inside in sorted(inner.items(), key=lambda item: in_order(item[0])):
        with g.subgraph(name=f"cluster_{depth}_{inside[0].id}") as c:
            c.attr(label=f"<<B>{text(title(deeper))}</B>>", labelloc="t", labeljust="r")
            c.attr(style="rounded,filled", color="#C3CBD8", margin="10")
            c.attr(fillcolor=FRAMES[min(depth, len(FRAMES) - 1)], fontsize="11")
            _frame(c, deeper, inside)


def _place(node: Node | Box) -> Path:
    """The frame it stands in. A box stands for its own."""
    return node.path[:-1] if isinstance(node, Box) else node.path


# --- nodes ----------------------------------------------------------------------------------------


def _card(node: Node) -> str:
    """Where the operands arrive | the operation or the kind of leaf | label, data, gradient."""
    if node.kind == "constant":
        return _table(_td(_font(number(node.data), FAINT, 9)), "constant", ROUNDED)
    style = STYLES[node.kind]
    label = [f"<B>{text(node.label)}</B>"] if node.label else []
    span = f' ROWSPAN="{max(1, len(node.partials))}"'
    symbol = _font(f"<B>{text(node.symbol or style.mark)}</B>", "#FFFFFF", 13 if node.symbol else 9)
    band = _td(symbol, f'{span} BGCOLOR="{style.band}" CELLPADDING="6"')
    body = _td(_lines(label + _numbers(node)), f'{span} CELLPADDING="4"')
    operands = [_operand(i, d) for i, d in enumerate(node.partials)] or [""]
    operands[0] += band + body + _td("", f' {span} WIDTH="5"')  # clear of the arrowheads
    return _table("</TR><TR>".join(operands), node.kind)


def _operand(i: int, partial: float | None) -> str:
    """The cell an edge arrives at, with the local derivative."""
    derivative = "·" if partial is None else f"×{number(partial, 3)}"
    colour = NONE if partial is None else PARTIAL
    return _td(_font(derivative, colour, 9), f' PORT="p{i}" ALIGN="RIGHT" CELLPADDING="3"')


def _box(box: Box) -> str:
    plural = "" if box.parameters == 1 else "s"
    counts = _font(f"{box.nodes:,} nodes, {box.parameters:,} parameter{plural}", FAINT, 8)
    numbers = _numbers(box.output) if box.output else []
    lines = [f"<B>{text(title(box.path))}</B>", *numbers, counts]
    return _table(_td(_lines(lines), ' CELLPADDING="5"'), "module", ROUNDED)


def _numbers(node: Node) -> list[str]:
    data, grad = number(node.data), number(node.grad)
    return [
        _font("data ", FAINT, 8) + _font(data, DATA, 11),
        _font("grad ", FAINT, 8) + _font(grad, GRAD, 11),
    ]


def _table(cells: str, kind: str, style: str = "") -> str:
    border, fill, *_, width = STYLES[kind]
    return (
        f'<TABLE BORDER="{width}" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2" COLOR="{border}"'
        f' BGCOLOR="{fill}"{style}><TR>{cells}</TR></TABLE>'
    )


def _td(content: str, attributes: str = "") -> str:
    return f"<TD{attributes}>{content}</TD>"


def _lines(lines: list[str]) -> str:
    return "".join([f'{line}<BR ALIGN="LEFT"/>' for line in lines])


def _font(content: str, colour: str, size: int) -> str:
    return f'<FONT COLOR="{colour}" POINT-SIZE="{size}">{content}</FONT>'


# --- edges ----------------------------------------------------------------------------------------


def _edges(g: Any, view: View, dense: bool) -> None:
    sizes = [abs(e.flow) for e in view.edges if e.flow is not None and math.isfinite(e.flow)]
    largest = max(sizes, default=0.0)
    places = {node.id: _place(node) for node in view.nodes}
    for e in view.edges:
        style = _flow(e, largest, dense)
        frame = places[e.head]
        if places[e.tail][: len(frame)] != frame:
            style["minlen"] = "2"  # frames that follow each other then stand side by side
        if e.count > 1:
            style["label"] = f"{e.count:,} edges"
        port = "" if e.operand is None else f":p{e.operand}"
        g.edge(f"{e.tail}:e", f"{e.head}{port}:w", **style)


def _flow(e: Edge, largest: float, dense: bool) -> dict[str, str]:
    """Width, colour and dashes of an edge, from the gradient that flows along it."""
    if e.flow is None or e.flow == 0.0:
        return {"color": NONE, "penwidth": "0.8", "arrowhead": "vee", "arrowsize": "0.5"}
    if not math.isfinite(e.flow):
        return {"color": BROKEN, "penwidth": "3", "style": "dotted", "dir": "back"}
    size = math.sqrt(abs(e.flow) / largest)  # the root keeps small flows visible beside large ones
    colour = MIXED if e.mixed else POSITIVE if e.flow > 0.0 else NEGATIVE
    # Many edges cross: small flows stand back, so that one sees where most goes
    opacity = f"{round(105 + 150 * size):02X}" if dense else ""
    style = {"color": colour + opacity, "penwidth": f"{1.0 + (WIDEST - 1.0) * size:.2f}"}
    return style | {"dir": "back"} | ({"style": "dashed"} if colour == NEGATIVE else {})


# --- the legend -----------------------------------------------------------------------------------


def _legend(view: View) -> str:
    """What the marks and colours mean, of those the picture has."""
    kinds = {node.kind if isinstance(node, Node) else "module" for node in view.nodes}
    marks = [(kind in kinds, style.mark, style.band, kind) for kind, style in STYLES.items()]
    flows = [e.flow for e in view.edges if e.flow and not e.mixed]
    positive = any(0 < f < math.inf for f in flows)
    negative = any(-math.inf < f < 0 for f in flows)
    strokes = [
        (positive, "◀━━", POSITIVE, "gradient, flowing back; wider is larger"),
        (negative, "◀╍╍", NEGATIVE, "negative gradient"),
        (any(e.mixed for e in view.edges), "◀━━", MIXED, "gradients of both signs"),
        (not all(map(math.isfinite, flows)), "◀┅┅", BROKEN, "nan or inf"),
        (any(not e.flow for e in view.edges), "──▶", NONE, "no gradient"),
        (any(e.operand is not None for e in view.edges), "×", PARTIAL, "local derivative"),
    ]
    rows = []
    for line in (marks, strokes):
        entries = [
            f"{_font(mark, colour, 9)} {words}" for here, mark, colour, words in line if here
        ]
        if entries:
            rows.append(_td("     ".join(entries), ' ALIGN="LEFT"'))
    return f'<TABLE BORDER="0" CELLSPACING="1"><TR>{"</TR><TR>".join(rows)}</TR></TABLE>'


# --- text -----------------------------------------------------------------------------------------


def number(x: float, digits: int = 4) -> str:
    """Rounded to that many digits, with a minus sign as wide as a plus."""
    return f"{x:.{digits}g}".replace("-", "−")


def text(s: str) -> str:
    """Any string as text inside an HTML-like label.

    What would be invisible, or would turn the text around it, is written as Python escapes it.
    """
    if len(s) > LONGEST_LABEL:
        s = s[: LONGEST_LABEL - 1] + "…"
    s = "".join([c if c.isprintable() else c.encode("unicode_escape").decode() for c in s])
    for c, written in ESCAPES.items():
        s = s.replace(c, written)
    return s
