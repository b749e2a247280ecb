# Generated from the table of primitives by `make stubs`; do not edit.

from collections.abc import Callable
from typing import Any, overload

from autograd.primitives import Primitive
from autograd.value import Value

ELEMENTWISE: dict[str, Any]

def call(p: Primitive, *operands: Any) -> Any: ...
def primal(x: Any) -> float: ...
def function_of(p: Primitive) -> Callable[..., Any]: ...

@overload
def identity(x: Value) -> Value:
    """x."""

@overload
def identity(x: float) -> float:
    """x."""

@overload
def identity(x: Any) -> Any:
    """x."""

@overload
def stop_gradient(x: Value) -> Value:
    """x."""

@overload
def stop_gradient(x: float) -> float:
    """x."""

@overload
def stop_gradient(x: Any) -> Any:
    """x."""

@overload
def add(x: float, y: float) -> float:  # type: ignore[overload-overlap]
    """x + y."""

@overload
def add(x: Value | float, y: Value | float) -> Value:
    """x + y."""

@overload
def add(x: Any, y: Any) -> Any:
    """x + y."""

@overload
def sub(x: float, y: float) -> float:  # type: ignore[overload-overlap]
    """x - y."""

@overload
def sub(x: Value | float, y: Value | float) -> Value:
    """x - y."""

@overload
def sub(x: Any, y: Any) -> Any:
    """x - y."""

@overload
def mul(x: float, y: float) -> float:  # type: ignore[overload-overlap]
    """x * y."""

@overload
def mul(x: Value | float, y: Value | float) -> Value:
    """x * y."""

@overload
def mul(x: Any, y: Any) -> Any:
    """x * y."""

@overload
def div(x: float, y: float) -> float:  # type: ignore[overload-overlap]
    """x / y."""

@overload
def div(x: Value | float, y: Value | float) -> Value:
    """x / y."""

@overload
def div(x: Any, y: Any) -> Any:
    """x / y."""

@overload
def neg(x: Value) -> Value:
    """-x."""

@overload
def neg(x: float) -> float:
    """-x."""

@overload
def neg(x: Any) -> Any:
    """-x."""

@overload
def pow(x: float, y: float) -> float:  # type: ignore[overload-overlap]
    """x ** y. Real for x > 0."""

@overload
def pow(x: Value | float, y: Value | float) -> Value:
    """x ** y. Real for x > 0."""

@overload
def pow(x: Any, y: Any) -> Any:
    """x ** y. Real for x > 0."""

@overload
def square(x: Value) -> Value:
    """x * x."""

@overload
def square(x: float) -> float:
    """x * x."""

@overload
def square(x: Any) -> Any:
    """x * x."""

@overload
def reciprocal(x: Value) -> Value:
    """1 / x."""

@overload
def reciprocal(x: float) -> float:
    """1 / x."""

@overload
def reciprocal(x: Any) -> Any:
    """1 / x."""

@overload
def sqrt(x: Value) -> Value:
    """x ** 0.5. Real for x > 0."""

@overload
def sqrt(x: float) -> float:
    """x ** 0.5. Real for x > 0."""

@overload
def sqrt(x: Any) -> Any:
    """x ** 0.5. Real for x > 0."""

@overload
def cbrt(x: Value) -> Value:
    """x ** (1/3)."""

@overload
def cbrt(x: float) -> float:
    """x ** (1/3)."""

@overload
def cbrt(x: Any) -> Any:
    """x ** (1/3)."""

@overload
def exp(x: Value) -> Value:
    """e ** x."""

@overload
def exp(x: float) -> float:
    """e ** x."""

@overload
def exp(x: Any) -> Any:
    """e ** x."""

@overload
def exp2(x: Value) -> Value:
    """2 ** x."""

@overload
def exp2(x: float) -> float:
    """2 ** x."""

@overload
def exp2(x: Any) -> Any:
    """2 ** x."""

@overload
def expm1(x: Value) -> Value:
    """exp(x) - 1, exact near 0."""

@overload
def expm1(x: float) -> float:
    """exp(x) - 1, exact near 0."""

@overload
def expm1(x: Any) -> Any:
    """exp(x) - 1, exact near 0."""

