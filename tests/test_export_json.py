"""Graphs as JSON: what is written reads back to the bit, and no other text is read."""

import json
import math
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd
import nn
from autograd import Value, topological_order
from autograd.errors import ExportError, GraphFormatError, LengthError, OperandError
from autograd.export import from_json, to_json
from tests.strategies import WildProgram, wild_floats, wild_programs


def bits(x: float) -> bytes:
    return struct.pack("<d", x)


def described(*roots: Value) -> list[Any]:
    """All there is to a graph, each node in its place."""
    order = topological_order(*roots)
    places = {v: k for k, v in enumerate(order)}
    return [
        (
            v.op,
            [places[p] for p in v.parents],
            [bits(d) for d in v.partials],
            bits(v.data),
            bits(v.grad),
            v.label,
            type(v.label),
        )
        for v in order
    ]


labels = st.one_of(st.none(), st.text(max_size=5), st.text(max_size=5).map(autograd.Scope))


@settings(max_examples=100)
@given(wild_programs(size=10), st.data())
def test_any_graph_reads_back_to_the_bit(program: WildProgram, data: st.DataObject) -> None:
    """Operations, edges, partials, numbers, gradients, labels; then the same backward()."""
    found = program([Value(x) for x in program.leaves])
    roots = [y for y in found if isinstance(y, Value)] or [Value(1.0)]
    roots[-1].backward(3.0)
    for v in topological_order(*roots):
        v.label = data.draw(labels)
        if v.op is None:
            v.grad = data.draw(wild_floats)
    text = to_json(roots)
    again = from_json(text)
    assert described(*again) == described(*roots)
    assert to_json(again) == text
    for ys in (roots, again):
        ys[-1].backward(-0.5)
    assert described(*again) == described(*roots)


def model_graph() -> Value:
    """Layers of each kind of dot: of constants, of nodes, with and without a bias."""
    model = nn.Sequential(
        [nn.layers.Dense(3, "tanh", input_dim=2), nn.layers.Dense(1, use_bias=False)]
    )
    x = Value(0.5, "x")
    loss: Value = model([x * 1.0, x])[0] + model([1.0, 2.0])[0] * 2
    loss.label = "both"
    rest: Value = autograd.dot([x, x], [2.0, 3.0], x) + autograd.where(x > 0.0, x, 1.0)
    return loss + rest


def test_a_network_reads_back() -> None:
    """Paths in the model stay paths, constants stay constants, and it trains on alike."""
    loss = model_graph()
    loss.backward()
    again = from_json(to_json(loss))
    assert described(again) == described(loss)
    assert [v.op for v in topological_order(again)].count("constant") == 14
    loss.backward()
    again.backward()
    assert described(again) == described(loss)


@pytest.mark.parametrize("number", [0.1, 0.7, 1e16, 1 / 3])
def test_a_dot_adds_up_in_the_same_order(number: float) -> None:
    """One node as weight, input and bias: the sum of its three gradients has the same bits."""
    x = Value(number)
    y = autograd.dot([x, x], [x, x * 3.0], x)
    again = from_json(to_json(y))
    y.backward()
    again.backward()
    assert described(again) == described(y)


def test_what_is_shared_stays_shared() -> None:
    """One constant used twice is one node; several roots share what they are made from."""
    x = Value(2.0, "x")
    y = x * 3.0
    three = y.parents[1]
    three.label = "three"
    again = from_json(to_json([y, x, y + three]))
    assert [v.op for v in topological_order(*again)] == [None, "constant", "mul", "add"]
    assert again[0].parents == (again[1], again[2].parents[1])
    assert again[2].parents == (again[0], again[0].parents[1])


def test_numbers_of_every_kind() -> None:
    """inf, -0.0, subnormals and nans of any bits are written and read to the bit."""
    odd = struct.unpack("<d", struct.pack("<Q", 0xFFF8_0000_DEAD_BEEF))[0]
    numbers = [math.inf, -math.inf, -0.0, 5e-324, 1.7976931348623157e308, 0.1, math.nan, odd]
    again = from_json(to_json([Value(x) for x in numbers]))
    assert [bits(v.data) for v in again] == [bits(x) for x in numbers]


def test_a_deep_chain() -> None:
    """A chain that is far deeper than Python's stack is written, read and differentiated."""
    y = x = Value(1.0, "x")
    for _ in range(10_000):
        y = y + x
    again = from_json(to_json(y))
    again.backward()
    assert again.data == 10_001.0
    assert topological_order(again)[0].grad == 10_001.0


