"""Data of any kind as an array of numbers: what is none is named, by row and column."""

from contextlib import suppress
from typing import Any

from autograd import LengthError, OperandError, Value


def numbers_in_rows(name: str, x: Any, finite: bool = True) -> Any:
    """The data as an array of floats [rows, ...]; arrays of objects and tables are converted.

    finite: refuse nan and inf. Raises LengthError for what has no rows, OperandError, with row and
    column, for what is no number: texts, missing and masked cells, complex numbers, dates.
    """
    import numpy as np

    refuse_masked(name, x)
    try:
        array: Any = np.asarray(x.to_numpy() if hasattr(x, "to_numpy") else x)
    except ValueError as error:
        rows = x if isinstance(x, (list, tuple)) else []
        lengths = [len(row) if hasattr(row, "__len__") else None for row in rows]
        odd = next((k for k, n in enumerate(lengths) if n != lengths[0]), None)
        where = f"{error}" if odd is None else f"row {odd} is not as long as row 0"
        raise OperandError(
            f"expected {name} to be numbers in rows of equal length, but {where}; it is "
            f"{' '.join(repr(x).split()):.60} ..."
        ) from None
    if array.ndim == 0:
        raise LengthError(f"expected {name} to have a row for each sample, but got {x!r:.80}")
    if array.dtype.kind not in "fiub":
        array = _from_objects(name, x, array)
    array = np.ascontiguousarray(array, float)
    bad: Any = np.argwhere(~np.isfinite(array)) if finite else ()
    if len(bad):
        raise OperandError(
            f"expected {name} to be finite numbers, but got {array[tuple(bad[0])]} in "
            f"{_place(bad[0].tolist())}, and {len(bad)} such numbers in all; drop or fill those "
            "rows"
        )
    return array


def refuse_masked(name: str, x: Any) -> None:
    """Raise OperandError for a masked array with a masked cell: NumPy would take what is below."""
    if hasattr(x, "filled") and hasattr(x, "mask"):
        import numpy as np

        masked = np.argwhere(np.ma.getmaskarray(x))
        if len(masked):
            raise OperandError(
                f"expected {name} to be numbers, but {_place(masked[0].tolist())} is masked, one "
                f"of {len(masked)} cells that are; fill them, as in x.filled(0.0), or drop those "
                "rows"
            )


def _from_objects(name: str, x: Any, array: Any) -> Any:
    """Numbers that stand in an array of objects; the first that is none is named."""
    import numpy as np

    # a text among numbers has made texts of them all
    cells = np.array(x, dtype=object) if isinstance(x, (list, tuple)) else array
    numbers = np.empty(cells.shape)
    for place, cell in np.ndenumerate(cells):
        try:
            if isinstance(cell, Value):
                raise OperandError
            numbers[place] = Value(cell).data
        except (OperandError, OverflowError):
            raise OperandError(
                f"expected {name} to be numbers, but got {cell!r:.60} ({type(cell).__name__}) in "
                f"{_place(place)}{_remedy(name, cell)}"
            ) from None
    return numbers


def _remedy(name: str, cell: Any) -> str:
    """What to do about something that is no number, after a semicolon."""
    if isinstance(cell, Value):
        return "; write v.data for a node's number"
    if isinstance(cell, (str, bytes)):
        with suppress(ValueError):
            float(cell)
            return f"; texts of numbers become floats by numpy.array({name}).astype(float)"
        if name.startswith("y"):
            return f"; class names become numbers by numpy.unique({name}, return_inverse=True)[1]"
        return (
            "; leave that column out, or make columns of 0 and 1 of it, one for each text, by "
            "nn.data.one_hot(numpy.unique(column, return_inverse=True)[1])"
        )
    if isinstance(cell, complex):
        return "; take .real and .imag as two columns"
    if isinstance(cell, int):
        return "; float64 ends at 1.8e308, so scale that column"
    if getattr(getattr(cell, "dtype", None), "kind", "") in ("M", "m"):
        return f"; times become numbers by ({name} - {name}.min()) / numpy.timedelta64(1, 'D')"
    missing = type(cell).__name__ in ("NoneType", "NAType", "NaTType")  # None, and pandas's
    return "; fill what is missing, or drop those rows" if missing else ""


def _place(cell: Any) -> str:
    row, *rest = cell
    column = f", column {', '.join(map(str, rest))}" if rest else ""
    return f"row {row}{column} (counted from 0)"
