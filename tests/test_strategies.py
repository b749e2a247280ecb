"""autograd.strategies: what is drawn keeps its promises, shrinks, prints as Python and is drawn."""

import importlib
import math
import re
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

import autograd
from autograd import Value, ieee
from autograd import strategies as ag
from autograd.check import check_gradients
from autograd.elementwise import call
from autograd.errors import LengthError, MissingExtraError
from autograd.primitives import TABLE
from autograd.strategies.expressions import Step
from autograd.strategies.operands import FROM_KINK, domains
from autograd.strategies.written import function_of

SPACE = {"autograd": autograd, "math": math}  # what a pasted repr needs
NAMES = st.sampled_from(sorted(TABLE))


def bits(structure: Any) -> Any:
    """Floats told apart to the last bit, and -0.0 from 0.0."""
    if isinstance(structure, (list, tuple)):
        return [bits(x) for x in structure]
    return float(structure).hex()


# --- operands -------------------------------------------------------------------------------------


@settings(max_examples=300)
@given(NAMES, st.data())
def test_operands_are_inside_the_domain_and_away_from_kinks(name: str, data: Any) -> None:
    """For every primitive of the table, by its name or its function; the value is finite."""
    p = TABLE[name]
    xs = data.draw(ag.operands(data.draw(st.sampled_from([name, getattr(autograd, name), p]))))
    assert p.arity in (None, len(xs))
    assert all(low < x < high for x, (low, high) in zip(xs, domains(p, len(xs)), strict=True))
    assert all(abs(k) > FROM_KINK for k in p.kinks(*xs))
    assert math.isfinite(p.forward(*xs)) or name in ("pow", "prod")  # 30 ** 300


@settings(max_examples=200)
@given(NAMES, st.data())
def test_floats_for_one_operand(name: str, data: Any) -> None:
    """Inside its domain, named by position or by name; away from the kinks of one operand."""
    p = TABLE[name]
    place = data.draw(st.integers(0, (p.arity or 1) - 1))
    operand = p.operands[place].split("=")[0] if data.draw(st.booleans()) and p.arity else place
    x = data.draw(ag.floats_for(name, operand, max_magnitude=5.0))
    low, high = domains(p, place + 1)[place]
    assert low < x < high
    assert abs(x) <= 5.0 or p.operands[place] == "order"
    if p.arity == 1:
        assert all(abs(k) > FROM_KINK for k in p.kinks(x))


@given(st.integers(1, 9), st.data())
def test_as_many_operands_as_asked_for(n: int, data: Any) -> None:
    """Where there may be any number of them."""
    assert len(data.draw(ag.operands("logsumexp", n))) == n


def test_what_there_is_not_is_said() -> None:
    """With what was perhaps meant."""
    with pytest.raises(ValueError, match="'tanh_'; did you mean 'tanh'"):
        find(ag.operands("tanh_"), lambda xs: True)
    with pytest.raises(ValueError, match="'sigmoid'"):
        find(ag.expressions(["sigmod"]), lambda e: True)
    with pytest.raises(ValueError, match="at least one primitive"):
        find(ag.expressions([]), lambda e: True)
    assert "tanh" in repr(find(ag.expressions("tanh", picture=False), lambda e: True))
    with pytest.raises(ValueError, match=r"there are .*acosh"):
        find(ag.networks([math.factorial]), lambda network: True)
    with pytest.raises(ValueError, match="operand of pow, x, y or its position, but got 'base'"):
        ag.floats_for("pow", "base")
    with pytest.raises(ValueError, match="operand of log"):
        ag.floats_for("log", 1)
    with pytest.raises(LengthError, match="expected 1 numbers, but got 2"):
        ag.Expression([1.0], [])([1.0, 2.0])


def test_the_simplest_operands_are_moved_off_their_kink() -> None:
    """Equal numbers, which come often, become usable and are not thrown away."""
    assert find(ag.operands("maximum"), lambda xs: True) == (0.25, 0.5)
    assert find(ag.operands("relu"), lambda xs: True) == (0.25,)
    assert find(ag.operands("relu", from_kinks=0.0), lambda xs: abs(xs[0]) < 0.01)


# --- expressions ----------------------------------------------------------------------------------


