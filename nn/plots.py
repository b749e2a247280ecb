"""Pictures of training, with matplotlib. Each function returns a Figure; `.savefig(path)` writes it.

Figures are made without pyplot: no global state, and no screen needed.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from autograd import MissingExtraError, no_grad

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, ORANGE = "#1f6fb4", "#e07b1a"


def loss_curve(
    losses: Sequence[float], title: str = "loss", ylabel: str = "loss", log: bool = True
) -> "Figure":
    """The loss of each epoch; log: on a logarithmic axis, where no loss is 0."""
    figure, axes = _figure(5.6, 3.6)
    epochs = range(1, len(losses) + 1)
    axes.plot(epochs, losses, color=BLUE, linewidth=1.8, marker="o" if len(losses) < 30 else "")
    if log and losses and min(losses) > 0.0:
        axes.set_yscale("log")
    elif losses:
        axes.set_ylim(bottom=0.0)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(title=title, xlabel="epoch", ylabel=ylabel)
    axes.grid(alpha=0.3, which="both" if len(losses) == 0 else "major")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def decision_boundary(
    predict: Callable[[list[list[float]]], Sequence[float]],
    xs: Sequence[Sequence[float]],
    ys: Sequence[float],
    title: str = "decision boundary",
    note: str = "",
    margin: float = 0.4,
    steps: int = 81,
) -> "Figure":
    """The plane of two inputs, shaded by the prediction, with the line where it is 0.5.

    predict: rows [n, 2] -> n numbers between 0 and 1; xs: [rows, 2]; ys: [rows], of 0 and 1.
    note: a sentence to write below. The classes differ in shape and hatching as well as in colour.
    """
    figure, axes = _figure(5.6, 5.0 if note else 4.6)
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    (left, right), (low, high) = [
        (min(row[i] for row in xs) - margin, max(row[i] for row in xs) + margin) for i in (0, 1)
    ]
    across = [left + (right - left) * i / (steps - 1) for i in range(steps)]
    up = [low + (high - low) * i / (steps - 1) for i in range(steps)]
    with no_grad():
        flat = list(predict([[a, b] for b in up for a in across]))
    grid = [flat[i * steps : (i + 1) * steps] for i in range(steps)]  # [up, across]

    shades = LinearSegmentedColormap.from_list("classes", [ORANGE, "#ffffff", BLUE])
    levels = [i / 20 for i in range(21)]
    shading = axes.contourf(across, up, grid, levels=levels, cmap=shades, alpha=0.55)
    both = min(flat) <= 0.5 < max(flat)
    if max(flat) > 0.5:
        hatching = axes.contourf(
            across, up, grid, levels=[0.5, 1.01], colors="none", hatches=["//"]
        )
        hatching.set(edgecolor=(0.12, 0.44, 0.71, 0.3), linewidth=0.0)
    if both:
        axes.contour(across, up, grid, levels=[0.5], colors="black", linewidths=2.0)
    handles: list[Any] = []
    for value, marker, color in ((0.0, "o", ORANGE), (1.0, "s", BLUE)):
        points = [row for row, y in zip(xs, ys, strict=True) if y == value]
        axes.scatter(
            [a for a, _ in points],
            [b for _, b in points],
            marker=marker,
            s=110,
            color=color,
            edgecolors="black",
            linewidths=1.5,
            zorder=3,
            clip_on=False,
        )
        handles.append(
            Line2D([], [], marker=marker, markersize=9, color=color, markeredgecolor="black",
                   linestyle="", label=f"target {value:.0f}")
        )  # fmt: skip
    handles.append(Line2D([], [], color="black", linewidth=2.0, label="prediction 0.5"))
    handles.append(
        Patch(facecolor="white", edgecolor=BLUE, hatch="//", label="predicted 1", linewidth=0.5)
    )
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    figure.colorbar(shading, ax=axes, label="prediction", ticks=[0, 0.25, 0.5, 0.75, 1])
    axes.set(title=title, ylabel="$x_2$", aspect="equal")
    axes.set_xlabel("$x_1$" + (f"\n{note}" if note else ""))
    return figure


def _figure(width: float, height: float) -> tuple["Figure", Any]:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("these pictures need matplotlib: pip install matplotlib") from None
    figure = Figure(figsize=(width, height), layout="constrained", dpi=150)
    FigureCanvasAgg(figure)
    return figure, figure.subplots()
