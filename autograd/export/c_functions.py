"""What each operation of a tape is in C99: an expression, or a small static function.

They follow `ieee.py` step by step, so that the bits are the same wherever Python's `math` calls the
C library. Where it has code of its own (hypot, lgamma) there is a formula here that rounds alike.
"""

import math
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd import ieee
from autograd.compiler.callbacks import is_callback
from autograd.errors import ExportError
from autograd.export import gamma

# fmt: off
EXPRESSIONS = {
    "identity":     "{0}",
    "stop_gradient": "{0}",
    "add":          "{0} + {1}",
    "sub":          "{0} - {1}",
    "mul":          "{0} * {1}",
    "div":          "{0} / {1}",
    "neg":          "-{0}",
    "square":       "{0} * {0}",
    "reciprocal":   "1.0 / {0}",
    "abs":          "fabs({0})",
    "gt":           "{0} > {1} ? 1.0 : 0.0",
    "ge":           "{0} >= {1} ? 1.0 : 0.0",
    "lt":           "{0} < {1} ? 1.0 : 0.0",
    "le":           "{0} <= {1} ? 1.0 : 0.0",
    "eq":           "{0} == {1} ? 1.0 : 0.0",
    "where":        "{0} != 0.0 ? {1} : {2}",
    "relu":         "{0} <= 0.0 ? 0.0 : {0}",
    "leaky_relu":   "{0} > 0.0 ? {0} : {1} * {0}",
    "maximum":      "larger({0}, {1})",
    "minimum":      "smaller({0}, {1})",
    "digamma":      "polygamma(0.0, {0})",
    "lgamma":       "log_gamma({0})",
    "hypot":        "hypotenuse({0}, {1})",
}
LIBRARY = frozenset((
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "cos", "cosh", "erf",
    "erfc", "exp", "exp2", "expm1", "log", "log10", "log1p", "log2", "pow", "sin", "sinh", "sqrt",
    "tan", "tanh",
))
# What the functions below call beside those
_ALSO = ("copysign", "fabs", "floor", "fmod", "frexp", "ldexp", "rint", "round")
# fmt: on
_MANY = frozenset(("total", "mean", "prod", "dot", "logsumexp", "take", "largest"))


def _numbers(numbers: Iterable[float], indent: str = "        ") -> str:
    return ",\n".join(f"{indent}{x!r}" for x in numbers)