@overload
def log(x: Value) -> Value:
    """ln(x). Real for x > 0."""

@overload
def log(x: float) -> float:
    """ln(x). Real for x > 0."""

@overload
def log(x: Any) -> Any:
    """ln(x). Real for x > 0."""

@overload
def log2(x: Value) -> Value:
    """ln(x) / ln(2). Real for x > 0."""

@overload
def log2(x: float) -> float:
    """ln(x) / ln(2). Real for x > 0."""

@overload
def log2(x: Any) -> Any:
    """ln(x) / ln(2). Real for x > 0."""

@overload
def log10(x: Value) -> Value:
    """ln(x) / ln(10). Real for x > 0."""

@overload
def log10(x: float) -> float:
    """ln(x) / ln(10). Real for x > 0."""

@overload
def log10(x: Any) -> Any:
    """ln(x) / ln(10). Real for x > 0."""

@overload
def log1p(x: Value) -> Value:
    """ln(1 + x), exact near 0. Real for x > -1."""

@overload
def log1p(x: float) -> float:
    """ln(1 + x), exact near 0. Real for x > -1."""

@overload
def log1p(x: Any) -> Any:
    """ln(1 + x), exact near 0. Real for x > -1."""

@overload
def logaddexp(x: float, y: float) -> float:  # type: ignore[overload-overlap]
    """ln(exp(x) + exp(y))."""

@overload
def logaddexp(x: Value | float, y: Value | float) -> Value:
    """ln(exp(x) + exp(y))."""

@overload
def logaddexp(x: Any, y: Any) -> Any:
    """ln(exp(x) + exp(y))."""

@overload
def sin(x: Value) -> Value:
    """sine, x in radians."""

@overload
def sin(x: float) -> float:
    """sine, x in radians."""

@overload
def sin(x: Any) -> Any:
    """sine, x in radians."""

@overload
def cos(x: Value) -> Value:
    """cosine, x in radians."""

@overload
def cos(x: float) -> float:
    """cosine, x in radians."""

@overload
def cos(x: Any) -> Any:
    """cosine, x in radians."""

@overload
def tan(x: Value) -> Value:
    """tangent, x in radians."""

@overload
def tan(x: float) -> float:
    """tangent, x in radians."""

@overload
def tan(x: Any) -> Any:
    """tangent, x in radians."""

@overload
def asin(x: Value) -> Value:
    """arc sine, in radians. Real for -1 < x < 1."""

@overload
def asin(x: float) -> float:
    """arc sine, in radians. Real for -1 < x < 1."""

@overload
def asin(x: Any) -> Any:
    """arc sine, in radians. Real for -1 < x < 1."""

@overload
def acos(x: Value) -> Value:
    """arc cosine, in radians. Real for -1 < x < 1."""

@overload
def acos(x: float) -> float:
    """arc cosine, in radians. Real for -1 < x < 1."""

@overload
def acos(x: Any) -> Any:
    """arc cosine, in radians. Real for -1 < x < 1."""

@overload
def atan(x: Value) -> Value:
    """arc tangent, in radians."""

@overload
def atan(x: float) -> float:
    """arc tangent, in radians."""

@overload
def atan(x: Any) -> Any:
    """arc tangent, in radians."""

@overload
def atan2(y: float, x: float) -> float:  # type: ignore[overload-overlap]
    """the angle of the point (x, y), in radians."""

@overload
def atan2(y: Value | float, x: Value | float) -> Value:
    """the angle of the point (x, y), in radians."""

@overload
def atan2(y: Any, x: Any) -> Any:
    """the angle of the point (x, y), in radians."""

@overload
def sinh(x: Value) -> Value:
    """(exp(x) - exp(-x)) / 2."""

@overload
def sinh(x: float) -> float:
    """(exp(x) - exp(-x)) / 2."""

@overload
def sinh(x: Any) -> Any:
    """(exp(x) - exp(-x)) / 2."""

@overload
def cosh(x: Value) -> Value:
    """(exp(x) + exp(-x)) / 2."""

@overload
def cosh(x: float) -> float:
    """(exp(x) + exp(-x)) / 2."""

