"""Standardising as a straight line, which a trained network's weights can take in."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from nn.data import standardise
from nn.models import Sequential

if TYPE_CHECKING:
    from numpy.typing import NDArray


@final
@dataclass(frozen=True)
class Line:
    """x * slope + offset, for each feature: [features], or [1] if it is the same for all."""

    slope: "NDArray[Any]"
    offset: "NDArray[Any]"

    def __call__(self, xs: Any) -> Any:
        return xs * self.slope + self.offset


def standardising(table: "NDArray[Any]", centre: bool = True) -> Line:
    """The line that `nn.data.standardise` puts on each column of the training rows.

    centre: False leaves 0 where it is, and divides by the spread alone.
    """
    import numpy as np

    low, width = table.min(axis=0), np.ptp(table, axis=0)
    width[width == 0.0] = 1.0
    _, ends = standardise(table, np.stack([low, low + width]))  # two points give a line
    slope = (ends[1] - ends[0]) / width
    return Line(slope, ends[0] - low * slope if centre else np.zeros_like(slope))


def fold(model: Sequential, xs: Line, ys: Line | None) -> None:
    """Change the weights, so that the model takes and gives numbers as they were before scaling.

    xs: what the rows were put through; a convolution's must leave 0 where it is. ys: the targets,
    of one output.
    """
    import numpy as np

    with_weights = [layer for layer in model.layers if layer.get_weights()]
    kernel, bias = map(np.array, with_weights[0].get_weights())
    if kernel.ndim == 2:  # [n_in, n_out]
        bias = bias + np.broadcast_to(xs.offset, len(kernel)) @ kernel
        kernel = kernel * np.broadcast_to(xs.slope, len(kernel))[:, None]
    else:
        kernel = kernel * xs.slope
    with_weights[0].set_weights([kernel, bias])
    if ys is not None:
        kernel, bias = map(np.array, with_weights[-1].get_weights())
        with_weights[-1].set_weights([kernel / ys.slope, (bias - ys.offset) / ys.slope])
