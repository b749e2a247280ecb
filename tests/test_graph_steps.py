"""Steps: the forward and the backward pass as data and in words, with the engine's numbers."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from strategies import Program, programs

import nn
from autograd import (
    GraphTooLargeError,
    OperandError,
    Value,
    dot,
    exp,
    steps,
    topological_order,
    where,
)
from autograd.graph.stepwise import NODES, Steps


def example() -> Value:
    """d * c, with c = a * b and d = c + a: a node of two users, and a leaf of two."""
    a, b = Value(2.0, "a"), Value(3.0, "b")
    c = a * b
    return (c + a) * c


def same(x: float, y: float) -> bool:
    """Equal to the bit, nan aside."""
    return (math.isnan(x) and math.isnan(y)) or (
        x == y and math.copysign(1.0, x) == math.copysign(1.0, y)
    )


def assert_is_backward(root: Value, unfold: bool) -> Steps:
    """The steps end at the gradients of backward(), leave the graph's own alone, and add up."""
    order = topological_order(root)
    for k, v in enumerate(order):
        v.grad = float(k)
    found = steps(root, unfold=unfold)
    assert [v.grad for v in order] == list(map(float, range(len(order))))
    for v in order:
        v.grad = 0.0
    root.backward()
    nodes = {node.id: node for node in found.nodes}
    for node in found.nodes:
        if node.value is not None and node.op != "constant":
            assert same(found.gradients.get(node.id, 0.0), node.value.grad)
            assert node.data is node.value.data
    complete: set[str] = set()
    made: set[str] = set()
    sums: dict[str, float] = {}
    for step in found:
        node = nodes[step.node]
        assert step.words
        assert step.latex
        if step.phase == "forward":
            assert all(p in made or nodes[p].op == "constant" for p in node.parents)
            made.add(step.node)
            continue
        if step.kind == "ready":
            complete.add(step.node)
            assert same(step.after, sums[step.node])
            continue
        if step.kind == "flow":
            assert step.source is not None
            assert step.operand is not None
            assert step.source in complete or step.source == found.root
            assert step.node not in complete  # no one reports late
            source = nodes[step.source]
            assert source.parents[step.operand] == step.node
            assert same(step.local or 0.0, source.partials[step.operand] or 0.0)
            assert same(step.upstream or 0.0, sums[step.source] or 0.0)
            assert same(step.before, sums.get(step.node, 0.0))
        sums[step.node] = step.after
    for step in found.backward:
        if step.kind in ("ready", "seed"):
            users = [n for n in found.nodes if step.node in n.parents and n.id in sums]
            assert len(step.terms) >= bool(users)
    return found


@settings(max_examples=150)
@given(programs())
def test_steps_end_at_the_gradients_of_backward(program: Program) -> None:
    """On random graphs with shared nodes, to the bit, folded and unfolded."""
    leaves = [Value(x) for x in program.leaves]
    root = program(leaves)
    if isinstance(root, list):
        root = root[-1]
    for unfold in (False, True):
        assert_is_backward(root, unfold)


def test_the_words_of_an_example() -> None:
    """Read as a lesson: each value, each contribution, each running sum."""
    text = str(steps(example()))
    for line in (
        "forward",
        "v1 = a * b = 2.0 * 3.0 = 6.0",
        "v2 = v1 + a = 6.0 + 2.0 = 8.0",
        "L = v2 * v1 = 8.0 * 6.0 = 48.0",
        "backward",
        "dL/dv1 += dL/dL * dL/dv1 = 1.0 * 8.0 = 8.0",
        "dL/dv1 += dL/dv2 * dv2/dv1 = 6.0 * 1.0 = 6.0; with 8.0 from before: 14.0",
        "v1 has heard from all 2 that use it: dL/dv1 = 8.0 + 6.0 = 14.0",
        "dL/da += dL/dv1 * dv1/da = 14.0 * 3.0 = 42.0; with 6.0 from before: 48.0",
    ):
        assert line in text
    flow = steps(example())[-1]
    assert (flow.upstream, flow.local, flow.contribution) == (14.0, 2.0, 28.0)
    assert flow.latex == (
        r"\frac{\partial L}{\partial b} \mathrel{+}= \frac{\partial L}{\partial v_{1}} \cdot "
        r"\frac{\partial v_{1}}{\partial b} = 14.0 \cdot 2.0 = 28.0"
    )


