"""vmap: a function written for one example, for many at once.

Here it is a loop over the examples, and correct for numbers of any kind; `jit(vmap(f))` makes the
examples the lanes of one compiled program.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, final

from autograd.errors import LengthError, StructureError
from autograd.operands import as_float
from autograd.tree import array_of, skeleton
from autograd.value import Value

Axes = Any
"""A number for all, None, or a structure of these, as far as it goes built like the arguments."""


def vmap(f: Callable[..., Any], in_axes: Axes = 0, out_axes: Axes = 0) -> "Mapped":
    """The function f, written for one example, for many at once.

    in_axes: the axis of the examples for all arguments, or for each: a tuple or list as long as the
        arguments, with None for one that all examples share, and structures for parts of them.
        Tuples and dicts have examples in their parts; lists and arrays along the axis. Arguments
        given by name have them along the first.
    out_axes: where the examples go in the result's arrays; a number of the result becomes an array.

    Raises StructureError if axes and arguments do not fit, LengthError if the arguments differ in
    their number of examples or there are none.
    """
    if not callable(f):
        raise TypeError(f"expected a function to map, but got {f!r:.80}; write vmap(f)(xs)")
    if hasattr(f, "__vmap__"):  # compiled, as its map is to be
        compiled: Mapped = f.__vmap__(in_axes, out_axes)
        return compiled
    return Mapped(f, in_axes, out_axes)


@final
class Mapped:
    """A function of many examples; see `vmap`."""

    def __init__(self, f: Callable[..., Any], in_axes: Axes, out_axes: Axes) -> None:
        self.__wrapped__ = f
        self.__name__ = f"vmap of {getattr(f, '__name__', 'a function')}"
        self.__doc__ = f.__doc__
        self.in_axes, self.out_axes = in_axes, out_axes

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        examples = Examples(self.in_axes, args, kwargs)
        # numbers of an array go in as plain ones
        mapped: list[Any] = list(examples.mapped)
        mapped = [rows.tolist() if getattr(rows, "ndim", 0) == 1 else rows for rows in mapped]
        results = []
        for k in range(examples.count):
            one, by_name = examples.build([rows[k] for rows in mapped], examples.shared)
            results.append(self.__wrapped__(*one, **by_name))
        kinds = {repr(skeleton(y)): y for y in results}
        if len(kinds) > 1:
            few = " and ".join(f"{kind:.100}" for kind in list(kinds)[:2])
            raise StructureError(
                f"vmap expected results of one structure for all examples, but got {few}"
            )
        return moved(_stacked(results), self.out_axes)


class Examples:
    """The arguments of a call, taken apart.

    mapped: the parts that have examples, each the sequence of its examples. shared: those that all
    examples share. count: how many examples there are. template: how the arguments are made of
    both, to be looked up by.
    """

    def __init__(self, in_axes: Axes, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.mapped: list[Sequence[Any]] = []
        self.shared: list[Any] = []
        self._counts: dict[str, int] = {}
        if not isinstance(in_axes, (tuple, list)):
            in_axes = (in_axes,) * len(args)
        if len(in_axes) != len(args):
            raise StructureError(
                f"vmap expected in_axes for each argument, but got {len(in_axes)} of them "
                f"({in_axes!r:.80}) for {len(args)} arguments"
            )
        parts = [self._take(x, in_axes[k], f"argument {k}") for k, x in enumerate(args)]
        named = [(name, self._take(x, 0, f"argument {name!r}")) for name, x in kwargs.items()]
        self.template = (tuple(parts), tuple(named))
        found = set(self._counts.values())
        if len(found) > 1:
            raise LengthError(
                "vmap expected as many examples in each argument, but got "
                + ", ".join(f"{n} in {name}" for name, n in self._counts.items())
            )
        if not found or not max(found):
            raise LengthError(
                "vmap expected at least one example, but there is none"
                + ("" if found else f": in_axes={in_axes!r:.80} lets all arguments be shared")
            )
        self.count = found.pop()

    def _take(self, x: Any, axes: Axes, name: str) -> Any:
        """The template of one argument."""
        if axes is None:
            self.shared.append(x)
            return None
        if isinstance(axes, (dict, tuple, list)):
            items, wanted = _items(x), _items(axes)
            if isinstance(x, dict) != isinstance(axes, dict) or items.keys() != wanted.keys():
                raise StructureError(
                    f"vmap expected {name} to be built like its in_axes, {axes!r:.80}, but got "
                    f"{skeleton(x)!r:.100}"
                )
            return _like(x, [self._take(y, wanted[k], _part(name, k)) for k, y in items.items()])
        if not isinstance(axes, int) or isinstance(axes, bool):
            raise StructureError(
                f"vmap expected in_axes to be whole numbers or None, but got {axes!r:.80} for "
                f"{name}"
            )
        if isinstance(x, (dict, tuple)):
            parts = [self._take(y, axes, _part(name, k)) for k, y in _items(x).items()]
            return _like(x, parts)
        rows = _rows(x, axes, name)
        self._counts[name] = len(rows)
        self.mapped.append(rows)
        return axes

    def build(self, mapped: Sequence[Any], shared: Sequence[Any]) -> tuple[Any, Any]:
        """The arguments, of parts for one example and of shared ones."""
        one, every = iter(mapped), iter(shared)
        args, kwargs = self.template
        return (
            tuple([_built(part, one, every) for part in args]),
            {name: _built(part, one, every) for name, part in kwargs},
        )


def _part(name: str, key: Any) -> str:
    return f"{name}[{key!r}]"


def _items(x: Any) -> dict[Any, Any]:
    """The parts by key or place; of anything else, none that could fit."""
    if isinstance(x, dict):
        return x
    return dict(enumerate(x)) if isinstance(x, (tuple, list)) else {None: x}


def _like(x: Any, parts: list[Any]) -> Any:
    keys = tuple(x) if isinstance(x, dict) else None
    return (type(x), keys, tuple(parts))


def _built(template: Any, mapped: Iterator[Any], shared: Iterator[Any]) -> Any:
    if template is None:
        return next(shared)
    if isinstance(template, int):
        return next(mapped)
    kind, keys, parts = template
    built = [_built(part, mapped, shared) for part in parts]
    if keys is not None:
        return dict(zip(keys, built, strict=True))
    return kind._make(built) if hasattr(kind, "_make") else kind(built)


def _rows(x: Any, axis: int, name: str) -> Sequence[Any]:
    """The examples along this axis of a list or an array."""
    if hasattr(x, "to_numpy"):  # a table of pandas
        x = x.to_numpy()
    is_list = isinstance(x, list)
    shape = _shape_of_list(x, name) if is_list else tuple(getattr(x, "shape", ()))
    if not -len(shape) <= axis < len(shape):
        got = f"one of shape {shape}" if shape else f"the number {x!r:.60}"
        raise StructureError(
            f"vmap expected {name} to have an axis {axis} of examples, but got {got}; for what all "
            "examples share give None in in_axes"
        )
    axis %= len(shape)
    if axis == 0:
        return x  # type: ignore[no-any-return]
    if is_list:
        return _list_rows(x, axis)
    import numpy as np

    rows: Sequence[Any] = np.moveaxis(x, axis, 0)
    return rows


def _shape_of_list(x: list[Any], name: str) -> tuple[int, ...]:
    shapes = {_shape_of_list(y, name) if isinstance(y, list) else _shape(y) for y in x}
    if len(shapes) > 1 or None in shapes:
        raise StructureError(
            f"vmap expected {name} to be a list of examples that are numbers, or lists or arrays "
            f"of one shape, but got {skeleton(x)!r:.100}; give a tuple or dict of lists instead, "
            "or in_axes for each part"
        )
    return (len(x), *(shapes.pop() if shapes else ()))  # type: ignore[misc]


def _shape(y: Any) -> tuple[int, ...] | None:
    return None if isinstance(y, (dict, tuple)) else tuple(getattr(y, "shape", ()))


def _list_rows(x: Any, axis: int) -> Sequence[Any]:
    if axis == 0:
        return x  # type: ignore[no-any-return]
    if hasattr(x, "shape"):
        return _rows(x, axis, "")
    return [list(row) for row in zip(*[_list_rows(y, axis - 1) for y in x], strict=True)]


def _stacked(results: list[Any]) -> Any:
    """Structures of numbers as one structure of arrays, with the examples first."""
    first = results[0]
    if isinstance(first, dict):
        return {key: _stacked([y[key] for y in results]) for key in first}
    if isinstance(first, (list, tuple)):
        parts = [_stacked(list(column)) for column in zip(*results, strict=True)]
        kind: Any = type(first)
        return kind._make(parts) if hasattr(kind, "_make") else kind(parts)
    shape = getattr(first, "shape", ())
    if shape != ():
        numbers = [x for y in results for x in y.ravel().tolist()]
        return array_of(numbers, (len(results), *shape))
    return array_of([_number(y) for y in results], (len(results),))


def _number(y: Any) -> Any:
    if type(y) is Value or hasattr(y, "__apply_primitive__"):
        return y
    try:
        return as_float(y)
    except TypeError as error:
        raise StructureError(
            f"vmap expected a function whose result is made of numbers: {error}"
        ) from None


def moved(result: Any, axes: Axes) -> Any:
    """The arrays of a result, whose examples come first, with them along these axes."""
    if axes == 0:
        return result
    if isinstance(axes, (dict, tuple, list)):
        items, wanted = _items(result), _items(axes)
        if items.keys() != wanted.keys():
            raise StructureError(
                f"vmap expected a result built like its out_axes, {axes!r:.80}, but got "
                f"{skeleton(result)!r:.100}"
            )
        return _rebuilt(result, [moved(y, wanted[k]) for k, y in items.items()])
    if isinstance(result, (dict, list, tuple)):
        return _rebuilt(result, [moved(y, axes) for y in _items(result).values()])
    if not isinstance(axes, int) or isinstance(axes, bool):
        raise StructureError(
            f"vmap expected out_axes to be whole numbers, for each result has its examples along "
            f"an axis, but got {axes!r:.80}; take one of the results if all are the same"
        )
    if not -result.ndim <= axes < result.ndim:
        raise StructureError(
            f"vmap expected out_axes={axes} to be an axis of the result, but got an array of shape "
            f"{result.shape}"
        )
    import numpy as np

    return np.moveaxis(result, 0, axes)


def _rebuilt(like: Any, parts: list[Any]) -> Any:
    return _built(_like(like, [0] * len(parts)), iter(parts), iter(()))
