"""Kernels: LLVM functions for the loops of a program, one for each kind of loop.

A kernel is told how often to run and where its operands lie by a descriptor, a row of integers, so
that loops of one kind share one kernel, also those of different programs. What is baked in is what
decides the code: the operation, which operands move along the vector's lanes, and the tile: a few
members computed at once, so that what they share is loaded once.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from typing import NamedTuple

from autograd.compiler.emit import Code, Number, Vector
from autograd.compiler.lower import compute
from autograd.compiler.merge import Literal, Source, Step

SIGNATURE = "void {}(ptr noalias readonly %descriptor, ptr noalias readonly %spaces, i64 %rows)"
MEMBERS, TERMS = "members", "terms"


class Operand(NamedTuple):
    """How a kernel reads an operand, or writes its result.

    along: whether it moves along the vector's lanes, by one number each; else it is spread.
    moves: for the three loops over members, whether it moves with them.
    table: what its addresses are looked up by, where strides do not give them: MEMBERS, or TERMS
        for members and terms; "" where they do.
    literal: the number itself, in place of an address.
    """

    along: bool = False
    moves: tuple[bool, bool, bool] = (True, True, True)
    table: str = ""
    literal: Literal | None = None


class Kind(NamedTuple):
    """What decides a kernel's code.

    steps: the operations on single values.
    results: the steps that are kept.
    sums: "start" or "go on" if there is a sum of products, which is the step "sum", and begins with
        `start` or with what its home holds; "rows" for one over all rows, which goes on; "" if not.
    lanes: what a vector's lanes are: "rows"; "members" or "terms", of the innermost loop; "" for
        one number at a time.
    width: how many lanes.
    tile: how many members of the two innermost loops, and vectors, are computed at once.
    loops: for each of the five loops, whether it runs more than one turn.
    masked: whether the last vector of "members" or "terms" may have lanes to spare.
    accesses: of a sum its home and its two operands; the results; the inputs of the steps.
    places: the space of each access and its place there in bytes, baked in, for what runs once and
        is like nothing else; empty for a kernel with a descriptor.
    bits, exact: of a float; and whether to keep the eager engine's bits.
    """

    steps: tuple[Step, ...]
    results: tuple[int, ...]
    sums: str
    lanes: str
    width: int
    tile: tuple[int, int, int]
    loops: tuple[bool, ...]
    masked: bool
    accesses: tuple[Operand, ...]
    places: tuple[tuple[int, int], ...]
    start: Literal
    bits: int
    exact: bool


# A descriptor: how often the three loops over members and the two over terms run; then for the
# result and each operand the number of its space, its place there, its five strides (in bytes), and
# the address of its table
TIMES, ACCESS = 5, 8
INLINE_STEPS = 40


def kernel(name: str, kind: Kind) -> tuple[str, dict[str, str]]:
    """The text of a kernel, and the declarations it needs.

    It is called with the descriptor, the addresses of the spaces, and the rows in this block.
    """
    return _Kernel(kind).text(name)


class _Kernel:
    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.code = code = Code()
        self.size = kind.bits // 8
        self.m = Vector(code, kind.bits, kind.width, kind.exact)
        self.scalar = Vector(code, kind.bits, 1, kind.exact)
        code.label("entry")
        self.masks: list[str] = []
        self.spaces: dict[int, str] = {}
        # what is long calls its elementary functions, or it would be many times as long
        outlined = len(kind.steps) > INLINE_STEPS
        self.m.outlined = self.scalar.outlined = {} if outlined else None
        tables = any(x.table for x in kind.accesses)
        self.times = [
            self._field(k) if runs or tables or (kind.masked and k in (2, 4)) else "1"
            for k, runs in enumerate(kind.loops)
        ]
        self.pointers: list[str] = []
        self.strides: list[list[str]] = []
        self.tables: list[str] = []
        for k, access in enumerate(kind.accesses):
            at = TIMES + ACCESS * k
            if access.literal is not None:
                self.pointers.append("")
            elif kind.places:
                space, place = kind.places[k]
                self.pointers.append(self._plus(self._space(space), place))
            else:
                slot = code.let(f"getelementptr ptr, ptr %spaces, i64 {self._field(at)}")
                base = code.let(f"load ptr, ptr {slot}, align 8")
                self.pointers.append(self._plus(base, self._field(at + 1)))
            self.strides.append(
                [self._field(at + 2 + d) if self._moves(k, d) else "" for d in range(5)]
            )
            self.tables.append(self._field(at + 7) if access.table else "")

    def _space(self, number: int) -> str:
        if number not in self.spaces:
            slot = self.code.let(f"getelementptr ptr, ptr %spaces, i64 {number}")
            self.spaces[number] = self.code.let(f"load ptr, ptr {slot}, align 8")
        return self.spaces[number]

    def _moves(self, k: int, loop: int) -> bool:
        """Whether this access needs its stride along a loop."""
        kind, access = self.kind, self.kind.accesses[k]
        if access.literal is not None:
            return False
        if loop < 3:
            tile = (1, kind.tile[0], kind.tile[1])[loop]
            return access.moves[loop] and (kind.loops[loop] or tile > 1)
        return bool(kind.sums) and k in (1, 2) and kind.loops[loop]

    @contextmanager
    def _turns(
        self, pointers: list[str], loop: int, step: int, carried: tuple[tuple[str, str], ...] = ()
    ) -> Iterator[tuple[list[str], str, list[str], list[str]]]:
        """The turns of one of the loops: the addresses there, the index, and what is carried."""
        if not self.kind.loops[loop]:
            new: list[str] = []
            yield pointers, "0", [first for _, first in carried], new
            return
        with self.code.loop(self.times[loop], step, carried) as (index, values, new):
            yield self._along(pointers, index, loop), index, values, new

    def text(self, name: str) -> tuple[str, dict[str, str]]:
        kind, code, m = self.kind, self.code, self.m
        step = kind.tile[1] * (kind.tile[2] * kind.width if kind.lanes == "members" else 1)
        with (
            self._turns(self.pointers, 0, 1) as (outer, i0, _, _),
            self._turns(outer, 1, kind.tile[0]) as (middle, i1, _, _),
            self._turns(middle, 2, step) as (pointers, i2, _, _),
        ):
            if kind.lanes == "members" and kind.masked:
                left = code.let(f"sub nsw i64 {self.times[2]}, {i2}")
                for v in range(kind.tile[2]):
                    rest = code.let(f"sub nsw i64 {left}, {v * kind.width}")
                    self.masks.append(m.first(rest))
            member = self._linear((i0, i1, i2))
            pointers = self._through_tables(pointers, MEMBERS, member)
            if kind.lanes == "rows" and kind.sums != "rows":
                with code.loop("%rows", kind.tile[2] * kind.width) as (row, _, _):
                    self._compute(self._along_rows(pointers, row), member)
            else:
                self._compute(pointers, member)
        code.do("ret void")
        head = f"define {SIGNATURE.format('@' + name)} #0 {{"
        outlined = (self.m.outlined or {}) | (self.scalar.outlined or {})
        code.declared |= outlined  # a module has each once
        return "\n".join([head, *code.lines, "}"]), code.declared

    # --- addresses --------------------------------------------------------------------------------

    def _field(self, number: int) -> str:
        slot = self.code.let(f"getelementptr i64, ptr %descriptor, i64 {number}")
        return self.code.let(f"load i64, ptr {slot}, align 8")

    def _plus(self, pointer: str, by: str | int) -> str:
        return self.code.let(f"getelementptr i8, ptr {pointer}, i64 {by}")

    def _times(self, a: str, b: str | int) -> str:
        return self.code.let(f"mul nsw i64 {a}, {b}")

    def _linear(self, indices: tuple[str, ...]) -> str:
        """The number of the member."""
        if not any(x.table for x in self.kind.accesses):
            return ""
        i0, i1, i2 = indices
        number = self.code.let(f"add nsw i64 {self._times(i0, self.times[1])}, {i1}")
        return self.code.let(f"add nsw i64 {self._times(number, self.times[2])}, {i2}")

    def _along(self, pointers: list[str], index: str, loop: int) -> list[str]:
        """The addresses, moved along a loop."""
        moved = []
        for pointer, strides in zip(pointers, self.strides, strict=True):
            stride = strides[loop]
            moved.append(self._plus(pointer, self._times(index, stride)) if stride else pointer)
        return moved

    def _along_rows(self, pointers: list[str], row: str) -> list[str]:
        by = self._times(row, self.size)
        first = 1 if self.kind.sums == "rows" else 0  # the sum over rows stays where it is
        return [
            self._plus(pointer, by) if access.along and k >= first else pointer
            for k, (pointer, access) in enumerate(zip(pointers, self.kind.accesses, strict=True))
        ]

    def _through_tables(self, pointers: list[str], by: str, entry: str) -> list[str]:
        """The addresses of those whose offset stands in a table, at this entry."""
        found = []
        for k, (pointer, access) in enumerate(zip(pointers, self.kind.accesses, strict=True)):
            if access.table == by:
                table = self.code.let(f"inttoptr i64 {self.tables[k]} to ptr")
                slot = self.code.let(f"getelementptr i64, ptr {table}, i64 {entry}")
                pointer = self._plus(pointer, self.code.let(f"load i64, ptr {slot}, align 8"))
            found.append(pointer)
        return found

    def _tile_address(self, pointers: list[str], k: int, i1: int, i2: int, vector: int) -> str:
        """Where operand k of one member and vector of the tile lies."""
        pointer, access = pointers[k], self.kind.accesses[k]
        for index, loop in ((i1, 1), (i2, 2)):
            if index and self.strides[k][loop]:
                pointer = self._plus(pointer, self._times(self.strides[k][loop], index))
        if vector and access.along:
            pointer = self._plus(pointer, vector * self.kind.width * self.size)
        return pointer

    # --- what is computed -------------------------------------------------------------------------

    def _compute(self, pointers: list[str], member: str) -> None:
        if self.kind.sums == "rows":
            self._sum_over_rows(pointers, member)
        elif self.kind.sums:
            self._sum(pointers, member)
        else:
            self._run_steps(pointers, self.m)

    def _run_steps(
        self,
        pointers: list[str],
        m: Vector,
        place: tuple[int, int, int] = (0, 0, 0),
        total: Number = 0.0,
    ) -> None:
        """The steps for one member and vector of the tile, and the results written."""
        kind = self.kind
        values: list[Number] = []
        read: dict[int, Number] = {}

        first = 3 if kind.sums else 0

        def source(x: Source) -> Number:
            if isinstance(x, Literal):
                return x.number
            if x >= 0:
                return values[x]
            if x not in read:
                read[x] = self._read(pointers, first + len(kind.results) - 1 - x, *place, m=m)
            return read[x]

        for op, operands in kind.steps:
            if op == "sum":
                values.append(total)
                continue
            numbers = [source(x) for x in operands]
            if op == "fma":
                a, b, s = numbers
                values.append(self._plus_product(m, s, a, b))
            else:
                values.append(compute(m, op, *numbers))
        for k, step in enumerate(kind.results):
            self._write(m, values[step], self._tile_address(pointers, first + k, *place), place[2])

    def _read(
        self, pointers: list[str], k: int, i1: int, i2: int, vector: int, m: Vector | None = None
    ) -> Number:
        access = self.kind.accesses[k]
        if access.literal is not None:
            return access.literal.number
        pointer = self._tile_address(pointers, k, i1, i2, vector)
        m = m or self.m
        if not access.along:
            return m.broadcast(pointer)
        if self.masks:
            return m.load_masked(pointer, self.masks[vector])
        return m.load(pointer)

    def _write(self, m: Vector, x: Number, pointer: str, vector: int) -> None:
        if self.masks and m is self.m:
            m.store_masked(x, pointer, self.masks[vector])
        else:
            m.store(x, pointer)

    def _tile(self) -> list[tuple[int, int, int]]:
        t1, t2, vectors = self.kind.tile
        return list(product(range(t1), range(t2), range(vectors)))

    def _terms(
        self,
        pointers: list[str],
        member: str,
        sums: list[str],
        add: Callable[[list[str], list[str]], list[str]],
    ) -> list[str]:
        """The loops over terms; gives the sums, to which `add` has added each term's products."""
        code, kind = self.code, self.kind
        carried = [(self.m.type, s) for s in sums]
        step = kind.width if kind.lanes == "terms" else 1
        with self._turns(pointers, 3, 1, tuple(carried)) as (along, t0, so_far, last):
            inner = tuple([(self.m.type, s) for s in so_far])
            with self._turns(along, 4, step, inner) as (here, t1, values, new):
                if any(x.table == TERMS for x in kind.accesses):
                    term = code.let(f"add nsw i64 {self._times(t0, self.times[4])}, {t1}")
                    n_terms = self._times(self.times[3], self.times[4])
                    entry = code.let(f"add nsw i64 {self._times(member, n_terms)}, {term}")
                    here = self._through_tables(here, TERMS, entry)
                if kind.lanes == "terms" and kind.masked:
                    left = code.let(f"sub nsw i64 {self.times[4]}, {t1}")
                    mask = self.m.first(left)
                    self.masks = [mask] * kind.tile[2]
                    added = add(here, values)
                    self.masks = []
                    new += [self.m.where(mask, a, s) for a, s in zip(added, values, strict=True)]
                else:
                    new += add(here, values)
            last += new
        return last

    def _add_products(self, pointers: list[str], sums: list[str]) -> list[str]:
        """Each sum of the tile plus its product; what members share is read once."""
        read: dict[tuple[int, ...], Number] = {}

        def operand(k: int, i1: int, i2: int, vector: int) -> Number:
            access = self.kind.accesses[k]
            key = (k, i1 * access.moves[1], i2 * access.moves[2], vector * access.along)
            if key not in read:
                read[key] = self._read(pointers, k, i1, i2, vector)
            return read[key]

        added = []
        for place, s in zip(self._tile(), sums, strict=True):
            a, b = operand(1, *place), operand(2, *place)
            added.append(self._plus_product(self.m, s, a, b))
        return added

    def _plus_product(self, m: Vector, s: Number, a: Number, b: Number) -> str:
        if b == 1.0:
            return m.add(s, a)
        if b == -1.0:
            return m.sub(s, a)
        return m.add(s, m.mul(a, b)) if self.kind.exact else m.fma(a, b, s)

    def _sum(self, pointers: list[str], member: str) -> None:
        kind, m = self.kind, self.m
        across = kind.lanes == "terms"
        go_on = kind.sums == "go on"
        tile = self._tile()
        homes = [self._tile_address(pointers, 0, *place) for place in tile]
        if across:
            first = [m.constant(-0.0)] * len(tile)
        elif go_on:
            first = [
                m.load_masked(p, self.masks[place[2]]) if self.masks else m.load(p)
                for p, place in zip(homes, tile, strict=True)
            ]
        else:
            first = [m.constant(kind.start.number)] * len(tile)
        sums = self._terms(pointers, member, first, self._add_products)
        for place, home, s in zip(tile, homes, sums, strict=True):
            if across:
                start: Number = self.scalar.load(home) if go_on else kind.start.number
                self._run_steps(pointers, self.scalar, place, m.sum(s, start))
            else:
                self._run_steps(pointers, m, place, s)

    def _sum_over_rows(self, pointers: list[str], member: str) -> None:
        """The result, a number for all rows, grows by the sum over this block of rows."""
        code, kind, m = self.code, self.kind, self.m
        tile = self._tile()
        sums = [m.constant(-0.0)] * len(tile)
        whole = code.let(f"and i64 %rows, {-kind.width}")
        results = [self._tile_address(pointers, 0, *place) for place in tile]
        if kind.exact:  # row by row
            scalars = [(self.scalar.type, self.scalar.load(p)) for p in results]
            with code.loop("%rows", 1, tuple(scalars)) as (row, so_far, new):
                here = self._along_rows(pointers, row)
                wide, self.m = self.m, self.scalar
                new += self._terms(here, member, so_far, self._add_products)
                self.m = wide
            for p, s in zip(results, new, strict=True):
                self.scalar.store(s, p)
            return

        def add_rows(pointers: list[str], sums: list[str]) -> list[str]:
            carried = tuple([(m.type, s) for s in sums])
            with code.loop(whole, kind.width, carried, or_never=True) as (row, values, new):
                new += self._add_products(self._along_rows(pointers, row), values)
            rest = code.let(f"sub nsw i64 %rows, {whole}")
            return self._add_last_rows(self._along_rows(pointers, whole), new, rest)

        sums = self._terms(pointers, member, sums, add_rows)
        if kind.accesses[0].along:  # four members lie side by side
            four = Vector(code, kind.bits, 4, kind.exact)
            for k in range(0, len(tile), 4):
                p = results[k]
                four.store(four.add(four.load(p), m.sums_of_four(sums[k : k + 4])), p)
            return
        for p, s in zip(results, sums, strict=True):
            self.scalar.store(self.scalar.add(self.scalar.load(p), m.sum(s)), p)

    def _add_last_rows(self, pointers: list[str], sums: list[str], rest: str) -> list[str]:
        """The rows that do not fill a vector: the lanes beyond them are left as they are."""
        m = self.m
        mask = m.first(rest)
        added = self._add_products(pointers, sums)
        return [m.where(mask, a, s) for a, s in zip(added, sums, strict=True)]
