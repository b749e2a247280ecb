"""CSV files: numbers in columns, and one column that says what each row is.

Nothing is guessed over: a cell that is missing or no number is an error that names the cell as a
spreadsheet does, rows from 1 and columns from A.
"""

import csv
from array import array
from collections.abc import Iterator, Sequence
from itertools import chain
from math import isfinite
from os import PathLike
from typing import Any

from nn.data.dataset import DataSet
from nn.errors import DataError

MISSING = ("", "-", "?", "na", "n/a", "nan", "none", "null")  # as R, pandas, SQL, UCI write it


def read_csv(
    path: str | PathLike[str],
    *,
    label: str | int,
    classes: bool | None = None,
    drop: Sequence[str | int] = (),
    header: bool | None = None,
    delimiter: str = ",",
    encoding: str = "utf-8-sig",
) -> DataSet:
    """A table of numbers and one column of labels; quoted cells as RFC 4180 has them.

    label: the column of the targets, by name, or by position as Python counts: 0 first, -1 last.
    classes: True: labels are names of classes, numbered in sorted order. False: they are numbers.
        None: they are classes if none is a number, numbers if all are.
    drop: columns to leave out, by name or position.
    header: True: row 1 holds the names of the columns. False: it is data, and columns are called
        A, B ... None: it holds names, and is refused if they look like data.
    encoding: the default reads UTF-8 with and without a byte order mark.

    Raises DataError, with row and column, for what cannot be read whole.
    """
    records = _records(path, delimiter, encoding)
    first = next(records, None)
    if first is None:
        raise DataError(f"{path} is empty; expected rows of cells")
    names = [_letters(k) for k in range(len(first))] if header is False else first
    target = _position(names, label)
    dropped = {_position(names, which) for which in drop}
    kept = [k for k in range(len(names)) if k != target and k not in dropped]
    if not kept or target in dropped:
        raise DataError(
            f"expected a label and at least one feature beside it, but {path} has the columns "
            f"{_listed(names)}; is the delimiter another than {delimiter!r}?"
        )
    if header is not False:
        _check_header(names, kept, header)
        start = 2
    else:
        records, start = chain([first], records), 1

    features, labels = array("d"), []
    for row, cells in enumerate(records, start):
        if len(cells) != len(names):
            raise DataError(
                f"expected {len(names)} cells in row {row}, as in row 1, but got {len(cells)}"
            )
        for k in kept:
            number = _number(cells[k])
            if number is None:
                raise _no_number(row, k, names, cells[k])
            features.append(number)
        if not cells[target].strip():
            raise _no_number(row, target, names, cells[target])
        labels.append(cells[target])
    if not labels:
        raise DataError(f"{path} has no rows below its header")

    ys, class_names = _targets(labels, classes, start, target, names)
    import numpy as np

    xs = np.array(features).reshape(len(labels), len(kept))
    return DataSet(xs, np.array(ys), tuple(names[k] for k in kept), class_names)


def _records(path: str | PathLike[str], delimiter: str, encoding: str) -> Iterator[list[str]]:
    """The rows, without the empty lines a file may end in; one between rows is an error."""
    row, empty = 0, None
    with open(path, encoding=encoding, newline="") as file:
        try:
            # strict: a quote that is never closed would else swallow the rest of the file
            for row, cells in enumerate(csv.reader(file, delimiter=delimiter, strict=True), 1):
                if not cells:
                    empty = empty or row
                    continue
                if empty:
                    raise DataError(f"row {empty} of {path} is empty, but rows follow; delete it")
                yield cells
        except csv.Error as error:
            raise DataError(
                f"row {row + 1} of {path} is not CSV: {error}; a cell with quotes in it is written "
                '"so ""quoted"" it is"'
            ) from error
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path} is not text in {error.encoding} (byte {error.object[error.start]:#04x}); "
                "save it as UTF-8, or say what it is, as in encoding='latin-1' or 'utf-16'"
            ) from error


def _letters(k: int) -> str:
    """What a spreadsheet calls column k: A ... Z, AA, AB ..."""
    return (_letters(k // 26 - 1) if k >= 26 else "") + chr(ord("A") + k % 26)


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(map(repr, names)):.300}"


def _position(names: Sequence[str], which: str | int) -> int:
    if isinstance(which, str):
        if names.count(which) == 1:
            return names.index(which)
        found = "several columns" if which in names else "no column"
        raise DataError(f"there is {found} called {which!r}; the columns are {_listed(names)}")
    if not -len(names) <= which < len(names):
        raise DataError(
            f"expected a column from {-len(names)} to {len(names) - 1}, but got {which!r}; "
            f"the columns are {_listed(names)}"
        )
    return which % len(names)


def _check_header(names: Sequence[str], kept: Sequence[int], header: bool | None) -> None:
    for k in kept:
        if not names[k].strip():
            raise DataError(
                f"column {_letters(k)} has no name in row 1; give it one, or leave it out with "
                f"drop=[{k}] if it only numbers the rows"
            )
    if header is None and all(_number(names[k]) is not None for k in kept):
        raise DataError(
            f"expected names of columns in row 1, but got {_listed(names)}; if that is data, pass "
            "header=False, and if those are names, header=True"
        )


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if isfinite(value) and "_" not in cell else None  # Python reads 1_000, nobody else


def _no_number(row: int, k: int, names: Sequence[str], cell: str) -> DataError:
    place = f"row {row}, column {_letters(k)} ({names[k]!r:.60})"
    if cell.strip().lower() in MISSING:
        return DataError(f"{place} is missing: {cell!r}; fill it in, or take the row out")
    return DataError(
        f"expected a finite number with a decimal point in {place}, but got {cell!r:.60}; correct "
        "the cell, or leave its column out with drop"
    )


def _targets(
    labels: list[str], classes: bool | None, start: int, target: int, names: Sequence[str]
) -> tuple[list[Any], tuple[str, ...] | None]:
    """The targets, and the names of the classes if they are classes."""
    numbers = [_number(label) for label in labels]
    texts = [i for i, number in enumerate(numbers) if number is None]
    if classes is None:
        classes = len(texts) == len(labels)
        if texts and not classes:
            number = next(i for i, number in enumerate(numbers) if number is not None)
            raise DataError(
                f"the labels, column {_letters(target)} ({names[target]!r:.60}), are partly "
                f"numbers and partly not: {labels[number]!r:.60} in row {number + start}, "
                f"{labels[texts[0]]!r:.60} in row {texts[0] + start}; correct the cell, or pass "
                "classes=True if all are names of classes"
            )
    if not classes:
        if texts:
            raise _no_number(texts[0] + start, target, names, labels[texts[0]])
        return numbers, None
    # names that are numbers in the order of numbers: 10 after 9
    value = dict(zip(labels, numbers, strict=True))
    class_names = sorted(value) if texts else sorted(value, key=lambda name: (value[name], name))
    number_of = {name: k for k, name in enumerate(class_names)}
    return [number_of[label] for label in labels], tuple(class_names)
