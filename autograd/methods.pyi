# Generated from the table of primitives by `make stubs`; do not edit.

from autograd.value import Value

class Methods:
    """The methods of Value that come from the table: x.tanh(), x.exp() ..."""
    def __lt__(self, other: Value | float) -> bool: ...
    def __le__(self, other: Value | float) -> bool: ...
    def __gt__(self, other: Value | float) -> bool: ...
    def __ge__(self, other: Value | float) -> bool: ...
    def __add__(self, other: Value | float) -> Value: ...
    def __radd__(self, other: Value | float) -> Value: ...
    def __sub__(self, other: Value | float) -> Value: ...
    def __rsub__(self, other: Value | float) -> Value: ...
    def __mul__(self, other: Value | float) -> Value: ...
    def __rmul__(self, other: Value | float) -> Value: ...
    def __truediv__(self, other: Value | float) -> Value: ...
    def __rtruediv__(self, other: Value | float) -> Value: ...
    def __pow__(self, other: Value | float) -> Value: ...
    def __rpow__(self, other: Value | float) -> Value: ...
    def __neg__(self) -> Value: ...
    def __abs__(self) -> Value: ...

    def acos(self) -> Value:
        """arc cosine, in radians. Real for -1 < x < 1."""

    def acosh(self) -> Value:
        """the inverse of cosh. Real for x > 1."""

    def arccos(self) -> Value:
        """arc cosine, in radians. Real for -1 < x < 1."""

    def arccosh(self) -> Value:
        """the inverse of cosh. Real for x > 1."""

    def arcsin(self) -> Value:
        """arc sine, in radians. Real for -1 < x < 1."""

    def arcsinh(self) -> Value:
        """the inverse of sinh."""

    def arctan(self) -> Value:
        """arc tangent, in radians."""

    def arctan2(self, x: Value | float) -> Value:
        """the angle of the point (x, y), in radians."""

    def arctanh(self) -> Value:
        """the inverse of tanh. Real for -1 < x < 1."""

    def asin(self) -> Value:
        """arc sine, in radians. Real for -1 < x < 1."""

    def asinh(self) -> Value:
        """the inverse of sinh."""

    def atan(self) -> Value:
        """arc tangent, in radians."""

    def atan2(self, x: Value | float) -> Value:
        """the angle of the point (x, y), in radians."""

    def atanh(self) -> Value:
        """the inverse of tanh. Real for -1 < x < 1."""

    def cbrt(self) -> Value:
        """x ** (1/3)."""

    def clip(self, low: Value | float, high: Value | float) -> Value:
        """x, but at least low and at most high."""

    def conjugate(self) -> Value: ...

    def cos(self) -> Value:
        """cosine, x in radians."""

    def cosh(self) -> Value:
        """(exp(x) + exp(-x)) / 2."""

    def digamma(self) -> Value:
        """the derivative of lgamma. Real for x > 0."""

    def elu(self, alpha: Value | float = 1.0) -> Value:
        """x if x > 0 else alpha * (exp(x) - 1)."""

    def erf(self) -> Value:
        """the error function."""

    def erfc(self) -> Value:
        """1 - erf(x), exact for large x."""

    def exp(self) -> Value:
        """e ** x."""

    def exp2(self) -> Value:
        """2 ** x."""

    def expm1(self) -> Value:
        """exp(x) - 1, exact near 0."""

    def gelu(self) -> Value:
        """x * Phi(x), Phi the normal distribution function."""

    def hypot(self, y: Value | float) -> Value:
        """sqrt(x*x + y*y)."""

    def leaky_relu(self, slope: Value | float = 0.01) -> Value:
        """x if x > 0 else slope * x."""

    def lgamma(self) -> Value:
        """ln|Gamma(x)|. Real for x > 0."""

    def log(self) -> Value:
        """ln(x). Real for x > 0."""

    def log10(self) -> Value:
        """ln(x) / ln(10). Real for x > 0."""

    def log1p(self) -> Value:
        """ln(1 + x), exact near 0. Real for x > -1."""

    def log2(self) -> Value:
        """ln(x) / ln(2). Real for x > 0."""

    def log_sigmoid(self) -> Value:
        """-ln(1 + exp(-x))."""

    def logaddexp(self, y: Value | float) -> Value:
        """ln(exp(x) + exp(y))."""

    def maximum(self, y: Value | float) -> Value:
        """the larger one."""

    def minimum(self, y: Value | float) -> Value:
        """the smaller one."""

    def reciprocal(self) -> Value:
        """1 / x."""

    def relu(self) -> Value:
        """x if x > 0 else 0."""

    def sech(self) -> Value:
        """1 / cosh(x)."""

    def selu(self) -> Value:
        """scale * elu(x, alpha), Klambauer et al. 2017."""

    def sigmoid(self) -> Value:
        """1 / (1 + exp(-x))."""

    def sign(self) -> Value:
        """-1, 0 or 1."""

    def silu(self) -> Value:
        """x * sigmoid(x)."""

    def sin(self) -> Value:
        """sine, x in radians."""

    def sinh(self) -> Value:
        """(exp(x) - exp(-x)) / 2."""

    def softplus(self) -> Value:
        """ln(1 + exp(x))."""

    def sqrt(self) -> Value:
        """x ** 0.5. Real for x > 0."""

    def square(self) -> Value:
        """x * x."""

    def step(self) -> Value:
        """1 if x > 0 else 0."""

    def stop_gradient(self) -> Value:
        """x."""

    def tan(self) -> Value:
        """tangent, x in radians."""

    def tanh(self) -> Value:
        """sinh(x) / cosh(x)."""
