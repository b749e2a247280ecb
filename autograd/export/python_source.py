"""to_python: a traced function, its value and its gradient, as a Python module that needs `math`.

A small function is written line by line, a large one as its rolled loops. Each number is computed
as the eager engine does it, by the same functions; the module is run at once and held against it.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any, final

from autograd.compiler.callbacks import is_callback
from autograd.errors import ExportError
from autograd.export.portable import Agreement, Portable, Slot
from autograd.export.python_body import Loops, Names, Straight, is_number
from autograd.export.python_functions import functions
from autograd.files import write_file

STRAIGHT = 200  # so many instructions are written line by line
OPERANDS = 1000  # of all of them together: Python's parser nests the terms of a sum


@final
class PythonSource:
    """A function as a Python module of its own: print it, or save it.

    source: all of it. function: its name in it. agreement: how near it is to the eager engine.
    """

    def __init__(self, portable: Portable) -> None:
        for op in portable.rolled.tape.ops:
            if is_callback(op):
                raise ExportError(
                    f"the primitive {op!r} is computed by a Python function of its own, which "
                    "cannot be written out; write its forward over m, as an expression"
                )
        names = Names()
        self.function = names.new(portable.name)
        body = Straight(portable, names) if _is_small(portable) else Loops(portable, names)
        parameters = ", ".join(body.parameters)
        lines = [f"def {self.function}({parameters}):", *_described(portable, body.parameters)]
        lines += ["    " + line for line in body.lines]
        written = "\n".join([*body.tables, *lines])
        used = {*body.used, *(["math"] if "math." in written else [])}
        parts = (functions(used), "\n".join(body.tables), "\n".join(lines))
        code = "\n\n\n".join(part for part in parts if part)
        self.agreement: Agreement = portable.agreement(_runner(portable, code, self.function))
        self.source = f'"""Written by glassgrad; {self.agreement}."""\n\n{code}\n'

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the module. Raises as `autograd.write_file`."""
        write_file(path, self.source)

    def __str__(self) -> str:
        return self.source

    def __repr__(self) -> str:
        count = self.source.count("\n")
        return f"<Python {self.function}: {count:,} lines; {self.agreement}>"


def _is_small(portable: Portable) -> bool:
    tape = portable.rolled.tape
    live = tape.live()
    return len(live) <= STRAIGHT and OPERANDS >= sum(len(tape.args[i]) for i in live) <= OPERANDS


def _described(portable: Portable, parameters: Sequence[str]) -> list[str]:
    """The docstring. Structures are shown by `ascii`, of which nothing can end a comment."""

    def what(name: str, slot: Slot) -> str:
        if is_number(slot):
            return f"{name}: a number"
        shown = "".join(c if c.isprintable() else "?" for c in ascii(slot.structure))
        return f"{name}: {slot.size} numbers, in the order of {shown:.60}"

    pairs = zip(parameters, portable.arguments, strict=True)
    results = ", ".join(slot.name for slot in portable.results)
    lines = [what(name, slot) for name, slot in pairs]
    lines += [what(slot.name, slot) for slot in portable.results]
    return [f"    # gives {results}", *[f"    # {line}" for line in lines]]


def _runner(portable: Portable, code: str, function: str) -> Callable[..., Any]:
    """What was written, run: from flat arrays to flat arrays."""
    scope: dict[str, Any] = {"__name__": "written"}
    exec(compile(code, f"<{function}>", "exec"), scope)

    def run(*arrays: Any) -> list[Any]:
        pairs = zip(portable.arguments, arrays, strict=True)
        found = scope[function](*[a.item() if is_number(s) else a.tolist() for s, a in pairs])
        return list(found) if len(portable.results) > 1 else [found]

    return run
