"""The arguments of a call of a compiled function, taken apart."""

from typing import Any

import numpy as np

from autograd.compiler.packed import Packed
from autograd.errors import LengthError, OperandError, StructureError
from autograd.operands import as_float

_PLAIN = frozenset((float, int))


class Arguments:
    """The arguments of a call, taken apart.

    key: their structure, without the numbers.
    loose: the numbers that stand by themselves or in lists, in order.
    arrays: NumPy arrays, those of packed structures among them, of the function's dtype.
    rows: how many rows there are; 0 without batched arguments.
    """

    __slots__ = ("arrays", "counts", "dtype", "key", "loose", "places", "rows")

    def __init__(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], batched: tuple[int, ...], dtype: str
    ) -> None:
        self.dtype = np.dtype(dtype)
        self.loose: list[float] = []
        self.arrays: list[Any] = []
        self.rows = 0
        self.places: set[int] = set()
        if not batched and not kwargs:
            self.key: Any = tuple([self._take(x) for x in args])
            return
        self.counts: dict[int, int] = {}
        for position in batched:
            if not -len(args) <= position < len(args):
                raise StructureError(
                    f"batch_argnums={position} names an argument that is not there: "
                    f"{len(args)} given"
                )
        places = self.places = {position % len(args) for position in batched}
        parts = []
        for k, x in enumerate(args):
            parts.append(self._rows(x, k) if k in places else self._take(x))
        keyed = tuple([(name, self._take(x)) for name, x in kwargs.items()])
        self.key = (tuple(parts), keyed)
        if len(set(self.counts.values())) > 1:
            raise LengthError(
                f"expected as many rows in each batched argument, but got {self.counts} "
                "(argument: rows)"
            )
        if places and not self.counts:
            raise LengthError("expected at least one array of rows, but the batch has none")
        if places:
            self.rows = next(iter(self.counts.values()))
            if self.rows == 0:
                raise LengthError("expected at least one row, but the batch is empty")

    def _take(self, x: Any) -> Any:
        kind = type(x)
        if kind is float or kind is int:
            self.loose.append(x)
            return "."
        if kind is list or kind is tuple:
            if _PLAIN.issuperset(map(type, x)):
                self.loose += x
                return (kind, len(x))
            return (kind, tuple([self._take(item) for item in x]))
        if kind is np.ndarray and x.shape:
            self.arrays.append(_array(x, self.dtype))
            return x.shape
        if kind is Packed:
            array = _array(x.flat, self.dtype)
            self.arrays.append(array)
            return (Packed, x.key, array.shape)  # flat may have been replaced
        if isinstance(x, dict):
            return (dict, tuple([(key, self._take(item)) for key, item in x.items()]))
        if isinstance(x, (list, tuple)):
            return (kind, tuple([self._take(item) for item in x]))
        shape = getattr(x, "shape", ())
        if shape != ():
            self.arrays.append(_array(x, self.dtype))
            return tuple(shape)
        self.loose.append(as_float(x))
        return "."

    def _rows(self, x: Any, argument: int) -> Any:
        if isinstance(x, dict):
            items = tuple([(key, self._rows(item, argument)) for key, item in x.items()])
            return (dict, items)
        if isinstance(x, tuple):  # of arrays; rows stand in a list or an array
            return (type(x), tuple([self._rows(item, argument) for item in x]))
        if isinstance(x, Packed):
            raise StructureError(
                f"expected argument {argument} to be an array of rows, or a dict or tuple of "
                "them, but got a Packed structure"
            )
        array = _array(x, self.dtype)
        if array.ndim == 0:
            raise StructureError(
                f"expected argument {argument} to have a row for each sample, but got {x!r:.80}"
            )
        self.counts[argument] = len(array)
        self.arrays.append(array)
        return ("rows", array.shape[1:], isinstance(x, (list, tuple)))


def _array(x: Any, dtype: np.dtype[Any]) -> Any:
    if type(x) is np.ndarray and x.dtype == dtype and x.flags.c_contiguous:
        return x
    if hasattr(x, "filled") and np.any(x.mask):  # NumPy would take what is below the mask
        raise OperandError(
            "expected an array of real numbers, but got one with masked cells; fill them, as in "
            "x.filled(0.0)"
        )
    try:
        array = np.ascontiguousarray(x)
    except ValueError as error:
        raise StructureError(f"expected rows of equal length, but got {x!r:.80}: {error}") from None
    if array.dtype.kind not in "fiub":
        raise OperandError(
            f"expected an array of real numbers, but got dtype {array.dtype}: {x!r:.80}"
        )
    return array.astype(dtype).reshape(np.shape(x))
