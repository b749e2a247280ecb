"""The error of a difference against its step: the V that everybody who uses differences should see.

A large step leaves out the curve of the function: the error of forward differences falls with the
step h, that of central ones with h**2. A small step divides the rounding of the function, some
epsilon * |f|, by h: the error rises again with 1/h. A complex step subtracts nothing and so has no
right arm (Squire & Trapp 1998).
"""

import math
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from autograd.check.differences import measure
from autograd.check.noise import EPSILON, number
from autograd.check.problem import Problem, plain
from autograd.check.verdict import numbers_of, reverse
from autograd.errors import MissingExtraError
from autograd.files import write_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEPS = tuple(10.0 ** (-k / 4) for k in range(4, 65))
LEAST = 0.5 * EPSILON  # drawn for an error of 0, of which a logarithmic axis knows nothing
FORMULAS = {
    "forward": "(f(x + h) − f(x)) / h",
    "central": "(f(x + h) − f(x − h)) / 2h",
    "complex": "Im f(x + ih) / h",
}


class StepErrors(NamedTuple):
    """Relative errors by step, for three kinds of differences: print it, or `.figure()`.

    where: the number that moved. x: its value. derivative: what the errors are relative to; if it
    is 0 they are absolute. steps: relative to the size of x, or to 1 if x is smaller. forward,
    central, complex: the error with each step, nan where f gave no number; complex is empty if f
    takes no complex numbers. kind: what f does there, as in `Comparison`.
    """

    where: str
    x: float
    derivative: float
    steps: tuple[float, ...]
    forward: tuple[float, ...]
    central: tuple[float, ...]
    complex: tuple[float, ...]
    kind: str = "smooth"

    @property
    def said(self) -> str:
        """What the curves show, in a line."""
        if self.kind in ("corner", "jump", "step"):
            return f"at a {self.kind} no step is right, for there are two slopes or none"
        if self.kind == "edge":
            return "f is defined on one side only"
        return "long steps cut the curve short, short ones drown in rounding"

    @property
    def measured(self) -> str:
        return "relative error" if self.derivative else "absolute error"

    @property
    def best(self) -> dict[str, tuple[float, float]]:
        """For each kind the step with the smallest error, and that error."""
        found = {}
        for kind in FORMULAS:
            pairs = [(e, h) for h, e in zip(self.steps, getattr(self, kind), strict=False)]
            seen = [(e, h) for e, h in pairs if not math.isnan(e)]
            if seen:
                error, step = min(seen)
                found[kind] = (step, error)
        return found

    def __str__(self) -> str:
        lines = [
            f"{self.where} = {self.x:.6g}, derivative {self.derivative:.10g}; {self.measured}s:",
            "   step   " + "".join(f"{kind:>10}" for kind in self.best),
        ]
        for k in range(0, len(self.steps), 4):
            row = [f"{getattr(self, kind)[k]:10.0e}" for kind in self.best]
            lines.append(f"  {self.steps[k]:.0e}   " + "".join(row))
        if self.kind != "smooth":
            return "\n".join([*lines, self.said])
        for kind, (step, error) in self.best.items():
            lines.append(f"{kind} differences are best with a step near {step:.0e}: {error:.0e}")
        return "\n".join(lines)

    def figure(self) -> "Figure":
        """Errors over steps, both logarithmic. Raises MissingExtraError without matplotlib."""
        try:
            from matplotlib.figure import Figure
        except ImportError:
            raise MissingExtraError(
                "the picture needs matplotlib: pip install matplotlib; print(...) gives the table"
            ) from None
        figure = Figure(figsize=(7.2, 4.8), layout="constrained")
        _draw(figure.subplots(), self)
        return figure

    def save(self, path: str | Path) -> Path:
        """Write the figure: .png, .svg or .pdf, by the suffix."""
        path = Path(path)
        stream = BytesIO()
        self.figure().savefig(stream, format=path.suffix.removeprefix(".") or "png", dpi=160)
        write_file(path, stream.getvalue())
        return path

    def _repr_png_(self) -> bytes:
        stream = BytesIO()
        self.figure().savefig(stream, format="png", dpi=110)
        return stream.getvalue()


def errors(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    where: str | int,
    gradient: Callable[..., Any] | None,
    seed: int,
) -> StepErrors:
    """See `autograd.check.error_by_step`."""
    problem = Problem(f, args, seed)
    k = _place(problem.places, where)
    along = problem.along(problem.number, [(k, 1.0)])
    on_the_plane = problem.along(problem.complex_number, [(k, 1.0)])
    x = problem.xs[k]
    slope = measure(along, x)
    derivative = _derivative(problem, k, gradient, slope.value.value)
    if not math.isfinite(derivative):
        raise ValueError(
            f"expected a number where f has a derivative, but at {problem.places[k]} = {x:.6g} it "
            f"is {derivative}"
        )
    here, scale = plain(along(x)), max(abs(x), 1.0)

    def forward(h: float) -> float:
        return (number(along, x + h) - here) / ((x + h) - x)

    def central(h: float) -> float:
        return (number(along, x + h) - number(along, x - h)) / ((x + h) - (x - h))

    def imaginary(h: float) -> float:
        y = on_the_plane(complex(x, h))
        if not isinstance(y, complex):
            raise TypeError
        return y.imag / h

    def error(quotient: Callable[[float], float], step: float) -> float:
        try:
            off = abs(quotient(step * scale) - derivative)
        except ZeroDivisionError:  # x + h is x
            off = abs(derivative)
        return off / abs(derivative) if derivative else off

    try:
        exact = tuple(error(imaginary, step) for step in STEPS)
    except Exception:  # whatever f does not like about complex numbers
        exact = ()
    one_sided, two_sided = (tuple([error(q, h) for h in STEPS]) for q in (forward, central))
    place = problem.places[k]
    return StepErrors(place, x, derivative, STEPS, one_sided, two_sided, exact, slope.kind)