@overload
def cosh(x: Any) -> Any:
    """(exp(x) + exp(-x)) / 2."""

@overload
def tanh(x: Value) -> Value:
    """sinh(x) / cosh(x)."""

@overload
def tanh(x: float) -> float:
    """sinh(x) / cosh(x)."""

@overload
def tanh(x: Any) -> Any:
    """sinh(x) / cosh(x)."""

@overload
def sech(x: Value) -> Value:
    """1 / cosh(x)."""

@overload
def sech(x: float) -> float:
    """1 / cosh(x)."""

@overload
def sech(x: Any) -> Any:
    """1 / cosh(x)."""

@overload
def asinh(x: Value) -> Value:
    """the inverse of sinh."""

@overload
def asinh(x: float) -> float:
    """the inverse of sinh."""

@overload
def asinh(x: Any) -> Any:
    """the inverse of sinh."""

@overload
def acosh(x: Value) -> Value:
    """the inverse of cosh. Real for x > 1."""

@overload
def acosh(x: float) -> float:
    """the inverse of cosh. Real for x > 1."""

@overload
def acosh(x: Any) -> Any:
    """the inverse of cosh. Real for x > 1."""

@overload
def atanh(x: Value) -> Value:
    """the inverse of tanh. Real for -1 < x < 1."""

@overload
def atanh(x: float) -> float:
    """the inverse of tanh. Real for -1 < x < 1."""

@overload
def atanh(x: Any) -> Any:
    """the inverse of tanh. Real for -1 < x < 1."""

@overload
def sigmoid(x: Value) -> Value:
    """1 / (1 + exp(-x))."""

@overload
def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x))."""

@overload
def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x))."""

@overload
def log_sigmoid(x: Value) -> Value:
    """-ln(1 + exp(-x))."""

@overload
def log_sigmoid(x: float) -> float:
    """-ln(1 + exp(-x))."""

@overload
def log_sigmoid(x: Any) -> Any:
    """-ln(1 + exp(-x))."""

@overload
def softplus(x: Value) -> Value:
    """ln(1 + exp(x))."""

@overload
def softplus(x: float) -> float:
    """ln(1 + exp(x))."""

@overload
def softplus(x: Any) -> Any:
    """ln(1 + exp(x))."""

@overload
def relu(x: Value) -> Value:
    """x if x > 0 else 0."""

@overload
def relu(x: float) -> float:
    """x if x > 0 else 0."""

@overload
def relu(x: Any) -> Any:
    """x if x > 0 else 0."""

@overload
def leaky_relu(x: float, slope: float = 0.01) -> float:  # type: ignore[overload-overlap]
    """x if x > 0 else slope * x."""

@overload
def leaky_relu(x: Value | float, slope: Value | float = 0.01) -> Value:
    """x if x > 0 else slope * x."""

@overload
def leaky_relu(x: Any, slope: Any = 0.01) -> Any:
    """x if x > 0 else slope * x."""

@overload
def elu(x: float, alpha: float = 1.0) -> float:  # type: ignore[overload-overlap]
    """x if x > 0 else alpha * (exp(x) - 1)."""

@overload
def elu(x: Value | float, alpha: Value | float = 1.0) -> Value:
    """x if x > 0 else alpha * (exp(x) - 1)."""

@overload
def elu(x: Any, alpha: Any = 1.0) -> Any:
    """x if x > 0 else alpha * (exp(x) - 1)."""

@overload
def selu(x: Value) -> Value:
    """scale * elu(x, alpha), Klambauer et al. 2017."""

@overload
def selu(x: float) -> float:
    """scale * elu(x, alpha), Klambauer et al. 2017."""

@overload
def selu(x: Any) -> Any:
    """scale * elu(x, alpha), Klambauer et al. 2017."""

@overload
def silu(x: Value) -> Value:
    """x * sigmoid(x)."""

@overload
def silu(x: float) -> float:
    """x * sigmoid(x)."""

@overload
def silu(x: Any) -> Any:
    """x * sigmoid(x)."""

@overload
def gelu(x: Value) -> Value:
    """x * Phi(x), Phi the normal distribution function."""

