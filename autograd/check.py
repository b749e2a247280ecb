"""check_gradients: is a gradient right? With a diagnosis if it is not.

Derivatives are held against differences (`differences.py`), in every coordinate or, of large
arguments, in random directions; forward against reverse mode; second derivatives likewise. At a
corner, such as relu's at 0, differences from the two sides disagree: that is reported as what it
is, and any gradient between the two is right.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from autograd.diagnosis import diagnose
from autograd.differences import Sides, complex_step, derivative, sides
from autograd.errors import GradientError, LengthError, StructureError
from autograd.forward import jvp
from autograd.operands import as_float
from autograd.transforms import grad
from autograd.tree import flatten, same_structure
from autograd.value import Value

MOST_COORDINATES = 64  # of more arguments, so many random directions are checked
RELATIVE, ABSOLUTE = 1e-7, 1e-10
BETWEEN_MODES = 1e-13


@dataclass(frozen=True)
class Comparison:
    """A derivative that was checked.

    where: the argument's number by its path, such as "x[0]['w'][2]", or "direction 3".
    what: "reverse", "forward", "gradient" (a hand-written one), or "second" derivatives.
    got, expected: the derivative in question, and by differences; error: how far that may be off.
    sides: at a corner, the derivatives from the left and from the right.
    """

    where: str
    what: str
    got: float
    expected: float
    error: float
    sides: tuple[float, float] | None = None

    @property
    def off(self) -> float:
        """How far it is off, 0.0 between the two sides of a corner."""
        if self.sides is not None:
            low, high = sorted(self.sides)
            return max(low - self.got, self.got - high, 0.0)
        return abs(self.got - self.expected)

    @property
    def tolerance(self) -> float:
        """How far it may be off."""
        return RELATIVE * max(abs(self.got), abs(self.expected)) + ABSOLUTE + 10.0 * self.error

    @property
    def right(self) -> bool:
        """Whether it is within its tolerance; nan is right only where differences are nan too."""
        if math.isnan(self.got) or math.isnan(self.expected):
            return math.isnan(self.got) and math.isnan(self.expected)
        return self.off <= self.tolerance

    def __str__(self) -> str:
        if self.sides is not None:
            left, right = self.sides
            return (
                f"{self.where}: {self.what} gives {self.got:.10g}, at a corner: the slope is "
                f"{left:.6g} from the left and {right:.6g} from the right"
            )
        return (
            f"{self.where}: {self.what} gives {self.got:.10g}, differences give "
            f"{self.expected:.10g} (to {self.error:.0e})"
        )


@dataclass(frozen=True)
class GradientReport:
    """What `check_gradients` found; print it.

    comparisons: each derivative that was checked. between_modes: the largest relative difference of
    forward and reverse mode, None if only one was asked for. diagnosis: of what is wrong, a
    sentence each.
    """

    comparisons: list[Comparison]
    between_modes: float | None = None
    diagnosis: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> list[Comparison]:
        """The derivatives that are not right."""
        return [c for c in self.comparisons if not c.right]

    @property
    def corners(self) -> list[Comparison]:
        """Those at a corner, where any slope between the two sides is right."""
        return [c for c in self.comparisons if c.sides is not None]

    @property
    def worst(self) -> Comparison | None:
        """The right one that comes closest to its tolerance."""
        fair = [c for c in self.comparisons if c.right and not math.isnan(c.got)]
        return max(fair, key=lambda c: c.off / c.tolerance, default=None)

    @property
    def ok(self) -> bool:
        """Whether all derivatives are right, and both modes agree."""
        return not self.wrong and (self.between_modes or 0.0) <= BETWEEN_MODES

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        lines = [f"{len(self.comparisons)} derivatives checked, {len(self.wrong)} wrong"]
        lines += [f"  {c}" for c in self.wrong[:10]]
        if len(self.wrong) > 10:
            lines.append(f"  ... and {len(self.wrong) - 10} more")
        lines += [f"diagnosis: {sentence}" for sentence in self.diagnosis]
        lines += [f"corner: {c}" for c in self.corners[:5] if c.right]
        if self.between_modes is not None:
            lines.append(f"forward and reverse mode differ by at most {self.between_modes:.1e}")
        if self.worst is not None and not self.wrong:
            share = self.worst.off / max(abs(self.worst.got), abs(self.worst.expected), 1e-300)
            lines.append(f"worst: {self.worst.where}, off by {share:.1e} of its size")
        return "\n".join(lines)


def check_gradients(
    f: Callable[..., Any],
    *args: Any,
    gradient: Callable[..., Any] | None = None,
    order: int = 1,
    modes: Sequence[str] = ("reverse", "forward"),
    seed: int = 0,
    raise_error: bool = True,
) -> GradientReport:
    """Hold the gradient of f at these arguments against differences.

    f: a function of numbers in nested lists, tuples, dicts or arrays; of several results a random
        combination is checked. Without `gradient`, f must take autograd's numbers.
    gradient: a hand-written gradient of any f of floats: gradient(*args) gives what is built like
        the argument, or like the tuple of all. It is checked in place of the modes.
    order: 2 checks the second derivatives as well. modes: "reverse", "forward" or both, which are
        then also held against each other (to 1e-13 relative: the dot-product test).
    raise_error: whether a gradient that is wrong raises GradientError, an AssertionError, with the
        diagnosis; otherwise look at the report's `ok`.
    Corners are no errors: a gradient between the slopes of both sides is right.
    """
    unknown = sorted(set(modes) - {"reverse", "forward"})
    if unknown or not modes:
        raise ValueError(f"expected modes 'reverse', 'forward' or both, but got {modes!r}")
    if order not in (1, 2):
        raise ValueError(f"expected order 1 or 2, but got {order!r}")
    problem = _Problem(f, args, seed)
    comparisons: list[Comparison] = []
    between: float | None = None
    if gradient is not None:
        found = problem.numbers_like_arguments("gradient", gradient(*args))
        comparisons = problem.compare("gradient", found)
    else:
        by_mode = {mode: problem.gradient(mode) for mode in modes}
        for mode, numbers in by_mode.items():
            comparisons += problem.compare(mode, numbers)
        if len(by_mode) == 2:
            between = _difference(*by_mode.values())
        if order == 2:
            comparisons += problem.compare_second()
    report = GradientReport(comparisons, between)
    if not report.ok:
        report.diagnosis.extend(diagnose(problem.scalar, problem.xs, report.wrong, problem.places))
        if raise_error:
            raise GradientError(str(report))
    return report


class _Problem:
    """A function of a flat list of numbers, made of f and its arguments."""

    def __init__(self, f: Callable[..., Any], args: tuple[Any, ...], seed: int) -> None:
        self.f, self.args = f, args
        leaves, self.rebuild = flatten(args)
        self.xs = [as_float(x) for x in leaves]
        if not self.xs:
            raise LengthError(
                "expected at least one number to derive by, but the arguments have none"
            )
        self.places = _paths(args)
        self.random = Random(seed)
        results = flatten(f(*args))[0]
        self.weights = [self.random.gauss(0.0, 1.0) for _ in results]
        n = len(self.xs)
        if n <= MOST_COORDINATES:
            self.directions = [[float(i == k) for i in range(n)] for k in range(n)]
            self.names = self.places
        else:
            self.directions = [
                [self.random.gauss(0.0, 1.0) for _ in range(n)] for _ in range(MOST_COORDINATES)
            ]
            self.names = [f"direction {k}" for k in range(MOST_COORDINATES)]

    def scalar(self, xs: Sequence[Any]) -> Any:
        """The combination of f's results, of numbers of any kind."""
        return _combination(flatten(self.f(*self.rebuild(list(xs))))[0], self.weights)

    def number(self, xs: Sequence[Any]) -> Any:
        """The same as a plain number."""
        y = self.scalar(xs)
        return y.data if isinstance(y, Value) else y

    def gradient(self, mode: str) -> list[float]:
        if mode == "reverse":
            return [as_float(g) for g in grad(self.scalar)(self.xs)]
        n = len(self.xs)
        units = [[float(i == k) for i in range(n)] for k in range(n)]
        return [as_float(jvp(self.scalar, (self.xs,), (unit,))[1]) for unit in units]

    def numbers_like_arguments(self, what: str, found: Any) -> list[float]:
        """The numbers of a gradient, in the order of the arguments' numbers."""
        if len(self.args) == 1:
            found = (found,)
        elif isinstance(found, list):
            found = tuple(found)
        try:
            return [as_float(x) for x in same_structure(what, self.args, found)]
        except StructureError as error:
            raise StructureError(f"{error}; it must be built like the arguments") from None

    def compare(
        self, what: str, numbers: list[float], f: Callable[[Any], Any] | None = None
    ) -> list[Comparison]:
        """A gradient in each direction against differences of f, by default the function's."""
        found = []
        for name, direction in zip(self.names, self.directions, strict=True):
            got = math.fsum(g * d for g, d in zip(numbers, direction, strict=True) if d)
            found.append(self._compare(name, what, got, f or self.number, direction))
        return found

    def compare_second(self) -> list[Comparison]:
        """The gradient of a gradient's random combination, against differences of the gradient."""
        weights = [self.random.gauss(0.0, 1.0) for _ in self.xs]

        def slope(xs: Any) -> Any:
            return _combination(grad(self.scalar)(list(xs)), weights)

        second = [as_float(g) for g in grad(slope)(self.xs)]
        return self.compare("second derivative", second, slope)

    def _compare(
        self, name: str, what: str, got: float, f: Callable[[Any], Any], direction: list[float]
    ) -> Comparison:
        def along(t: Any) -> Any:
            return f([x + t * d if d else x for x, d in zip(self.xs, direction, strict=True)])

        size = max([abs(x) for x, d in zip(self.xs, direction, strict=True) if d])
        scale = max(size, 1e-2) if size else 1.0
        expected = derivative(along, 0.0, scale)
        comparison = Comparison(name, what, got, expected.value, expected.error)
        exact = complex_step(along) if what != "second derivative" else None
        if exact is not None and abs(exact - expected.value) <= 10.0 * expected.error + 1e-6 * abs(
            exact
        ):
            comparison = Comparison(name, what, got, exact, 1e-15 * abs(exact))
        near = _corner(along, scale)
        if near is not None:
            slopes = (near.left.value, near.right.value)
            error = near.left.error + near.right.error
            comparison = Comparison(name, what, got, sum(slopes) / 2.0, error, slopes)
        return comparison


