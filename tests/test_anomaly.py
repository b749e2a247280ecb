"""detect_anomaly and find_anomaly name the first number or gradient that turned nan or infinite."""

import asyncio
import itertools
import math
import pickle
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pages
import pytest
from hypothesis import given, settings

import autograd
from autograd import AnomalyError, Value, detect_anomaly, find_anomaly, ieee, modes
from autograd.anomaly.causes import INSTEAD
from autograd.anomaly.watch import Anomaly, Watch
from autograd.primitives import REAL, TABLE, Primitive
from tests.strategies import (
    Program,
    WildProgram,
    far_from_kinks,
    function_of,
    number_of_operands,
    programs,
    wild_programs,
)

FINITE = (0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -2.0, -2.5, 1000.0, -1000.0, 5e-324, 1e200, -1e308)
NAMES = sorted(TABLE)


@pytest.fixture(autouse=True)
def _blocks_are_closed() -> Iterator[None]:
    """Whatever was raised inside, every block is closed after."""
    before = modes.open_blocks
    yield
    assert modes.open_blocks == before
    assert modes.watcher() is None


def raised(f: Callable[[], Any], **options: bool) -> AnomalyError:
    """The error that f ends with inside the block."""
    with pytest.raises(AnomalyError) as found, detect_anomaly(**options):
        f()
    return found.value


def words(what: Any) -> str:
    """What it says, however it is broken into lines, without the line of this file it shows."""
    return " ".join(re.sub(r"\n\n    [^\n]*\n", "\n", str(what), count=1).split())


def anomaly_of(f: Callable[[], Any], **options: bool) -> Anomaly:
    found = raised(f, **options).anomaly
    assert found is not None
    return found


def points(p: Primitive) -> Iterator[tuple[float, ...]]:
    """Special finite operands."""
    n = number_of_operands(p)[1 if p.arity is None else 0]
    few = FINITE if n < 3 else FINITE[:1] + FINITE[2:5] + FINITE[-2:]
    for xs in itertools.product(few, repeat=n):
        if p.name != "polygamma" or xs[0] in (0.0, 1.0, 2.0):
            yield xs


def bits(x: float) -> str:
    return repr(x)


# --- forward --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_whatever_primitive_makes_nan_or_inf_is_named(name: str) -> None:
    """At each special point an error that names the primitive, operands and result, or none."""
    p = TABLE[name]
    for xs in points(p):
        y = p.forward(*xs)
        values = [Value(x, f"x{k}") for k, x in enumerate(xs)]
        if math.isfinite(y):
            with detect_anomaly():
                function_of(name)(*values)
            continue
        error = raised(lambda values=values: function_of(name)(*values))
        found = error.anomaly
        assert found is not None
        assert (found.kind, found.node.op, bits(found.node.data)) == ("forward", name, bits(y))
        assert [v.label for v in found.node.parents] == [v.label for v in values]
        head, _, _ = words(error).partition(" what to do: ")
        assert f"gave {y}" in head
        assert "x0" in head
        assert "what to do: " in words(error)


@pytest.mark.parametrize("name", NAMES)
def test_outside_the_domain_the_reason_is_the_domain(name: str) -> None:
    """A nan of one operand that the entry's domain leaves out is explained by that domain."""
    p = TABLE[name]
    if p.arity != 1:
        return
    low, high = p.domain[0]
    for x in FINITE:
        if (x < low or x > high) and math.isnan(p.forward(x)):
            message = words(raised(lambda x=x: function_of(name)(Value(x, "speed"))))
            assert f"{name} takes " in message
            assert f"and speed is {x}" in message


def test_the_bound_of_an_overflow_is_true() -> None:
    """Where a function of one operand is said to overflow, it does, and just before it does not."""
    told = 0
    for name in ("exp", "exp2", "expm1", "sinh", "cosh", "square"):
        for x in (1e200, -1e200):
            if math.isinf(TABLE[name].forward(x)):
                message = words(raised(lambda name=name, x=x: function_of(name)(Value(x, "x"))))
                found = re.search(r"overflows (above|below) x = (\S+) ", message)
                assert found is not None
                assert found[1] == ("above" if x > 0.0 else "below")
                bound = float(found[2])
                assert math.isinf(TABLE[name].forward(bound * 1.00001))
                assert math.isfinite(TABLE[name].forward(bound * 0.99999))
                told += 1
    assert told == 9
    assert "709.78" in words(raised(lambda: autograd.exp(Value(1000.0))))


