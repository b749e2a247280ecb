"""Writes what editors and type checkers see of the functions and methods made from the table.

`make stubs` runs it after a change of the table; a test compares what it would write with what is
there. The names in `autograd/__init__.py` are kept by hand, and by a test.
"""

from pathlib import Path

from autograd.elementwise import ELEMENTWISE
from autograd.methods import Methods
from autograd.operators import BINARY, COMPARISONS, UNARY
from autograd.primitives import TABLE, Primitive

ROOT = Path(__file__).resolve().parent.parent
HEADER = "# Generated from the table of primitives by `make stubs`; do not edit.\n\n"


def _domain(p: Primitive) -> str:
    """Where the function is real, if not everywhere."""
    parts = []
    for operand, (low, high) in zip(p.operands, p.domain, strict=True):
        name = operand.split("=")[0]
        if low > float("-inf") and high < float("inf"):
            parts.append(f"{low:g} < {name} < {high:g}")
        elif low > float("-inf"):
            parts.append(f"{name} > {low:g}")
    return f" Real for {', '.join(parts)}." if parts else ""


def _signature(p: Primitive, kind: str, skip: int = 0) -> str:
    parts = []
    for operand in p.operands[skip:]:
        name, _, default = operand.partition("=")
        parts.append(f"{name}: {kind}" + (f" = {default}" if default else ""))
    return ", ".join(parts)


def elementwise() -> str:
    """The text of autograd/elementwise.pyi."""
    lines = [
        HEADER,
        "from collections.abc import Callable\n",
        "from typing import Any, overload\n\n",
        "from autograd.primitives import Primitive\n",
        "from autograd.value import Value\n\n",
        "ELEMENTWISE: dict[str, Any]\n\n",
        "def call(p: Primitive, *operands: Any) -> Any: ...\n",
        "def primal(x: Any) -> float: ...\n",
        "def function_of(p: Primitive) -> Callable[..., Any]: ...\n",
    ]
    for name in ELEMENTWISE:
        p = TABLE[name]
        doc = f'    """{p.formula}.{_domain(p)}"""\n'
        if p.arity == 1:
            kinds = [("Value", "Value"), ("float", "float"), ("Any", "Any")]
        else:
            kinds = [("float", "float"), ("Value | float", "Value"), ("Any", "Any")]
        lines.append("\n")
        for operand, result in kinds:
            # A float fits both of the first two overloads, and the first is meant: so the stub that
            # this writes says it to mypy
            overlap = "  # type: ignore[overload-overlap]" * (operand == "float" and p.arity != 1)
            definition = f"def {name}({_signature(p, operand)}) -> {result}:{overlap}\n"
            lines.append(f"@overload\n{definition}{doc}")
            if operand != "Any":
                lines.append("\n")
    return "".join(lines)


def methods() -> str:
    """The text of autograd/methods.pyi."""
    lines = [
        HEADER,
        "from autograd.value import Value\n\n",
        "class Methods:\n",
        '    """The methods of Value that come from the table: x.tanh(), x.exp() ..."""\n',
    ]
    other = "(self, other: Value | float)"
    lines += [f"    def __{name}__{other} -> bool: ...\n" for name in COMPARISONS]
    lines += [f"    def __{r}{name}__{other} -> Value: ...\n" for name in BINARY for r in ("", "r")]
    lines += [f"    def __{name}__(self) -> Value: ...\n" for name in UNARY]
    for name, function in sorted(vars(Methods).items()):
        if name.startswith("_"):
            continue
        if name == "conjugate":
            lines.append("\n    def conjugate(self) -> Value: ...\n")
            continue
        p = TABLE[function.__name__]
        rest = _signature(p, "Value | float", skip=1)
        lines.append(f"\n    def {name}(self{', ' * bool(rest)}{rest}) -> Value:\n")
        lines.append(f'        """{p.formula}.{_domain(p)}"""\n')
    return "".join(lines)


STUBS = {"autograd/elementwise.pyi": elementwise, "autograd/methods.pyi": methods}

if __name__ == "__main__":
    for path, text in STUBS.items():
        (ROOT / path).write_text(text(), encoding="utf-8")
        print("wrote", path)
