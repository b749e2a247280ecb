"""What `fit` and `evaluate` are given, as arrays of rows that fit each other."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from autograd import LengthError, OperandError
from nn.errors import HyperparameterError, TargetError
from nn.fit import Rows
from nn.layers.base import SequentialLayer
from nn.tables import numbers_in_rows


def prepare_held_out(data: Any) -> Rows:
    """What `fit` is given to validate with: (x, y), (x, y, weights) or a data set."""
    parts = tuple(data) if isinstance(data, (tuple, list)) else (data,)
    if isinstance(data, (tuple, list)) and len(parts) not in (2, 3):
        raise LengthError(
            f"expected validation_data=(x, y) or (x, y, weights), but got {len(parts)} parts"
        )
    try:
        return prepare_rows(*parts)
    except (LengthError, OperandError) as error:
        raise type(error)(f"validation_data: {error}") from None


def prepare_rows(
    x: Any, y: Any = None, sample_weight: Any = None, class_weight: dict[int, float] | None = None
) -> Rows:
    """The rows as NumPy arrays of floats. x alone may be a data set, or another (x, y).

    Raises LengthError if they differ in length or there are none, OperandError for what is no
    number.
    """
    import numpy as np

    if y is None:
        try:
            x, y = x
        except (TypeError, ValueError):
            raise LengthError("expected targets y beside the inputs x, but got none") from None
    xs, ys = numbers_in_rows("x", x), numbers_in_rows("y", y)
    if len(xs) != len(ys) or not len(xs):
        raise LengthError(
            f"expected at least one row and a target for each, but got {len(xs)} rows and "
            f"{len(ys)} targets"
        )
    weights = None
    if sample_weight is not None:
        weights = numbers_in_rows("sample_weight", sample_weight)
        if weights.shape != (len(xs),):
            raise LengthError(
                f"expected a weight for each of {len(xs)} rows, but got {weights.shape}"
            )
    if class_weight is not None:
        of_class = _class_weights(ys, class_weight)
        weights = of_class if weights is None else np.ascontiguousarray(weights * of_class)
    return Rows(xs, ys, weights)


def _class_weights(ys: Any, weights: dict[int, float]) -> Any:
    """How much each row counts, by its class: a number, or the place of the 1 in its row."""
    import numpy as np

    columns = ys.reshape(len(ys), -1)
    classes = columns.argmax(axis=1) if columns.shape[1] > 1 else columns[:, 0]
    missing = sorted(set(classes.tolist()) - set(map(float, weights)))
    if missing:
        raise TargetError(
            f"expected class_weight to have a weight for each class, but there is none for "
            f"{missing[:5]}; it has {sorted(weights)}"
        )
    return np.array([weights[int(c)] for c in classes.tolist()], float)


def split_off(rows: Rows, share: float) -> tuple[Rows, Rows | None]:
    """The rows to train on, and the last `share` of them to validate with."""
    if not 0.0 <= share < 1.0:
        raise HyperparameterError(f"expected validation_split in [0, 1), but got {share!r}")
    if not share:
        return rows, None
    first = int(len(rows) * (1.0 - share))
    if not 0 < first < len(rows):
        raise HyperparameterError(
            f"validation_split={share} of {len(rows)} rows leaves none to "
            + ("train on" if not first else "validate with")
        )
    cut = [slice(first), slice(first, None)]
    weights = [None if rows.weights is None else rows.weights[part] for part in cut]
    train, held_out = (
        Rows(rows.xs[part], rows.ys[part], w) for part, w in zip(cut, weights, strict=True)
    )
    return train, held_out


def order_of_rows(n: int, seed: int, epoch: int, shuffle: bool) -> Any:
    """The order of n rows in an epoch: a matter of the seed and the epoch's number alone."""
    import numpy as np

    return np.random.default_rng([seed, epoch]).permutation(n) if shuffle else np.arange(n)


def random_numbers(
    rows: Rows, layers: Sequence[SequentialLayer], seed: int
) -> tuple[Rows, Callable[[int], None]]:
    """The rows with a place for the random numbers of their layers, and what draws an epoch's.

    They are a matter of the seed (a layer's own, or this with the layer's place) and the epoch's
    number alone: the same for both engines, and after a pause.
    """
    import numpy as np

    total = sum(layer.random_numbers for layer in layers)
    if not total:
        return rows, lambda epoch: None
    if total * len(rows) > MOST_RANDOM_NUMBERS:
        raise HyperparameterError(
            f"dropping needs {total:,} random numbers for each of {len(rows):,} rows, which is "
            f"more than the {MOST_RANDOM_NUMBERS:,} that are kept in memory; fit fewer rows at a "
            "time, or use Dropout, which needs one for each unit, in place of DropConnect"
        )
    numbers = np.zeros((len(rows), total))

    def draw(epoch: int) -> None:
        column = 0
        for place, layer in enumerate(layers):
            n = layer.random_numbers
            if n:
                own = getattr(layer, "seed", None)
                key = [seed, place, epoch] if own is None else [own, epoch]
                numbers[:, column : column + n] = np.random.default_rng(key).random((len(rows), n))
                column += n

    return replace(rows, random_numbers=numbers), draw


MOST_RANDOM_NUMBERS = 2**27  # a gigabyte
