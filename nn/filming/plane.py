"""Plane: what a network of two inputs answers where, a byte for each point of a grid."""

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any

from autograd import jit, no_grad
from nn.drawing import Network
from nn.layers.base import flat, nested
from nn.models import Sequential

STEPS = 48  # the plane is asked at so many points each way
MARGIN = 0.15  # beyond the data, as a share of their extent


class Plane:
    """The plane of two inputs, and what is answered there, a byte for each point of a grid."""

    def __init__(self, xs: Any, values: Sequence[float]) -> None:
        import numpy as np

        low, high = xs.min(axis=0), xs.max(axis=0)
        extent = np.maximum(high - low, 1e-9)
        self.low, self.high = low - MARGIN * extent, high + MARGIN * extent
        across, up = (np.linspace(a, b, STEPS) for a, b in zip(self.low, self.high, strict=True))
        self.rows = np.array([[a, b] for b in up for a in across])
        self.bottom = values[0]
        self.top = values[-1] if values[-1] > values[0] else values[0] + 1.0

    def described(self, names: Sequence[str] | None) -> dict[str, Any]:
        return {
            "low": [rounded(z) for z in self.low],
            "high": [rounded(z) for z in self.high],
            "steps": STEPS,
            "names": list(names or ("x1", "x2")),
            "range": [self.bottom, self.top],
        }

    def shades(self, answers: Any, kind: str) -> bytes:
        """A byte for each point, finest where the answer is close to the border.

        Of two classes: 127.5 at the border, and to both sides the root of the distance from it. Of
        several: a range for each class, in it the root of how far it is ahead of the second best.
        Of other numbers: from the lowest to the highest target.
        """
        import numpy as np

        found = np.nan_to_num(answers.reshape(len(self.rows), -1))
        if kind != "classes":
            share = np.clip((found[:, 0] - self.bottom) / (self.top - self.bottom), 0.0, 1.0)
            if kind == "two":
                side = 2.0 * share - 1.0
                share = (1.0 + np.sign(side) * np.sqrt(np.abs(side))) / 2.0
            return bytes((share * 255.0).round().astype(np.uint8))
        levels = 256 // found.shape[1]
        ordered = np.sort(found, axis=1)
        ahead = np.clip(ordered[:, -1] - ordered[:, -2], 0.0, 1.0)
        level = (np.sqrt(ahead) * (levels - 1)).round().astype(int)
        return bytes((found.argmax(axis=1) * levels + level).astype(np.uint8))


def predictor(model: Network) -> Callable[[Any], Any]:
    """From rows [n, ...] to the answers [n, ...]."""
    if isinstance(model, Sequential):
        return model.predict
    import numpy as np

    fast: Any = jit(lambda row: flat(model(nested(row))), batch_argnums=0, mean=False)

    def predict(xs: Any) -> Any:
        try:
            return np.stack(fast(np.ascontiguousarray(xs)), axis=1)
        except TypeError:  # an activation that cannot be traced
            with no_grad():
                return np.array([[z.data for z in flat(model(x))] for x in xs.tolist()])

    return predict


def rounded(x: Any) -> Any:
    """Five digits, for the file's size; what JSON has no number for as text."""
    number = float(x)
    return float(f"{number:.5g}") if isfinite(number) else str(number)
