"""The DOT text: golden files, what a parser reads back from it, and labels of any kind as text."""

import json
import os
import re
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import pygraphviz
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from networks import neuron, squared_error
from test_graph_view import graphs

import autograd
from autograd import MissingExtraError, Scope, Value
from autograd.graph import draw
from autograd.graph.dot import LONGEST_LABEL
from autograd.graph.render import render

GOLDEN = Path(__file__).parent / "golden"
SVG = "{http://www.w3.org/2000/svg}"


def repeated() -> Value:
    """a + a, with its gradient."""
    a = Value(3.0, "a")
    y = a + a
    y.backward()
    return y


def pictures() -> dict[str, str]:
    return {
        "neuron": draw(neuron()).dot,
        "two_layers": draw(squared_error(2, 2, 1)).dot,
        "two_layers_unfolded": draw(squared_error(2, 2, 1), unfold=True).dot,
        "two_layers_folded": draw(squared_error(2, 2, 1), fold=True).dot,
        "repeated": draw(repeated()).dot,
    }


@pytest.mark.parametrize("name", pictures())
def test_golden(name: str) -> None:
    """The DOT text changes only on purpose: look at the picture, then run with UPDATE_GOLDEN=1."""
    path = GOLDEN / f"{name}.dot"
    dot = pictures()[name]
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(dot, encoding="utf-8")
    assert dot == path.read_text(encoding="utf-8")


@given(graphs())
def test_a_parser_reads_back_the_edges_of_the_graph(root: Value) -> None:
    """Graphviz itself sees one edge for each operand, at the cell of that operand."""
    graph = pygraphviz.AGraph(string=draw(root, limit=10_000).dot)
    ids = {v: f"n{i}" for i, v in enumerate(autograd.topological_order(root))}
    expected = Counter((ids[p], ids[v], f"p{i}:w") for v in ids for i, p in enumerate(v.parents))
    read = Counter((*e, e.attr["headport"]) for e in graph.edges_iter())
    assert read == expected
    assert set(graph.nodes()) == set(ids.values())


@settings(max_examples=20)
@given(graphs())
def test_the_layout_draws_every_edge(root: Value) -> None:
    """None is lost on the way to the page, and Graphviz has nothing to complain about."""
    edges = json.loads(render(draw(root, limit=10_000).dot, "json")).get("edges", [])
    assert len(edges) == sum(len(v.parents) for v in autograd.topological_order(root))
    assert all("_draw_" in e for e in edges)


def test_width_colour_and_dashes_tell_the_flow() -> None:
    """Wider is larger, dashed is negative, grey and forward is none."""
    x = Value(2.0, "x")
    y = 3.0 * x - 12.0 * x.square() + x * 0.0
    y.backward()
    drawing = draw(y)
    graph = pygraphviz.AGraph(string=drawing.dot)
    drawn = {(e[0], e[1], e.attr["headport"]): e.attr for e in graph.edges_iter()}
    by_flow = {e.flow: drawn[e.tail, e.head, f"p{e.operand}:w"] for e in drawing.view.edges}
    assert float(by_flow[-48.0]["penwidth"]) > float(by_flow[-12.0]["penwidth"])
    assert float(by_flow[-12.0]["penwidth"]) > float(by_flow[3.0]["penwidth"])
    assert by_flow[-12.0]["style"] == "dashed"
    assert not by_flow[3.0]["style"]
    assert by_flow[-12.0]["color"] != by_flow[3.0]["color"]
    assert by_flow[3.0]["dir"] == "back"
    assert not by_flow[0.0]["dir"]
    assert by_flow[None]["penwidth"] == "0.8"


def test_nan_and_inf_break_nothing() -> None:
    """Flows that are no number are drawn, dotted, and the others keep their widths."""
    x = Value(0.0, "x")
    y = autograd.sqrt(x) + autograd.log(x) * x + 2.0 * x
    y.backward()
    drawing = draw(y)
    graph = pygraphviz.AGraph(string=drawing.dot)
    styles = Counter(e.attr["style"] or "" for e in graph.edges_iter())
    assert styles == {"dotted": 3, "": 7}
    assert "nan" in drawing.svg
    assert "−inf" in drawing.svg


# --- labels ---------------------------------------------------------------------------------------

