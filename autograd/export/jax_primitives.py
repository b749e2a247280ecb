"""The primitives of the table as functions of JAX, with the table's own derivatives.

Each primitive's rule runs over `jax.numpy`, so that kinks and poles are what they are here, and
derivatives have derivatives.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero
from jax.scipy import special

from autograd.compiler.lower import compute
from autograd.compiler.tape import EXTRA
from autograd.primitives import TABLE


class _Numbers:
    """`m` for the formulas of `compiler/lower.py`."""

    exact, outlined = True, None  # formulas as they stand, which is what XLA fuses

    add, sub, mul, div = jnp.add, jnp.subtract, jnp.multiply, jnp.divide
    neg, abs, sqrt, where, copysign = jnp.negative, jnp.abs, jnp.sqrt, jnp.where, jnp.copysign
    gt, ge, lt, le, eq = jnp.greater, jnp.greater_equal, jnp.less, jnp.less_equal, jnp.equal
    is_nan, either = jnp.isnan, jnp.logical_or

    @staticmethod
    def truth(x: Any) -> Any:
        return x != 0.0

    @staticmethod
    def each(name: str, *operands: Any) -> Any:
        return _LIBRARY[name.removeprefix("glassgrad_")](*operands)


def _polygamma(order: Any, x: Any) -> Any:
    """By the zeta function, Abramowitz & Stegun 6.4.10; for negative x JAX's has wrong digits."""
    n = jnp.maximum(order, 1.0)
    size = jnp.exp(special.gammaln(n + 1.0)) * special.zeta(n + 1.0, x)
    above = jnp.where(x < 0.0, jnp.nan, jnp.where(n % 2.0 == 1.0, size, -size))
    whole = (order >= 0.0) & (order % 1.0 == 0.0)
    return jnp.where(whole, jnp.where(order == 0.0, special.digamma(x), above), jnp.nan)


_LIBRARY: dict[str, Callable[..., Any]] = {
    "exp": jnp.exp, "exp2": jnp.exp2, "expm1": jnp.expm1, "log": jnp.log, "log2": jnp.log2,
    "log10": jnp.log10, "log1p": jnp.log1p, "sin": jnp.sin, "cos": jnp.cos, "tan": jnp.tan,
    "asin": jnp.arcsin, "acos": jnp.arccos, "atan": jnp.arctan, "atan2": jnp.arctan2,
    "sinh": jnp.sinh, "cosh": jnp.cosh, "tanh": jnp.tanh, "asinh": jnp.arcsinh,
    "acosh": jnp.arccosh, "atanh": jnp.arctanh, "erf": special.erf, "erfc": special.erfc,
    "pow": jnp.power, "cbrt": jnp.cbrt, "hypot": jnp.hypot, "lgamma": special.gammaln,
    "digamma": special.digamma, "polygamma": _polygamma,
}  # fmt: skip

# JAX's own derivatives of these are the table's
_PLAIN = {"identity", "add", "sub", "mul", "neg", "where", *EXTRA}


@lru_cache(maxsize=1024)
def function_of(op: str) -> Callable[..., Any]:
    """An operation of a tape on arrays, with the derivative that the table says."""

    def forward(*operands: Any) -> Any:
        return operands[0] if op == "stop_gradient" else compute(_Numbers, op, *operands)

    if op in _PLAIN:
        return forward
    function: Any = jax.custom_jvp(forward)

    def jvp(operands: Any, tangents: Any) -> Any:
        y = function(*operands)
        tangent = jnp.zeros_like(y)
        for d, t in zip(TABLE[op].partials(_RULES, y, *operands), tangents, strict=True):
            # an operand that stands still adds nothing, though its derivative be infinite
            if d is not None and not isinstance(t, SymbolicZero):
                tangent = tangent + d * t
        return y, tangent

    function.defjvp(jvp, symbolic_zeros=True)
    apply: Callable[..., Any] = function
    return apply


class _Rules:
    """`m` for the rules of the table, so that derivatives have derivatives."""

    def __getattr__(self, op: str) -> Callable[..., Any]:
        def apply(*operands: Any) -> Any:
            dtype = jnp.result_type(*operands)
            return function_of(op)(*[jnp.asarray(x, dtype) for x in operands])

        return apply


_RULES = _Rules()
