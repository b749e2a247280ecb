"""Grids of cells: the confusion matrix, pictures with answers, what hidden neurons look at."""

from collections.abc import Sequence
from math import ceil, isfinite, sqrt
from typing import TYPE_CHECKING, Any

from autograd import LengthError
from nn.plots.figure import ORANGE, class_names, diverging, flat, new_figure, numbers, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def confusion_matrix_plot(
    matrix: Any, names: Sequence[str] | None = None, *, title: str = "confusion matrix"
) -> "Figure":
    """How often each class (row) was answered by each (column), darker for more of the row.

    matrix: [classes, classes], as of `nn.metrics.confusion_matrix`. The right answers, on the
    diagonal, are framed. Raises LengthError if it is not square.
    """
    rows = numbers(matrix)
    n = len(rows)
    if any(len(row) != n for row in rows):
        raise LengthError(f"expected a square matrix, but got {n} rows of {[*map(len, rows)]}")
    names = class_names(names, n)
    longest = max(map(len, names))
    cells = max(0.46, 1.0 - 0.1 * n) * n
    figure = new_figure(cells + 1.9 + 0.08 * longest, cells + 1.3 + 0.08 * longest * (longest > 4))
    axes = figure.subplots()
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Rectangle

    shares = [[x / (sum(row) or 1.0) for x in row] for row in rows]
    blues = LinearSegmentedColormap.from_list("share", ["#ffffff", "#8fb7d9", "#1f6fb4", "#08306b"])
    shading = axes.imshow(shares, cmap=blues, vmin=0.0, vmax=1.0)
    for i, row in enumerate(rows):
        axes.add_patch(Rectangle((i - 0.5, i - 0.5), 1, 1, fill=False, lw=1.6, ec="black"))
        for j, x in enumerate(row):
            color = "white" if shares[i][j] > 0.45 else "black" if x else "#b0b0b0"
            text = f"{x:g}" if abs(x) < 1e5 else f"{x:.0e}"
            axes.text(j, i, text, ha="center", va="center", color=color, fontsize=9)
    right, whole = sum(rows[i][i] for i in range(n)), sum(map(sum, rows))
    below = f"\n{right:g} of {whole:g} right ({100 * right / whole:.4g} %)" if whole else ""
    axes.set(title=title, ylabel="true class")
    axes.set_xlabel("answer" + below)
    axes.set_xticks(range(n), names, rotation=90 if longest > 4 else 0, fontsize=9)
    axes.set_yticks(range(n), names, fontsize=9)
    axes.tick_params(length=0)
    figure.colorbar(shading, ax=axes, label="share of the true class", shrink=0.75)
    return figure


def images(
    pictures: Any,
    titles: Sequence[str] | None = None,
    *,
    right: Sequence[bool] | None = None,
    columns: int = 8,
    title: str = "",
) -> "Figure":
    """A grid of small pictures, grey or in colour.

    pictures: [n, height, width], dark being 0, or [n, height, width, 3]. titles: a text above each.
    right: for each whether it was answered right; the wrong ones get a dashed frame and a cross.
    Raises LengthError if there is not one title, or one answer, for each picture.
    """
    shown = numbers(pictures)
    for name, given in (("title", titles), ("answer", right)):
        if given is not None and len(given) != len(shown):
            raise LengthError(
                f"expected one {name} for each of {len(shown)} pictures, but got {len(given)}"
            )
    texts = [] if titles is None else [str(text) for text in titles]
    lines = [text.split("\n") for text in texts]
    tallest = max(map(len, lines), default=0)
    longest = max((len(line) for split in lines for line in split), default=0)
    figure, axes = panels(len(shown), columns, max(1.25, 0.085 * longest), 1.2 + 0.15 * tallest)
    for i, (panel, picture) in enumerate(zip(axes, shown, strict=True)):
        finite = [x for x in flat(picture) if isfinite(x)] or [0.0]
        panel.imshow(picture, cmap="gray", vmin=min(finite), vmax=max(finite) or 1.0)
        panel.set(xticks=[], yticks=[])
        wrong = right is not None and not right[i]
        if texts:
            text = f"✗ {texts[i]}" if wrong else texts[i]
            panel.set_title(text, fontsize=8, pad=3, weight="bold" if wrong else "normal")
        panel.spines[:].set(linewidth=0.5, color="#b0b0b0")
        if wrong:
            panel.spines[:].set(linewidth=2.5, color=ORANGE, linestyle=(0, (3, 1.5)))
    if title:
        figure.suptitle(title)
    return figure


