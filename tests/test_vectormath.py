"""The vector formulas of the elementary functions, held to mpmath, to ieee.py and to their cost."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vectors import Vectors

from autograd import ieee
from autograd.compiler.vectormath import FUNCTIONS
from autograd.compiler.vectormath.polynomials import CONSTANTS, POLYNOMIALS
from tools import polynomials

FLOAT: dict[int, Any] = {64: np.float64, 32: np.float32}
TINY = {64: 2.0**-1022, 32: 2.0**-126}
BINARY = ("atan2", "hypot", "logaddexp")
UNARY = [name for name in FUNCTIONS if name not in BINARY]
ODD = ("sinh", "tanh", "asinh", "atanh", "sin", "tan", "asin", "atan", "erf")
EVEN = ("cosh", "sech", "cos")
EACH = pytest.mark.parametrize(
    ("name", "bits"), [(name, bits) for name in FUNCTIONS for bits in (64, 32)]
)

# Operations of the namespace, for 64 and for 32 bits: no more than this. A clip to a range counts
# as four of them, and is two instructions.
# fmt: off
COST = {
    "exp": (26, 21), "exp2": (24, 19), "expm1": (29, 24), "log": (43, 32), "log2": (44, 33),
    "log10": (45, 34), "log1p": (43, 32), "sinh": (37, 32), "cosh": (36, 31), "tanh": (34, 29),
    "sech": (45, 40), "asinh": (50, 39), "acosh": (49, 38), "atanh": (41, 30), "sin": (25, 22),
    "cos": (26, 23), "tan": (57, 51), "asin": (27, 20), "acos": (35, 28), "atan": (34, 22),
    "atan2": (48, 36), "hypot": (21, 21), "sigmoid": (39, 34), "silu": (50, 45),
    "softplus": (57, 41), "log_sigmoid": (59, 43), "logaddexp": (60, 44), "gelu": (88, 72),
    "erf": (91, 69), "erfc": (75, 59),
}
# fmt: on


def _erfc(x: Any) -> Any:
    return mpmath.erfc(x) if abs(x) < 1000 else mpmath.mpf(2 if x < 0 else 0)


def _logaddexp(x: Any, y: Any) -> Any:
    return max(x, y) + mpmath.log1p(mpmath.exp(-abs(x - y)))


# What the functions are, where mpmath has them not, under another name, or far too slowly
TRUE: dict[str, Callable[..., Any]] = {
    "exp2": lambda x: mpmath.power(2, x),
    "log2": lambda x: mpmath.log(x) / mpmath.log(2),
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "silu": lambda x: x / (1 + mpmath.exp(-x)),
    "softplus": lambda x: _logaddexp(x, mpmath.mpf(0)),
    "log_sigmoid": lambda x: -_logaddexp(-x, mpmath.mpf(0)),
    "logaddexp": _logaddexp,
    "erf": lambda x: mpmath.erf(x) if abs(x) < 1000 else mpmath.sign(x),
    "erfc": _erfc,
    "gelu": lambda x: x * _erfc(-x / mpmath.sqrt(2)) / 2,
}
# ... and in NumPy's extended precision
WIDE: dict[str, Callable[..., Any]] = {
    "sech": lambda x: 1 / np.cosh(x),
    "sigmoid": lambda x: np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x))),
    "silu": lambda x: x * np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x))),
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    "log_sigmoid": lambda x: np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x))),
    **{f"a{f}": getattr(np, f"arc{f}") for f in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "atan2": np.arctan2,
}


def wide(y: Any) -> Any:
    """An mpmath number in NumPy's extended precision; nan for a complex one."""
    if isinstance(y, mpmath.mpc):
        return np.longdouble(math.nan)
    nearest = float(y)
    extreme = nearest == 0.0 or math.isinf(nearest) or math.isnan(nearest)
    return np.longdouble(nearest if extreme else mpmath.nstr(y, 25))


def run(name: str, bits: int, *operands: Any, garbage: float = 17.0) -> Any:
    """The function over arrays."""
    arrays = [np.asarray(x, FLOAT[bits]) for x in operands]
    with np.errstate(all="ignore"):
        return FUNCTIONS[name](Vectors(bits, garbage), *arrays)


def samples(name: str, bits: int, n: int) -> list[Any]:
    """For each operand finite numbers: any bits at all, where functions bend, and round +-1."""
    rng = np.random.default_rng(len(name))
    integer = {64: np.int64, 32: np.int32}[bits]
    columns = []
    for _ in range(2 if name in BINARY else 1):
        kinds = (
            rng.integers(np.iinfo(integer).min, np.iinfo(integer).max, n, integer),
            rng.uniform(-1, 1, n) * {64: 760, 32: 110}[bits],
            rng.uniform(-40, 40, n),
            rng.uniform(-2, 2, n),
            rng.uniform(-1, 1, n) * 10.0 ** rng.uniform(-20, 5, n),
            rng.choice([-1, 1], n) * (1 + rng.uniform(-1, 1, n) * 10.0 ** rng.uniform(-8, 0, n)),
            np.rint(rng.uniform(-6e4, 6e4, n)) * (math.pi / 2),
        )
        kinds = (kinds[0].view(FLOAT[bits]), *[x.astype(FLOAT[bits]) for x in kinds[1:]])
        columns.append(np.concatenate(kinds))
    finite = np.all(np.isfinite(columns), axis=0)
    return [x[finite] for x in columns]