def numbers_in(expression: ag.Expression) -> list[float]:
    """Every number at the point, the inputs first."""
    numbers = list(expression.point)
    for name, operands in expression.steps:
        xs = [numbers[x] if type(x) is int else x for x in operands]
        numbers.append(TABLE[name].forward(*xs))
    return numbers


@settings(max_examples=150)
@given(ag.expressions())
def test_expressions_are_smooth_and_moderate_at_their_point(expression: ag.Expression) -> None:
    """Values and local derivatives up to 30, every kink further away than 0.01."""
    numbers = numbers_in(expression)
    assert bits(expression()) == bits(expression(expression.point)) == bits(numbers[-1])
    for (name, operands), y in zip(expression.steps, numbers[len(expression.point) :], strict=True):
        xs = [numbers[x] if type(x) is int else x for x in operands]
        assert all(abs(k) > FROM_KINK for k in TABLE[name].kinks(*xs))
        if name != "total":  # the sum at the end is as large as it is
            sizes = [y, *TABLE[name].partials(ieee, y, *xs)]
            assert all(d is None or abs(d) <= 30.0 for d in sizes)


@settings(max_examples=100)
@given(ag.expressions(max_operations=8))
def test_every_node_has_a_say(expression: ag.Expression) -> None:
    """Each input and each operation is used by another, but for the last one."""
    used = {x for step in expression.steps for x in step.operands if type(x) is int}
    assert used == set(range(len(expression.point) + len(expression.steps) - 1))


@settings(max_examples=100)
@given(st.lists(NAMES, min_size=1, unique=True), st.integers(1, 5), st.integers(1, 3), st.data())
def test_only_what_was_asked_for(names: list[str], most: int, inputs: int, data: Any) -> None:
    """The primitives named, and sums; no more operations and inputs than allowed."""
    strategy = ag.expressions(names, max_operations=most, max_inputs=inputs)
    expression = data.draw(strategy)
    assert {step.name for step in expression.steps} <= {*names, "total"}
    assert len(expression.point) <= inputs
    assert expression.steps  # a sum at least, where nothing could be applied
    # each operand may have to be brought into its domain
    assert len(expression.steps) <= most * 16 + 1


@settings(max_examples=50)
@given(ag.expressions(["add", "mul", "sin"], min_operations=4, max_operations=4))
def test_as_many_operations_as_asked_for(expression: ag.Expression) -> None:
    """Of what is defined everywhere none is skipped."""
    assert len([step for step in expression.steps if step.name != "total"]) == 4


@settings(max_examples=150)
@given(ag.expressions())
def test_the_repr_rebuilds_the_function(expression: ag.Expression) -> None:
    """What is printed, pasted: the same value and gradient to the bit, at the point and beside."""
    pasted = eval(repr(expression), SPACE)
    beside = [x + 0.125 for x in expression.point]
    assert bits(pasted()) == bits(expression())
    for x in (list(expression.point), beside):
        nodes, others = [Value(a) for a in x], [Value(a) for a in x]
        y, z = pasted(nodes), expression(others)
        y.backward()
        z.backward()
        assert bits(y.data) == bits(z.data)
        assert bits([v.grad for v in nodes]) == bits([v.grad for v in others])


def test_the_repr_of_what_is_used_twice() -> None:
    """It has a name; operators are operators, with the parentheses that they need."""
    steps = [
        ("sub", (1, 0)),
        ("mul", (2, 2)),
        ("pow", (3, -2.0)),
        ("neg", (4,)),
        ("dot", (5, 0, 2)),
    ]
    expression = ag.Expression([0.5, -0.0], [Step(*step) for step in steps])
    assert repr(expression) == (
        "lambda x=(0.5, -0.0): (\n"
        "    a := x[1] - x[0],\n"
        "    autograd.dot([-(a * a) ** (-2.0)], [x[0]], a),\n"
        ")[-1]"
    )


def test_the_repr_keeps_parentheses_and_names_apart() -> None:
    """What a minus takes away is one thing; of 60 names none is another's, nor the argument's."""
    difference = ag.Expression([1.0, 2.0], [Step("sub", (0, 1)), Step("sub", (0, 2))])
    assert repr(difference) == "lambda x=(1.0, 2.0): x[0] - (x[0] - x[1])"
    long = ag.Expression(
        [1.5, 0.1], [Step("sub", (0, 1)), *[Step("mul", (k, 0)) for k in range(60)]]
    )
    long = ag.Expression(long.point, [*long.steps, Step("total", tuple(range(62)))])
    assert bits(eval(repr(long), SPACE)()) == bits(long())


