"""The body of a function in Python: line by line, or as loops over lists."""

import builtins
import keyword
import re
from collections.abc import Iterable, Sequence
from itertools import count
from math import copysign, inf, isfinite, isnan

from autograd.compiler.loops import BUFFERS, ONCE, SPACE, Access, Loop
from autograd.export.portable import Portable, Slot
from autograd.export.python_functions import TAKE, reserved

SHORT = 40  # characters of an expression that is written inside another, if used once
WIDTH = 96
INFIX = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "gt": ">",
    "ge": ">=",
    "lt": "<",
    "le": "<=",
    "eq": "==",
}
ARITHMETIC = ("add", "sub", "mul")


def is_number(slot: Slot) -> bool:
    return bool(slot.structure == ".")


class Names:
    """Names that are free: no keyword, nothing built in, none of the functions'."""

    def __init__(self) -> None:
        self._taken = {*keyword.kwlist, *dir(builtins), *reserved(), "math"}

    def new(self, wish: str) -> str:
        name = re.sub(r"\W", "_", wish, flags=re.ASCII) or "x"
        name = "x" + name if name[0].isdigit() else name
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name


def literal(x: float) -> str:
    if isfinite(x):
        return repr(x)
    if isnan(x):
        return "math.nan"
    return "math.inf" if x == inf else "-math.inf"


class _Body:
    """What a function is made of.

    parameters: their names. lines: of the function. tables: statements before it. used: the names
    of the functions it calls. in_brackets: operands that need none in a call or a list.
    """

    def __init__(self, portable: Portable, names: Names) -> None:
        self.portable, self.names = portable, names
        self.parameters = [names.new(slot.name) for slot in portable.arguments]
        self.lines: list[str] = []
        self.tables: list[str] = []
        self.used: set[str] = set()
        self.in_brackets: set[str] = set()

    def call(self, op: str, operands: Sequence[str]) -> str:
        """The operation as an expression; operands that are no single word are in brackets."""
        if op in ARITHMETIC:
            return f" {INFIX[op]} ".join(operands)
        if op in INFIX:
            return f"float({operands[0]} {INFIX[op]} {operands[1]})"
        if op in ("identity", "stop_gradient"):
            return operands[0]
        if op == "neg":
            return f"-{operands[0]}"
        if op == "where":
            return f"{operands[1]} if {operands[0]} else {operands[2]}"
        if op == "largest":
            return f"max([{', '.join(operands)}])"
        if op == "inner":
            pairs = zip(operands[::2], operands[1::2], strict=True)
            return " + ".join(a if b == "1.0" else f"{a} * {b}" for a, b in pairs)
        name = TAKE if op == "take" else op
        self.used.add(name)
        return f"{name}({', '.join(map(self.bare, operands))})"

    def bare(self, word: str) -> str:
        return word[1:-1] if word in self.in_brackets else word


# --- line by line ---------------------------------------------------------------------------------