def assert_two_units(name: str, bits: int, operands: list[Any], true: Any) -> None:
    """`true` has more digits than the lanes; the error is measured in units of its last place."""
    float_ = FLOAT[bits]
    got = run(name, bits, *operands)
    with np.errstate(all="ignore"):
        nearest = true.astype(float_)
        size = np.abs(nearest)
        if name == "logaddexp":  # its terms cancel: to the size of the terms
            larger = np.maximum(*operands)
            size = np.maximum.reduce([size, *np.abs(operands), np.abs(nearest - larger)])
        error = np.abs(got.astype(true.dtype) - true) / np.spacing(size)
    if name == "sech":  # as in ieee.py it is 1 / cosh, 0 where cosh is beyond the range
        error[nearest < 4 * TINY[bits]] = 0.0
    # the infinite and the undefined are so in both, and numbers that round to inf are near it
    error[(got == nearest) | (np.isnan(got) & np.isnan(nearest))] = 0.0
    worst = int(np.argmax(np.where(np.isnan(error), np.inf, error)))
    what = ", ".join(repr(x[worst]) for x in operands)
    assert error[worst] <= 2.0, (
        f"{name}({what}) gives {got[worst]!r}, but it is {nearest[worst]!r}: "
        f"off by {error[worst]:.2f} units"
    )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_float64_against_mpmath(name: str) -> None:
    """Within two units of the last place of the true value, subnormal results included."""
    operands = samples(name, 64, 60)
    f = TRUE.get(name) or getattr(mpmath, name)
    with mpmath.workdps(40):
        rows = [[mpmath.mpf(float(x)) for x in xs] for xs in zip(*operands, strict=True)]
        true = np.array([wide(f(*xs)) for xs in rows])
    assert_two_units(name, 64, operands, true)


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="needs extended precision")
@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name in WIDE or hasattr(np, name)])
def test_float64_against_extended_precision(name: str) -> None:
    """Within two units of the last place at 40,000 numbers."""
    operands = samples(name, 64, 6_000)
    with np.errstate(all="ignore"):
        true = (WIDE.get(name) or getattr(np, name))(*[x.astype(np.longdouble) for x in operands])
    assert_two_units(name, 64, operands, true)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_float32_against_float64(name: str) -> None:
    """Within two units of the last place of float32, at 30,000 numbers."""
    operands = samples(name, 32, 5_000)
    f = getattr(ieee, name)
    true = [f(*xs) for xs in zip(*[x.tolist() for x in operands], strict=True)]
    assert_two_units(name, 32, operands, np.array(true))


SPECIAL = (0.0, 1.0, 0.5, 2.0, math.inf, 1e-300, 5e-324, 1e-45, 1e-40, 709.0, 711.0, 750.0, 1e4)
SPECIAL = tuple(s * x for x in (*SPECIAL, 88.0, 89.5, 105.0, 1e38, 1e300) for s in (1.0, -1.0))
SPECIAL = (*SPECIAL, math.nan)


@EACH
@pytest.mark.parametrize("garbage", [17.0, math.nan, math.inf, 0.0])
def test_special_values(name: str, bits: int, garbage: float) -> None:
    """nan, infinities and signed zeros are those of ieee.py, at and from all special numbers,
    whatever the namespace gives out of its operations' range.
    """
    n = 2 if name in BINARY else 1
    with np.errstate(over="ignore"):
        numbers = [float(FLOAT[bits](x)) for x in SPECIAL]
    rows = list(itertools.product(numbers, repeat=n))
    got = run(name, bits, *zip(*rows, strict=True), garbage=garbage)
    for xs, y in zip(rows, got.tolist(), strict=True):
        expected = getattr(ieee, name)(*xs)
        with np.errstate(over="ignore"):
            rounded = float(FLOAT[bits](expected))
        if name == "sech" and abs(xs[0]) > {64: 709, 32: 88}[bits]:
            assert 0.0 <= y <= TINY[bits]  # see assert_two_units
        elif name in ("silu", "gelu") and y != 0.0 and abs(y) < TINY[bits]:
            # ieee.silu rounds twice among the subnormal numbers
            assert math.copysign(1.0, y) == math.copysign(1.0, expected)
        elif math.isnan(expected):
            assert math.isnan(y), xs
        elif rounded == 0.0 or math.isinf(rounded):
            assert (y, math.copysign(1.0, y)) == (rounded, math.copysign(1.0, rounded)), xs
        else:
            assert y == pytest.approx(
                rounded, rel={64: 2e-15, 32: 3e-7}[bits], abs={64: 1e-323, 32: 3e-45}[bits]
            ), xs