@settings(max_examples=50)
@given(ag.expressions(["add", "sub", "mul", "neg", "sin", "exp", "tanh"]))
def test_an_expression_runs_on_any_numbers(expression: ag.Expression) -> None:
    """On dual numbers, and on another library's by its names; the gradient is right."""
    point = list(expression.point)
    check_gradients(expression, point, modes=["forward"])
    theirs = {"sin": math.sin, "exp": math.exp, "tanh": math.tanh, "total": lambda *xs: sum(xs)}
    other = expression(point, lambda name: theirs.get(name) or function_of(name))
    assert other == pytest.approx(expression(), rel=1e-12, abs=1e-12)


# --- networks -------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(ag.networks(max_layers=2, max_units=3))
def test_networks_are_small_and_smooth(network: ag.Network) -> None:
    """Layers that fit one another, within the bounds; derivatives agree with differences."""
    assert 1 <= len(network.params) == len(network.activations) <= 2
    n_in = len(network.x)
    for weights, biases in network.params:
        assert {len(row) for row in weights} == {n_in}
        assert 1 <= len(biases) == len(weights) <= 3
        n_in = len(biases)
    assert len(network()) == n_in
    check_gradients(network, network.params, network.x, modes=["reverse"])


@settings(max_examples=60)
@given(ag.networks())
def test_the_repr_rebuilds_the_network(network: ag.Network) -> None:
    """What is printed, pasted: the same outputs and Jacobian to the bit."""
    pasted = eval(repr(network), SPACE)
    assert bits(pasted()) == bits(network())
    jacobians = [autograd.jacobian(f)(network.params, network.x) for f in (pasted, network)]
    assert bits(jacobians[0]) == bits(jacobians[1])


@settings(max_examples=30)
@given(ag.networks([autograd.relu, "leaky_relu"]))
def test_networks_stay_off_kinks(network: ag.Network) -> None:
    """No unit's sum is at relu's corner."""
    outputs: Any = network.x
    for layer, activation in zip(network.params, network.activations, strict=True):
        zs = autograd.linear(outputs, *layer)
        assert min(map(abs, zs)) > FROM_KINK
        outputs = getattr(autograd, activation)(zs)


# --- what else is in the table --------------------------------------------------------------------


def test_own_primitives_are_drawn_unasked() -> None:
    """In expressions, by function in networks, and as operands; printed by their own names."""
    with autograd.temporary_primitives():
        softsign = autograd.primitive(
            "softsign",
            lambda m, x: m.div(x, m.add(1.0, m.abs(x))),
            lambda m, y, x: (m.reciprocal(m.square(m.add(1.0, m.abs(x)))),),
            domain=(-9.0, 9.0),
        )
        p_norm = autograd.primitive(
            "p_norm",
            lambda m, *xs: m.sqrt(m.total(*[m.square(x) for x in xs])),
            lambda m, y, *xs: tuple(m.div(x, y) for x in xs),
            kinks=lambda *xs: (max(map(abs, xs)),),
        )
        space = {**SPACE, "softsign": softsign, "p_norm": p_norm}
        find(ag.expressions(picture=False), lambda e: "softsign" in repr(e))
        for name in ("softsign", "p_norm"):
            drawn = find(
                ag.expressions([name], picture=False), lambda e, name=name: name in repr(e)
            )
            assert f"autograd.{name}" not in repr(drawn)
            assert bits(eval(repr(drawn), space)()) == bits(drawn())
        network = find(
            ag.networks([softsign], picture=False), lambda network: len(network.params) == 2
        )
        assert bits(eval(repr(network), space)()) == bits(network())
        assert abs(find(ag.floats_for(softsign), lambda x: x > 8.0)) < 9.0


# --- failures -------------------------------------------------------------------------------------


def planted(name: str) -> Callable[[str], Callable[..., Any]]:
    """The engine's functions, but one whose local derivatives are twice as large as they should."""
    right = TABLE[name]
    wrong = right._replace(
        partials=lambda m, y, *xs: tuple(
            None if d is None else m.mul(2.0, d) for d in right.partials(m, y, *xs)
        )
    )
    return lambda other: (lambda *xs: call(wrong, *xs)) if other == name else function_of(other)