def test_fused_neurons_fold_and_unfold() -> None:
    """A dot is one step, or a step for each product and one for their sum."""
    model = nn.MLP(2, [2, 1])
    loss = nn.mse([model([1.0, -2.0])], [1.0])
    folded, unfolded = (assert_is_backward(loss, unfold) for unfold in (False, True))
    assert len(unfolded.forward) - len(folded.forward) == 6  # two products for each of three
    assert "l0.n1.w0 * 1.0 + l0.n1.w1 * (-2.0)" not in str(unfolded)
    assert "l0.n1.w0 * 1.0 + l0.n1.w1 * -2.0 + l0.n1.b" in str(folded)
    for found in (folded, unfolded):
        grads = {n.name: found.gradients[n.id] for n in found.nodes if n.op is None}
        assert grads["l1.n0.b"] == model.layers[1].neurons[0].b.grad


def test_constants_get_no_gradient_and_a_branch_not_taken_none() -> None:
    """No step flows into a number of the formula, nor along what `where` did not choose."""
    x = Value(2.0, "x")
    found = steps(where(x > 1.0, 3.0 * x, exp(x)) + 1.0)
    assert all("exp" not in step.words for step in found.backward)
    nodes = {node.id: node for node in found.nodes}
    assert all(nodes[step.node].op != "constant" for step in found)
    assert found.gradients[next(n.id for n in found.nodes if n.name == "x")] == 3.0


def test_names_are_never_confused() -> None:
    """Equal labels are numbered, made-up names avoid the labels there are."""
    a, b, v1 = Value(1.0, "a"), Value(2.0, "a"), Value(3.0, "v1")
    found = steps(a * b + v1 * v1)
    names = [node.name for node in found.nodes]
    assert len(set(names)) == len(names)
    assert {"a#1", "a#2", "v1", "L"} <= set(names)


def test_a_leaf_and_what_is_no_node() -> None:
    """The steps of a given number are that it is given, and that it moves with itself."""
    assert [step.kind for step in steps(Value(1.0, "x"))] == ["given", "seed"]
    with pytest.raises(OperandError, match="steps"):
        steps(1.0)  # type: ignore[arg-type]


def test_hostile_labels_stay_text() -> None:
    """What LaTeX would take for a command is escaped, in names as in formulas."""
    x = Value(1.0, r"\input{x}_$%")
    latex = steps(x * x)._repr_latex_()
    assert r"\input" not in latex
    assert r"\backslash input\{x\}\_\$\%" in latex


def test_it_reads_like_a_sequence() -> None:
    """Indexing, slicing, length; forward and backward are its two parts."""
    found = steps(dot([Value(1.0), Value(2.0)], [3.0, 4.0], Value(0.5)))
    assert list(found) == found.forward + found.backward
    assert found[0:2] == list(found)[0:2]
    assert len(found) == len(list(found))
    assert "forward" in repr(found)


def test_a_long_chain_takes_no_recursion() -> None:
    """Ten thousand nodes in a row."""
    x: Any = Value(1.0, "x")
    y = x
    for _ in range(10_000):
        y = y * 1.0001
    found = steps(y)
    assert found.gradients[found.nodes[0].id] == pytest.approx(1.0001**10_000)


def test_more_than_anyone_reads_is_refused() -> None:
    """Beyond the limit, steps says at once how many nodes there are, and what to ask instead."""
    x = Value(1.0)
    y = x
    for _ in range(NODES):
        y = y + x
    with pytest.raises(GraphTooLargeError, match=r"100,001 nodes.*explain"):
        steps(y)


def test_a_dot_whose_bias_is_also_an_input() -> None:
    """The sums of a node that is weight, input and bias at once keep the engine's order."""
    for k in range(40):  # sums of four, which another order rounds to other bits now and then
        x, w = Value(0.1 + 0.37 * k, "x"), Value(0.7 - 0.11 * k, "w")
        for root in (dot([x, w], [w, x], x) * 0.3, dot([0.0], [0.0], x), dot([x, x], [3.3, x], x)):
            for unfold in (False, True):
                assert_is_backward(root, unfold)
