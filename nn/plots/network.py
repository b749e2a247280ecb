"""The network itself: neurons in columns, weights as edges."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, Any

from autograd import LengthError
from nn.plots.figure import BLUE, GREY, ORANGE, diverging, new_figure, numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROW, RADIUS = 0.62, 0.2  # inches between neurons, and of a circle
DOTS = -1  # in place of the neurons that are not shown


@dataclass
class _Column:
    """A layer: how many neurons it has, which are shown, and what is known of each."""

    size: int
    shown: list[int]
    x: float
    y: dict[int, float] = field(default_factory=dict)


def network(
    layers: Sequence[Any],
    *,
    activations: Sequence[Any] | None = None,
    gradients: Sequence[Any] | None = None,
    input_labels: Sequence[str] | None = None,
    output_labels: Sequence[str] | None = None,
    layer_names: Sequence[str] | None = None,
    most: int = 12,
    title: str = "",
) -> "Figure":
    """Neurons as circles in columns, weights as edges: solid if above 0, dashed if below.

    layers: the weights of each layer, [n_in, n_out]; or the sizes alone, inputs first: [2, 4, 1].
    activations, gradients: for each column, the inputs first, a number for each neuron, or None:
        written into the circle, and below it as ∂.
    input_labels, output_labels: a text beside each neuron of the first and the last column.
    layer_names: a text for each column.
    most: a column of more neurons shows its first and last, and says how many it leaves out.
    Raises LengthError where the sizes do not fit together.
    """
    sizes, matrices = _sizes(layers)
    for what, given, expected in (
        ("column of activations for each column", activations, len(sizes)),
        ("column of gradients for each column", gradients, len(sizes)),
        ("name for each column", layer_names, len(sizes)),
        ("label for each input", input_labels, sizes[0]),
        ("label for each output", output_labels, sizes[-1]),
    ):
        if given is not None and len(given) != expected:
            raise LengthError(f"expected one {what}, {expected}, but got {len(given)}")

    places = max(len(_shown(n, most)) for n in sizes)
    gap = 1.5 + 0.09 * min(places, 13)
    columns = [_column(n, most, gap * i) for i, n in enumerate(sizes)]
    texts = [[] if names is None else [*map(str, names)] for names in (input_labels, output_labels)]
    left, right = (0.7 + 0.085 * max(map(len, names), default=0) for names in texts)
    under = RADIUS + (0.08 if gradients is None else 0.22)  # where a column's name begins
    top = ROW * (places - 1) / 2.0 + RADIUS + 0.1
    bottom = min(min(c.y.values()) - under - (0.6 if DOTS in c.shown else 0.22) for c in columns)
    width = gap * (len(sizes) - 1) + left + right
    figure = new_figure(max(width, 4.4), top - bottom + 0.55 + (0.35 if title else 0.0))
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set_aspect("equal")
    spare = max(0.0, 4.4 - width) / 2.0
    axes.set_xlim(-left - spare, columns[-1].x + right + spare)
    axes.set_ylim(bottom, top)

    for before, after, matrix in zip(columns, columns[1:], matrices, strict=False):
        _edges(axes, before, after, matrix)
    for i, column in enumerate(columns):
        _neurons(
            axes,
            column,
            _of_column(activations, i, column.size, "activation"),
            _of_column(gradients, i, column.size, "gradient"),
        )
        name = layer_names[i] if layer_names is not None else _name(i, len(columns))
        hidden = column.size - (len(column.shown) - 1)
        folded = f"\n{column.size} neurons,\n{hidden} not shown" if DOTS in column.shown else ""
        caption = f"{name}{folded or f' ({column.size})'}"
        axes.text(
            column.x, min(column.y.values()) - under, caption, ha="center", va="top",
            fontsize=8.5, color="#303030", linespacing=1.25,
        )  # fmt: skip
    for column, names, side in zip((columns[0], columns[-1]), texts, (-1, 1), strict=True):
        for i in column.shown:
            if names and i != DOTS:
                axes.text(
                    column.x + side * (RADIUS + 0.1), column.y[i], names[i], va="center",
                    ha="left" if side > 0 else "right", fontsize=9,
                )  # fmt: skip
    _legend(figure, any(matrices), any(DOTS in c.shown for c in columns), gradients is not None)
    if title:
        axes.set_title(title)
    return figure


def _sizes(layers: Sequence[Any]) -> tuple[list[int], list[Any]]:
    """The number of neurons in each column, and the weights between them, None if not given."""
    if len(layers) and all(isinstance(n, int) for n in layers):
        sizes: list[int] = list(layers)
        matrices: list[Any] = [None] * (len(sizes) - 1)
    else:
        matrices = [numbers(matrix) for matrix in layers]
        for i, matrix in enumerate(matrices):
            n_out = len(matrix[0]) if matrix and isinstance(matrix[0], list) else 0
            if not n_out or any(len(row) != n_out for row in matrix):
                raise LengthError(f"expected weights [n_in, n_out], but layer {i} has none such")
            if i and len(matrices[i - 1][0]) != len(matrix):
                raise LengthError(
                    f"expected weights for the {len(matrices[i - 1][0])} outputs of layer {i - 1}, "
                    f"but layer {i} has {len(matrix)} rows"
                )
        sizes = [len(matrix) for matrix in matrices] + [len(m[0]) for m in matrices[-1:]]
    if len(sizes) < 2 or min(sizes) < 1:
        raise LengthError(f"expected two columns of neurons or more, but got sizes {sizes}")
    return sizes, matrices


def _shown(n: int, most: int) -> list[int]:
    if n <= most:
        return list(range(n))
    head = (most - 1) // 2
    return [*range(head), DOTS, *range(n - (most - 1 - head), n)]


def _column(n: int, most: int, x: float) -> _Column:
    column = _Column(n, _shown(n, most), x)
    middle = (len(column.shown) - 1) / 2.0
    column.y = {i: ROW * (middle - place) for place, i in enumerate(column.shown)}
    return column


def _edges(axes: Any, before: _Column, after: _Column, matrix: Any) -> None:
    """A line for each weight between two neurons that are shown; the widest is the largest."""
    from matplotlib.collections import LineCollection

    found: list[tuple[float, Any]] = []
    for i in before.shown:
        for j in after.shown:
            if DOTS not in (i, j):
                ends = [(before.x, before.y[i]), (after.x, after.y[j])]
                found.append((matrix[i][j] if matrix else 0.0, ends))
    if not matrix:
        axes.add_collection(LineCollection([e for _, e in found], colors=GREY, linewidths=0.6))
        return
    largest = max((abs(w) for row in matrix for w in row if isfinite(w)), default=0.0) or 1.0
    for color, style, sign in ((BLUE, "solid", 1.0), (ORANGE, (0, (2.2, 1.2)), -1.0)):
        signed = [(sign * w / largest, ends) for w, ends in found if sign * w > 0.0 and isfinite(w)]
        signed.sort()  # the strong ones on top
        if not signed:
            continue
        axes.add_collection(
            LineCollection(
                [ends for _, ends in signed], colors=color, linestyles=[style],
                linewidths=[0.3 + 2.9 * share for share, _ in signed],
                alpha=[0.2 + 0.8 * share for share, _ in signed], zorder=1,
            )
        )  # fmt: skip


def _neurons(axes: Any, column: _Column, activations: Any, gradients: Any) -> None:
    """The circles of one column, over the edges, with what is known of each neuron."""
    from matplotlib.patches import Circle
    from matplotlib.patheffects import withStroke

    halo = [withStroke(linewidth=2.5, foreground="white")]
    colors = diverging()
    largest = max((abs(a) for a in activations or [] if isfinite(a)), default=0.0) or 1.0
    for i in column.shown:
        x, y = column.x, column.y[i]
        if i == DOTS:
            for k in (-1, 0, 1):
                axes.add_patch(Circle((x, y + 0.12 * k), 0.028, color="#303030", zorder=3))
            continue
        fill: Any = "white"
        if activations is not None:
            a = activations[i]
            # half the scale at most, so that black numbers are read on it
            fill = colors(0.5 + 0.27 * a / largest) if isfinite(a) else "#d0d0d0"
            axes.text(x, y, _short(a), ha="center", va="center", fontsize=7, zorder=4)
        axes.add_patch(Circle((x, y), RADIUS, facecolor=fill, edgecolor="black", lw=1.1, zorder=3))
        if gradients is not None:
            axes.text(
                x, y - RADIUS - 0.02, f"∂ {_short(gradients[i])}", ha="center", va="top",
                fontsize=6.5, zorder=4, path_effects=halo,
            )  # fmt: skip


def _of_column(given: Sequence[Any] | None, i: int, size: int, what: str) -> list[float] | None:
    if given is None or given[i] is None:
        return None
    found: list[float] = numbers(given[i])
    if len(found) != size:
        raise LengthError(
            f"expected one {what} for each of {size} neurons of column {i}, but got {len(found)}"
        )
    return found


def _legend(figure: Any, weighted: bool, folded: bool, gradients: bool) -> None:
    from matplotlib.lines import Line2D

    handles: list[Any] = []
    if weighted:
        handles = [
            Line2D([], [], color=BLUE, lw=2.0, label="weight above 0"),
            Line2D([], [], color=ORANGE, lw=2.0, ls=(0, (2.2, 1.2)), label="below 0"),
            Line2D([], [], color=GREY, lw=0.0, label="wider: larger in its layer"),
        ]
    if gradients:
        handles.append(Line2D([], [], lw=0.0, label="∂: gradient"))
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False,
                      fontsize=8)  # fmt: skip


def _name(i: int, columns: int) -> str:
    if i == 0:
        return "inputs"
    if i == columns - 1:
        return "outputs"
    return "hidden" if columns == 3 else f"hidden {i}"


def _short(x: float) -> str:
    """A number in five characters or so."""
    if not isfinite(x):
        return str(x)
    if x == 0.0:
        return "0"
    if 0.01 <= abs(x) < 100.0:
        return f"{x:.2f}" if abs(x) < 10.0 else f"{x:.1f}"
    mantissa, exponent = f"{x:.0e}".split("e")
    return f"{mantissa}e{int(exponent)}"
