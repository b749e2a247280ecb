"""Fits the polynomials of the compiler's elementary functions: `python -m tools.polynomials`.

Writes autograd/compiler/vectormath/polynomials.py. Fitted is what is left of a function when its
first terms are taken out: those must be exact, and stand in the formulas. Least squares at
Chebyshev's points, which is nearly the best fit there is, at 60 digits, rounded at the end.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath as mp
import numpy as np

VECTORMATH = Path(__file__).resolve().parent.parent / "autograd" / "compiler" / "vectormath"
mp.mp.dps = 60  # far more than is kept


def _over(f: Callable[[Any], Any], z: Any) -> Any:
    """f(x) / x at z = x**2."""
    x = mp.sqrt(z)
    return f(x) / x


def _odd(f: Callable[[Any], Any], z: Any) -> Any:
    """(f(x) - x) / x**3 at z = x**2: what an odd function is made of behind its first term."""
    return (_over(f, z) - 1) / z


def _even(f: Callable[[Any], Any], z: Any) -> Any:
    return (f(mp.sqrt(z)) - 1) / z


def _scaled_erfc(t: Any) -> Any:
    x = 4 * (1 + t) / (1 - t)
    return (1 + mp.mpf(1.125) * x) * mp.exp(x * x) * mp.erfc(x)


# name: what is fitted, over which interval, and how many coefficients for 64 and for 32 bits.
# The intervals are a little uneven, for at 0 itself most of the quotients are 0 / 0.
HALF_LN2 = mp.log(2) / 2
FITS: dict[str, tuple[Callable[[Any], Any], tuple[Any, Any], dict[int, int]]] = {
    "exp": (lambda x: (mp.exp(x) - 1 - x) / x**2, (-HALF_LN2, 0.3466), {64: 10, 32: 5}),
    "exp2": (lambda x: (mp.power(2, x) - 1) / x, (-0.5, 0.5001), {64: 11, 32: 6}),
    "sinh": (lambda z: _odd(mp.sinh, z), (1e-9, 0.1202), {64: 5, 32: 3}),
    "cosh": (lambda z: _even(mp.cosh, z), (1e-9, 0.1202), {64: 6, 32: 3}),
    "log1p": (lambda t: (mp.log1p(t) - t) / t**2, (mp.sqrt(0.5) - 1, 0.41422), {64: 20, 32: 9}),
    "sin": (lambda z: _odd(mp.sin, z), (1e-9, 2.4675), {64: 8, 32: 5}),
    "sin_quarter": (lambda z: _odd(mp.sin, z), (1e-9, 0.617), {64: 6, 32: 3}),
    "cos_quarter": (lambda z: _even(mp.cos, z), (1e-9, 0.617), {64: 7, 32: 4}),
    "atan": (lambda z: _odd(mp.atan, z), (1e-9, 1), {64: 21, 32: 9}),
    "asin": (lambda z: _odd(mp.asin, z), (1e-9, 0.25), {64: 13, 32: 6}),
    # erf(x) / x less its value at 0, for x up to 1
    "erf": (lambda z: (_over(mp.erf, z) - 2 / mp.sqrt(mp.pi)) / z, (1e-9, 1), {64: 12, 32: 6}),
    # Shepherd & Laframboise 1981, doi 10.1090/S0025-5718-1981-0595058-X: t = (x - k) / (x + k)
    # brings all x from 0 to infinity into [-1, 1], and (1 + 9/8 x) exp(x**2) erfc(x) is smooth
    # there; it is level at 0, for 9/8 is nearly 2 / sqrt(pi), so that the rounding of t is harmless
    "erfc": (_scaled_erfc, (-1, 0.76), {64: 23, 32: 12}),
}

# Numbers as a sum of floats, the largest first: how many
CONSTANTS: dict[str, tuple[Any, int]] = {
    "ln2": (lambda: mp.log(2), 2),
    "log10(2)": (lambda: mp.log10(2), 2),
    "1/ln2": (lambda: 1 / mp.log(2), 2),
    "1/ln10": (lambda: 1 / mp.log(10), 2),
    "pi": (lambda: +mp.pi, 3),
    "pi/2": (lambda: mp.pi / 2, 3),
    "2/sqrt(pi)": (lambda: 2 / mp.sqrt(mp.pi), 2),
    "1/sqrt(2)": (lambda: 1 / mp.sqrt(2), 2),
}


def rounded(x: Any, bits: int) -> float:
    """The nearest float of that many bits."""
    return float(x) if bits == 64 else float(np.float32(float(x)))


def constant(name: str, bits: int) -> tuple[float, ...]:
    """Floats whose sum is the number to as many times the digits of one of them.

    Cut off, not rounded, so that all are positive: 0.0 times any of them keeps the sign of a zero.
    """
    value, n = CONSTANTS[name]
    left, floats = value(), []
    for _ in range(n):
        part = rounded(left, bits)
        if part > left:
            part = float(np.nextafter(part, 0, dtype=np.float64 if bits == 64 else np.float32))
        floats.append(part)
        left -= part
    return tuple(floats)


def fit(name: str, bits: int) -> tuple[float, ...]:
    """The coefficients, the highest power first, as Horner's rule wants them.

    What rounding the lowest four costs, the higher ones, fitted after it, make good.
    """
    f, (low, high), counts = FITS[name]
    n = counts[bits]
    points = [(low + high + (high - low) * mp.cospi((i + 0.5) / (4 * n))) / 2 for i in range(4 * n)]
    # near 0 the formulas multiply by what vanishes there, but for erfc
    weights = [mp.mpf(1) if name == "erfc" else abs(x) for x in points]
    left = [f(x) for x in points]
    coefficients: list[float] = []
    for power in range(n):
        if power < 4:
            pairs = list(zip(points, weights, strict=True))
            matrix = mp.matrix([[w * x**k for k in range(power, n)] for x, w in pairs])
            aim = mp.matrix([w * y for w, y in zip(weights, left, strict=True)])
            solution = list(mp.qr_solve(matrix, aim)[0])
        c = rounded(solution.pop(0), bits)
        left = [y - c * x**power for x, y in zip(points, left, strict=True)]
        coefficients.append(c)
    return tuple(reversed(coefficients))


def source() -> str:
    """The text of polynomials.py."""
    lines = [
        '"""Coefficients of the elementary functions, made by tools/polynomials.py.',
        "",
        "By name and by the bits of a float. Polynomials: highest power first; constants: floats",
        "whose sum is the number to two or three times the digits of one of them.",
        '"""',
        "",
        "# fmt: off",
    ]
    tables = (("POLYNOMIALS", FITS, fit), ("CONSTANTS", CONSTANTS, constant))
    for table, names, values in tables:
        lines += ["", f"{table}: dict[str, dict[int, tuple[float, ...]]] = {{"]
        for name in names:
            lines.append(f'    "{name}": {{')
            for bits in (64, 32):
                floats = [f"{x!r}," for x in values(name, bits)]
                rows = [" ".join(floats[i : i + 3]) for i in range(0, len(floats), 3)]
                lines += [
                    f"        {bits}: (",
                    *[f"            {row}" for row in rows],
                    "        ),",
                ]
            lines.append("    },")
        lines.append("}")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    (VECTORMATH / "polynomials.py").write_text(source(), encoding="utf-8")
