"""A nested structure of numbers over one flat array."""

from collections.abc import Iterator
from typing import Any, final

from autograd.tree import Rebuild, flatten, skeleton


class _Key:
    """Stands for a structure in the keys of compiled programs: hashed and compared in no time."""


_keys: dict[Any, _Key] = {}


def _kind(structure: Any) -> Any:
    """The structure with the types of its parts and without its numbers, to be looked up by."""
    if isinstance(structure, dict):
        return (dict, tuple([(key, _kind(item)) for key, item in structure.items()]))
    if isinstance(structure, (list, tuple)):
        return (type(structure), tuple([_kind(item) for item in structure]))
    return getattr(structure, "shape", ())


def _unpickled(tree: Any, flat: Any) -> "Packed":
    return Packed.of(tree).like(flat)


@final
class Packed:
    """Nested lists, dicts or arrays of numbers, kept in one flat NumPy array.

    Goes into a compiled function and comes out of it without a conversion. Reads like the structure
    it was made from: packed["w"], len(packed), for row in packed.

    flat: the numbers, in the order of the structure; write into it to change them.
    """

    __slots__ = ("_like", "_rebuild", "_tree", "flat", "key")

    def __init__(self, flat: Any, rebuild: Rebuild, like: Any, key: object) -> None:
        self.flat = flat
        self.key = key  # tells structures apart: one object for all that are alike
        self._rebuild = rebuild
        self._like = like
        self._tree: Any = None

    @staticmethod
    def of(structure: Any, dtype: Any = "float64") -> "Packed":
        """Pack a structure. Raises OperandError if something in it is not a number."""
        import numpy as np

        from autograd.operands import as_float

        if isinstance(structure, Packed):
            return structure.like(structure.flat.astype(dtype))
        leaves, rebuild = flatten(structure)
        flat = np.array([as_float(x) for x in leaves], dtype)
        key = _kind(structure)
        return Packed(flat, rebuild, skeleton(structure), _keys.setdefault(key, _Key()))

    def like(self, flat: Any) -> "Packed":
        """The same structure over other numbers."""
        return Packed(flat, self._rebuild, self._like, self.key)

    @property
    def tree(self) -> Any:
        """The plain structure, with a copy of the numbers."""
        if not hasattr(self.flat, "tolist"):  # of traced numbers: these do not change
            if self._tree is None:
                self._tree = self._rebuild(list(self.flat))
            return self._tree
        return self._rebuild(self.flat.tolist())

    def copy(self) -> "Packed":
        return self.like(self.flat.copy())

    def keys(self) -> Any:
        return self._like.keys()

    def values(self) -> Any:
        return self.tree.values()

    def items(self) -> Any:
        return self.tree.items()

    def __getitem__(self, key: Any) -> Any:
        return self.tree[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tree)

    def __len__(self) -> int:
        return len(self._like)

    def __repr__(self) -> str:
        return f"Packed({len(self.flat)} numbers, {self._like!r:.60})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (self.tree, self.flat)

    # --- what autograd.tree asks of a structure ---------------------------------------------------

    def __flatten__(self) -> tuple[list[Any], Rebuild]:
        numbers = self.flat.tolist() if hasattr(self.flat, "tolist") else list(self.flat)
        return numbers, self.like

    def __skeleton__(self) -> Any:
        return self._like
