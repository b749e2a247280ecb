"""How much the results of a function tremble, from rounding or from chance.

After Moré & Wild 2011, "Estimating computational noise".
"""

import math
from collections.abc import Callable
from itertools import pairwise

EPSILON = 2.0**-52

Function = Callable[[float], float]


def number(f: Function, x: float) -> float:
    """f(x), nan where it is not defined."""
    try:
        return float(f(x))
    except (ArithmeticError, ValueError):
        return math.nan


def noise_of(f: Function, x: float = 0.0, scale: float = 1.0) -> float:
    """How much f's results tremble from rounding, or from chance: a standard deviation.

    High differences of equally spaced results leave the noise alone, if f is smooth; what shrinks
    with the spacing as a power of it is no noise. Looked for beside x, which may be a corner.
    The rounding of the results themselves is not counted; nan if f is not defined around x.
    """
    beside = (x + scale / 512.0, x - scale / 512.0, x)
    middle = next((z for z in beside if math.isfinite(number(f, z))), x)
    found = []  # at each spacing, how much results tremble, and over how much they range
    for bits in range(20, 48, 4):
        spacing = math.ldexp(0.7316 * scale, -bits)
        ys = [number(f, middle + k * spacing) for k in range(8)]
        if all(map(math.isfinite, ys)):
            found.append((_tremble(ys), max(ys) - min(ys)))
    if not found:
        return math.nan
    if not any(span for _, span in found):  # f rounds coarsely, or it is flat here
        grains = [_tremble([number(f, middle + math.ldexp(k * scale, -bits)) for k in range(8)])
                  for bits in (16, 12, 8)]  # fmt: skip
        return next((grain for grain in grains if grain > 0.0), 0.0)
    noise = math.inf
    for k in range(len(found) - 1):
        # The largest from here on, for rounding may be in step with a spacing. And results that
        # hardly move only say that something in f rounds more coarsely than the spacing.
        now = max(tremble for tremble, _ in found[k:])
        if noise == math.inf or (now < noise / 64.0 and found[k][1] > noise / 64.0):
            noise = now
    # Nearer by nothing moves any more: results come in grains, which steps as wide as they hide
    moved = [span for _, span in found if span > 0.0]
    grain = moved[-1] / 64.0 if found[-1][1] == 0.0 else 0.0
    return max(grain, noise if noise < math.inf else found[0][0])


def _tremble(ys: list[float]) -> float:
    found = []
    gamma = 1.0
    for order in range(1, 7):
        ys = [b - a for a, b in pairwise(ys)]
        gamma *= order / (2.0 * (2.0 * order - 1.0))  # (k!)**2 / (2k)!
        if order >= 4:
            found.append(math.sqrt(gamma) * math.hypot(*ys) / math.sqrt(len(ys)))
    return sorted(found)[1]
