"""Random graphs with shared nodes: reverse mode against forward mode and central differences.

Differences of gradients are measured against the sum, over all paths through the graph, of the size
of what flows along each: where large contributions cancel, no order of adding them is more exact.
"""

import copy
import math
import pickle
from collections.abc import Callable
from typing import Any

import mpmath
from accuracy import NORMAL, path_sizes
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import Program, programs

import autograd
from autograd import Value
from autograd.primitives import TABLE
from tools.references import derivative


def gradient(program: Program) -> tuple[list[Value], Value]:
    """The leaves, with their gradients, and the result."""
    leaves = [Value(x, label=str(i)) for i, x in enumerate(program.leaves)]
    y = program(leaves)
    y.backward()
    return leaves, y


def exactly(name: str) -> Callable[..., Any]:
    """The primitive's meaning in 50 digits, in place of the engine's function."""
    return lambda *xs: derivative(name, len(xs))(*xs)


@settings(max_examples=150)
@given(programs())
def test_reverse_is_forward(program: Program) -> None:
    """backward(), grad and jvp along each leaf agree to 1e-13, and on the value's bits."""
    leaves, y = gradient(program)
    by_grad = autograd.grad(program)(list(program.leaves))
    for i, (leaf, size) in enumerate(zip(leaves, path_sizes(y, leaves), strict=True)):
        direction = [float(i == j) for j in range(len(leaves))]
        value, tangent = autograd.jvp(program, (list(program.leaves),), (direction,))
        assert value == y.data
        assert abs(leaf.grad - tangent) <= 1e-13 * size + NORMAL
        assert abs(leaf.grad - by_grad[i]) <= 1e-13 * size + NORMAL


@settings(max_examples=60)
@given(programs())
def test_reverse_is_central_differences(program: Program) -> None:
    """The gradient is the slope between two points on either side of each leaf.

    In 50 digits a step of 1e-15 leaves nothing to choose: it crosses no kink, its curvature is out
    of sight (1e-30), and 35 digits of the difference remain. What differs is the rounding of the
    engine's own values, of which curved functions make more: 1e-9 holds it, and no wrong rule.
    """
    leaves, y = gradient(program)
    step = mpmath.mpf("1e-15")
    for i, (leaf, size) in enumerate(zip(leaves, path_sizes(y, leaves), strict=True)):
        with mpmath.workdps(60):
            ends = []
            for moved in (step, -step):
                xs = [mpmath.mpf(x) + moved * (i == j) for j, x in enumerate(program.leaves)]
                ends.append(program(xs, exactly))
            slope = (ends[0] - ends[1]) / (2 * step)
            assert abs(leaf.grad - slope) <= 1e-9 * size + 1e-25


@settings(max_examples=30)
@given(programs(size=6), st.data())
def test_second_derivatives_agree(program: Program, data: st.DataObject) -> None:
    """Forward over reverse, reverse over reverse and reverse over forward give one Hessian."""
    xs = list(program.leaves)
    direction = [data.draw(st.sampled_from((-1.0, 0.5, 2.0))) for _ in xs]
    hessian = autograd.hessian(program)(xs)
    rows = [sum(h * t for h, t in zip(row, direction, strict=True)) for row in hessian]
    over_reverse = autograd.hvp(program, (xs,), (direction,))
    over_forward = autograd.grad(lambda v: autograd.jvp(program, (v,), (direction,))[1])(xs)
    scale = 1.0 + max(abs(h) for row in hessian for h in row)
    for row, r, f in zip(rows, over_reverse, over_forward, strict=True):
        assert abs(row - r) <= 1e-9 * scale
        assert abs(row - f) <= 1e-9 * scale


@settings(max_examples=60)
@given(programs())
def test_backward_twice_doubles_the_leaves(program: Program) -> None:
    """Two calls of backward() add the gradient twice, and nodes in between count once."""
    leaves, y = gradient(program)
    once = [leaf.grad for leaf in leaves]
    between = {v: v.grad for v in autograd.topological_order(y) if v.parents}
    y.backward()
    assert all(v.grad == g for v, g in between.items())
    for leaf, g, size in zip(leaves, once, path_sizes(y, leaves), strict=True):
        # not to the bit: (a + b) + (a + b) was rounded otherwise than ((a + b) + a) + b
        assert abs(leaf.grad - 2.0 * g) <= 1e-14 * size


@settings(max_examples=60)
@given(programs(), st.data())
def test_order_of_the_leaves_is_irrelevant(program: Program, data: st.DataObject) -> None:
    """Leaves made in another order, for the same computation, get the same bits."""
    leaves, _ = gradient(program)
    order = data.draw(st.permutations(range(len(leaves))))
    made = {i: Value(program.leaves[i]) for i in order}
    program([made[i] for i in range(len(leaves))]).backward()
    assert all(leaf.grad == made[i].grad for i, leaf in enumerate(leaves))


@settings(max_examples=60)
@given(programs())
def test_copies_have_the_same_gradients(program: Program) -> None:
    """deepcopy and pickle keep the graph: backward() in the copy gives the same bits."""
    leaves, y = gradient(program)
    for copied in (copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
        nodes = autograd.topological_order(copied)
        own = {v for v in nodes if v.op != "constant"}
        assert not own & set(autograd.topological_order(y))
        assert len(nodes) == len(autograd.topological_order(y))
        for v in nodes:
            v.grad = 0.0
        copied.backward()
        found = {v.label: v.grad for v in nodes if v.op is None}
        assert all(found.get(leaf.label, 0.0) == leaf.grad for leaf in leaves)


def test_programs_are_what_they_claim() -> None:
    """The random graphs share nodes, repeat operands, have constants and use the whole table."""
    seen: set[str] = set()
    shared = repeated = constant = deep = 0

    @settings(max_examples=400, derandomize=True, database=None)
    @given(programs())
    def collect(program: Program) -> None:
        nonlocal shared, repeated, constant, deep
        used = [x for step in program.steps for x in step.operands if type(x) is int]
        seen.update(step.name for step in program.steps)
        shared += len(used) > len(set(used))
        repeated += any(
            len(nodes) > len(set(nodes))
            for nodes in ([x for x in s.operands if type(x) is int] for s in program.steps)
        )
        constant += any(type(x) is float for step in program.steps for x in step.operands)
        deep += len(program.steps) >= 10
        assert math.isfinite(program(program.leaves))

    collect()
    assert seen == TABLE.keys() - {"stop_gradient"}
    assert min(shared, repeated, constant, deep) >= 50
