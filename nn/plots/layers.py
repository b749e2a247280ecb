"""Layer by layer: how weights and activations are spread, how far the gradient reaches."""

from collections.abc import Mapping
from math import fsum, isfinite, sqrt
from typing import TYPE_CHECKING, Any

from autograd import LengthError
from nn.plots.figure import BLUE, GREY, ORANGE, flat, new_figure, panels, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def histograms(
    numbers_by_layer: Mapping[str, Any], *, title: str = "", bins: int = 41, columns: int = 3
) -> "Figure":
    """How the weights, activations or gradients of each layer are spread: a panel for each.

    numbers_by_layer: name -> numbers, nested or not. Each panel says how many there are, their mean
    and standard deviation, and the shares that are exactly 0 or not finite, if any.
    Raises LengthError if a layer has no numbers.
    """
    figure, axes = panels(len(numbers_by_layer), columns, 3.1, 2.5)
    for panel, (name, found) in zip(axes, numbers_by_layer.items(), strict=True):
        every = flat(found)
        if not every:
            raise LengthError(f"expected numbers for {name!r}, but got none")
        finite = [x for x in every if isfinite(x)]
        lines = [f"{len(every):,} numbers"]
        if finite:
            panel.hist(finite, bins=bins, color=BLUE, edgecolor="white", linewidth=0.3)
            mean = fsum(finite) / len(finite)
            spread = sqrt(fsum((x - mean) ** 2 for x in finite) / len(finite))
            lines.append(f"mean {mean:.2g}, sd {spread:.2g}")
            panel.axvline(0.0, color="black", linewidth=0.8)
        for share, what in (
            (every.count(0.0), "exactly 0"),
            (len(every) - len(finite), "not finite"),
        ):
            if share:
                lines.append(f"{100 * share / len(every):.3g} % {what}")
        panel.text(
            0.98, 0.97, "\n".join(lines), transform=panel.transAxes, ha="right", va="top",
            fontsize=7, bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1.5},
        )  # fmt: skip
        panel.set_title(name, fontsize=10)
        panel.tick_params(labelsize=8)
        panel.margins(y=0.35)  # room for the words
        plain(panel)
    if title:
        figure.suptitle(title)
    return figure


def gradient_flow(
    by_layer: Mapping[str, Any],
    *,
    title: str = "the gradient, layer by layer",
    vanishing: float = 1e-3,
) -> "Figure":
    """The size of the gradient that arrives at each layer, on a logarithmic axis.

    by_layer: name -> gradients, nested or not, from the input to the output; of one sample or of a
    batch. The bar is the mean size, the mark above it the largest. A layer whose mean is below
    `vanishing` times the largest mean of all is hatched: there the gradient vanishes.
    Raises LengthError if a layer has no gradients.
    """
    names = list(by_layer)
    figure = new_figure(max(6.2, 1.0 + 0.85 * len(names)), 3.9)
    axes = figure.subplots()
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch
    from matplotlib.ticker import NullFormatter

    sizes = {name: [abs(g) for g in flat(found)] for name, found in by_layer.items()}
    if not names or not all(sizes.values()):
        raise LengthError(f"expected gradients for each layer, but got none for one of {names}")
    finite = {name: all(map(isfinite, gs)) for name, gs in sizes.items()}
    means = {name: fsum(gs) / len(gs) if finite[name] else 0.0 for name, gs in sizes.items()}
    positive = [m for m in means.values() if m > 0.0]
    top = max((max(gs) for name, gs in sizes.items() if finite[name]), default=0.0) or 1.0
    floor = max(min(positive, default=1.0) / 10.0, 1e-300)
    hatched = False
    for x, name in enumerate(names):
        mean = means[name]
        if mean == 0.0:
            word = "all 0" if finite[name] else "not\nfinite"
            axes.text(x, floor * 1.3, word, ha="center", va="bottom", fontsize=9, weight="bold")
            continue
        faded = mean < vanishing * max(positive)
        look: dict[str, Any] = {"color": BLUE}
        if faded:
            hatched = True
            look = {"facecolor": "white", "edgecolor": ORANGE, "hatch": "///"}
        axes.bar(x, mean - floor, bottom=floor, width=0.62, **look)
        largest = max(sizes[name])
        axes.plot([x], [largest], marker="_", markersize=18, mew=2.0, color="black")
        paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.8} if faded else None
        for size, offset, side, color, behind in (
            (largest, 4, "bottom", "black", None),
            (mean, -4, "top", "black" if faded else "white", paper),
        ):
            axes.annotate(
                f"{size:.2g}", (x, size), xytext=(0, offset), textcoords="offset points",
                ha="center", va=side, fontsize=8, color=color, bbox=behind,
            )  # fmt: skip
    handles: list[Any] = [
        Patch(color=BLUE, label="mean size"),
        Line2D([], [], color="black", marker="_", ls="", markersize=14, mew=2.0, label="largest"),
    ]
    if hatched:
        handles.append(
            Patch(facecolor="white", edgecolor=ORANGE, hatch="///",
                  label=f"vanishes: under {vanishing:g} of the largest mean")
        )  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    axes.set_yscale("log")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set(
        title=title, ylabel="|gradient|", xlim=(-0.6, len(names) - 0.4), ylim=(floor, top * 4.0)
    )
    axes.set_xticks(range(len(names)), names, fontsize=9, rotation=30 if len(names) > 6 else 0)
    plain(axes)
    axes.grid(visible=False, axis="x")
    axes.set_xlabel("input side  →  output side", fontsize=9, color=GREY)
    return figure
