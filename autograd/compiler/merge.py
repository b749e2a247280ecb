"""Merging: loops over the same members become one, so that what passes between stays in registers.

A chain of operations on one number for each row, an activation with its derivative, an optimiser's
rule over all parameters: each is one pass over memory.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from autograd.compiler.loops import BUFFERS, ROWS, SPACE, Access, Ints, Loop, Program


class Literal(NamedTuple):
    """A constant, told from others by its bits: 0.0 == -0.0 == 0 to Python, but not to a kernel."""

    text: str

    @staticmethod
    def of(number: float) -> "Literal":
        return Literal(number.hex())

    @property
    def number(self) -> float:
        return float.fromhex(self.text)


# What an operation reads: the number of an earlier step; of an input, -1, -2 ...; or a constant
Source = int | Literal


class Step(NamedTuple):
    """One operation of a merged loop."""

    op: str
    operands: tuple[Source, ...]


class Merged(NamedTuple):
    """Operations on single values, one after another for each member.

    sum: a sum of products that is computed first, as the step "sum".
    results: which steps are kept, and where. All are written at the end of a turn.
    """

    members: tuple[int, ...]
    rows: bool
    inputs: tuple[Access, ...]
    steps: tuple[Step, ...]
    results: tuple[tuple[int, Access], ...]
    sum: Loop | None = None

    def __str__(self) -> str:
        def name(x: Source) -> str:
            if isinstance(x, Literal):
                return repr(x.number)
            return f"t{x}" if x >= 0 else str(self.inputs[-1 - x])

        times = " x ".join(map(str, self.members)) or "1"
        lines = [
            f"t{i} = {op}({', '.join(map(name, operands))})"
            if op != "sum"
            else f"t{i} = {self.sum}"
            for i, (op, operands) in enumerate(self.steps)
        ]
        lines += [f"{access} = t{i}" for i, access in self.results]
        return f"{times}: " + "; ".join(lines)


Statement = Loop | Merged  # a loop by itself is a mean over rows


class Statements(NamedTuple):
    """The statements of a program: before all rows, for each block of them, and after."""

    before: list[Statement]
    rows: list[Statement]
    after: list[Statement]


def merge(program: Program) -> Statements:
    """The statements of a program, with what goes together in one."""
    phases = [_Phase(loops) for loops in (program.before, program.rows, program.after)]
    read = _Marks()
    read.mark(ROWS, np.array([i for i, _, _ in program.row_outputs], np.int64))
    for phase in phases:
        for group in phase.groups:
            for access, members, terms in group.reads():
                read.mark(*_places(access, members, terms))
    return Statements(*[[group.statement(read) for group in phase.groups] for phase in phases])


class _Marks:
    """Numbers for places in memory: -1 where nothing was marked."""

    def __init__(self) -> None:
        self.marks: dict[int, Ints] = {}

    def _space(self, space: int, places: Ints) -> Ints:
        """The marks of a space, as far as these places at least."""
        marks, last = self.marks.get(space, _NO_MARKS), int(places.max())
        if last >= len(marks):  # twice as many, or more
            marks = self.marks[space] = np.concatenate([marks, np.full(last + 1, -1)])
        return marks

    def mark(self, space: int, places: Ints, number: int = 0) -> None:
        if len(places):
            self._space(space, places)[places] = number

    def latest(self, space: int, places: Ints) -> int:
        """The largest mark in these places."""
        return int(self._space(space, places)[places].max())


_NO_MARKS = np.zeros(0, np.int64)


def _places(access: Access, members: Sequence[int], terms: Sequence[int]) -> tuple[int, Ints]:
    """The space of an operand, and all places in it that are read or written."""
    space, first = divmod(access.address, SPACE)
    places = np.array([first], np.int64)
    for times, stride in zip((*members, *terms), access.strides, strict=False):
        if stride:
            places = (places[:, None] + stride * np.arange(times)).ravel()
    if access.table is not None:
        places = np.unique(places[:, None] + access.table.ravel())
    return space, places


_Key = tuple[int, tuple[int, ...]]


class _Group:
    """A statement in the making."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.sum: Loop | None = None
        self.inputs: list[Access] = []
        self.steps: list[Step] = []
        # by place in memory: the step that computes it, the result there, the input from there
        self.made: dict[_Key, int] = {}
        self.results: dict[_Key, Access] = {}
        self.known: dict[_Key, int] = {}

    def add(self, loop: Loop) -> None:
        op, operands = loop.op, loop.operands
        if loop.terms:
            self.sum = loop
            op, operands = "sum", ()
        elif loop.is_sum:  # of one product
            a, b = operands
            if loop.start is None:
                op, operands = "fma", (a, b, loop.result)
            elif loop.start == 0.0 and str(loop.start) == "-0.0":
                op = "mul"
            else:
                op, operands = "fma", (a, b, Access(literal=loop.start))
            if b.literal in (1.0, -1.0) and op == "fma":
                op, operands = ("add" if b.literal == 1.0 else "sub"), (operands[2], a)
        step = Step(op, tuple([self._source(x) for x in operands]))
        self.steps.append(step)
        key = _key(loop.result)
        self.made[key] = len(self.steps) - 1
        self.results[key] = loop.result

    def _source(self, x: Access) -> Source:
        if x.literal is not None:
            return Literal.of(x.literal)
        key = _key(x)
        if x.table is None:
            if key in self.made:
                return self.made[key]
            if key in self.known:
                return self.known[key]
        self.inputs.append(x)
        if x.table is None:
            self.known[key] = -len(self.inputs)
        return -len(self.inputs)

    def reads(self) -> Iterable[tuple[Access, Sequence[int], Sequence[int]]]:
        loop = self.loop
        for access in self.inputs:
            yield access, loop.members, ()
        if self.sum is not None or not self.steps:
            for access in loop.operands:
                if access.literal is None:
                    yield access, loop.members, loop.terms
            if loop.start is None:
                yield loop.result, loop.members, ()

    def statement(self, read: _Marks) -> Statement:
        if not self.steps:
            return self.loop
        members = self.loop.members
        results = []
        for key, access in self.results.items():
            space, places = _places(access, members, ())
            if space >= BUFFERS or read.latest(space, places) >= 0:
                results.append((self.made[key], access))
        return Merged(
            members,
            self.loop.rows,
            tuple(self.inputs),
            tuple(self.steps),
            tuple(results),
            self.sum,
        )