@overload
def gelu(x: float) -> float:
    """x * Phi(x), Phi the normal distribution function."""

@overload
def gelu(x: Any) -> Any:
    """x * Phi(x), Phi the normal distribution function."""

@overload
def step(x: Value) -> Value:
    """1 if x > 0 else 0."""

@overload
def step(x: float) -> float:
    """1 if x > 0 else 0."""

@overload
def step(x: Any) -> Any:
    """1 if x > 0 else 0."""

@overload
def erf(x: Value) -> Value:
    """the error function."""

@overload
def erf(x: float) -> float:
    """the error function."""

@overload
def erf(x: Any) -> Any:
    """the error function."""

@overload
def erfc(x: Value) -> Value:
    """1 - erf(x), exact for large x."""

@overload
def erfc(x: float) -> float:
    """1 - erf(x), exact for large x."""

@overload
def erfc(x: Any) -> Any:
    """1 - erf(x), exact for large x."""

@overload
def lgamma(x: Value) -> Value:
    """ln|Gamma(x)|. Real for x > 0."""

@overload
def lgamma(x: float) -> float:
    """ln|Gamma(x)|. Real for x > 0."""

@overload
def lgamma(x: Any) -> Any:
    """ln|Gamma(x)|. Real for x > 0."""

@overload
def digamma(x: Value) -> Value:
    """the derivative of lgamma. Real for x > 0."""

@overload
def digamma(x: float) -> float:
    """the derivative of lgamma. Real for x > 0."""

@overload
def digamma(x: Any) -> Any:
    """the derivative of lgamma. Real for x > 0."""

@overload
def polygamma(order: float, x: float) -> float:  # type: ignore[overload-overlap]
    """the order-th derivative of digamma. Real for x > 0."""

@overload
def polygamma(order: Value | float, x: Value | float) -> Value:
    """the order-th derivative of digamma. Real for x > 0."""

@overload
def polygamma(order: Any, x: Any) -> Any:
    """the order-th derivative of digamma. Real for x > 0."""

@overload
def abs(x: Value) -> Value:
    """x if x > 0 else -x."""

@overload
def abs(x: float) -> float:
    """x if x > 0 else -x."""

@overload
def abs(x: Any) -> Any:
    """x if x > 0 else -x."""

@overload
def sign(x: Value) -> Value:
    """-1, 0 or 1."""

@overload
def sign(x: float) -> float:
    """-1, 0 or 1."""

@overload
def sign(x: Any) -> Any:
    """-1, 0 or 1."""

@overload
def hypot(x: float, y: float) -> float:  # type: ignore[overload-overlap]
    """sqrt(x*x + y*y)."""

@overload
def hypot(x: Value | float, y: Value | float) -> Value:
    """sqrt(x*x + y*y)."""

@overload
def hypot(x: Any, y: Any) -> Any:
    """sqrt(x*x + y*y)."""

@overload
def maximum(x: float, y: float) -> float:  # type: ignore[overload-overlap]
    """the larger one."""

@overload
def maximum(x: Value | float, y: Value | float) -> Value:
    """the larger one."""

@overload
def maximum(x: Any, y: Any) -> Any:
    """the larger one."""

@overload
def minimum(x: float, y: float) -> float:  # type: ignore[overload-overlap]
    """the smaller one."""

@overload
def minimum(x: Value | float, y: Value | float) -> Value:
    """the smaller one."""

@overload
def minimum(x: Any, y: Any) -> Any:
    """the smaller one."""

@overload
def clip(x: float, low: float, high: float) -> float:  # type: ignore[overload-overlap]
    """x, but at least low and at most high."""

@overload
def clip(x: Value | float, low: Value | float, high: Value | float) -> Value:
    """x, but at least low and at most high."""

@overload
def clip(x: Any, low: Any, high: Any) -> Any:
    """x, but at least low and at most high."""

@overload
def where(condition: float, x: float, y: float) -> float:  # type: ignore[overload-overlap]
    """x if condition else y."""

@overload
def where(condition: Value | float, x: Value | float, y: Value | float) -> Value:
    """x if condition else y."""

@overload
def where(condition: Any, x: Any, y: Any) -> Any:
    """x if condition else y."""
