"""What check_gradients found: each derivative with its tolerance, in data and in words."""

import math
from dataclasses import dataclass, field

BETWEEN_MODES = 1e-13  # relative: two ways to one number differ by rounding alone


@dataclass(frozen=True)
class Comparison:
    """A derivative that was checked.

    where: the argument's number by its path, such as "argument 0['w'][2]", or "a direction in ...".
    what: "reverse", "forward", "gradient" (a hand-written one), or "second derivative, ...".
    got, expected: the derivative in question, and by differences; error: how far that may be off.
    sides: at a corner or a jump, the derivatives from the left and from the right.
    kind: what f does there: "smooth", "corner", "edge" (not defined on one side), "jump", "step"
        (rounded results, or floor), "steep" (infinitely) or "undefined".
    rtol, atol: how far it may be off besides.
    """

    where: str
    what: str
    got: float
    expected: float
    error: float
    sides: tuple[float, float] | None = None
    kind: str = "smooth"
    rtol: float = 1e-7
    atol: float = 0.0

    @property
    def off(self) -> float:
        """How far it is off, 0.0 between the two sides of a corner."""
        if self.sides is not None:
            low, high = sorted(self.sides)
            return max(low - self.got, self.got - high, 0.0)
        return 0.0 if self.got == self.expected else abs(self.got - self.expected)

    @property
    def tolerance(self) -> float:
        """How far it may be off."""
        sizes = [abs(x) for x in (self.got, self.expected) if math.isfinite(x)]
        return self.rtol * max(sizes, default=0.0) + self.atol + 2.0 * self.error

    @property
    def right(self) -> bool:
        """Whether it is within its tolerance; where f has no derivative, neither must it have."""
        if self.kind == "undefined":
            return not math.isfinite(self.got)
        if self.sides is None and not math.isfinite(self.got):
            return self.got == self.expected
        return self.off <= self.tolerance  # which no nan is

    @property
    def loose(self) -> bool:
        """Whether differences tell little here: nothing beyond 1e-3 of the derivative."""
        known = max(1e-3 * abs(self.expected), 1e6 * self.atol)  # or next to f's own size
        if abs(self.expected) <= 2.0 * self.error:  # it may be 0, next to which nothing is small
            known = max(known, 1e-12)
        return self.kind == "smooth" and 2.0 * self.error > known

    def __str__(self) -> str:
        said = f"{self.where}: {self.what} gives {self.got:.10g}"
        if self.sides is not None:
            left, right = self.sides
            if self.kind == "step":
                return f"{said}; the function has steps: 0 within one, {right:.6g} across them"
            return (
                f"{said}, at a {self.kind}: the slope is {left:.6g} from the left and {right:.6g} "
                "from the right"
            )
        if self.kind == "undefined":
            return f"{said}, where the function itself is nan or infinite, or defined at most there"
        if self.kind == "steep":
            return f"{said}, where the function is infinitely steep: {self.expected}"
        side = ", on the one side where f is defined" if self.kind == "edge" else ""
        return f"{said}, differences give {self.expected:.10g} (to {self.error:.0e}){side}"


@dataclass(frozen=True)
class Agreement:
    """Two ways to one number, which must agree to rounding.

    size: of what is added up on the way, which the difference is relative to.
    """

    what: str
    one: float
    other: float
    size: float

    @property
    def off(self) -> float:
        """The difference, relative to the size."""
        if self.one == self.other or (math.isnan(self.one) and math.isnan(self.other)):
            return 0.0
        gap = abs(self.one - self.other)
        return gap / self.size if self.size > 0.0 and math.isfinite(gap) else math.inf

    @property
    def right(self) -> bool:
        """Whether they agree."""
        return self.off <= BETWEEN_MODES

    def __str__(self) -> str:
        return f"{self.what}: {self.one:.17g} and {self.other:.17g} differ by {self.off:.1e}"


@dataclass(frozen=True)
class GradientReport:
    """What `check_gradients` found; print it. True if all is right.

    comparisons: each derivative that was checked. agreements: of forward and reverse mode, and of
    second derivatives among themselves. diagnosis: of what is wrong, a sentence each. notes: what
    else is worth knowing, such as that f is noisy.
    """

    comparisons: list[Comparison]
    agreements: list[Agreement] = field(default_factory=list)
    diagnosis: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> list[Comparison]:
        """The derivatives that are not right."""
        return [c for c in self.comparisons if not c.right]

    @property
    def corners(self) -> list[Comparison]:
        """Those at a corner or a jump, where any slope between the two sides is right."""
        return [c for c in self.comparisons if c.sides is not None]

    @property
    def worst(self) -> Comparison | None:
        """The right one that comes closest to its tolerance."""
        fair = [c for c in self.comparisons if c.right and math.isfinite(c.got)]
        return max(fair, key=lambda c: c.off / (c.tolerance or 1.0), default=None)

    @property
    def between_modes(self) -> float | None:
        """The largest relative difference of two ways to one number, None if there was one way."""
        return max([a.off for a in self.agreements], default=None)

    @property
    def ok(self) -> bool:
        """Whether all derivatives are right, and all that should agree does."""
        return not self.wrong and all(a.right for a in self.agreements)

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        lines = [f"{len(self.comparisons)} derivatives checked, {len(self.wrong)} wrong"]
        lines += [f"  {c}" for c in self.wrong[:10]]
        if len(self.wrong) > 10:
            lines.append(f"  ... and {len(self.wrong) - 10} more")
        apart = [a for a in self.agreements if not a.right]
        lines += [f"  {a}, where rounding makes {BETWEEN_MODES:.0e} at most" for a in apart[:5]]
        lines += [f"diagnosis: {sentence}" for sentence in self.diagnosis]
        lines += [f"corner: {c}" for c in self.corners[:5] if c.right]
        lines += [f"note: {note}" for note in self.notes]
        if self.between_modes is not None:
            lines.append(f"two ways to one number differ by at most {self.between_modes:.1e}")
        if self.worst is not None and not self.wrong:
            worst, size = self.worst, max(abs(self.worst.got), abs(self.worst.expected))
            if size > 2.0 * worst.error:
                lines.append(f"worst: {worst.where}, off by {worst.off / size:.1e} of its size")
            else:  # it is 0, as far as can be told
                lines.append(f"worst: {worst.where}, off by {worst.off:.1e}")
        return "\n".join(lines)
