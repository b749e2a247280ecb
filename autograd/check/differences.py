"""Derivatives by differences: slow, and independent of every rule.

`measure` walks towards the point with steps that halve, extrapolating as it goes (Ridders 1982,
"Accurate computation of F'(x) and F'(x)F''(x)"), until rounding would win. How much the function
trembles is measured beforehand (noise.py), so that an error is known of every result. What is seen
from near by overrules what was seen from afar: a corner close to the point, or a wave shorter than
the first steps, looks smooth only from afar.
"""

import math
import struct
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

from autograd.check.noise import EPSILON, Function, number

ROWS = 5  # of steps that one extrapolation uses; more add nothing in float64
SPOTS = (10, 20)  # halvings below the last step, where what was found must hold as well
CORNER_SPOTS = (8, 16, 24, 32)  # a corner that is only near by shows on one of these
FLAT = (16, 20, 24, 28, 32)  # halvings below the last step, where a step of a function shows
JUMP = 100.0  # times the noise
SINGLE = 2.0**-23  # float32's epsilon
NOISY = 1e-9  # of the size of f: with so much noise, longer steps tell more


class Derivative(NamedTuple):
    """A derivative, how far it may be off, and the step it was measured with at last."""

    value: float
    error: float
    step: float


NOTHING = Derivative(math.nan, math.inf, math.nan)


class Slope(NamedTuple):
    """What a function does at a point.

    kind: "smooth"; "corner", where left and right differ; "edge", where f is undefined on one side;
        "jump", where left and right are the slopes of the two pieces; "step", of a function made of
        steps (rounded, or floor), where they are 0 and the slope across the steps; "steep", where
        the slope is infinite; "undefined", where f itself is nan or infinite.
    value: the derivative; at a corner or a jump the mean of both sides.
    """

    kind: str
    value: Derivative
    left: Derivative
    right: Derivative

    @property
    def corner(self) -> bool:
        """Whether the slopes of the two sides differ, so that any slope between them will do."""
        return self.kind in ("corner", "jump", "step")


def measure(
    f: Function,
    x: float = 0.0,
    *,
    scale: float | None = None,
    noise: float = 0.0,
    far_noise: float = 0.0,
    thorough: bool = False,
) -> Slope:
    """The derivative of f at x, from both sides.

    scale: how far f may be alike around x, by default the size of x, or 1. noise: see `noise_of`;
    rounding of the results comes on top; far_noise: the same where steps are larger than x.
    thorough: to find the same twice, from ever nearer.
    """
    here = number(f, x)
    if not math.isfinite(here):
        return Slope("undefined", NOTHING, NOTHING, NOTHING)
    walk = _Walk(f, x, here, noise, max(noise, far_noise))
    first: Slope | None = None
    scale = max(abs(x), 1.0) if scale is None else scale
    far = 4.0 if noise > NOISY * abs(here) else 1.0
    for h in _steps(x, far * scale):
        walk.go(h)
        found = walk.settled()
        if found is None:
            continue
        if not thorough:
            return found
        if first is not None:
            return walk.or_flat(_overruled(first, found))
        first = found
        walk.start_again()
    last = walk.last_word()
    return walk.or_flat(last if first is None else _overruled(first, last))


def _overruled(far: Slope, near: Slope) -> Slope:
    """What was seen from afar, unless it looks another from near by."""
    told = near.value.error < math.inf and _differ(far.value, near.value)
    return near if told else far


def complex_step(f: Callable[[complex], complex], x: float = 0.0) -> float | None:
    """The derivative by a step along the imaginary axis, exact to rounding; None if f takes none.

    Squire & Trapp 1998, "Using complex variables to estimate derivatives of real functions".
    """
    h = 1e-30 * max(abs(x), 1e-200)
    try:
        y = f(complex(x, h))
    except Exception:  # whatever f does not like about complex numbers
        return None
    if not isinstance(y, complex) or not math.isfinite(y.imag):
        return None
    return y.imag / h


def _steps(x: float, scale: float) -> Iterator[float]:
    """Powers of two, so that x + h is exact: down to what x can tell apart, 0 to 2**-50."""
    top, size = math.frexp(scale)[1] - 4, abs(x)
    low = max(math.frexp(size)[1] - 50 if size else top - 46, -1070)
    near = math.frexp(size)[1] - 3
    k = top
    while k >= low:
        yield math.ldexp(1.0, k)
        k -= 1
        if size and near < k < top - 28:  # a very small x: f may be alike as far as x, no further
            k = near