@pytest.mark.parametrize(
    ("f", "why"),
    [
        (lambda inf, zero: inf - inf, "inf - inf has no value"),
        (lambda inf, zero: autograd.total([inf, -inf]), "inf - inf has no value"),
        (lambda inf, zero: inf * zero, "0 * inf has no value"),
        (lambda inf, zero: autograd.dot([zero], [inf]), "0 * inf has no value"),
        (lambda inf, zero: autograd.prod([inf, zero]), "0 * inf has no value"),
        (lambda inf, zero: inf / inf, "inf / inf has no value"),
        (lambda inf, zero: zero / zero, "0 / 0 has no value"),
        (lambda inf, zero: autograd.sin(inf), "no value at far = inf"),
        (lambda inf, zero: (zero - 2.0) ** 0.5, "no real power of 0.5"),
        (lambda inf, zero: 1.0 / zero, "pole"),
    ],
)
def test_why_is_told_by_name(f: Callable[..., Any], why: str) -> None:
    """The classic indeterminate forms are called what they are."""
    assert why in words(raised(lambda: f(Value(math.inf, "far"), Value(0.0, "zero"))))


def test_kinks_the_entries_know() -> None:
    """At a pole told by `kinks` alone, division's, the reason names it; elsewhere it does not."""
    assert not far_from_kinks(TABLE["reciprocal"], (0.0,))
    assert "pole or a corner at x = 0.0" in words(raised(lambda: Value(0.0, "x").reciprocal()))


def went_wrong(v: Value) -> bool:
    """Nan, or infinite though made of finite numbers."""
    made_of_finite = all(math.isfinite(p.data) for p in v.parents)
    return bool(v.parents) and (math.isnan(v.data) or (math.isinf(v.data) and made_of_finite))


@settings(max_examples=150)
@given(wild_programs())
def test_the_first_node_in_forward_order_is_found(program: WildProgram) -> None:
    """On any graph the block stops at the first nan, or inf made of finite numbers, only there."""
    nodes = [v for v in program([Value(x) for x in program.leaves]) if type(v) is Value]
    expected = next((v for v in nodes if went_wrong(v)), None)
    if expected is None:
        with detect_anomaly():
            program([Value(x) for x in program.leaves])
        return
    found = anomaly_of(lambda: program([Value(x) for x in program.leaves]))
    assert found.node.op == expected.op
    assert bits(found.node.data) == bits(expected.data)
    assert [bits(p.data) for p in found.node.parents] == [bits(p.data) for p in expected.parents]
    # a nan is not this node's doing if an operand brought it
    taken = found.node.parents
    if found.node.op == "where":
        taken = (taken[0], taken[1] if taken[0].data else taken[2])
    assert (found.kind == "given") == any(math.isnan(p.data) for p in taken)


@settings(max_examples=150)
@given(wild_programs())
def test_after_the_fact_the_same_node_is_found(program: WildProgram) -> None:
    """find_anomaly gives the first such node in topological order that has a say in the root."""
    root = [v for v in program([Value(x) for x in program.leaves]) if type(v) is Value][-1:]
    if not root or root[0].op is None:
        return
    used: set[Value] = set()

    def use(v: Value) -> None:
        if v in used:
            return
        used.add(v)
        parents = v.parents
        if v.op == "where":
            parents = (parents[0], parents[1] if parents[0].data else parents[2])
        for p in parents:
            use(p)

    use(root[0])
    wrong = [v for v in autograd.topological_order(root[0]) if v in used and went_wrong(v)]
    found = find_anomaly(root[0])
    if wrong:
        assert found is not None
        assert found.node is wrong[0]
    else:
        assert found is None or found.kind == "backward"


def test_a_nan_that_was_given_is_named_as_given() -> None:
    """A leaf, a constant, a root that is nan: the input is named, not what it went into."""
    x = Value(math.nan, "x[3]")
    error = raised(lambda: autograd.dot([Value(1.0), Value(2.0)], [Value(1.0), x]))
    assert "the input x[3] was nan already" in words(error)
    assert error.anomaly is not None
    assert error.anomaly.operand is x
    assert "a plain number was nan already" in words(raised(lambda: Value(1.0) * math.nan))
    assert str(find_anomaly(x)).startswith("the input x[3] was nan already\n")
    assert find_anomaly(x, nan=False) is None


