"""Rolled loops as operations on whole arrays: what the exports to JAX and to ONNX have in common.

Each loop becomes one operation: elementwise over its members, or a sum of products, which is an
einsum. All numbers stay in flat arrays, one for each argument and for the results of each loop, and
an operand is a view of one: a slice, reshaped and transposed. Where no view fits it is gathered.
`run` does it over a namespace `m` of array operations, which computes (JAX) or writes (ONNX).
arranging.py makes the loops into this form.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd.compiler.loops import Ints


class Cut(NamedTuple):
    """Of the last axis take times x stride numbers from `first` on, as two axes."""

    first: int
    times: int
    stride: int


class Read(NamedTuple):
    """An operand: numbers of flat arrays, one for each index of some of the loops.

    pieces: (array, first, past the last), joined if there are several.
    shape: how often each loop runs, 1 for those that do not move the operand.
    cuts, offset: the view, outermost loop first; then the place on the last axis. places: or, where
        no view fits, the place of each number.
    order: for each axis of the view, which loop it is.
    literal: the number itself, in place of an array.
    """

    pieces: tuple[tuple[int, int, int], ...] = ()
    shape: tuple[int, ...] = ()
    cuts: tuple[Cut, ...] = ()
    offset: int = 0
    order: tuple[int, ...] = ()
    places: Ints | None = None
    literal: float | None = None


class Step(NamedTuple):
    """A loop. Its results, members in order, are the next flat array.

    onto: what a sum goes on from.
    """

    op: str
    members: tuple[int, ...]
    terms: tuple[int, ...]
    operands: tuple[Read, ...]
    start: float
    onto: Read | None


class ArrayProgram(NamedTuple):
    """A function as array operations.

    constants: flat arrays that come before the arguments, the first two of all.
    sizes: of each flat array: the constants, the arguments, then one for each step.
    """

    constants: tuple[Any, Any]
    sizes: list[int]
    steps: list[Step]
    results: list[Read]


# --- running --------------------------------------------------------------------------------------


def run(m: Any, program: ArrayProgram, arguments: Sequence[Any]) -> list[Any]:
    """The flat results, from flat arguments.

    m: constant(numbers), concatenate(arrays), cut(array, first, past) along the last axis,
        reshape(array, shape), transpose(array, axes), gather(flat array, places),
        einsum(equation, *arrays), elementwise(op, *operands), broadcast(array, shape). An operand
        may be a float.
    """
    arrays = [m.constant(c) if len(c) else None for c in program.constants]
    arrays += arguments
    for step in program.steps:
        if step.op == "inner":
            y = _sum(m, arrays, step)
        else:
            y = m.elementwise(step.op, *[_operand(m, arrays, x) for x in step.operands])
        size = int(np.prod(step.members, dtype=np.int64))
        arrays.append(m.reshape(m.broadcast(y, step.members), (size,)))
    return [_operand(m, arrays, x) for x in program.results]


def _operand(m: Any, arrays: Sequence[Any], read: Read, squeezed: bool = False) -> Any:
    """squeezed: without the axes of loops that do not move it."""
    if read.literal is not None:
        return read.literal
    if not read.pieces:
        return m.constant(np.zeros(read.shape))
    shape = tuple([n for n in read.shape if n > 1]) if squeezed else read.shape
    if len(read.pieces) > 1:
        x = m.concatenate([m.cut(arrays[k], first, past) for k, first, past in read.pieces])
    else:
        ((k, first, past),) = read.pieces
        x = arrays[k] if read.places is None else m.cut(arrays[k], first, past)
    if read.places is not None:
        return m.reshape(m.gather(x, read.places), shape)
    outer: tuple[int, ...] = ()
    for first, times, stride in read.cuts:
        x = m.cut(x, first, first + times * stride)
        outer += (times,)
        if stride > 1:
            x = m.reshape(x, (*outer, stride))
    if not read.cuts or read.cuts[-1].stride > 1:
        x = m.reshape(m.cut(x, read.offset, read.offset + 1), outer)
    axes = tuple(np.argsort(read.order).tolist())
    if axes != tuple(range(len(axes))):
        x = m.transpose(x, axes)
    return m.reshape(x, shape)


def _sum(m: Any, arrays: Sequence[Any], step: Step) -> Any:
    """A sum of products. A term that no operand depends on is taken as often as its loop runs."""
    letters = "abcdefgh"[: len(step.members) + len(step.terms)]
    n = len(step.members)
    labels, factors = [], []
    times: float = 1.0
    for read in step.operands:
        if read.literal is not None:
            times *= read.literal
        else:
            labels.append("".join(x for x, k in zip(letters, read.shape, strict=True) if k > 1))
            factors.append(_operand(m, arrays, read, squeezed=True))
    for letter, k in zip(letters[n:], step.terms, strict=True):
        if not any(letter in label for label in labels):
            times *= k
    kept = "".join(x for x in letters[:n] if any(x in label for label in labels))
    y: Any = m.einsum(f"{','.join(labels)}->{kept}", *factors) if factors else times
    shape = [k if x in kept else 1 for x, k in zip(letters, step.members, strict=False)]
    if factors:
        y = m.reshape(y, tuple(shape))
        y = y if times == 1.0 else m.elementwise("mul", y, times)
    if step.onto is not None:
        return m.elementwise("add", _operand(m, arrays, step.onto), y)
    return m.elementwise("add", y, step.start) if step.start != 0.0 else y


# --- structures -----------------------------------------------------------------------------------


def shape_of(structure: Any) -> tuple[int, ...] | None:
    """The shape of a list of numbers, nested or not, or of an array; None for anything else."""
    if structure == ".":
        return ()
    if isinstance(structure, str):  # "array(2, 3)", as autograd.tree writes it
        inside = structure.removeprefix("array(").rstrip(",)")
        return tuple([int(n) for n in inside.split(",")])
    if not isinstance(structure, list) or not structure:
        return None
    shapes = {shape_of(s) for s in structure}
    shape = shapes.pop()
    return None if shapes or shape is None else (len(structure), *shape)
