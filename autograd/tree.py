"""Nested lists, tuples, dicts and NumPy arrays of numbers: taken apart and put together again."""

from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import Any

from autograd.errors import StructureError

Rebuild = Callable[[list[Any]], Any]


def flatten(structure: Any) -> tuple[list[Any], Rebuild]:
    """The numbers in order, and a function that puts as many others into the same structure.

    Dicts keep their order, named tuples their type. A NumPy array gives its elements in C order.
    """
    if isinstance(structure, dict):
        keys = list(structure)
        leaves, rebuild = _flatten_all(structure.values())
        return leaves, lambda xs: dict(zip(keys, rebuild(xs), strict=True))
    if isinstance(structure, (list, tuple)):
        leaves, rebuild = _flatten_all(structure)
        kind: Any = type(structure)
        make = kind._make if hasattr(kind, "_make") else kind
        return leaves, lambda xs: make(rebuild(xs))
    if hasattr(structure, "__flatten__"):
        leaves, rebuild = structure.__flatten__()
        return leaves, rebuild
    if hasattr(structure, "to_numpy"):  # a table of pandas
        structure = structure.to_numpy()
    shape = getattr(structure, "shape", ())
    if shape != ():
        return structure.ravel().tolist(), lambda xs: array_of(xs, shape)
    return [structure], lambda xs: xs[0]


def _flatten_all(items: Iterable[Any]) -> tuple[list[Any], Rebuild]:
    parts = [flatten(item) for item in items]
    leaves = [leaf for part, _ in parts for leaf in part]

    def rebuild(xs: list[Any]) -> list[Any]:
        start, out = 0, []
        for part, rebuild_part in parts:
            out.append(rebuild_part(xs[start : start + len(part)]))
            start += len(part)
        return out

    return leaves, rebuild


def array_of(xs: list[Any], shape: tuple[int, ...]) -> Any:
    import numpy as np

    if not all(type(x) is float or hasattr(x, "__array__") for x in xs):
        out = np.empty(len(xs), dtype=object)  # np.array would look inside the elements
        out[:] = xs
        return out.reshape(shape)
    array = np.array(xs)
    return array.reshape(shape + array.shape[1:])


def paths(name: str, structure: Any) -> Iterator[str]:
    """A name for each number, in the order of `flatten`, such as "x[3]" or "params['w'][0]"."""
    if isinstance(structure, dict):
        for key, item in structure.items():
            yield from paths(f"{name}[{key!r}]", item)
    elif isinstance(structure, (list, tuple)):
        for k, item in enumerate(structure):
            yield from paths(f"{name}[{k}]", item)
    elif hasattr(structure, "__skeleton__"):  # packed
        yield from paths(name, structure.tree)
    elif (shape := getattr(structure, "shape", ())) != ():
        for place in product(*map(range, shape)):
            yield f"{name}[{', '.join(map(str, place))}]"
    else:
        yield name


def same_structure(what: str, expected: Any, given: Any) -> list[Any]:
    """The numbers of `given`, which must be built like `expected`.

    Raises StructureError, which shows both, if it is not.
    """
    if skeleton(expected) != skeleton(given):
        raise StructureError(
            f"expected {what} of the structure {skeleton(expected)!r:.200}, "
            f"but got {skeleton(given)!r:.200}"
        )
    return _in_order_of(expected, given)


def _in_order_of(expected: Any, given: Any) -> list[Any]:
    if isinstance(expected, dict):
        return [x for key, item in expected.items() for x in _in_order_of(item, given[key])]
    if isinstance(expected, (list, tuple)):
        return [x for e, g in zip(expected, given, strict=True) for x in _in_order_of(e, g)]
    return flatten(given)[0]


def skeleton(structure: Any) -> Any:
    """The structure with a dot in place of each number."""
    if isinstance(structure, dict):
        return {key: skeleton(item) for key, item in structure.items()}
    if isinstance(structure, (list, tuple)):
        items = [skeleton(item) for item in structure]
        return tuple(items) if isinstance(structure, tuple) else items
    if hasattr(structure, "__skeleton__"):
        return structure.__skeleton__()
    shape = getattr(structure, "shape", ())
    return f"array{shape}" if shape != () else "."
