"""What a model of two inputs answers where, over the plane."""

from collections.abc import Callable, Sequence
from math import inf
from textwrap import fill
from typing import TYPE_CHECKING, Any

from autograd import LengthError, Value, no_grad
from nn.plots.figure import (
    BLUE,
    CLASS_COLORS,
    CLASS_MARKERS,
    ORANGE,
    PALE_BLUE,
    PALE_ORANGE,
    class_names,
    flat,
    new_figure,
    numbers,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HATCH = "#5f93bd"


def decision_boundary(
    predict: Callable[[list[list[float]]], Sequence[Value | float]],
    xs: Sequence[Sequence[float]],
    ys: Sequence[float],
    *,
    from_score: Callable[[float], float] | None = None,
    title: str = "decision boundary",
    note: str = "",
    margin: float = 0.4,
    steps: int = 81,
) -> "Figure":
    """The plane of two inputs, shaded by the prediction, with the line where it is 0.5.

    predict: rows [n, 2] -> n numbers between 0 and 1: a model, or a function of floats.
    xs, ys: [rows, 2], and [rows], of 0 and 1.
    from_score: given, `predict` gives scores, above 0 where 1 is predicted, and this makes one a
        prediction: a step has a smooth line only in its scores.
    note: a sentence to write below. The classes differ in shape and hatching as well as in colour.
    """
    figure = new_figure(5.6, 5.0)
    axes = figure.subplots()
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    across, up = _plane(xs, margin, steps)
    (left, right), (low, high) = (across[0], across[-1]), (up[0], up[-1])
    rows = [[a, b] for b in up for a in across]
    with no_grad():
        found = flat(predict(rows))
    shade = [from_score(z) for z in found] if from_score else found
    scores = found if from_score else [p - 0.5 for p in found]

    shading = axes.imshow(
        _grid(shade, steps),
        extent=(left, right, low, high),
        origin="lower",
        vmin=0.0,
        vmax=1.0,
        cmap=LinearSegmentedColormap.from_list("classes", [PALE_ORANGE, "#ffffff", PALE_BLUE]),
        interpolation="bilinear",
    )
    handles: list[Any] = []
    for value, marker, color in ((0.0, "o", ORANGE), (1.0, "s", BLUE)):
        look: dict[str, Any] = {"marker": marker, "color": color, "linestyle": ""}
        look |= {"markersize": 10, "markeredgecolor": "black", "markeredgewidth": 1.5}
        points = [row for row, y in zip(xs, ys, strict=True) if y == value]
        axes.plot([a for a, _ in points], [b for _, b in points], zorder=3, **look)
        handles.append(Line2D([], [], label=f"target {value:.0f}", **look))
    # A score that is 0 everywhere but for rounding has no line worth drawing
    if min(scores) < -1e-9 and max(scores) > 1e-9:
        grid = _grid(scores, steps)
        axes.contour(across, up, grid, levels=[0.0], colors="black", linewidths=2.0)
        handles.append(Line2D([], [], color="black", linewidth=2.0, label="prediction 0.5"))
    if max(scores) > 1e-9:
        hatched = axes.contourf(
            across, up, _grid(scores, steps), levels=[0.0, inf], colors="none", hatches=["//"]
        )
        hatched.set(edgecolor=HATCH, linewidth=0.0)
        handles.append(Patch(fill=False, edgecolor=HATCH, hatch="//", label="predicted 1"))
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    figure.colorbar(shading, ax=axes, label="prediction", ticks=[0, 0.25, 0.5, 0.75, 1],
                    shrink=0.85)  # fmt: skip
    axes.set(title=title, ylabel="$x_2$", xlim=(left, right), ylim=(low, high))
    axes.set_xlabel("$x_1$" + (f"\n\n{fill(note, 62)}" if note else ""), fontsize=9)
    axes.locator_params(nbins=6, steps=[1, 2, 5, 10])
    if note:
        figure.set_size_inches(5.6, 5.8)
    return figure


def decision_regions(
    predict: Callable[[list[list[float]]], Any],
    xs: Any,
    ys: Any,
    *,
    names: Sequence[str] | None = None,
    title: str = "decision regions",
    margin: float = 0.4,
    steps: int = 121,
) -> "Figure":
    """The plane of two inputs, parted into the classes answered there; paler where less sure.

    predict: rows [n, 2] -> [n, classes], of which the largest is the answer; numbers that add up to
        1 are taken for probabilities. xs: [rows, 2]; ys: [rows] class numbers, or one-hot.
    Each region bears its class's name, and each class has a marker of its own.
    Raises LengthError for more than ten classes, or none.
    """
    points = numbers(xs)
    true = [y.index(max(y)) if isinstance(y, list) and len(y) > 1 else int(flat(y)[0])
            for y in numbers(ys)]  # fmt: skip
    across, up = _plane(points, margin, steps)
    with no_grad():
        outputs = numbers(predict([[a, b] for b in up for a in across]))
    n = len(outputs[0]) if isinstance(outputs[0], list) else 1
    if not 2 <= n <= len(CLASS_COLORS):
        raise LengthError(
            f"expected 2 to {len(CLASS_COLORS)} outputs for each row, but got {n}; of a single "
            "one, decision_boundary draws the line"
        )
    names = class_names(names, n)
    said = [row.index(max(row)) for row in outputs]
    # from white at an even share to the colour itself at certainty
    sure = [max(0.0, min(1.0, (max(row) - 1.0 / n) / (1.0 - 1.0 / n))) for row in outputs]

    figure = new_figure(5.6, 5.2)
    axes = figure.subplots()
    from matplotlib.colors import to_rgb
    from matplotlib.lines import Line2D
    from matplotlib.patheffects import withStroke

    colors = [to_rgb(c) for c in CLASS_COLORS]
    shade = [
        [1.0 - (0.12 + 0.43 * s) * (1.0 - c) for c in colors[j]]
        for j, s in zip(said, sure, strict=True)
    ]
    axes.imshow(
        _grid(shade, steps), extent=(across[0], across[-1], up[0], up[-1]), origin="lower",
        interpolation="bilinear", aspect="auto",
    )  # fmt: skip
    handles = []
    for j, name in enumerate(names):
        # how far ahead of the best other class: smooth where the answers themselves are steps
        ahead = [row[j] - max(row[:j] + row[j + 1 :]) for row in outputs]
        if min(ahead) < 0.0 < max(ahead):
            axes.contour(across, up, _grid(ahead, steps), levels=[0.0], colors="black",
                         linewidths=1.2)  # fmt: skip
        look: dict[str, Any] = {"marker": CLASS_MARKERS[j], "color": CLASS_COLORS[j], "ls": ""}
        look |= {"ms": 5.5, "mec": "black", "mew": 0.7}
        own = [p for p, y in zip(points, true, strict=True) if y == j]
        axes.plot([a for a, _ in own], [b for _, b in own], zorder=3, **look)
        handles.append(Line2D([], [], label=name, **look))
        if j in said:
            free = _grid([k == j for k in said], steps)
            for point in points:  # the name is not to hide one
                free[_nearest(up, point[1])][_nearest(across, point[0])] = False
            a, b = _deepest(free)
            axes.text(
                across[a], up[b], name, fontsize=13, weight="bold", ha="center", va="center",
                zorder=4, path_effects=[withStroke(linewidth=4.0, foreground="white")],
            )  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=min(n, 5), frameon=False,
                  fontsize=9, title="true class")  # fmt: skip
    axes.set(title=title, xlabel="$x_1$", ylabel="$x_2$")
    axes.set(xlim=(across[0], across[-1]), ylim=(up[0], up[-1]))
    return figure


