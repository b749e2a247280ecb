"""Rows in another order, and rows held out for testing."""

from numbers import Integral
from typing import TYPE_CHECKING, Any

from nn.data.checks import check_lengths, generator
from nn.errors import DataError, HyperparameterError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


def shuffle(*arrays: "ArrayLike", seed: int = 0) -> "tuple[NDArray[Any], ...]":
    """Arrays of equally many rows, all in the same new order; as many arrays as came.

    Raises LengthError if the numbers of rows differ.
    """
    import numpy as np

    found = [np.asarray(array) for array in arrays]
    order = generator(seed).permutation(check_lengths(found))
    return tuple(array[order] for array in found)


def train_test_split(
    *arrays: "ArrayLike",
    test: float = 0.2,
    seed: int = 0,
    stratify: "ArrayLike | None" = None,
) -> "tuple[NDArray[Any], ...]":
    """Shuffled rows in two parts: for xs, ys it gives x_train, x_test, y_train, y_test.

    test, stratify: as in `split_rows`, where stratify is its `labels`.
    """
    import numpy as np

    found = [np.asarray(array) for array in arrays]
    labels = None if stratify is None else np.asarray(stratify)
    rows = check_lengths(found if labels is None else [*found, labels])
    parts = split_rows(rows, test, seed, labels)
    return tuple(array[part] for array in found for part in parts)


def split_rows(
    rows: int, test: float, seed: int, labels: "NDArray[Any] | None" = None
) -> "tuple[NDArray[np.intp], NDArray[np.intp]]":
    """The shuffled numbers of the rows to train on, and of those to test on; each row in one part.

    test: the share of the rows (a float), or how many (an int); neither part is left empty.
    labels: [rows], the classes. Given, each has its share in both parts, within one row.

    Raises HyperparameterError for a senseless `test`, DataError if there are too few rows.
    """
    import numpy as np

    held_out = _held_out(rows, test)
    order = generator(seed).permutation(rows)
    if labels is None:
        return order[held_out:], order[:held_out]
    names, classes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if counts.min() < 2:
        lonely = names[counts.argmin()]
        raise DataError(
            f"a stratified split needs at least two rows of each class, but {lonely!r} has one; "
            "leave the class out, or split without stratify"
        )
    # Whole numbers that sum to held_out: every class's share rounded down, and one row more for
    # those that lost most by it.
    quotas, lost = np.divmod(counts * held_out, rows)
    quotas[np.argsort(-lost, kind="stable")[: held_out - quotas.sum()]] += 1
    in_test = np.zeros(rows, dtype=bool)
    for k, quota in enumerate(quotas):
        in_test[order[classes[order] == k][:quota]] = True
    return order[~in_test[order]], order[in_test[order]]


def _held_out(rows: int, test: float) -> int:
    if rows < 2:
        raise DataError(f"expected at least two rows to split, one for each part, but got {rows}")
    if isinstance(test, Integral) and 1 <= test < rows and not isinstance(test, bool):
        return int(test)
    if not 0.0 < test < 1.0:
        raise HyperparameterError(
            f"expected test to be a share between 0.0 and 1.0, or a number of rows from 1 to "
            f"{rows - 1}, but got {test!r}"
        )
    return min(max(round(test * rows), 1), rows - 1)
