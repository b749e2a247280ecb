"""A page for each primitive, made of its entry in the table and of the accuracy measured."""

import ast
import functools
import html
import inspect
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import autograd
import autograd.primitives
from autograd import Value
from autograd.primitives import REAL, TABLE, Interval, Primitive
from autograd.value import apply
from tools import accuracy
from tools.pages.curves import picture
from tools.pages.files import ROOT, fresh, write

OPERATORS = {
    "add": "x + y",
    "sub": "x - y",
    "mul": "x * y",
    "div": "x / y",
    "neg": "-x",
    "pow": "x ** y",
    "abs": "abs(x)",
}
CHAPTERS = {  # the first of each
    "identity": "Arithmetic",
    "exp": "Exponentials and logarithms",
    "sin": "Trigonometric and hyperbolic",
    "sigmoid": "Activations",
    "erf": "Special functions",
    "abs": "Choosing",
    "total": "Any number of operands",
}
SIGNS = {"add": " + ", "sub": " - ", "mul": " * ", "div": " / ", "pow": " ** "}


def write_primitives(folder: Path) -> None:
    """A page and a picture for each entry of the table, and their index."""
    fresh(folder)
    measured = json.loads(accuracy.FILE.read_text(encoding="utf-8"))
    index = [
        "# The primitives",
        "",
        "Every number is made by one of these. A page each: the formula, the derivative, both as a",
        "picture, the domain, the kinks, the contract's special values, and how exact it is.",
    ]
    for p in TABLE.values():
        if p.name in CHAPTERS:
            index += ["", f"## {CHAPTERS[p.name]}", ""]
            index += ["| primitive | value | derivative |", "|---|---|---|"]
        index.append(f"| [`{p.name}`]({p.name}.md) | {_cell(p.formula)} | {_slopes(p)} |")
        picture(p).savefig(folder / f"{p.name}.svg")
        figures = measured["figures"].get(p.name)
        write(folder / f"{p.name}.md", *_page(p, figures, measured["points"]))
    write(
        folder / "index.md", *index, "", "```{toctree}", ":hidden:", *[f"{n}" for n in TABLE], "```"
    )


def _page(p: Primitive, figures: dict[str, Any] | None, points: int) -> Iterable[str]:
    yield from (f"# {p.name}", "", f"{_calls(p)}: {_cell(p.formula)}", "")
    names = accuracy.names_of_operands(p)
    what = f"the value of {p.name} in blue, its local derivative in teal"
    yield from (f"![{what}, by {' and by '.join(names)}]({p.name}.svg)", "")
    yield from (_formulas(p), "")
    yield from ("| | |", "|---|---|")
    yield f"| domain | {_domain(p)} |"
    yield f"| not differentiable | {_kinks(p)} |"
    yield f"| in pictures | {_cell(p.symbol)} |"
    yield from (
        "",
        "The rule, as it stands in the table (`y` is the value, `m` any kind of number):",
        "",
    )
    yield from ("```python", _source(p), "```", "")
    if rows := _contract(p.name):
        yield from ("## Special values", "", "From [the contract](../special-values.md):", "")
        yield from (
            "| expression | at | value | gradient | because |",
            "|---|---|---|---|---|",
            *rows,
            "",
        )
    if figures:
        yield from ("## How exact", "")
        yield "Against mpmath at 50 digits and more, in ulp (units of the last place),"
        yield f"at {points} random operands, half of them of everyday size and half of any size:"
        yield from (
            "",
            "| | engine | 99 of 100 points within | worst | at |",
            "|---|---|---|---|---|",
        )
        for what, engines in figures.items():
            for engine, e in engines.items():
                at = ", ".join(f"{x:.6g}" for x in e["at"]) if e["worst"] else ""
                errors = f"{_ulp(e['usual'])} | {_ulp(e['worst'])}"
                yield f"| {_column(what)} | {engine} | {errors} | {at} |"


def _cell(text: str) -> str:
    """Plain text for the cell of a table."""
    return html.escape(text).replace("|", "&#124;").replace("*", "&#42;").replace("_", "&#95;")


def _ulp(error: float) -> str:
    return "exact" if error == 0.0 else f"{error:.3g}"


def _column(what: str) -> str:
    return what if what == "value" else f"d by {what[1:]}"


def _calls(p: Primitive) -> str:
    names = ", ".join(p.operands) if p.arity is not None else "xs"
    names = "weights, inputs, bias" if p.name == "dot" else names
    ways = [f"`autograd.{p.name}({names})`"]
    if p.name in OPERATORS:
        ways.append(f"`{OPERATORS[p.name]}`")
    elif hasattr(Value, p.name):
        first, *rest = p.operands
        ways.append(f"`{first}.{p.name}({', '.join(rest)})`")
    return " or ".join(ways)