class Straight(_Body):
    def __init__(self, portable: Portable, names: Names) -> None:
        super().__init__(portable, names)
        rolled = portable.rolled
        tape = rolled.tape
        places = self._inputs()
        live = tape.live()
        uses = dict.fromkeys(range(len(tape)), 0)
        for i in live:
            for x in () if tape.ops[i] in ("input", "constant") else tape.args[i]:
                uses[x] += 1
        for y in tape.outputs:
            uses[y] += 1
        words: dict[int, str] = {}
        numbers = count()
        for i in live:
            op, args = tape.ops[i], tape.args[i]
            if op == "input":
                words[i] = places[rolled.places[args[0]]]
            elif op == "constant":
                words[i] = literal(args[0])
            else:
                text = self.call(op, [words[x] for x in args])
                if uses[i] == 1 and len(text) <= SHORT:
                    apart = op in (*ARITHMETIC, "neg", "where", "inner")
                    words[i] = f"({text})" if apart else text
                    self.in_brackets |= {words[i]} if apart else set()
                else:
                    words[i] = names.new(f"t{next(numbers)}")
                    self.lines += _wrapped(f"{words[i]} = ", text)
        self._return(words)

    def _inputs(self) -> dict[tuple[int, int], str]:
        """The name of each number that comes in, by its buffer and place."""
        places: dict[tuple[int, int], str] = {}
        for k, (name, slot) in enumerate(
            zip(self.parameters, self.portable.arguments, strict=True)
        ):
            if is_number(slot):
                self.lines.append(f"{name} = float({name})")
                places[k + 1, 0] = name
            else:
                parts = [self.names.new(f"{name}_{i}") for i in range(slot.size)]
                places |= {(k + 1, i): part for i, part in enumerate(parts)}
                left = _list(parts)[1:-1] + ("," if len(parts) == 1 else "")
                self.lines += (f"[{left}] = map(float, {name})").split("\n")
        for i, v in enumerate(self.portable.rolled.captured):
            name = self.names.new(v.label or "c")
            places[len(self.parameters) + 1, i] = name
            self.lines.append(f"{name} = {literal(v.data)}")
        return places

    def _return(self, words: dict[int, str]) -> None:
        rolled = self.portable.rolled
        results = [["0.0"] * slot.size for slot in self.portable.results]
        for y, (buffer, place) in zip(rolled.tape.outputs, rolled.output_places, strict=True):
            results[buffer - len(self.parameters) - 3][place] = self.bare(words[y])
        pairs = zip(self.portable.results, results, strict=True)
        parts = [found[0] if is_number(slot) else _list(found) for slot, found in pairs]
        self.lines += f"return {', '.join(parts)}".split("\n")


def _list(words: Iterable[str]) -> str:
    """A list, over several lines if need be."""
    lines, line = [], ""
    for word in words:
        if line and len(line) + len(word) + 2 > WIDTH - 8:
            lines.append(line)
            line = ""
        line += f"{word}, "
    lines.append(line.removesuffix(", "))
    return f"[{lines[0]}]" if len(lines) == 1 else "[\n    " + "\n    ".join(lines) + "\n]"


def _wrapped(start: str, text: str) -> list[str]:
    """An assignment; a long sum has a term or several in each line."""
    if len(start) + len(text) <= WIDTH or " + " not in text or "(" in text:
        return [start + text]
    lines, line = [], ""
    for k, term in enumerate(text.split(" + ")):
        word = f"+ {term}" if k else term
        if line and len(line) + len(word) + 1 > WIDTH - 8:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [f"{start}(", *[f"    {x}" for x in (*lines, line)], ")"]


# --- loops ----------------------------------------------------------------------------------------


