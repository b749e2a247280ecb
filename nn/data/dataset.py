"""A data set: samples in rows, what each of them is, and what the columns are called."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any

from nn.data.checks import check_lengths
from nn.data.split import split_rows
from nn.errors import DataError
from nn.tables import numbers_in_rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False, repr=False)
class DataSet:
    """Samples and their targets; `xs, ys = data` unpacks it.

    xs: [rows, ...], float64.
    ys: [rows], class numbers (int64) if there are class_names, else real targets (float64).
    feature_names: one for each column of xs.
    class_names: what class 0, 1 ... are called.
    image_shape: (height, width) or (height, width, channels), if a row of xs is a picture.

    Raises LengthError if xs and ys differ in rows, DataError if the rest does not fit them.
    """

    xs: "NDArray[np.float64]"
    ys: "NDArray[Any]"
    feature_names: tuple[str, ...] | None = None
    class_names: tuple[str, ...] | None = None
    image_shape: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        import numpy as np

        xs, ys = numbers_in_rows("xs", self.xs, finite=False), np.asarray(self.ys)
        check_lengths([xs, ys])
        features = prod(xs.shape[1:])
        if self.feature_names is not None and len(self.feature_names) != features:
            raise DataError(
                f"expected a name for each of {features} features, got {len(self.feature_names)}"
            )
        if self.image_shape is not None and prod(self.image_shape) != features:
            raise DataError(
                f"expected rows of {prod(self.image_shape)} numbers for pictures of shape "
                f"{self.image_shape}, but got {features}"
            )
        if self.class_names is None:
            ys = numbers_in_rows("ys", self.ys, finite=False)
        else:
            ys = class_numbers(ys, len(self.class_names))
        object.__setattr__(self, "xs", xs)
        object.__setattr__(self, "ys", ys)

    def __iter__(self) -> Iterator[Any]:
        return iter((self.xs, self.ys))

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.image_shape or self.xs.shape[1:]))
        names = ", ".join(self.class_names or ())
        targets = (
            f"{len(self.class_names)} classes ({names:.60})" if self.class_names else "targets"
        )
        return f"<DataSet: {len(self.xs)} rows of {shape} numbers, {targets}>"

    @property
    def images(self) -> "NDArray[np.float64]":
        """The rows as pictures: [rows, height, width] or [rows, height, width, channels]."""
        if self.image_shape is None:
            raise DataError(
                "these rows are not known to be pictures; say so with "
                "dataclasses.replace(data, image_shape=(height, width))"
            )
        return self.xs.reshape(len(self.xs), *self.image_shape)

    def rows(self, which: "ArrayLike | slice") -> "DataSet":
        """Some of the rows: a slice, a list of row numbers, or a mask."""
        import numpy as np

        chosen = which if isinstance(which, slice) else np.asarray(which)
        return replace(self, xs=self.xs[chosen], ys=self.ys[chosen])

    def split(
        self, test: float = 0.2, seed: int = 0, stratify: bool = False
    ) -> "tuple[DataSet, DataSet]":
        """Shuffled rows in two parts, to train and to test on.

        test: the share of the rows to hold out (a float), or how many (an int).
        stratify: give each class its share in both parts, within one row.

        Raises HyperparameterError for a senseless `test`, DataError if there are too few rows.
        """
        train, held_out = split_rows(len(self.xs), test, seed, self.ys if stratify else None)
        return self.rows(train), self.rows(held_out)


def class_numbers(ys: "ArrayLike", classes: int | None = None) -> "NDArray[np.int64]":
    """Class numbers as int64: whole, from 0, below `classes`. Raises DataError if they are not."""
    import numpy as np

    found = np.asarray(ys)
    if found.ndim != 1 or found.dtype.kind not in "biuf":
        raise DataError(
            f"expected a class number for each row, [rows], but got an array of {found.dtype} of "
            f"shape {found.shape}"
        )
    top = np.inf if classes is None else classes
    good = (found >= 0) & (found < top) & (found == np.floor(found))
    if not good.all():
        row = int(np.argmin(good))
        most = "" if classes is None else f" to {classes - 1}"
        raise DataError(
            f"expected class numbers, whole and from 0{most}, but got {found[row]} in row {row}"
        )
    return found.astype(np.int64)
