"""The picture of a primitive: its value and its local derivative, by each operand in turn."""

import math
from typing import Any

import numpy as np

from autograd.primitives import Interval, Primitive
from autograd.value import Value, apply
from tools.accuracy import names_of_operands

VALUE, LOCAL = "#1B62B5", "#0B7A6F"  # as in all our pictures
INK, QUIET = "#222222", "#999999"
POINTS = 801
REACH = 4.0  # how far to look on either side, where the domain does not end before
HEIGHT = 6.0  # the most that is shown of a pole
# What the other operands are meanwhile
AT = {
    "order": 1.0,
    "slope": 0.2,
    "alpha": 1.0,
    "low": -1.0,
    "high": 2.0,
    "condition": 1.0,
    "x": 1.5,
    "y": 0.5,
    "x1": 0.5,
    "x2": 1.0,
    "x3": -0.5,
    "w1": 0.8,
    "w2": -0.5,
    "b": 0.3,
}


def picture(p: Primitive) -> Any:
    """A matplotlib figure: a panel for each operand along which a gradient flows."""
    from matplotlib.figure import Figure

    names = names_of_operands(p)
    panels = [k for k, name in enumerate(names) if name not in ("order", "condition")]
    panels = panels[:2] if p.arity is None else panels
    figure = Figure(figsize=(5.2 if len(panels) == 1 else 3.6 * len(panels), 3.0), layout="tight")
    figure.patch.set_facecolor("white")
    for column, k in enumerate(panels):
        axes = figure.add_subplot(1, len(panels), column + 1)
        _panel(axes, p, names, k)
    return figure


def _panel(axes: Any, p: Primitive, names: list[str], k: int) -> None:
    others = [AT[name] for name in names]
    xs = np.linspace(*_range(p.domain[k % len(p.domain)]), POINTS)
    rows = np.array([_row(p, [*others[:k], float(x), *others[k + 1 :]], k) for x in xs])
    most = max(1.5, min(HEIGHT, float(np.nanmax(np.abs(np.where(np.isfinite(rows), rows, 0.0))))))
    axes.axhline(0.0, color=QUIET, linewidth=0.7)
    axes.axvline(0.0, color=QUIET, linewidth=0.7)
    for column, colour, dash, label in ((0, VALUE, "-", "value"), (1, LOCAL, (0, (4, 1.5)), "d")):
        ys = _broken(rows[:, column], most)
        name = p.name if label == "value" else f"d {p.name} / d {names[k]}"
        axes.plot(xs, ys, color=colour, linestyle=dash, linewidth=2.0, label=name)
    axes.set_ylim(-1.15 * most if np.nanmin(rows) < 0 else -0.15 * most, 1.15 * most)
    fixed = [f"{n} = {x:g}" for i, (n, x) in enumerate(zip(names, others, strict=True)) if i != k]
    axes.set_xlabel(
        names[k] + (f"    ({', '.join(fixed)})" if fixed else ""), color=INK, fontsize=9
    )
    axes.tick_params(labelsize=8, colors=INK)
    axes.spines[["top", "right"]].set_visible(False)
    above = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "ncols": 2}
    axes.legend(frameon=False, fontsize=8, labelcolor=INK, **above)


def _range(domain: Interval) -> tuple[float, float]:
    low, high = domain
    # an odd number of steps would jump over the kinks at whole numbers: they are hit
    return max(low, -REACH) if low > -math.inf else -REACH, min(high, max(low, 0.0) + REACH)


def _row(p: Primitive, operands: list[float], k: int) -> tuple[float, float]:
    node = apply(p, *[Value(x) for x in operands])
    return node.data, node.partials[k]


def _broken(ys: Any, most: float) -> Any:
    """The curve with gaps where it jumps or leaves the picture, so that no line is drawn across."""
    ys = np.where(np.isfinite(ys) & (np.abs(ys) <= 1.5 * most), ys, np.nan)
    jumps = np.abs(np.diff(ys)) > 0.2 * most
    ys[:-1][jumps] = np.nan
    return ys
