"""Numbers, names and formulas in words and in LaTeX, for steps and explanations."""

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from autograd.scope import Scope
from autograd.value import Value

INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**"}
_LATEX_INFIX = {"add": "+", "sub": "-", "mul": r"\cdot", "div": "/"}


def decimal(x: float, digits: int = 6) -> str:
    """The number as Python writes it if that is short, else rounded to so many digits."""
    exact = repr(float(x))
    return exact if len(exact.lstrip("-")) <= digits + 1 else f"{x:.{digits}g}"


def factor(x: float) -> str:
    """The number where something stands before it: a negative one in brackets."""
    return f"({decimal(x)})" if math.copysign(1.0, x) < 0.0 else decimal(x)


def names_of(nodes: Sequence[Value]) -> list[str]:
    """A name for each node, no two alike: its label, else v1, v2 ... in order; L for the last.

    A path such as "layers.0.neurons.1.w.2" becomes l0.n1.w2.
    """
    labels = [None if v.label is None else _short(v.label) for v in nodes]
    count, taken = Counter(labels), set(labels)
    found: list[str] = []
    used: Counter[str] = Counter()
    for i, (v, label) in enumerate(zip(nodes, labels, strict=True)):
        if v.op == "constant":
            name = decimal(v.data)
        elif label is not None and count[label] == 1:
            name = label
        elif label is not None:
            used[label] += 1
            name = _unused(f"{label}#", used[label], taken)
        elif i == len(nodes) - 1 and "L" not in taken:
            name = "L"
        else:
            used[""] += 1
            name = _unused("v", used[""], taken)
        taken.add(name)
        found.append(name)
    return found


def _unused(prefix: str, k: int, taken: Collection[str | None]) -> str:
    while f"{prefix}{k}" in taken:
        k += 1
    return f"{prefix}{k}"


def _short(label: str) -> str:
    if not isinstance(label, Scope):
        return str(label)
    parts = re.findall(r"([^.]+)((?:\.\d+(?![^.]))*)", label)
    return ".".join([name[0] + index.replace(".", "") if index else name for name, index in parts])


INFIX_OPS = {*INFIX, "total", "prod", "dot", "square"}


def formula(op: str, operands: Sequence[str]) -> str:
    """How a value is made of its operands, as Python writes it."""
    if op in INFIX and len(operands) == 2:
        return f"{operands[0]} {INFIX[op]} {operands[1]}"
    if op == "neg":
        return f"-{operands[0]}"
    if op == "total":
        return " + ".join(operands)
    if op == "prod":
        return " * ".join(operands)
    if op == "dot":
        n = len(operands) // 2
        products = [f"{operands[i]} * {operands[n + i]}" for i in range(n)]
        return " + ".join([*products, operands[-1]])
    if op == "square":
        return f"{operands[0]} ** 2"
    return f"{op}({', '.join(operands)})"


def numbers_formula(op: str, operands: Sequence[float]) -> str:
    """The same with numbers in place of names."""
    written = factor if op in INFIX_OPS or op == "neg" else decimal
    return formula(op, [written(x) for x in operands])


def latex_formula(op: str, operands: Sequence[str]) -> str:
    """The same in LaTeX, of operands in LaTeX."""
    if op == "div":
        return rf"\frac{{{operands[0]}}}{{{operands[1]}}}"
    if op in _LATEX_INFIX:
        return f" {_LATEX_INFIX[op]} ".join(operands)
    if op == "pow":
        return rf"{{{operands[0]}}}^{{{operands[1]}}}"
    if op == "square":
        return rf"{{{operands[0]}}}^{{2}}"
    if op == "neg":
        return f"-{operands[0]}"
    if op == "sqrt":
        return rf"\sqrt{{{operands[0]}}}"
    if op == "total":
        return " + ".join(operands)
    if op == "prod":
        return r" \cdot ".join(operands)
    if op == "dot":
        n = len(operands) // 2
        products = [rf"{operands[i]} \cdot {operands[n + i]}" for i in range(n)]
        return " + ".join([*products, operands[-1]])
    name = {"sigmoid": r"\sigma"}.get(op, rf"\operatorname{{{latex_text(op)}}}")
    return rf"{name}\left({', '.join(operands)}\right)"


_GREEK = "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau"
_GREEK += "|upsilon|phi|chi|psi|omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega"
_LETTER = re.compile(rf"([A-Za-z]|{_GREEK})(?:_?([0-9]+)|_([A-Za-z]+))?")


def latex_name(name: str) -> str:
    """A name in LaTeX: a letter, Greek ones too, with its index as x_{1}; longer ones upright."""
    found = _LETTER.fullmatch(name)
    if found is None:
        return rf"\mathrm{{{latex_text(name)}}}"
    letter, number, word = found.groups()
    letter = letter if len(letter) == 1 else f"\\{letter}"
    index = rf"\mathrm{{{word}}}" if word and len(word) > 1 else number or word
    return f"{letter}_{{{index}}}" if index else letter


def latex_names(names: Iterable[str]) -> dict[str, str]:
    """Each name in LaTeX; those that would look alike, as x1 and x_1, as they are spelled."""
    found = {name: latex_name(name) for name in names}
    count = Counter(found.values())
    return {
        name: tex if count[tex] == 1 else rf"\mathrm{{{latex_text(name)}}}"
        for name, tex in found.items()
    }


def latex_number(x: float) -> str:
    """A number in LaTeX, a negative one in brackets."""
    if math.isnan(x):
        return r"\mathrm{nan}"
    if math.isinf(x):
        return r"\infty" if x > 0.0 else r"\left(-\infty\right)"
    text = decimal(abs(x))
    if "e" in text:
        digits, exponent = text.split("e")
        text = rf"{digits} \cdot 10^{{{int(exponent)}}}"
    return rf"\left(-{text}\right)" if math.copysign(1.0, x) < 0.0 else text


_SPECIAL = {c: f"\\{c}" for c in "#$%&_{}"} | {
    "\\": r"\backslash ",
    "^": r"\hat{\ }",
    "~": r"\sim ",
    " ": r"\ ",
    # a page that shows the formula may take these for HTML
    "<": r"\lt ",
    ">": r"\gt ",
}


def latex_text(text: str) -> str:
    """Any text, for upright letters: what LaTeX would take for a command is escaped."""
    return "".join([_SPECIAL.get(c, c if c.isprintable() else "?") for c in text])