def test_a_function_at_an_example() -> None:
    """The arguments' numbers become leaves that have their names."""
    again = from_json(to_json(lambda w, b: w[0] * w[1] + b, [2.0, 3.0], 4.0))
    assert again.data == 10.0
    assert [v.label for v in topological_order(again) if v.op is None] == ["w0", "w1", "b"]
    one, two = from_json(to_json(lambda x: {"a": x, "b": 7.0}, 1.0))
    assert (one.label, two.data) == ("x", 7.0)


def test_inside_blocks_it_is_a_graph_all_the_same() -> None:
    """no_grad() and detect_anomaly() around the reading change nothing."""
    text = to_json(Value(0.0, "x").log() * 2.0)
    with autograd.no_grad():
        plain = from_json(text)
    with autograd.detect_anomaly():
        watched = from_json(text)
    assert described(plain) == described(watched) == described(from_json(text))
    assert plain.op == "mul"


def test_a_graph_that_was_changed_is_not_written() -> None:
    """After a parameter moved, its nodes say what is not so: the error says to compute anew."""
    x = Value(2.0, "x")
    y = x * x
    x.data = 3.0
    with pytest.raises(ExportError, match=r"make it again.*mul of \[3.0, 3.0\] is 9.0.* 4.0"):
        to_json(y)


def test_what_is_no_graph_is_not_written() -> None:
    """Something else than Values, or nothing at all, is refused."""
    with pytest.raises(OperandError, match="expected a Value, several, or a function"):
        to_json([1.0])
    with pytest.raises(LengthError):
        to_json([])


# --- other texts ----------------------------------------------------------------------------------

GOOD = json.loads(to_json(autograd.dot([Value(1.5, "w"), 2.0], [Value(2.0), 0.5], 1.0).tanh()))


def changed(**fields: Any) -> str:
    return json.dumps(GOOD | fields)


def with_node(k: int, **fields: Any) -> str:
    nodes = [dict(node) for node in GOOD["nodes"]]
    nodes[k] |= fields
    return changed(nodes=[{n: x for n, x in node.items() if x != "gone"} for node in nodes])


DOT = next(k for k, node in enumerate(GOOD["nodes"]) if node.get("op") == "dot")
BAD: dict[str, tuple[Any, str]] = {
    "empty": ("", "JSON"),
    "truncated": (json.dumps(GOOD)[:-9], "JSON"),
    "no UTF-8": (b'{"format": "\xff"}', "JSON"),
    "not an object": ("[]", '"format"'),
    "another format": (changed(format="pickle"), '"format"'),
    "too deep": ("[" * 100_000, "too deep"),
    "a huge int": ('{"version": ' + "9" * 5000 + "}", "JSON"),
    "newer": (changed(version=2), "version 1.*2.*update"),
    "a version that is true": (changed(version=True), "version 1"),
    "two kinds of roots": (changed(roots=[0]), '"root" or "roots"'),
    "something more": (changed(extra=0), '"root" or "roots"'),
    "nodes are no list": (changed(nodes={}), '"nodes"'),
    "no such root": (changed(root=99), "nodes before.*99"),
    "a negative root": (changed(root=-1), "nodes before.*-1"),
    "a root that is a float": (changed(root=1.0), "nodes before"),
    "a root that is a bool": (changed(root=True), "nodes before"),
    "unused": (changed(root=0), "node 6: no root is made from it"),
    "twice": (json.dumps(GOOD).replace('"op": "tanh"', '"op": "tanh", "op": "exp"'), "twice"),
    "Infinity": (json.dumps(GOOD).replace("1.5", "Infinity"), "Infinity is no JSON"),
    "too large": (json.dumps(GOOD).replace("1.5", "1e999"), "node 0.*float64"),
    "a node is no object": (changed(nodes=[1]), "node 0"),
    "a node says more": (with_node(0, code="x"), "node 0.*'code'"),
    "no data": (with_node(0, data="gone"), "node 0"),
    "data is text": (with_node(0, data="1.5"), "data to be a number"),
    "data is true": (with_node(0, data=True), "data to be a number"),
    "data is a list": (with_node(0, data=[1.5]), "data to be a number"),
    "data is a huge int": (with_node(0, data=2**53 + 1), "data to be a number"),
    "a nan that is none": (with_node(0, data="nan:3ff0000000000000"), "data to be a number"),
    "a nan of no bits": (with_node(0, data="nan:zzzzzzzzzzzzzzzz"), "data to be a number"),
    "a gradient is text": (with_node(0, grad="1"), "grad to be a number"),
    "a label is a number": (with_node(0, label=1), "label"),
    "two labels": (with_node(0, path="w"), "label"),
    "a leaf has parents": (with_node(1, parents=[0]), "node 1.*leaf"),
    "an op that is null": (with_node(0, op=None), "leaf"),
    "unknown primitive": (with_node(-1, op="system"), "no primitive 'system'"),
    "a primitive that is a list": (with_node(-1, op=["tanh"]), "no primitive"),
    "a method of the table": (with_node(-1, op="__init__"), "no primitive"),
    "wrong arity": (with_node(-1, parents=[0, 1]), "takes 1, but got 2"),
    "an even dot": (with_node(DOT, parents=[0, 1]), "n weights, n inputs and a bias"),
    "no operands": (with_node(DOT, op="total", parents=[]), "at least one operand"),
    "no parents": (with_node(-1, parents="gone"), "list of places"),
    "cyclic": (with_node(-1, parents=[len(GOOD["nodes"]) - 1]), "nodes before"),
    "a huge index": (with_node(-1, parents=[10**30]), "nodes before"),
    "data that disagree": (with_node(-1, data=0.5), r"tanh of \[5.0\] is 0.99.*0.5"),
    "of another sign": (with_node(-1, data=-GOOD["nodes"][-1]["data"]), "tanh of"),
    "nan for a number": (with_node(-1, data="nan"), "tanh of"),
    "inf for a number": (with_node(-1, data="inf"), "tanh of"),
}