def test_a_nan_from_before_the_block_is_traced_to_where_it_began() -> None:
    """What was made outside and is used inside is blamed on the node that began it."""
    bad = autograd.log(Value(-1.0, "debt"))
    worse = bad * 2.0 + 1.0
    found = anomaly_of(lambda: worse * 3.0)
    assert found.node is bad


def test_infinities_that_were_meant() -> None:
    """A mask of -inf is no anomaly; made of finite numbers it is, unless inf=False."""
    scores = [Value(1.0), Value(2.0) + -math.inf]
    with detect_anomaly():
        masked = autograd.softmax(scores)
    assert masked[1].data == 0.0
    zero = Value(0.0, "zero")
    with detect_anomaly(inf=False):
        assert autograd.logsumexp([autograd.log(zero), 1.0]).data == 1.0
        with pytest.raises(AnomalyError, match=r"0 \* inf has no value") as error:
            zero * autograd.log(zero)
    assert "v1 = log(zero) = -inf" in words(error.value)
    with detect_anomaly(nan=False):
        autograd.sqrt(Value(-1.0))
        with pytest.raises(AnomalyError, match="gave -inf"):
            autograd.log(zero)


def test_a_branch_not_taken_is_no_anomaly_after_the_fact() -> None:
    """find_anomaly knows what `where` did not take; the block stops when the number is made."""

    def safe(x: Value) -> Value:
        return autograd.where(x > 0.0, autograd.log(x), 0.0)

    assert find_anomaly(safe(Value(0.0))) is None
    assert find_anomaly(safe(Value(math.inf)) - math.inf) is not None
    assert anomaly_of(lambda: safe(Value(0.0))).node.op == "log"


NARROW = [
    (name, k)
    for name in NAMES
    for k, interval in enumerate(TABLE[name].domain)
    if interval != REAL and TABLE[name].arity is not None
]


@pytest.mark.parametrize(("name", "k"), NARROW)
def test_a_branch_that_stops_the_program_gets_the_remedy_that_works(name: str, k: int) -> None:
    """Nobody knows yet of the where around it: what the advice says to write runs, and gives 0."""
    p, (low, high) = TABLE[name], TABLE[name].domain[k]
    numbers = [1.0 if operand == "order" else 0.5 for operand in p.operands]
    numbers[k] = low - 1.0 if low > -math.inf else high + 1.0
    xs = [Value(x, operand) for x, operand in zip(numbers, p.operands, strict=True)]
    error = raised(lambda: autograd.where(False, function_of(name)(*xs), 0.0))
    assert "for it computes both branches" in words(error)
    (advice,) = re.findall(r"where\(ok, .*, 0\.0\)", words(error))
    known = vars(autograd) | {"ok": False} | dict(zip(p.operands, xs, strict=True))
    with detect_anomaly():
        y = eval(advice, known)
        y.backward()
    assert (y.data, xs[k].grad) == (0.0, 0.0)


# --- backward -------------------------------------------------------------------------------------


def slopes_without_value() -> Iterator[tuple[str, float, float]]:
    """Primitives of one operand, where the value is finite and its derivative is not."""
    for name in NAMES:
        p = TABLE[name]
        if p.arity == 1:
            for x in FINITE:
                y = p.forward(x)
                d = p.partials(ieee, y, x)[0]
                if math.isfinite(y) and d is not None and not math.isfinite(d):
                    yield name, x, d


STEEP = list(slopes_without_value())


def test_there_are_steep_places() -> None:
    """The next tests have something to loop over: roots at 0, arc functions at 1."""
    assert {"sqrt", "cbrt", "asin", "acos", "acosh"} <= {name for name, _, _ in STEEP}


@pytest.mark.parametrize(("name", "x", "slope"), STEEP)
def test_a_derivative_that_is_not_finite_is_named(name: str, x: float, slope: float) -> None:
    """backward() and grad stop at the primitive, its operand and derivative; none is written."""
    leaf = Value(x, "x")
    y = 2.0 * function_of(name)(leaf)
    error = raised(y.backward)
    found = error.anomaly
    assert found is not None
    assert (found.kind, found.node.op, found.operand) == ("backward", name, leaf)
    assert (found.upstream, bits(found.local)) == (2.0, bits(slope))
    assert f"passed back 2.0 * {'(' * (slope < 0)}{slope}" in words(error)
    assert found.masked_by is None
    assert leaf.grad == 0.0
    by_grad = anomaly_of(lambda: autograd.grad(function_of(name))(x))
    assert by_grad.node.op == name
    assert by_grad.operand is not None
    again = find_anomaly(y)
    assert again is not None
    assert again.node is found.node