HOSTILE = [
    '"', "'", "<b>bold</b>", "<script>alert(1)</script>", "&amp;", "&#x3c;", "\\", "\\N", "\\\\G",
    "a\nb", "a\r\n\tb", "{x|y}", "<p>port", "-->", "]]>", "]", "a:b:c", "%s", "\x00", "\x1b[31m",
    "\ud800", "\u202egnp.exe", "\u200b", "\ufeff", "\uffff", "\U0010ffff",
    "日本語", "עברית", "👩\u200d🚀", "e\u0301", "x" * 500,
]  # fmt: skip


def visible(label: str) -> str:
    """What should stand in the picture: each character that does not print as Python escapes it."""
    if len(label) > LONGEST_LABEL:
        label = label[: LONGEST_LABEL - 1] + "…"
    shown = [c if c.isprintable() else ascii(c)[1:-1] for c in label]
    return " ".join("".join(shown).split())


@settings(max_examples=30)
@given(st.lists(st.text(st.characters(codec=None), max_size=50), min_size=1, max_size=20))
@example(HOSTILE)
def test_any_label_comes_out_as_text(labels: list[str]) -> None:
    """Through DOT and layout into the SVG, where it is text and nothing else, no script or link."""
    drawing = draw(autograd.total([Value(1.0, label) for label in labels]))
    assert len(pygraphviz.AGraph(string=drawing.dot).nodes()) == len(labels) + 1
    svg = ET.fromstring(drawing.svg)
    texts = Counter(" ".join((e.text or "").split()) for e in svg.iter(f"{SVG}text"))
    expected = Counter(visible(label) for label in labels)
    expected.pop("", None)
    assert expected <= texts
    _inert(svg)


@settings(max_examples=30)
@given(st.lists(st.text(st.characters(codec=None), min_size=1, max_size=20), max_size=10))
@example(HOSTILE)
def test_any_scope_makes_a_frame(paths: list[str]) -> None:
    """A frame's title is text as well, whatever the path, and no edge is lost."""
    nodes = []
    for path in paths:
        y = Value(1.0, Scope(f"{path}.w")) * Value(2.0, "x")
        y.label = Scope(path)
        nodes.append(y)
    drawing = draw(autograd.total([*nodes, Value(1.0)]))
    assert len(pygraphviz.AGraph(string=drawing.dot).edges()) == 3 * len(paths) + 1
    _inert(ET.fromstring(drawing.svg))


def _inert(svg: ET.Element) -> None:
    assert {e.tag.removeprefix(SVG) for e in svg.iter()} <= {
        "svg", "g", "title", "text", "path", "polygon", "polyline", "ellipse"
    }  # fmt: skip
    for e in svg.iter():
        assert not any(re.match(r"on|.*href|style", name) for name in e.attrib), e.attrib
        if e.tag == f"{SVG}title":
            assert re.fullmatch("[a-z0-9_:>-]+", e.text or ""), e.text


def test_frames_are_drawn_and_named() -> None:
    """A layer's frame is drawn though the layer has no output node of its own."""
    texts = [e.text for e in ET.fromstring(draw(squared_error(2, 2, 1)).svg).iter(f"{SVG}text")]
    assert Counter(t for t in texts if t in ("layer 0", "layer 1")) == {"layer 0": 1, "layer 1": 1}
    assert Counter(t for t in texts if t in ("neuron 0", "neuron 1")) == {
        "neuron 0": 2,
        "neuron 1": 1,
    }


def test_the_legend_names_what_the_picture_has() -> None:
    """The kinds are told apart in words, and only those that are there."""
    words = draw(squared_error(2, 2, 1)).svg
    for word in ("input", "parameter", "operation", "result", "constant", "local derivative"):
        assert word in words
    assert "parameter" not in draw(repeated()).svg
    assert "negative" not in draw(repeated()).svg


def test_without_the_graphviz_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install."""
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(MissingExtraError, match="pip install graphviz"):
        _ = draw(neuron()).dot


@pytest.mark.parametrize("path", [None, "nowhere"])
def test_a_layout_that_fails_is_reported(path: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """DOT text that cannot be read is a RenderError that carries it, with and without `dot`."""
    if path:
        monkeypatch.setenv("PATH", path)
    with pytest.raises(autograd.RenderError, match="failed") as e:
        render("digraph {", "svg")
    assert e.value.dot == "digraph {"