# The static functions; each may call those before it. `double`, the numbers and the names of the
# library's functions are what `functions` writes otherwise for float32.
_FUNCTIONS = {
    "larger": """\
/* the larger one; nan if one is nan */
static double larger(double a, double b)
{
    return a > b || isnan(a) ? a : b;
}
""",
    "smaller": """\
/* the smaller one; nan if one is nan */
static double smaller(double a, double b)
{
    return a < b || isnan(a) ? a : b;
}
""",
    "clip": """\
static double clip(double a, double low, double high)
{
    return smaller(larger(a, low), high);
}
""",
    "sech": """\
static double sech(double a)
{
    return 1.0 / cosh(a);
}
""",
    "sigmoid": """\
/* 1 / (1 + exp(-a)), without overflow */
static double sigmoid(double a)
{
    if (a >= 0.0) {
        return 1.0 / (1.0 + exp(-a));
    }
    const double e = exp(a);
    return e / (1.0 + e);
}
""",
    "softplus": """\
/* log(1 + exp(a)), without overflow */
static double softplus(double a)
{
    return larger(a, 0.0) + log1p(exp(-fabs(a)));
}
""",
    "log_sigmoid": """\
static double log_sigmoid(double a)
{
    return -softplus(-a);
}
""",
    "logaddexp": f"""\
/* log(exp(a) + exp(b)), without overflow */
static double logaddexp(double a, double b)
{{
    if (a == b) {{ /* also the same infinity, whose difference would be nan */
        return a + {math.log(2.0)!r};
    }}
    return larger(a, b) + log1p(exp(-fabs(a - b)));
}}
""",
    "step": """\
static double step(double a)
{
    return a > 0.0 ? 1.0 : a <= 0.0 ? 0.0 : NAN;
}
""",
    "sign": """\
static double sign(double a)
{
    return a == 0.0 ? 0.0 : isnan(a) ? NAN : copysign(1.0, a);
}
""",
    "elu": """\
static double elu(double a, double alpha)
{
    return a > 0.0 ? a : alpha * expm1(a);
}
""",
    "selu": f"""\
/* Klambauer et al. 2017, equation 14 */
static double selu(double a)
{{
    return {ieee.SELU_SCALE!r} * elu(a, {ieee.SELU_ALPHA!r});
}}
""",
    "silu": """\
static double silu(double a)
{
    return a == -INFINITY ? 0.0 : a * sigmoid(a);
}
""",
    "gelu": f"""\
/* a times the normal distribution function; erfc keeps the digits of the left tail */
static double gelu(double a)
{{
    return a == -INFINITY ? 0.0 : a * (0.5 * erfc(-a / {math.sqrt(2.0)!r}));
}}
""",
    "total": """\
static double total(int n, const double xs[])
{
    double s = 0.0;
    for (int i = 0; i < n; i++) {
        s += xs[i];
    }
    return s;
}
""",
    "mean": """\
static double mean(int n, const double xs[])
{
    return total(n, xs) / (double)n;
}
""",
    "prod": """\
static double prod(int n, const double xs[])
{
    double p = 1.0;
    for (int i = 0; i < n; i++) {
        p *= xs[i];
    }
    return p;
}
""",
    "dot": """\
/* weights, as many inputs, and a bias */
static double dot(int n, const double xs[])
{
    double s = 0.0;
    for (int i = 0; i < n / 2; i++) {
        s += xs[i] * xs[n / 2 + i];
    }
    return s + xs[n - 1];
}
""",
    "largest": """\
static double largest(int n, const double xs[])
{
    double top = xs[0];
    for (int i = 1; i < n; i++) {
        if (xs[i] > top) {
            top = xs[i];
        }
    }
    return top;
}
""",
    "logsumexp": """\
/* log(exp(x1) + exp(x2) + ...): log1p over all but the largest keeps a small remainder */
static double logsumexp(int n, const double xs[])
{
    int first = 0;
    for (int i = 0; i < n; i++) {
        if (isnan(xs[i])) {
            return NAN;
        }
        if (xs[i] > xs[first]) {
            first = i;
        }
    }
    const double top = xs[first];
    if (isinf(top)) {
        return top;
    }
    double s = 0.0;
    for (int i = 0; i < n; i++) {
        if (i != first) {
            s += exp(xs[i] - top);
        }
    }
    return top + log1p(s);
}
""",
    "take": """\
/* xs[0] is the index, the others what it chooses from */
static double take(int n, const double xs[])
{
    const double index = xs[0];
    return index >= 0.0 && index < (double)(n - 1) && index == floor(index) ? xs[1 + (int)index]
                                                                            : NAN;
}
""",
    "two_product": """\
/* a * b, and what it was rounded by (Dekker 1971) */
static double two_product(double a, double b, double *error)
{
    const double p = a * b, s = 134217729.0 * a, t = 134217729.0 * b;
    const double a1 = s - (s - a), a2 = a - a1, b1 = t - (t - b), b2 = b - b1;
    *error = ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2;
    return p;
}
""",
    "hypotenuse": """\
/* sqrt(a * a + b * b) as if there were twice the digits on the way, and no overflow */
static double hypotenuse(double a, double b)
{
    if (isinf(a) || isinf(b)) {
        return INFINITY;
    }
    if (isnan(a) || isnan(b)) {
        return NAN;
    }
    double x = fabs(a), y = fabs(b);
    if (x < y) {
        const double other = x;
        x = y;
        y = other;
    }
    if (y == 0.0) {
        return x;
    }
    int exponent;
    x = frexp(x, &exponent);
    y = ldexp(y, -exponent);
    double xx_rest, yy_rest, hh_rest;
    const double xx = two_product(x, x, &xx_rest), yy = two_product(y, y, &yy_rest);
    const double sum = xx + yy, sum_rest = (xx - sum) + yy;
    const double h = sqrt(sum), hh = two_product(h, h, &hh_rest);
    const double rest = (sum - hh) - hh_rest + (sum_rest + (xx_rest + yy_rest));
    return ldexp(h + rest / (2.0 * h), exponent);
}
""",
    "product": """\
/* the product of the whole numbers first to last, rounded once */
static double product(int first, int last)
{
    double high = 1.0, low = 0.0;
    for (int i = first; i <= last; i++) {
        double error;
        const double p = two_product(high, (double)i, &error);
        low = low * (double)i + error;
        high = p + low;
        low = (p - high) + low;
    }
    return high;
}
""",
    "psi_series": f"""\
/* the n-th derivative of digamma at a > 0: the recurrence up to where the asymptotic series is
   exact (Abramowitz & Stegun 6.3.18, 6.4.11) */
static double psi_series(int n, double a)
{{
    static const double bernoulli[9] = {{
{_numbers(ieee._BERNOULLI)},
    }};
    const double order = (double)n;
    double x = a, s = 0.0;
    while (x < 12.0 + order) {{
        x += 1.0;
    }}
    if (n == 0) {{
        s += log(x);
        s += -0.5 / x;
        for (int k = 1; k <= 9; k++) {{
            s += -bernoulli[k - 1] / (double)(2 * k) * pow(x, -2.0 * (double)k);
        }}
        for (x = a; x < 12.0; x += 1.0) {{
            s -= pow(x, -1.0);
        }}
        return s;
    }}
    const double factorial = product(2, n);
    s += product(2, n - 1) * pow(x, -order);
    s += factorial * 0.5 * pow(x, -(order + 1.0));
    for (int k = 1; k <= 9; k++) {{
        s += bernoulli[k - 1] * product(2 * k + 1, 2 * k + n - 1) *
             pow(x, -(2.0 * (double)k + order));
    }}
    for (x = a; x < 12.0 + order; x += 1.0) {{
        s += factorial * pow(x, -(order + 1.0));
    }}
    return n % 2 ? s : -s;
}}
""",
    "near_zero": """\
/* the n-th derivative of the logarithm of gamma at zero + d, near one of its zeros: the Taylor
   series, for any other sum cancels there */
static double near_zero(int n, double zero, double d)
{
    double s = 0.0;
    for (int k = 6; k > 0; k--) {
        s += psi_series(n + k - 1, zero) * pow(d, (double)k) / product(2, k);
    }
    return s;
}
""",
    "psi": f"""\
/* the n-th derivative of digamma at a > 0 */
static double psi(int n, double a)
{{
    const double zero = {ieee._DIGAMMA_ZERO[0]!r};
    if (n == 0 && fabs(a - zero) < 1e-3) {{
        return near_zero(1, zero, a - zero - {ieee._DIGAMMA_ZERO[1]!r});
    }}
    return psi_series(n, a);
}}
""",
    "polygamma": f"""\
/* the derivative of digamma, of an order from 0 to 150; reflected for negative numbers
   (Abramowitz & Stegun 6.3.7, 6.4.7) */
static double polygamma(double order, double a)
{{
    const double pi = {math.pi!r};
    if (!(order >= 0.0 && order <= 150.0) || order != floor(order) || isnan(a) || a == -INFINITY) {{
        return NAN;
    }}
    const int n = (int)order;
    if (a <= 0.0 && a == floor(a)) {{
        return n % 2 ? INFINITY : NAN;
    }}
    if (a == INFINITY) {{
        return n == 0 ? INFINITY : 0.0;
    }}
    if (a > 0.0) {{
        return psi(n, a);
    }}
    const double f = a - rint(a);
    const double cot = fabs(f) < 0.25 ? 1.0 / tan(pi * f) : tan(pi * (copysign(0.5, f) - f));
    /* the n-th derivative of cot is a polynomial in cot, by P' * -(1 + cot * cot) */
    double p[154] = {{0.0, 1.0}};
    for (int i = 0; i < n; i++) {{
        double before = 0.0; /* what p[j - 1] was */
        for (int j = 0; j <= i + 2; j++) {{
            const double here = p[j];
            p[j] = (j < 2 ? 0.0 : 0.0 - (double)(j - 1) * before) - (double)(j + 1) * p[j + 1];
            before = here;
        }}
    }}
    double s = 0.0;
    for (int i = 0; i <= n + 1; i++) {{
        if (p[i] != 0.0) {{
            s += p[i] * pow(cot, (double)i);
        }}
    }}
    return (n % 2 ? -1.0 : 1.0) * psi(n, 1.0 - a) - pow(pi, (double)(n + 1)) * s;
}}
""",
    "log_gamma": f"""\
/* ln|gamma(a)|, by Lanczos's approximation (Pugh 2004, for g = 6.0246...); the C library's own
   would write a global sign */
static double log_gamma(double a)
{{
    static const double over[13] = {{
{_numbers(gamma.LANCZOS_OVER)},
    }};
    static const double under[13] = {{
{_numbers(gamma.LANCZOS_UNDER)},
    }};
    const double g = {gamma.LANCZOS_G!r}, pi = {math.pi!r};
    if (fabs(a - 1.0) < 1e-3) {{
        return near_zero(0, 1.0, a - 1.0);
    }}
    if (fabs(a - 2.0) < 1e-3) {{
        return near_zero(0, 2.0, a - 2.0);
    }}
    if (isnan(a)) {{
        return a;
    }}
    if (isinf(a) || (a <= 0.0 && a == floor(a))) {{
        return INFINITY;
    }}
    const double x = fabs(a);
    if (x < 1e-20) {{
        return -log(x);
    }}
    double p = 0.0, q = 0.0;
    for (int i = 0; i < 13; i++) {{ /* in powers of x or, where those are large, of 1 / x */
        p = x < 5.0 ? p * x + over[12 - i] : p / x + over[i];
        q = x < 5.0 ? q * x + under[12 - i] : q / x + under[i];
    }}
    double y = log(p / q) - g;
    y += (x - 0.5) * (log(x + g - 0.5) - 1.0);
    if (a < 0.0) {{
        const double r = fmod(x, 2.0);
        const int quarter = (int)round(2.0 * r);
        const double sine = quarter == 1   ? cos(pi * (r - 0.5))
                            : quarter == 2 ? sin(pi * (1.0 - r))
                            : quarter == 3 ? cos(pi * (r - 1.5))
                            : quarter == 4 ? sin(pi * (r - 2.0))
                                           : sin(pi * r);
        y = {math.log(math.pi)!r} - log(fabs(sine)) - log(x) - y;
    }}
    return isinf(y) ? INFINITY : y;
}}
""",
}
NAMES = frozenset({*LIBRARY, *_ALSO, *_FUNCTIONS})
_WORD = re.compile(r"[A-Za-z_]\w*")
# A number with a point or an exponent: 1.0, 1e-3
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+(?:e[+-]?\d+)?|e[+-]?\d+)")


