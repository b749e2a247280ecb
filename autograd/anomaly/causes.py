"""Why a primitive gave nan or inf, and what to do: sentences made of the table's entry.

Domain and kinks tell most of it, so a primitive of the user's own is explained like ours; only what
no entry can know, which other function to call instead, is written down by name.
"""

import math
from collections.abc import Sequence

from autograd.primitives import REAL, Interval, Primitive

LARGEST = "float64 ends at 1.8e308"
SUMS = {"add", "sub", "total", "mean", "dot"}
PRODUCTS = {"mul", "prod", "dot"}

_SMALLER = (
    "keep the numbers small: standardise the inputs, start from smaller weights, lower the "
    "learning rate"
)
_LOG = (
    "keep its argument away from 0, as in log(maximum(p, 1e-12)); for the logarithm of a "
    "probability take log_sigmoid or log_softmax of what it is made from (a loss with "
    "from_logits=True), for log(1 + x) log1p"
)
_EXP = (
    "subtract the largest operand first, as softmax and logsumexp do; for log(1 + exp(x)) take "
    "softplus, for log(exp(x) + exp(y)) logaddexp, for 1 / (1 + exp(-x)) sigmoid; " + _SMALLER
)
_DIV = (
    "make the divisor safe before dividing, as in x / where(abs(y) > 0, y, 1.0), or "
    "x / maximum(y, 1e-12) if y is never negative"
)
# What to call instead, by primitive
INSTEAD = {
    **dict.fromkeys(("log", "log2", "log10"), _LOG),
    **dict.fromkeys(("exp", "exp2", "expm1", "sinh", "cosh"), _EXP),
    **dict.fromkeys(("div", "reciprocal"), _DIV),
    "sqrt": "keep its argument above 0, as in sqrt(maximum(x, 1e-12)); for sqrt(x*x + y*y) take "
    "hypot(x, y); a difference may come out below 0 by rounding alone",
    "pow": "make the base positive, as in maximum(x, 1e-12) ** p; a square root of a square is "
    "abs(x), and large powers belong into logarithms: p * log(x)",
}


def operand_names(p: Primitive, n: int) -> list[str]:
    """The operands as the table calls them; of any number of them x1, x2 ..."""
    if p.arity is None:
        return [f"x{k}" for k in range(1, n + 1)]
    return [name.split("=")[0] for name in p.operands]


def why_value(p: Primitive, xs: Sequence[float], names: Sequence[str], y: float) -> str:
    """Why a primitive gives nan or inf at these operands, of which none is nan."""
    infinite = [k for k, x in enumerate(xs) if math.isinf(x)]
    if infinite:
        if p.name in SUMS and not _is_zero_times_inf(p, xs):
            return "inf - inf has no value"
        if p.name in PRODUCTS:
            return "0 * inf has no value"
        if p.name == "div":
            return "inf / inf has no value"
        return f"it has no value at {names[infinite[0]]} = {xs[infinite[0]]}"
    if p.name == "div" and xs == (0.0, 0.0):
        return "0 / 0 has no value"
    if p.name == "pow" and math.isnan(y):
        return f"a negative number, {xs[0]}, has no real power of {xs[1]}, which is not whole"
    return (
        why_there(p, xs, names)
        or _overflow(p, xs, names, y)
        or "it has no value at these operands, though all are finite"
    )


def why_there(p: Primitive, xs: Sequence[float], names: Sequence[str]) -> str:
    """What the entry says of this point: outside the domain, at its edge, at a kink; "" if none."""
    for k, x in enumerate(xs):
        low, high = p.domain[k % len(p.domain)]
        if x < low or x > high:
            return f"{p.name} takes {_inside(names[k], (low, high))}, and {names[k]} is {x}"
        if x in (low, high):
            inside = _inside(names[k], (low, high))
            return f"{names[k]} is {x}, at the edge of where {p.name} is defined, {inside}"
    try:
        at_kink = any(k == 0.0 for k in p.kinks(*xs))
    except (ArithmeticError, ValueError):  # a user's own
        at_kink = False
    if at_kink:
        point = f"{names[0]} = {xs[0]}" if len(xs) == 1 else f"({', '.join(map(str, xs))})"
        return f"{p.name} has a pole or a corner at {point}"
    return ""