class _Tableau:
    """Extrapolation of quotients over halved steps. order: of their error in the step."""

    def __init__(self, order: int) -> None:
        self.order = order
        self.row: list[float] = []
        self.now = self.best = NOTHING
        self.truncation = math.inf

    def add(self, quotient: float, h: float, noise: float) -> None:
        self.now, self.truncation = NOTHING, math.inf
        if not math.isfinite(quotient):
            self.row = []
            return
        above, row, power = self.row, [quotient], 1.0
        for k, before in enumerate(above[: ROWS - 1]):
            power *= 2.0**self.order
            row.append(row[k] + (row[k] - before) / (power - 1.0))
            if k == 0:
                continue  # two quotients may be alike by chance; three are evidence
            truncation = max(abs(row[k + 1] - row[k]), abs(row[k + 1] - before))
            error = truncation + 4.0 * noise / h + 4.0 * EPSILON * abs(row[k + 1])
            if error <= self.now.error:
                self.now, self.truncation = Derivative(row[k + 1], error, h), truncation
        self.row = row
        gap = abs(self.now.value - self.best.value)
        if self.now.error <= self.best.error or gap > 8.0 * (self.now.error + self.best.error):
            self.best = self.now

    @property
    def settled(self) -> bool:
        """Whether smaller steps would gain nothing."""
        value, error, _ = self.now
        return error < math.inf and self.truncation <= max(0.5 * error, 1e-10 * abs(value))


