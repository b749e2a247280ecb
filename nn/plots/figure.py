"""What the pictures share: the figure, the colours, a grid of panels."""

from collections.abc import Sequence
from io import BytesIO
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograd import LengthError, MissingExtraError, Value, write_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, ORANGE = "#1f6fb4", "#e07b1a"
PALE_BLUE, PALE_ORANGE = "#8fb7d9", "#f0bd8c"
GREY = "#6b6b6b"
# Ten classes, after Okabe & Ito 2008 and Tol 2021; told apart by their markers as well
CLASS_COLORS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9",
                "#d55e00", "#f0e442", "#332288", "#999999", "#661100"]  # fmt: skip
CLASS_MARKERS = ["o", "s", "^", "D", "v", "P", "X", "*", "<", ">"]


def new_figure(width: float, height: float) -> "Figure":
    """A figure of this size in inches, without axes."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("these pictures need matplotlib: pip install matplotlib") from None
    figure = Figure(figsize=(width, height), layout="constrained", dpi=150)
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: "Figure", path: Path) -> None:
    """Write it in the format of the suffix; raises what `autograd.write_file` does."""
    picture = BytesIO()  # a failure while drawing leaves no half of a file
    figure.savefig(picture, format=path.suffix[1:])
    write_file(path, picture.getvalue())


def panels(n: int, columns: int, width: float, height: float) -> tuple["Figure", list[Any]]:
    """A figure with n axes in rows of `columns`, each of this size in inches."""
    if n < 1:
        raise LengthError("expected something to draw, but got nothing")
    columns = min(columns, n)
    rows = ceil(n / columns)
    figure = new_figure(max(width * columns, 3.6), height * rows)  # with room for a title
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for unused in axes[n:]:
        unused.remove()
    return figure, axes[:n]


def plain(axes: Any) -> None:
    """Only the frame's left and bottom, and a faint grid."""
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def numbers(x: Any) -> Any:
    """Nested lists, arrays or nodes as nested lists of floats."""
    found = x.tolist() if hasattr(x, "tolist") else x
    if isinstance(found, (list, tuple)):
        return [numbers(part) for part in found]
    return found.data if isinstance(found, Value) else float(found)


def flat(x: Any) -> list[float]:
    """Nested lists, arrays or nodes as one list of floats."""
    found = numbers(x)
    if not isinstance(found, list):
        return [found]
    return [number for part in found for number in flat(part)]


def diverging() -> Any:
    """The colour map of signed numbers: orange below 0, white, blue above."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list(
        "signed", ["#7f3b08", ORANGE, PALE_ORANGE, "#ffffff", PALE_BLUE, BLUE, "#08306b"]
    )


def class_names(names: Sequence[str] | None, n: int) -> list[str]:
    """The names, or the numbers from 0 where there are none."""
    if names is None:
        return [str(j) for j in range(n)]
    if len(names) != n:
        raise LengthError(f"expected a name for each of {n} classes, but got {len(names)}")
    return [str(name) for name in names]