def _slopes(p: Primitive) -> str:
    """The local derivatives on one line, where they are short."""
    if p.arity != 1:
        return ""
    x = Value(accuracy.points(p, 1)[0][0], "x")
    tex = autograd.symbolic(apply(p, x), x).latex.splitlines()[-2].split("&= ", 1)[1]
    return "" if "cases" in tex else f"${tex}$"


def _formulas(p: Primitive) -> str:
    """Value and derivatives by SymPy, through the table's own rule."""
    names = accuracy.names_of_operands(p)
    xs = [Value(x, name) for x, name in zip(accuracy.points(p, 1)[0], names, strict=True)]
    y = apply(p, *xs)
    y.label = "f"
    rows: list[str] = []
    for x in xs:
        value, *slope = autograd.symbolic(y, x).latex.splitlines()[1:-1]
        rows += [value, *slope] if not rows else slope
    lines = [row.removesuffix("\\\\").strip() for row in rows]
    return "$$\n\\begin{aligned}\n" + " \\\\[4pt]\n".join(lines) + "\n\\end{aligned}\n$$"


def _domain(p: Primitive) -> str:
    def interval(name: str, bounds: Interval) -> str:
        low, high = bounds
        if bounds == REAL:
            return f"any {name}"
        return f"{name} > {low:g}" if high == REAL[1] else f"{low:g} < {name} < {high:g}"

    names = accuracy.names_of_operands(p)
    pairs = [(name, p.domain[k % len(p.domain)]) for k, name in enumerate(names)]
    if all(bounds == REAL for _, bounds in pairs):
        return "all numbers"
    return _cell(", ".join(interval(*pair) for pair in pairs))


def _kinks(p: Primitive) -> str:
    call = _entries()[p.name]
    found = [keyword.value for keyword in call.keywords if keyword.arg == "kinks"]
    if not found or not isinstance(found[0], ast.Lambda):
        return "nowhere inside the domain"
    f = found[0]
    names = dict(zip([a.arg for a in f.args.args], accuracy.names_of_operands(p), strict=True))

    class Rename(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.Name:
            return ast.Name(names.get(node.id, node.id))

    zeros = f.body.elts if isinstance(f.body, ast.Tuple) else [f.body]
    return "where " + " or ".join(_zero(Rename().visit(zero)) for zero in zeros)


def _zero(expression: ast.AST) -> str:
    """Where a kink's expression is zero, in words."""
    if isinstance(expression, ast.IfExp):  # no kink at all otherwise
        return f"{_zero(expression.body)}, if `{ast.unparse(expression.test)}`"
    return f"`{ast.unparse(expression).replace('ieee.', '')} = 0`"


@functools.cache
def _entries() -> dict[str, ast.Call]:
    """The calls that enter the primitives into the table."""
    tree = ast.parse(inspect.getsource(autograd.primitives))
    calls = [
        s.value for s in tree.body if isinstance(s, ast.Expr) and isinstance(s.value, ast.Call)
    ]
    return {c.args[0].value: c for c in calls if isinstance(c.args[0], ast.Constant)}  # type: ignore[misc]


def _source(p: Primitive) -> str:
    source = inspect.getsource(autograd.primitives)
    partials = _entries()[p.name].args[4]
    text = ast.get_source_segment(source, partials) or ""
    own = [
        name for name in vars(autograd.primitives) if name.startswith("_") and name + "(" in text
    ]
    if isinstance(partials, ast.Name):
        own = [partials.id]
    helpers = [getattr(autograd.primitives, name) for name in own]
    sources = [inspect.getsource(h).rstrip() for h in helpers if inspect.isfunction(h)]
    return "\n\n\n".join([*sources, *([text] if not isinstance(partials, ast.Name) else [])])


@functools.cache
def _rows() -> list[str]:
    page = (ROOT / "docs" / "special-values.md").read_text(encoding="utf-8")
    return [line for line in page.splitlines() if line.startswith("| `")]


def _contract(name: str) -> list[str]:
    """The rows of the page on special values that are about this primitive."""
    expressions = [(row, row.split("`")[1]) for row in _rows()]
    return [
        row
        for row, text in expressions
        if text.startswith(f"{name}(")
        or (name in SIGNS and SIGNS[name] in text and "(" not in text)
    ]
