"""Primitives as their users write them: as functions, and as Python text."""

import ast
import math
import operator
import string
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

from autograd import functions
from autograd.elementwise import ELEMENTWISE, call
from autograd.primitives import BUILT_IN, TABLE

OPERATORS: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "pow": operator.pow,
    "neg": operator.neg,
    "abs": operator.abs,
}
_TEXTS = {
    "add": "({}) + ({})",
    "sub": "({}) - ({})",
    "mul": "({}) * ({})",
    "div": "({}) / ({})",
    "pow": "({}) ** ({})",
    "neg": "-({})",
    "abs": "abs({})",
}
_LONG = 60  # characters, beyond which an operand gets a name of its own


def function_of(name: str) -> Callable[..., Any]:
    """The primitive as its users call it, on separate operands: an operator where there is one."""
    if name == "dot":
        return _dot
    if name in OPERATORS:
        return OPERATORS[name]
    if name in ELEMENTWISE:
        function: Callable[..., Any] = ELEMENTWISE[name]
        return function
    of_many = getattr(functions, name, None)
    if TABLE[name].arity is None and of_many is not None:
        return lambda *xs: of_many(xs)
    return lambda *xs: call(TABLE[name], *xs)


def _dot(*operands: Any) -> Any:
    n = len(operands) // 2
    return functions.dot(operands[:n], operands[n : 2 * n], operands[-1])


def as_lambda(point: Sequence[float], steps: Sequence[tuple[str, Sequence[int | float]]]) -> str:
    """A lambda that does these steps, with the point as default of its argument x.

    What is used more than once, or would make a line long, gets a name.
    """
    texts = [f"x[{i}]" for i in range(len(point))]
    uses = Counter(x for _, operands in steps for x in operands if type(x) is int)
    names, named = _names(), []
    for name, operands in steps:
        xs = [texts[x] if type(x) is int else number(x) for x in operands]
        text = ast.unparse(ast.parse(_written(name, xs), mode="eval"))  # spares parentheses
        if uses[len(texts)] > 1 or (uses[len(texts)] and len(text) > _LONG):
            variable = next(names)
            named.append(f"{variable} := {text}")
            text = variable
        texts.append(text)
    result = texts[-1]
    head = f"lambda x=({', '.join(map(number, point))}{',' if len(point) == 1 else ''}):"
    if not named:
        return f"{head} {result}"
    lines = "".join(f"    {line},\n" for line in (*named, result))
    return f"{head} (\n{lines})[-1]"


def _written(name: str, xs: Sequence[str]) -> str:
    if name in _TEXTS:
        return _TEXTS[name].format(*xs)
    if name == "dot":
        n = len(xs) // 2
        return f"{called(name)}([{', '.join(xs[:n])}], [{', '.join(xs[n : 2 * n])}], {xs[-1]})"
    listed = ", ".join(xs)
    return f"{called(name)}({listed if TABLE[name].arity else f'[{listed}]'})"


def called(name: str) -> str:
    """What to write for a primitive: ours by its module, a user's own by its name alone."""
    return f"autograd.{name}" if name in BUILT_IN else name


def number(x: float) -> str:
    """A float in Python, to the last bit."""
    if math.isnan(x):
        return "math.nan"
    if math.isinf(x):
        return "math.inf" if x > 0.0 else "-math.inf"
    return repr(x)


def _names() -> Iterator[str]:
    """a, b, c ..., then a1, b1 ...; not x, which is the argument."""
    letters = string.ascii_lowercase.replace("x", "")
    for round_ in count():
        yield from [f"{letter}{round_ or ''}" for letter in letters]


def pretty(x: object, printer: Any) -> None:
    """A repr of several lines, for `_repr_pretty_` of what hypothesis and IPython print.

    Without one, hypothesis would show how an object was drawn, not what it is.
    """
    first, *rest = repr(x).splitlines()
    printer.text(first)
    for line in rest:
        printer.break_()
        printer.text(line)