@pytest.mark.parametrize(("name", "x", "slope"), STEEP)
def test_a_masked_branch_is_recognised_and_the_remedy_works(
    name: str, x: float, slope: float
) -> None:
    """0 * f(x) with an infinite derivative: the mask is named, and the advice gives a gradient."""
    leaf, mask = Value(x, "x"), Value(0.0, "mask")
    masked = function_of(name)(leaf) * mask
    error = raised((masked + leaf).backward)
    found = error.anomaly
    assert found is not None
    assert found.masked_by is masked
    assert found.upstream == 0.0
    assert "The gradient became 0 at " in words(error)
    assert "double where" in words(error)
    safe = float(re.search(r"where\(ok, x, (\S+)\)\), 0\.0\)", words(error))[1])  # type: ignore[index]
    fresh, no = Value(x), 0.0
    with detect_anomaly():
        inner = function_of(name)(autograd.where(no, fresh, safe))
        (autograd.where(no, inner, 0.0) + fresh).backward()
    assert fresh.grad == 1.0


def test_a_mask_far_above_is_found_behind_what_lies_between() -> None:
    """The zero may come down through several nodes, as from a dead relu."""
    x = Value(0.0, "x")
    dead = autograd.relu(autograd.sqrt(x) * 3.0 + x - 1.0)
    found = anomaly_of((dead * 5.0).backward)
    assert found.masked_by is dead
    assert "relu" in words(found)
    partly = autograd.sqrt(x)
    assert anomaly_of((partly * 0.0 + partly * 2.0).backward).masked_by is None


@pytest.mark.parametrize("name", NAMES)
def test_healthy_second_derivatives_raise_nothing(name: str) -> None:
    """What a rule computes and does not use is no anomaly: 0 ** 3 has a second derivative."""
    p = TABLE[name]
    if name == "polygamma":
        return
    n = number_of_operands(p)[1 if p.arity is None else 0]

    def f(xs: Any) -> Any:
        return 2.0 * function_of(name)(*xs)

    for xs in itertools.product((0.0, 1.0, -1.0, 3.0), repeat=min(n, 2)):
        point = [*xs, *(0.5 for _ in range(n - len(xs)))]
        ones = [1.0] * n
        first, second = autograd.value_and_grad(f)(point), autograd.hvp(f, point, ones)
        rows = [[first[0]], first[1], second, *autograd.hessian(f)(point)]
        if not all(math.isfinite(x) for row in rows for x in row):
            continue
        with detect_anomaly():
            assert autograd.hvp(f, point, ones) == second
            autograd.hessian(f)(point)
    with detect_anomaly():
        assert autograd.grad(autograd.grad(lambda x: x**3))(0.0) == 0.0


def test_gradients_that_explode_or_cancel() -> None:
    """Finite times finite beyond float64, and inf - inf where two ways meet, are told apart."""
    x = Value(1e-200, "x")
    y = autograd.log(x) * 1e200  # finite, but its slope is 1e400
    message = words(raised(y.backward))
    assert "passed back 1e+200 * 1e+200: the product of two finite numbers" in message
    assert "clip" in message
    big = Value(1.0, "big")
    both = 1.5e308 * big + (1.5e308 * big - 2.0e308 / 2.0 * 3.0 * 0.5)
    message = words(raised(both.backward, nan=True))
    assert "added to the 1.5e+308 of another way" in message


def test_only_what_is_asked_for_counts_in_gradients() -> None:
    """inf=False lets infinite gradients pass, nan=False those that are nan."""
    x = Value(0.0, "x")
    root = autograd.sqrt(x)
    with detect_anomaly(inf=False):
        (root * 2.0).backward()
    assert x.grad == math.inf
    assert anomaly_of((root * 0.0).backward, inf=False).node is root
    with detect_anomaly(nan=False):
        (root * 0.0).backward()
    assert math.isnan(x.grad)
    assert find_anomaly(root * 0.0, nan=False) is None
    found = anomaly_of(autograd.sqrt(x * 0.0).backward, inf=False)
    assert found.node.op == "mul"
    assert "the gradient that came was inf already, and inf * 0 is nan" in words(found)


