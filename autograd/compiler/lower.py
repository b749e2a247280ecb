"""What each operation of a tape is in machine arithmetic: formulas over the namespace of `emit`.

They follow `ieee.py` branch by branch, with a choice of results for each branch, so that the
bits are the same; the C library's functions are called lane by lane. Where `m.exact` does not ask
for that, `vectormath` has faster formulas for some.
"""

import math
from collections.abc import Callable
from typing import Any

from autograd import ieee
from autograd.compiler.callbacks import symbol
from autograd.compiler.vectormath import FUNCTIONS

LN2 = math.log(2.0)


def compute(m: Any, op: str, *operands: Any) -> Any:
    """The result of an operation of the table, or of the tape's own."""
    if op not in FORMULAS:  # a user's own, of which there is a Python function alone
        return m.each(symbol(op, len(operands)), *operands)
    formula = FUNCTIONS[op] if op in FUNCTIONS and not m.exact else FORMULAS[op]
    if m.outlined is None or op not in _LONG:
        return formula(m, *operands)
    return m.outline(op, formula, operands)


def _bit(m: Any, mask: str) -> str:
    result: str = m.where(mask, 1.0, 0.0)
    return result


def _maximum(m: Any, a: Any, b: Any) -> Any:
    return m.where(m.either(m.gt(a, b), m.is_nan(a)), a, b)


def _minimum(m: Any, a: Any, b: Any) -> Any:
    return m.where(m.either(m.lt(a, b), m.is_nan(a)), a, b)


def _exp(m: Any, a: Any) -> Any:
    return compute(m, "exp", a)


def _sigmoid(m: Any, a: Any) -> Any:
    e = _exp(m, m.neg(m.abs(a)))
    return m.div(m.where(m.ge(a, 0.0), 1.0, e), m.add(1.0, e))


def _softplus(m: Any, a: Any) -> Any:
    return m.add(_maximum(m, a, 0.0), compute(m, "log1p", _exp(m, m.neg(m.abs(a)))))


def _logaddexp(m: Any, a: Any, b: Any) -> Any:
    apart = compute(m, "log1p", _exp(m, m.neg(m.abs(m.sub(a, b)))))
    return m.where(m.eq(a, b), m.add(a, LN2), m.add(_maximum(m, a, b), apart))


def _step(m: Any, a: Any) -> Any:
    return m.where(m.gt(a, 0.0), 1.0, m.where(m.le(a, 0.0), 0.0, math.nan))


def _sign(m: Any, a: Any) -> Any:
    sign = m.where(m.is_nan(a), math.nan, m.copysign(1.0, a))
    return m.where(m.eq(a, 0.0), 0.0, sign)


def _elu(m: Any, a: Any, alpha: Any) -> Any:
    return m.where(m.gt(a, 0.0), a, m.mul(alpha, compute(m, "expm1", a)))


def _silu(m: Any, a: Any) -> Any:
    return m.where(m.eq(a, -math.inf), 0.0, m.mul(a, _sigmoid(m, a)))


def _gelu(m: Any, a: Any) -> Any:
    tail = compute(m, "erfc", m.div(m.neg(a), math.sqrt(2.0)))
    return m.where(m.eq(a, -math.inf), 0.0, m.mul(a, m.mul(0.5, tail)))


def _c(name: str) -> Callable[..., Any]:
    """The C library's function, or one of `CALLBACKS`."""
    return lambda m, *operands: m.each(name, *operands)


# fmt: off
FORMULAS: dict[str, Callable[..., Any]] = {
    "identity":   lambda m, a: a,
    "add":        lambda m, a, b: m.add(a, b),
    "sub":        lambda m, a, b: m.sub(a, b),
    "mul":        lambda m, a, b: m.mul(a, b),
    "div":        lambda m, a, b: m.div(a, b),
    "neg":        lambda m, a: m.neg(a),
    "square":     lambda m, a: m.mul(a, a),
    "reciprocal": lambda m, a: m.div(1.0, a),
    "sqrt":       lambda m, a: m.sqrt(a),
    "abs":        lambda m, a: m.abs(a),
    "sign":       _sign,
    "step":       _step,
    "relu":       lambda m, a: m.where(m.le(a, 0.0), 0.0, a),
    "leaky_relu": lambda m, a, slope: m.where(m.gt(a, 0.0), a, m.mul(slope, a)),
    "elu":        _elu,
    "selu":       lambda m, a: m.mul(ieee.SELU_SCALE, _elu(m, a, ieee.SELU_ALPHA)),
    "silu":       _silu,
    "gelu":       _gelu,
    "sigmoid":    _sigmoid,
    "softplus":   _softplus,
    "log_sigmoid": lambda m, a: m.neg(_softplus(m, m.neg(a))),
    "logaddexp":  _logaddexp,
    "sech":       lambda m, a: m.div(1.0, compute(m, "cosh", a)),
    "maximum":    _maximum,
    "minimum":    _minimum,
    "clip":       lambda m, a, low, high: _minimum(m, _maximum(m, a, low), high),
    "where":      lambda m, c, a, b: m.where(m.truth(c), a, b),
    "gt":         lambda m, a, b: _bit(m, m.gt(a, b)),
    "ge":         lambda m, a, b: _bit(m, m.ge(a, b)),
    "lt":         lambda m, a, b: _bit(m, m.lt(a, b)),
    "le":         lambda m, a, b: _bit(m, m.le(a, b)),
    "eq":         lambda m, a, b: _bit(m, m.eq(a, b)),
}
# fmt: on


def _take(m: Any, index: Any, *rows: Any) -> Any:
    chosen: Any = math.nan
    for i, x in enumerate(rows):
        chosen = m.where(m.eq(index, float(i)), x, chosen)
    return chosen


def _largest(m: Any, *xs: Any) -> Any:
    top = xs[0]
    for x in xs[1:]:
        top = m.where(m.gt(x, top), x, top)
    return top


FORMULAS["take"] = _take
FORMULAS["largest"] = _largest
# Python's math has algorithms of its own for these, or there is none in C
CALLBACKS = {
    f"glassgrad_{name}": getattr(ieee, name) for name in ("hypot", "lgamma", "digamma", "polygamma")
}
FORMULAS |= {name.removeprefix("glassgrad_"): _c(name) for name in CALLBACKS}
_IN_C = (
    "exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan atan2 sinh cosh tanh asinh "
    "acosh atanh erf erfc pow cbrt"
)
FORMULAS |= {name: _c(name) for name in _IN_C.split()}
_LONG = FUNCTIONS.keys() | {"elu", "selu", *_IN_C.split()}