def remedy_value(p: Primitive, xs: Sequence[float], names: Sequence[str]) -> str:
    """What to do about a number that is nan or inf."""
    if any(map(math.isinf, xs)):
        if p.name in PRODUCTS and _is_zero_times_inf(p, xs):
            return (
                "a factor of 0 does not mask an infinity: choose with where(condition, x, y) "
                "instead of multiplying, and make the input safe before the function that gave inf"
            )
        return "see where the infinity came from, above, and keep it from being made"
    outside = next((k for k in range(len(xs)) if _at_or_beyond(p, k, xs[k])), None)
    if outside is None:
        return INSTEAD.get(
            p.name, f"{_SMALLER}, or compute with logarithms (logsumexp, softplus, log_sigmoid)"
        )
    inside = _inside(names[outside], p.domain[outside % len(p.domain)])
    keep = INSTEAD.get(p.name, f"keep {inside}: clip or maximum before {p.name}")
    return (  # whether a where is to leave it out is not known while it is made
        f"{keep}. A where around it does not help, for it computes both branches: put one inside "
        f"as well, {_double_where(p, outside)}"
    )


def why_gradient(
    p: Primitive, xs: Sequence[float], names: Sequence[str], y: float, upstream: float, local: float
) -> str:
    """Why upstream * local, of the derivative of p by one of its operands, is nan or inf."""
    if math.isnan(upstream):
        return "the gradient that came was nan already"
    if not math.isfinite(local):
        if not math.isfinite(y):
            reason = f"for its value is {y} already"
        else:
            there = why_there(p, xs, names)
            reason = f"for {there}" if there else f"for it is too large: {LARGEST}"
        reason = f"its local derivative there is {local}, {reason}"
        return reason + (f"; and 0 * {local} is nan" if upstream == 0.0 else "")
    if math.isinf(upstream):
        return f"the gradient that came was {upstream} already" + (
            ", and inf * 0 is nan" if local == 0.0 else ""
        )
    return f"the product of two finite numbers is too large: {LARGEST}"


def remedy_gradient(p: Primitive, upstream: float, local: float) -> str:
    """What to do about a gradient that is nan or inf."""
    if upstream == 0.0 and not math.isfinite(local):
        return (
            "a result that is multiplied by 0 (a mask), or dropped by relu or clip, still gets its "
            f"derivative, and 0 * {local} is nan. Make the input safe before the function, then "
            f"choose (the double where): {_double_where(p, 0)}"
        )
    if not math.isfinite(local):
        if p.name in INSTEAD:
            return INSTEAD[p.name]
        return f"keep the input of {p.name} away from there: clip or maximum before it, or where"
    return f"clip the gradients (clipnorm=1.0 in the optimizers of nn); {_SMALLER}"


# --- parts of sentences ---------------------------------------------------------------------------


def _inside(name: str, interval: Interval) -> str:
    low, high = interval
    below = "" if low == -math.inf else f"{low:g} < "
    above = "" if high == math.inf else f" < {high:g}"
    return f"{name} > {low:g}" if below and not above else f"{below}{name}{above}"


def _double_where(p: Primitive, k: int) -> str:
    """One around the primitive, and one that makes its operand k safe."""
    operands = operand_names(p, k + 1)
    operands[k] = f"where(ok, {operands[k]}, {_safe(p.domain[k % len(p.domain)])})"
    return f"where(ok, {p.name}({', '.join(operands)}), 0.0)"


def _safe(interval: Interval) -> float:
    """A number well inside."""
    low, high = interval
    if high < math.inf and low > -math.inf:
        return (low + high) / 2.0
    return low + 1.0 if low > -math.inf else 1.0


def _at_or_beyond(p: Primitive, k: int, x: float) -> bool:
    low, high = p.domain[k % len(p.domain)]
    return (low, high) != REAL and not low < x < high


def _is_zero_times_inf(p: Primitive, xs: Sequence[float]) -> bool:
    if p.name == "dot":
        n = len(xs) // 2
        pairs = list(zip(xs[:n], xs[n : 2 * n], strict=True))
    else:
        pairs = [(min(xs, key=abs), max(xs, key=abs))]
    return p.name in PRODUCTS and any(0.0 in pair and any(map(math.isinf, pair)) for pair in pairs)


def _overflow(p: Primitive, xs: Sequence[float], names: Sequence[str], y: float) -> str:
    """That the result is too large, and of one operand from where on."""
    if not math.isinf(y):
        if p.name in SUMS | PRODUCTS:
            return f"a sum or product on the way is too large ({LARGEST}), and inf - inf is nan"
        return ""
    if len(xs) == 1 and p.domain[0] == REAL and math.isfinite(p.forward(0.0)):
        good, bad = 0.0, xs[0]
        while abs(bad - good) > 1e-12 * abs(bad):
            middle = (good + bad) / 2.0
            good, bad = (middle, bad) if math.isfinite(p.forward(middle)) else (good, middle)
        side = "above" if xs[0] > 0.0 else "below"
        return f"{p.name} overflows {side} {names[0]} = {good:.6g} ({LARGEST})"
    return f"the result is too large: {LARGEST}"