def test_a_number_that_was_infinite_before_is_told_apart_from_a_steep_slope() -> None:
    """Its derivative is no more than its number: the report says that first."""
    y = autograd.exp(Value(1000.0, "x"))
    assert "its local derivative there is inf, for its value is inf" in words(raised(y.backward))


def test_a_derivative_is_watched_no_further_than_its_variables() -> None:
    """What lies behind the number derived by is not part of this derivative."""
    behind = autograd.sqrt(Value(0.0))
    with detect_anomaly():
        assert autograd.grad(lambda v: v * v + 2.0 * v)(behind).data == 2.0


def test_a_seed_that_is_not_finite_is_told() -> None:
    """backward(nan) is not blamed on the graph."""
    assert "to begin with is nan" in words(raised(lambda: (Value(1.0) * 2.0).backward(math.nan)))


@settings(max_examples=150)
@given(wild_programs())
def test_backward_stops_exactly_if_a_gradient_is_not_finite(program: WildProgram) -> None:
    """It stops at the first contribution that makes one of finite numbers, or changes nothing."""

    def run() -> tuple[list[Value], Value]:
        leaves = [Value(x) for x in program.leaves]
        nodes = [v for v in program(leaves) if type(v) is Value]
        return leaves, autograd.total([*leaves, *nodes])

    _, plain = run()
    plain.backward()
    order = autograd.topological_order(plain)
    healthy = all(math.isfinite(v.grad) for v in order)
    leaves, root = run()
    try:
        with detect_anomaly():
            root.backward()
    except AnomalyError as error:
        found = error.anomaly
        assert not healthy
        assert found is not None
        assert found.operand is not None
        assert math.isfinite(found.upstream)
        assert math.isfinite(found.before)
        assert not math.isfinite(found.before + found.upstream * found.local)
        pairs = zip(found.node.parents, found.node.partials, strict=True)
        assert any(p is found.operand and bits(d) == bits(found.local) for p, d in pairs)
        assert all(v.grad == 0.0 for v in leaves)
    else:
        assert healthy
        assert [v.grad for v in autograd.topological_order(root)] == [v.grad for v in order]


@settings(max_examples=60)
@given(programs())
def test_what_is_healthy_comes_out_the_same(program: Program) -> None:
    """Inside the block numbers and gradients are those of outside, to the bit."""
    f = program
    expected = autograd.value_and_grad(f)(list(program.leaves))
    with detect_anomaly():
        assert autograd.value_and_grad(f)(list(program.leaves)) == expected


# --- what the report says -------------------------------------------------------------------------


def test_the_line_is_the_users() -> None:
    """The line that made the node is shown with its text, forward, backward and through nn."""
    import nn

    def broken() -> None:
        x = Value(-4.0, "x")
        shifted = x + 1.0
        autograd.sqrt(shifted)  # the line in question

    message = str(raised(broken))
    assert "autograd.sqrt(shifted)  # the line in question" in message
    assert re.search(r"\(test_anomaly\.py, line \d+\)", message)
    assert message.startswith("sqrt(shifted) gave nan: sqrt takes shifted > 0, and shifted is -3.0")
    assert re.search(
        r"shifted = x \+ 1\.0 = -3\.0 +\(test_anomaly\.py, line \d+\)\n    x = -4", message
    )

    neuron = nn.MLP(2, [1])
    neuron.parameters()[0].data = math.nan
    message = str(raised(lambda: neuron([1.0, 2.0])))  # in nn
    assert "neuron([1.0, 2.0])))  # in nn" in message
    assert "the input layers.0.neurons.0.w.0 was nan already" in message


def test_a_long_story_is_cut_short() -> None:
    """Of a large graph a few lines are shown, and how many more there are."""
    xs = [Value(1e308, f"x{k}") for k in range(2000)]
    message = str(raised(lambda: autograd.total(xs)))
    assert len(message.splitlines()) < 20
    assert "total(x0, x1, x2 ... 2000 operands) gave inf" in message
    assert "and many more" in message