def is_wrong(expression: ag.Expression, function: Callable[[str], Callable[..., Any]]) -> bool:
    """Whether the gradient differs from that of the engine."""
    x = list(expression.point)
    right, wrong = (autograd.grad(f)(x) for f in (expression, lambda x: expression(x, function)))
    return bits(right) != bits(wrong)


@pytest.mark.parametrize("name", ["tanh", "mul", "log", "relu", "dot"])
def test_a_fault_shrinks_to_the_smallest_expression(name: str) -> None:
    """The one at fault, two more at most that bring operands to it, and simple numbers."""
    found = find(
        ag.expressions(picture=False),
        lambda e: is_wrong(e, planted(name)),
        settings=settings(max_examples=1000, derandomize=True, database=None),
    )
    assert len(found.steps) <= 3, found
    assert len(found.point) <= 2
    constants = [x for step in found.steps for x in step.operands if type(x) is float]
    assert all(x in (0.0, 1.0, -1.0, 2.0, 0.5) for x in (*found.point, *constants)), found


def test_a_fault_in_a_network_shrinks() -> None:
    """To one layer of one unit on one input."""
    found = find(
        ag.networks(picture=False),
        lambda network: "silu" in network.activations,
        settings=settings(max_examples=1000, derandomize=True, database=None),
    )
    assert repr(found) == (
        "lambda params=[([[0.0]], [0.0])], x=[0.0]: autograd.silu(autograd.linear(x, *params[0]))"
    )


FEW = ["mul", "sin", "atanh", "tanh"]


def failure(strategy: Any) -> str:
    """What hypothesis adds to the error of a test that fails for each tanh."""
    phases = [Phase.generate, Phase.shrink]  # without its own explanation, which takes long

    @settings(max_examples=300, derandomize=True, database=None, phases=phases)
    @given(strategy)
    def test(drawn: Any) -> None:
        assert "autograd.tanh(" not in repr(drawn)

    with pytest.raises(AssertionError) as raised:
        test()
    return "\n".join(raised.value.__notes__)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where pictures go."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    "strategy", [ag.expressions(FEW), ag.networks(["relu", "tanh"])], ids=["one", "network"]
)
def test_a_failure_prints_python_and_draws_it(strategy: Any, temporary: Path) -> None:
    """The message has the smallest example as Python, and the file with its picture."""
    message = failure(strategy)
    (path,) = temporary.iterdir()
    assert f"drawn with its gradients: {path}\n" in message
    picture = path.read_text(encoding="utf-8")
    texts = ["".join(x.itertext()) for x in ElementTree.fromstring(picture).iter()]
    assert {"tanh", "x[0]"} <= set(texts)
    (printed,) = re.findall(r"=(lambda .*),\n\)", message, flags=re.DOTALL)
    assert "tanh" in printed
    assert bits(eval(printed, SPACE)()) in (bits(0.0), bits([0.0]))


def test_pictures_are_drawn_of_failures_alone(temporary: Path) -> None:
    """A test that passes leaves no file, nor does one that asks for none."""
    settings(max_examples=20, database=None)(given(ag.expressions())(lambda e: None))()
    failure(ag.expressions(FEW, picture=False))
    assert list(temporary.iterdir()) == []


def test_without_a_renderer_the_file_is_dot_text(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which can be laid out elsewhere."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    message = failure(ag.expressions(FEW))
    (path,) = temporary.iterdir()
    assert path.suffix == ".dot"
    assert str(path) in message
    assert path.read_text(encoding="utf-8").startswith("digraph")


def test_a_picture_that_fails_does_not_hide_the_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine under test may be what is broken."""
    monkeypatch.setattr(Value, "backward", lambda self: 1 / 0)
    message = failure(ag.expressions(FEW))
    assert "not drawn, for ZeroDivisionError" in message
    assert "autograd.tanh(x[0])" in message


def test_without_hypothesis_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ImportError that says what to install."""
    for name in [name for name in sys.modules if name.startswith("autograd.strategies")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(MissingExtraError, match=r"pip install glassgrad\[check\]"):
        importlib.import_module("autograd.strategies")
