"""What happened in training, epoch by epoch."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

from nn.plots.figure import BLUE, ORANGE, new_figure, panels, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def loss_curve(losses: Sequence[float], *, title: str = "loss", ylabel: str = "loss") -> "Figure":
    """The loss of each epoch, on a logarithmic axis if it falls by more than a factor of ten."""
    figure = new_figure(5.6, 3.6)
    axes = figure.subplots()
    epochs = range(1, len(losses) + 1)
    axes.plot(epochs, losses, color=BLUE, linewidth=1.8, marker="o" if len(losses) < 30 else "")
    _scale(axes, losses)
    axes.set(title=title, xlabel="epoch", ylabel=ylabel)
    return figure


def history_curves(history: Any, *, title: str = "") -> "Figure":
    """A panel for each name in the history, with the held-out rows' `val_...` beside it, dashed.

    history: name -> a number for each epoch; or what has it as `.history`. The epoch of the lowest
    held-out loss is marked in the panels that have held-out rows.
    Raises LengthError if there is nothing to draw.
    """
    found: Mapping[str, Sequence[float]] = getattr(history, "history", history)
    curves = {name: list(values) for name, values in found.items() if len(values)}
    names = dict.fromkeys(name.removeprefix("val_") for name in curves)
    figure, axes = panels(len(names), 2, 4.6, 3.4)
    best = _lowest(curves.get("val_loss", []))
    for panel, name in zip(axes, names, strict=True):
        held_out = f"val_{name}" in curves
        looks: tuple[tuple[str, dict[str, Any]], ...] = (
            (name, {"color": BLUE, "marker": "o", "label": "training"}),
            (f"val_{name}", {"color": ORANGE, "ls": "--", "marker": "s", "label": "held out"}),
        )
        for key, look in looks:
            values = curves.get(key, [])
            if values:
                # a marker for every epoch of few, a dozen along a long curve
                every = max(1, len(values) // 12)
                epochs = range(1, len(values) + 1)
                panel.plot(epochs, values, lw=1.8, ms=4.5, markevery=every, **look)
        _scale(panel, [y for key, _ in looks for y in curves.get(key, [])])
        if held_out:
            if best is not None:
                label = f"lowest held-out loss:\nepoch {best + 1}"
                panel.axvline(best + 1, color="black", lw=1.0, ls=":", label=label, zorder=1)
            panel.legend(frameon=False, fontsize=8)
        panel.set(title=name.replace("_", " "), xlabel="epoch")
    if title:
        figure.suptitle(title)
    return figure


def _scale(axes: Any, values: Sequence[float]) -> None:
    """A logarithmic axis for what falls by more than a factor of ten."""
    finite = [y for y in values if isfinite(y)]
    if finite and 0.0 < 10.0 * min(finite) < max(finite):
        axes.set_yscale("log")
    elif finite and min(finite) >= 0.0:
        # a share, such as the accuracy, is read against 1
        share = 0.5 < max(finite) <= 1.0
        axes.set_ylim(bottom=0.0, top=1.02 if share else None)
    axes.xaxis.get_major_locator().set_params(integer=True)
    # by their count, for epochs that are not finite are not drawn
    epochs = max((len(line.get_xdata()) for line in axes.lines), default=1)
    beside = 0.04 * epochs if epochs > 1 else 1.0
    axes.set_xlim(1.0 - beside, epochs + beside)
    plain(axes)


def _lowest(losses: Sequence[float]) -> int | None:
    finite = [i for i, y in enumerate(losses) if isfinite(y)]
    return min(finite, key=lambda i: losses[i]) if finite else None