def _key(access: Access) -> _Key:
    return access.address, access.strides


MOST_STEPS = 500  # in one kernel, for the compiler's sake


class _Phase:
    """Statements in order, and which of them wrote each place last."""

    def __init__(self, loops: Sequence[Loop]) -> None:
        self.groups: list[_Group] = []
        self.writer = _Marks()
        latest: dict[tuple[tuple[int, ...], bool], int] = {}
        for loop in loops:
            if loop.op == "mean_over_rows":
                position = len(self.groups)
                self.groups.append(_Group(loop))
            else:
                kind = (loop.members, loop.rows)
                found = latest.get(kind)
                if loop.terms or found is None or not self._fits(loop, found):
                    found = latest[kind] = len(self.groups)
                    self.groups.append(_Group(loop))
                position = found
                self.groups[position].add(loop)
            self.writer.mark(*_places(loop.result, loop.members, ()), position)

    def _fits(self, loop: Loop, position: int) -> bool:
        """Whether a loop can be computed as early as the group at this position."""
        group = self.groups[position]
        tables = [loop.result, *loop.operands]
        if group.sum is not None:
            tables += [group.sum.result, *group.sum.operands]
            if any(x.table is not None for x in tables):
                return False
        if loop.result.table is not None or len(group.steps) >= MOST_STEPS:
            return False
        reads = [x for x in loop.operands if x.literal is None]
        if loop.start is None:  # a sum that goes on; of others, nothing has been there before
            reads.append(loop.result)
        for access in reads:
            latest = self.writer.latest(*_places(access, loop.members, ()))
            inside = access.table is None and _key(access) in group.made
            if latest > position or (latest == position and not inside):
                return False
        return True
