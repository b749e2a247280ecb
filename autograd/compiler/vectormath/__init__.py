"""The elementary functions as formulas over vector registers: no calls, no tables, no branches.

One call of the C library for each lane costs more than all else in a compiled network; here exp of
8 lanes is 25 instructions. Each function is written once over a namespace `m` of vector operations,
as the rules of the table are; `m.bits` says whether the lanes hold float64 or float32. Special
values are those of ieee.py, and errors stay under 2 units in the last place.

What every formula rests on:
- `m.fma(a, b, c)` rounds a * b + c once. `x - k * pi` is exact by it, and a sum whose large term is
  added last has hardly more than that one rounding.
- A comparison with nan is false, so nan passes through `where(gt(x, high), high, x)`.
- Lanes outside a formula's domain compute garbage, which a `where` at its end replaces. So
  `m.power_of_two`, `m.exponent` and `m.mantissa` may return anything out of their range, but must
  not be poison there, as LLVM's fptosi is.
- Zeros keep their signs by a copysign at the end: -0.0 + 0.0 is 0.0.
"""

from collections.abc import Callable
from typing import Any

from autograd.compiler.vectormath import activations, exponential, trigonometric

FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: getattr(module, name)
    for module, names in {
        exponential: "exp exp2 expm1 log log2 log10 log1p sinh cosh tanh sech asinh acosh atanh",
        trigonometric: "sin cos tan asin acos atan atan2 hypot",
        activations: "sigmoid silu softplus log_sigmoid logaddexp gelu erf erfc",
    }.items()
    for name in names.split()
}
