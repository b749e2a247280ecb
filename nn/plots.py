"""Pictures of training, with matplotlib: each function gives a Figure, `.savefig(path)` writes it.

Figures are made without pyplot: no global state, and no screen needed.
"""

from collections.abc import Callable, Sequence
from math import inf
from textwrap import fill
from typing import TYPE_CHECKING, Any

from autograd import MissingExtraError, Value, no_grad

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, ORANGE = "#1f6fb4", "#e07b1a"
PALE_BLUE, PALE_ORANGE = "#8fb7d9", "#f0bd8c"
HATCH = "#5f93bd"


def loss_curve(losses: Sequence[float], *, title: str = "loss", ylabel: str = "loss") -> "Figure":
    """The loss of each epoch, on a logarithmic axis if it falls by more than a factor of ten."""
    figure, axes = _figure(5.6, 3.6)
    epochs = range(1, len(losses) + 1)
    axes.plot(epochs, losses, color=BLUE, linewidth=1.8, marker="o" if len(losses) < 30 else "")
    if losses and 0.0 < 10.0 * min(losses) < max(losses):
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0.0)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(title=title, xlabel="epoch", ylabel=ylabel)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


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
    figure, axes = _figure(5.6, 5.0)
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    (left, right), (low, high) = [
        (min(row[i] for row in xs) - margin, max(row[i] for row in xs) + margin) for i in (0, 1)
    ]
    across = [left + (right - left) * i / (steps - 1) for i in range(steps)]
    up = [low + (high - low) * i / (steps - 1) for i in range(steps)]
    rows = [[a, b] for b in up for a in across]
    with no_grad():
        found = [p.data if isinstance(p, Value) else p for p in predict(rows)]
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


def _grid(flat: list[float], steps: int) -> list[list[float]]:
    return [flat[i * steps : (i + 1) * steps] for i in range(steps)]  # [up, across]


def _figure(width: float, height: float) -> tuple["Figure", Any]:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("these pictures need matplotlib: pip install matplotlib") from None
    figure = Figure(figsize=(width, height), layout="constrained", dpi=150)
    FigureCanvasAgg(figure)
    return figure, figure.subplots()
