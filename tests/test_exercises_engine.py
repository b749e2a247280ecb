"""The learner's engine: a right one passes, each mistake is shown its smallest graph."""

import math
from typing import Any

import pytest

from autograd.graph.drawing import Drawing
from nn.exercises import check_engine
from nn.exercises.engine import programs


def engine(**methods: Any) -> Any:
    """A learner's class, right but for the methods given."""

    class Number:
        def __init__(self, data: float, parents: Any = (), partials: Any = ()) -> None:
            self.data, self.parents, self.partials, self.grad = data, parents, partials, 0.0

        def __add__(self, other: Any) -> Any:
            return Number(self.data + other.data, (self, other), (1.0, 1.0))

        def __mul__(self, other: Any) -> Any:
            return Number(self.data * other.data, (self, other), (other.data, self.data))

        def tanh(self) -> Any:
            t = math.tanh(self.data)
            return Number(t, (self,), (1 - t * t,))

        def backward(self) -> None:
            self.grad = 1.0
            for node in order(self):
                for parent, partial in zip(node.parents, node.partials, strict=True):
                    parent.grad += node.grad * partial

    for name, method in methods.items():
        setattr(Number, name, method)
    return Number


def order(root: Any) -> list[Any]:
    """Every node before its parents, without recursion."""
    found, seen, to_do = [], set(), [(root, False)]
    while to_do:
        node, done = to_do.pop()
        if done:
            found.append(node)
        elif node not in seen:
            seen.add(node)
            to_do += [(node, True), *[(p, False) for p in node.parents]]
    return found[::-1]


def edges(node: Any) -> Any:
    return zip(node.parents, node.partials, strict=True)


def overwrites(self: Any) -> None:
    self.grad = 1.0
    for node in order(self):
        for parent, partial in edges(node):
            parent.grad = node.grad * partial


def passes_on_at_once(self: Any) -> None:
    self.grad = 1.0
    to_do = [self]
    while to_do:
        node = to_do.pop()
        for parent, partial in edges(node):
            parent.grad += node.grad * partial
            to_do.append(parent)


def does_not_wait(self: Any) -> None:
    self.grad = 1.0
    to_do, seen = [self], set()
    for node in to_do:
        if node not in seen:
            seen.add(node)
            for parent, partial in edges(node):
                parent.grad += node.grad * partial
                to_do.append(parent)


def every_path(self: Any, gradient: float = 1.0) -> None:
    self.grad += gradient
    for parent, partial in edges(self):
        every_path(parent, gradient * partial)


def calls_itself(self: Any) -> None:
    found: list[Any] = []

    def visit(node: Any) -> None:
        if node not in found:
            for parent in node.parents:
                visit(parent)
            found.append(node)

    visit(self)
    self.grad = 1.0
    for node in reversed(found):
        for parent, partial in edges(node):
            parent.grad += node.grad * partial


def never_ends(self: Any) -> None:
    to_do = [self]
    while to_do:
        to_do.append(to_do[0])


def test_a_right_engine_passes() -> None:
    """Ours, written as a learner would, agrees on every small graph, many paths, a long chain."""
    verdict = check_engine(engine(), operations=("add", "mul", "tanh"))
    assert verdict.passed, verdict.text
    assert check_engine(engine(), backward=False).passed


@pytest.mark.parametrize(
    ("backward", "expected"),
    [
        (overwrites, ["y = a + a", "a.grad is 2, yours is 1."]),
        (passes_on_at_once, ["v1 = a + a", "y = v1 + v1", "a.grad is 4, yours is 8."]),
        (does_not_wait, ["v1 = a + a", "v2 = a + v1", "y = v1 + v2", "a.grad is 5, yours is 3."]),
        (every_path, ["goes along every path", "1,099,511,627,776"]),
        (calls_itself, ["too deep for a function"]),
        (never_ends, ["does not come to an end"]),
    ],
)
def test_each_mistake_is_shown_the_smallest_graph(backward: Any, expected: list[str]) -> None:
    """A shared node, the order, the number of paths, the depth: each has its own counterexample."""
    verdict = check_engine(engine(backward=backward))
    assert verdict.passed is False
    assert all(line in verdict.text for line in expected), verdict.text
    assert isinstance(verdict.picture, Drawing)


def test_an_operation_is_checked_before_backward() -> None:
    """Numbers, parents and local derivatives of a product, each with what was expected."""

    def times(partials: Any, data: Any = lambda a, b: a * b, parents: Any = lambda *ab: ab) -> Any:
        def mul(self: Any, other: Any) -> Any:
            product = data(self.data, other.data)
            return type(self)(product, parents(self, other), partials(self.data, other.data))

        return check_engine(engine(__mul__=mul), backward=False)

    def right(a: float, b: float) -> tuple[float, float]:
        return (b, a)

    assert times(right).passed
    assert "y.partials is [-2.0, 3.0], yours is [3.0, -2.0]" in times(lambda a, b: (a, b)).text
    assert "y.partials is [3.0, 3.0], yours is [3.0]" in times(lambda a, b: (b,)).text
    assert "y.data is 9, yours is 6" in times(right, data=lambda a, b: a + b).text
    assert "y.parents is [a, b], yours is [b, a]" in times(right, parents=lambda a, b: (b, a)).text


def test_an_unwritten_method_is_no_answer() -> None:
    """`return ...` in an operation, or a backward that does nothing."""
    nothing = engine(__mul__=lambda self, other: ...)
    assert check_engine(nothing, backward=False).passed is None
    assert check_engine(engine(backward=lambda self: ...)).passed is None


def test_an_error_in_the_engine_says_on_which_graph() -> None:
    """The learner's own error, with the formula that was being tried."""
    with pytest.raises(AttributeError) as info:
        check_engine(engine(backward=lambda self: self.gradient))
    assert "y = a + a" in info.value.__notes__[0]


def test_programs_use_every_result() -> None:
    """All graphs of a size, each once, and none with an operation that does not matter."""
    found = [str(program) for program in programs(2, ("add",))]
    assert len(found) == len(set(found)) == 4 * 5  # first: 4 pairs; second: 5 of 9 use the first
    assert len(list(programs(1, ("add", "tanh")))) == 4 + 2
