"""Pictures of a sweep: a measure by two names as a heat map, by one as a line with its spread."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

from autograd import LengthError
from nn.plots.figure import BLUE, PALE_BLUE, new_figure, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def heat_map(
    cells: Mapping[tuple[Any, ...], float],
    x: str,
    y: str,
    *,
    shares: bool = False,
    label: str = "",
    title: str = "",
) -> "Figure":
    """A number for each pair of values, darker for more, and written in its cell.

    cells: numbers by (value of x, value of y), as `Sweep.means` gives them; pairs that are missing
    stay white. shares: whether they are shares from 0 to 1, to be written in percent. Raises
    LengthError if there are none, or more on an axis than can be told apart.
    """
    if not cells:
        raise LengthError("expected something to draw, but got nothing")
    columns, rows = (list(dict.fromkeys(key[k] for key in cells)) for k in (0, 1))
    for name, values in ((x, columns), (y, rows)):
        if len(values) > _MOST_CELLS:
            raise LengthError(
                f"expected at most {_MOST_CELLS} values on an axis of a heat map, but {name!r} has "
                f"{len(values)}; try fewer, or draw a line by one name alone"
            )
    numbers = [[cells.get((c, r), float("nan")) for c in columns] for r in rows]
    finite = [z for row in numbers for z in row if isfinite(z)] or [0.0]
    low, high = (0.0, 1.0) if shares else (min(finite), max(finite))
    texts = [[_text(z, shares) for z in row] for row in numbers]
    names = [_name(r) for r in rows]
    width = 0.3 + 0.085 * max(len(text) for row in texts for text in row)
    figure = new_figure(
        max(3.6, 1.9 + 0.08 * max(map(len, names)) + max(0.6, width) * len(columns)),
        1.5 + 0.42 * len(rows),
    )
    axes = figure.add_subplot()
    shading = axes.imshow(numbers, cmap="Blues", vmin=low, vmax=high, aspect="auto")
    for j, row in enumerate(texts):
        for i, text in enumerate(row):
            dark = isfinite(numbers[j][i]) and numbers[j][i] > low + 0.6 * (high - low)
            axes.text(i, j, text, ha="center", va="center", fontsize=9,
                      color="white" if dark else "black")  # fmt: skip
    axes.set_xticks(range(len(columns)), [_name(c) for c in columns])
    axes.set_yticks(range(len(rows)), names)
    axes.set(xlabel=x, ylabel=y, title=title)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    if label:
        figure.colorbar(shading, ax=axes, label=label)
    return figure


def line_with_spread(
    points: Sequence[Any],
    numbers: Sequence[float],
    x: str,
    *,
    label: str = "",
    title: str = "",
) -> "Figure":
    """The median of the numbers at each value of x, and the middle half of them around it.

    points: the value of x for each number. Numbers that are nan count as the largest. Raises
    LengthError if there are none.
    """
    import numpy as np

    if not points:
        raise LengthError("expected something to draw, but got nothing")
    values = list(dict.fromkeys(points))
    are_numbers = all(isinstance(v, (int, float)) for v in values)
    values = sorted(values) if are_numbers else values
    place = {v: v if are_numbers else k for k, v in enumerate(values)}
    found: dict[Any, list[float]] = {v: [] for v in values}
    for v, number in zip(points, numbers, strict=True):
        found[v].append(number if number == number else np.inf)
    quarters = np.array(
        [np.quantile(found[v], (0.25, 0.5, 0.75), method="nearest") for v in values]
    )
    figure = new_figure(6.0, 3.6)
    axes = figure.add_subplot()
    xs = [place[v] for v in values]
    axes.fill_between(xs, quarters[:, 0], quarters[:, 2], color=PALE_BLUE, alpha=0.5, lw=0.0,
                      label="middle half")  # fmt: skip
    axes.plot(xs, quarters[:, 1], color=BLUE, marker="o", ms=4.0, label="median")
    if are_numbers and min(values) > 0.0 and max(values) >= 100.0 * min(values):
        axes.set_xscale("log")  # as rates are tried
    elif len(values) <= _MOST_TICKS:
        axes.set_xticks(xs, [_name(v) for v in values])
    plain(axes)
    axes.legend(frameon=False)
    axes.set(xlabel=x, ylabel=label, title=title)
    return figure


_MOST_TICKS = 12
_MOST_CELLS = 100  # of which the picture is a metre high


def _text(z: float, share: bool) -> str:
    if not isfinite(z):
        return ""
    if not share:
        return f"{z:.3g}"
    text = f"{100.0 * z:.0f} %"
    if text in ("0 %", "100 %") and z not in (0.0, 1.0):  # not quite none, not quite all
        return "< 1 %" if z < 0.5 else "> 99 %"
    return text


def _name(x: Any) -> str:
    return f"{x:g}" if isinstance(x, float) else str(x)
