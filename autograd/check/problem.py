"""A function of nested numbers as one of a flat list, and its slopes by differences."""

import math
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from autograd.check.comparison import Comparison
from autograd.check.differences import Slope, complex_step, measure
from autograd.check.noise import EPSILON, noise_of, number
from autograd.errors import LengthError, OperandError
from autograd.operands import as_float
from autograd.tree import flatten, paths
from autograd.value import Value

SMALL = 1e-3  # a number next to which steps of other sizes than its own are taken
Direction = list[tuple[int, float]]  # which numbers move, and how far each
Claim = Callable[[Direction], float]  # a derivative in a direction, as somebody gives it


class Problem:
    """f and its arguments, as a function of the arguments' numbers in order.

    xs, places: the numbers, and a path for each. weights: of f's results, whose random combination
    is derived. size: of f's results.
    Raises LengthError if there are no numbers, ValueError if one is not finite.
    """

    def __init__(self, f: Callable[..., Any], args: tuple[Any, ...], seed: int) -> None:
        self.f, self.args = f, args
        leaves, self.rebuild = flatten(args)
        self.xs = [as_float(x) for x in leaves]
        if not self.xs:
            raise LengthError(
                "expected at least one number to derive by, but the arguments have none"
            )
        self.places = _paths(args)
        for place, x in zip(self.places, self.xs, strict=True):
            if not math.isfinite(x):
                raise ValueError(f"expected finite numbers to check at, but {place} is {x}")
        self.random = Random(seed)
        ys = numbers_from("f", f(*args))
        if not ys:
            raise LengthError("expected a function with at least one result, but it returned none")
        self.weights = [self.random.gauss(0.0, 1.0) for _ in ys] if len(ys) > 1 else [1.0]
        self.size = math.fsum(abs(w * y) for w, y in zip(self.weights, ys, strict=True))
        once, again = self.number(self.xs), self.number(self.xs)
        self.wavers = abs(once - again) if math.isfinite(once - again) else 0.0

    def scalar(self, xs: Sequence[Any]) -> Any:
        """The combination of f's results, of numbers of any kind."""
        return combination(flatten(self.f(*self.rebuild(list(xs))))[0], self.weights)

    def number(self, xs: Sequence[Any]) -> float:
        """The same of plain numbers; nan where f turns complex, as Python's power may."""
        try:
            return plain(self.scalar(xs))
        except OperandError:
            return math.nan

    def complex_number(self, xs: Sequence[Any]) -> Any:
        """The same of numbers that may be complex."""
        args = [_complex_arrays(x) for x in self.rebuild(list(xs))]
        return combination(flatten(self.f(*args))[0], self.weights)

    def directions(self, most: int) -> list[tuple[str, Direction]]:
        """Each number by itself, or as many random directions, each within a block of numbers.

        Each number is in one block, where a single fault cannot hide behind those of others.
        """
        n = len(self.xs)
        if n <= most:
            return [(place, [(k, 1.0)]) for k, place in enumerate(self.places)]
        found = []
        for b in range(most):
            block = range(b * n // most, (b + 1) * n // most)
            if len(block) == 1:
                found.append((self.places[block[0]], [(block[0], 1.0)]))
                continue
            name = f"a direction in {self.places[block[0]]} ... {self.places[block[-1]]}"
            ways = [max(abs(self.xs[k]), 1e-2) * self._factor() for k in block]
            found.append((name, list(zip(block, ways, strict=True))))
        return found

    def along(self, f: Callable[[Any], Any], direction: Direction) -> Callable[[Any], Any]:
        """f of the one number that moves, or of the share of the way that several have gone."""
        if len(direction) == 1:
            ((k, _),) = direction
            return lambda x: f([*self.xs[:k], x, *self.xs[k + 1 :]])

        def at(t: Any) -> Any:
            xs: list[Any] = list(self.xs)
            for k, d in direction:
                xs[k] += t * d
            return f(xs)

        return at

    def noise(self, f: Callable[[Any], Any], least: float = 0.0) -> float:
        """How much f's results tremble around the arguments, if all change relative to their size.

        least: the size of arguments that are smaller.
        """
        for _ in range(8):  # some ways may leave the domain
            ways = [(max(abs(x), least) or 1.0) * self._factor() for x in self.xs]

            def at(t: float, ways: list[float] = ways) -> Any:
                return f([x + t * d for x, d in zip(self.xs, ways, strict=True)])

            noise = noise_of(at)
            if least and noise > 1e-6 * abs(number(at, 1.0 / 512.0)):
                continue  # at this distance f is another function, or a wave that is shorter
            if not math.isnan(noise):
                return noise
        return 0.0

    def _factor(self) -> float:
        return self.random.choice((-1.0, 1.0)) * (0.5 + self.random.random())


class Judge:
    """Holds derivatives of a function against differences, each taken once.

    f: of the problem's numbers; complex_f: the same of complex ones. precision: the relative
    rounding of what is judged; size: of what it was computed from, if that is larger than f.
    """

    def __init__(
        self,
        problem: Problem,
        f: Callable[[Any], Any],
        rtol: float,
        atol: float,
        *,
        complex_f: Callable[[Any], Any] | None = None,
        precision: float = EPSILON,
        size: float = 0.0,
    ) -> None:
        self.problem, self.f, self.complex_f = problem, f, complex_f
        self.rtol, self.atol, self.precision = rtol, atol, precision
        self.noise = self.far_noise = problem.noise(f)
        if any(0.0 < abs(x) < SMALL for x in problem.xs):
            self.far_noise = max(self.noise, problem.noise(f, 1.0))
        self.size = max(abs(plain(f(problem.xs))), size)
        self.slopes: dict[tuple[tuple[int, float], ...], tuple[Slope, bool]] = {}

    def __call__(self, where: str, what: str, got: float, direction: Direction) -> Comparison:
        """A derivative by differences, with more care if it is not what they give at first."""
        slope, thorough = self._slope(direction, False)
        found = self._comparison(where, what, got, slope, direction)
        if not found.right and not thorough:
            slope, _ = self._slope(direction, True)
            found = self._comparison(where, what, got, slope, direction)
        return found

    def _slope(self, direction: Direction, thorough: bool) -> tuple[Slope, bool]:
        key = tuple(direction)
        known = self.slopes.get(key)
        if known is None or (thorough and not known[1]):
            along = self.problem.along(self.f, direction)
            x = self.problem.xs[direction[0][0]] if len(direction) == 1 else 0.0
            slope = measure(along, x, noise=self.noise, far_noise=self.far_noise, thorough=thorough)
            known = self.slopes[key] = self._exact(slope, direction, x), thorough
        return known

    def _exact(self, slope: Slope, direction: Direction, x: float) -> Slope:
        """The slope by a complex step, where f takes one and differences agree."""
        if self.complex_f is None or slope.kind != "smooth":
            return slope
        exact = complex_step(self.problem.along(self.complex_f, direction), x)
        if exact is None:
            self.complex_f = None  # nor will it the next time
            return slope
        value, error, _ = slope.value
        if abs(exact - value) > 2.0 * error:
            return slope
        rounding = max(16.0 * EPSILON * abs(exact), 1e-3 * error)
        return slope._replace(value=slope.value._replace(value=exact, error=min(error, rounding)))

    def _comparison(
        self, where: str, what: str, got: float, slope: Slope, direction: Direction
    ) -> Comparison:
        """The comparison, with what rounding may do to a derivative of a function of this size."""
        moved = max(abs(self.problem.xs[direction[0][0]]), 1.0) if len(direction) == 1 else 1.0
        return Comparison(
            where,
            what,
            got,
            slope.value.value,
            slope.value.error,
            (slope.left.value, slope.right.value) if slope.corner else None,
            slope.kind,
            self.rtol,
            self.atol + 32.0 * self.precision * self.size / moved,
        )


def in_directions(numbers: Sequence[float]) -> Claim:
    """What a gradient, number by number, says of a direction."""
    return lambda direction: math.fsum(numbers[k] * d for k, d in direction)


def combination(numbers: Sequence[Any], weights: Sequence[float]) -> Any:
    """The sum of numbers times weights; one number as it is."""
    if len(numbers) == 1 and weights[0] == 1.0:
        return numbers[0]
    total = numbers[0] * weights[0]
    for x, weight in zip(numbers[1:], weights[1:], strict=True):
        total = total + x * weight
    return total


def plain(y: Any) -> float:
    """A result as a float: of a Value its number, of an array or tensor without axes its item."""
    if isinstance(y, Value):
        return y.data
    return as_float(y.item() if hasattr(y, "item") else y)


def numbers_from(who: str, structure: Any) -> list[float]:
    """The numbers that f, or its gradient, gave. Raises OperandError, which says who gave none."""
    try:
        return [plain(x) for x in flatten(structure)[0]]
    except OperandError as error:
        raise OperandError(f"{who} gave what is no number: {error}") from None


def _complex_arrays(x: Any) -> Any:
    """Arrays of objects, some of them complex, as arrays of complex numbers."""
    if isinstance(x, dict):
        return {key: _complex_arrays(item) for key, item in x.items()}
    if type(x) in (list, tuple):
        return type(x)(_complex_arrays(item) for item in x)
    return x.astype(complex) if str(getattr(x, "dtype", "")) == "object" else x


def _paths(args: Any) -> list[str]:
    """A name for each number of the arguments, in order."""
    if len(args) == 1:
        return list(paths("argument", args[0]))
    return [name for k, x in enumerate(args) for name in paths(f"argument {k}", x)]
