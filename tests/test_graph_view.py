"""What is drawn: every node and edge once, the flow of the gradient, frames, folding, limits."""

import math
import time
from collections import Counter, defaultdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import forward, layers, neuron, squared_error

import autograd
from autograd import GraphTooLargeError, LengthError, OperandError, Scope, Value
from autograd.graph import draw
from autograd.graph.view import Box, Node, View, _fold, title, view

SCOPES = ["a", "a.b", "a.b.w", "a.c.0", "a.c.0.w.1", "a.c.1", "d", "d.w", "", ".", "a..b", "0.1"]


@st.composite
def graphs(draw: st.DrawFn) -> Value:
    """A graph with shared nodes, repeated operands, constants, and any labels on its nodes."""
    numbers = st.floats(-2.0, 2.0)
    labels = st.none() | st.sampled_from(SCOPES).map(Scope) | st.text(max_size=5)
    nodes = [Value(draw(numbers)) for _ in range(draw(st.integers(1, 4)))]
    for _ in range(draw(st.integers(1, 20))):
        a, b, c = (draw(st.sampled_from(nodes)) for _ in range(3))
        number = draw(numbers)
        nodes.append(
            draw(
                st.sampled_from(
                    [
                        lambda a=a, b=b: a + b,
                        lambda a=a: a * a,
                        lambda a=a, x=number: x - a,
                        lambda a=a: autograd.tanh(a),
                        lambda a=a, b=b, c=c: autograd.dot([a, 2.0], [b, a], c),
                        lambda a=a, b=b, x=number: autograd.total([a, b, x, a]),
                        lambda a=a, b=b, c=c: autograd.where(c, a, b),
                    ]
                )
            )()
        )
    for node in nodes:
        node.label = draw(labels)
    nodes[-1].backward()
    return nodes[-1]


def edges_of(root: Value) -> Counter[tuple[Value, Value, int]]:
    order = autograd.topological_order(root)
    return Counter((p, v, i) for v in order for i, p in enumerate(v.parents))


def node(v: View, label: str) -> Node:
    (found,) = [n for n in v.nodes if isinstance(n, Node) and n.label == label]
    return found


def titles(v: View) -> dict[str, list[str]]:
    """The titles of the frames around each node, outermost first."""
    return {n.id: [title(n.path[: i + 1]) for i in range(len(n.path))] for n in v.nodes}


@given(graphs())
def test_every_node_and_edge_is_drawn_once(root: Value) -> None:
    """The picture's edges are the graph's, repeated operands and constants included."""
    order = autograd.topological_order(root)
    v = view([root], limit=10_000)
    values = dict(zip([n.id for n in v.nodes], order, strict=True))
    assert Counter((values[e.tail], values[e.head], e.operand) for e in v.edges) == edges_of(root)
    assert len(v.edges) == sum(len(node.parents) for node in order)


@given(graphs())
def test_the_flows_into_a_node_add_up_to_its_gradient(root: Value) -> None:
    """What is drawn on the edges is the chain rule: the gradient is the sum of all that arrives."""
    v = view([root])
    arrived: defaultdict[str, list[float]] = defaultdict(list)
    for e in v.edges:
        if e.flow is not None:
            arrived[e.tail].append(e.flow)
    for n in v.nodes:
        assert isinstance(n, Node)
        if n.kind != "constant" and n.id != v.nodes[-1].id:
            assert n.grad == pytest.approx(math.fsum(arrived[n.id]), rel=1e-9, abs=1e-9)


@given(graphs(), st.booleans())
def test_folding_loses_no_edge_between_modules(root: Value, unfold: bool) -> None:
    """Folded at any depth, every edge is counted once, but for those inside one box."""
    full = view([root], unfold=unfold)
    for depth in range(1, 1 + max(len(n.path) for n in full.nodes)):
        box_of = {n.id: n.path[:depth] if len(n.path) >= depth else n.id for n in full.nodes}
        between = sum(box_of[e.tail] != box_of[e.head] for e in full.edges)
        folded = _fold(full, depth)
        assert sum(e.count for e in folded.edges) == between
        assert sum(n.nodes if isinstance(n, Box) else 1 for n in folded.nodes) == len(full.nodes)


