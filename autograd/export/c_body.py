"""The body of the C function: straight line by line from the tape, or the rolled loops as loops."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from math import copysign, prod
from typing import NamedTuple

import numpy as np

from autograd.compiler.loops import BUFFERS, ONCE, SPACE, Access, Loop
from autograd.errors import ExportError
from autograd.export.c_functions import expression, kind, number
from autograd.export.portable import Portable

WIDTH = 96  # of a line
MEMBERS, TERMS = "ijk", "uvw"  # the indices of loops


class Body(NamedTuple):
    """tables: of constants and places, before the function. lines: the function's own.

    state: how many numbers it holds meanwhile, at most.
    """

    tables: list[str]
    lines: list[str]
    state: int


# --- straight -------------------------------------------------------------------------------------


def straight(portable: Portable, names: dict[int, str], dtype: str) -> Body:
    """One line for each instruction. names: the C array of each buffer."""
    tape = portable.rolled.tape
    code: dict[int, str] = {}
    counts: Counter[str] = Counter()
    lines = []

    def known(i: int) -> float | None:
        """The number, if it is one already."""
        if tape.ops[i] != "input":
            return tape.number(i)
        buffer, place = portable.rolled.places[tape.args[i][0]]
        constant = buffer == len(portable.arguments) + 1
        return float(portable.constants[place]) if constant else None

    for i in tape.live():
        op, args = tape.ops[i], tape.args[i]
        if op == "constant":
            code[i] = number(args[0], dtype)
        elif op == "input":
            buffer, place = portable.rolled.places[args[0]]
            code[i] = f"{names[buffer]}[{place}]"
        else:
            named = {"inner": "sum"}.get(op, op)
            counts[named] += 1
            name = f"{named}_{counts[named]}"
            if op == "inner":
                pairs = list(zip(args[::2], args[1::2], strict=True))
                if tape.number(pairs[0][0]) == 0.0 and _zero_first_is_idle(pairs, known):
                    pairs = pairs[1:]
                terms = [_product(code[a], code[b]) for a, b in pairs]
                lines += _statement(f"const {kind(dtype)} {name} = ", terms)
            else:
                right = expression(op, [code[x] for x in args], dtype)
                lines += _statement(f"const {kind(dtype)} {name} = ", [right])
            code[i] = name
    for value, (buffer, place) in zip(tape.outputs, portable.rolled.output_places, strict=True):
        lines.append(f"{names[buffer]}[{place}] = {code[value]};")
    return Body([], lines, sum(counts.values()))


def _zero_first_is_idle(
    pairs: Sequence[tuple[int, int]], known: Callable[[int], float | None]
) -> bool:
    """Whether 0.0 + 1.0 * ... may go: it matters only where all that follow are zeros."""
    if known(pairs[0][1]) != 1.0:
        return False
    return any(known(a) and known(b) for a, b in pairs[1:])


def _product(a: str, b: str) -> str:
    if b == "1.0" or b == "1.0f":
        return a
    return f"-{a}" if b in ("(-1.0)", "(-1.0f)") else f"{a} * {b}"


def _statement(left: str, terms: Sequence[str]) -> list[str]:
    """`left` and the sum of the terms, over as many lines as that takes."""
    lines, line = [], left
    for k, term in enumerate(terms):
        sign = " + " if k else ""
        if k and term.startswith("-"):
            sign, term = " - ", term[1:]
        if k and len(line) + len(sign) + len(term) > WIDTH - 5:
            lines.append(line)
            line = "    " + sign.lstrip() + term
        else:
            line += sign + term
    return [*lines, line + ";"]


# --- loops ----------------------------------------------------------------------------------------


def loops(portable: Portable, names: dict[int, str], dtype: str, static: bool) -> Body:
    """The rolled loops. static: keep what is computed meanwhile off the stack."""
    return _Loops(portable, names, dtype).body(static)


class _Loops:
    def __init__(self, portable: Portable, names: dict[int, str], dtype: str) -> None:
        program = portable.rolled.program
        self.program, self.names, self.dtype = program, names, dtype
        self.type = kind(dtype)
        # the number of rows, and 1 over it, come after the literals; an export has no rows
        self.first = len(program.constants) + 2
        self.state = program.once - self.first
        self.tables: dict[bytes, tuple[str, str]] = {}
        self.literals = False
        sizes = [*portable.rolled.input_widths, *portable.rolled.output_widths, program.once, 2**14]
        self.long = max(sizes) >= 2**15
        self.loops = program.before + program.after  # there are no rows
        self.chains = _chains(self.loops)
        self.segments: list[tuple[int, str]] = []  # where each named part of the memory begins
        self._name_segments()

    def _name_segments(self) -> None:
        """A name for what loops of one operation compute side by side."""
        counts: Counter[str] = Counter()
        found: list[tuple[int, int, str]] = []
        for loop in self.loops:
            low, high = _range(loop.result, loop.members)
            if low // SPACE == ONCE:
                found.append((low, high, {"inner": "sum"}.get(loop.op, loop.op)))
        end, last = -1, ""
        for low, high, op in sorted(found):
            if low > end or op != last:
                counts[op] += 1
                self.segments.append((low, f"{op}_{counts[op]}"))
                last = op
            end = max(end, high + 1)

    def body(self, static: bool) -> Body:
        lines: list[str] = []
        for chain in self.chains:
            lines += self._sums(chain) if chain[0].is_sum else self._each(chain[0])
        head = []
        if self.state:
            memory = f"{self.type} work[{self.state}];"
            head.append(f"static {memory}" if static else memory)
            for start, name in self.segments:
                place = f" + {start - self.first}" if start > self.first else ""
                head.append(f"{self.type} *const {name} = work{place};")
        tables = [text for _, text in self.tables.values()]
        if self.literals:
            tables.insert(0, array("literals", self.program.constants, self.dtype))
        return Body(tables, [*head, *lines], self.state)

    # --- statements -------------------------------------------------------------------------------

    def _each(self, loop: Loop) -> list[str]:
        """One operation for all members."""
        heads, indices = self._heads(loop.members, MEMBERS)
        operands = [self._read(x, loop.members, indices, ()) for x in loop.operands]
        target = self._read(loop.result, loop.members, indices, ())
        right = expression(loop.op, operands, self.dtype)
        return _nested(heads, _statement(f"{target} = ", [right]))

    def _sums(self, chain: list[Loop]) -> list[str]:
        """A sum of products, or several of them for all members."""
        first = chain[0]
        heads, indices = self._heads(first.members, MEMBERS)
        target = self._read(first.result, first.members, indices, ())
        start = target if first.start is None else number(first.start, self.dtype)
        if all(prod(loop.terms) == 1 for loop in chain):
            terms = [self._term(loop, indices) for loop in chain]
            if first.start is None or not _is_minus_zero(first.start):  # -0.0 + x is x
                terms.insert(0, start)
            return _nested(heads, _statement(f"{target} = ", terms))
        lines = [f"{self.type} s = {start};"]
        for loop in chain:
            term_heads, term_indices = self._heads(loop.terms, TERMS)
            term = self._term(loop, indices, term_indices)
            lines += _nested(term_heads, _statement("s += ", [term]))
        return _nested(heads, [*lines, f"{target} = s;"], block=True)

    def _term(self, loop: Loop, indices: Sequence[str], terms: Sequence[str] = ()) -> str:
        terms = terms or ("",) * len(loop.terms)
        a, b = (self._read(x, loop.members, [*indices, *terms], loop.terms) for x in loop.operands)
        return _product(a, b)

    def _heads(self, times: tuple[int, ...], letters: str) -> tuple[list[str], list[str]]:
        """The loops that run more than once; of all, the index, or nothing."""
        indices = [x if n > 1 else "" for x, n in zip(letters, times, strict=False)]
        whole = "long" if self.long else "int"
        pairs = zip(indices, times, strict=True)
        heads = [f"for ({whole} {x} = 0; {x} < {n}; {x}++)" for x, n in pairs if x]
        return heads, indices

    # --- places -----------------------------------------------------------------------------------

    def _read(
        self,
        access: Access,
        members: tuple[int, ...],
        indices: Sequence[str],
        terms: tuple[int, ...],
    ) -> str:
        """An operand or a result: a number, or an element of an array."""
        if access.literal is not None:
            return number(access.literal, self.dtype)
        times = (*members, *terms)
        low, high = _range(access, times)
        if low == high < self.first:
            return number([*self.program.constants, 1.0, 1.0][low], self.dtype)
        steps = [
            x if s == 1 else f"{s} * {x}"
            for s, x in zip(access.strides, indices, strict=False)
            if s and x
        ]
        address = access.address
        if access.table is not None:
            least = int(access.table.min())
            address += least
            linear = self._linear(members if access.table.ndim == 1 else times, indices)
            steps.append(f"{self._table(access.table - least)}[{linear}]")
        name, place = self._array(address, low, high)
        if place or not steps:
            steps.insert(0, str(place))
        return f"{name}[{' + '.join(steps).replace('+ -', '- ')}]"

    def _linear(self, times: tuple[int, ...], indices: Sequence[str]) -> str:
        """The number of the member, and term, that the indices say."""
        parts = []
        for k, x in enumerate(indices[: len(times)]):
            if x:
                below = prod(times[k + 1 :])
                parts.append(x if below == 1 else f"{below} * {x}")
        return " + ".join(parts) or "0"

    def _array(self, address: int, low: int, high: int) -> tuple[str, int]:
        """The array, and the place in it, of an address; low, high: of all that is reached."""
        space, place = divmod(address, SPACE)
        if low // SPACE != space or high // SPACE != space:
            raise ExportError(f"a loop over several arrays; {_REPORT}")
        if space >= BUFFERS:
            return self.names[space - BUFFERS], place
        if low < self.first and high < self.first:
            self.literals = True
            return "literals", place
        if low < self.first:
            raise ExportError(f"a loop over literals and results; {_REPORT}")
        start, name = self.segments[bisect_right(self.segments, (address, "~")) - 1]
        return name, address - start

    def _table(self, table: np.ndarray) -> str:
        """The name of a table of places."""
        key = table.tobytes()
        if key not in self.tables:
            name = f"places_{len(self.tables) + 1}"
            top = int(table.max())
            integer = "unsigned char" if top < 256 else "unsigned short" if top < 2**15 else "long"
            rows = _wrapped([str(int(x)) for x in table.ravel()])
            text = f"static const {integer} {name}[{table.size}] = {{\n{rows}\n}};\n"
            self.tables[key] = name, text
        return self.tables[key][0]


def _is_minus_zero(x: float) -> bool:
    return x == 0.0 and copysign(1.0, x) < 0.0


_REPORT = "this is a fault of ours, please report it with the function"


def _range(access: Access, times: tuple[int, ...]) -> tuple[int, int]:
    """The first and the last address that is reached."""
    ends = [s * (n - 1) for s, n in zip(access.strides, times, strict=False)]
    low = access.address + sum(min(x, 0) for x in ends)
    high = access.address + sum(max(x, 0) for x in ends)
    if access.table is not None:
        low, high = low + int(access.table.min()), high + int(access.table.max())
    return low, high


def _chains(program: list[Loop]) -> list[list[Loop]]:
    """Sums that go on where the one before them ended are one statement."""
    chains: list[list[Loop]] = []
    for loop in program:
        last = chains[-1][-1] if chains else None
        same = last and last.is_sum and loop.is_sum and loop.start is None
        if last and same and last.members == loop.members and _same(last.result, loop.result):
            chains[-1].append(loop)
        else:
            chains.append([loop])
    return chains


def _same(a: Access, b: Access) -> bool:
    return a[:2] == b[:2] and a.table is None and b.table is None


def _nested(heads: Sequence[str], lines: list[str], block: bool = False) -> list[str]:
    """The lines inside the loops. block: they declare a name, and so need one even without."""
    if not heads and block:
        return ["{", *["    " + x for x in lines], "}"]
    for head in reversed(heads):
        lines = [head + " {", *["    " + x for x in lines], "}"]
    return lines


def array(name: str, numbers: Sequence[float], dtype: str, comments: Sequence[str] = ()) -> str:
    """A table of numbers; with comments each has a line of its own."""
    items = [number(x, dtype).strip("()") for x in numbers]
    if any(comments):
        pairs = zip(items, comments, strict=True)
        rows = "\n".join([f"    {x}, /* {c} */" if c else f"    {x}," for x, c in pairs])
    else:
        rows = _wrapped(items)
    return f"static const {kind(dtype)} {name}[{len(items)}] = {{\n{rows}\n}};\n"


def _wrapped(items: Sequence[str]) -> str:
    lines, line = [], "   "
    for item in items:
        if len(line) + len(item) + 2 > WIDTH:
            lines.append(line)
            line = "   "
        line += f" {item},"
    return "\n".join([*lines, line])