class _Walk:
    """Ever smaller steps from one point."""

    def __init__(self, f: Function, x: float, here: float, noise: float, far_noise: float) -> None:
        self.f, self.x, self.here = f, x, here
        self.near, self.noise = noise, far_noise
        self.samples: list[tuple[float, float, float]] = []  # step, f to the left, f to the right
        self.start_again()

    def start_again(self) -> None:
        self.central, self.left, self.right = _Tableau(2), _Tableau(1), _Tableau(1)

    def at(self, h: float) -> tuple[float, float]:
        return number(self.f, self.x - h), number(self.f, self.x + h)

    def noise_at(self, *ys: float) -> float:
        sizes = [abs(y) for y in ys if math.isfinite(y)]
        return self.noise + 0.5 * EPSILON * max(abs(self.here), *sizes, 0.0)

    def go(self, h: float) -> None:
        left, right = self.at(h)
        self.samples.append((h, left, right))
        if h <= abs(self.x):
            self.noise = self.near
        noise = self.noise_at(left, right)
        self.central.add((right - left) / (2.0 * h), h, noise)
        self.right.add((right - self.here) / h, h, 2.0 * noise)
        self.left.add((self.here - left) / h, h, 2.0 * noise)

    def settled(self) -> Slope | None:
        """What the function does, once that can be told."""
        left, right, central = self.left, self.right, self.central
        if central.settled and not _differ(left.now, right.now):
            if self._holds(central.now, central.now, SPOTS):
                return Slope("smooth", central.now, left.now, right.now)
        elif left.settled and right.settled and self._holds(left.now, right.now, CORNER_SPOTS):
            alike = not _differ(left.now, right.now)  # a corner of the slope, not of f
            return _between("smooth" if alike else "corner", left.now, right.now)
        return None

    def _holds(self, left: Derivative, right: Derivative, spots: tuple[int, ...]) -> bool:
        """Whether nearer to the point the slopes are the same, as far as noise lets see."""
        h, *last = self.samples[-1]
        for bits in spots:
            near = math.ldexp(h, -bits)
            if self.x + near == self.x or self.x - near == self.x:
                break
            ys = self.at(near)
            noise = 8.0 * self.noise_at(*ys) / near
            sides = (left, last[0], ys[0], -1.0), (right, last[1], ys[1], 1.0)
            for slope, far, y, sign in sides:
                # f is curved: its quotient differs by this much, and proportionally less near by
                bend = abs(sign * (far - self.here) / h - slope.value) * math.ldexp(4.0, -bits)
                gap = abs(sign * (y - self.here) / near - slope.value)
                if not gap <= noise + bend + 2.0 * slope.error + 1e-7 * abs(slope.value):
                    return False
        return True

    def last_word(self) -> Slope:
        """Steps as small as can be did not settle it, or f is not defined on both sides."""
        left, right, central = self.left.best, self.right.best, self.central.best
        h = self.samples[-1][0]
        alone = self._alone()
        if alone is None:
            return Slope("undefined", NOTHING, NOTHING, NOTHING)
        jumps = [self._jumps(side) for side in (1, 2)]
        if any(jumps):
            pieces = [
                self._piece(side) if jump else found
                for side, jump, found in zip((1, 2), jumps, (left, right), strict=True)
            ]
            return _between("jump", *pieces)
        rises = [self._rises(side) for side in (1, 2)]
        if any(rises):
            slopes = [
                Derivative(math.copysign(math.inf, rise), 0.0, h) if rise else found
                for rise, found in zip(rises, (left, right), strict=True)
            ]
            if alone:
                slopes = [slopes[alone - 1]] * 2
            kind = "steep" if slopes[0].value == slopes[1].value else "corner"
            return Slope(kind, slopes[1], *slopes)
        if alone:
            return Slope("edge", left if alone == 1 else right, left, right)
        if _differ(left, right) and not math.isnan(left.value + right.value):
            if central.error < min(left.error, right.error) * 1e-3:
                return Slope("smooth", central, left, right)
            return _between("corner", left, right)
        return Slope("smooth", central, left, right)

    def or_flat(self, found: Slope) -> Slope:
        """What was found; of steps, which are flat near by, both the slope within and across."""
        if found.kind not in ("smooth", "corner") or found.value.value == 0.0:
            return found
        near = [math.ldexp(self.samples[-1][0], -bits) for bits in FLAT]
        told = [h for h in near if self.x - h < self.x < self.x + h]
        if not told or any(y != self.here for h in told for y in self.at(h)):
            return found
        if abs(found.value.value) * told[0] <= 64.0 * EPSILON * abs(self.here):
            return found  # what is flat there is the rounding of results, not f
        if self._rounds_to_single():
            return found
        return _between("step", Derivative(0.0, 0.0, told[0]), found.value)

    def _rounds_to_single(self) -> bool:
        """Whether the steps are those of float32, in which f was computed or given."""
        last = self.samples[-1][0]
        ys = [y for bits in range(FLAT[0]) for y in self.at(math.ldexp(last, -bits))]
        grain = min((abs(y - self.here) for y in ys if y != self.here), default=math.inf)
        return grain <= 4.0 * SINGLE * abs(self.here) and all(map(_is_single, (self.here, *ys)))

    def _alone(self) -> int | None:
        """1 if f is only defined on the left near the point, 2 on the right, 0 on both."""
        left, right = (all(math.isnan(s[k]) for s in self.samples[-8:]) for k in (1, 2))
        if left and right:
            return None
        return 2 if left else 1 if right else 0

    def _jumps(self, side: int) -> bool:
        """Whether the results do not come near to the one at the point."""
        ys = [s[side] - self.here for s in self.samples]
        near, far = abs(ys[-1]), abs(ys[max(-15, -len(ys))])
        return near > JUMP * self.noise_at(ys[-1]) and near > 0.5 * far

    def _rises(self, side: int) -> float:
        """The last quotient if the quotients grow without end, else 0.0."""
        sign = 1.0 if side == 2 else -1.0
        found = [
            sign * (s[side] - self.here) / s[0]
            for s in self.samples
            if abs(s[side] - self.here) > JUMP * self.noise_at(s[side])
        ][-16:]
        gains = [abs(b) - abs(a) for a, b in pairwise(found)]
        if len(gains) < 10 or min(gains) <= 0.0 or len({q > 0.0 for q in found}) > 1:
            return 0.0
        return found[-1] if gains[-1] > 0.5 * gains[0] else 0.0

    def _piece(self, side: int) -> Derivative:
        """The slope of the piece on one side of a jump, without the value at the point."""
        tableau = _Tableau(1)
        sign = 1.0 if side == 2 else -1.0
        for a, b in pairwise(self.samples):
            noise = self.noise_at(a[side], b[side])
            tableau.add(sign * (a[side] - b[side]) / (a[0] - b[0]), b[0], 2.0 * noise)
        return tableau.best


def _is_single(y: float) -> bool:
    """Whether a float32 holds this number."""
    try:
        single: float = struct.unpack("f", struct.pack("f", y))[0]
    except OverflowError:
        return False
    return single == y


def _differ(left: Derivative, right: Derivative) -> bool:
    """Whether the two sides have slopes of their own; one that is not known differs from any."""
    size = max(abs(left.value), abs(right.value))
    return not abs(left.value - right.value) <= 4.0 * (left.error + right.error) + 1e-6 * size


def _between(kind: str, left: Derivative, right: Derivative) -> Slope:
    error = left.error + right.error
    if kind == "smooth":
        error += 0.5 * abs(left.value - right.value)
    middle = Derivative(0.5 * left.value + 0.5 * right.value, error, max(left.step, right.step))
    return Slope(kind, middle, left, right)