class Loops(_Body):
    def __init__(self, portable: Portable, names: Names) -> None:
        super().__init__(portable, names)
        program = portable.rolled.program
        self.work, self.sum = names.new("work"), names.new("s")
        self.results = [names.new(slot.name) for slot in portable.results]
        constants = names.new("CONSTANTS")
        if portable.constants.size:
            numbers = _list([literal(x) for x in portable.constants.tolist()])
            self.tables.append(f"{constants} = {numbers}")
        nothing = names.new("nothing")
        # the spaces of addresses: see loops.py; then the buffers, loose numbers first, of which
        # there are none
        self.spaces = {ONCE: self.work}
        buffers = [nothing, *self.parameters, constants, nothing, *self.results]
        self.spaces |= {BUFFERS + k: name for k, name in enumerate(buffers)}
        self._begin([*program.constants, 1.0, 1.0])
        for loop in program.before:  # all of them, where no argument is a batch
            self._loop(loop)
        pairs = zip(portable.results, self.results, strict=True)
        parts = [f"{name}[0]" if is_number(slot) else name for slot, name in pairs]
        self.lines.append(f"return {', '.join(parts)}")

    def _begin(self, constants: list[float]) -> None:
        for name, slot in zip(self.parameters, self.portable.arguments, strict=True):
            if is_number(slot):
                self.lines.append(f"{name} = [float({name})]")
                continue
            self.lines += [
                f"{name} = [*map(float, {name})]",
                f"if len({name}) != {slot.size}:",
                f'    raise ValueError(f"expected {slot.size} numbers, but got {{len({name})}}")',
            ]
        rest = max(self.portable.rolled.program.once - len(constants), 0)
        start = _list([literal(x) for x in constants])
        self.lines += f"{self.work} = {start} + [0.0] * {rest}".split("\n")
        for name, slot in zip(self.results, self.portable.results, strict=True):
            self.lines.append(f"{name} = [0.0] * {slot.size}")

    def _loop(self, loop: Loop) -> None:
        counts = (*loop.members, *loop.terms)
        variables = [f"i{k}" if n > 1 else "" for k, n in enumerate(counts)]
        members = len(loop.members)
        indent = self._open(variables[:members], loop.members, "")
        result = self._at(loop.result, variables, counts, members)
        operands = [self._at(x, variables, counts, members) for x in loop.operands]
        if not loop.is_sum:
            self.lines.append(f"{indent}{result} = {self.call(loop.op, operands)}")
            return
        product = self.call("inner", operands)
        if not any(variables[members:]):
            self.lines.append(f"{indent}{result} {_added(loop.start, product)}")
            return
        start = result if loop.start is None else literal(loop.start)
        self.lines.append(f"{indent}{self.sum} = {start}")
        inside = self._open(variables[members:], loop.terms, indent)
        self.lines.append(f"{inside}{self.sum} += {product}")
        self.lines.append(f"{indent}{result} = {self.sum}")

    def _open(self, variables: Sequence[str], counts: Sequence[int], indent: str) -> str:
        for variable, n in zip(variables, counts, strict=True):
            if variable:
                self.lines.append(f"{indent}for {variable} in range({n}):")
                indent += "    "
        return indent

    def _at(
        self, access: Access, variables: Sequence[str], counts: Sequence[int], members: int
    ) -> str:
        """The operand as an expression of the loops' variables."""
        if access.literal is not None:
            return literal(access.literal)
        moves = [
            (stride, variable)
            for variable, stride in zip(variables, access.strides, strict=False)
            if variable and stride
        ]
        if access.table is None:
            space, place = divmod(access.address, SPACE)
            return f"{self.spaces[space]}[{_index(moves, place)}]"
        # a number of the table for each member, or for each term of each member, counted through
        some = len(counts) if access.table.ndim == 2 else members
        entry = ""
        for variable, n in zip(variables[:some], counts[:some], strict=True):
            if n > 1:
                entry = f"{_factor(entry)} * {n} + {variable}" if entry else variable
        addresses = (access.address + access.table).ravel()
        spaces, places = addresses // SPACE, addresses % SPACE
        at = f"{self._table(places.tolist())}[{entry or 0}]"
        at = f"{_index(moves, 0)} + {at}" if moves else at
        (space,) = set(spaces.tolist())  # what lies in several is rolled into several loops
        return f"{self.spaces[space]}[{at}]"

    def _table(self, numbers: list[int]) -> str:
        name = self.names.new(f"PLACES_{len(self.tables)}")
        self.tables.append(f"{name} = {_list(map(str, numbers))}")
        return name


def _index(moves: Sequence[tuple[int, str]], place: int) -> str:
    """The sum of stride times variable, and the place; what is subtracted stands behind."""
    text = ""
    for stride, variable in sorted(moves, reverse=True):
        step = variable if abs(stride) == 1 else f"{abs(stride)} * {variable}"
        text += f" {'+' if stride > 0 else '-'} {step}"
    if place and text.startswith(" -"):
        return f"{place}{text}"
    text = text.replace(" + ", "", 1) if text.startswith(" + ") else text.strip()
    return f"{text} + {place}" if place and text else text or str(place)


def _factor(text: str) -> str:
    return text if text.isidentifier() else f"({text})"


def _added(start: float | None, product: str) -> str:
    """What stands behind the result of a sum that has one term."""
    if start is None:
        return f"+= {product}"
    if start == 0.0 and copysign(1.0, start) < 0.0:  # -0.0 plus any number is that number
        return f"= {product}"
    return f"= {literal(start)} + {product}"
