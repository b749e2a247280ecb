"""From rolled loops to array operations: which flat array holds a number, and views of those.

Rolling leaves single members where no strides fit, for machine code does them as fast. An array
operation costs the same for one number as for hundreds, so here all single members of one operation
that do not depend on one another become one, whose operands are gathered.
"""

import struct
from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from autograd.compiler.callbacks import is_callback
from autograd.compiler.loops import BUFFERS, ONCE, SPACE, Access, Ints, Loop
from autograd.compiler.strides import equal_rows
from autograd.errors import ExportError
from autograd.export.arrays import ArrayProgram, Cut, Read, Step
from autograd.export.portable import Portable

SMALL = 32  # loops of so many members and so many terms at most may be taken apart
MOST_PARTS = 3  # a sum of more kinds of terms is gathered as one


def array_program(portable: Portable) -> ArrayProgram:
    """The loops of a function that has no batch, as array operations.

    Raises ExportError for a user's primitive that only a Python function computes.
    """
    program = portable.rolled.program
    own = sorted({x.op for x in [*program.before, *program.after] if is_callback(x.op)})
    if own:
        raise ExportError(
            f"expected primitives that can be written as array operations, but {own[0]!r} is "
            "computed by a Python function alone; write its forward over m, as "
            "lambda m, x: m.exp(x), so that it can be traced"
        )
    return _Arranger(portable).program()


class _Member(NamedTuple):
    """One member of a loop. factors: its operands, of a sum one after another for each term.

    literals: for each operand the number itself, if it is one; of a sum none are.
    loop: the loop it is of, None if of several.
    """

    op: str
    result: int
    factors: list[int]
    literals: tuple[float | None, ...]
    start: float
    loop: int | None