def test_kinds_are_told_apart() -> None:
    """Leaves with a Scope are parameters, others inputs, literals constants; the root a result."""
    v = view([squared_error(2, 2, 1)])
    kinds = Counter(n.kind for n in v.nodes if isinstance(n, Node))
    assert kinds == {"parameter": 9, "input": 2, "constant": 2, "operation": 7, "result": 1}
    assert node(v, "loss").kind == "result"


def test_no_gradient_into_a_constant() -> None:
    """An edge into a constant has neither a local derivative nor a flow."""
    x = Value(3.0, "x")
    y = x * 2.0
    y.backward()
    v = view([y])
    assert [e.flow for e in v.edges] == [2.0, None]
    last = v.nodes[-1]
    assert isinstance(last, Node)
    assert last.partials == (2.0, None)


def test_frames_hold_what_lies_between_parameters_and_output() -> None:
    """Neuron inside layer, labels relative to the frame; inputs and the loss stand outside."""
    v = view([squared_error(2, 2, 1)])
    where = titles(v)
    framed: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for n in v.nodes:
        assert isinstance(n, Node)
        framed[tuple(where[n.id])].append(n.label or n.symbol)
    neuron_parts = ["b", "out", "w0", "w1", "w·x+b"]
    assert {k: sorted(x) for k, x in framed.items() if k} == {
        ("layer 0", "neuron 0"): neuron_parts,
        ("layer 0", "neuron 1"): neuron_parts,
        ("layer 1", "neuron 0"): neuron_parts,
    }
    assert sorted(framed[()]) == ["constant", "constant", "loss", "x0", "x1", "−"]


def test_one_frame_for_all_uses_of_a_module() -> None:
    """Two samples through one neuron: its parameters are drawn once, both uses beside them."""
    network = layers(1, 1)
    results = [forward(network, [Value(x, "x")])[0] for x in (0.5, -0.5)]
    v = view([autograd.total(results)])
    inside = [n for n in v.nodes if isinstance(n, Node) and n.path]
    assert sorted(n.label or n.symbol for n in inside) == ["b", "out", "out", "w0"] + ["w·x+b"] * 2
    assert {n.path for n in inside} == {("layers.0", "neurons.0")}


def test_a_module_that_feeds_back_keeps_other_modules_out_of_its_frame() -> None:
    """The second use of `a` depends on `b`, which depends on the first: b's nodes stay in b."""
    wa, wb = Value(0.5, Scope("a.w")), Value(0.7, Scope("b.w"))
    x = Value(1.0, "x")
    for _ in range(2):
        x = autograd.tanh(wa * x)
        x.label = Scope("a")
        x = autograd.sin(wb * x)
        x.label = Scope("b")
    v = view([x])
    where = {n.id: n for n in v.nodes if isinstance(n, Node)}
    assert {n.path for n in where.values() if n.symbol == "tanh"} == {("a",)}
    assert {n.path for n in where.values() if n.symbol == "sin"} == {("b",)}
    assert Counter(n.path for n in where.values()) == {("a",): 5, ("b",): 5, (): 1}


def test_an_outer_module_keeps_what_its_parts_have_not() -> None:
    """What lies between two parts of a block is in the block's frame, the parts in their own."""
    w1, w2 = Value(0.5, Scope("block.first.w")), Value(0.7, Scope("block.second.w"))
    first = w1 * Value(1.0, "x")
    first.label = Scope("block.first")
    between = autograd.relu(first)
    second = w2 * between
    second.label = Scope("block.second")
    y = second + first
    y.label = Scope("block")
    v = view([y])
    paths = {n.symbol or n.label: n.path for n in v.nodes if isinstance(n, Node)}
    assert paths["relu"] == paths["+"] == ("block",)
    assert paths["x"] == ()
    assert Counter(n.path for n in v.nodes)["block", "first"] == 2
    assert Counter(n.path for n in v.nodes)["block", "second"] == 2


@pytest.mark.parametrize(
    ("path", "expected"),
    [(("layers.0",), "layer 0"), (("a", "neurons.1"), "neuron 1"), (("encoder",), "encoder")],
)
def test_titles(path: tuple[str, ...], expected: str) -> None:
    """A frame is named as one would say it."""
    assert title(path) == expected