def number(x: float, dtype: str) -> str:
    """A number as a C literal, which is the same bits again; negative ones in parentheses."""
    if math.isnan(x):
        return "NAN"
    with np.errstate(over="ignore", under="ignore"):
        rounded: Any = x if dtype == "float64" else np.float32(x)
    if math.isinf(rounded):
        return "INFINITY" if x > 0.0 else "(-INFINITY)"
    text = repr(float(x)) if dtype == "float64" else f"{rounded!s}f"
    if "." not in text and "e" not in text:
        text += ".0"
    return f"({text})" if text.startswith("-") else text


def expression(op: str, operands: list[str], dtype: str) -> str:
    """An operation on operands that are names or numbers.

    Raises ExportError for a user's own primitive whose forward is a Python function.
    """
    if is_callback(op):
        raise ExportError(
            f"expected operations that can be written in C, but primitive {op!r} computes its "
            "value with a Python function; give it a forward that is an expression over m: "
            f"primitive({op!r}, forward=lambda m, x: ..., ...)"
        )
    if op in _MANY:
        return f"{op}({len(operands)}, (const {kind(dtype)}[]){{{', '.join(operands)}}})"
    if op in EXPRESSIONS:
        text = EXPRESSIONS[op]
        return (text if dtype == "float64" else _single(text)).format(*operands)
    return f"{op}{'f' if dtype == 'float32' and op in LIBRARY else ''}({', '.join(operands)})"