def _place(places: list[str], where: str | int) -> int:
    if where in places:
        return places.index(str(where))
    if isinstance(where, int) and -len(places) <= where < len(places):
        return where % len(places)
    raise LookupError(
        f"expected where to be one of {', '.join(places[:6])}{' ...' if len(places) > 6 else ''}, "
        f"or a whole number under {len(places)}, but got {where!r}"
    )


def _derivative(
    problem: Problem, k: int, gradient: Callable[..., Any] | None, by_differences: float
) -> float:
    """The derivative that the errors are relative to."""
    if gradient is not None:
        return numbers_of(gradient(*problem.args), problem)[0][k]
    try:
        return reverse(problem)[k]
    except Exception:  # a function of floats alone
        return by_differences


# --- the picture ----------------------------------------------------------------------------------

INK, MUTED = "#24292f", "#6e7781"
STYLE = {  # told apart by marker as well as by colour, and by the colour-blind
    "forward": ("#0072b2", "o"),
    "central": ("#d55e00", "s"),
    "complex": ("#117733", "^"),
}
ARMS = {1: "∝ h", 2: "∝ h²", -1: "rounding ∝ 1/h"}


def _draw(axes: "Axes", found: StepErrors) -> None:
    axes.set(xscale="log", yscale="log", xlim=(2e-1, 5e-17), ylim=(2e-17, 1e3))
    for kind in reversed(FORMULAS):  # the complex ones below: their arm lies on the central one's
        values = [max(e, LEAST) for e in getattr(found, kind)]
        if not values:
            continue
        colour, marker = STYLE[kind]
        size = 6.0 if kind == "complex" else 3.4
        fill = "white" if kind == "complex" else colour
        axes.plot(
            found.steps, values, color=colour, lw=1.1, marker=marker, ms=size, mew=0.9, mfc=fill,
            label=f"{kind}   {FORMULAS[kind]}",
        )  # fmt: skip
        if kind != "complex":
            _name_arm(axes, _arm(found.steps, values, 1), 0.5, kind == "forward", colour)
        if kind == "forward":
            _name_arm(axes, _arm(found.steps, values, -1), 0.55, False, INK)
    axes.axhline(EPSILON, color=MUTED, lw=0.8, ls=(0, (5, 4)), zorder=0)
    axes.text(1.5e-1, EPSILON * 1.6, "epsilon of float64", color=MUTED, fontsize=8.5)
    axes.set_xlabel("step h" if abs(found.x) <= 1.0 else f"step h, relative to {abs(found.x):.4g}")
    axes.set_ylabel(f"{found.measured} of the derivative")
    title = f"{found.where} = {found.x:.4g}: {found.said}"
    axes.set_title(title, fontsize=10.5, loc="left", pad=10)
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1], frameon=False, fontsize=9, loc="upper left")
    axes.grid(color="#d8dee4", lw=0.5)
    axes.spines[["top", "right"]].set_visible(False)


def _arm(
    steps: tuple[float, ...], values: list[float], sign: int
) -> tuple[int, list[float], list[float]] | None:
    """An arm of the V, if it is straight: its slope, steps and errors. sign: 1 where it falls."""
    best = min(range(len(values)), key=values.__getitem__)
    arm = range(2, best - 4) if sign > 0 else range(best + 6, len(values) - 8)
    points = [(steps[k], values[k]) for k in arm if 2.0 * LEAST < values[k] < 1.0]
    if len(points) < 6:
        return None
    xs, ys = ([math.log10(p[axis]) for p in points] for axis in (0, 1))
    middle = math.fsum(xs) / len(xs), math.fsum(ys) / len(ys)
    squares = math.fsum((x - middle[0]) ** 2 for x in xs)
    slope = math.fsum((x - middle[0]) * (y - middle[1]) for x, y in zip(xs, ys, strict=True))
    slope /= squares
    whole = round(slope)
    if whole not in ARMS or abs(slope - whole) > 0.25:
        return None
    line = [10.0 ** (middle[1] + whole * (x - middle[0])) for x in xs]
    return whole, [10.0**x for x in xs], line


def _name_arm(
    axes: "Axes",
    arm: tuple[int, list[float], list[float]] | None,
    place: float,
    above: bool,
    colour: str,
) -> None:
    """The name of an arm, beside it at this share of its length."""
    if arm is None:
        return
    slope, steps, line = arm
    k = int(place * (len(steps) - 1))
    right = above or slope < 0
    offset = (9 if right else -9, 5 if above else -6 if slope > 0 else -16)
    axes.annotate(
        ARMS[slope],
        (steps[k], line[k]),
        offset,
        textcoords="offset points",
        color=colour,
        fontsize=10,
        ha="left" if right else "right",
        va="bottom" if above else "top",
    )
