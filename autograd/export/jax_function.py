"""A function as a function of JAX: in jit, grad, vmap and jvp, on whatever device runs it there.

The loops of arrays.py, with jax.numpy for its namespace.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, final

import numpy as np

from autograd.errors import LengthError, MissingExtraError, StructureError
from autograd.export.arranging import array_program
from autograd.export.arrays import ArrayProgram, run, shape_of
from autograd.export.portable import Agreement, Portable

try:
    import jax
    import jax.numpy as jnp

    from autograd.export.jax_primitives import function_of
except ImportError as error:
    raise MissingExtraError(
        "functions of JAX need jax: pip install 'glassgrad[jax]' (for a GPU or TPU, see jax.dev)"
    ) from error


@final
class JaxFunction:
    """What `to_jax` gives: call it with JAX arrays, or put it into jax.jit, grad, vmap.

    An argument has the structure of its example, in which an array may stand for nested lists, or
    is one flat array of all its numbers. It computes in the arguments' own floating type. A list of
    numbers among the results is an array; a gradient has the structure of its argument as given.

    operations: how many array operations it is. agreement: how near it was to the eager engine, in
    float64, when it was made.
    """

    def __init__(self, portable: Portable) -> None:
        self.__name__ = self.__qualname__ = portable.name
        self._portable = portable
        self._program = array_program(portable)
        self.operations = len(self._program.steps)
        with jax.enable_x64(True):
            self.agreement: Agreement = portable.agreement(jax.jit(self._run))

    def __repr__(self) -> str:
        return f"<{self.__name__} in JAX, {self.operations} array operations, {self.agreement}>"

    def __call__(self, *args: Any) -> Any:
        """The value, or (value, gradients), a gradient for each argument.

        Raises LengthError, StructureError for arguments not built as the examples were.
        """
        slots = self._portable.arguments
        if len(args) != len(slots):
            names = ", ".join(slot.name for slot in slots)
            raise LengthError(f"expected {len(slots)} arguments ({names}), but got {len(args)}")
        given = [
            _taken_apart(slot.name, slot.structure, slot.size, x)
            for slot, x in zip(slots, args, strict=True)
        ]
        dtype: Any = jnp.result_type(*[x for leaves, _ in given for x in leaves])
        if not jnp.issubdtype(dtype, jnp.floating):
            dtype = jnp.result_type(float)
        flat = [[jnp.ravel(jnp.asarray(x, dtype)) for x in leaves] for leaves, _ in given]
        value, *gradients = self._run(*flat)
        result = _rebuilt(self._portable.results[0].structure, value)
        if not self._portable.gradient:
            return result
        return result, tuple([put(g) for (_, put), g in zip(given, gradients, strict=True)])

    def _run(self, *flat: Any) -> list[Any]:
        return _run(self._program, flat)


def to_jax(f: Callable[..., Any], examples: Sequence[Any], gradient: bool) -> JaxFunction:
    """See `autograd.export.to_jax`."""
    return JaxFunction(Portable(f, examples, gradient, exact=False, stops=True))


def _run(program: ArrayProgram, flat: Sequence[Any]) -> list[Any]:
    """flat: each a flat array, or a list of such that are one when joined."""
    parts = [x if isinstance(x, list) else [x] for x in flat]
    dtype = jnp.result_type(*[x for leaves in parts for x in leaves])
    joined = [_Joined([jnp.asarray(x, dtype) for x in leaves]) for leaves in parts]
    return run(_Arrays(dtype), program, joined)


# --- structures -----------------------------------------------------------------------------------


def _taken_apart(
    what: str, structure: Any, size: int, x: Any
) -> tuple[list[Any], Callable[[Any], Any]]:
    """The arrays and numbers an argument is made of; and, from all its numbers, one built like it.

    Raises StructureError, LengthError.
    """
    if hasattr(x, "shape") and x.shape != () and np.prod(x.shape) == size:
        shape = x.shape
        return [x], lambda flat: flat.reshape(shape)
    if isinstance(structure, dict) and isinstance(x, dict) and structure.keys() == x.keys():
        keys = list(structure)
        parts = [_taken_apart(f"{what}[{k!r}]", structure[k], _size(structure[k]), x[k])
                 for k in keys]  # fmt: skip
        return _together(
            parts, [_size(structure[k]) for k in keys], lambda xs: dict(zip(keys, xs, strict=True))
        )
    if isinstance(structure, (list, tuple)) and isinstance(x, (list, tuple)):
        if len(structure) != len(x):
            raise LengthError(f"expected {what} of {len(structure)} items, but got {len(x)}")
        sizes = [_size(s) for s in structure]
        parts = [
            _taken_apart(f"{what}[{k}]", s, n, item)
            for k, (s, n, item) in enumerate(zip(structure, sizes, x, strict=True))
        ]
        kind: Any = type(x)
        return _together(parts, sizes, kind._make if hasattr(kind, "_make") else kind)
    if structure == "." and np.shape(x) == ():
        return [x], lambda flat: flat.reshape(())
    raise StructureError(
        f"expected {what} of the structure {structure!r:.200} or a flat array of {size} numbers, "
        f"but got {x!r:.200}"
    )


def _together(
    parts: list[tuple[list[Any], Callable[[Any], Any]]],
    sizes: list[int],
    make: Callable[[list[Any]], Any],
) -> tuple[list[Any], Callable[[Any], Any]]:
    cuts = np.cumsum(sizes)[:-1].tolist()

    def put(flat: Any) -> Any:
        pieces = jnp.split(flat, cuts) if sizes else []
        return make([put_one(x) for (_, put_one), x in zip(parts, pieces, strict=True)])

    return [x for leaves, _ in parts for x in leaves], put


def _size(structure: Any) -> int:
    if isinstance(structure, dict):
        return sum([_size(s) for s in structure.values()])
    if isinstance(structure, (list, tuple)):
        return sum([_size(s) for s in structure])
    return int(np.prod(shape_of(structure) or (), dtype=np.int64))


def _rebuilt(structure: Any, flat: Any) -> Any:
    """A result: the structure that f returns, in which lists of numbers are arrays."""
    shape = shape_of(structure)
    if shape is not None:
        return flat.reshape(shape)
    items = list(structure.values() if isinstance(structure, dict) else structure)
    cuts = np.cumsum([_size(s) for s in items])[:-1].tolist()
    pieces = jnp.split(flat, cuts) if items else []
    built = [_rebuilt(s, x) for s, x in zip(items, pieces, strict=True)]
    if isinstance(structure, dict):
        return dict(zip(structure, built, strict=True))
    return tuple(built) if isinstance(structure, tuple) else built


# --- array operations -----------------------------------------------------------------------------


class _Joined:
    """A flat array in parts: weights that come as matrices are not copied into one array first."""

    def __init__(self, parts: list[Any]) -> None:
        self.parts = [x for x in parts if x.size]
        self.ends = list(accumulate([x.size for x in self.parts]))
        self.shape = (sum([x.size for x in self.parts]),)

    def cut(self, first: int, past: int) -> Any:
        k, last = bisect_right(self.ends, first), bisect_left(self.ends, past)
        start = self.ends[k] - self.parts[k].size
        some = self.parts[k : last + 1]
        x = some[0] if len(some) == 1 else jnp.concatenate(some)
        return x if x.size == past - first else x[first - start : past - start]


class _Arrays:
    """What `arrays.run` computes with."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype

    def constant(self, numbers: Any) -> Any:
        return jnp.asarray(numbers, self.dtype)

    def concatenate(self, arrays: list[Any]) -> Any:
        # else XLA looks for the array that holds a number again wherever the number is used
        barrier: Any = jax.lax.optimization_barrier
        return barrier(jnp.concatenate(arrays))

    def cut(self, x: Any, first: int, past: int) -> Any:
        if isinstance(x, _Joined):
            return x.cut(first, past)
        return x if (first, past) == (0, x.shape[-1]) else x[..., first:past]

    def reshape(self, x: Any, shape: tuple[int, ...]) -> Any:
        return x.reshape(shape)

    def transpose(self, x: Any, axes: tuple[int, ...]) -> Any:
        return x.transpose(axes)

    def gather(self, x: Any, places: Any) -> Any:
        return x.at[places.astype(np.int32)].get(mode="promise_in_bounds")

    def broadcast(self, x: Any, shape: tuple[int, ...]) -> Any:
        return jnp.broadcast_to(jnp.asarray(x, self.dtype), shape)

    def einsum(self, equation: str, *factors: Any) -> Any:
        # else a TPU or GPU would round the factors to fewer bits
        return jnp.einsum(equation, *factors, precision=jax.lax.Precision.HIGHEST)

    def elementwise(self, op: str, *operands: Any) -> Any:
        return function_of(op)(*[jnp.asarray(x, self.dtype) for x in operands])
