"""Numbers made fit for a network: classes as 0s and 1s, features on one scale."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, overload

from nn.data.checks import check_count
from nn.data.dataset import DataSet, class_numbers
from nn.errors import DataError
from nn.tables import numbers_in_rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


def one_hot(ys: "ArrayLike", classes: int | None = None) -> "NDArray[np.float64]":
    """Class numbers [rows] as rows of 0s with a 1 at the class: [rows, classes]. argmax inverts it.

    classes: how many there are; if not given, the largest number in ys and one more.

    Raises DataError for what is not a class number.
    """
    import numpy as np

    if classes is not None:
        check_count("classes", classes)
    numbers = class_numbers(ys, classes)
    if classes is None:
        classes = int(numbers.max(initial=-1)) + 1
    hot = np.zeros((len(numbers), classes))
    hot[np.arange(len(numbers)), numbers] = 1.0
    return hot


@overload
def standardise(train: DataSet, *others: DataSet) -> tuple[DataSet, ...]: ...
@overload
def standardise(train: "ArrayLike", *others: "ArrayLike") -> "tuple[NDArray[np.float64], ...]": ...
def standardise(train: Any, *others: Any) -> tuple[Any, ...]:
    """Each feature less its mean and divided by its spread, which are those of the training rows.

    train, others: arrays [rows, ...] or DataSets, of which the xs; as many come back. The spread is
    the standard deviation (over rows, not rows - 1). A feature that is constant in training is
    divided by 1.

    Raises DataError if shapes differ or a number is not finite.
    """
    import numpy as np

    given = (train, *others)
    tables = [
        t.xs if isinstance(t, DataSet) else numbers_in_rows("a table", t, finite=False)
        for t in given
    ]
    for table in tables:
        if table.ndim < 2 or table.shape[1:] != tables[0].shape[1:]:
            raise DataError(
                f"expected tables [rows, ...] of equal features, as {tables[0].shape} is, but got "
                f"{table.shape}"
            )
        if not np.isfinite(table).all():
            raise DataError(
                f"expected finite numbers, but got {table[~np.isfinite(table)][0]}; "
                "fill in what is missing, or drop those rows"
            )
    if len(tables[0]) == 0:
        raise DataError("expected at least one row to train on, but got none")
    # First onto 0 to 1, where neither a constant such as 0.1 nor a small spread about a large mean
    # is rounded: the mean of equal floats need not equal them.
    low, width = tables[0].min(axis=0), np.ptp(tables[0], axis=0)
    width[width == 0.0] = 1.0
    unit = (tables[0] - low) / width
    mean, spread = unit.mean(axis=0), unit.std(axis=0)
    spread[spread == 0.0] = 1.0
    scaled = [((table - low) / width - mean) / spread for table in tables]
    return tuple(
        replace(old, xs=new) if isinstance(old, DataSet) else new
        for old, new in zip(given, scaled, strict=True)
    )