def _combination(numbers: Sequence[Any], weights: Sequence[float]) -> Any:
    """The sum of numbers times weights; one number as it is."""
    if len(numbers) == 1:
        return numbers[0]
    total = numbers[0] * weights[0]
    for number, weight in zip(numbers[1:], weights[1:], strict=True):
        total = total + number * weight
    return total


def _corner(along: Callable[[float], float], scale: float) -> Sides | None:
    try:
        found = sides(along, 0.0, scale)
    except (ArithmeticError, ValueError):
        return None
    return found if found.corner else None


def _difference(reverse: list[float], forward: list[float]) -> float:
    """The largest difference, relative to the largest derivative."""
    size = max([abs(x) for x in (*reverse, *forward) if math.isfinite(x)], default=0.0) or 1.0
    pairs = zip(reverse, forward, strict=True)
    return max(
        [abs(a - b) / size for a, b in pairs if not (math.isnan(a) and math.isnan(b)) and a != b],
        default=0.0,
    )


def _paths(args: Any) -> list[str]:
    """A name for each number of the arguments, in order."""
    found: list[str] = []

    def visit(path: str, x: Any) -> None:
        if isinstance(x, dict):
            for key, item in x.items():
                visit(f"{path}[{key!r}]", item)
        elif isinstance(x, (list, tuple)):
            for k, item in enumerate(x):
                visit(f"{path}[{k}]", item)
        else:
            n = len(flatten(x)[0])
            found.extend([path] if n == 1 else [f"{path}[{k}]" for k in range(n)])

    for k, x in enumerate(args):
        visit(f"argument {k}" if len(args) > 1 else "argument", x)
    return found
