"""check_gradients(order=2): where there is no second derivative, and what is said of the others.

At a corner of f the first derivative jumps; at a corner of the first derivative f is smooth.
"""

from collections.abc import Iterator
from typing import Any

import pytest

import autograd
from autograd import abs as size
from autograd import (
    check_gradients,
    exp,
    hypot,
    maximum,
    minimum,
    primitive,
    relu,
    sin,
    temporary_primitives,
    where,
)

# f, where it has a corner; at all of them the gradient is a convention between two slopes
JUMPS: dict[str, tuple[Any, Any]] = {
    "relu": (relu, 0.0),
    "exp of abs": (lambda x: exp(size(x)), 0.0),
    "square of maximum": (lambda x: maximum(x[0], x[1]) ** 2, [1.0, 1.0]),
    "exp of maximum": (lambda x: exp(maximum(x[0], x[1])), [1.0, 1.0]),
    "exp of hypot": (lambda x: exp(hypot(x[0], x[1])), [0.0, 0.0]),
    "product with minimum": (lambda x: sin(minimum(x[0], x[1]) * x[2]), [0.5, 0.5, 0.7]),
    "relu times relu": (lambda x: exp(relu(x[0]) + x[1] * relu(x[0])), [0.0, 0.3]),
    "a touching corner": (lambda x: exp(size(x[0] ** 2 - x[1])), [0.0, 0.0]),
    "where": (lambda x: where(x > 0.5, 3.0 * x * x, 0.5 + 0.5 * x), 0.5),
}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", JUMPS)
def test_where_the_first_derivative_jumps_a_second_one_is_a_convention(
    name: str, seed: int
) -> None:
    """At a corner no second derivative is wrong, and a note tells that none was checked."""
    f, x = JUMPS[name]
    report = check_gradients(f, x, order=2, seed=seed)
    assert any("the first derivative jumps" in note for note in report.notes)
    assert not [c for c in report.comparisons if c.what.startswith("second") and c.kind == "jump"]
    assert report.corners  # of the first derivative


@pytest.fixture
def wrong() -> Iterator[Any]:
    """A square whose first derivative is right, and whose second is 0."""

    def rule(m: Any, y: Any, x: Any) -> Any:
        return (m.mul(2.0, m.stop_gradient(x)),)

    with temporary_primitives():
        yield primitive("wrong_square", lambda m, x: m.square(x), rule, check=False)


def test_a_wrong_second_derivative_beside_a_corner_is_found(wrong: Any) -> None:
    """A corner in one number excuses nothing in another."""
    report = check_gradients(
        lambda x: relu(x[0]) + wrong(x[1]), [0.0, 0.7], order=2, raise_error=False
    )
    assert {c.where for c in report.wrong} == {"argument[1]"}


def test_a_gradient_that_jumps_without_a_corner_is_wrong() -> None:
    """f is smooth, and its gradient right at this point alone: differences of it tell."""

    def rule(m: Any, y: Any, x: Any) -> Any:  # 2 at 1, as it should be; 4x - 2 +- 1 beside it
        at_one = m.eq(x, 1.0)
        beside = m.add(m.sub(m.mul(4.0, x), 2.0), m.sign(m.sub(x, 1.0)))
        return (m.where(at_one, m.mul(2.0, x), beside),)

    with temporary_primitives():
        lucky = primitive("lucky", lambda m, x: m.square(x), rule, check=False)
        assert check_gradients(lucky, 1.0)
        report = check_gradients(lucky, 1.0, order=2, raise_error=False)
    assert len(report.wrong) == 2
    assert {c.kind for c in report.wrong} == {"jump"}


# f, where its slope has a corner: the slope itself there, and the second derivative on both sides
BENDS: dict[str, tuple[Any, float, float, tuple[float, float]]] = {
    "relu ** 2": (lambda x: relu(x) ** 2, 0.0, 0.0, (0.0, 2.0)),
    "x * abs": (lambda x: x * size(x), 0.0, 0.0, (-2.0, 2.0)),
    "elu": (autograd.elu, 0.0, 1.0, (1.0, 0.0)),
    "huber": (
        lambda x: where(size(x) < 1.0, 0.5 * x * x, size(x) - 0.5), 1.0, 1.0, (1.0, 0.0),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BENDS)
def test_a_corner_of_the_slope_is_none_of_f(name: str) -> None:
    """The first derivative is known there; of the second both sides are told, as they are."""
    f, x, slope, sides = BENDS[name]
    report = check_gradients(f, x, order=2)
    first = [c for c in report.comparisons if not c.what.startswith("second")]
    second = [c for c in report.comparisons if c.what.startswith("second")]
    assert {c.kind for c in first} == {"smooth"}
    for c in first:
        assert c.expected == pytest.approx(slope, abs=1e-9)
    for c in second:
        assert c.kind == "corner"
        assert c.sides == pytest.approx(sides, abs=1e-6)
    assert report.notes == []
    for off in (-1e-3, 1e-3):
        wrong = check_gradients(f, x, gradient=lambda x, off=off: slope + off, raise_error=False)
        assert not wrong


def test_a_corner_too_small_to_tell_allows_both_slopes() -> None:
    """Between them lies what differences give; each of the two, and the middle, is as near."""

    def f(x: Any) -> Any:
        return x + 5e-7 * max(x, 0.0) + x * abs(x)

    for slope in (1.0, 1.0 + 2.5e-7, 1.0 + 5e-7):
        assert check_gradients(f, 0.0, gradient=lambda x, slope=slope: slope)
    for slope in (1.0 - 1e-6, 1.0 + 1.5e-6):
        assert not check_gradients(f, 0.0, gradient=lambda x, s=slope: s, raise_error=False)


def test_a_derivative_of_zero_is_no_noise() -> None:
    """abs(x)**3 is twice differentiable at 0: nothing is said of corners, noise or 100 %."""
    report = check_gradients(lambda x: size(x) ** 3, 0.0, order=2)
    assert {c.kind for c in report.comparisons} == {"smooth"}
    assert report.notes == []
    report = check_gradients(lambda x: autograd.pow(x, 1.5), 0.0, order=2)
    assert "1.0e+00 of its size" not in str(report)


def test_the_second_derivative_of_one_number_is_shown_as_it_is(wrong: Any) -> None:
    """Nothing random is multiplied in; of several numbers the message says what is compared."""
    one = check_gradients(wrong, 3.0, order=2, raise_error=False)
    two = check_gradients(lambda x: wrong(x[0]) * x[1], [3.0, 1.0], order=2, raise_error=False)
    for c in one.wrong:
        assert c.what.startswith("second derivative, ")
        assert (c.got, c.expected) == (0.0, pytest.approx(2.0))
    assert two.wrong
    for c in two.wrong:
        assert c.what.startswith("second derivative along a random direction, ")


def test_pythons_own_power_ends_at_zero() -> None:
    """What turns complex left of 0 is not defined there; on the right it is checked."""
    report = check_gradients(lambda x: x**1.5, 0.0, order=2)
    assert {c.kind for c in report.comparisons if not c.what.startswith("second")} == {"edge"}
    assert not check_gradients(lambda x: x**1.5, 0.0, gradient=lambda x: 1.0, raise_error=False)
    assert check_gradients(lambda x: autograd.total([x[0], x[1] ** x[1]]), [0.3, 0.06], order=2)
