"""Every entry of the table against mpmath at 50 digits, bare and inside another function.

The tests loop over the table: a new entry is tested unasked, once `references.py` says what it is.
`accuracy.py` says how exact a result has to be.
"""

import itertools
from typing import Any

from accuracy import (
    EXTREMES,
    MAGNITUDES,
    RELATIVE,
    ROUNDINGS,
    assert_close,
    curvature_sizes,
    every_arity,
    every_primitive,
    grid,
    terms,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import function_of, number_of_operands, operand_names, operands_of

import autograd
from autograd import Value
from autograd.primitives import TABLE, Primitive
from tools.references import MEANING, derivative


def first_derivatives(p: Primitive, xs: tuple[float, ...], seed: float = 1.0) -> list[float]:
    leaves = [Value(x) for x in xs]
    function_of(p.name)(*leaves).backward(seed)
    return [leaf.grad for leaf in leaves]


def check_value_and_slope(p: Primitive, xs: tuple[float, ...]) -> None:
    n = len(xs)
    for y in (p.forward(*xs), function_of(p.name)(*xs), function_of(p.name)(*map(Value, xs)).data):
        true = derivative(p.name, n)(*xs)
        assert_close(y, true, ROUNDINGS * terms(p.name, xs), f"{p.name}{xs}")
    for i, d in enumerate(first_derivatives(p, xs)):
        true = derivative(p.name, n, i)(*xs)
        floor = ROUNDINGS * terms(p.name, xs, i)
        assert_close(d, true, floor, f"the derivative of {p.name}{xs} along operand {i}")


def check_curvature(p: Primitive, xs: tuple[float, ...]) -> None:
    n = len(xs)
    got = autograd.hessian(lambda v: function_of(p.name)(*v))(list(xs))
    sizes = curvature_sizes(p, xs)
    for i in range(n):
        for j in range(n):
            true = derivative(p.name, n, i, j)(*xs)
            what = f"the second derivative of {p.name}{xs} along operands {i}, {j}"
            assert_close(got[i][j], true, ROUNDINGS * sizes[i][j], what)


@every_primitive
def test_has_a_reference(name: str) -> None:
    """Each entry has a second, independent statement of what it means."""
    assert name in MEANING, f"say in MEANING of tests/references.py what {name} is, in SymPy"


@every_arity
def test_value_and_first_derivative(name: str, n: int) -> None:
    """Value and gradient are those of mpmath, from 1e-150 to 1e150 and at the domain's edges."""
    p = TABLE[name]
    for xs in grid(p, n, (*MAGNITUDES, *EXTREMES)):
        check_value_and_slope(p, xs)


@every_arity
def test_second_derivative(name: str, n: int) -> None:
    """Differentiating the rule gives mpmath's second derivatives."""
    p = TABLE[name]
    for xs in grid(p, n, MAGNITUDES):
        check_curvature(p, xs)


@every_primitive
@settings(max_examples=40)
@given(data=st.data())
def test_at_random_operands(name: str, data: st.DataObject) -> None:
    """Value, first and second derivative hold between the points of the grid as well."""
    p = TABLE[name]
    n = data.draw(st.sampled_from(number_of_operands(p)[:3]))
    xs = data.draw(operands_of(p, n))
    check_value_and_slope(p, xs)
    check_curvature(p, xs)


@every_arity
def test_seed_and_calls_add_up(name: str, n: int) -> None:
    """A seed scales every gradient, and a second backward() adds the same again, bit for bit."""
    p = TABLE[name]
    for xs in itertools.islice(grid(p, n, MAGNITUDES), 20):
        plain, seeded = first_derivatives(p, xs), first_derivatives(p, xs, seed=-0.25)
        assert seeded == [-0.25 * d for d in plain]
        leaves = [Value(x) for x in xs]
        y = function_of(name)(*leaves)
        y.backward()
        y.backward()
        assert [leaf.grad for leaf in leaves] == [2.0 * d for d in plain]


# --- inside a larger function ---------------------------------------------------------------------

SEED = 0.7
SLOPES = (1.5, -0.5, 0.75, -1.25, 0.625, 2.0, -0.375)  # exact in binary


def inside_g_and_h(name: str, xs: tuple[float, ...]) -> Any:
    """t -> g(op(h(t))): h moves all operands at once, from xs at t = 0: there h is exact."""
    f, names = function_of(name), operand_names(TABLE[name], len(xs))

    def composed(t: Any) -> Any:
        moving = [
            x if constant in ("order", "condition") else x + slope * t
            for x, slope, constant in zip(xs, itertools.cycle(SLOPES), names, strict=False)
        ]
        y = f(*moving)
        return 0.3 * y * y + y

    return composed


@every_arity
def test_inside_another_function(name: str, n: int) -> None:
    """g(op(h(t))) with a seed that is not 1: a factor left out of a rule would show here.

    First and second derivative, by backward(), grad and jvp, against the chain rule in mpmath.
    """
    p = TABLE[name]
    moderate = tuple(x for x in MAGNITUDES if 1e-3 <= x <= 10)
    moves = [0.0 if o in ("order", "condition") else 1.0 for o in operand_names(p, n)]
    slopes = [s * m for s, m in zip(itertools.cycle(SLOPES), moves, strict=False)]
    for xs in itertools.islice(grid(p, n, moderate), 40):
        f = inside_g_and_h(name, xs)
        y = derivative(name, n)(*xs)
        along = [(s * derivative(name, n, i)(*xs)) for i, s in enumerate(slopes)]
        pairs = list(itertools.product(range(n), repeat=2))
        twice = [slopes[i] * slopes[j] * derivative(name, n, i, j)(*xs) for i, j in pairs]
        sizes = curvature_sizes(p, xs)
        cancelling = sum(abs(slopes[i] * slopes[j]) * sizes[i][j] for i, j in pairs)
        outer, outer_size = 0.6 * y + 1, 0.6 * abs(y) + 1
        size = sum(map(abs, along))

        leaf = Value(0.0)
        f(leaf).backward(SEED)
        first, floor = outer * sum(along), RELATIVE * outer_size * size
        what = f"the derivative of g({name}(h(t))) at {xs}"
        assert_close(leaf.grad, SEED * first, SEED * floor, f"{SEED} times {what}")
        assert_close(autograd.grad(f)(0.0), first, floor, what)
        assert_close(autograd.jvp(f, (0.0,), (SEED,))[1], SEED * first, SEED * floor, what)

        second = 0.6 * sum(along) ** 2 + outer * sum(twice)
        floor = RELATIVE * (0.6 * size**2 + outer_size * sum(map(abs, twice)))
        floor += ROUNDINGS * outer_size * cancelling
        what = f"the second derivative of g({name}(h(t))) at {xs}"
        assert_close(autograd.grad(autograd.grad(f))(0.0), second, floor, what)