def _plane(points: Any, margin: float, steps: int) -> tuple[list[float], list[float]]:
    """The coordinates of a grid around the points."""
    coordinates = []
    for i in (0, 1):
        low = min(row[i] for row in points) - margin
        high = max(row[i] for row in points) + margin
        coordinates.append([low + (high - low) * k / (steps - 1) for k in range(steps)])
    return coordinates[0], coordinates[1]


def _nearest(coordinates: list[float], x: float) -> int:
    first, last = coordinates[0], coordinates[-1]
    return round((x - first) / (last - first) * (len(coordinates) - 1))


def _deepest(inside: list[list[bool]]) -> tuple[int, int]:
    """(column, row) of the cell farthest from any outside, by steps along the grid."""
    rows, columns = len(inside), len(inside[0])
    depth = [[rows + columns if cell else 0 for cell in row] for row in inside]
    order = [(i, j) for i in range(rows) for j in range(columns)]
    for cells, back in ((order, -1), (order[::-1], 1)):
        for i, j in cells:
            # beyond the picture's edge is outside: a name is not to be cut off
            above = depth[i + back][j] if 0 <= i + back < rows else 0
            beside = depth[i][j + back] if 0 <= j + back < columns else 0
            depth[i][j] = min(depth[i][j], above + 1, beside + 1)
    i, j = max(order, key=lambda cell: depth[cell[0]][cell[1]])
    return j, i


def _grid(cells: list[Any], steps: int) -> list[list[Any]]:
    return [cells[i * steps : (i + 1) * steps] for i in range(steps)]  # [up, across]
