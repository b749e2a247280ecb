"""Derivatives and functions: compared at simple points, the simplest first."""

import inspect
from collections.abc import Callable, Sequence
from itertools import product
from math import isfinite
from typing import Any

import autograd
from autograd import LengthError, Value
from nn.exercises.answers import (
    MOST_STEPS,
    UNANSWERED,
    Verdict,
    at_most,
    floats,
    is_blank,
    items,
    same,
)

NUMBERS = (0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 0.5, -0.5, 1.5, -1.5, 10.0, -10.0)
MOST_POINTS = 2500


def check_derivative(
    f: Callable[..., Any], answer: Any, numbers: Sequence[float] = NUMBERS
) -> Verdict:
    """Whether `answer` gives the derivative of f by each of its arguments, at points of `numbers`.

    f: a function of numbers, made of autograd's. answer: takes the same numbers.
    """
    names = _names(f)
    gradient = autograd.grad(f, tuple(range(len(names))))

    def show(point: Sequence[float]) -> tuple[str, Any]:
        return _shown(f, names, point, backward=True)

    what = [f"the derivative by {name}" for name in names]
    return _compare(names, gradient, answer, numbers, what, show)


def check_function(
    f: Callable[..., Any], answer: Any, numbers: Sequence[float] = NUMBERS
) -> Verdict:
    """Whether `answer` gives the numbers f gives, at points of `numbers`.

    f: a function of numbers, made of autograd's, that gives one number or a tuple of them.
    """
    names = _names(f)

    def show(point: Sequence[float]) -> tuple[str, Any]:
        return _shown(f, names, point, backward=False)

    several = isinstance(f(*[1.0] * len(names)), tuple)
    count = len(f(*[1.0] * len(names))) if several else 1
    what = [f"result {k + 1}" if several else "the result" for k in range(count)]
    return _compare(names, f, answer, numbers, what, show)


def _names(f: Callable[..., Any]) -> list[str]:
    parameters = list(inspect.signature(f).parameters.values())
    if not parameters or any(p.kind is not p.POSITIONAL_OR_KEYWORD for p in parameters):
        raise TypeError(
            f"expected a function of one or more named numbers, but got one of "
            f"{inspect.signature(f)}; write lambda x: f(x)"
        )
    return [p.name for p in parameters]


def _compare(
    names: Sequence[str],
    right: Callable[..., Any],
    answer: Any,
    numbers: Sequence[float],
    what: Sequence[str],
    show: Callable[[Sequence[float]], tuple[str, Any]],
) -> Verdict:
    if answer is ...:
        return UNANSWERED
    compared = 0
    for point in points(len(names), numbers):
        expected = floats(right(*point))
        if not all(map(isfinite, expected)):
            continue
        compared += 1
        where = "not yet. At " + ", ".join(map("{} = {!r}".format, names, point))
        try:
            with at_most(MOST_STEPS):
                said = answer(*point)
        except (ArithmeticError, ValueError) as error:  # 1 / 0, math.exp(1000), math.log(-1)
            wrong = f" {what[0]} is {expected[0]:.6g}; yours is an error: {error}"
        else:
            if is_blank(said):
                return UNANSWERED
            given = floats(said)
            if len(given) != len(expected):
                return Verdict(
                    False,
                    f"not yet: {len(expected)} numbers are asked for "
                    f"({', '.join(what)}), and yours gives {len(given)}",
                )
            pairs = zip(what, expected, given, strict=True)
            differing = [(w, e, g) for w, e, g in pairs if not same(e, g)]
            if not differing:
                continue
            wrong = ";".join(f" {w} is {e:.6g}, yours is {g:.6g}" for w, e, g in differing)
        how, picture = show(point)
        return Verdict(False, f"{where}:{wrong}.\n{how}", picture)
    if not compared:
        raise LengthError("expected a point where the function is finite, but found none")
    return Verdict(True, f"right! Yours agrees at {compared} of {compared} points.")


def points(n: int, numbers: Sequence[float] = NUMBERS) -> list[tuple[float, ...]]:
    """Points of n such numbers each, from simple to less simple."""
    few = min(len(numbers), int(MOST_POINTS ** (1 / n)))
    places = sorted(product(range(few), repeat=n), key=sum)
    return [tuple([numbers[k] for k in place]) for place in places]


def _shown(
    f: Callable[..., Any], names: Sequence[str], point: Sequence[float], backward: bool
) -> tuple[str, Any]:
    """How f comes about at a point, in words, and its picture."""
    result = f(*map(Value, point, names))
    roots = [y if isinstance(y, Value) else Value(y) for y in items(result)]
    lines: dict[str, None] = {}
    free = next(name for name in ("y", "z", "result") if name not in names)
    for k, root in enumerate(roots, 1):
        if root.label is None:
            root.label = free if len(roots) == 1 else f"{free}{k}"
    for root in roots:
        if backward:
            root.backward()
        made = [step.words for step in autograd.steps(root).forward if step.kind == "made"]
        lines |= dict.fromkeys(f"    {words}" for words in made)
    return "\n".join(lines), autograd.draw(roots)
