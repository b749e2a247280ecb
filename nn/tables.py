"""Data of any kind as an array of numbers: what is none is named, by row and column."""

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
        where = "" if odd is None else f"row {odd} is not as long as row 0; "
        raise _no_numbers(name, x, f"{where}{error}") from None
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
                raise OperandError("write v.data for its number")
            numbers[place] = Value(cell).data
        except (OperandError, OverflowError) as error:
            shown = f"{cell!r:.60} ({type(cell).__name__}) in {_place(place)}"
            raise _no_numbers(name, shown, error) from None
    return numbers


def _no_numbers(name: str, x: Any, why: object) -> OperandError:
    shown = x if isinstance(x, str) else f"{' '.join(repr(x).split()):.60} ..."
    return OperandError(
        f"expected {name} to be numbers in rows of equal length, but got {shown} ({why}); texts "
        "become class numbers by numpy.unique(y, return_inverse=True)"
    )


def _place(cell: Any) -> str:
    row, *rest = cell
    column = f", column {', '.join(map(str, rest))}" if rest else ""
    return f"row {row}{column} (counted from 0)"
