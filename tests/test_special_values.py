"""docs/special-values.md, row by row: the page is the data of this test, so they cannot differ."""

import itertools
import math
import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from strategies import OPERATORS

import autograd
from autograd import OperandError, Value
from autograd.functions import NAMESPACE
from autograd.primitives import TABLE
from autograd.value import apply

PAGE = Path(__file__).parent.parent / "docs" / "special-values.md"


class Row(NamedTuple):
    expression: str
    at: tuple[float, ...]
    value: float
    gradient: tuple[float | None, ...]  # None where the contract leaves it open

    @property
    def function(self) -> Callable[..., Any]:
        variables = "xy"[: len(self.at)]
        return eval(f"lambda {', '.join(variables)}: {self.expression}", vars(autograd).copy())


def rows() -> list[Row]:
    """The table of the page."""
    found = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if match := re.match(r"\| `(.+?)` \| (.+?) \| (.+?) \| (.+?) \|", line):
            expression, at, value, gradient = match.groups()
            slopes = [None if d == "any" else float(d) for d in gradient.split(", ")]
            found.append(
                Row(expression, tuple(map(float, at.split(", "))), float(value), (*slopes,))
            )
    return found


ROWS = rows()
every_row = pytest.mark.parametrize("row", ROWS, ids=[f"{r.expression} at {r.at}" for r in ROWS])


def assert_same(got: float, want: float | None) -> None:
    """Equal, nan included; a finite number to the last few digits that decimals can hold."""
    if want is None:
        return
    assert type(got) is float
    same = math.isnan(got) if math.isnan(want) else math.isclose(got, want, rel_tol=4e-16)
    assert same, f"{got!r}, expected {want!r}"


def test_every_row_was_read() -> None:
    """No row of the page is skipped, for a slip in its notation, say."""
    text = PAGE.read_text(encoding="utf-8")
    assert len(ROWS) == sum(line.startswith("| `") for line in text.splitlines()) > 80
    assert all(len(row.at) == len(row.gradient) for row in ROWS)


# `**` and `/` of two plain floats are Python's own, which raise
@pytest.mark.parametrize("row", [row for row in ROWS if not re.search(r"\*\*|/", row.expression)])
def test_plain_floats(row: Row) -> None:
    """The value, with floats for operands, where Python itself would raise or turn complex."""
    assert_same(row.function(*row.at), row.value)


@every_row
def test_backward(row: Row) -> None:
    """The value and the gradient, recorded and propagated back."""
    leaves = [Value(x) for x in row.at]
    y = row.function(*leaves)
    assert_same(y.data, row.value)
    y.backward()
    for leaf, want in zip(leaves, row.gradient, strict=True):
        assert_same(leaf.grad, want)


@every_row
def test_grad(row: Row) -> None:
    """The same through value_and_grad."""
    argnums = tuple(range(len(row.at)))
    value, gradient = autograd.value_and_grad(row.function, argnums)(*row.at)
    assert_same(value, row.value)
    for got, want in zip(gradient, row.gradient, strict=True):
        assert_same(got, want)


@every_row
def test_forward_mode(row: Row) -> None:
    """The same with dual numbers, one variable moving at a time."""
    for i, want in enumerate(row.gradient):
        direction = tuple(float(i == j) for j in range(len(row.at)))
        value, tangent = autograd.jvp(row.function, row.at, direction)
        assert_same(value, row.value)
        assert_same(tangent, want)


# --- branches -------------------------------------------------------------------------------------

BEHIND_A_BRANCH = {
    "log": lambda x: autograd.log(x),
    "sqrt": lambda x: autograd.sqrt(x),
    "reciprocal": lambda x: 1.0 / x,
    "0 * inf": lambda x: x * autograd.reciprocal(x),
    "a chain": lambda x: autograd.exp(autograd.sqrt(autograd.log(x) * 2.0) / x),
    "a dot": lambda x: autograd.dot([autograd.log(x), x], [x, 1.0 / x], x),
    "a where": lambda x: autograd.where(x > -1.0, autograd.log(x), autograd.sqrt(x)),
}