def test_derivatives_name_their_arguments() -> None:
    """Inside grad, where the user made no Value, numbers are called as the arguments are."""

    def f(params: dict[str, list[float]], x: float) -> Any:
        return autograd.log(params["w"][1]) * x

    assert "params['w'][1] is 0.0" in words(
        raised(lambda: autograd.grad(f)({"w": [1.0, 0.0]}, 2.0))
    )
    row = np.array([[1.0, -1.0]])
    message = words(raised(lambda: autograd.grad(lambda a: autograd.sqrt(a[0, 1]))(row)))
    assert "a[0, 1] is -1.0" in message


def test_a_primitive_of_the_users_own_is_explained_like_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Domain, pole and remedy come from its entry alone."""

    def forward(a: float) -> float:
        return math.inf if a == 3.0 else (1.0 / (3.0 - a) if a < 3.0 else math.nan)

    own = Primitive(
        *("dwindle", "dw", ("supply",), "1 / (3 - supply)", forward),
        lambda m, y, a: (m.square(y),),
        ((-math.inf, 3.0),),
        lambda a: (),
        1,
    )
    monkeypatch.setitem(TABLE, "dwindle", own)
    message = words(raised(lambda: autograd.value.apply(own, Value(4.0))))
    assert "dwindle takes " in message
    assert "< 3" in message
    assert "clip or maximum before dwindle" in message
    assert "at the edge" in words(raised(lambda: autograd.value.apply(own, Value(3.0, "s"))))


def test_advice_names_functions_that_are_there() -> None:
    """Each function that a remedy tells to write exists, with the primitive it is for."""
    assert set(INSTEAD) <= set(TABLE)
    words = {word for text in INSTEAD.values() for word in re.findall(r"(\w+)\(", text)}
    assert "maximum" in words
    assert all(hasattr(autograd, word) for word in words - {"take"})


def test_the_error_is_what_other_libraries_users_catch() -> None:
    """FloatingPointError, as jax_debug_nans raises; it survives a pickle; the node can be drawn."""
    error = raised(lambda: autograd.log(Value(-1.0, "x")))
    assert isinstance(error, (FloatingPointError, ArithmeticError))
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error)
    assert error.anomaly is not None
    assert error.anomaly.source is not None
    assert error.anomaly.source.file == __file__
    assert [p.label for p in error.anomaly.node.parents] == ["x"]


def test_find_anomaly_takes_a_value() -> None:
    """Anything else is refused; of a healthy graph there is nothing to say."""
    with pytest.raises(TypeError, match="expected a Value, such as a loss"):
        find_anomaly(3.0)  # type: ignore[arg-type]
    assert find_anomaly(Value(2.0) * 3.0) is None


# --- the block ------------------------------------------------------------------------------------


def bad() -> Value:
    return autograd.log(Value(-1.0))


def test_blocks_nest_and_decorate() -> None:
    """The inner block counts, also one that is switched off; a decorated function is a block."""
    with detect_anomaly():
        with detect_anomaly(nan=False, inf=False):
            bad()
        with pytest.raises(AnomalyError):
            bad()
    bad()
    decorated = detect_anomaly()(bad)
    for _ in range(2):
        with pytest.raises(AnomalyError):
            decorated()
    with detect_anomaly(), autograd.no_grad(), pytest.raises(AnomalyError) as error:
        bad()
    assert error.value.anomaly is not None
    assert error.value.anomaly.node.op == "log"


def test_blocks_that_close_in_another_order_leave_nothing_behind() -> None:
    """As generators may: whichever block is closed first, the other holds until it is closed."""
    first, second = ExitStack(), ExitStack()
    first.enter_context(detect_anomaly())
    second.enter_context(detect_anomaly())
    first.close()
    with pytest.raises(AnomalyError):
        bad()
    second.close()
    bad()


def test_a_block_holds_for_its_thread_and_task() -> None:
    """Neither another thread nor a task that was begun outside sees it."""
    outcome: list[str] = []

    def work() -> None:
        try:
            bad()
            outcome.append("went on")
        except AnomalyError:
            outcome.append("stopped")

    with detect_anomaly():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert outcome == ["went on"]

    async def watched(entered: asyncio.Event, other_done: asyncio.Event) -> None:
        with detect_anomaly():
            entered.set()
            await other_done.wait()
            work()

    async def other(entered: asyncio.Event, done: asyncio.Event) -> None:
        await entered.wait()
        work()
        done.set()

    async def both() -> None:
        entered, done = asyncio.Event(), asyncio.Event()
        await asyncio.gather(watched(entered, done), other(entered, done))

    asyncio.run(both())
    assert outcome == ["went on", "went on", "stopped"]


def test_a_long_training_inside_does_not_grow() -> None:
    """Lines are remembered only of nodes that somebody holds still."""
    with detect_anomaly():
        watch: Watch = modes.watcher()
        w = Value(1.0, "w")
        kept = w * 2.0
        for _ in range(300):
            y = w
            for _ in range(100):
                y = autograd.tanh(y)
            y.backward()
        assert len(watch._sources) < 10_500
        assert autograd.explain(kept, w)
        assert watch._sources.of(kept) is not None
        del y
        assert watch._sources.forget_unused() == 1


# --- compiled code --------------------------------------------------------------------------------


def row_loss(params: Any, x: Any) -> Any:
    return autograd.sqrt(params["w"][0] * x[0] + params["w"][1] * x[1])


PARAMS = {"w": [1.0, 2.0]}


def test_a_compiled_function_is_run_again_eagerly() -> None:
    """Inside, nan or inf from machine code becomes the eager report; outside nothing is said."""
    f = autograd.jit(lambda x: autograd.log(x[0]) * x[1])
    assert f([0.0, 2.0]) == -math.inf
    error = raised(lambda: f([0.0, 2.0]))
    assert words(error).startswith("log(x[0]) gave -inf: x[0] is 0.0")
    assert "found in the compiled <lambda>, run again eagerly" in words(error)
    with detect_anomaly():
        assert f([1.0, 2.0]) == 0.0
        fresh = autograd.jit(lambda x: autograd.where(x > 0.0, autograd.log(x), 0.0))
        assert fresh(0.0) == 0.0  # traced inside; machine code gave a number that is all right
        assert f([math.inf, 2.0]) == math.inf  # given, and taken as meant


@pytest.mark.parametrize("failing", [0, 5, 36])
@pytest.mark.parametrize("mean", [True, False])
def test_of_a_batch_the_first_failing_row_is_found(failing: int, mean: bool) -> None:
    """Forward (a negative root) and backward (sqrt at 0), whatever fails further down."""
    xs = np.ones((37, 2))
    xs[failing] = -1.0
    xs[failing + 1 :: 7] = -1.0
    value = autograd.jit(row_loss, batch_argnums=1, mean=mean)
    message = words(raised(lambda: value(PARAMS, xs)))
    assert f"at row {failing} of 37" in message
    assert "gave nan" in message
    xs[failing] = 0.0
    gradient = autograd.jit(autograd.value_and_grad(row_loss), batch_argnums=1, mean=mean)
    error = raised(lambda: gradient(PARAMS, xs.tolist()))
    assert f"at row {failing} of 37" in words(error)
    assert error.anomaly is not None
    assert error.anomaly.kind == "backward"
    assert error.anomaly.node.op == "sqrt"
    assert "params['w'][0] = 1.0" in words(error)


def test_a_compiled_function_of_many_examples_has_its_name() -> None:
    """The report names what the user wrote, not the function that jit makes of it."""

    def height(x: Any) -> Any:
        return autograd.log(x)

    message = words(raised(lambda: autograd.jit(autograd.vmap(height))([1.0, 0.0])))
    assert "found in the compiled height at row 1 of 2" in message


def test_rows_in_tuples_and_dicts_and_a_nan_among_them() -> None:
    """Batched arguments of every kind are taken apart by row; a nan in the data is said by name."""

    def f(row: Any, scale: float) -> Any:
        return (row["a"][0] + row["b"][1]) * scale

    fast = autograd.jit(f, batch_argnums=0)
    rows = {
        "a": (np.ones(5), np.ones(5)),
        "b": (np.ones(5), np.array([1.0, 1.0, math.nan, 1.0, 1.0])),
    }
    message = words(raised(lambda: fast(rows, 2.0)))
    assert "row['b'][1] was nan already" in message
    assert "at row 2 of 5" in message


def test_where_the_eager_run_is_clean_that_is_said() -> None:
    """float32 overflows where float64 does not; a mean may where no row does."""
    square = autograd.jit(lambda x: x * x, dtype="float32")
    error = raised(lambda: square(1e30))
    assert "run again eagerly at the same numbers it meets none" in words(error)
    assert "float32, which ends at 3.4e38" in words(error)
    assert error.anomaly is None
    same = autograd.jit(lambda x: x * 1.0, batch_argnums=0)
    assert "no row by itself" in words(raised(lambda: same(np.full(10, 1e308))))


def test_a_compiled_function_that_uses_a_value_of_its_own() -> None:
    """The label of a captured Value is in the report."""
    w = Value(-3.0, "weight")
    f = autograd.jit(lambda x: autograd.log(w * x))
    assert "v1 = weight * " in words(raised(lambda: f(2.0)))


def test_a_compiled_step_of_training() -> None:
    """jit_step names the row and the parameter, and leaves the parameters where they were."""

    def rule(p: Any, g: Any, step: Any, lr: Any) -> Any:
        return (p - lr * g,)

    step = autograd.jit_step(row_loss, rule, batch_argnums=1)
    params = autograd.Packed.of(PARAMS)
    xs = np.array([[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]])
    error = raised(lambda: step(params, [], xs, step=1, lr=0.1))
    assert "at row 2" in words(error)
    assert "params['w'][1] = 2.0" in words(error)
    assert params.flat.tolist() == [1.0, 2.0]
    with pytest.raises(FloatingPointError, match=r"autograd\.detect_anomaly\(\)") as plain:
        step(params, [], xs, step=1, lr=0.1)
    assert type(plain.value) is FloatingPointError


@pytest.mark.parametrize("compiled", [True, False])
def test_a_training_that_diverges(compiled: bool) -> None:
    """nn.train and fit stop with the report, and keep the parameters of before that update."""
    import nn
    from nn.layers import Dense

    xs, ys = np.array([[0.5], [1.0], [0.0], [2.0]]), np.array([1.0, 1.0, 0.0, 1.0])

    def root_loss(predictions: Any, targets: Any) -> Any:  # steep where the target is 0
        pairs = [(number(p), number(y)) for p, y in zip(predictions, targets, strict=True)]
        return autograd.mean([autograd.sqrt((p * p + 1.0) * y) for p, y in pairs])

    def number(x: Any) -> Any:
        return x[0] if isinstance(x, list) else x

    def train(lr: float, loss: Any = root_loss, batch_size: int | None = None) -> list[float]:
        model = nn.MLP(1, [1])
        parameters = model.parameters()
        try:
            nn.train(
                *(model, xs, ys),
                optimizer=nn.SGD(parameters, lr=lr),
                loss=loss,
                batch_size=batch_size,
                shuffle=False,
                progress=False,
                compiled=compiled,
            )
        finally:
            after.append([p.data for p in parameters])
        return after[-1]

    after = [[p.data for p in nn.MLP(1, [1]).parameters()]]  # as all of them begin
    error = raised(lambda: train(0.1))
    assert error.anomaly is not None
    assert (error.anomaly.kind, error.anomaly.node.op) == ("backward", "sqrt")
    assert ("at row 2, run again eagerly" in words(error)) == compiled
    assert after[1] == after[0]
    error = raised(lambda: train(0.1, batch_size=1))
    assert ("at row 2, run again eagerly" in words(error)) == compiled
    assert after[2] != after[0]  # two steps were taken
    found = anomaly_of(lambda: train(1e200, nn.mse))  # the second step is what overflows
    assert (found.kind, found.node.op) == ("forward", "square")
    with pytest.warns(RuntimeWarning, match=r"autograd\.detect_anomaly\(\) around the training"):
        train(0.1)
    with pytest.warns(RuntimeWarning, match="finite"), detect_anomaly(nan=False, inf=False):
        train(0.1)
    with pytest.warns(RuntimeWarning, match="finite"), detect_anomaly(inf=False):
        train(1e200, nn.mse)  # infinite, but not nan

    network = nn.Sequential([Dense(1, input_dim=1)])
    network.compile(nn.SGD(lr=0.1), root_loss, compiled=compiled)
    error = raised(lambda: network.fit(xs, ys, epochs=1, verbose=0, shuffle=False))
    assert error.anomaly is not None
    assert error.anomaly.node.op == "sqrt"


# --- the page -------------------------------------------------------------------------------------


def test_the_page_on_anomalies_is_true(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The examples under "nan and inf" run, each as a file train.py, and say what stands there."""
    monkeypatch.chdir(tmp_path)
    section = pages.page("traps", "nan and inf")
    compared = 0
    for printed, shown in pages.printed_and_shown(section, capsys, (AnomalyError,)):
        assert printed == shown
        compared += 1
    assert compared >= 4