def kind(dtype: str) -> str:
    """The C type."""
    return "double" if dtype == "float64" else "float"


def functions(code: str, dtype: str) -> list[str]:
    """The static functions that the code calls, and those that they call, in order."""
    needed: set[str] = set()
    found = []
    words = set(_WORD.findall(code))
    for name, text in reversed(_FUNCTIONS.items()):
        if name in words or name in needed:
            needed.update(_WORD.findall(re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)))
            found.append(text if dtype == "float64" else _single(_with_single_formulas(name, text)))
    return found[::-1]


def _with_single_formulas(name: str, text: str) -> str:
    if name == "two_product":
        return text.replace("134217729.0", "4097.0")  # 2 ** 12 + 1, for 24 bits in place of 53
    return text


def _single(text: str) -> str:
    """The same in float32: its type, its numbers, its functions of the library."""
    parts = re.split(r"(/\*.*?\*/)", text, flags=re.DOTALL)
    for k in range(0, len(parts), 2):
        code = _NUMBER.sub(lambda found: number(float(found[0]), "float32"), parts[k])
        code = re.sub(r"\bdouble\b", "float", code)
        parts[k] = re.sub(r"\b(\w+)\(", lambda found: _called(found[1]) + "(", code)
    return "".join(parts)


def _called(name: str) -> str:
    return name + "f" if name in LIBRARY or name in _ALSO else name
