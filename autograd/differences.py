"""Derivatives by differences: slow, and independent of every rule.

Richardson extrapolation over shrinking steps, which gives an estimate of its own error (Ridders
1982, "Accurate computation of F'(x) and F'(x)F''(x)"), from both sides and from each alone.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

SHRINK = 1.6  # each step is so many times smaller than the one before
ROWS = 12
STARTS = (0.2, 1e-2, 1e-4, 1e-7)  # first steps, for a point of size 1: a corner may be near
SAFE = 4.0  # once the error grows by so much, rounding has won
EPSILON = 2.0**-52

Function = Callable[[float], float]


class Derivative(NamedTuple):
    """A derivative, how far it may be off, and the step it was measured with at last."""

    value: float
    error: float
    step: float


class Sides(NamedTuple):
    """The derivatives from the left and from the right, and their mean where they agree."""

    left: Derivative
    right: Derivative
    central: Derivative

    @property
    def corner(self) -> bool:
        """Whether the two sides differ by more than they may be off."""
        gap = abs(self.left.value - self.right.value)
        size = max(abs(self.left.value), abs(self.right.value), 1e-8)
        errors = self.left.error + self.right.error
        return not gap <= 20.0 * errors + 1e-6 * size and errors < 0.2 * max(gap, 1e-300)


def derivative(f: Function, x: float = 0.0, scale: float = 1.0) -> Derivative:
    """The derivative of f at x by central differences. scale: how far f is alike around x.

    The value is nan, and the error infinite, if f is nowhere finite around x.
    """
    return _best(lambda h: (f(x + h) - f(x - h)) / ((x + h) - (x - h)), scale, 2, _size(f, x))


def sides(f: Function, x: float = 0.0, scale: float = 1.0) -> Sides:
    """The derivatives from both sides, to find corners: of relu at 0 they are 0 and 1."""
    here, size = f(x), _size(f, x)
    right = _best(lambda h: (f(x + h) - here) / ((x + h) - x), scale, 1, size)
    left = _best(lambda h: (f(x - h) - here) / ((x - h) - x), scale, 1, size)
    return Sides(left, right, derivative(f, x, scale))


def complex_step(f: Callable[[complex], complex], x: float = 0.0) -> float | None:
    """The derivative by a step along the imaginary axis, exact to rounding; None if f takes none.

    Squire & Trapp 1998, "Using complex variables to estimate derivatives of real functions".
    """
    h = 1e-30
    try:
        y = f(complex(x, h))
    except Exception:  # whatever f does not like about complex numbers
        return None
    if not isinstance(y, complex) or not math.isfinite(y.imag):
        return None
    return y.imag / h


def _size(f: Function, x: float) -> float:
    y = abs(f(x))
    return y if math.isfinite(y) else 0.0


def _best(quotient: Callable[[float], float], scale: float, order: int, size: float) -> Derivative:
    found = [_extrapolated(quotient, start * scale, order, size) for start in STARTS]
    return min(found, key=lambda d: d.error)


def _extrapolated(
    quotient: Callable[[float], float], h: float, order: int, size: float
) -> Derivative:
    """Ridders's tableau. order: of the error in h, 2 for central differences and 1 for one side.

    size: of the function, whose rounding is a part of the error.
    """
    best = Derivative(math.nan, math.inf, h)
    above: list[float] = []
    for _ in range(ROWS):
        try:
            row = [quotient(h)]
        except (ArithmeticError, ValueError):  # outside the domain: come nearer
            row = [math.nan]
        if not math.isfinite(row[0]):
            above, h = [], h / SHRINK
            continue
        power = SHRINK**order
        for k, before in enumerate(above):
            row.append((power * row[k] - before) / (power - 1.0))
            power *= SHRINK**order
            error = max(abs(row[-1] - row[k]), abs(row[-1] - before)) + EPSILON * size / h
            if error <= best.error:
                best = Derivative(row[-1], error, h)
        if above and abs(row[-1] - above[-1]) >= SAFE * best.error:
            break
        above, h = row, h / SHRINK
    return best
