"""The check itself: each derivative with differences, forward with reverse mode.

Derivatives are held against differences in every coordinate or, of large arguments, in random
directions; second derivatives against differences of the first.
"""

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from autograd.check.comparison import Agreement, Comparison, GradientReport
from autograd.check.diagnosis import diagnose
from autograd.check.noise import EPSILON
from autograd.check.problem import (
    Claim,
    Direction,
    Judge,
    Problem,
    combination,
    in_directions,
    numbers_from,
    plain,
)
from autograd.errors import GradientError, LengthError, StructureError
from autograd.forward import jvp
from autograd.transforms import grad, vjp
from autograd.tree import flatten, same_structure

MOST_COORDINATES = 64  # of more arguments, so many random directions are checked
MOST_SECOND = 8  # and so many of second derivatives, which cost a gradient where others cost an f
RTOL = 1e-7
COARSE = {"float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}


Directions = list[tuple[str, Direction]]


def check(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    gradient: Callable[..., Any] | None,
    order: int,
    modes: Sequence[str],
    rtol: float | None,
    atol: float,
    seed: int,
    raise_error: bool,
) -> GradientReport:
    """See `autograd.check.check_gradients`."""
    unknown = sorted({*modes} - {"reverse", "forward"})
    if unknown or not modes or isinstance(modes, str):
        raise ValueError(f"expected modes=['reverse', 'forward'], or one of them, but got {modes}")
    if order not in (1, 2):
        raise ValueError(f"expected order 1 or 2, but got {order!r}")
    if order == 2 and gradient is not None:
        raise ValueError(
            "order=2 checks what autograd derives; to check a hand-written Hessian, give one "
            "component of the gradient as f, and its row of the Hessian as gradient="
        )
    problem = Problem(f, args, seed)
    claimed: list[float] | None
    with warnings.catch_warnings():  # steps may leave f's domain, of which NumPy warns
        warnings.simplefilter("ignore", RuntimeWarning)
        if gradient is not None:
            claimed, precision = numbers_of(gradient(*args), problem)
            judge = Judge(
                problem,
                problem.number,
                max(RTOL, 200.0 * precision) if rtol is None else rtol,
                atol,
                complex_f=problem.complex_number,
                precision=precision,
            )
            claims = {"gradient": in_directions(claimed)}
            report = _report(judge, claims, problem.directions(MOST_COORDINATES))
        else:
            own = _Own(problem, modes, RTOL if rtol is None else rtol, atol)
            report = own.first()
            if order == 2:
                second = own.second()
                report.comparisons.extend(second.comparisons)
                report.agreements.extend(second.agreements)
                report.notes.extend(second.notes)
            claimed = own.reverse
        report.notes.extend(_notes(problem, report))
        if not report.ok:
            report.diagnosis.extend(diagnose(problem, claimed, report))
    if raise_error and not report.ok:
        __tracebackhide__ = True  # pytest shows the user's line, not this one
        raise GradientError(str(report))
    return report


def reverse(problem: Problem) -> list[float]:
    """The gradient by reverse mode, of the combination of f's results."""
    result, pullback = vjp(problem.f, *problem.args)
    cotangents = flatten(result)[1](list(problem.weights))
    return _plain_numbers(pullback(cotangents))


class _Own:
    """The derivatives of autograd itself, in one mode or both."""

    def __init__(self, problem: Problem, modes: Sequence[str], rtol: float, atol: float) -> None:
        self.problem, self.modes, self.rtol, self.atol = problem, modes, rtol, atol
        self.reverse: list[float] | None = None
        self.corners = False

    def first(self) -> GradientReport:
        """Each mode with differences, and both with one another: <u, J v> = <J' u, v>."""
        problem = self.problem
        claims: dict[str, Claim] = {}
        if "reverse" in self.modes:
            self.reverse = reverse(problem)
            claims["reverse"] = in_directions(self.reverse)
        if "forward" in self.modes:
            claims["forward"] = self._forward
        judge = Judge(
            problem, problem.number, self.rtol, self.atol, complex_f=problem.complex_number
        )
        directions = problem.directions(MOST_COORDINATES)
        report = _report(judge, claims, directions, "<J' u, v> and <u, J v>")
        self.corners = bool(report.corners)
        return report

    def second(self) -> GradientReport:
        """The Hessian times a random v, in each mode, with differences of the gradient times v.

        Of one number it is the second derivative itself.
        """
        problem = self.problem
        xs, scalar = problem.xs, problem.scalar
        u, v = ([problem.random.gauss(0.0, 1.0) for _ in xs] for _ in "uv")
        what = "second derivative along a random direction"
        if len(xs) == 1:
            v, what = [1.0], "second derivative"

        def slope(zs: Any, w: list[float]) -> Any:
            if self.reverse is None:
                return jvp(scalar, (list(zs),), (w,))[1]
            return combination(grad(scalar)(list(zs)), w)

        def hessian_times(w: list[float]) -> list[float]:
            return _plain_numbers(grad(lambda zs: slope(zs, w))(xs))

        claims: dict[str, Claim] = {}
        agreements = []
        if self.reverse is None:
            claims["forward over forward"] = lambda direction: plain(
                jvp(lambda zs: slope(zs, v), (xs,), (self._tangent(direction),))[1]
            )
        else:
            h_v, h_u = hessian_times(v), hessian_times(u)
            agreements.append(_symmetry(u, h_v, v, h_u, self._size(u, v)))
            claims["reverse over reverse"] = in_directions(h_v)
        if len(self.modes) == 2:
            over = _plain_numbers(jvp(grad(scalar), (xs,), (v,))[1])
            claims["forward over reverse"] = in_directions(over)
        size = self._size(u, v)
        judge = Judge(problem, lambda zs: plain(slope(zs, v)), self.rtol, self.atol, size=size)
        directions = problem.directions(MOST_SECOND)
        named = {f"{what}, {name},": claim for name, claim in claims.items()}
        agreement = "H v, reverse and forward over reverse"
        report = _report(judge, named, directions, agreement)
        if self.corners:
            _leave_out_conventions(report)
        report.agreements.extend(agreements)
        return report

    def _size(self, u: list[float], v: list[float]) -> float:
        """Of f and its slopes: second derivatives are sums and products of such numbers."""
        slopes = zip(self.reverse or [], u, v, strict=False)
        return max([self.problem.size, *[abs(g) * max(abs(a), abs(b)) for g, a, b in slopes]])

    def _forward(self, direction: Direction) -> float:
        problem = self.problem
        tangents = problem.rebuild(list(self._tangent(direction)))
        ys = _plain_numbers(jvp(problem.f, problem.args, tangents)[1])
        return math.fsum(w * y for w, y in zip(problem.weights, ys, strict=True))

    def _tangent(self, direction: Direction) -> list[float]:
        tangent = [0.0] * len(self.problem.xs)
        for k, d in direction:
            tangent[k] = d
        return tangent


def _report(
    judge: Judge,
    claims: dict[str, Claim],
    directions: Directions,
    agreement: str = "",
) -> GradientReport:
    """Each claim with differences, and two claims with one another."""
    report = GradientReport([])
    given = [[claim(direction) for _, direction in directions] for claim in claims.values()]
    for (what, claim), numbers in zip(claims.items(), given, strict=True):
        report.comparisons.extend(_compare(judge, what, claim, directions, numbers))
    if len(given) == 2:
        size = max([abs(x) for x in (*given[0], *given[1]) if math.isfinite(x)], default=0.0)
        size = max(size, judge.size)  # of what they were computed from
        for (where, _), one, other in zip(directions, *given, strict=True):
            report.agreements.append(Agreement(f"{agreement} at {where}", one, other, size))
    return report


def _leave_out_conventions(report: GradientReport) -> None:
    """At a corner of f the first derivative jumps: there is no second one to be held to."""
    jumps = [c for c in report.comparisons if c.kind == "jump"]
    report.comparisons[:] = [c for c in report.comparisons if c.kind != "jump"]
    for where, c in {c.where: c for c in jumps}.items():
        report.notes.append(
            f"{where}: the first derivative jumps, so that there is no second one; that it gives "
            f"{c.got:.6g} is a convention, and was not checked"
        )


def _compare(
    judge: Judge, what: str, claim: Claim, directions: Directions, numbers: list[float]
) -> list[Comparison]:
    """The claim in each direction; where it is wrong in one of many numbers, those by name."""
    found: list[Comparison] = []
    looked = 0
    for (where, direction), number in zip(directions, numbers, strict=True):
        comparison = judge(where, what, number, direction)
        wrong: list[Comparison] = []
        if not comparison.right and len(direction) > 1 and looked < MOST_COORDINATES:
            few = [k for k, _ in direction][: MOST_COORDINATES - looked]
            looked += len(few)
            single = [
                judge(judge.problem.places[k], what, claim([(k, 1.0)]), [(k, 1.0)]) for k in few
            ]
            wrong = [c for c in single if not c.right]
        found += wrong or [comparison]
    return found


def _symmetry(
    u: list[float], h_v: list[float], v: list[float], h_u: list[float], size: float
) -> Agreement:
    one = [a * b for a, b in zip(u, h_v, strict=True)]
    other = [a * b for a, b in zip(v, h_u, strict=True)]
    size += math.fsum(abs(x) for x in one + other if math.isfinite(x))
    return Agreement("u' H v and v' H u", sum(one), sum(other), size)


def numbers_of(found: Any, problem: Problem) -> tuple[list[float], float]:
    """A hand-written gradient, in the order of the arguments' numbers, and its precision.

    Raises LengthError if f has several results, StructureError, OperandError.
    """
    if len(problem.weights) > 1:
        raise LengthError(
            f"with gradient= f must give one number, but it gives {len(problem.weights)}; check "
            "one result at a time, f=lambda x: f(x)[0] with its own gradient, or their sum"
        )
    precision = max([EPSILON, *[COARSE.get(kind, 0.0) for kind in _kinds(found)]])
    args = problem.args
    if len(args) == 1:
        found = (found,)
    elif isinstance(found, list):
        found = tuple(found)
    try:
        numbers = same_structure("gradient", _as_lists(args), _as_lists(found))
    except StructureError as error:
        raise StructureError(f"{error}; it must be built like the arguments") from None
    return numbers_from("gradient", numbers), precision


def _as_lists(x: Any) -> Any:
    """Arrays and tuples as nested lists: which of them a gradient comes in does not matter."""
    if isinstance(x, dict):
        return {key: _as_lists(item) for key, item in x.items()}
    if isinstance(x, (list, tuple)):
        return [_as_lists(item) for item in x]
    return x.tolist() if getattr(x, "shape", ()) != () else x


def _kinds(x: Any) -> set[str]:
    """The names of the kinds of numbers in arrays: "float32" ..."""
    if isinstance(x, dict):
        return _kinds(list(x.values()))
    if isinstance(x, (list, tuple)):
        return {kind for item in x for kind in _kinds(item)}
    return {str(getattr(x, "dtype", "")).rpartition(".")[2]}


def _plain_numbers(structure: Any) -> list[float]:
    return [plain(x) for x in flatten(structure)[0]]


def _notes(problem: Problem, report: GradientReport) -> list[str]:
    """What else an engineer should know of this check."""
    notes = []
    if len(problem.weights) > 1 and not report.ok:
        notes.append(
            f"f gives {len(problem.weights)} results: what is compared are derivatives of a random "
            "combination of them"
        )
    if problem.wavers:
        notes.append(
            f"f gives other numbers for the same arguments (off by {problem.wavers:.1e}): fix its "
            "seed, or derivatives are only checked as far as chance allows"
        )
    loose = [c for c in report.comparisons if c.right and c.loose]
    if loose:
        notes.append(
            f"f is noisy, or uneven: {len(loose)} derivatives are known to no better than 1e-3 of "
            f"their size, such as {loose[0].where}, to {loose[0].tolerance:.1e}"
        )
    n = len(problem.xs)
    if n > MOST_COORDINATES:
        notes.append(
            f"{n} numbers were checked in {MOST_COORDINATES} random directions, of blocks of them"
        )
    return notes
