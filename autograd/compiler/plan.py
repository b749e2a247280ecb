"""Which kernels a program calls, and with what descriptors: from loops to machine code's terms."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from autograd.compiler.callbacks import is_callback
from autograd.compiler.kernels import MEMBERS, TERMS, Kind, Operand
from autograd.compiler.loops import ROWS, SPACE, Access, Ints
from autograd.compiler.merge import Literal, Merged, Statement, Step


class Target(NamedTuple):
    """bits of a float; lanes of a vector; rows in a block; whether to keep every bit."""

    bits: int
    width: int
    block: int
    exact: bool


class Call(NamedTuple):
    """A kernel to run. tables: the arrays that the descriptor has the addresses of."""

    kind: Kind
    descriptor: Ints
    tables: list[Ints]


class _Dimension(NamedTuple):
    """One loop: how often, and the stride of each access."""

    times: int
    strides: tuple[int, ...]


def calls(statement: Statement, target: Target) -> Iterator[Call]:
    """The calls that run a statement."""
    if isinstance(statement, Merged) and any(is_callback(op) for op, _ in statement.steps):
        target = target._replace(width=1)  # a vector may have lanes to spare, that hold no operand
    yield from _Planner(statement, target).calls()


def _pieces(n: int, sizes: list[int]) -> Iterator[tuple[int, int, int]]:
    """n split into (first, how many, size), each of how many a multiple of its size."""
    first = 0
    for size in sizes:
        count = (n - first) // size * size
        if count:
            yield first, count, size
            first += count


def _powers_below(n: int) -> list[int]:
    """n, n / 2 ... 1."""
    return [n >> k for k in range(n.bit_length())]


class _Planner:
    def __init__(self, statement: Statement, target: Target) -> None:
        self.statement, self.target = statement, target
        self.sums = ""
        self.start = 0.0
        loop = statement.sum if isinstance(statement, Merged) else statement
        accesses: list[Access] = []
        if loop is not None:
            accesses = [loop.result, *loop.operands]
            if loop.op == "mean_over_rows":
                self.sums = "rows"
            elif loop.start is None:
                self.sums = "go on"
            else:
                self.sums, self.start = "start", loop.start
        self.steps: tuple[Step, ...] = ()
        self.kept: tuple[int, ...] = ()
        self.writes = range(0)
        if isinstance(statement, Merged):
            self.writes = range(len(accesses), len(accesses) + len(statement.results))
            accesses += [access for _, access in statement.results]
            accesses += statement.inputs
            self.steps, self.kept = statement.steps, tuple([i for i, _ in statement.results])
        self.accesses = tuple(accesses)
        times = statement.members + (loop.terms if loop is not None else ())
        dimensions = [  # (the strides of the steps' know no terms)
            _Dimension(n, tuple([x.strides[d] if d < len(x.strides) else 0 for x in accesses]))
            for d, n in enumerate(times)
        ]
        self.members = dimensions[: len(statement.members)]
        self.terms = dimensions[len(statement.members) :]
        self.tables = any(x.table is not None for x in self.accesses)
        self.in_rows = [x.literal is None and x.address // SPACE == ROWS for x in self.accesses]

    def calls(self) -> Iterator[Call]:
        if self.statement.rows or self.sums == "rows":
            yield from self._by_rows()
        else:
            yield from self._once()

    def _reuse(self, mover: int, still: int) -> int | None:
        """A loop over members that moves one operand and leaves the other where it is."""
        for d, (_, strides) in enumerate(self.members):
            if strides[mover] and not strides[still]:
                return d
        return None

    # --- a vector of rows -------------------------------------------------------------------------

    def _by_rows(self) -> Iterator[Call]:
        target, mean = self.target, self.sums == "rows"
        tiles: list[int | None] = [None, None]
        vectors = 1
        if self.sums and not self.tables:
            a, b = 1, 2
            if not mean and self.in_rows[1] and not self.in_rows[2]:
                a, b = b, a  # the tile goes along what moves a, the operand that is not per row
            tiles = [self._reuse(b, a), self._reuse(a, b)]
            if tiles[1] is None:
                tiles.reverse()
            if not mean:
                tiles[0] = None
                vectors = min(4, target.block // target.width) if target.width > 1 else 1
        yield from self._tiled(tiles, "rows", target.width, vectors, self.in_rows)

    # --- one number for all rows ------------------------------------------------------------------

    def _once(self) -> Iterator[Call]:
        none = [False] * len(self.accesses)
        if self.tables:
            yield from self._tiled([None, None], "", 1, 1, none)
            return
        lanes = next((d for d in reversed(range(len(self.members))) if self._is_vector(d)), None)
        if lanes is not None:
            yield from self._by_members(lanes)
            return
        tiles: list[int | None] = [None, None]
        if self.sums:
            tiles = [self._reuse(1, 2), self._reuse(2, 1)]
        if tiles[1] is None:
            tiles.reverse()
        steps = self.terms[-1].strides[1:3] if self.terms else ()
        if self.sums and not self.target.exact and 1 in steps and set(steps) <= {0, 1}:
            along = [s == 1 for s in self.terms[-1].strides]
            yield from self._tiled(tiles, "terms", self._width(self.terms[-1].times), 1, along)
        else:
            yield from self._tiled(tiles, "", 1, 1, none)

    def _is_vector(self, d: int) -> bool:
        """Whether this loop over members can be the lanes of a vector."""
        times, strides = self.members[d]
        written = [strides[k] for k in self.writes]
        return times > 1 and set(written) == {1} and set(strides) <= {0, 1}

    def _by_members(self, lanes: int) -> Iterator[Call]:
        """The vector goes along one loop over members, which becomes the innermost."""
        times, strides = self.members[lanes]
        others = [x for d, x in enumerate(self.members) if d != lanes]
        along = [s == 1 for s in strides]
        width = self._width(times)
        sizes = [4 * width] if self.sums else []
        for first, count, size in _pieces(times, [*sizes, 1]):
            vectors = 4 if size > 1 else -(-count // width) if self.sums else 1
            part = self._with_members([*others, _Dimension(count, strides)])
            part.accesses = tuple(
                [
                    x if x.literal is not None else x._replace(address=x.address + first * s)
                    for x, s in zip(self.accesses, strides, strict=True)
                ]
            )
            tile = len(others) - 1 if others and self.sums else None
            yield from part._tiled([tile, None], "members", width, vectors, along)

    def _width(self, n: int) -> int:
        """Lanes enough for n numbers, if a vector has that many."""
        width = self.target.width
        while width > 2 and width // 2 >= n:
            width //= 2
        return width

    def _with_members(self, members: list[_Dimension]) -> "_Planner":
        part = _Planner(self.statement, self.target)
        part.members = members
        return part

    # --- calls ------------------------------------------------------------------------------------

    def _tiled(
        self, tiles: list[int | None], lanes: str, width: int, vectors: int, along: list[bool]
    ) -> Iterator[Call]:
        """The calls, with the loops of the tile as the two innermost, split into whole tiles."""
        last = [len(self.members) - 1] if lanes == "members" else []
        order = [d for d in range(len(self.members)) if d not in tiles and d not in last]
        order += [d for d in tiles if d is not None] + last
        members = [self.members[d] for d in order]
        still = _Dimension(1, (0,) * len(self.accesses))
        if tiles[1] is None and lanes != "members":
            members.append(still)
            if len(members) < 3:
                members.append(still)
        members = [still] * (3 - len(members)) + members
        if len(members) > 3:  # no room for a still one: no tile
            members = [x for x in members if x is not still][-3:]
            tiles = [None, None]
        most = [1, 1]
        if tiles[1] is not None:
            most = [4, 4] if tiles[0] is not None else [1, 4]
        elif tiles[0] is not None:
            most = [4, 1]
        pieces2 = list(_pieces(members[2].times, _powers_below(most[1])))
        for first1, count1, tile1 in _pieces(members[1].times, _powers_below(most[0])):
            for first2, count2, tile2 in pieces2:
                dims = [
                    members[0],
                    members[1]._replace(times=count1),
                    members[2]._replace(times=count2),
                ]
                offsets = [
                    first1 * members[1].strides[k] + first2 * members[2].strides[k]
                    for k in range(len(self.accesses))
                ]
                yield self._call(dims, offsets, lanes, width, (tile1, tile2, vectors), along)

    def _call(
        self,
        members: list[_Dimension],
        offsets: list[int],
        lanes: str,
        width: int,
        tile: tuple[int, int, int],
        along: list[bool],
    ) -> Call:
        target = self.target
        size = target.bits // 8
        if self.sums == "rows":  # whether four results lie side by side
            side_by_side = tile[1] == 4 and members[2].strides[0] == 1
            along = [side_by_side and width >= 4 and not target.exact, *along[1:]]
        still = _Dimension(1, (0,) * len(self.accesses))
        terms = [still] * (2 - len(self.terms)) + self.terms
        numbers = [x.times for x in (*members, *terms)]
        turn = [1, tile[0], tile[1], 1, width if lanes == "terms" else 1]
        if lanes == "members":
            turn[2] *= tile[2] * width
        loops = tuple([n > step for n, step in zip(numbers, turn, strict=True)])
        whole = {"members": turn[2], "terms": turn[4]}.get(lanes, 1)
        masked = {"members": members[2].times, "terms": terms[1].times}.get(lanes, 0) % whole > 0
        operands, tables = [], []
        for k, access in enumerate(self.accesses):
            if access.literal is not None:
                operands.append(
                    Operand(literal=Literal.of(access.literal), moves=(False, False, False))
                )
                numbers += [0] * 8
                continue
            space, place = divmod(access.address, SPACE)
            unit = size * (target.block if space == ROWS else 1)
            strides = [x.strides[k] for x in (*members, *terms)]
            table, address = "", 0
            if access.table is not None:
                table = MEMBERS if access.table.ndim == 1 else TERMS
                tables.append(np.ascontiguousarray(access.table * unit))
                address = tables[-1].ctypes.data
            moves = (strides[0] != 0, strides[1] != 0, strides[2] != 0)
            operands.append(Operand(along[k], moves, table))
            numbers += [space, (place + offsets[k]) * unit, *[s * unit for s in strides], address]
        places: tuple[tuple[int, int], ...] = ()
        if not self.members and not self.sums and not self.tables:
            at = range(5, len(numbers), 8)
            places = tuple([(int(numbers[k]), int(numbers[k + 1])) for k in at])
            numbers, loops = [], (False,) * 5
        kind = Kind(
            self.steps,
            self.kept,
            self.sums,
            lanes,
            width,
            tile,
            loops,
            masked,
            tuple(operands),
            places,
            Literal.of(self.start),
            target.bits,
            target.exact,
        )
        return Call(kind, np.array(numbers, np.int64), tables)
