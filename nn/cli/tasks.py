"""The data sets of the command line, and how each is learned by default."""

import re
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, final

from nn import data
from nn.data import DataSet
from nn.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_KINDS = 20  # whole numbers of more kinds are taken for quantities, not for classes


@final
@dataclass(frozen=True)
class Task:
    """A data set: what it is, how to get it, and a network and a training that suit it.

    load: takes the options. hidden: the neurons in each hidden layer.
    """

    about: str
    load: Callable[[Namespace], DataSet]
    hidden: tuple[int, ...] = (16,)
    epochs: int = 100
    batch_size: int = 32


def read_table(options: Namespace) -> DataSet:
    """The CSV file, with classes if that is the task or if the labels look like it.

    Raises DataError, with row and column, for what cannot be read.
    """
    classes = {"classification": True, "regression": False, None: None}[options.task]
    try:
        table = data.read_csv(
            options.file,
            label=options.label,
            classes=classes,
            drop=options.drop,
            header=options.header,
            delimiter=options.delimiter,
        )
    except OSError as error:
        raise DataError(f"cannot read {options.file}: {error.strerror}") from None
    except TypeError as error:  # of the delimiter
        raise DataError(f"--delimiter {options.delimiter!r}: {error}") from None
    except DataError as error:
        raise DataError(f"{options.file}: {_as_options(str(error))}") from None
    if classes is None and table.class_names is None and _look_like_classes(table.ys):
        table = _with_classes(table)
    if table.class_names is not None:
        _check_classes(table.class_names, table.ys, options)
    print(_what_was_chosen(table, options.task))
    return table


def _check_classes(names: tuple[str, ...], ys: "NDArray[Any]", options: Namespace) -> None:
    counts = [int((ys == k).sum()) for k in range(len(names))]
    if len(names) < 2:
        found = f"all are {names[0]!r}"
    elif min(counts) < 2:
        found = f"{names[counts.index(min(counts))]!r} stands in one row alone"
    else:
        return
    raise DataError(
        f"{options.file}: expected labels of two classes or more in column {options.label!r}, with "
        f"two rows or more of each, but {found}; take those rows out, or if the labels are "
        "quantities say --task regression"
    )


def _look_like_classes(ys: "NDArray[Any]") -> bool:
    import numpy as np

    kinds = len(np.unique(ys))
    return bool((ys == np.floor(ys)).all()) and kinds <= MOST_KINDS and 2 * kinds <= len(ys)


def _with_classes(table: DataSet) -> DataSet:
    import numpy as np

    values, numbers = np.unique(table.ys, return_inverse=True)
    return replace(table, ys=numbers, class_names=tuple(f"{value:g}" for value in values))


def _what_was_chosen(table: DataSet, asked: str | None) -> str:
    if asked:
        return f"{asked}, as asked"
    if table.class_names is None:
        return "regression, for the labels are quantities; if not: --task classification"
    kinds = len(table.class_names)
    return f"classification, for the labels are of {kinds} kinds; if not: --task regression"


def _as_options(message: str) -> str:
    """The advice of `read_csv`, in the words of the command line."""
    for pattern, option in (
        (r"drop=\[\d+\]", '--drop ""'),
        (r"header=False", "--no-header"),
        (r"header=True", "--header"),
        (r"classes=True", "--task classification"),
        (r", or say what it is, as in encoding=.*", ""),
    ):
        message = re.sub(pattern, option, message)
    return message


TASKS: dict[str, Task] = {
    "digits": Task("1,797 handwritten digits of 8 x 8 pixels; --cnn: with a convolution",
                   lambda o: data.digits(), hidden=(32,), epochs=40, batch_size=64),
    "iris": Task("150 flowers of three species, by four lengths", lambda o: data.iris()),
    "wine": Task("178 wines of three growers, by 13 measurements",
                 lambda o: data.wine(), epochs=50),
    "breast_cancer": Task("569 tumours, malignant or benign, by 30 measurements",
                          lambda o: data.breast_cancer(), epochs=30),
    "moons": Task("two half circles in the plane, each with an end inside the other",
                  lambda o: data.moons(500, noise=0.2, seed=o.seed), hidden=(16, 16)),
    "circles": Task("a circle about another",
                    lambda o: data.circles(500, noise=0.1, seed=o.seed)),
    "spirals": Task("two spirals wound into each other",
                    lambda o: data.spirals(1000, seed=o.seed), hidden=(32, 32), epochs=200),
    "blobs": Task("three round clouds", lambda o: data.blobs(500, seed=o.seed)),
    "xor_clouds": Task("the four rows of XOR, blurred",
                       lambda o: data.xor_clouds(500, seed=o.seed)),
    "csv": Task("a table of numbers of your own; the labels are classes or quantities",
                read_table, hidden=(32, 16)),
}  # fmt: skip
