"""to_c: a traced function, its value and its gradient, as one C99 file without dependencies.

A small function is written line by line, a large one as its rolled loops (`c_body.py`), with the
functions that it uses (`c_functions.py`). The file is compiled at once and held against the eager
engine (`c_compiler.py`).
"""

import os
import re
import warnings
from collections.abc import Callable, Sequence
from functools import cached_property
from math import prod
from typing import Any, final

from autograd.errors import ExportError
from autograd.export import c_body, c_compiler
from autograd.export.c_functions import functions, kind
from autograd.export.c_names import comment, identifier
from autograd.export.portable import Agreement, Portable, Slot
from autograd.files import write_file

STRAIGHT = 200  # so many instructions are written line by line
STACK = 1 << 20  # bytes of working memory that a stack is trusted with
LISTED = 24  # so many numbers of an argument are named one by one


@final
class CFunction:
    """A function in C99. `source` is all of it; `header` is for the files that call it.

    function: its name in C. dtype: float64 (double) or float32 (float).
    agreement: how near the compiled function is to the eager engine; None if there is no compiler.
    state_size: bytes it needs meanwhile, at most, on the stack, or static if that was asked for.
    """

    def __init__(self, portable: Portable, name: str, dtype: str, static: bool) -> None:
        self.name, self.dtype = name, dtype
        self.function = f"{name}_{'gradient' if portable.gradient else 'value'}"
        self.static = static
        self._portable = portable
        names = _array_names(portable)
        small = len(portable.rolled.tape.live()) <= STRAIGHT
        body = (
            c_body.straight(portable, names, dtype)
            if small
            else c_body.loops(portable, names, dtype, static)
        )
        self.state_size = body.state * (8 if dtype == "float64" else 4)
        if self.state_size > STACK and not static:
            raise ExportError(
                f"{name} needs {self.state_size:,} bytes of working memory, too much for a stack; "
                "pass static=True to have it in static memory (then one call at a time)"
            )
        self._arguments = _used(portable.arguments, names, 1)
        self._results = _used(portable.results, names, len(portable.arguments) + 3)
        parameters = [f"const {kind(dtype)} {x}[{slot.size}]" for x, slot in self._arguments]
        parameters += [f"{kind(dtype)} {x}[{slot.size}]" for x, slot in self._results]
        signature = _wrapped(f"void {self.function}(", parameters)
        about = self._about(small)
        self.header = _header(self.function.upper() + "_H", about, signature)
        self.source = self._file(about, signature, body)
        self.agreement: Agreement | None = None
        compiler = c_compiler.find_compiler()
        if compiler is None:
            warnings.warn(
                f"{name} was written but not run: expected a C compiler (cc, gcc or clang) on the "
                "PATH, but there is none; install one to have every export checked",
                stacklevel=4,
            )
            return
        self.agreement = portable.agreement(self.compiled(compiler, "-O1"), dtype)

    @cached_property
    def flash(self) -> int | None:
        """Bytes of code and tables, as this machine's compiler makes them for size (-Os).

        The C library is not counted. None if there is no compiler, or nothing that weighs.
        """
        compiler = c_compiler.find_compiler()
        return c_compiler.flash(compiler, self.source) if compiler else None

    def save(self, folder: str | os.PathLike[str]) -> tuple[str, str]:
        """Write NAME.c and NAME.h into a folder; gives the two paths. Raises as `write_file`."""
        paths = []
        for suffix, text in ((".c", self.source), (".h", self.header)):
            paths.append(os.path.join(os.fspath(folder), self.name + suffix))
            write_file(paths[-1], text)
        return paths[0], paths[1]

    def compiled(self, compiler: str, *flags: str) -> Callable[..., list[Any]]:
        """The function as this compiler makes it: flat arrays in, flat arrays out.

        Raises ExportError with what the compiler says, if it refuses.
        """
        p = self._portable
        return c_compiler.load(
            compiler, self.source, self.function, p.arguments, p.results, self.dtype, flags
        )

    def __repr__(self) -> str:
        parts = [f"{x}[{slot.size}]" for x, slot in (*self._arguments, *self._results)]
        checked = str(self.agreement) if self.agreement else "not run: there is no C compiler here"
        return (
            f"<C99 {self.function}({', '.join(parts)}), {self.dtype}: "
            f"{self.source.count(chr(10)):,} lines, {self.state_size:,} bytes of state; {checked}>"
        )

    # --- writing ----------------------------------------------------------------------------------

    def _about(self, small: bool) -> list[str]:
        """What a caller must know."""
        p, number = self._portable, kind(self.dtype)
        what = "a value and its gradient" if p.gradient else "a value"
        one_at_a_time = self.static and not small
        where = "in static memory" if one_at_a_time else "on the stack"
        safe = "one call at a time" if one_at_a_time else "any number of calls at a time"
        lines = [
            f"{self.function}: {what}, written by glassgrad.",
            "",
            f"Numbers: {number} ({self.dtype}), in the units of the function, by IEEE 754.",
            "Arrays must not overlap.",
            f"Memory: at most {self.state_size:,} bytes {where}; no heap. Threads: {safe}.",
            "",
        ]
        for title, slots in (("Arguments", self._arguments), ("Results", self._results)):
            lines.append(f"{title}:")
            for name, slot in slots:
                lines += _listed(name, slot)
        return lines

    def _file(self, about: list[str], signature: str, body: c_body.Body) -> str:
        p = self._portable
        code = "\n".join(body.lines)
        read = set(re.findall(r"\w+(?=\[)", code))
        unused = [f"(void){x};" for x, _ in self._arguments if x not in read]
        tables = list(body.tables)
        if "constants" in read:
            labels = [comment(v.label) if v.label else "" for v in p.rolled.captured]
            tables.insert(0, c_body.array("constants", p.constants.tolist(), self.dtype, labels))
        lines = [f"    {x}" for x in (*unused, *body.lines)]
        return "\n".join(
            [
                _block(about),
                "#include <math.h>",
                "",
                *tables,
                *functions(code, self.dtype),
                signature,
                "{",
                *lines,
                "}",
                "",
            ]
        )