class _Arranger:
    """Numbers are counted through: those of the loops' spaces one after another, then literals."""

    def __init__(self, portable: Portable) -> None:
        program = portable.rolled.program
        self.loops = [*program.before, *program.after]
        n = len(portable.arguments)
        lengths = {ONCE: program.once, BUFFERS + n + 1: len(portable.constants)}
        lengths |= {BUFFERS + 1 + k: slot.size for k, slot in enumerate(portable.arguments)}
        lengths |= {BUFFERS + n + 3 + k: slot.size for k, slot in enumerate(portable.results)}
        widths = [lengths.get(space, 0) for space in range(max(lengths) + 1)]
        self.base = np.cumsum([0, *widths])
        self.known = list(program.constants)
        self.captured = portable.constants
        self.literals: dict[bytes, int] = {}
        self.inputs = [self._all_of(BUFFERS + 1 + k, widths) for k in range(n)]
        self.captured_numbers = self._all_of(BUFFERS + n + 1, widths)
        self.outputs = [
            self._all_of(BUFFERS + n + 3 + k, widths) for k in range(len(portable.results))
        ]

    def _all_of(self, space: int, widths: list[int]) -> Ints:
        numbers: Ints = self.base[space] + np.arange(widths[space])
        return numbers

    def program(self) -> ArrayProgram:
        levels = self._levels()
        constants = [*range(len(self.known)), *self.literals.values()]
        numbers = int(self.base[-1]) + len(self.literals)
        self.known += [struct.unpack("d", bits)[0] for bits in self.literals]
        # for each number, the flat array that holds it and the place there
        self.holder = np.full(numbers, -1, np.int64)
        self.place = np.zeros(numbers, np.int64)
        self.sizes: list[int] = []
        for held in (np.array(constants, np.int64), self.captured_numbers, *self.inputs):
            self._hold(held)
        steps: list[Step] = []
        for level in sorted(levels):
            loops, members = levels[level]
            steps += map(self._whole, loops)
            for group in _groups(members):
                whole = group[0].loop
                if whole is not None and all(x.loop == whole for x in group):
                    steps.append(self._whole(self.loops[whole]))
                else:
                    steps += self._gathered(group)
        results = [self._read(numbers) for numbers in self.outputs]
        return ArrayProgram((np.array(self.known), self.captured), self.sizes, steps, results)

    # --- levels -----------------------------------------------------------------------------------

    def _levels(self) -> dict[int, tuple[list[Loop], list[_Member]]]:
        """What can be computed at once: loops as they are, and members of those taken apart."""
        level = np.zeros(int(self.base[-1]), np.int64)
        found: dict[int, tuple[list[Loop], list[_Member]]] = {}
        parts: dict[int, _Member] = {}  # by the number that they compute

        def level_of(numbers: Ints) -> int:
            return int(level[numbers].max(initial=0))

        for k, loop in enumerate(self.loops):
            result = self._numbers(loop.result, loop.members, len(loop.members)).ravel()
            goes_on = loop.is_sum and loop.start is None
            operands = [self._operand(loop, x) for x in loop.operands]
            single = result.size == 1 and (not goes_on or int(result[0]) in parts)
            small = result.size <= SMALL and int(np.prod(loop.terms, dtype=np.int64)) <= SMALL
            if small and (single or not goes_on):
                for member in self._members(k, loop, result, operands):
                    if goes_on:
                        first = parts[member.result]
                        factors = first.factors + member.factors
                        member = first._replace(factors=factors, loop=None)
                    parts[member.result] = member
                    arguments = [x for x in member.factors if x < len(level)]
                    level[member.result] = 1 + level_of(np.array(arguments, np.int64))
                continue
            here = 1 + max([level_of(x) for x in operands if x is not None], default=0)
            if goes_on:
                here = max(here, 1 + level_of(result))
                for x in set(result.tolist()) & parts.keys():  # that member is complete
                    found.setdefault(int(level[x]), ([], []))[1].append(parts.pop(x))
            level[result] = here
            found.setdefault(here, ([], []))[0].append(loop)
        for member in parts.values():
            found.setdefault(int(level[member.result]), ([], []))[1].append(member)
        return found

    def _operand(self, loop: Loop, access: Access) -> Ints | None:
        if access.literal is not None:
            return None
        return self._numbers(access, loop.members + loop.terms, len(loop.members))

    def _members(
        self, k: int, loop: Loop, result: Ints, operands: list[Ints | None]
    ) -> Iterator[_Member]:
        """The members of a loop one by one."""
        times = loop.members + loop.terms
        columns: list[Any] = []
        for access, numbers in zip(loop.operands, operands, strict=True):
            column = self._literal(access.literal) if numbers is None else numbers
            columns.append(np.broadcast_to(column, times).reshape(len(result), -1))
        factors = np.stack(columns, axis=2).reshape(len(result), -1).tolist()
        literals = () if loop.is_sum else tuple([x.literal for x in loop.operands])
        for number, row in zip(result.tolist(), factors, strict=True):
            yield _Member(loop.op, number, row, literals, loop.start or 0.0, k)

    def _literal(self, number: float | None) -> int:
        bits = struct.pack("d", number)
        return self.literals.setdefault(bits, int(self.base[-1]) + len(self.literals))

    # --- steps ------------------------------------------------------------------------------------

    def _hold(self, numbers: Ints) -> None:
        """A further flat array, of these numbers."""
        self.holder[numbers] = len(self.sizes)
        self.place[numbers] = np.arange(len(numbers))
        self.sizes.append(len(numbers))

    def _whole(self, loop: Loop) -> Step:
        times = loop.members + loop.terms
        operands = []
        for access in loop.operands:
            numbers = self._operand(loop, access)
            literal = Read(literal=access.literal, shape=(1,) * len(times))
            operands.append(literal if numbers is None else self._read(numbers))
        result = self._numbers(loop.result, loop.members, len(loop.members))
        onto = self._read(result) if loop.is_sum and loop.start is None else None
        self._hold(result.ravel())
        return Step(loop.op, loop.members, loop.terms, tuple(operands), loop.start or 0.0, onto)

    def _gathered(self, group: list[_Member]) -> Iterator[Step]:
        """Operations for members of several loops."""
        first, n = group[0], len(group)
        factors = np.array([x.factors for x in group], np.int64)
        results = np.array([x.result for x in group], np.int64)
        if first.op != "inner":
            operands = [
                self._read(numbers) if c is None else Read(literal=c, shape=(1,))
                for numbers, c in zip(factors.T, first.literals, strict=True)
            ]
            self._hold(results)
            yield Step(first.op, (n,), (), tuple(operands), first.start, None)
            return
        pairs = factors.reshape(n, -1, 2)  # [members, terms, 2]
        onto = None
        for part in self._by_space(pairs):
            columns = [part[:, :, 0], part[:, :, 1]]
            known = [self._same_literal(x) for x in columns]
            operands = [
                self._read(numbers) if c is None else Read(literal=c, shape=(1, 1))
                for numbers, c in zip(columns, known, strict=True)
            ]
            self._hold(results)
            yield Step("inner", (n,), (part.shape[1],), tuple(operands), first.start, onto)
            onto = self._read(results)

    def _by_space(self, pairs: Ints) -> list[Ints]:
        """The terms of a sum, those apart whose factors come from elsewhere: views fit these."""
        spaces = np.searchsorted(self.base, pairs, "right")
        keys = np.ascontiguousarray(np.moveaxis(spaces, 1, 0)).reshape(pairs.shape[1], -1)
        parts = equal_rows(keys)
        return [pairs[:, part] for part in parts] if len(parts) <= MOST_PARTS else [pairs]

    def _same_literal(self, numbers: Ints) -> float | None:
        """The number that all of these are, if they are one literal."""
        first = int(numbers.flat[0])
        if first < self.base[-1] or (numbers != first).any():
            return None
        return self.known[int(self.place[first])]

    # --- operands ---------------------------------------------------------------------------------

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
        arrays, which = np.unique(holders.ravel(), return_inverse=True)
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


def _groups(members: list[_Member]) -> Iterator[list[_Member]]:
    """Those that one operation can compute, in the order of their results."""

    def key(x: _Member) -> tuple[Any, ...]:
        literals = tuple([None if c is None else struct.pack("d", c) for c in x.literals])
        return x.op, len(x.factors), struct.pack("d", x.start), repr(literals)

    for _, group in groupby(sorted(members, key=lambda x: (key(x), x.result)), key):
        yield list(group)


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
