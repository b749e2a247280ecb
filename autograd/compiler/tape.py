"""The tape: a program of scalars as a list of instructions, each computing one value, once.

Instruction i computes value i from values before it (static single assignment). Every pass of the
compiler takes a tape and gives a tape; `verify` says whether one is well formed, `str(tape)` prints
it. An operand is the number of a value, an int; where an instruction is being written it may also
be a float, which becomes a constant.
"""

import math
import struct
from collections.abc import Callable, Iterator
from typing import Any

from autograd.primitives import BUILT_IN, TABLE

Operand = int | float


def _take(index: float, *rows: float) -> float:
    inside = 0.0 <= index < len(rows) and index == int(index)
    return rows[int(index)] if inside else math.nan


def _inner(*operands: float) -> float:
    """a1*b1 + a2*b2 + ..., from left to right and without a 0.0 in front."""
    total = operands[0] * operands[1]
    for i in range(2, len(operands), 2):
        total += operands[i] * operands[i + 1]
    return total


# What a tape knows beside the table of primitives, floats -> float. Comparisons are flat; the rules
# of `take` and `inner` stand in differentiate.py.
# There is one more, "mean_over_rows": of a batch, the mean of each row's `inner`.
EXTRA: dict[str, Callable[..., float]] = {
    "gt": lambda a, b: float(a > b),
    "ge": lambda a, b: float(a >= b),
    "lt": lambda a, b: float(a < b),
    "le": lambda a, b: float(a <= b),
    "eq": lambda a, b: float(a == b),
    "take": _take,
    "largest": lambda *xs: max(xs),
    "inner": _inner,
}


class _Known(dict[str, Any]):
    """By operation; what a user has entered into the table since is looked up there, each time."""

    def __init__(self, field: str) -> None:
        super().__init__({name: getattr(TABLE[name], field) for name in BUILT_IN})
        self.field = field

    def __missing__(self, op: str) -> Any:
        return getattr(TABLE[op], self.field)


FORWARD = _Known("forward")
FORWARD.update(EXTRA)
ARITY = _Known("arity")
ARITY.update(dict.fromkeys(EXTRA, 2))
ARITY.update({"take": None, "largest": None, "inner": None, "mean_over_rows": None})
LEAVES = ("input", "constant")


class Tape:
    """The instructions, and which values are the results.

    ops, args: of each instruction, its operation and its operands. "input" has the number of the
        input in place of operands, "constant" its number.
    batched: for each input, whether it differs from row to row of a batch.
    outputs: the values that are results.
    """

    def __init__(self) -> None:
        self.ops: list[str] = []
        self.args: list[tuple[Any, ...]] = []
        self.batched: list[bool] = []
        self.outputs: list[int] = []
        self._constants: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self.ops)

    def input(self, batched: bool = False) -> int:
        """A further input."""
        self.ops.append("input")
        self.args.append((len(self.batched),))
        self.batched.append(batched)
        return len(self.ops) - 1

    def constant(self, number: float) -> int:
        """The value that is this number; one for each number, told by its bits."""
        key = struct.pack("d", number)
        i = self._constants.get(key)
        if i is None:
            i = self._constants[key] = len(self.ops)
            self.ops.append("constant")
            self.args.append((number,))
        return i

    def apply(self, op: str, operands: tuple[Operand, ...]) -> int:
        """A further instruction."""
        for x in operands:
            if type(x) is float:
                operands = tuple([self.constant(x) if type(x) is float else x for x in operands])
                break
        self.ops.append(op)
        self.args.append(operands)
        return len(self.ops) - 1

    def number(self, i: Operand) -> float | None:
        """The number, if this value is a constant."""
        if type(i) is float:
            return i
        return self.args[i][0] if self.ops[i] == "constant" else None  # type: ignore[index]

    def instructions(self) -> Iterator[tuple[int, str, tuple[Any, ...]]]:
        """(value, operation, operands) one after another."""
        return zip(range(len(self.ops)), self.ops, self.args, strict=True)

    def live(self) -> list[int]:
        """The instructions that a result depends on, in order."""
        used = set(self.outputs)
        for i in range(len(self) - 1, -1, -1):
            if i in used and self.ops[i] not in LEAVES:
                used.update(self.args[i])
        return sorted(used)

    def varies(self) -> list[bool]:
        """For each value, whether it differs from row to row of a batch."""
        if True not in self.batched:
            return [False] * len(self)
        varies: list[bool] = []
        for op, args in zip(self.ops, self.args, strict=True):
            if op == "input":
                varies.append(self.batched[args[0]])
            elif op == "constant" or op == "mean_over_rows":
                varies.append(False)
            else:
                varies.append(True in [varies[x] for x in args])
        return varies

    def __str__(self) -> str:
        lines = []
        for i, op, args in self.instructions():
            if op in LEAVES:
                text = repr(args[0])
            elif len(args) > 12:
                text = ", ".join(f"%{x}" for x in args[:6])
                text += f", ... {len(args) - 8} more ..., %{args[-2]}, %{args[-1]}"
            else:
                text = ", ".join(f"%{x}" for x in args)
            lines.append(f"%{i} = {op}({text})")
        outputs = ", ".join(f"%{x}" for x in self.outputs[:12])
        if len(self.outputs) > 12:
            outputs += f", ... {len(self.outputs) - 12} more"
        return "\n".join([*lines, f"return {outputs}"])


class Namespace:
    """`m` for the table's rules and the compiler's laws: its functions record on a tape."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    def __getattr__(self, op: str) -> Callable[..., int]:
        apply = self._tape.apply

        def record(*operands: Operand) -> int:
            return apply(op, operands)

        setattr(self, op, record)  # found without coming here the next time
        return record


def verify(tape: Tape) -> Tape:
    """The tape itself, if it is well formed. Raises AssertionError, with the place, if not."""
    n = len(tape)
    for i, op, args in tape.instructions():
        if op == "input":
            assert 0 <= args[0] < len(tape.batched), f"%{i}: there is no input {args[0]}"
            continue
        if op == "constant":
            assert len(args) == 1, f"%{i}: a constant is one number"
            assert type(args[0]) is float, f"%{i}: a constant is a float, not {args[0]!r}"
            continue
        assert op in ARITY or op in TABLE, f"%{i}: unknown operation {op!r}"
        arity = ARITY[op]
        fits = len(args) == arity if arity is not None else len(args) > 0
        assert fits, f"%{i}: {op} with {len(args)} operands"
        pairs = op not in ("inner", "mean_over_rows") or len(args) % 2 == 0
        assert pairs, f"%{i}: {op} takes pairs of factors"
        kinds = set(map(type, args))
        assert kinds == {int}, f"%{i}: operands are numbers of values, not {args!r:.80}"
        before = min(args) >= 0 and max(args) < i
        assert before, f"%{i}: of its operands {args!r:.80} some are not computed before it"
    for x in tape.outputs:
        assert 0 <= x < n, f"result {x!r} is not a value of the tape"
    return tape