def export(
    f: Callable[..., Any],
    examples: Sequence[Any],
    gradient: bool | None,
    name: str | None,
    dtype: str,
    static: bool,
) -> CFunction:
    """What `autograd.export.to_c` does."""
    if dtype not in ("float64", "float32"):
        raise ValueError(f"expected dtype 'float64' or 'float32', but got {dtype!r}")
    portable = Portable(f, examples, gradient)
    if name is None:
        name = getattr(f, "__name__", type(f).__name__.lower())
        name = identifier(name if name.isidentifier() else "f")
    elif not (name.isascii() and name.isidentifier()):
        raise ValueError(
            f"expected a name that is an identifier in C, such as 'xor_net', but got {name!r}"
        )
    return CFunction(portable, name, dtype, static)


def _array_names(portable: Portable) -> dict[int, str]:
    """The C array of each buffer of the loops."""
    names: dict[int, str] = {}
    n = len(portable.arguments)
    numbered = [*enumerate(portable.arguments, 1), *enumerate(portable.results, n + 3)]
    for buffer, slot in numbered:
        names[buffer] = identifier(slot.name, names.values())
    names[n + 1] = "constants"
    return names


def _used(slots: Sequence[Slot], names: dict[int, str], first: int) -> list[tuple[str, Slot]]:
    """The arrays that hold anything: C has none of size 0."""
    return [(names[k], slot) for k, slot in enumerate(slots, first) if slot.size]


def _listed(name: str, slot: Slot) -> list[str]:
    """What each number of an array is in Python."""
    lines = [f"  {name}[{slot.size}]: {comment(str(slot.structure))}"]
    structure = slot.structure
    if isinstance(structure, (list, tuple, str)) and all(x == "." for x in structure):
        return lines
    places = _paths(structure, slot.name)
    for start, size, path in places[:LISTED]:
        where = f"{name}[{start}]" if size == 1 else f"{name}[{start}..{start + size - 1}]"
        lines.append(f"    {where}: {comment(path)}")
    if len(places) > LISTED:
        lines.append(f"    ... and {len(places) - LISTED} more, in the order of Python")
    return lines


def _paths(structure: Any, path: str, start: int = 0) -> list[tuple[int, int, str]]:
    """(first place, how many, where that is in Python); a list of numbers is one line."""
    if isinstance(structure, dict):
        items = [(f"{path}[{key!r}]", item) for key, item in structure.items()]
    elif isinstance(structure, (list, tuple)):
        if len(structure) > 4 and all(x == "." for x in structure):
            return [(start, len(structure), f"{path}[0] to {path}[{len(structure) - 1}]")]
        items = [(f"{path}[{k}]", item) for k, item in enumerate(structure)]
    else:
        shape = [int(n) for n in re.findall(r"\d+", structure)]  # "." or "array(2, 3)"
        return [(start, prod(shape), f"{path}, row by row" if len(shape) > 1 else path)]
    found: list[tuple[int, int, str]] = []
    for where, item in items:
        found += _paths(item, where, start)
        if found:
            start = found[-1][0] + found[-1][1]
    return found


def _wrapped(left: str, parameters: Sequence[str]) -> str:
    line = f"{left}{', '.join(parameters)})"
    if len(line) <= c_body.WIDTH:
        return line
    return left + "\n    " + ",\n    ".join(parameters) + ")"


def _block(lines: Sequence[str]) -> str:
    return "\n".join(["/*", *[f" * {x}".rstrip() for x in lines], " */"])


def _header(guard: str, about: Sequence[str], signature: str) -> str:
    return "\n".join(
        [
            _block(about),
            f"#ifndef {guard}",
            f"#define {guard}",
            "",
            "#ifdef __cplusplus",
            'extern "C" {',
            "#endif",
            "",
            signature + ";",
            "",
            "#ifdef __cplusplus",
            "}",
            "#endif",
            "",
            f"#endif /* {guard} */",
            "",
        ]
    )