def answers(
    pictures: Any,
    probabilities: Any,
    targets: Any,
    *,
    names: Sequence[str] | None = None,
    columns: int = 8,
    title: str = "",
) -> "Figure":
    """Pictures with the network's answer, how sure it is, and what was second best.

    pictures: as for `images`; probabilities: [n, classes]; targets: [n] class numbers.
    Raises LengthError if they differ in length.
    """
    rows, classes = numbers(probabilities), [int(y) for y in flat(targets)]
    if not len(rows) == len(classes) == len(pictures):
        raise LengthError(
            f"expected as many pictures as probabilities and targets, but got {len(pictures)}, "
            f"{len(rows)} and {len(classes)}"
        )
    names = class_names(names, len(rows[0]) if rows else 0)
    titles, right = [], []
    for row, true in zip(rows, classes, strict=True):
        first, second = sorted(range(len(row)), key=row.__getitem__, reverse=True)[:2]
        said = f"{names[first]} ({_percent(row[first])})"
        next_best = f"then {names[second]} ({_percent(row[second])})"
        titles.append("\n".join([said, next_best] + [f"is {names[true]}"] * (first != true)))
        right.append(first == true)
    return images(pictures, titles, right=right, columns=columns, title=title)


def hidden_neurons(
    weights: Any,
    shape: tuple[int, int],
    *,
    titles: Sequence[str] | None = None,
    title: str = "what each hidden neuron looks at",
) -> "Figure":
    """The weights of each neuron as a picture, all on one scale.

    weights: [neurons, height * width]; shape: (height, width). Blue is what speaks for the neuron,
    orange what speaks against it, with a minus from a quarter of the largest weight on.
    Raises LengthError if the weights do not fill the shape.
    """
    rows = [flat(row) for row in numbers(weights)]
    height, width = shape
    if any(len(row) != height * width for row in rows):
        raise LengthError(
            f"expected {height} x {width} = {height * width} weights for each neuron, "
            f"but got {sorted({len(row) for row in rows})}; transpose a matrix [inputs, neurons]"
        )
    if titles is not None and len(titles) != len(rows):
        raise LengthError(f"expected a title for each of {len(rows)} neurons, got {len(titles)}")
    figure, axes = panels(len(rows), max(4, ceil(sqrt(1.6 * len(rows)))), 1.0, 1.12)
    largest = max((abs(w) for row in rows for w in row if isfinite(w)), default=0.0) or 1.0
    for i, (panel, row) in enumerate(zip(axes, rows, strict=True)):
        picture = [row[k * width : (k + 1) * width] for k in range(height)]
        shading = panel.imshow(picture, cmap=diverging(), vmin=-largest, vmax=largest)
        against = [k for k, w in enumerate(row) if w < -0.25 * largest]
        panel.plot(
            [k % width for k in against], [k // width for k in against],
            ls="", marker="_", color="black", ms=30.0 / max(height, width), mew=0.6,
        )  # fmt: skip
        panel.set(xticks=[], yticks=[])
        panel.spines[:].set(linewidth=0.5, color="#b0b0b0")
        panel.set_title(titles[i] if titles is not None else str(i), fontsize=7, pad=2)
    bar = figure.colorbar(shading, ax=axes, label="weight", shrink=0.6, aspect=30)
    bar.ax.tick_params(labelsize=8)
    figure.suptitle(title)
    return figure


def _percent(p: float) -> str:
    return f"{100 * p:.0f} %" if 0.095 <= p < 0.995 else f"{100 * p:.1f} %"