@pytest.mark.parametrize("bits", [64, 32])
def test_tiny_numbers_are_their_own_images(bits: int) -> None:
    """Functions of slope 1 at 0 give tiny numbers back bit for bit, down to the smallest."""
    x = np.geomspace(TINY[bits], TINY[bits] * {64: 1e12, 32: 1e6}[bits], 20)
    smallest = np.spacing(FLOAT[bits](0.0)) * np.array([1, 2, 3, 5, 1001], FLOAT[bits])
    x = np.concatenate([x.astype(FLOAT[bits]), smallest])
    for name in ("expm1", "log1p", *ODD):
        if name != "erf":
            assert np.array_equal(run(name, bits, x), x), name


@EACH
def test_cost(name: str, bits: int) -> None:
    """No function takes more operations than written down; those of float32 take fewer."""
    m = Vectors(bits)
    with np.errstate(all="ignore"):
        FUNCTIONS[name](m, *[np.asarray([1.0], m.float)] * (2 if name in BINARY else 1))
    assert m.calls.total() <= COST[name][bits == 32]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_nothing_but_the_namespace(name: str) -> None:
    """A formula only hands its operands to the namespace, for which they may be anything: in
    machine code they are names of registers.
    """

    class Names:
        bits = 64

        def __getattr__(self, operation: str) -> Callable[..., object]:
            return lambda *operands: object()

    FUNCTIONS[name](Names(), *[object()] * (2 if name in BINARY else 1))


FINITE = {bits: st.floats(allow_nan=False, allow_infinity=False, width=bits) for bits in (64, 32)}


@pytest.mark.parametrize("bits", [64, 32])
@given(data=st.data())
def test_symmetry(bits: int, data: st.DataObject) -> None:
    """Odd functions are odd and even ones even, bit for bit."""
    x = data.draw(FINITE[bits] | st.floats(-50, 50, width=bits))
    for name in (*ODD, *EVEN):
        a, b = run(name, bits, [x, -x])
        sign = -1.0 if name in ODD else 1.0
        assert np.array_equal(b, sign * a, equal_nan=True), (name, x)


@pytest.mark.parametrize("bits", [64, 32])
@given(data=st.data())
def test_bounds(bits: int, data: st.DataObject) -> None:
    """Rounding takes no function out of its range."""
    x = data.draw(FINITE[bits] | st.floats(-50, 50, width=bits))
    bounds = {"exp": (0, math.inf), "cosh": (1, math.inf), "sigmoid": (0, 1), "erfc": (0, 2)}
    bounds |= dict.fromkeys(("sin", "cos", "tanh", "erf"), (-1, 1)) | {"expm1": (-1, math.inf)}
    for name, (low, high) in bounds.items():
        assert low <= run(name, bits, [x])[0] <= high, (name, x)


@pytest.mark.parametrize("bits", [64, 32])
def test_powers_of_two_are_exact(bits: int) -> None:
    """exp2 of a whole number and log2 of a power of two have no error at all."""
    k = np.arange(-{64: 1074, 32: 149}[bits], {64: 1024, 32: 128}[bits])
    powers = np.ldexp(FLOAT[bits](1.0), k)
    assert np.array_equal(run("exp2", bits, k), powers)
    assert np.array_equal(run("log2", bits, powers), k)


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_large_angles_are_left_to_the_library(name: str) -> None:
    """Beyond what three parts of pi can do the C library computes the lane; others stay fast."""
    x = [0.5, 2.0**30, 2.0**31, 1e300, -1e300]
    got = run(name, 64, x)
    assert got[2:].tolist() == [getattr(ieee, name)(v) for v in x[2:]]
    assert got[:2].tolist() == run(name, 64, x[:2]).tolist()


def test_angles_nearest_to_multiples_of_pi() -> None:
    """Where the reduction cancels most, every digit is right still.

    The numbers: continued fractions of pi / 2 times powers of two (Muller, Elementary Functions,
    section 11.3), the worst of each exponent up to 2**30.
    """
    worst = []
    for exponent in range(-52, -21):
        step = mpmath.mpf(2) ** exponent
        with mpmath.workdps(60):
            ratio, p0, p1, q0, q1 = mpmath.pi / 2 / step, 0, 1, 1, 0
            while p1 < 2**53:
                whole = int(mpmath.floor(ratio))
                p0, p1, q0, q1 = p1, whole * p1 + p0, q1, whole * q1 + q0
                ratio = 1 / (ratio - whole)
                if 2**48 <= p1 < 2**53:
                    worst.append(float(p1 * step))
    x = np.array([v for v in worst if v < 2.0**30])
    assert len(x) > 50
    for name in ("sin", "cos", "tan"):
        with mpmath.workdps(60):
            true = [wide(getattr(mpmath, name)(mpmath.mpf(float(v)))) for v in x]
        assert_two_units(name, 64, [x], np.array(true))


@pytest.mark.parametrize("name", ["exp", "sin", "erfc"])
def test_coefficients_are_those_of_the_tool(name: str) -> None:
    """The committed table is what tools/polynomials.py makes."""
    assert polynomials.FITS.keys() == POLYNOMIALS.keys()
    for bits in (64, 32):
        made = polynomials.fit(name, bits)
        assert made == POLYNOMIALS[name][bits]
        for constant in CONSTANTS:
            assert polynomials.constant(constant, bits) == CONSTANTS[constant][bits]