@pytest.mark.parametrize("name", sorted(BEHIND_A_BRANCH))
def test_where_sends_nothing_to_the_other_branch(name: str) -> None:
    """Whatever inf or nan stands behind the branch not taken, the gradient is that of the other."""
    other = BEHIND_A_BRANCH[name]

    def f(x: Any) -> Any:
        return autograd.where(x > 0.0, other(x), 3.0 * x)

    def g(x: Any) -> Any:
        return autograd.where(x <= 0.0, 3.0 * x, autograd.where(x > 0.0, other(x), 0.0))

    for function in (f, g):
        x = Value(0.0)
        (2.0 * function(x)).backward(0.5)
        assert x.grad == 3.0
        assert autograd.grad(function)(0.0) == 3.0
        assert autograd.grad(autograd.grad(function))(0.0) == 0.0
        assert autograd.jvp(function, (0.0,), (1.0,)) == (0.0, 3.0)


def test_branches_are_remembered() -> None:
    """Operands overwritten after the forward pass change no branch that was taken."""
    cases: list[tuple[Callable[..., Any], tuple[float, ...], tuple[float, ...]]] = [
        (autograd.relu, (2.0,), (1.0,)),
        (autograd.abs, (2.0,), (1.0,)),
        (autograd.leaky_relu, (2.0, 0.1), (1.0, 0.0)),
        (autograd.maximum, (2.0, 1.0), (1.0, 0.0)),
        (autograd.minimum, (2.0, 3.0), (1.0, 0.0)),
        (autograd.clip, (2.0, 0.0, 3.0), (1.0, 0.0, 0.0)),
        (autograd.where, (1.0, 2.0, 3.0), (0.0, 1.0, 0.0)),
        (lambda x: autograd.where(x > 0.0, x * x, -x), (2.0,), (4.0,)),
    ]
    for f, xs, want in cases:
        leaves = [Value(x) for x in xs]
        y = f(*leaves)
        for leaf in leaves:
            leaf.data = -7.0 * leaf.data
        y.data = -1.0
        y.backward()
        assert tuple(leaf.grad for leaf in leaves) == want


# --- operands -------------------------------------------------------------------------------------

NUMPY_NUMBERS = [
    *(np.float16(3), np.float32(3), np.float64(3), np.longdouble(3)),
    *(np.int8(3), np.int16(3), np.int32(3), np.int64(3)),
    *(np.uint8(3), np.uint16(3), np.uint32(3), np.uint64(3)),
]
NUMBERS = [3, 3.0, True, Fraction(6, 2), *NUMPY_NUMBERS, np.bool_(True)]
NO_NUMBERS = ["3", b"3", None, 3j, Decimal(3), np.complex128(3), object()]
CONTAINERS = [[3.0], (3.0,), {"a": 3.0}, {3.0}]


def type_of(x: object) -> str:
    return type(x).__name__


@pytest.mark.parametrize("number", NUMBERS, ids=type_of)
def test_numbers_are_taken_as_float64(number: Any) -> None:
    """Every kind of real number is an operand, on either side, and becomes a float."""
    x, float_ = Value(2.0), float(number)
    assert type(Value(number).data) is float
    for f in OPERATORS.values():
        if f in (OPERATORS["neg"], OPERATORS["abs"]):
            continue
        for y, z in ((f(x, number), f(x, float_)), (f(number, x), f(float_, x))):
            assert type(y) is Value
            assert (y.data, y.partials) == (z.data, z.partials)
            assert type(y.data) is float
    assert type(autograd.exp(number)) is float
    assert autograd.maximum(x, number).data == max(2.0, float_)
    assert autograd.dot([x, number], [number, 1.0], number).data == 4.0 * float_
    y = x * x
    y.backward(number)
    assert x.grad == 4.0 * float_