@pytest.mark.parametrize("name", BAD)
def test_no_other_text_is_read(name: str) -> None:
    """Each has its error, which says what was expected and what came, and where."""
    text, message = BAD[name]
    with pytest.raises(GraphFormatError, match=message):
        from_json(text)


def test_the_text_that_was_not_changed_is_read() -> None:
    """So that the errors above are due to the changes alone; whole numbers may be ints."""
    assert from_json(changed()).data == math.tanh(5.0)
    assert from_json(with_node(1, data=2)).data == math.tanh(5.0)


def test_the_last_bits_of_another_machine_are_kept() -> None:
    """A result a few ulp off, as another C library rounds, is taken as it stands; no other."""
    near = math.nextafter(GOOD["nodes"][-1]["data"], 0.0)
    assert from_json(with_node(-1, data=near)).data == near
    with pytest.raises(GraphFormatError, match="tanh of"):
        from_json(with_node(-1, data=GOOD["nodes"][-1]["data"] * (1.0 - 1e-13)))
    with pytest.raises(GraphFormatError, match="neg of"):  # 0.0 and -0.0 are no ulp apart
        from_json(to_json(-Value(0.0)).replace("-0.0", "0.0"))


def test_only_a_text_is_read() -> None:
    """Something else is a TypeError."""
    with pytest.raises(TypeError, match="expected a str or bytes"):
        from_json(GOOD)


def test_primitives_of_ones_own_must_be_entered() -> None:
    """The reader's own entry computes them; without one, or refused by it, it is an error."""
    with autograd.temporary_primitives():
        half = autograd.primitive("half", lambda x: x / 2.0, lambda m, y, x: (0.5,))
        text = to_json(half(Value(3.0)))
        assert from_json(text).data == 1.5
        autograd.primitive(
            "half", lambda x: 1 // 0, lambda m, y, x: (0.5,), replace=True, check=False
        )
        with pytest.raises(GraphFormatError, match="half cannot be computed"):
            from_json(text)
    with pytest.raises(GraphFormatError, match="no primitive 'half'; if it is one of your own"):
        from_json(text)


SAMPLE = to_json(model_graph()).encode()


@settings(max_examples=200)
@given(st.data())
def test_mutated_bytes_give_the_one_error(data: st.DataObject) -> None:
    """Bytes changed, cut out, put in: a graph whose numbers agree is read, or the named error."""
    text = bytearray(SAMPLE)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text) - 1))
        new = data.draw(
            st.one_of(
                st.sampled_from([b"", b"-", b"0", b"9", b'"', b"[", b"e", b"]}"]),
                st.binary(max_size=2),
            )
        )
        text[at : at + data.draw(st.integers(0, 2))] = new
    try:
        found = from_json(bytes(text))
    except GraphFormatError:
        return
    to_json(found)