def test_unfolding_shows_the_products() -> None:
    """A dot of n weights becomes n products and their sum, and the leaves' gradients stay."""
    v = view([squared_error(2, 1)], unfold=True)
    symbols = Counter(n.symbol for n in v.nodes if isinstance(n, Node))
    assert symbols["×"] == 2
    assert symbols["Σ"] == 1
    assert symbols["w·x+b"] == 0
    for n in v.nodes:
        assert isinstance(n, Node)
        if n.kind in ("input", "parameter"):
            assert n.grad == pytest.approx(sum(e.flow or 0.0 for e in v.edges if e.tail == n.id))


# --- size -----------------------------------------------------------------------------------------


def test_a_large_graph_is_folded_by_module() -> None:
    """Above the limit each neuron becomes a box, in order; above that each layer."""
    neurons = view([squared_error(2, 16, 16, 1)])
    boxes = [n for n in neurons.nodes if isinstance(n, Box)]
    assert [title(b.path) for b in boxes] == [f"neuron {i}" for i in (*range(16), *range(16), 0)]
    assert [b.parameters for b in boxes] == [3] * 16 + [17] * 16 + [17]
    assert all(b.output is not None for b in boxes)
    by_layer = view([squared_error(2, 16, 16, 1)], limit=30)
    boxes = [n for n in by_layer.nodes if isinstance(n, Box)]
    assert [(title(b.path), b.nodes) for b in boxes] == [
        ("layer 0", 16 * 5),
        ("layer 1", 16 * 19),
        ("layer 2", 19),
    ]
    (between,) = [e for e in by_layer.edges if (e.tail, e.head) == (boxes[0].id, boxes[1].id)]
    assert between.count == 16 * 16
    assert between.mixed
    flows = [e.flow or 0.0 for e in neurons.edges if e.tail in _ids(neurons, "layers.0")]
    assert between.flow == pytest.approx(sum(map(abs, flows)))


def _ids(v: View, outermost: str) -> set[str]:
    return {n.id for n in v.nodes if n.path[:1] == (outermost,)}


def test_folding_a_small_graph_and_never_folding() -> None:
    """fold=True folds what would fit; fold=False raises rather than fold."""
    assert any(isinstance(n, Box) for n in view([squared_error(2, 2, 1)], fold=True).nodes)
    assert len(view([neuron()], fold=True).nodes) == 6
    with pytest.raises(GraphTooLargeError, match=r"has 21 nodes and 22 edges; expected at most 9"):
        view([squared_error(2, 2, 1)], limit=9, fold=False)


def test_too_large_without_modules() -> None:
    """What cannot be folded says how large it is and what to do."""
    x = Value(1.0)
    for _ in range(500):
        x = x * x
    with pytest.raises(GraphTooLargeError, match=r"501 nodes and 1,000 edges.*limit=\.\.\."):
        draw(x)
    assert len(draw(x, limit=501).view.nodes) == 501


def million_in_a_chain() -> Value:
    x = Value(1.0)
    for _ in range(1_000_000):
        x = x * 1.0
    return x


def million_operands() -> Value:
    result: Value = autograd.total([1.0] * 1_000_000 + [Value(1.0)])
    return result


@pytest.mark.parametrize("graph", [million_in_a_chain, million_operands])
def test_a_million_nodes_answer_within_a_second(graph: Any) -> None:
    """Counting stops early, and makes no nodes of the constants it does not reach."""
    root = graph()
    start = time.perf_counter()
    with pytest.raises(GraphTooLargeError, match="more than 50,000 nodes"):
        draw(root)
    assert time.perf_counter() - start < 1.0


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [3.0, None, "abc", [1.0], [Value(1.0), None]])
def test_only_values_can_be_drawn(bad: Any) -> None:
    """The error names what came."""
    with pytest.raises(OperandError, match="expected a Value or several, but got"):
        draw(bad)


def test_nothing_to_draw() -> None:
    """No roots at all is an error as well."""
    with pytest.raises(LengthError, match="at least one"):
        draw([])


def test_several_roots() -> None:
    """Roots that share nodes make one picture; each root is a result."""
    x = Value(2.0, "x")
    a, b = x + x, x * x
    v = draw([a, b]).view
    assert [n.kind for n in v.nodes if isinstance(n, Node)] == ["input", "result", "result"]
    assert len(v.edges) == 4


def test_labels_that_frame_nothing() -> None:
    """A result with a Scope, but no parameters below it, frames no node."""
    w = Value(1.0, Scope("w"))
    y = w
    for i in range(3):
        y = y * w
        y.label = Scope(f"act.{i}")
    assert all(node.path == () for node in view([y]).nodes)