@pytest.mark.parametrize("bad", NO_NUMBERS, ids=type_of)
def test_what_is_no_number_is_refused(bad: Any) -> None:
    """Each is a TypeError that names the type that came; foreign types get Python's own."""
    x = Value(2.0)
    uses: list[Callable[[], Any]] = [
        lambda: Value(bad),
        lambda: autograd.exp(bad),
        lambda: autograd.maximum(x, bad),
        lambda: autograd.total([x, bad]),
        lambda: autograd.dot([x], [bad]),
        lambda: x.backward(bad),
    ]
    for use in uses:
        with pytest.raises(OperandError, match=re.escape(type_of(bad))):
            use()
    for f in (OPERATORS[name] for name in ("add", "sub", "mul", "div", "pow")):
        for operands in ((x, bad), (bad, x)):
            # NumPy's complex on the left turns itself into Python's
            with pytest.raises(TypeError, match=type_of(bad).removesuffix("128")):
                f(*operands)


@pytest.mark.parametrize("bad", CONTAINERS, ids=type_of)
def test_containers_are_no_operands_of_an_operator(bad: Any) -> None:
    """`v + [1.0]` is refused by type; a list would otherwise be repeated or joined."""
    x = Value(2.0)
    with pytest.raises(OperandError, match=type_of(bad)):
        Value(bad)
    for f in (OPERATORS[name] for name in ("add", "sub", "mul", "div", "pow")):
        for operands in ((x, bad), (bad, x)):
            with pytest.raises(OperandError, match=type_of(bad)):
                f(*operands)


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "pow"])
def test_arrays_spread_an_operation(name: str) -> None:
    """An array operand gives an array of nodes, on either side, element by element."""
    x, array, f = Value(2.0), np.array([[1.0, 3.0], [5.0, 0.5]]), OPERATORS[name]
    for y, scalar in ((f(x, array), lambda a: f(x, a)), (f(array, x), lambda a: f(a, x))):
        assert y.shape == array.shape
        for got, a in zip(y.flat, array.flat, strict=True):
            want = scalar(float(a))
            assert type(got) is Value
            assert (got.data, got.partials) == (want.data, want.partials)


# --- sums -----------------------------------------------------------------------------------------


def test_fan_out_calls_and_seeds() -> None:
    """x*x at 3 gives 6; a second backward() 12; a seed scales what it adds."""
    x = Value(3.0)
    y = x * x
    y.backward()
    assert x.grad == 6.0
    y.backward()
    assert (x.grad, y.grad) == (12.0, 1.0)
    y.backward(-0.5)
    assert (x.grad, y.grad) == (9.0, -0.5)


def test_nothing_raises() -> None:
    """No primitive raises, whatever floats come: there is always an IEEE answer."""
    extremes = (0.0, -0.0, 1.0, -1.5, 1e-320, 1e308, -1e308, math.inf, -math.inf, math.nan)
    for p in TABLE.values():
        for xs in itertools.product(extremes, repeat=p.arity or 3):
            leaves = [Value(x) for x in xs]
            y = apply(p, *leaves)
            y.backward()
            assert type(y.data) is float, p.name
            assert all(type(leaf.grad) is float for leaf in leaves), p.name
            second = [d for d in p.partials(NAMESPACE, y, *leaves) if type(d) is Value]
            for d in second:
                d.backward()


@pytest.mark.parametrize("name", ["log", "log2", "log10", "log1p", "atanh"])
def test_outside_the_domain_every_derivative_is_nan(name: str) -> None:
    """nan stays nan in the second derivative, too."""
    f = getattr(autograd, name)
    assert math.isnan(autograd.grad(f)(-2.0))
    assert math.isnan(autograd.grad(autograd.grad(f))(-2.0))


@pytest.mark.parametrize("name", ["log", "log2", "log10"])
def test_the_derivatives_of_a_logarithm_at_its_pole(name: str) -> None:
    """1/x and -1/x**2 at 0, of either sign, are inf and -inf: the pole has one side alone."""
    f = getattr(autograd, name)
    for zero in (0.0, -0.0):
        assert autograd.grad(f)(zero) == math.inf
        assert autograd.grad(autograd.grad(f))(zero) == -math.inf
