"""Rolling: instructions of one kind whose operands move by constant strides become one loop.

A layer's neurons become a matrix-vector loop, whether the user wrote layers or bare sums. What the
machine has to compile then grows with the kinds of work and not with the number of nodes.

How: values of one operation, one level (the longest path to them from the inputs) and one make of
operands form a group. They are laid out side by side in memory, in the order of their operands'
addresses; then nearly every operand of the group moves by constant strides, in one or two or three
loops inside one another. An operand that does not is found through a table of addresses.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from autograd.compiler.loops import BUFFERS, ONCE, ROWS, SPACE, Access, Ints, Loop, Program
from autograd.compiler.strides import cuts_between, double_nests, equal_rows, nest_of, nests
from autograd.compiler.tape import LEAVES, Tape

CHEAP = {"step", "sign", "gt", "ge", "lt", "le", "eq"}  # computed where used, sooner than stored
FEW, FEW_IRREGULAR = 4, 32  # so few members are no loop, so few none through tables


def roll(
    tape: Tape, inputs: Sequence[tuple[int, int]], outputs: Sequence[tuple[int, int]], exact: bool
) -> Program:
    """The program of a tape that `simplify` and `fuse` have been over.

    inputs, outputs: the buffer and the place in it of each input and each output of the tape; the
        buffers of batched inputs and outputs hold one row after another.
    exact: leave the order of sums alone.
    """
    return _Roller(tape, inputs, outputs, exact).program()


class _Roller:
    def __init__(
        self,
        tape: Tape,
        inputs: Sequence[tuple[int, int]],
        outputs: Sequence[tuple[int, int]],
        exact: bool,
    ) -> None:
        self.tape = tape
        self.exact = exact
        self.varies = tape.varies()
        n = len(tape)
        self.address: Ints = np.zeros(n, np.int64)
        self.group: Ints = np.zeros(n, np.int64)  # of the operation that made the value
        self.constant = np.array([op == "constant" for op in tape.ops])
        self.constants: list[float] = []
        self.row_inputs: list[tuple[int, int]] = []
        self.means: list[Ints] = []
        self.sums: list[tuple[int, int]] = []
        self.loops: tuple[list[Loop], list[Loop], list[Loop]] = ([], [], [])
        for i, op, args in tape.instructions():
            if op == "constant":
                self.address[i] = len(self.constants)
                self.constants.append(args[0])
            elif op == "input":
                buffer, place = inputs[args[0]]
                if tape.batched[args[0]]:
                    self.address[i] = ROWS * SPACE + len(self.row_inputs)
                    self.row_inputs.append((buffer, place))
                    self.group[i] = 1
                else:
                    self.address[i] = (BUFFERS + buffer) * SPACE + place
                    self.group[i] = 2 + buffer
        self.rows_count = len(
            self.constants
        )  # where each call puts the number of rows, and 1 over it
        self.once = len(self.constants) + 2
        self.each_row = len(self.row_inputs)
        self.groups = 3 + max([b for b, _ in inputs], default=0)  # the next number of one
        self.outputs = outputs
        self.destination: dict[int, int] = {}  # values that are computed right into an output
        for value, (buffer, place) in zip(tape.outputs, outputs, strict=True):
            if tape.ops[value] not in LEAVES and not self.varies[value]:
                self.destination.setdefault(value, (BUFFERS + buffer) * SPACE + place)

    def program(self) -> Program:
        for key, members in self._groups():
            self._place(key, members)
            # values that lie in different spaces are in different groups for those that use them
            spaces, which = np.unique(self.address[members] // SPACE, return_inverse=True)
            self.group[members] = self.groups + which
            self.groups += len(spaces)
        if self.means:
            self._begin_and_end_means()
        row_outputs = self._copy_outputs()
        return Program(
            *self.loops,
            self.constants,
            self.once,
            self.each_row,
            self.row_inputs,
            row_outputs,
            self.sums,
        )

    # --- groups -----------------------------------------------------------------------------------

    def _groups(self) -> Iterator[tuple[Any, list[int]]]:
        """The groups in an order in which they can be computed, each with its key."""
        tape, varies = self.tape, self.varies
        level, phase = [0.0] * len(tape), [0] * len(tape)
        only_user: dict[int, int | None] = {}  # None if there are several, or it is a result
        constant = self.constant.tolist()
        for i, op, args in tape.instructions():
            if op in LEAVES:
                phase[i] = int(varies[i])
                continue
            level[i] = 1.0 + max([level[x] for x in args])
            phase[i] = 2 if op == "mean_over_rows" else max([phase[x] for x in args])
            for x in args:
                only_user[x] = i if only_user.get(x, i) == i else None
        only_user.update(dict.fromkeys(tape.outputs))
        for i, op in enumerate(tape.ops):
            user = only_user.get(i)
            # (what only inputs decide stays in step with its like, which may have more users)
            if op in CHEAP and level[i] > 1.0 and user is not None:
                level[i] = level[user] - 0.5
        found: dict[Any, list[int]] = {}
        for i, op, args in tape.instructions():
            if op in LEAVES:
                continue
            literal: Any = None
            if op not in ("inner", "mean_over_rows"):
                literal = tuple([x if constant[x] else -1 for x in args])
            here = 1 if op == "mean_over_rows" else phase[i]
            found.setdefault((here, level[i], op, len(args), varies[i], literal), []).append(i)
        # a mean is used after all rows only
        assert not any(varies[i] and phase[i] == 2 for i in range(len(tape)))
        for key in sorted(found, key=lambda key: key[:2]):
            yield key, found[key]

    def _place(self, key: Any, members: list[int]) -> None:
        """Lay out the members of a group and make its loops."""
        phase, _, op, _, rows, _ = key
        loops = self.loops[phase]
        if op in ("inner", "mean_over_rows"):
            parts = self._inner_parts(op, members)
        else:
            parts = self._parts(op, members)
        for ordered, make in parts:
            self._lay_out(ordered, rows)
            loops += make()

    def _lay_out(self, members: Ints, rows: bool) -> None:
        for v in members.tolist():
            if v in self.destination:
                self.address[v] = self.destination[v]
            elif rows:
                self.address[v] = ROWS * SPACE + self.each_row
                self.each_row += 1
            else:
                self.address[v] = self.once
                self.once += 1

    def _destination_keys(self, members: Ints) -> tuple[Ints, Ints]:
        """The space each member is computed into, and the place there if it is an output."""
        to = np.array([self.destination.get(v, 0) for v in members.tolist()], np.int64)
        return to // SPACE, to

    # --- an operation on single values ------------------------------------------------------------

    def _parts(self, op: str, members: list[int]) -> Iterator[Any]:
        values = np.array(members, np.int64)
        operands = np.array([self.tape.args[v] for v in members], np.int64)  # [members, operands]
        literals = [self._literal(operands[:, k]) for k in range(operands.shape[1])]
        if op in ("add", "mul", "eq") and literals == [None, None]:
            # the operands of one kind on one side; the table's functions of these commute but for
            # the bits of a nan
            swap = self.group[operands[:, 0]] > self.group[operands[:, 1]]
            operands[swap] = operands[swap][:, ::-1]
        spaces, to = self._destination_keys(values)
        groups = self.group[operands]
        addresses = self.address[operands]
        keys = [spaces, *[groups[:, k] for k in range(operands.shape[1])], to]
        keys += [addresses[:, k] for k in range(operands.shape[1])]
        order = np.lexsort(keys[::-1])
        values, operands = values[order], operands[order]
        cuts = cuts_between(np.column_stack([spaces, groups])[order])
        if len(cuts) > 3 and len(cuts) * 4 > len(values):  # irregular: fewer loops, through tables
            makes = np.column_stack([spaces, addresses // SPACE])
            again = np.lexsort([*addresses[order].T, *makes[order].T])
            values, operands, cuts = (
                values[again],
                operands[again],
                cuts_between(makes[order][again]),
            )
        for part, args in zip(np.split(values, cuts), np.split(operands, cuts), strict=True):
            yield part, partial(self._loops, op, part, args, literals)

    def _few(self, columns: list[Ints]) -> int:
        """How many members with these operands are too few for a loop."""
        n = len(columns[0])
        if n <= FEW or n > FEW_IRREGULAR:
            return FEW
        nest = nest_of(np.column_stack([self.address[values] for values in columns]))
        return FEW_IRREGULAR if nest is None else FEW

    def _literal(self, values: Ints) -> float | None:
        """The number, if these are all one constant."""
        first = int(values[0])
        return self.tape.number(first) if (values == first).all() else None

    def _loops(
        self, op: str, values: Ints, operands: Ints, literals: list[float | None]
    ) -> list[Loop]:
        if 1 < len(values) <= self._few([values, *operands.T]):  # no loop worth its while
            every = zip(values[:, None], operands[:, None], strict=True)
            return [loop for v, o in every for loop in self._loops(op, v, o, literals)]
        columns = [self.address[values]]
        columns += [self.address[operands[:, k]] for k, c in enumerate(literals) if c is None]
        rows = self.varies[values[0]]
        loops = []
        for members, (result, *accesses) in nests(np.column_stack(columns)):
            found = iter(accesses)
            arguments = tuple([next(found) if c is None else Access(literal=c) for c in literals])
            loops.append(Loop(op, members, (), result, arguments, None, rows))
        return loops

    # --- sums of products -------------------------------------------------------------------------

    def _inner_parts(self, op: str, members: list[int]) -> Iterator[Any]:
        """The members of equal make, term by term."""
        every = np.array(members, np.int64)
        pairs = np.array([self.tape.args[v] for v in members], np.int64)
        pairs = pairs.reshape(len(members), -1, 2)  # [members, terms, 2]
        starts: Any = [(np.arange(len(pairs)), pairs, -0.0)]  # a mean is set to 0.0 before all rows
        if op == "inner":
            starts = self._starts(pairs)
        for which, factors, start in starts:
            factors = self._canonical(factors)
            makes = self.group[factors]
            constant = self.constant[factors]
            makes[constant] = -factors[constant] - 1  # each constant is a make of its own
            space, to = self._destination_keys(every[which])
            flat = np.column_stack([space, makes.reshape(len(makes), -1)])
            for same in equal_rows(flat):
                cuts = cuts_between(makes[same[0]])
                heads = self.address[factors[same][:, [0, *cuts]].reshape(len(same), -1)]
                order = same[np.lexsort([*heads.T[::-1], to[same]])]
                values, segments = every[which][order], np.split(factors[order], cuts, axis=1)
                yield values, partial(self._inner_loops, op, values, segments, start)

    def _starts(self, pairs: Ints) -> Iterator[tuple[Ints, Ints, float]]:
        """Members whose sum starts with one number: which, their other terms, the number.

        A term made of two constants is what the sum starts with (with -0.0 it starts with nothing).
        It stands first, or second, which is the same as the first two commute.
        """
        known: Any = self.constant[pairs].all(axis=2)
        place = np.where(known.any(axis=1), known.argmax(axis=1), -1)
        if self.exact:
            place[place > 1] = -1
        heads = pairs[np.arange(len(pairs)), place]
        heads[place < 0] = -1
        for same in equal_rows(np.column_stack([place, heads])):
            p = int(place[same[0]])
            if p < 0 or pairs.shape[1] == 1:
                yield same, pairs[same], -0.0
            else:
                a, b = (self.tape.args[int(x)][0] for x in heads[same[0]])
                yield same, np.delete(pairs[same], p, axis=1), a * b

    def _canonical(self, factors: Ints) -> Ints:
        """The factors of each term, and unless `exact` the terms, in an order of their own."""
        constant = self.constant[factors]
        groups, addresses = self.group[factors], self.address[factors]
        swap = (groups[..., 0] > groups[..., 1]) | (
            (groups[..., 0] == groups[..., 1]) & (addresses[..., 0] > addresses[..., 1])
        )
        swap = (swap | constant[..., 0]) & ~constant[..., 1]
        factors = np.where(swap[..., None], factors[..., ::-1], factors)
        if self.exact:
            return factors
        groups, addresses = self.group[factors], self.address[factors]
        keys = [addresses[..., 1], addresses[..., 0], groups[..., 1], groups[..., 0]]
        keys.append(
            self.constant[factors][..., 1]
        )  # plain terms last: they merge with what follows
        order = np.lexsort(keys)
        return np.take_along_axis(factors, order[..., None], axis=1)

    def _inner_loops(self, op: str, values: Ints, segments: list[Ints], start: float) -> list[Loop]:
        loops: list[Loop] = []
        rows = self.varies[int(values[0])]
        going_on = op == "mean_over_rows"
        if going_on:
            self.means.append(self.address[values])
        n_terms = sum(f.shape[1] for f in segments)
        few = self._few([values, *[f[:, 0, k] for f in segments for k in (0, 1)]])
        if not going_on and len(values) <= few and len(values) * n_terms <= 8 * few:
            if len(values) > 1:
                for k in range(len(values)):
                    one = [f[k : k + 1] for f in segments]
                    loops += self._inner_loops(op, values[k : k + 1], one, start)
                return loops
            segments = [f[:, k : k + 1] for f in segments for k in range(f.shape[1])]
        for factors in segments:
            literal = self._literal(factors[:, :, 1].ravel())
            columns = [self.address[factors[:, :, 0]]]
            if literal is None:
                columns.append(self.address[factors[:, :, 1]])
            for members, terms, (result, *accesses) in double_nests(self.address[values], columns):
                arguments = tuple(accesses)
                if literal is not None:
                    arguments += (Access(literal=literal),)
                first = None if going_on else start
                loops.append(Loop(op, members, terms, result, arguments, first, rows))
            going_on = True
        return loops

    def _begin_and_end_means(self) -> None:
        """The loops before and after all rows: set to 0.0, and divide by the number of rows."""
        results = np.sort(np.concatenate(self.means))
        for part in np.split(results, np.flatnonzero(np.diff(results) != 1) + 1):
            self.sums.append((int(part[0]), len(part)))
            for members, (result,) in nests(part[:, None]):
                zero = Access(literal=0.0)
                self.loops[0].append(Loop("identity", members, (), result, (zero,), None, False))
                # by the number of rows, or times one over it
                op, place = ("div", self.rows_count) if self.exact else ("mul", self.rows_count + 1)
                factor = Access(ONCE * SPACE + place, (0,) * len(members))
                mean = Loop(op, members, (), result, (result, factor), None, False)
                self.loops[2].insert(0, mean)

    # --- outputs ----------------------------------------------------------------------------------

    def _copy_outputs(self) -> list[tuple[int, int, int]]:
        """Loops that bring to their outputs the values that were not computed right there."""
        pairs, row_outputs = [], []
        for value, (buffer, place) in zip(self.tape.outputs, self.outputs, strict=True):
            address = int(self.address[value])
            if self.varies[value]:
                row_outputs.append((address - ROWS * SPACE, buffer, place))
            elif address != (BUFFERS + buffer) * SPACE + place:
                pairs.append(((BUFFERS + buffer) * SPACE + place, address))
        if pairs:
            columns = np.array(sorted(pairs), np.int64)
            for part in np.split(columns, cuts_between(columns // SPACE)):
                for members, (result, operand) in nests(part):
                    loop = Loop("identity", members, (), result, (operand,), None, False)
                    self.loops[2].append(loop)
        return row_outputs
