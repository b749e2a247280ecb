"""Why a gradient is wrong, where that can be told: one sentence for each thing that is off.

First the graph is searched for primitives whose rule is wrong (this file); if there are none, or if
the gradient was written by hand, it is what the numbers look like (patterns.py) that tells.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from autograd import ieee
from autograd.check.comparison import GradientReport
from autograd.check.differences import measure
from autograd.check.noise import noise_of
from autograd.check.patterns import common, factor, patterns, same
from autograd.check.problem import Problem
from autograd.elementwise import call
from autograd.functions import NAMESPACE
from autograd.order import topological_order
from autograd.primitives import TABLE, Primitive
from autograd.value import Value

MOST_NODES = 2_000  # whose rules are held against differences one by one
# operands that are meant to get no gradient, though the result depends on them
WITHOUT_GRADIENT = {("stop_gradient", 0), ("where", 0), ("polygamma", 0)}
PROBES = (0.83, 1.21, 0.91, 1.13)  # the operands times these: is it a factor everywhere?


def diagnose(problem: Problem, claimed: list[float] | None, report: GradientReport) -> list[str]:
    """Sentences on what is wrong. claimed: the gradient in question, where there is one."""
    leaves = [Value(x, place) for x, place in zip(problem.xs, problem.places, strict=True)]
    try:
        root = problem.scalar(leaves)
    except Exception:  # a foreign function, which takes floats alone
        root = None
    root = root if isinstance(root, Value) else None
    by_hand = any(c.what == "gradient" for c in report.comparisons)
    if root is not None and not by_hand:
        second = all(c.what.startswith("second") for c in report.wrong)
        found = list(_wrong_rules(root, second))
        if found:
            return found
    found = list(patterns(problem, claimed, report, root, leaves))
    if root is not None and not by_hand and (corners := _corners(root)):
        found.append(
            f"{corners} is at a corner here, and f has none: of corners that cancel, as in "
            "abs(x)**2, each rule sees its own alone; write f without them"
        )
    return found


def _corners(root: Value) -> str:
    """The primitives that are used where they are not differentiable."""
    found: dict[str, None] = {}
    for v in topological_order(root)[:MOST_NODES]:
        try:
            if v.op in TABLE and 0.0 in TABLE[v.op].kinks(*[x.data for x in v.parents]):
                found[repr(v.op)] = None
        except (ArithmeticError, ValueError):  # kinks of a user's own
            continue
    return ", ".join(found)


def _wrong_rules(root: Value, second: bool) -> Iterator[str]:
    """Each primitive of the graph whose local derivative differs from differences."""
    seen: set[tuple[str, int]] = set()
    for v in topological_order(root)[:MOST_NODES]:
        if v.op is None or v.op not in TABLE:
            continue
        p, numbers = TABLE[v.op], [x.data for x in v.parents]
        for k, (parent, partial) in enumerate(zip(v.parents, v.partials, strict=True)):
            if parent.op == "constant" or (v.op, k) in seen | WITHOUT_GRADIENT:
                continue
            sentence = (
                _wrong_second(p, numbers, k) if second else _wrong_rule(p, numbers, k, partial)
            )
            if sentence:
                seen.add((v.op, k))
                yield sentence


def _by_differences(p: Primitive, numbers: Sequence[float], k: int) -> tuple[float, float]:
    """The derivative by operand k and its error; nan where there is none."""

    def along(x: float) -> float:
        return p.forward(*numbers[:k], x, *numbers[k + 1 :])

    x = numbers[k]
    slope = measure(along, x, noise=_noise(along, x))
    return (math.nan, math.inf) if slope.kind != "smooth" else slope.value[:2]


def _noise(along: Callable[[float], float], x: float) -> float:
    noise = noise_of(along, x, abs(x) or 1.0)
    return 0.0 if math.isnan(noise) else noise


def _wrong_rule(p: Primitive, numbers: list[float], k: int, partial: float) -> str:
    expected, error = _by_differences(p, numbers, k)
    if math.isnan(expected) or abs(partial - expected) <= 1e-6 * abs(partial) + 1e-13 + 8.0 * error:
        return ""
    return (
        f"primitive {p.name!r}, operand {_operand(p, k)}: its rule gives {partial:.6g} where it is "
        f"{numbers[k]:.6g}, differences give {expected:.6g}"
        f"{_how(p, numbers, k, partial, expected)}"
    )


def _operand(p: Primitive, k: int) -> str:
    name = p.operands[k] if k < len(p.operands) else "*"
    return str(k) if name.startswith("*") else name.partition("=")[0]


def _how(p: Primitive, numbers: list[float], k: int, partial: float, expected: float) -> str:
    """In what way the rule is off, here and at other points, which tell a factor from a term."""
    pairs, points = [(partial, expected)], [numbers]
    # a node that the table's rule did not make can only be judged where it is
    for times in PROBES if _rule(p, numbers, k) == partial else ():
        # no two operands by the same factor, nor by one's square: that would look like a rule
        point = [x * times ** (1.0 + 0.37 * i + 0.13 * i * i) for i, x in enumerate(numbers)]
        if p.name == "polygamma":
            point[0] = numbers[0]
        got = _rule(p, point, k)
        right, error = _by_differences(p, point, k)
        if error <= 1e-7 * max(abs(right), abs(got)) and math.isfinite(got):
            pairs.append((got, right))
            points.append(point)
    if all(got == 0.0 for got, _ in pairs):
        return ": no gradient flows"
    causes = []
    ratio = common([got for got, _ in pairs], [right for _, right in pairs])
    if ratio is not None:
        causes.append(factor(ratio).removeprefix(": "))
    shift = pairs[0][0] - pairs[0][1]
    # one point, or a slope that is the same everywhere, leaves open which of the two it is
    if len(pairs) > 1 and all(same(a - b, shift, abs(shift)) for a, b in pairs):
        direction = "large" if shift > 0.0 else "small"
        causes.append(f"a constant is off, it is {abs(shift):.6g} too {direction}")
    for j in range(len(numbers)):
        others = [_by_differences(p, point, j)[0] for point in points]
        if j != k and common([got for got, _ in pairs], others) == 1.0:
            causes.append(f"operands are swapped, that is the derivative by {_operand(p, j)}")
            break
    if causes:
        return ": " + ", or ".join(causes)
    for name, values in _candidates(p, points) if len(points) > 2 else ():
        ratio = common([got * z for (got, _), z in zip(pairs, values, strict=True)],
                       [right for _, right in pairs])  # fmt: skip
        if ratio is not None:
            return f": it lacks the factor {name}{_besides(ratio)}"
        ratio = common([right - got for got, right in pairs], values)
        if ratio is not None:
            return f": it lacks the term {'' if ratio == 1.0 else f'{ratio:.6g} * '}{name}"
    return f": it lacks a term, {expected - partial:.6g} here, and not the same elsewhere"


def _besides(ratio: float) -> str:
    return "" if ratio == 1.0 else f", and is then{factor(ratio).removeprefix(':')}"


def _rule(p: Primitive, numbers: Sequence[float], k: int) -> float:
    partial = p.partials(ieee, p.forward(*numbers), *numbers)[k]
    return 0.0 if partial is None else float(partial)


def _candidates(p: Primitive, points: list[list[float]]) -> Iterator[tuple[str, list[float]]]:
    """What rules are made of, at each point: operands, the result, and simple expressions of it."""
    ys = [p.forward(*point) for point in points]
    forms: dict[str, Callable[[float], float]] = {
        "y": lambda y: y,
        "1 - y": lambda y: 1.0 - y,
        "1 - y**2": lambda y: 1.0 - y * y,
        "1 + y**2": lambda y: 1.0 + y * y,
        "1 / y": lambda y: ieee.div(1.0, y),
        "y**2": lambda y: y * y,
    }
    for j in range(len(points[0])):
        xs, name = [point[j] for point in points], _operand(p, j)
        yield name, xs
        yield f"1 / {name}", [ieee.div(1.0, x) for x in xs]
        yield f"{name}**2", [x * x for x in xs]
        yield f"{name} * y (y is the result)", [x * y for x, y in zip(xs, ys, strict=True)]
    for name, form in forms.items():
        yield f"{name} (y is the result)", [form(y) for y in ys]


def _wrong_second(p: Primitive, numbers: list[float], k: int) -> str:
    """Whether the rule for operand k, right as a number, has a wrong derivative."""
    for j in range(len(numbers)):
        xs: list[Any] = list(numbers)
        xs[j] = leaf = Value(numbers[j])
        partial = p.partials(NAMESPACE, call(p, *xs), *xs)[k]
        if isinstance(partial, Value):
            partial.backward()

        def along(x: float, j: int = j) -> float:
            return _rule(p, [*numbers[:j], x, *numbers[j + 1 :]], k)

        slope = measure(
            along, numbers[j], noise=noise_of(along, numbers[j], abs(numbers[j]) or 1.0)
        )
        expected, error, _ = slope.value
        if slope.kind == "smooth" and not (
            abs(leaf.grad - expected) <= 1e-6 * abs(expected) + 1e-13 + 8.0 * error
        ):
            return (
                f"primitive {p.name!r}: its rule for operand {_operand(p, k)} gives the right "
                f"number, but the derivative of the rule by {_operand(p, j)} is {leaf.grad:.6g}, "
                f"differences give {expected:.6g}: is something in it taken out of the graph?"
            )
    return ""
