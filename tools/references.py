"""What each primitive means, said a second time and independently: as a SymPy expression.

The meanings stand in autograd/graph/meanings.py, where `autograd.symbolic` uses them, and share
nothing with the table but the names: a new primitive needs one entry there. SymPy differentiates
it, mpmath evaluates value and derivatives to 50 digits.
"""

import functools
from collections.abc import Callable
from typing import Any

import mpmath
import sympy as sp

from autograd.graph.meanings import meanings, rules
from autograd.primitives import POSITIVE, TABLE

MEANING = meanings()

# Operands along which no gradient flows by intent, whatever the formula says.
NO_GRADIENT = {"stop_gradient": {0}, "polygamma": {0}, "where": {0}}


def symbols(name: str, n: int) -> list[Any]:
    """A SymPy symbol for each of `n` operands, positive where the table's domain is."""
    domain = TABLE[name].domain
    return [
        sp.Symbol(
            f"x{i}", real=True, positive=True if domain[i % len(domain)] == POSITIVE else None
        )
        for i in range(n)
    ]


@functools.cache
def derivative(name: str, n: int, *along: int) -> Callable[..., Any]:
    """The meaning of the primitive with `n` operands, differentiated along the operands named.

    `derivative("tanh", 1)` is the value, `derivative("pow", 2, 0, 1)` the mixed second derivative.
    """
    xs = symbols(name, n)
    expression = MEANING[name](*xs)
    for i in along:
        expression = sp.S.Zero if i in NO_GRADIENT.get(name, ()) else sp.diff(expression, xs[i])
    return evaluator(expression, xs)


def evaluator(expression: Any, xs: list[Any]) -> Callable[..., Any]:
    """A function of floats that gives the expression's value to 50 digits, as an mpmath number."""
    f = sp.lambdify(xs, expression, [{"polygamma": mpmath.psi}, "mpmath"])

    def evaluate(*numbers: float) -> Any:
        # log(1 + 1e-400) is 0 at 50 digits: trust a result only once more digits do not change it.
        last = None
        for digits in (60, 120, 240, 480, 960):
            with mpmath.workdps(digits):
                y = mpmath.mpf(f(*[mpmath.mpf(x) for x in numbers]))
                if last is not None and y != 0 and abs(y - last) <= abs(y) * mpmath.mpf("1e-50"):
                    return y
                last = y
        return last

    return evaluate


def rule_for_sympy(name: str, n: int) -> tuple[Any, ...]:
    """The table's rule as SymPy expressions, one for each of `n` operands."""
    xs = symbols(name, n)
    partials = TABLE[name].partials(rules(), MEANING[name](*xs), *xs)
    return tuple(None if d is None else sp.sympify(d) for d in partials)
