"""Rolled loops as operations on whole arrays: what the exports to JAX and to ONNX have in common.

Each loop becomes one operation: elementwise over its members, or a sum of products, which is an
einsum. All numbers stay in flat arrays, one for each argument and for the results of each loop, and
an operand is a view of one: a slice, reshaped and transposed. Where no view fits it is gathered.
`run` does it over a namespace `m` of array operations, which computes (JAX) or writes (ONNX).
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd.compiler.callbacks import is_callback
from autograd.compiler.loops import BUFFERS, ONCE, SPACE, Access, Ints, Loop
from autograd.errors import ExportError
from autograd.export.portable import Portable


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


def array_program(portable: Portable) -> ArrayProgram:
    """The loops of a function that has no batch, as array operations.

    Raises ExportError for a user's primitive that only a Python function computes.
    """
    return _Builder(portable).program()


class _Builder:
    def __init__(self, portable: Portable) -> None:
        rolled = portable.rolled
        self.loops = [*rolled.program.before, *rolled.program.after]
        own = sorted({loop.op for loop in self.loops if is_callback(loop.op)})
        if own:
            raise ExportError(
                f"expected primitives that can be written as array operations, but {own[0]!r} is "
                "computed by a Python function alone; write its forward over m, as "
                "lambda m, x: m.exp(x), so that it can be traced"
            )
        self.constants = (np.array(rolled.program.constants), portable.constants)
        n = len(portable.arguments)
        sizes = [slot.size for slot in portable.arguments]
        self.result_spaces = [BUFFERS + n + 3 + k for k in range(len(portable.results))]
        self.result_sizes = [slot.size for slot in portable.results]
        # where each space of the loops begins if all lie one after another
        lengths = {ONCE: rolled.program.once, BUFFERS + n + 1: len(portable.constants)}
        lengths |= {BUFFERS + 1 + k: size for k, size in enumerate(sizes)}
        lengths |= dict(zip(self.result_spaces, self.result_sizes, strict=True))
        self.base = np.zeros(max(lengths) + 1, np.int64)
        for space in range(len(self.base) - 1):
            self.base[space + 1] = self.base[space] + lengths.get(space, 0)
        total = int(self.base[-1]) + lengths.get(len(self.base) - 1, 0)
        # for each number, the flat array that holds it and the place there
        self.holder = np.full(total, -1, np.int64)
        self.place = np.zeros(total, np.int64)
        self.sizes: list[int] = []
        for space, size in [
            (ONCE, len(self.constants[0])),
            (BUFFERS + n + 1, len(self.constants[1])),
            *[(BUFFERS + 1 + k, size) for k, size in enumerate(sizes)],
        ]:
            self._hold(self.base[space] + np.arange(size))

    def program(self) -> ArrayProgram:
        steps = [self._step(loop) for loop in self.loops]
        results = [
            self._read(self.base[space] + np.arange(size))
            for space, size in zip(self.result_spaces, self.result_sizes, strict=True)
        ]
        return ArrayProgram(self.constants, self.sizes, steps, results)

    def _hold(self, numbers: Ints) -> None:
        """A further flat array, of these numbers."""
        self.holder[numbers] = len(self.sizes)
        self.place[numbers] = np.arange(len(numbers))
        self.sizes.append(len(numbers))

    def _step(self, loop: Loop) -> Step:
        times = loop.members + loop.terms
        operands = []
        for access in loop.operands:
            if access.literal is not None:
                operands.append(Read(literal=access.literal, shape=(1,) * len(times)))
            else:
                operands.append(self._read(self._numbers(access, times, len(loop.members))))
        result = self._numbers(loop.result, loop.members, len(loop.members))
        every = np.broadcast_to(result, loop.members).ravel()
        onto = self._read(result) if loop.is_sum and loop.start is None else None
        self._hold(every)
        start = 0.0 if loop.start is None else loop.start
        return Step(loop.op, loop.members, loop.terms, tuple(operands), start, onto)

    def _numbers(self, access: Access, times: tuple[int, ...], members: int) -> Ints:
        """The numbers an operand goes through, of shape `times` or 1 for loops that leave it."""
        found: Any = np.array(access.address).reshape((1,) * len(times))
        for d, (n, stride) in enumerate(zip(times, access.strides, strict=False)):
            if stride:
                found = found + stride * np.arange(n).reshape((-1,) + (1,) * (len(times) - 1 - d))
        if access.table is not None:
            of_members = access.table.ndim == 1
            shape = times[:members] + (1,) * (len(times) - members) if of_members else times
            found = found + access.table.reshape(shape)
        numbers: Ints = self.base[found // SPACE] + found % SPACE
        return numbers

    def _read(self, numbers: Ints) -> Read:
        if not numbers.size:
            return Read(shape=numbers.shape)
        holders, places = self.holder[numbers], self.place[numbers]
        assert holders.min() >= 0, "a number is used before it is computed"
        pieces, places = self._joined(holders, places, numbers)
        for d in range(places.ndim):
            first = places.take([0], d)
            if places.shape[d] > 1 and (places == first).all():
                places = first
        order = tuple([d for d in range(places.ndim) if places.shape[d] > 1])
        start = int(places.flat[0])
        corner = places[(slice(0, 1),) * places.ndim]
        steps = [int((places.take([1], d) - corner.take([0], d)).flat[0]) for d in order]
        affine: Any = start
        for d, step in zip(order, steps, strict=True):
            shape = [1] * places.ndim
            shape[d] = -1
            affine = affine + step * np.arange(places.shape[d]).reshape(shape)
        read = Read(pieces, places.shape, order=order)
        if (places == affine).all():
            outermost = sorted(range(len(order)), key=lambda k: -steps[k])
            read = read._replace(order=tuple([order[k] for k in outermost]))
            times = [places.shape[d] for d in read.order]
            length = sum(past - first for _, first, past in pieces)
            found = _view(start, times, [steps[k] for k in outermost], length)
            if found is not None:
                return read._replace(cuts=found[0], offset=found[1])
        return read._replace(places=places.ravel(), order=order)

    def _joined(self, holders: Ints, places: Ints, numbers: Ints) -> tuple[Any, Ints]:
        """The flat arrays that hold the numbers, and the place of each number when joined."""
        arrays, first_seen, which = np.unique(
            holders.ravel(), return_index=True, return_inverse=True
        )
        if len(arrays) == 1:
            return ((int(arrays[0]), 0, self.sizes[arrays[0]]),), places
        flat, n = places.ravel(), len(arrays)
        low, high = np.full(n, flat.max()), np.zeros(n, np.int64)
        lowest = np.full(n, numbers.max())
        np.minimum.at(low, which, flat)
        np.maximum.at(high, which, flat + 1)
        np.minimum.at(lowest, which, numbers.ravel())  # side by side as they lie in the loops
        shift = np.zeros(n, np.int64)
        pieces, past = [], 0
        for k in np.argsort(lowest).tolist():
            pieces.append((int(arrays[k]), int(low[k]), int(high[k])))
            shift[k] = past - low[k]
            past += int(high[k] - low[k])
        return tuple(pieces), (flat + shift[which]).reshape(places.shape)


def _view(
    start: int, times: list[int], strides: list[int], length: int
) -> tuple[tuple[Cut, ...], int] | None:
    """The cuts that visit these places, the largest stride first; None if none do."""
    cuts = []
    offset, size = start, length
    for k, (n, stride) in enumerate(zip(times, strides, strict=True)):
        inner = sum([(m - 1) * s for m, s in zip(times[k + 1 :], strides[k + 1 :], strict=True)])
        first = min(offset, size - n * stride)
        if stride <= 0 or first < 0 or offset - first + inner >= stride:
            return None
        cuts.append(Cut(first, n, stride))
        offset, size = offset - first, stride
    return tuple(cuts), offset


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
    pieces = [m.cut(arrays[k], first, past) for k, first, past in read.pieces]
    x = pieces[0] if len(pieces) == 1 else m.concatenate(pieces)
    shape = tuple([n for n in read.shape if n > 1]) if squeezed else read.shape
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


def loops_of(program: ArrayProgram) -> Iterator[str]:
    """A line for each operation: what it computes, of what shape, and how its operands are found."""
    for step in program.steps:
        found = [
            "literal"
            if x.literal is not None
            else f"{'view' if x.places is None else 'gather'} of {len(x.pieces)}"
            for x in step.operands
        ]
        yield f"{step.op} {step.members} {step.terms}: {', '.join(found)}"
