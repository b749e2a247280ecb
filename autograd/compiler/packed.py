"""A nested structure of numbers over one flat array."""

from collections.abc import Iterator
from typing import Any, final

from autograd.tree import Rebuild, flatten, skeleton


@final
class Packed:
    """Nested lists, dicts or arrays of numbers, kept in one flat NumPy array.

    Goes into a compiled function and comes out of it without a conversion. Reads like the structure
    it was made from: packed["w"], len(packed), for row in packed.

    flat: the numbers, in the order of the structure; write into it to change them.
    """

    __slots__ = ("_like", "_rebuild", "_tree", "flat", "key")

    def __init__(self, flat: Any, rebuild: Rebuild, like: Any, key: str) -> None:
        self.flat = flat
        self.key = key  # tells structures apart; one string for all that are alike, hashed once
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
        like = skeleton(structure)
        return Packed(flat, rebuild, like, repr(like))

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

    # --- what autograd.tree asks of a structure ---------------------------------------------------

    def __flatten__(self) -> tuple[list[Any], Rebuild]:
        numbers = self.flat.tolist() if hasattr(self.flat, "tolist") else list(self.flat)
        return numbers, self.like

    def __skeleton__(self) -> Any:
        return self._like
